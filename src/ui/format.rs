//! Figures and times as people read them.

use std::time::Duration;

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

/// `0.4 s`, `12 s`, `3 min 5 s`, `2 h 14 min`.
pub fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        whole @ 10..120 => format!("{whole} s"),
        whole @ 120..7200 => format!("{} min {} s", whole / 60, whole % 60),
        whole => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}
