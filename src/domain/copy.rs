//! The copy of a backup at the destination. It has a state of its own: whatever happens to it, a good local backup
//! stays good.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// First wait after an attempt that failed; it doubles with every further one.
const FIRST_WAIT: TimeDelta = TimeDelta::minutes(5);
/// It never grows beyond this.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(6);

/// How far a copy has come. "Uploading" is never saved: it is a pending copy that somebody holds the lock for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CopyState {
    /// Not there yet; nothing has gone wrong.
    Pending,
    /// There, confirmed by the store, with its record beside it.
    Stored,
    /// The last attempt failed; `reason` says why.
    Failed,
    /// It was there, and the store does not have it any more; `reason` says since when that is known.
    Missing,
    /// It was there, and the store has another object by its name; `reason` says what told so.
    Changed,
    /// The backup was deleted, its copy may still be there; `reason` says why.
    Deleting,
    /// The backup was deleted, and the store does not let its copy be removed; `kept_until` says until when, where it tells.
    Kept,
    /// Gone from there too.
    Deleted,
}

/// How a copy stands when somebody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "CopyState")]
pub enum CopyWord {
    /// Not there yet; nothing has gone wrong.
    Pending,
    /// Being copied right now.
    Uploading,
    /// There, confirmed by the store, with its record beside it.
    Stored,
    /// There, and its bytes are others than were sent.
    Damaged,
    /// The last attempt failed.
    Failed,
    /// It was there, and the store does not have it any more.
    Missing,
    /// It was there, and the store has another object by its name.
    Changed,
    /// The backup was deleted, its copy may still be there.
    Deleting,
    /// The backup was deleted, and the store does not let its copy be removed.
    Kept,
    /// Gone from there too.
    Deleted,
}

impl From<CopyState> for CopyWord {
    fn from(state: CopyState) -> CopyWord {
        match state {
            CopyState::Pending => CopyWord::Pending,
            CopyState::Stored => CopyWord::Stored,
            CopyState::Failed => CopyWord::Failed,
            CopyState::Missing => CopyWord::Missing,
            CopyState::Changed => CopyWord::Changed,
            CopyState::Deleting => CopyWord::Deleting,
            CopyState::Kept => CopyWord::Kept,
            CopyState::Deleted => CopyWord::Deleted,
        }
    }
}

/// The word, as in JSON.
impl fmt::Display for CopyWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The copy at the destination, with a state of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopyRecord {
    /// How far it has come.
    pub state: CopyState,
    /// Where it lies, or will.
    pub uri: String,
    /// Why it failed; of a stored copy, when and how its bytes were found to be others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Size of the copy in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Hash of the copy's bytes, lower-case hex. The backup's own, unless the copy alone is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What the store calls these bytes (S3's ETag), where it does: another word is another object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Public keys that the copy alone is encrypted to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encrypted_to: Vec<String>,
    /// Until when the store keeps the bytes of a deleted backup, whatever becomes of the name: its Object Lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_until: Option<DateTime<Utc>>,
    /// When the store confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploaded_at: Option<DateTime<Utc>>,
    /// Hash over the record as it lies beside the copy: when it is another than the record's own, that one is out of date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// Where the copy of its file lies that leans on another base, until this one is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<String>,
    /// A word that goes with every upload of it: an object that carries it is ours, whatever became of the upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// Attempts that failed since the last one that did not.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// Not to be tried again by itself before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<DateTime<Utc>>,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl CopyRecord {
    /// A copy that is to be made at `uri`.
    pub fn pending(uri: String) -> CopyRecord {
        CopyRecord {
            state: CopyState::Pending,
            uri,
            reason: None,
            size: None,
            sha256: None,
            etag: None,
            encrypted_to: Vec::new(),
            kept_until: None,
            uploaded_at: None,
            record: None,
            former: None,
            mark: None,
            attempts: 0,
            retry_at: None,
        }
    }

    /// When and how the bytes of the copy that is there were found to be others than were sent.
    pub fn damage(&self) -> Option<&str> {
        self.reason.as_deref().filter(|_| matches!(self.state, CopyState::Stored | CopyState::Changed))
    }

    /// It was there, and is not, or not as it was: `reason` says how that is known.
    pub fn lost(&mut self, state: CopyState, reason: String) {
        self.settled(state);
        self.reason = Some(reason);
    }

    /// Whether it was there once, so that it can be missed.
    pub fn is_watched(&self) -> bool {
        matches!(self.state, CopyState::Stored | CopyState::Missing | CopyState::Changed)
    }

    /// It is there: `size` bytes with the hash `sha256`.
    pub fn stored(&mut self, size: u64, sha256: String, at: DateTime<Utc>) {
        self.size = Some(size);
        self.sha256 = Some(sha256);
        self.uploaded_at = Some(at);
        self.settled(CopyState::Stored);
    }

    /// The last attempt ended well in `state`.
    pub fn settled(&mut self, state: CopyState) {
        (self.state, self.reason, self.attempts, self.retry_at) = (state, None, 0, None);
    }

    /// It may not be removed before `until`, or never by this host: tried again then, or when somebody asks.
    pub fn kept(&mut self, until: Option<DateTime<Utc>>) {
        self.settled(CopyState::Kept);
        (self.kept_until, self.retry_at) = (until, until);
    }

    /// The last attempt ended in `state` because of `reason`; the next waits longer each time.
    pub fn put_off(&mut self, state: CopyState, reason: String, now: DateTime<Utc>) {
        let wait = FIRST_WAIT * 2i32.saturating_pow(self.attempts.min(16));
        self.retry_at = Some(now + wait.min(LONGEST_WAIT));
        self.attempts = self.attempts.saturating_add(1);
        (self.state, self.reason) = (state, Some(reason));
    }

    /// Whether something is still to be done about it, and not only later.
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        let open = match self.state {
            CopyState::Stored => self.former.is_some(),
            CopyState::Deleted => false,
            CopyState::Kept => self.retry_at.is_some(),
            _ => true,
        };
        open && self.retry_at.is_none_or(|at| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_081_attempts_come_ever_more_rarely() {
        let mut now: DateTime<Utc> = "2026-04-08T14:30:00Z".parse().unwrap();
        let mut copy = CopyRecord::pending("s3://bucket/x".to_owned());
        assert!(copy.is_due(now));
        let mut waits = Vec::new();
        for _ in 0..9 {
            copy.put_off(CopyState::Failed, "no".to_owned(), now);
            assert!(!copy.is_due(now));
            let next = copy.retry_at.unwrap();
            waits.push((next - now).num_minutes());
            now = next;
            assert!(copy.is_due(now));
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 360, 360]);
        copy.stored(1, "a".to_owned(), now);
        assert!(!copy.is_due(now + TimeDelta::days(9)) && copy.attempts == 0);
    }
}
