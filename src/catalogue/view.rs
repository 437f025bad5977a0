//! What a reader sees, without a lock: always one whole generation of every record.

use std::collections::{BTreeMap, HashSet};
use std::thread;

use super::Folder;
use super::in_use::{InUse, UPLOAD, VERIFY};
use super::index::{Index, Window};
use super::journal::Journal;
use super::names::{self, INCOMING, LOCK, TRASH};
use super::record::{self, Found};
use super::records::Records;
use crate::domain::{Backup, BackupId, Datastore, Listed, Outcome, Presence, Service, Status, Stranger, link};
use crate::error::{Failure, Kind, Result};
use crate::sys::dir::{Dir, Entry};
use crate::sys::lock::Lock;

/// How much of each record is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// All but the tables: from the index where it is up to date.
    Summary,
    /// Everything: from the records.
    Whole,
}

/// The backups of one service at one moment.
#[derive(Debug)]
pub struct View {
    /// Newest first.
    pub backups: Vec<Listed>,
    /// Names in the folder that are not ours; never touched.
    pub foreign: Vec<String>,
    /// The open restore into this service, or why that cannot be told. No reason to hide the backups.
    pub journal: Result<Option<Journal>>,
    /// Backups whose record is broken, or of a newer program: shown as far as possible, and never changed.
    pub unreadable: HashSet<BackupId>,
    /// Backups whose dump somebody reads right now, and what for.
    pub in_use: Vec<(BackupId, String)>,
}

/// From so many records on it is worth to begin threads for them.
const MANY: usize = 1000;
/// So many threads at most.
const MOST: usize = 4;

/// Why a draft that nobody works on has failed.
pub const ABANDONED: &str = "abandoned: the run ended without a word";

struct Looked<'a> {
    dir: &'a Folder,
    datastore: Datastore,
    names: HashSet<String>,
    incoming: HashSet<String>,
    trash: HashSet<String>,
    working: bool,
}

impl View {
    /// Looks at the folder of `service`.
    pub fn of(dir: &Folder, service: &Service, detail: Detail) -> Result<View> {
        let folder = Looked {
            dir,
            datastore: service.datastore,
            // The lock is asked first: a run that ends meanwhile is then seen through the record it has left.
            working: Lock::is_held(dir, LOCK)?,
            incoming: inner_names(dir, INCOMING)?,
            trash: inner_names(dir, TRASH)?,
            names: HashSet::new(),
        };
        // Whatever the index says holds only while the record's own file is as it was then: it can be read beside.
        let (names, index) = thread::scope(|scope| -> Result<_> {
            let index = thread::Builder::new().spawn_scoped(scope, || Index::read(dir));
            let names = dir.names()?.into_iter().collect();
            Ok((names, index.map_or_else(|_| Index::read(dir), |index| index.join().unwrap_or_default())))
        })?;
        let folder = Looked { names, ..folder };
        let records = Records::find(dir, index, &folder.names, service, detail);
        let mut shown_here = Vec::with_capacity(records.ids().len());
        let mut unreadable = HashSet::new();
        for shown in folder.show_records(&records)? {
            if !shown.readable {
                unreadable.insert(shown.id.clone());
            }
            shown_here.extend(shown.listed.map(|listed| (shown.id, listed)));
        }
        let mut backups: BTreeMap<_, _> = shown_here.into_iter().collect();
        // What belongs to a record need not be looked at again: only the rest is told apart by its names.
        let mut rest: HashSet<&String> = folder.names.iter().collect();
        for name in backups.values().flat_map(|listed| names::of(&listed.backup)) {
            rest.remove(&name);
        }
        let rest: Vec<&String> = rest.into_iter().collect();
        folder.add_drafts(service, &mut backups)?;
        folder.add_orphans(service, &rest, &mut backups)?;
        // A dump that somebody unpacked beside its stored form is theirs.
        let recorded = |name: &str| match names::dumped_id(name).and_then(|id| backups.get(&id)) {
            Some(listed) => listed.backup.file.as_deref().is_none_or(|file| file == name),
            None => true,
        };
        let is_foreign = |name: &&&String| !names::is_ours(name, &service.name) || !recorded(name);
        let foreign = rest.iter().filter(is_foreign).map(|name| (*name).clone()).collect();
        let journal = Journal::read(dir);
        let mut backups: Vec<Listed> = backups.into_values().rev().collect();
        link(&mut backups);
        Ok(View { backups, foreign, journal, unreadable, in_use: folder.in_use()? })
    }
}

/// What lies where a dump ought to.
enum Place {
    /// Nothing.
    Empty,
    /// Something that cannot be looked at, or that need not.
    Unknown,
    /// This.
    Taken(Entry),
}

/// One record of the folder, and what a reader sees of it.
struct Shown {
    id: BackupId,
    listed: Option<Listed>,
    readable: bool,
}

impl Looked<'_> {
    /// All of them; thousands on as many threads as there are processors, since each asks for two files and is parsed.
    fn show_records(&self, records: &Records) -> Result<Vec<Shown>> {
        let workers = if records.ids().len() < MANY {
            1
        } else {
            thread::available_parallelism().map_or(1, |n| n.get().min(MOST))
        };
        let share = records.ids().len().div_ceil(workers).max(1);
        let show = |ids: &[BackupId]| -> Result<Vec<Shown>> {
            let window = &mut Window::default();
            ids.iter().map(|id| self.show_record(records, id, window)).collect()
        };
        thread::scope(|scope| {
            let mut shares = records.ids().chunks(share);
            let own = shares.next();
            // What finds no thread is shown by this one.
            let begin = |ids| thread::Builder::new().spawn_scoped(scope, move || show(ids)).map_err(|_| ids);
            let others: Vec<_> = shares.map(begin).collect();
            let mut all = own.map_or_else(|| Ok(Vec::new()), show)?;
            for other in others {
                let stopped = |_| Failure::new(Kind::Io, "a reader of records stopped unexpectedly");
                all.extend(other.map_or_else(show, |other| other.join().map_err(stopped)?)?);
            }
            Ok(all)
        })
    }

    fn show_record(&self, records: &Records, id: &BackupId, window: &mut Window) -> Result<Shown> {
        Ok(match records.read(id, window)? {
            Some(record) => Shown {
                id: id.clone(),
                readable: matches!(record.found, Found::Whole(_)),
                listed: self.show(id, record.found, !record.summary)?,
            },
            None => Shown { id: id.clone(), listed: None, readable: true },
        })
    }

    fn read(&self, id: &BackupId) -> Result<Option<Listed>> {
        self.show(id, self.record(id)?, true)
    }

    fn show(&self, id: &BackupId, found: Found, complete: bool) -> Result<Option<Listed>> {
        Ok(match found {
            Found::Whole(backup) => match self.place(&backup)? {
                // Its record said so before the dump went, if it was deleted meanwhile.
                Place::Empty if backup.is_good() => match self.record(id)? {
                    Found::Whole(now) => Some(self.listed(now, true, Place::Empty)),
                    _ => Some(self.listed(backup, complete, Place::Empty)),
                },
                Place::Empty => Some(self.listed(backup, complete, Place::Unknown)),
                place => Some(self.listed(backup, complete, place)),
            },
            Found::Newer(backup) => {
                let place = self.place(&backup)?;
                Some(self.listed(backup, false, place))
            }
            Found::Broken(why) | Found::Unreadable(why) => Some(self.unrecorded(id, &format!("its record is {why}"))),
            Found::Absent => None,
        })
    }

    fn record(&self, id: &BackupId) -> Result<Found> {
        record::read(self.dir, &names::record(id), id, self.datastore, self.dir.seals())
    }

    fn in_use(&self) -> Result<Vec<(BackupId, String)>> {
        let mut held = Vec::new();
        for id in self.incoming.iter().filter_map(|name| names::id_of(name, "use")) {
            held.extend(InUse::doing(self.dir, &id)?.map(|doing| (id, doing)));
        }
        Ok(held)
    }

    /// What lies in the place of the dump. Asked for by its name: a run that ended meanwhile may have put it there.
    fn place(&self, backup: &Backup) -> Result<Place> {
        let file = names::dump_of(backup);
        match self.dir.entry(&file) {
            Ok(entry) => Ok(entry.map_or(Place::Empty, Place::Taken)),
            Err(_) if self.names.contains(&file) => Ok(Place::Unknown),
            Err(e) => Err(e.into()),
        }
    }

    fn listed(&self, backup: Box<Backup>, complete: bool, place: Place) -> Listed {
        let here = !matches!(place, Place::Empty) && backup.deleted_at.is_none();
        let lies_there = |file: &String| self.names.contains(file) || self.trash.contains(file);
        let removing = backup.deleted_at.is_some() && self.working && lies_there(&names::dump_of(&backup));
        let in_use = !self.incoming.is_empty() && self.incoming.contains(&names::in_use(&backup.id));
        let mut listed = Listed::finished(backup, here, complete);
        if here && listed.backup.damage.is_none() {
            listed.backup.damage = other_size(&listed.backup, place);
        }
        let doing = if in_use { InUse::doing(self.dir, &listed.backup.id).unwrap_or(None) } else { None };
        listed.validating = doing.as_deref() == Some(VERIFY);
        listed.uploading = doing.as_deref() == Some(UPLOAD);
        if removing {
            listed.status = Status::InProgress;
        }
        listed
    }

    /// A dump that lies there without a readable record: never hidden, never trusted.
    fn unrecorded(&self, id: &BackupId, why: &str) -> Listed {
        let file = names::dumps(id).find(|name| self.names.contains(name));
        let here = file.is_some();
        let outcome = if here { Outcome::Success } else { Outcome::Failed };
        let mut backup = record::bare(id, self.datastore, outcome).of_stranger(Stranger::Lost);
        let text = format!("{why}; make it anew with: dokku backups:sync {}", id.service());
        if here {
            backup.file = file;
            backup.damage = Some(text);
        } else {
            backup.reason = Some(text);
        }
        Listed::finished(backup, here, true)
    }

    fn add_drafts(&self, service: &Service, backups: &mut BTreeMap<BackupId, Listed>) -> Result<()> {
        let ids: Vec<_> = self.incoming.iter().filter_map(|name| names::id_of(name, "draft")).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let incoming = self.dir.enter(INCOMING)?;
        for id in ids {
            if id.service() != &service.name || backups.contains_key(&id) {
                continue;
            }
            let draft = record::read(&incoming, &names::draft(&id), &id, self.datastore, self.dir.seals())?;
            // Asked after the draft was read: a run that holds the lock now is the one that wrote it.
            let working = Lock::is_held(self.dir, LOCK)?;
            let gone = incoming.entry(&names::draft(&id))?.is_none();
            if !working && !gone && names::dumps(&id).any(|name| self.names.contains(&name)) {
                continue; // Its dump is whole and in its place: `add_orphans` shows it.
            }
            let mut backup = match draft {
                // It became a record between our two looks at the folder.
                _ if gone => {
                    let listed = self.read(&id)?;
                    backups.extend(listed.map(|listed| (id, listed)));
                    continue;
                }
                Found::Whole(backup) | Found::Newer(backup) => backup,
                Found::Broken(_) | Found::Unreadable(_) | Found::Absent => {
                    Box::new(record::bare(&id, self.datastore, Outcome::Failed))
                }
            };
            let (status, presence) =
                if working { (Status::InProgress, Presence::Pending) } else { (Status::Failed, Presence::None) };
            backup.reason = (!working).then(|| ABANDONED.to_owned());
            backups.insert(id, Listed { status, presence, ..Listed::finished(backup, false, true) });
        }
        Ok(())
    }

    fn is_drafted(&self, id: &BackupId) -> Result<bool> {
        match self.dir.enter(INCOMING) {
            Ok(incoming) => Ok(incoming.entry(&names::draft(id))?.is_some()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    fn add_orphans(
        &self,
        service: &Service,
        names: &[&String],
        backups: &mut BTreeMap<BackupId, Listed>,
    ) -> Result<()> {
        for id in names.iter().filter_map(|name| names::dumped_id(name)) {
            if id.service() != &service.name || backups.contains_key(&id) {
                continue;
            }
            // Begun after the drafts were listed: the next look shows it as in progress, or recorded.
            if Lock::is_held(self.dir, LOCK)? && self.is_drafted(&id)? {
                continue;
            }
            // Its record may have been written since.
            let listed = self.read(&id)?.unwrap_or_else(|| self.unrecorded(&id, "it has no record"));
            backups.insert(id, listed);
        }
        Ok(())
    }
}

/// Why the dump cannot be the recorded one, as far as its size tells: the cheap half of the proof.
fn other_size(backup: &Backup, place: Place) -> Option<String> {
    let Place::Taken(entry) = place else { return None };
    let recorded = backup.size.filter(|size| !entry.regular || *size != entry.size)?;
    Some(format!("{} has {} bytes, its record says {recorded}", names::dump_of(backup), entry.size))
}

fn inner_names(dir: &Dir, name: &str) -> Result<HashSet<String>> {
    match dir.enter(name) {
        Ok(inner) => Ok(inner.names()?.into_iter().collect()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(HashSet::new()),
        Err(e) => Err(e.into()),
    }
}
