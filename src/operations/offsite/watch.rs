//! Whether the copies are still there: what the store lists is held against the records. One listing a folder of a
//! service, never a question a backup; what cannot be listed is a failure, and no copy is taken for lost because of it.

use std::collections::{BTreeMap, HashMap};

use crate::catalogue::{Detail, LockedCatalogue, Log, View, sidecar_name};
use crate::domain::{Backup, BackupId, CopyRecord, CopyState, CopyWord, Destination, Listed, Service, keys_of};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::offsite::{clear, place_of, same_bytes, store_with};
use crate::operations::recover::lock_and_recover;
use crate::operations::select::folder_for_reading;
use crate::store::{Object, Store};
use crate::stream::Passed;
use crate::sys::signals;

/// Of so many copies that a list lacks, the store is asked by name: a list that forgets what is there is not believed.
const ASKED: usize = 3;

/// What was found.
#[derive(Debug, Default)]
pub struct Watched {
    /// Copies that are gone or others than were sent, and were not known to be.
    pub lost: Vec<(BackupId, CopyState)>,
    /// Copies that had been missed and are as they were.
    pub found: Vec<BackupId>,
}

/// Looks at the copies of one service and writes down what is no longer as its record says. With `closely`, objects that
/// the store calls by another word than it did are read and compared; without, they count as changed.
pub fn watch(context: &Context, catalogue: &LockedCatalogue, closely: bool) -> Result<Watched> {
    let mut watched = Watched::default();
    let service = catalogue.service();
    let Some(set) = place_of(context, service)? else { return Ok(watched) };
    let view = catalogue.view(Detail::Summary)?;
    let mut changed = false;
    for (destination, listed) in by_destination(&view.backups) {
        let told = There::list(context, service, listed[0]).and_then(|there| {
            there.is_believed(&listed)?;
            for listed in &listed {
                signals::obey()?;
                changed |= there.note(context, catalogue, &listed.backup, closely, &mut watched)?;
            }
            Ok(())
        });
        match told {
            // What is set now need not open where copies went before.
            Err(failure) if destination != set.destination.to_string() && failure.kind == Kind::Config => {
                context
                    .ui
                    .warn(&format!("copies of {service} at {destination} were not looked at: {}", failure.reason()));
            }
            told => told?,
        }
    }
    if changed {
        catalogue.reindex()?;
    }
    Ok(watched)
}

/// The same for the scheduler: without a lock as long as everything is as it was.
pub fn watch_now_and_then(context: &Context, service: &Service) -> Result<Watched> {
    let Some(dir) = folder_for_reading(context, service)? else { return Ok(Watched::default()) };
    if place_of(context, service)?.is_none() {
        return Ok(Watched::default());
    }
    let view = View::of(&dir, service, Detail::Summary)?;
    for (_, listed) in by_destination(&view.backups) {
        let there = There::list(context, service, listed[0])?;
        if !listed.iter().all(|listed| there.is_as_recorded(&listed.backup)) {
            return watch(context, &lock_and_recover(context, service, 0, "watch")?, false);
        }
    }
    Ok(Watched::default())
}

/// Backups whose copies were there, by the destination that they went to.
fn by_destination(backups: &[Listed]) -> BTreeMap<String, Vec<&Listed>> {
    let mut found: BTreeMap<String, Vec<&Listed>> = BTreeMap::new();
    for listed in backups.iter().filter(|listed| listed.backup.is_good()) {
        let copy = listed.backup.destination.as_ref().filter(|copy| copy.is_watched());
        if let Some((destination, _)) = copy.and_then(|copy| Destination::of_copy(&copy.uri)) {
            found.entry(destination.to_string()).or_default().push(listed);
        }
    }
    found
}

/// What a store lists in the folder of a service.
struct There {
    store: Box<dyn Store>,
    objects: HashMap<String, Object>,
    folder: String,
}

/// How an object stands beside the record of a copy.
enum Seen {
    /// As it was sent, as far as the list tells.
    Same,
    /// It is not there.
    Gone,
    /// Another one is there.
    Other(String),
    /// The store calls it by another word: other bytes, or the same that were put there in another way.
    Renamed(String),
}

impl There {
    fn list(context: &Context, service: &Service, one: &Listed) -> Result<There> {
        let uri = one.backup.destination.as_ref().map(|copy| copy.uri.as_str()).unwrap_or_default();
        let (store, _) = store_with(context, service, uri)?;
        let folder = keys_of(service);
        let objects = store.list(&folder)?.into_iter().map(|object| (object.key.clone(), object)).collect();
        Ok(There { store, objects, folder })
    }

    fn object(&self, copy: &CopyRecord) -> Option<&Object> {
        self.objects.get(Destination::of_copy(&copy.uri)?.1)
    }

    /// Asks for some of what the list lacks: when the store has it after all, nothing that it lists is followed.
    fn is_believed(&self, listed: &[&Listed]) -> Result<()> {
        let copies = listed.iter().filter_map(|listed| listed.backup.destination.as_ref());
        let newly = copies.filter(|copy| copy.state != CopyState::Missing && self.object(copy).is_none());
        for copy in newly.take(ASKED) {
            if let Some((_, key)) = Destination::of_copy(&copy.uri)
                && self.store.head(key)?.is_some()
            {
                let text = format!("{} does not list {key}, and has it", self.store.destination());
                return Err(
                    Failure::new(Kind::Io, text).hint("its lists are not complete; copies cannot be watched there")
                );
            }
        }
        Ok(())
    }

    fn seen(&self, copy: &CopyRecord) -> Seen {
        let Some(object) = self.object(copy) else { return Seen::Gone };
        match (&copy.etag, &object.etag) {
            _ if copy.size.is_some_and(|size| size != object.size) => {
                let sent = copy.size.unwrap_or_default();
                Seen::Other(format!("it has {} bytes, {sent} were sent", object.size))
            }
            (Some(was), Some(is)) if was != is => Seen::Renamed(is.clone()),
            _ => Seen::Same,
        }
    }

    fn lacks_record(&self, backup: &Backup, copy: &CopyRecord) -> bool {
        let is_own = !backup.is_stranger() && copy.record.is_some();
        is_own && !self.objects.contains_key(&format!("{}{}", self.folder, sidecar_name(&backup.id)))
    }

    /// Whether there is nothing to write down about the copy of `backup`.
    fn is_as_recorded(&self, backup: &Backup) -> bool {
        let Some(copy) = &backup.destination else { return true };
        match (self.seen(copy), copy.state) {
            (Seen::Same, CopyState::Stored) => !self.lacks_record(backup, copy),
            (Seen::Gone, CopyState::Missing) | (Seen::Other(_) | Seen::Renamed(_), CopyState::Changed) => true,
            _ => false,
        }
    }

    /// Writes down what is no longer as the record says; whether anything was.
    fn note(
        &self,
        context: &Context,
        catalogue: &LockedCatalogue,
        backup: &Backup,
        closely: bool,
        watched: &mut Watched,
    ) -> Result<bool> {
        let Some(copy) = &backup.destination else { return Ok(false) };
        let (was, mut now) = (copy.state, copy.clone());
        let at = context.settings.clock.now().format("%Y-%m-%d %H:%M:%S UTC");
        match self.seen(copy) {
            Seen::Same => {
                if was != CopyState::Stored {
                    now.settled(CopyState::Stored);
                    watched.found.push(backup.id.clone());
                }
                now.etag = now.etag.or_else(|| self.object(copy).and_then(|object| object.etag.clone()));
                if self.lacks_record(backup, copy) {
                    now.record = None;
                }
            }
            Seen::Gone if was != CopyState::Missing => {
                let why = "the store does not have it any more (has the bucket a lifecycle rule?)";
                now.lost(CopyState::Missing, format!("{why}; seen {at}"));
            }
            Seen::Other(why) if was != CopyState::Changed => now.lost(CopyState::Changed, format!("{why}; seen {at}")),
            Seen::Renamed(etag) if closely && self.has_bytes(copy)? => {
                now.etag = Some(etag);
                now.settled(CopyState::Stored);
            }
            Seen::Renamed(_) if was != CopyState::Changed => {
                now.lost(CopyState::Changed, format!("the store has another object by its name; seen {at}"));
            }
            Seen::Gone | Seen::Other(_) | Seen::Renamed(_) => {}
        }
        if now == *copy {
            return Ok(false);
        }
        let mut record = match catalogue.record(&backup.id) {
            // A newer program's record is never rewritten.
            Err(failure) if failure.kind == Kind::Catalogue => return Ok(false),
            record => record?,
        };
        if now.state != was {
            let state = CopyWord::from(now.state);
            Log::open(catalogue.dir(), &backup.id, context.settings.clock).say(&match &now.reason {
                Some(why) => format!("{} is {state}: {why}", now.uri),
                None => format!("{} is {state} again", now.uri),
            });
            if now.state != CopyState::Stored {
                watched.lost.push((backup.id.clone(), now.state));
            }
        }
        record.destination = Some(now);
        catalogue.save(&record)?;
        Ok(true)
    }

    /// Whether what lies there has the bytes that were sent.
    fn has_bytes(&self, copy: &CopyRecord) -> Result<bool> {
        let (Some((_, key)), Some(size), Some(sha256)) =
            (Destination::of_copy(&copy.uri), copy.size, copy.sha256.clone())
        else {
            return Ok(false);
        };
        match same_bytes(self.store.as_ref(), key, &Passed { size, sha256 }) {
            Ok(()) => Ok(true),
            Err(failure) if matches!(failure.kind, Kind::Refused | Kind::Damaged) => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

/// Takes an object out of the way that stands where the copy of `backup` was: only one that nobody else can have put
/// there for himself. The record beside it has to be this backup's, and no other upload's word be on it.
pub fn make_way(store: &dyn Store, catalogue: &LockedCatalogue, backup: &Backup, key: &str) -> Result<()> {
    let Some(copy) = &backup.destination else { return Ok(()) };
    let Some(object) = store.head(key)? else { return Ok(()) };
    let is_of_another = object.mark.is_some() && object.mark != copy.mark;
    if is_of_another || super::is_own_record(store, catalogue, backup)? != Some(true) {
        return Ok(());
    }
    if let (Some(size), Some(sha256)) = (copy.size, copy.sha256.clone())
        && object.size == size
        && same_bytes(store, key, &Passed { size, sha256 }).is_ok()
    {
        return Ok(());
    }
    clear(store, key)
}
