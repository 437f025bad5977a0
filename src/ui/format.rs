//! Figures and times as people read them.

use chrono::{DateTime, Utc};

pub use crate::domain::bytes;
use crate::domain::{Backup, spell};

/// `2026-04-08 14:30:00 UTC`.
pub fn time(at: DateTime<Utc>) -> String {
    spell(at, "0000-00-00 00:00:00 UTC")
}

/// What caused a backup; what a stranger's record says of that is no more than a claim.
pub fn source(backup: &Backup) -> &'static str {
    if backup.is_stranger() { "elsewhere" } else { backup.source.name() }
}
