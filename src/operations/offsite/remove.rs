//! Removing the copy of a backup that was deleted here.

use crate::catalogue::{LockedCatalogue, Log, sidecar_name};
use crate::domain::{Backup, CopyRecord, CopyState, key_of};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::offsite::{is_own_record, store_with};

/// Removes the copy and then its record; what became of it is written down, and tried again later where it failed.
pub fn remove_copy(context: &Context, catalogue: &LockedCatalogue, mut backup: Backup) -> Result<Backup> {
    let Some(copy) = backup.destination.clone().filter(|copy| copy.state == CopyState::Deleting) else {
        return Ok(backup);
    };
    let clock = context.settings.clock;
    let mut log = Log::open(catalogue.dir(), &backup.id, clock);
    let removed = remove(context, catalogue, &backup, &copy);
    let failed = removed.err();
    if let Some(copy) = &mut backup.destination {
        match &failed {
            None => copy.settled(CopyState::Deleted),
            Some(failure) => copy.put_off(CopyState::Deleting, failure.reason(), clock.now()),
        }
    }
    catalogue.save(&backup)?;
    catalogue.reindex()?;
    match failed {
        None => {
            log.say(&format!("deleted {}", copy.uri));
            Ok(backup)
        }
        Some(failure) => {
            log.say(&format!("{} could not be deleted: {}", copy.uri, failure.reason()));
            let text = format!("{} is deleted here, but its copy at {} may still be there", backup.id, copy.uri);
            let told = Failure::new(Kind::Partial, text).because(failure.reason());
            let told = failure.hints.iter().cloned().fold(told, Failure::hint);
            Err(told.hint(format!("it is tried again; at once with: dokku backups:sync {}", catalogue.service())))
        }
    }
}

/// Removes the dump there and then its record. What was never confirmed to be this backup's copy may be anything of that
/// name, such as another host's: then only what carries our word goes, and only a record of the same dump.
fn remove(context: &Context, catalogue: &LockedCatalogue, backup: &Backup, copy: &CopyRecord) -> Result<()> {
    let (store, key) = store_with(context, catalogue.service(), &copy.uri)?;
    // In its place there may be anybody's by now.
    let is_changed = copy.etag.is_some() && {
        let there = store.head(key)?.and_then(|object| object.etag);
        there.is_some() && there != copy.etag
    };
    let is_confirmed = copy.sha256.is_some() && !is_changed;
    let carries_ours = |mark: Option<String>| mark.is_some() && mark == copy.mark;
    if is_confirmed || store.head(key)?.is_some_and(|object| carries_ours(object.mark)) {
        store.delete(key)?;
    }
    if is_confirmed || is_own_record(store.as_ref(), catalogue, backup)? == Some(true) {
        store.delete(&key_of(catalogue.service(), &sidecar_name(&backup.id)))?;
    }
    Ok(())
}
