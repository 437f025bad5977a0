//! What is *computed* about a backup when somebody looks: never saved, so it cannot be out of date.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Backup, Chain, CopyRecord, CopyState, CopyWord, Outcome, Restore, Source, newest};

/// How a run stands, be it a backup or a restore: dFlow's three raw words, exactly these in JSON and in records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// A run, or a deletion, holds the service's lock.
    InProgress,
    /// Finished, checked and durable.
    Success,
    /// Ended without a good dump, or abandoned.
    Failed,
}

impl Status {
    /// The word in lists and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Status::InProgress => "in-progress",
            Status::Success => "success",
            Status::Failed => "failed",
        }
    }
}

/// Where the bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// On this host.
    Here,
    /// Only at the destination.
    Remote,
    /// Here and at the destination.
    Both,
    /// Nowhere, though they ought to be.
    Missing,
    /// Nowhere yet: they are being made.
    Pending,
    /// There never were any good ones: it failed.
    None,
    /// Nowhere any more: it was deleted.
    Deleted,
}

impl Presence {
    /// The word in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Presence::Here => "here",
            Presence::Remote => "remote",
            Presence::Both => "both",
            Presence::Missing => "missing",
            Presence::Pending => "pending",
            Presence::None => "none",
            Presence::Deleted => "deleted",
        }
    }
}

/// What has been shown about the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// Being restored into a disposable database right now.
    Validating,
    /// Durable, hashed and read to the end; nobody restored it.
    Created,
    /// Restored and compared, and still the same bytes.
    Restorable,
    /// The test restore failed.
    VerificationFailed,
    /// The file is gone.
    Missing,
    /// The bytes no longer match their hash.
    Damaged,
}

impl Trust {
    /// The word in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Trust::Validating => "validating",
            Trust::Created => "created",
            Trust::Restorable => "restorable",
            Trust::VerificationFailed => "verification-failed",
            Trust::Missing => "missing",
            Trust::Damaged => "damaged",
        }
    }

    /// The same in a word, where there is no room for more.
    pub fn word(self) -> &'static str {
        match self {
            Trust::Validating => "Validating",
            Trust::Created => "Created",
            Trust::Restorable => "Restorable",
            Trust::VerificationFailed => "Broken",
            Trust::Missing => "Missing",
            Trust::Damaged => "Damaged",
        }
    }

    /// The label a person reads.
    pub fn label(self) -> &'static str {
        match self {
            Trust::Validating => "Validating backup artifact",
            Trust::Created => "Created, not restore-verified",
            Trust::Restorable => "Restorable",
            Trust::VerificationFailed => "Restore verification failed",
            Trust::Missing => "Artifact missing",
            Trust::Damaged => "Artifact damaged",
        }
    }
}

/// A backup as it stands at the moment of looking.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The record, or the draft of one.
    pub backup: Box<Backup>,
    /// Whether it runs, ended well, or did not.
    pub status: Status,
    /// Where its bytes are.
    pub presence: Presence,
    /// False where the record came from the index, which leaves out tables.
    pub complete: bool,
    /// Somebody is checking the bytes right now.
    pub validating: bool,
    /// Somebody is copying them to the destination right now.
    pub uploading: bool,
    /// What the backups it leans on mean for it, and who leans on it.
    pub chain: Chain,
}

/// Whether it holds what its service held: a dump from elsewhere does only once it was restored there, and a stranger's
/// backup is not taken at its word.
pub fn is_of_its_service(backup: &Backup) -> bool {
    let restored = |restore: &Restore| restore.status == Status::Success && restore.target == backup.service.as_str();
    backup.counts() && (backup.source != Source::Imported || backup.restores.iter().any(restored))
}

/// The newest good backup, which is what `--latest` means: of those that this host counts and of which nothing is doubtful.
/// A safety backup is none: what a restore replaced is no way back to what it put there. Dumps from elsewhere that were
/// never restored into the service come last. Whether its bytes are still what they were has to be asked of it: an older one
/// is never taken silently because of that.
pub fn newest_good(backups: &[Listed], now: DateTime<Utc>) -> Option<&Listed> {
    let is_meant = |listed: &&Listed| {
        let backup = &listed.backup;
        backup.is_good()
            && backup.counts()
            && !backup.is_doubtful()
            && backup.source != Source::Safety
            && listed.trust().is_some()
    };
    let good = || backups.iter().filter(is_meant);
    newest(good().filter(|listed| is_of_its_service(&listed.backup)), now).or_else(|| newest(good(), now))
}

impl Listed {
    /// A finished record; `here` says whether the dump's file is in its place with the recorded size.
    pub fn finished(backup: impl Into<Box<Backup>>, here: bool, complete: bool) -> Self {
        let backup = backup.into();
        let status = match backup.status {
            Outcome::Success => Status::Success,
            Outcome::Failed => Status::Failed,
        };
        let presence = match (here, backup.is_remote()) {
            _ if backup.deleted_at.is_some() => Presence::Deleted,
            _ if status == Status::Failed => Presence::None,
            (true, true) => Presence::Both,
            (true, false) => Presence::Here,
            (false, true) => Presence::Remote,
            (false, false) => Presence::Missing,
        };
        Listed { backup, status, presence, complete, validating: false, uploading: false, chain: Chain::default() }
    }

    /// Whether something has to be fetched before it can be read: its own file, or one that it leans on.
    pub fn is_away(&self) -> bool {
        self.presence == Presence::Remote || self.chain.is_away
    }

    /// How far the copy at the destination has come; none where there is to be none.
    pub fn copy_state(&self) -> Option<CopyWord> {
        let copy = self.backup.destination.as_ref()?;
        Some(match copy.damage() {
            _ if self.uploading => CopyWord::Uploading,
            Some(_) if copy.state == CopyState::Stored => CopyWord::Damaged,
            _ => CopyWord::from(copy.state),
        })
    }

    /// What is wrong with the bytes that there are, or with those that they lean on.
    pub fn damage(&self) -> Option<&str> {
        self.own_damage().or(self.chain.damage.as_deref())
    }

    /// What is wrong with its own bytes: those here, or where only the copy is left, that copy's.
    pub fn own_damage(&self) -> Option<&str> {
        let copy = self.backup.destination.as_ref().filter(|_| self.presence == Presence::Remote);
        self.backup.damage.as_deref().or_else(|| copy.and_then(CopyRecord::damage))
    }

    /// Trust in the bytes; none where there were never any good ones, or are none any more by somebody's will.
    pub fn trust(&self) -> Option<Trust> {
        let backup = &self.backup;
        if backup.status != Outcome::Success || self.status == Status::InProgress || backup.deleted_at.is_some() {
            return None;
        }
        Some(if self.presence == Presence::Missing {
            Trust::Missing
        } else if self.validating {
            Trust::Validating
        } else if self.damage().is_some() {
            Trust::Damaged
        } else if backup.is_restorable() {
            Trust::Restorable
        } else if backup.is_refuted() {
            Trust::VerificationFailed
        } else {
            Trust::Created
        })
    }
}
