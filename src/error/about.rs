//! What programs may want to know of a failure beside its words.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The sort of a failure, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Kind")]
pub enum Word {
    /// The command line is wrong.
    Usage,
    /// The backup, the service or the file that was to be made is there already; `backup` says which backup.
    Exists,
    /// The host is not set up as it must be.
    Config,
    /// There is no such service or backup, or none for the caller: the same words.
    NotFound,
    /// Somebody else is working on the service; `at_work` says who.
    Busy,
    /// Bytes are not what they must be.
    Damaged,
    /// A safety rule said no.
    Refused,
    /// A program that was started failed.
    Child,
    /// Nothing moved for too long.
    Timeout,
    /// There is no room: disk, quota, limit of a file's size, inodes.
    NoSpace,
    /// The operating system refused.
    Io,
    /// The records are not as they must be.
    Catalogue,
    /// The clock cannot be right.
    Clock,
    /// The backup is good and something beside it is not; or some of several failed.
    Partial,
    /// `check` found something failing.
    Check,
    /// A restore stopped after it had begun to change the target.
    RestoreIncomplete,
    /// Ended by a signal.
    Interrupted,
}

/// Who is at work on a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AtWork {
    /// What is being done: the verb.
    pub operation: String,
    /// The backup that it is about; null while that is not known.
    pub id: Option<String>,
    /// When it began; null where that is not known.
    pub started_at: Option<DateTime<Utc>>,
    /// Its process.
    pub pid: u32,
    /// How far what takes long has come; null between such parts.
    pub progress: Option<Stage>,
}

/// What takes long in a run, and how much of it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Progress")]
pub struct Stage {
    /// What is being done.
    pub phase: Phase,
    /// Bytes that have passed.
    pub bytes: u64,
    /// About how many there will be; null where that cannot be guessed.
    pub of: Option<u64>,
}

/// What takes long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// A dump is received from the datastore, or from elsewhere.
    Receive,
    /// A stored dump is read, to be sure of it.
    Read,
    /// A database is filled from a dump, then compared.
    Fill,
    /// A dump is copied to the destination.
    Copy,
    /// A copy is fetched from the destination.
    Fetch,
    /// A dump is passed on to whoever downloads it.
    Send,
}

impl Phase {
    /// The same said of bytes: "3 MiB received".
    pub fn done(self) -> &'static str {
        match self {
            Phase::Receive => "received",
            Phase::Read => "read",
            Phase::Fill => "filled",
            Phase::Copy => "copied",
            Phase::Fetch => "fetched",
            Phase::Send => "passed on",
        }
    }
}

/// What a failure is about.
#[derive(Debug, Default)]
pub struct About {
    /// The backup, as programs read it.
    pub backup: Option<serde_json::Value>,
    /// Who is at work.
    pub at_work: Option<AtWork>,
}
