//! All records of a folder, each from the index where that still matches the record's own file, else from the file.

use std::collections::HashMap;

use super::index::{Index, Stamp, Summary};
use super::record::{self, Found};
use super::{Detail, Folder, names};
use crate::domain::{BackupId, Service};
use crate::error::Result;

/// One record of the folder.
#[derive(Debug)]
pub struct Record {
    /// What it holds.
    pub found: Found,
    /// Its file's generation.
    pub stamp: Stamp,
    /// Taken from the index: without tables.
    pub summary: bool,
    /// The index says what it says, or need not.
    pub current: bool,
}

/// The records of a folder, not yet read: whoever needs only a few things of each looks at one after the other.
#[derive(Debug)]
pub struct Records<'a> {
    dir: &'a Folder,
    service: &'a Service,
    detail: Detail,
    index: HashMap<BackupId, Summary>,
    ids: Vec<BackupId>,
}

impl<'a> Records<'a> {
    /// Finds the records among the folder's `names`.
    pub fn find<'n>(
        dir: &'a Folder,
        names: impl IntoIterator<Item = &'n String>,
        service: &'a Service,
        detail: Detail,
    ) -> Records<'a> {
        let index = Index::read(dir);
        let mut ids: Vec<BackupId> = names.into_iter().filter_map(|name| names::id_of(name, "toml")).collect();
        // A folder in which files are replaced while it is listed may leave one of them out: tmpfs and Btrfs give the
        // replacing file a new place. What the index knows is therefore asked for by name.
        ids.extend(index.keys().cloned());
        ids.retain(|id| id.service() == &service.name);
        ids.sort_unstable();
        ids.dedup();
        Records { dir, service, detail, index, ids }
    }

    /// Believes no line of the index about `ids`.
    pub fn distrust(&mut self, ids: &[BackupId]) {
        ids.iter().for_each(|id| drop(self.index.remove(id)));
    }

    /// Ids of what may be records, oldest first.
    pub fn ids(&self) -> &[BackupId] {
        &self.ids
    }

    /// Whether the index speaks of another service's backups.
    pub fn has_strangers(&self) -> bool {
        self.index.keys().any(|id| id.service() != &self.service.name)
    }

    /// Reads one; `None` where there is no such record any more.
    pub fn read(&self, id: &BackupId) -> Result<Option<Record>> {
        let name = names::record(id);
        let Some(entry) = self.dir.entry(&name)? else { return Ok(None) };
        let stamp = Stamp::from(entry);
        let indexed = self.index.get(id).filter(|_| entry.regular).and_then(|summary| summary.of(id, &stamp));
        let (found, summary, current) = match indexed {
            Some(backup) if self.detail == Detail::Summary => (Found::Whole(backup), true, true),
            indexed => {
                let found = record::read(self.dir, &name, id, self.service.datastore, self.dir.seals())?;
                // What cannot be read, or only partly, is never indexed; it need not be.
                let current = indexed.is_some() || !matches!(found, Found::Whole(_));
                (found, false, current)
            }
        };
        Ok(Some(Record { found, stamp, summary, current }))
    }

    /// The line of the index about a record, taken out of it, while the record is as it was when the line was written;
    /// else the record itself. For whoever writes the index: what is unchanged is not looked into.
    pub fn take_line(&mut self, id: &BackupId) -> Result<Option<Line>> {
        let Some(entry) = self.dir.entry(&names::record(id))? else { return Ok(None) };
        let indexed = self.index.remove(id).filter(|_| entry.regular);
        if let Some(line) = indexed.and_then(|summary| summary.into_line(&Stamp::from(entry))) {
            return Ok(Some(Line::Same(line)));
        }
        Ok(self.read(id)?.map(Line::Changed))
    }
}

/// What the next index is made of.
#[derive(Debug)]
pub enum Line {
    /// A line of the last one.
    Same(String),
    /// A record that it does not hold.
    Changed(Record),
}
