//! How a database is filled.

use std::time::Duration;

/// What filling a database may take.
#[derive(Debug, Clone, Copy)]
pub struct RestoreOptions {
    /// How long it may take.
    pub timeout: Duration,
    /// How many clients work at once where that can be done; at least one.
    pub jobs: usize,
    /// Even for a dump so small that to start them costs more than it saves.
    pub always: bool,
}

/// Bytes of data below which further clients are not worth their start: each costs about a tenth of a second.
const WORTH: u64 = 16 << 20;

impl RestoreOptions {
    /// Whether several clients are to work at once on so much data.
    pub fn is_parallel(&self, data_bytes: u64) -> bool {
        self.jobs > 1 && (self.always || data_bytes >= WORTH)
    }
}
