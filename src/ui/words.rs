//! Figures and times as people read them.

use chrono::{DateTime, Utc};

pub use crate::domain::bytes;
use crate::domain::spell;

/// `2026-04-08 14:30:00 UTC`.
pub fn time(at: DateTime<Utc>) -> String {
    spell(at, "0000-00-00 00:00:00 UTC")
}
