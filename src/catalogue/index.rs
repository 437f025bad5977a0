//! The index: the summaries of all records in one file, so that a list need not open thousands.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::Folder;
use super::document::{Decoded, Purpose, Seal, decode_sealed};
use super::names::INDEX;
use crate::domain::{Backup, BackupId};
use crate::error::Result;
use crate::sys::dir::{Dir, Entry};

/// Largest index read: 256 MiB is some 400,000 records.
const LARGEST: u64 = 256 << 20;

/// Tells one generation of a record's file from the next: every change is a new file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp(String);

impl From<Entry> for Stamp {
    fn from(entry: Entry) -> Self {
        Stamp(format!("{:x}-{:x}-{:x}", entry.inode, entry.size, entry.modified))
    }
}

/// All summaries, each with the stamp of the record it was taken from.
///
/// Each is one line inside the TOML, `ID STAMP JSON`: a third of the time and the memory that as many tables cost to
/// read. Nobody edits the index, and whoever wants to read a record by eye has the record itself.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    summaries: Vec<String>,
}

/// One line, not yet read any further.
#[derive(Debug)]
pub struct Summary {
    line: String,
    stamp: usize,
    json: usize,
}

impl Summary {
    fn new(line: String) -> Option<(BackupId, Summary)> {
        let stamp = line.find(' ')? + 1;
        let json = stamp + line[stamp..].find(' ')? + 1;
        Some((line[..stamp - 1].parse().ok()?, Summary { stamp, json, line }))
    }

    /// Whether it was taken from the generation `stamp`.
    fn is_of(&self, stamp: &Stamp) -> bool {
        self.line[self.stamp..self.json - 1] == stamp.0
    }

    /// The line itself, if it was taken from the generation `stamp`.
    pub fn into_line(self, stamp: &Stamp) -> Option<String> {
        self.is_of(stamp).then_some(self.line)
    }

    /// The record's summary, if it was taken from the generation `stamp` of the record `id`.
    pub fn of(&self, id: &BackupId, stamp: &Stamp) -> Option<Box<Backup>> {
        if !self.is_of(stamp) {
            return None;
        }
        let backup: Box<Backup> = serde_json::from_str(&self.line[self.json..]).ok()?;
        (&backup.id == id).then_some(backup)
    }
}

impl Index {
    /// Reads the index. One that is missing, cut, newer, not a regular file or without this host's mark is simply empty: the
    /// records say it all.
    pub fn read(dir: &Folder) -> HashMap<BackupId, Summary> {
        let bytes = dir.read(INDEX).and_then(|file| file.read_whole(LARGEST)).unwrap_or_default();
        match decode_sealed::<Index>(&bytes, Purpose::Index, dir.seals().key()) {
            Ok((Decoded::Whole(index), Seal::Ours)) => index.summaries.into_iter().filter_map(Summary::new).collect(),
            _ => HashMap::new(),
        }
    }

    /// Adds one record's summary: all but its tables, which may be thousands.
    pub fn add(&mut self, stamp: &Stamp, mut backup: Box<Backup>) -> Result<()> {
        backup.tables = Vec::new();
        let json = serde_json::to_string(&backup).map_err(std::io::Error::from)?;
        self.summaries.push(format!("{} {} {json}", backup.id, stamp.0));
        Ok(())
    }

    /// Adds a line of the last index, whose record is unchanged.
    pub fn add_line(&mut self, line: String) {
        self.summaries.push(line);
    }

    /// Writes the index; durable when it returns.
    pub fn write(&self, dir: &Folder, draft_dir: &Dir) -> Result<()> {
        Ok(dir.replace(INDEX, draft_dir, &dir.write(Purpose::Index, self)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::{decode, encode};
    use super::*;
    use crate::domain::{Datastore, Source};

    #[test]
    fn a_summary_answers_only_for_its_own_generation() {
        let id: BackupId = "a-b-2026-04-08-14-30-00".parse().unwrap();
        let backup = Backup::draft(id.clone(), Datastore::Postgres, Source::Manual, id.at(), "it's \"me\" \\ '''");
        let (old, new) = (Stamp("1-2-3".to_owned()), Stamp("1-2-4".to_owned()));
        let mut index = Index::default();
        index.add(&old, Box::new(backup.clone())).unwrap();
        let Ok(Decoded::Whole(read)) = decode::<Index>(&encode(&index).unwrap()) else { panic!("not whole") };
        let (of, summary) = Summary::new(read.summaries[0].clone()).unwrap();
        assert_eq!((&of, summary.of(&id, &old)), (&id, Some(Box::new(backup))));
        assert_eq!(summary.of(&id, &new), None);
    }
}
