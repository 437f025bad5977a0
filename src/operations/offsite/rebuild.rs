//! A catalogue from the records that lie beside the copies: all that a new host needs after the old one was lost.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::catalogue::{Detail, LockedCatalogue, Sidecar, sidecar_name};
use crate::domain::{
    Backup, BackupId, CopyRecord, CopyState, Service, Stranger, id_of_file, key_of, keys_of, owner_of,
};
use crate::error::Result;
use crate::operations::Context;
use crate::operations::offsite::{global_store, store_of};
use crate::store::Store;
use crate::sys::signals;

/// Largest record read.
const LARGEST: u64 = 64 << 20;

/// What was found at the destination.
#[derive(Debug, Default)]
pub struct Rebuilt {
    /// Ids that were recorded here from there.
    pub recorded: Vec<String>,
    /// Backups whose records were taken over, and from whom.
    pub taken_over: Vec<(BackupId, Stranger)>,
    /// Objects in the service's folder that were not followed, and why.
    pub strange: Vec<String>,
}

/// What becomes of the records that another host, or anybody, has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strangers {
    /// They are recorded as such: whose they are, and nothing of what they claim was shown.
    StayStrangers,
    /// They are believed, and become this host's own.
    AreTakenOver,
}

/// Records here every backup that the destination has a record and a dump of and this catalogue does not know. A record of
/// this host that lies there stands again where the one here was lost.
pub fn rebuild(context: &Context, catalogue: &LockedCatalogue, strangers: Strangers) -> Result<Rebuilt> {
    let mut found = Rebuilt::default();
    let service = catalogue.service();
    let Some(store) = store_of(context, service)? else { return Ok(found) };
    let folder = keys_of(service);
    let objects: HashMap<String, u64> = store
        .list(&folder)?
        .into_iter()
        .filter_map(|o| Some((o.key.strip_prefix(&folder)?.to_owned(), o.size)))
        .collect();
    let there = There { catalogue, store: store.as_ref(), objects: &objects, strangers };
    let known: BTreeMap<BackupId, Box<Backup>> =
        catalogue.view(Detail::Summary)?.backups.into_iter().map(|l| (l.backup.id.clone(), l.backup)).collect();
    let mut names: Vec<&String> = objects.keys().collect();
    names.sort();
    for name in names {
        signals::obey()?;
        let id = id_of_file(name).filter(|id| id.service() == &service.name);
        let told = match id {
            None => Some("not ours".to_owned()),
            Some(id) if *name == sidecar_name(&id) => match known.get(&id) {
                None => there.take(&id, &mut found)?,
                Some(here) => {
                    there.compare(here, &mut found)?;
                    None
                }
            },
            Some(id) if !known.contains_key(&id) && !objects.contains_key(&sidecar_name(&id)) => {
                Some("it has no record beside it".to_owned())
            }
            Some(_) => None,
        };
        found.strange.extend(told.map(|why| format!("{}: {why}", store.destination().uri(&format!("{folder}{name}")))));
    }
    catalogue.reindex()?;
    Ok(found)
}

/// The service's folder at the destination.
struct There<'a> {
    catalogue: &'a LockedCatalogue,
    store: &'a dyn Store,
    objects: &'a HashMap<String, u64>,
    strangers: Strangers,
}

impl There<'_> {
    /// Records one backup here; or says why not.
    fn take(&self, id: &BackupId, found: &mut Rebuilt) -> Result<Option<String>> {
        let (backup, stranger) = match self.record(id)? {
            Some(Ok(read)) => read,
            Some(Err(why)) => return Ok(Some(why)),
            None => return Ok(None),
        };
        self.save(backup, stranger, found)?;
        found.recorded.push(id.to_string());
        Ok(None)
    }

    /// A backup that is known here as a stranger's may be this host's own after all; or be taken over; or at least have a
    /// copy there. It must be of the very same bytes. No other record here is ever replaced by one from there.
    fn compare(&self, here: &Backup, found: &mut Rebuilt) -> Result<()> {
        let wanted = here.destination.is_none() || self.strangers == Strangers::AreTakenOver;
        if !here.is_stranger() || !here.is_good() || here.sha256.is_none() || !wanted {
            return Ok(());
        }
        let Some(Ok((backup, stranger))) = self.record(&here.id)? else { return Ok(()) };
        if (&backup.sha256, &backup.file) != (&here.sha256, &here.file) {
            return Ok(());
        }
        let stays = stranger.is_some() && self.strangers == Strangers::StayStrangers;
        if stays && here.counts() {
            // What this host has seen for itself stays.
            let record = Backup { destination: backup.destination, ..self.catalogue.record(&here.id)? };
            return self.catalogue.save(&record);
        }
        let recorded = stranger.is_none();
        self.save(backup, stranger, found)?;
        if recorded {
            found.recorded.push(here.id.to_string());
        }
        Ok(())
    }

    fn save(&self, backup: Backup, stranger: Option<Stranger>, found: &mut Rebuilt) -> Result<()> {
        let destination = backup.destination.clone();
        let backup = match (stranger, self.strangers) {
            (None, _) => backup,
            (Some(why), Strangers::StayStrangers) => Backup { destination, ..backup.of_stranger(why) },
            (Some(why), Strangers::AreTakenOver) => {
                found.taken_over.push((backup.id.clone(), why));
                Backup { foreign: None, ..backup }
            }
        };
        self.catalogue.save(&backup)
    }

    /// The record of `id` there, saying where the copy was found, and whose it is; or why it is not followed.
    fn record(&self, id: &BackupId) -> Result<Option<Read>> {
        let (service, destination) = (self.catalogue.service(), self.store.destination());
        let Some(bytes) = self.store.get_small(&key_of(service, &sidecar_name(id)), LARGEST)? else {
            return Ok(None);
        };
        let (mut backup, stranger) = match Sidecar::read(&bytes, service, id, self.catalogue.dir().seals()) {
            Sidecar::Whole(backup, stranger) => (*backup, stranger),
            Sidecar::Strange(why) => return Ok(Some(Err(why))),
        };
        let (Some(file), true) = (backup.file.clone(), backup.is_good()) else {
            return Ok(Some(Err("it is the record of no finished backup".to_owned())));
        };
        let copy = backup.destination.as_ref();
        let sealed = copy.is_some_and(|copy| !copy.encrypted_to.is_empty());
        let there = if sealed { format!("{file}.age") } else { file };
        if self.objects.get(&there).copied() != copy.and_then(|copy| copy.size).or(backup.size) {
            return Ok(Some(Err(format!("its dump {there} is not there, or has another size"))));
        }
        // Only a record of this host's is known to be up to date; one that is taken over is written anew.
        let current = if stranger.is_none() { Some(self.catalogue.dir().fingerprint(&backup)?) } else { None };
        adopt(&mut backup, destination.uri(&key_of(service, &there)), current);
        Ok(Some(Ok((backup, stranger))))
    }
}

/// A record and whose it is, or why it is not followed.
type Read = Result<(Backup, Option<Stranger>), String>;

/// What the record said about its old host does not hold here.
fn adopt(backup: &mut Backup, uri: String, current: Option<String>) {
    let mut copy = backup.destination.take().unwrap_or_else(|| CopyRecord::pending(uri.clone()));
    copy.uri = uri;
    copy.size = copy.size.or(backup.size);
    copy.sha256 = copy.sha256.or_else(|| backup.sha256.clone());
    copy.record = current;
    // What the store called it before is the old host's word.
    copy.etag = None;
    copy.settled(CopyState::Stored);
    backup.destination = Some(copy);
}

/// Services that the destination of all services has backups of.
pub fn services_elsewhere(context: &Context) -> Result<Vec<Service>> {
    let Some(store) = global_store(context)? else { return Ok(Vec::new()) };
    let objects = store.list("")?;
    let services: BTreeSet<Service> =
        objects.iter().filter_map(|object| owner_of(&object.key).map(|(service, _)| service)).collect();
    Ok(services.into_iter().collect())
}
