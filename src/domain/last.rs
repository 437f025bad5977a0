//! How the last thing that was done with a backup ended: what somebody who waits for it wants to know.

use chrono::{DateTime, Utc};

use super::{Backup, Outcome, Restore, Status};

/// The end of an export, a verification or a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last<'a> {
    /// The backup was made.
    Made,
    /// It was not, for this reason.
    NotMade(&'a str),
    /// It was shown to restore.
    Verified,
    /// It was shown not to, or its bytes have changed.
    Unfit(&'a str),
    /// It was restored.
    Restored,
    /// It was not.
    NotRestored(&'a Restore),
}

/// The last of them by time. A restore that is still open has ended in nothing: nobody works on it.
pub fn last(backup: &Backup) -> Last<'_> {
    if backup.status == Outcome::Failed {
        return Last::NotMade(backup.reason.as_deref().unwrap_or("no reason is recorded"));
    }
    // Whatever the clocks said: nothing can be done with a backup before it was made.
    let mut last: (DateTime<Utc>, Last<'_>) = (DateTime::<Utc>::MIN_UTC, Last::Made);
    let verification = backup.verification.iter().map(|verification| {
        let end = verification.reason.as_deref().map_or(Last::Verified, Last::Unfit);
        (verification.at, end)
    });
    let restores = backup.restores.iter().map(|restore| {
        let end = if restore.status == Status::Success { Last::Restored } else { Last::NotRestored(restore) };
        (restore.finished_at.unwrap_or(restore.started_at), end)
    });
    for event in verification.chain(restores) {
        if event.0 >= last.0 {
            last = event;
        }
    }
    match (&backup.damage, last.1) {
        // A restore stands whatever became of the dump afterwards.
        (Some(damage), Last::Made | Last::Verified) => Last::Unfit(damage),
        (_, last) => last,
    }
}
