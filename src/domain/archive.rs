//! What is known of the archive inside a stored file of segments, and what the file leans on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Backup, BackupId};

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
    /// Its SHA-256, lower-case hex; or a word in its place that tells nothing, see `sealed`.
    pub sha256: String,
    /// The record lies in the open beside something encrypted, and the hash of what is inside would tell whoever guesses it
    /// that the guess is right. The hash itself stands in the file, with the rest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sealed: bool,
    /// The backup that the file leans on: without it and all that it leans on itself, this one cannot be opened. None of a
    /// whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BackupId>,
    /// How many backups were made in its chain before it.
    #[serde(default)]
    pub position: u32,
}

impl Archive {
    /// The same with `word`, 64 hex digits that nobody can guess, in the place of its hash.
    #[must_use]
    pub fn sealed_by(self, word: String) -> Archive {
        Archive { sha256: word, sealed: true, ..self }
    }

    /// Whether an archive with this hash can be the one that was recorded.
    pub fn fits(&self, sha256: &str) -> bool {
        self.sealed || self.sha256 == sha256
    }

    /// That of a backup which is being made: nothing is known but what it leans on.
    pub fn expected(base: Option<BackupId>, position: u32) -> Archive {
        Archive { size: 0, sha256: "0".repeat(64), sealed: false, base, position }
    }
}

impl Backup {
    /// What tells its content from every other: the hash of the archive, which another base does not change, or else of the
    /// stored file.
    pub fn content_sha256(&self) -> Option<&str> {
        self.archive.as_ref().map(|archive| archive.sha256.as_str()).or(self.sha256.as_deref())
    }

    /// Bytes of what it holds: of the archive, or where that is not known apart, of the stored file.
    pub fn held(&self) -> Option<u64> {
        self.archive.as_ref().map(|archive| archive.size).filter(|size| *size > 0).or(self.size)
    }

    /// The backup that its file leans on.
    pub fn base(&self) -> Option<&BackupId> {
        self.archive.as_ref().and_then(|archive| archive.base.as_ref())
    }

    /// How many backups are before it in its chain; what leans on others goes before them.
    pub fn position(&self) -> u32 {
        self.archive.as_ref().map_or(0, |archive| archive.position)
    }
}
