//! What `backups:sync` found and did, for programs.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{BackupId, CopyWord, Datastore, Stranger};

/// What was found for every service that was looked at.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Syncs {
    /// Service by service.
    pub services: Vec<Synced>,
}

/// A file that was not taken in.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Refused {
    /// Its name.
    pub file: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What was found for one service.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Synced {
    /// The datastore plugin.
    pub datastore: Datastore,
    /// The service's name.
    pub service: String,
    /// Backups that are not deleted.
    pub backups: usize,
    /// Ids that got a record this time.
    pub adopted: Vec<BackupId>,
    /// Ids of dumps in the folder of `--adopt` that were there already.
    pub known: Vec<BackupId>,
    /// Files in that folder that were not taken in.
    pub refused: Vec<Refused>,
    /// Ids whose file is gone.
    pub missing: Vec<BackupId>,
    /// Ids whose bytes are not those of their record.
    pub damaged: Vec<BackupId>,
    /// Names in the folder that are not ours.
    pub foreign: Vec<String>,
    /// Recorded here from the destination.
    pub rebuilt: Vec<String>,
    /// Records that are this host's own from now on.
    pub taken_over: Vec<TakenOver>,
    /// Ids of backups that were made elsewhere and are not counted.
    pub elsewhere: Vec<BackupId>,
    /// Copies that the store does not have any more, or has otherwise than they were sent.
    pub lost: Vec<Lost>,
    /// Copied there.
    pub uploaded: Vec<String>,
    /// Removed there, after they were deleted here.
    pub removed: Vec<String>,
    /// What lies there and was not followed, and why.
    pub strange: Vec<String>,
}

/// A copy that is not as it was.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Lost {
    /// The backup's id.
    pub id: BackupId,
    /// How it stands: `missing` or `changed`.
    pub state: CopyWord,
}

/// A record that was somebody else's.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TakenOver {
    /// The backup's id.
    pub id: BackupId,
    /// Whose it was, in words.
    pub from: String,
}

impl TakenOver {
    /// `id` was `from`'s.
    pub fn new((id, from): (BackupId, Stranger)) -> TakenOver {
        TakenOver { id, from: from.from_whom() }
    }
}
