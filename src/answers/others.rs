//! What single verbs print for programs.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{BackupId, Compression, Frequency};

/// `backups:download -o FILE`
#[derive(Debug, Serialize, JsonSchema)]
pub struct Downloaded<'a> {
    /// The backup's id.
    pub id: &'a BackupId,
    /// The file that was written.
    pub path: String,
    /// How that file is compressed.
    pub compression: Compression,
    /// Whether it is encrypted.
    pub encrypted: bool,
}

/// `backups:unschedule`
#[derive(Debug, Serialize, JsonSchema)]
pub struct Unscheduled<'a> {
    /// The service's name.
    pub service: &'a str,
    /// The schedules that are no more.
    pub removed: &'a [Frequency],
}

/// `backups:forget`
#[derive(Debug, Serialize, JsonSchema)]
pub struct Forgotten<'a> {
    /// The service's name.
    pub service: &'a str,
    /// Records of backups that are no more.
    pub records: usize,
}

/// `backups:logs`
#[derive(Debug, Serialize, JsonSchema)]
pub struct LogLines<'a> {
    /// The backup's id.
    pub id: &'a BackupId,
    /// Somebody is working on the service: there may be more to come.
    pub working: bool,
    /// What was logged, oldest first; each line begins with its time.
    pub lines: Vec<&'a str>,
}

/// `backups:version`
#[derive(Debug, Serialize, JsonSchema)]
pub struct Version {
    /// Always `dokku-backups`.
    pub name: &'static str,
    /// The program's version.
    pub version: &'static str,
}
