//! The service's folder under its exclusive lock: the only place from which it is changed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::document::Purpose;
use super::index::{self, Index, Window};
use super::job::Job;
use super::names::{self, INCOMING, LOCK, TRASH};
use super::record::{self, Found};
use super::records::Records;
use super::view::{Detail, View};
use super::{Draft, Folder, Root};
use crate::domain::{Backup, BackupId, CopyState, Outcome, Service, by_making, is_from_ahead, made_at};
use crate::error::{Failure, Kind, Result};
use crate::sys::cancel::{self, Watch};
use crate::sys::child::interrupted;
use crate::sys::clock::Clock;
use crate::sys::dir::Dir;
use crate::sys::lock::Lock;

/// The index, once every record's file was asked whether it is as the index says; and the records of which it says nothing,
/// or that were changed since. Nobody else changes a locked folder, so the others need not be asked again.
#[derive(Debug)]
struct Known {
    index: Arc<Index>,
    changed: BTreeSet<BackupId>,
}

/// A service's folder, locked. Dropping it lets go.
#[derive(Debug)]
pub struct LockedCatalogue {
    pub(super) service: Service,
    pub(super) dir: Folder,
    pub(super) incoming: Dir,
    pub(super) trash: Dir,
    pub(super) clock: Clock,
    /// Before and after the backup in the words that others read.
    words: [String; 2],
    named: AtomicBool,
    known: Mutex<Option<Known>>,
    _watch: Watch,
    lock: Lock,
}

impl LockedCatalogue {
    /// Locks the folder of `service`, waiting at most `wait` for whoever has it; `waiting` is told once who that is. `doing`
    /// is what others are told.
    pub fn lock(
        root: &Root,
        service: &Service,
        wait: Duration,
        waiting: &dyn Fn(&Job),
        doing: &str,
        clock: Clock,
    ) -> Result<LockedCatalogue> {
        root.establish_key()?;
        let dir = root.service_or_new(service)?;
        let since = clock.now().format("%Y-%m-%dT%H:%M:%SZ");
        let words = [format!("pid {}: {doing}", std::process::id()), format!(", since {since}")];
        let (since, mut told) = (Instant::now(), false);
        let lock = loop {
            if let Some(lock) = Lock::try_exclusive(&dir, LOCK, &words.concat())? {
                break lock;
            }
            if since.elapsed() >= wait {
                let words = Lock::words(&dir, LOCK);
                return Err(Failure::new(Kind::Busy, format!("{service} is busy ({words})"))
                    .with_work(Job::read(&dir, LOCK, None).map(|job| job.at_work()))
                    .hint("wait for it with: --wait SECONDS"));
            }
            if !told && let Some(job) = Job::read(&dir, LOCK, None) {
                waiting(&job);
                told = true;
            }
            // Time has passed since it was compared: a plain subtraction could go below zero.
            let left = wait.saturating_sub(since.elapsed());
            clock.sleep(Duration::from_millis(100).min(left)).map_err(interrupted)?;
        };
        let incoming = dir.enter_or_make(INCOMING, 0o700)?;
        let trash = dir.enter_or_make(TRASH, 0o700)?;
        let watch = cancel::watch(incoming.again()?, &lock)?;
        // Asked under the lock: somebody else may just have marked them.
        let dir = root.marked(dir, service)?;
        let (service, named) = (service.clone(), AtomicBool::new(false));
        let known = Mutex::default();
        let catalogue =
            LockedCatalogue { service, dir, incoming, trash, clock, words, named, known, _watch: watch, lock };
        if catalogue.dir.seals().are_to_be_marked() { catalogue.mark_all(root) } else { Ok(catalogue) }
    }

    /// Lets others know which backup this run is about; the first one that is named stays.
    pub fn is_about(&self, id: &BackupId) {
        if !self.named.swap(true, Ordering::SeqCst) {
            let [before, after] = &self.words;
            self.lock.say(&format!("{before} of {id}{after}"));
        }
    }

    /// The folder itself, for reading.
    pub fn dir(&self) -> &Folder {
        &self.dir
    }

    /// The service it belongs to.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Folder in which documents are prepared.
    pub fn incoming(&self) -> &Dir {
        &self.incoming
    }

    /// Everything in it, now that nobody else changes it.
    pub fn view(&self, detail: Detail) -> Result<View> {
        View::of(&self.dir, &self.service, detail)
    }

    /// Every backup that has a record, a dump or a draft here.
    pub fn ids(&self) -> Result<BTreeSet<BackupId>> {
        let own = |id: &BackupId| id.service() == &self.service.name;
        let in_place = |name: &String| names::id_of(name, "toml").or_else(|| names::dumped_id(name));
        let mut ids: BTreeSet<BackupId> = self.dir.names()?.iter().filter_map(in_place).filter(own).collect();
        ids.extend(self.incoming.names()?.iter().filter_map(|name| names::id_of(name, "draft")).filter(own));
        Ok(ids)
    }

    /// Whether `id` is taken, by a record, a dump or a draft.
    pub fn is_taken(&self, id: &BackupId) -> Result<bool> {
        Ok(self.dir.entry(&names::record(id))?.is_some()
            || self.dump_name(id)?.is_some()
            || self.incoming.entry(&names::draft(id))?.is_some())
    }

    /// The file in the place of the dump of `id`, whatever its form.
    pub(super) fn dump_name(&self, id: &BackupId) -> Result<Option<String>> {
        for name in names::dumps(id) {
            if self.dir.entry(&name)?.is_some() {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// Begins a backup: from now on a row in progress is visible.
    pub fn begin(&self, mut draft: Backup) -> Result<Draft> {
        draft.fit();
        self.is_about(&draft.id);
        let name = names::draft(&draft.id);
        self.incoming.replace(&name, &self.incoming, &self.document(&draft)?)?;
        let part = names::dump_of(&draft);
        self.incoming.remove(&part)?;
        let file = self.incoming.create(&part, 0o400).inspect_err(|_| {
            // Nothing was begun: without this the next command would speak of an abandoned run.
            let _ = self.incoming.remove(&name);
        })?;
        Ok(Draft::new(draft, file))
    }

    /// Begins the copy of a dump that exists elsewhere: nothing is in progress, and a run that dies leaves nothing but
    /// bytes that the next one clears away.
    pub fn begin_copy(&self, record: Backup) -> Result<Draft> {
        let part = names::dump_of(&record);
        self.incoming.remove(&part)?;
        let file = self.incoming.create(&part, 0o400)?;
        Ok(Draft::new(record, file))
    }

    /// The record of `id`, to be changed.
    pub fn record(&self, id: &BackupId) -> Result<Backup> {
        record::for_change(&self.dir, id, self.service.datastore)
    }

    /// Saves a record; durable when it returns. The index follows with `reindex`.
    pub fn save(&self, backup: &Backup) -> Result<()> {
        self.has_changed(&backup.id);
        Ok(self.dir.replace(&names::record(&backup.id), &self.incoming, &self.document(backup)?)?)
    }

    /// The bytes of a record, with this host's mark: as large as it may be, and without the words with which it would not be
    /// followed when it is read.
    pub fn document(&self, backup: &Backup) -> Result<Vec<u8>> {
        let mut fitting = backup.clone();
        fitting.fit();
        fitting.drop_wrong_words();
        self.dir.write(Purpose::Record, &fitting)
    }

    /// Ends a draft without a dump: it becomes a failed record with its reason, and nothing else stays.
    pub fn fail(&self, mut record: Backup, reason: String) -> Result<Backup> {
        record.status = Outcome::Failed;
        record.reason = Some(reason);
        record.finished_at = self.clock.now();
        record.file = None;
        record.archive = None;
        for part in names::dumps(&record.id) {
            if self.incoming.entry(&part)?.is_some() {
                self.incoming.remove(&part)?;
            }
        }
        self.save(&record)?;
        self.reindex()?;
        self.forget_draft(&record.id)?;
        Ok(record)
    }

    /// Ends a draft as if it had never been begun: no record, no bytes.
    pub fn abandon(&self, id: &BackupId) -> Result<()> {
        for part in names::dumps(id) {
            self.incoming.remove(&part)?;
        }
        self.forget_draft(id)
    }

    /// Records a dump that lay in its place without a readable record. What was left of the old record is kept aside.
    pub fn adopt(&self, record: &Backup) -> Result<()> {
        let name = names::record(&record.id);
        let aside = names::broken(&record.id);
        if self.dir.entry(&name)?.is_some() && self.dir.entry(&aside)?.is_none() {
            self.has_changed(&record.id);
            self.dir.move_new(&name, &self.dir, &aside)?;
        }
        self.save(record)?;
        self.reindex()?;
        self.forget_draft(&record.id)
    }

    /// Removes the draft of `id`: its record says it all now.
    pub fn forget_draft(&self, id: &BackupId) -> Result<()> {
        Ok(self.incoming.remove(&names::draft(id))?)
    }

    /// The newest backup that is `wanted`, without its tables. Only as many records are read as it takes.
    pub fn newest(&self, wanted: impl Fn(&Backup) -> bool) -> Result<Option<Backup>> {
        let (records, now) = (self.records()?, self.clock.now());
        let (mut newest, window): (Option<Box<Backup>>, _) = (None, &mut Window::default());
        for id in records.ids().iter().rev() {
            // None was made after the time in its name, so that what follows is no newer.
            if newest
                .as_ref()
                .is_some_and(|newest| !is_from_ahead(newest, now) && made_at(newest).timestamp() > id.at().timestamp())
            {
                break;
            }
            match records.read(id, window)?.map(|record| record.found) {
                Some(Found::Whole(backup) | Found::Newer(backup))
                    if wanted(&backup)
                        && newest.as_ref().is_none_or(|newest| by_making(&backup, newest, now).is_gt()) =>
                {
                    newest = Some(backup);
                }
                _ => {}
            }
        }
        Ok(newest.map(|backup| *backup))
    }

    /// The records, each from the index where that is up to date.
    pub(super) fn records(&self) -> Result<Records<'_>> {
        Ok(match &*self.known_index() {
            Some(Known { index, changed }) => {
                Records::known(&self.dir, &self.service, Arc::clone(index), changed.clone())
            }
            None => {
                Records::find(&self.dir, Index::read(&self.dir), &self.dir.names()?, &self.service, Detail::Summary)
            }
        })
    }

    fn known_index(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_changed(&self, id: &BackupId) {
        if let Some(known) = &mut *self.known_index() {
            known.changed.insert(id.clone());
        }
    }

    /// Every one of the records `ids` was found to be as `index` says, or is left out of it.
    pub(super) fn is_current(&self, index: Arc<Index>, ids: &[BackupId]) {
        let changed = ids.iter().filter(|id| index.of(id).is_none()).cloned().collect();
        *self.known_index() = Some(Known { index, changed });
    }

    /// Brings the index up to date with the records that have changed.
    pub fn reindex(&self) -> Result<()> {
        self.write_index(&self.records()?, &[])
    }

    /// Writes an index that says what the records say, unless that of `records` does. Of the `stale` ones it does not, though
    /// their files are as they were.
    pub(super) fn write_index(&self, records: &Records, stale: &[BackupId]) -> Result<()> {
        let mut current = !records.has_strangers() && self.dir.entry(names::INDEX)?.is_some() && stale.is_empty();
        let mut ids = records.ids().iter();
        while current && let Some(id) = ids.next() {
            current = records.is_indexed(id)?;
        }
        if current {
            return Ok(());
        }
        // Not known until it is written: a run that goes on after a failure asks every record again.
        *self.known_index() = None;
        let written = index::write(&self.dir, &self.incoming, |next| {
            records.ids().iter().try_for_each(|id| records.put(id, stale, next))
        })?;
        self.is_current(Arc::new(written), records.ids());
        Ok(())
    }

    /// Deletes a backup: first the record says so, durably; then the dump goes to the trash and is purged. The index
    /// follows with `reindex`.
    pub fn delete(&self, mut backup: Backup, by: &str) -> Result<Backup> {
        backup.deleted_at = Some(self.clock.now());
        backup.deleted_by = Some(by.to_owned());
        let own = backup.has_own_copy();
        // In the same breath: whoever dies after this leaves word that a copy may still be elsewhere.
        if let Some(copy) = backup.destination.as_mut().filter(|copy| own && copy.state != CopyState::Deleted) {
            copy.settled(CopyState::Deleting);
        }
        match self.save(&backup) {
            // On a disk without a free block not even that much can be written down. The index is the one file that can
            // be done without: its room is enough for the record, and then there is the dump's.
            Err(failure) if failure.kind == Kind::NoSpace => {
                *self.known_index() = None;
                self.dir.remove(names::INDEX)?;
                self.save(&backup)?;
            }
            saved => saved?,
        }
        self.remove_dump(&names::dump_of(&backup))?;
        Ok(backup)
    }

    /// Forgets backups that were deleted long ago: their records go, after everything that only the records lead to.
    /// The index follows with `reindex`.
    pub fn forget(&self, ids: &[BackupId]) -> Result<()> {
        for id in ids {
            // A dump that could not be taken away would be adopted as soon as its record is gone.
            if let Some(dump) = self.left_of(id)? {
                let path = self.dir.path().join(dump);
                let text = format!("{id} was deleted, and {} is still there", path.display());
                return Err(Failure::new(Kind::Catalogue, text).remedy("remove it", format!("rm {}", path.display())));
            }
            self.dir.remove(&names::log(id))?;
            self.dir.remove(&names::broken(id))?;
        }
        self.dir.sync()?;
        ids.iter().for_each(|id| self.has_changed(id));
        ids.iter().try_for_each(|id| self.dir.remove(&names::record(id)))?;
        Ok(self.dir.sync()?)
    }

    /// The name of a dump of `id` that lies in the folder.
    fn left_of(&self, id: &BackupId) -> Result<Option<String>> {
        let file = names::dump_of(&self.record(id)?);
        Ok(self.dir.entry(&file)?.map(|_| file))
    }

    /// Takes the dump of a deleted record out of its place, by way of the trash.
    pub(super) fn remove_dump(&self, file: &str) -> Result<()> {
        if self.dir.entry(file)?.is_some_and(|entry| entry.regular) {
            self.trash.remove(file)?;
            self.dir.move_new(file, &self.trash, file)?;
            self.dir.sync()?;
        }
        self.trash.remove(file)?;
        Ok(self.trash.sync()?)
    }
}
