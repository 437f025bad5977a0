//! Bringing a dump back that is only elsewhere.

use std::io::Read;

use crate::catalogue::{Arrival, Detail, LockedCatalogue, Log};
use crate::codec::{Identities, decode};
use crate::domain::{Backup, BackupId, CopyRecord, CopyState, Listed, Presence, Service, StoredAs, room_needed};
use crate::error::{Failure, Kind, Phase, Result};
use crate::operations::Context;
use crate::operations::keys::Keys;
use crate::operations::offsite::store_with;
use crate::operations::proof::seen;
use crate::operations::recover::lock_and_recover;
use crate::stream::{self, Passed, Sum, Summed};
use crate::ui::{Progress, bytes};

/// Brings the dump of `id` into its place if it is not there: hashed while it comes, and moved to its place only when it
/// is exactly what its record says. Bytes that are not are thrown away, and the record says so of the copy: whether the
/// dump itself is whole, should it turn up again, they do not tell.
pub fn fetch(context: &Context, catalogue: &LockedCatalogue, id: &BackupId, keys: &Keys) -> Result<()> {
    let view = catalogue.view(Detail::Summary)?;
    let mut next = Some(id);
    // What it leans on comes too. Every link is another backup of this view, and none comes twice.
    for _ in 0..=view.backups.len() {
        let Some(listed) = next.and_then(|id| view.backups.iter().find(|listed| &listed.backup.id == id)) else {
            break;
        };
        if listed.presence == Presence::Remote {
            fetch_one(context, catalogue, &listed.backup.id, keys)?;
        }
        next = listed.backup.base();
    }
    Ok(())
}

fn fetch_one(context: &Context, catalogue: &LockedCatalogue, id: &BackupId, keys: &Keys) -> Result<()> {
    let backup = catalogue.record(id)?;
    let fetched = bring(context, catalogue, &backup, keys);
    match &fetched {
        Ok(()) => note(catalogue, id, None)?,
        Err(failure) if failure.kind == Kind::Damaged => {
            note(catalogue, id, Some(seen(failure, context.settings.clock)))?;
        }
        Err(failure) if failure.kind == Kind::NotFound && is_gone(context, &backup)? => {
            note_gone(catalogue, id, seen(failure, context.settings.clock))?;
        }
        Err(_) => {}
    }
    fetched
}

/// Writes down what is wrong with the copy. Where nothing is, neither is anything wrong with what it was brought here as,
/// whatever was seen before.
fn note(catalogue: &LockedCatalogue, id: &BackupId, damage: Option<String>) -> Result<()> {
    let mut record = catalogue.record(id)?;
    let before = record.clone();
    if damage.is_none() {
        record.damage = None;
    }
    if let Some(copy) = &mut record.destination {
        if damage.is_none() && copy.state == CopyState::Changed {
            copy.etag = None;
            copy.settled(CopyState::Stored);
        }
        copy.reason = damage;
    }
    if record != before {
        catalogue.save(&record)?;
        catalogue.reindex()?;
    }
    Ok(())
}

/// Whether the store itself says that it does not have the copy.
fn is_gone(context: &Context, backup: &Backup) -> Result<bool> {
    let service = Service { datastore: backup.datastore, name: backup.service.clone() };
    let Some(copy) = &backup.destination else { return Ok(false) };
    let (store, key) = store_with(context, &service, &copy.uri)?;
    Ok(store.head(key)?.is_none())
}

/// Writes down that the copy is not there any more.
fn note_gone(catalogue: &LockedCatalogue, id: &BackupId, why: String) -> Result<()> {
    let mut record = catalogue.record(id)?;
    if let Some(copy) = &mut record.destination {
        copy.lost(CopyState::Missing, why);
    }
    catalogue.save(&record)?;
    catalogue.reindex()
}

/// The same for who holds no lock yet.
pub fn fetch_now(context: &Context, service: &Service, chosen: &Listed, keys: &Keys, wait: u32) -> Result<()> {
    if !chosen.is_away() {
        return Ok(());
    }
    fetch(context, &lock_and_recover(context, service, wait, "fetch")?, &chosen.backup.id, keys)
}

fn bring(context: &Context, catalogue: &LockedCatalogue, backup: &Backup, keys: &Keys) -> Result<()> {
    let Some(copy) = &backup.destination else { return Ok(()) };
    let identities = match copy.encrypted_to.as_slice() {
        [] => None,
        whom => Some(keys.fitting(context, catalogue.service(), whom, &format!("the copy of {}", backup.id))?),
    };
    let size = backup.size.unwrap_or(0);
    let (free, needed) = (catalogue.dir().free_bytes()?, room_needed(Some(size)));
    if free < needed {
        let text = format!("fetching {} needs {}, {} are free", backup.id, bytes(needed), bytes(free));
        return Err(Failure::new(Kind::NoSpace, text));
    }
    context.ui.step(&format!("Fetching {} from {}", backup.id, copy.uri));
    let mut arrival = catalogue.receive(backup.file.as_deref().unwrap_or_default())?;
    let received = receive(context, catalogue, backup, copy, identities, &mut arrival);
    if let Err(failure) = received {
        arrival.discard()?;
        return Err(failure);
    }
    arrival.settle()?;
    Log::open(catalogue.dir(), &backup.id, context.settings.clock).say(&format!("fetched from {}", copy.uri));
    Ok(())
}

/// Receives the copy and compares: the copy itself with what was sent, what is in it with the backup.
fn receive(
    context: &Context,
    catalogue: &LockedCatalogue,
    backup: &Backup,
    copy: &CopyRecord,
    identities: Option<Identities>,
    arrival: &mut Arrival,
) -> Result<()> {
    let (store, key) = store_with(context, catalogue.service(), &copy.uri)?;
    let damaged = |why: String| {
        Failure::new(Kind::Damaged, format!("the copy of {} at {} is damaged", backup.id, copy.uri)).because(why)
    };
    let size = copy.size.or(backup.size).unwrap_or(0);
    match store.head(key)? {
        Some(object) if object.size == size => {}
        Some(object) => return Err(damaged(format!("it has {} bytes, its record says {size}", object.size))),
        None => return Err(Failure::new(Kind::NotFound, format!("the copy of {} is not at {}", backup.id, copy.uri))),
    }
    let mut progress = Progress::new(context.ui, Phase::Fetch, Some(size));
    let mut coming = Summed::new(store.read(key, size)?, |count| progress.add(count));
    let inside = match &identities {
        None => pass(&mut coming, arrival),
        Some(identities) => {
            let form = StoredAs { encrypted: true, ..StoredAs::UNCHANGED };
            decode(&mut coming, form, identities).and_then(|mut opened| pass(&mut opened, arrival))
        }
    };
    // What cannot be opened may simply be other bytes than were sent: that is looked at first.
    let inside = match inside {
        Err(failure) if !matches!(failure.kind, Kind::Damaged | Kind::Config) || identities.is_none() => {
            return Err(failure);
        }
        inside => inside,
    };
    let sent = Passed { size, sha256: copy.sha256.clone().or_else(|| backup.sha256.clone()).unwrap_or_default() };
    if coming.whole()? != sent {
        return Err(damaged("it does not have the sha256 of its record".to_owned()));
    }
    let inside = inside?;
    if Some(inside.size) != backup.size || Some(&inside.sha256) != backup.sha256.as_ref() {
        return Err(damaged("what is in it does not have the sha256 of the backup".to_owned()));
    }
    Ok(())
}

fn pass(source: &mut dyn Read, arrival: &mut Arrival) -> Result<Passed> {
    let mut sum = Sum::default();
    stream::pass(source, &mut |piece| {
        sum.add(piece);
        arrival.keep(piece)
    })?;
    Ok(sum.passed())
}
