//! All records of a folder, each from the index where that still matches the record's own file, else from the file.

use super::index::{Index, Stamp};
use super::record::{self, Found};
use super::{Detail, names};
use crate::domain::{BackupId, Service};
use crate::error::Result;
use crate::sys::dir::Dir;

/// One record of the folder.
#[derive(Debug)]
pub struct Record {
    /// From its file's name.
    pub id: BackupId,
    /// What it holds.
    pub found: Found,
    /// Its file's generation.
    pub stamp: Stamp,
    /// Taken from the index: without tables.
    pub summary: bool,
}

/// Every record, oldest first.
#[derive(Debug)]
pub struct Records {
    /// The records.
    pub list: Vec<Record>,
    /// The index says all of this, and nothing else.
    pub index_current: bool,
}

impl Records {
    /// Reads the records among the folder's `names`.
    pub fn read<'a>(
        dir: &Dir,
        names: impl IntoIterator<Item = &'a String>,
        service: &Service,
        detail: Detail,
    ) -> Result<Records> {
        let mut index = Index::read(dir);
        let mut ids: Vec<BackupId> = names.into_iter().filter_map(|name| names::id_of(name, "toml")).collect();
        // A folder in which files are replaced while it is listed may leave one of them out: tmpfs and Btrfs give the
        // replacing file a new place. What the index knows is therefore asked for by name.
        ids.extend(index.keys().cloned());
        ids.retain(|id| id.service() == &service.name);
        ids.sort();
        ids.dedup();
        let mut list = Vec::with_capacity(ids.len());
        let mut current = true;
        for id in ids {
            let name = names::record(&id);
            let Some(entry) = dir.entry(&name)? else { continue };
            let stamp = Stamp::from(entry);
            let summary = index.remove(&id).filter(|_| entry.regular);
            let (found, summary) = match summary.and_then(|summary| summary.of(&id, &stamp)) {
                Some(backup) if detail == Detail::Summary => (Found::Whole(backup), true),
                indexed => {
                    let found = record::read(dir, &name, &id, service.datastore)?;
                    // What cannot be read, or only partly, is never indexed; it need not be.
                    current &= indexed.is_some() || !matches!(found, Found::Whole(_));
                    (found, false)
                }
            };
            list.push(Record { id, found, stamp, summary });
        }
        Ok(Records { list, index_current: current && index.is_empty() })
    }
}
