//! The index: the summaries of all records in one file, so that a list need not open thousands.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::document::{Decoded, decode, encode};
use super::names::INDEX;
use crate::domain::{Backup, BackupId};
use crate::error::Result;
use crate::sys::dir::{Dir, Entry};

/// Largest index read: 256 MiB is some 400,000 records.
const LARGEST: u64 = 256 << 20;

/// Tells one generation of a record's file from the next: every change is a new file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stamp(String);

impl From<Entry> for Stamp {
    fn from(entry: Entry) -> Self {
        Stamp(format!("{:x}-{:x}-{:x}", entry.inode, entry.size, entry.modified))
    }
}

/// All summaries, each with the stamp of the record it was taken from.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    stamps: Vec<Stamp>,
    #[serde(default)]
    backups: Vec<Backup>,
}

impl Index {
    /// Reads the index. One that is missing, cut, newer or not a regular file is simply empty: the records say it all.
    pub fn read(dir: &Dir) -> HashMap<BackupId, (Stamp, Backup)> {
        let bytes = dir.read(INDEX).and_then(|file| file.read_whole(LARGEST)).unwrap_or_default();
        match decode::<Index>(&bytes) {
            Ok(Decoded::Whole(index)) if index.stamps.len() == index.backups.len() => {
                index.backups.into_iter().zip(index.stamps).map(|(b, stamp)| (b.id.clone(), (stamp, b))).collect()
            }
            _ => HashMap::new(),
        }
    }

    /// Adds one record's summary: all but its tables, which may be thousands.
    pub fn add(&mut self, stamp: Stamp, mut backup: Backup) {
        backup.tables = Vec::new();
        self.stamps.push(stamp);
        self.backups.push(backup);
    }

    /// Writes the index; durable when it returns.
    pub fn write(&self, dir: &Dir, draft_dir: &Dir) -> Result<()> {
        Ok(dir.replace(INDEX, draft_dir, &encode(self)?)?)
    }
}
