//! All records of a folder, each from the index where that still matches the record's own file, else from the file.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::index::{Index, IndexWriter, Stamp, Summary, Window};
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
    index: Arc<Index>,
    ids: Vec<BackupId>,
    /// Of these alone the index may be out of date; where it is not known which, every record's file is asked.
    changed: Option<BTreeSet<BackupId>>,
}

impl<'a> Records<'a> {
    /// Finds the records among the folder's `names` and in its `index`.
    pub fn find<'n>(
        dir: &'a Folder,
        index: Index,
        names: impl IntoIterator<Item = &'n String>,
        service: &'a Service,
        detail: Detail,
    ) -> Records<'a> {
        let ids: Vec<BackupId> = names.into_iter().filter_map(|name| names::id_of(name, "toml")).collect();
        // A folder in which files are replaced while it is listed may leave one of them out: tmpfs and Btrfs give the
        // replacing file a new place. What the index knows is therefore asked for by name.
        Records::of(dir, service, detail, Arc::new(index), ids, None)
    }

    /// The records that `index` knows, of which only `changed` ones may be other than it says.
    pub fn known(dir: &'a Folder, service: &'a Service, index: Arc<Index>, changed: BTreeSet<BackupId>) -> Records<'a> {
        let ids = changed.iter().cloned().collect();
        Records::of(dir, service, Detail::Summary, index, ids, Some(changed))
    }

    fn of(
        dir: &'a Folder,
        service: &'a Service,
        detail: Detail,
        index: Arc<Index>,
        mut ids: Vec<BackupId>,
        changed: Option<BTreeSet<BackupId>>,
    ) -> Records<'a> {
        ids.extend(index.summaries().iter().map(|summary| summary.id.clone()));
        ids.retain(|id| id.service() == &service.name);
        ids.sort_unstable();
        ids.dedup();
        Records { dir, service, detail, index, ids, changed }
    }

    /// Ids of what may be records, oldest first.
    pub fn ids(&self) -> &[BackupId] {
        &self.ids
    }

    /// The index itself.
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// Whether the index speaks of another service's backups.
    pub fn has_strangers(&self) -> bool {
        self.index.summaries().iter().any(|summary| summary.id.service() != &self.service.name)
    }

    /// What the index says of a record that is as it was when that was written.
    pub fn summary(&self, id: &BackupId) -> Result<Option<&Summary>> {
        let Some(summary) = self.index.of(id) else { return Ok(None) };
        Ok(match &self.changed {
            Some(changed) => (!changed.contains(id)).then_some(summary),
            None => {
                let entry = self.dir.entry(&names::record(id))?.filter(|entry| entry.regular);
                entry.is_some_and(|entry| Stamp::from(entry) == summary.stamp).then_some(summary)
            }
        })
    }

    /// Reads one; `None` where there is no such record any more. `window` is what its reader has of the index.
    pub fn read(&self, id: &BackupId, window: &mut Window) -> Result<Option<Record>> {
        let summary = self.summary(id)?;
        let indexed = summary.and_then(|summary| Some((self.index.backup(summary, window)?, summary.stamp)));
        match indexed {
            Some((backup, stamp)) if self.detail == Detail::Summary => {
                Ok(Some(Record { found: Found::Whole(backup), stamp, summary: true, current: true }))
            }
            indexed => self.read_file(id, indexed.is_some()),
        }
    }

    fn read_file(&self, id: &BackupId, indexed: bool) -> Result<Option<Record>> {
        let name = names::record(id);
        let Some(entry) = self.dir.entry(&name)? else { return Ok(None) };
        let found = record::read(self.dir, &name, id, self.service.datastore, self.dir.seals())?;
        // What cannot be read, or only partly, is never indexed; it need not be.
        let current = indexed || !matches!(found, Found::Whole(_));
        Ok(Some(Record { found, stamp: entry.into(), summary: false, current }))
    }

    /// Whether the index says of a record what it says itself, or rightly nothing.
    pub fn is_indexed(&self, id: &BackupId) -> Result<bool> {
        if self.summary(id)?.is_some() {
            return Ok(true);
        }
        let found = self.read_file(id, false)?.map(|record| record.found);
        Ok(self.index.of(id).is_none() && found.is_some_and(|found| !matches!(found, Found::Whole(_))))
    }

    /// Puts what is to be said of one record into the next index: the line that the last one has, while the record is as it
    /// was when that was written and is not among the `stale`; else what it says itself.
    pub fn put(&self, id: &BackupId, stale: &[BackupId], next: &mut IndexWriter) -> Result<()> {
        if let Some(summary) = self.summary(id)?.filter(|_| !stale.contains(id)) {
            return Ok(next.copy(&self.index, summary)?);
        }
        match self.read_file(id, false)? {
            // A record that cannot be read, or only partly, stays out of the index: readers then look at it itself.
            Some(Record { found: Found::Whole(backup), stamp, .. }) => Ok(next.add(stamp, backup)?),
            _ => Ok(()),
        }
    }
}
