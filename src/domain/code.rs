//! What a finding is about: the words that programs rely on.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// There is no good backup.
    NoBackup,
    /// The newest good backup is older than a schedule promised.
    Stale,
    /// Nothing makes backups by itself.
    NoSchedule,
    /// Alarms are switched off for the service: `set SERVICE check off`.
    CheckOff,
    /// The last attempt failed, and nothing good has come since.
    LastFailed,
    /// A newer backup looks wrong beside the ones before it, and is not counted.
    Suspicious,
    /// The newest good backup was never restored.
    Unverified,
    /// The newest good backup was verified long ago.
    VerifiedLongAgo,
    /// A backup does not restore.
    VerificationFailed,
    /// A backup is named by another time than it was made at, or by one to come.
    Future,
    /// The disk is too full for the next dump, or soon will be.
    Room,
    /// The file of a backup is gone.
    Missing,
    /// The bytes of a backup are not those of its record.
    Damaged,
    /// Backups were not made by this host, and are not counted until they were tried here.
    MadeElsewhere,
    /// Backups are not at the destination though they ought to be.
    NotCopied,
    /// The copy of a backup is not at the destination any more.
    CopyMissing,
    /// The copy of a backup is not what was sent.
    CopyDamaged,
    /// Copies were lost at the destination, and were made again.
    CopyLost,
    /// Copies of deleted backups may still be at the destination.
    NotDeleted,
    /// The destination does not do what a copy needs.
    Destination,
    /// The destination is lost with this host, or may be.
    DestinationSameDisk,
    /// Another host has copies at the same place.
    DestinationShared,
    /// The service is gone; its backups are kept.
    Destroyed,
    /// The service is gone, and its schedules run in vain.
    ScheduleWithoutService,
    /// The schedules of a service cannot be read.
    Schedules,
    /// An address that is to be told was not reached.
    NotificationFailed,
    /// A restore has not ended well.
    OpenRestore,
    /// A run was abandoned and is not put away.
    Abandoned,
    /// The records of a service cannot be read.
    Unreadable,
    /// Others may read or write what is ours.
    Modes,
    /// Names in the folder of a service are not ours.
    Foreign,
    /// Something in the data root is not ours.
    Stray,
    /// The data root cannot be used.
    DataRoot,
    /// One of the plugin's triggers is missing or cannot be run.
    Trigger,
    /// The scheduler does not run.
    Scheduler,
    /// The rights cannot be read.
    Rights,
    /// Decisions on rights are not written down.
    AuditLog,
}

/// The word, as in JSON.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
