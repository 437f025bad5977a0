//! A catalogue from the records that lie beside the copies: all that a new host needs after the old one was lost.

use std::collections::{BTreeSet, HashMap};

use super::store::{global_store, store_of};
use crate::catalogue::{Exclusive, Sidecar, sidecar_name};
use crate::destination::Store;
use crate::domain::{Backup, BackupId, CopyState, Destination, Service, id_of_file};
use crate::error::Result;
use crate::sys::signals;
use crate::verbs::Context;

/// Largest record read.
const LARGEST: u64 = 64 << 20;

/// What was found at the destination.
#[derive(Debug, Default)]
pub struct Rebuilt {
    /// Ids that were recorded here from there.
    pub recorded: Vec<String>,
    /// Objects in the service's folder that were not followed, and why.
    pub strange: Vec<String>,
}

/// Records here every backup that the destination has a record and a dump of and this catalogue does not know.
pub fn rebuild(context: &Context, catalogue: &Exclusive) -> Result<Rebuilt> {
    let mut found = Rebuilt::default();
    let service = catalogue.service();
    let Some(store) = store_of(context, service)? else { return Ok(found) };
    let folder = store.bucket().folder(service);
    let objects: HashMap<String, u64> = store
        .list(&folder)?
        .into_iter()
        .filter_map(|o| Some((o.key.strip_prefix(&folder)?.to_owned(), o.size)))
        .collect();
    let known: BTreeSet<BackupId> = catalogue.known()?.into_iter().collect();
    let mut names: Vec<&String> = objects.keys().collect();
    names.sort();
    for name in names {
        signals::obey()?;
        let id = id_of_file(name).filter(|id| id.service() == &service.name);
        let told = match id {
            None => Some("not ours".to_owned()),
            Some(id) if known.contains(&id) => None,
            Some(id) if *name == sidecar_name(&id) => take(catalogue, &store, &id, &objects, &mut found)?,
            Some(id) if !objects.contains_key(&sidecar_name(&id)) => Some("it has no record beside it".to_owned()),
            Some(_) => None,
        };
        found.strange.extend(told.map(|why| format!("{}: {why}", store.bucket().uri(&format!("{folder}{name}")))));
    }
    catalogue.reindex()?;
    Ok(found)
}

/// Records one backup here; or says why not.
fn take(
    catalogue: &Exclusive,
    store: &Store,
    id: &BackupId,
    objects: &HashMap<String, u64>,
    found: &mut Rebuilt,
) -> Result<Option<String>> {
    let service = catalogue.service();
    let key = store.bucket().key(service, &sidecar_name(id));
    let Some(bytes) = store.get_small(&key, LARGEST)? else { return Ok(None) };
    let mut backup = match Sidecar::read(&bytes, service, id) {
        Sidecar::Whole(backup) => *backup,
        Sidecar::Strange(why) => return Ok(Some(why)),
    };
    let (Some(file), true) = (backup.file.clone(), backup.is_good()) else {
        return Ok(Some("it is the record of no finished backup".to_owned()));
    };
    let copy = backup.destination.as_ref();
    let sealed = copy.is_some_and(|copy| !copy.encrypted_to.is_empty());
    let there = if sealed { format!("{file}.age") } else { file };
    if objects.get(&there).copied() != copy.and_then(|copy| copy.size).or(backup.size) {
        return Ok(Some(format!("its dump {there} is not there, or has another size")));
    }
    adopt(&mut backup, store.bucket().uri(&store.bucket().key(service, &there)))?;
    catalogue.save(&backup)?;
    found.recorded.push(id.to_string());
    Ok(None)
}

/// What the record said about its old host does not hold here.
fn adopt(backup: &mut Backup, uri: String) -> Result<()> {
    let fingerprint = Sidecar::fingerprint(backup)?;
    let mut copy = backup.destination.take().unwrap_or_else(|| Destination::pending(uri.clone()));
    copy.uri = uri;
    copy.size = copy.size.or(backup.size);
    copy.sha256 = copy.sha256.or_else(|| backup.sha256.clone());
    copy.record = Some(fingerprint);
    copy.settled(CopyState::Stored);
    backup.destination = Some(copy);
    Ok(())
}

/// Services that the destination of all services has backups of.
pub fn services_elsewhere(context: &Context) -> Result<Vec<Service>> {
    let Some(store) = global_store(context)? else { return Ok(Vec::new()) };
    let objects = store.list(&store.bucket().below(""))?;
    let services: BTreeSet<Service> =
        objects.iter().filter_map(|object| store.bucket().owner(&object.key).map(|(service, _)| service)).collect();
    Ok(services.into_iter().collect())
}
