//! Removing the copy of a backup that was deleted here.

use crate::catalogue::{Exclusive, Log, sidecar_name};
use crate::domain::{Backup, CopyState};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::offsite::store_with;

/// Removes the copy and then its record; what became of it is written down, and tried again later where it failed.
pub fn remove_copy(context: &Context, catalogue: &Exclusive, mut backup: Backup) -> Result<Backup> {
    let Some(copy) = backup.destination.clone().filter(|copy| copy.state == CopyState::Deleting) else {
        return Ok(backup);
    };
    let clock = context.settings.clock;
    let mut log = Log::open(catalogue.dir(), &backup.id, clock);
    let removed = store_with(context, catalogue.service(), &copy.uri).and_then(|(store, key)| {
        let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
        store.delete(&key)?;
        store.delete(&format!("{folder}/{}", sidecar_name(&backup.id)))
    });
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
