//! Putting right what a dead run left. Every command that changes a catalogue begins with this, under the lock; doing
//! it twice changes nothing the second time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::index::Window;
use super::names;
use super::record::{self, Found};
use super::{InUse, Journal, LockedCatalogue};
use crate::domain::{Backup, BackupId, Outcome, Restore, Stranger};
use crate::error::Result;
use crate::sys::file::NamedFile;
use crate::sys::lock::Lock;

/// A dump in its place without a record. With a draft of this host beside it its export exited 0 and was made durable; its
/// bytes are read again all the same before it gets a record. Without one nothing shows whose it is.
#[derive(Debug)]
pub struct Orphan {
    /// What is known of it: its draft where there is one, else only its name.
    pub record: Backup,
    /// The dump, open at its first byte.
    pub file: NamedFile,
}

/// What recovery found and did.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Sentences for the person who runs the next command.
    pub told: Vec<String>,
    /// Dumps to be read and recorded.
    pub orphans: Vec<Orphan>,
    /// Runs that were killed while they dumped: their records. The datastore's own dump program may still be running.
    pub abandoned: Vec<Backup>,
    /// Backups from which a restore is in progress, by their own history.
    pub restoring: Vec<BackupId>,
    /// A restore that was begun and never ended.
    pub journal: Option<Journal>,
}

/// What the records said when they were read.
#[derive(Debug, Default)]
struct Seen {
    readable: HashSet<BackupId>,
    /// The deleted ones, with the names of their files.
    deleted: HashMap<BackupId, String>,
}

impl LockedCatalogue {
    /// Finishes or undoes whatever a run that is no more had begun.
    pub fn recover(&self) -> Result<Recovered> {
        let mut found = Recovered { journal: Journal::read(&self.dir)?, ..Recovered::default() };
        self.end_replacements()?;
        // First, so that a lost index costs reading all records once.
        let seen = self.look(&mut found)?;
        self.settle_deletions(&mut found, &seen.deleted)?;
        self.settle_drafts(&mut found)?;
        self.find_orphans(&mut found, seen.readable)?;
        Ok(found)
    }

    /// Reads every record once, for all that follows, and puts the index right where it does not say what they say.
    fn look(&self, found: &mut Recovered) -> Result<Seen> {
        let records = self.records()?;
        let (mut stale, window) = (Vec::new(), &mut Window::default());
        let mut seen = Seen::default();
        let mut current = !records.has_strangers() && self.dir.entry(names::INDEX)?.is_some();
        for id in records.ids() {
            if records.summary(id)?.is_some_and(|summary| summary.settled) {
                seen.readable.insert(id.clone());
                continue;
            }
            let Some(record) = records.read(id, window)? else {
                current = false;
                continue;
            };
            if !record.current {
                stale.push(id.clone());
            }
            match record.found {
                Found::Whole(backup) => {
                    if backup.restores.iter().any(Restore::is_open) {
                        found.restoring.push(id.clone());
                    }
                    if backup.deleted_at.is_some() {
                        seen.deleted.insert(id.clone(), names::dump_of(&backup));
                    }
                }
                Found::Newer(_) => {}
                Found::Broken(_) | Found::Absent => continue,
                Found::Unreadable(why) => {
                    return Err(record::unreadable(&self.dir.path().join(names::record(id)), &why));
                }
            }
            seen.readable.insert(id.clone());
        }
        if current && stale.is_empty() {
            self.is_current(Arc::clone(records.index()), records.ids());
        } else {
            // A line that fits its record and still was not understood is not one that this program wrote.
            self.write_index(&records, &stale)?;
        }
        Ok(seen)
    }

    fn settle_drafts(&self, found: &mut Recovered) -> Result<()> {
        let names = self.incoming.names()?;
        for id in names.iter().filter_map(|name| names::id_of(name, "draft")) {
            let recorded = matches!(self.found(&id)?, Found::Whole(_) | Found::Newer(_));
            if !recorded && self.has_dump(&id)? {
                continue; // An orphan with a draft: `find_orphans` takes it.
            }
            if !recorded {
                let draft = self.draft(&id)?;
                found.abandoned.push(self.fail(draft, super::view::ABANDONED.to_owned())?);
                found.told.push(format!("{id} was abandoned; it is recorded as failed"));
            }
            self.forget_draft(&id)?;
        }
        for name in names.iter().filter(|name| names::id_of(name, "draft").is_none()) {
            match names::id_of(name, "use") {
                // Taking and dropping the lock removes its file; one that is held is none of ours.
                Some(id) => drop(InUse::take_in(self.dir.enter(names::INCOMING)?, &id, "recovery", self.clock)?),
                // Somebody is asking a verification to end.
                None if name.ends_with(".cancel") && Lock::is_held(&self.incoming, name)? => {}
                // A replacement whose record cannot be read.
                None if names::id_of(name, "replacement").is_some() => {}
                None if self.incoming.entry(name)?.is_some_and(|entry| !entry.directory) => {
                    self.incoming.remove(name)?
                }
                None => {}
            }
        }
        Ok(())
    }

    fn settle_deletions(&self, found: &mut Recovered, deleted: &HashMap<BackupId, String>) -> Result<()> {
        for name in self.trash.names()? {
            let Some(id) = names::dumped_id(&name) else { continue };
            // Not deleted for certain: it goes back to its place.
            if !deleted.contains_key(&id) {
                self.trash.move_new(&name, &self.dir, &name)?;
                self.dir.sync()?;
                found.told.push(format!("{id} was not deleted to the end; its dump is back"));
            }
        }
        let (here, trashed) = (self.dir.names()?, self.trash.names()?);
        for name in here.iter().chain(&trashed) {
            // Only the recorded file: one that somebody unpacked beside it is theirs.
            if names::dumped_id(name).and_then(|id| deleted.get(&id)) == Some(name) {
                self.remove_dump(name)?;
            }
        }
        Ok(())
    }

    fn find_orphans(&self, found: &mut Recovered, mut recorded: HashSet<BackupId>) -> Result<()> {
        let names = self.dir.names()?;
        recorded.extend(found.abandoned.iter().map(|backup| backup.id.clone()));
        for id in names.iter().filter_map(|name| names::dumped_id(name)) {
            // One backup may lie there in several forms.
            if id.service() != &self.service.name || !recorded.insert(id.clone()) {
                continue;
            }
            let Some(dump) = self.dump_name(&id)? else { continue };
            // Something that is no record of ours lies in its place: to be removed by whoever put it there.
            let record = names::record(&id);
            if self.dir.entry(&record)?.is_some_and(|entry| !entry.regular) {
                found.told.extend(self.dir.read(&record).err().map(|error| error.to_string()));
                continue;
            }
            match self.dir.read(&dump) {
                Ok(file) => found.orphans.push(Orphan { record: self.draft(&id)?, file }),
                Err(error) => found.told.push(error.to_string()),
            }
        }
        // Oldest first: what leans on another is read through that one's record.
        found.orphans.sort_by(|a, b| a.record.id.cmp(&b.record.id));
        Ok(())
    }

    fn has_dump(&self, id: &BackupId) -> Result<bool> {
        let Some(name) = self.dump_name(id)? else { return Ok(false) };
        Ok(self.dir.entry(&name)?.is_some_and(|dump| dump.regular))
    }

    fn found(&self, id: &BackupId) -> Result<Found> {
        record::read(&self.dir, &names::record(id), id, self.service.datastore, self.dir.seals())
    }

    fn draft(&self, id: &BackupId) -> Result<Backup> {
        let (name, datastore) = (names::draft(id), self.service.datastore);
        Ok(match record::read(&self.incoming, &name, id, datastore, self.dir.seals())? {
            Found::Whole(backup) => *backup,
            _ => record::bare(id, datastore, Outcome::Failed).of_stranger(Stranger::Lost),
        })
    }
}
