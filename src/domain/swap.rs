//! A database that takes the place of another: what must be known to finish or undo it after a crash.

use serde::{Deserialize, Serialize};

/// The names and numbers of one swap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swap {
    /// The live database's name.
    pub live: String,
    /// Object id of the live database before: the name alone does not tell the old one from the new.
    pub live_oid: u32,
    /// Name of the new one until it is in place.
    pub fresh: String,
    /// Name of the old one until it is dropped.
    pub replaced: String,
}

/// Which data the live name means once a swap is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swapped {
    /// The data that was there before.
    Undone,
    /// The restored data.
    Finished,
}

impl Swap {
    /// A swap of `live`, told apart from every other by `mark` (digits).
    pub fn of(live: &str, live_oid: u32, mark: &str) -> Swap {
        Swap {
            live: live.to_owned(),
            live_oid,
            fresh: format!("dokku_backups_new_{mark}"),
            replaced: format!("dokku_backups_old_{mark}"),
        }
    }
}
