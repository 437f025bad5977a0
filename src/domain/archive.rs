//! What is known of the archive inside a stored file of segments, and what the file leans on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BackupId;

/// How new backups are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// Each by itself.
    #[default]
    Whole,
    /// As differences from an earlier one, where that saves room.
    Delta,
}

impl std::str::FromStr for Storage {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "whole" => Ok(Storage::Whole),
            "delta" => Ok(Storage::Delta),
            _ => Err("it is whole or delta".to_owned()),
        }
    }
}

/// The archive in a file that was stored by `storage delta`, be it a whole or a delta. It is the dump with its data
/// unpacked, and stays the same when the file is given another base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256, lower-case hex.
    pub sha256: String,
    /// The backup that the file leans on: without it and all that it leans on itself, this one cannot be opened. None of a
    /// whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BackupId>,
    /// How many backups were made in its chain before it.
    #[serde(default)]
    pub position: u32,
}

impl Archive {
    /// That of a backup which is being made: nothing is known but what it leans on.
    pub fn expected(base: Option<BackupId>, position: u32) -> Archive {
        Archive { size: 0, sha256: "0".repeat(64), base, position }
    }
}
