//! Removing the copy of a backup that was deleted here.

use chrono::{DateTime, Utc};

use crate::catalogue::{Detail, LockedCatalogue, Log, sidecar_name};
use crate::domain::{Backup, CopyRecord, CopyState, Listed, key_of};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::offsite::{is_own_record, store_with};
use crate::store::Removal;

/// Removes the copy and then its record; what became of it is written down, and tried again later where it failed. A store
/// that does not let it go is no failure: that is said.
pub fn remove_copy(context: &Context, catalogue: &LockedCatalogue, mut backup: Backup) -> Result<Backup> {
    let is_open = |copy: &CopyRecord| matches!(copy.state, CopyState::Deleting | CopyState::Kept);
    let Some(copy) = backup.destination.clone().filter(is_open) else { return Ok(backup) };
    let clock = context.settings.clock;
    if let Some(why) = leant_on(catalogue, &backup)? {
        context.ui.detail(&format!("its copy stays for now at {}: {why}", copy.uri));
        if let Some(copy) = &mut backup.destination {
            copy.put_off(CopyState::Deleting, why, clock.now());
        }
        catalogue.save(&backup)?;
        catalogue.reindex()?;
        return Ok(backup);
    }
    let removed =
        remove_file_before(context, catalogue, &mut backup).and_then(|()| remove(context, catalogue, &backup, &copy));
    let said = match &removed {
        Ok(removed) => removed.words(&copy.uri, clock.now()),
        Err(failure) => format!("{} could not be deleted: {}", copy.uri, failure.reason()),
    };
    if let Some(copy) = &mut backup.destination {
        match &removed {
            Ok(Removed { removal: Removal::Refused, kept_until }) => copy.kept(*kept_until),
            Ok(Removed { removal: Removal::Gone, kept_until }) => {
                copy.settled(CopyState::Deleted);
                copy.kept_until = *kept_until;
            }
            Err(failure) => copy.put_off(CopyState::Deleting, failure.reason(), clock.now()),
        }
    }
    catalogue.save(&backup)?;
    catalogue.reindex()?;
    Log::open(catalogue.dir(), &backup.id, clock).say(&said);
    match removed {
        Ok(removed) => {
            if removed.is_held(clock.now()) {
                context.ui.detail(&said);
            }
            Ok(backup)
        }
        Err(failure) => {
            let text = format!("{} is deleted here, but its copy at {} may still be there", backup.id, copy.uri);
            let told = Failure::new(Kind::Partial, text).because(failure.reason());
            let told = failure.remedies.iter().cloned().fold(told, Failure::hint);
            Err(told.remedy("it is tried again; at once with", format!("dokku backups:sync {}", catalogue.service())))
        }
    }
}

/// Why the copy has to stay for now, if it has: at the destination something still leans on it.
fn leant_on(catalogue: &LockedCatalogue, backup: &Backup) -> Result<Option<String>> {
    if backup.archive.is_none() {
        return Ok(None);
    }
    let view = catalogue.view(Detail::Summary)?.backups;
    let leans = |other: &&Listed| {
        let Some(copy) = &other.backup.destination else { return false };
        let is_there = matches!(copy.state, CopyState::Stored | CopyState::Changed | CopyState::Deleting);
        // What the file before leant on is not known any more; it was made earlier, like everything that is leant on.
        let before_may = copy.former.is_some() && other.backup.position() > backup.position();
        before_may || is_there && other.backup.base() == Some(&backup.id)
    };
    Ok(view.iter().find(leans).map(|other| format!("the copy of {} there still leans on it", other.backup.id)))
}

/// Removes the copy of a file that was given another base, now that the copy of the new one is there.
pub fn remove_former(context: &Context, catalogue: &LockedCatalogue, mut backup: Backup) -> Result<()> {
    if backup.destination.as_ref().is_none_or(|copy| copy.former.is_none()) {
        return Ok(());
    }
    remove_file_before(context, catalogue, &mut backup)?;
    catalogue.save(&backup)?;
    catalogue.reindex()
}

/// The object itself, where there is one; the record is the caller's to save.
fn remove_file_before(context: &Context, catalogue: &LockedCatalogue, backup: &mut Backup) -> Result<()> {
    let former = backup.destination.as_ref().and_then(|copy| copy.former.clone());
    let Some(former) = former else { return Ok(()) };
    let (store, key) = store_with(context, catalogue.service(), &former)?;
    let said = match store.delete(key)? {
        Removal::Gone => format!("deleted {former}"),
        Removal::Refused => format!("{former} stays there: the store does not let this host remove it"),
    };
    if let Some(copy) = &mut backup.destination {
        copy.former = None;
    }
    Log::open(catalogue.dir(), &backup.id, context.settings.clock).say(&said);
    Ok(())
}

/// What became of a copy.
struct Removed {
    removal: Removal,
    kept_until: Option<DateTime<Utc>>,
}

impl Removed {
    /// Whether the store still has its bytes.
    fn is_held(&self, now: DateTime<Utc>) -> bool {
        self.removal == Removal::Refused || self.kept_until.is_some_and(|until| until > now)
    }

    fn words(&self, uri: &str, now: DateTime<Utc>) -> String {
        let until = self.kept_until.filter(|until| *until > now);
        let until = until.map(|until| format!(" until {}", until.format("%Y-%m-%d %H:%M:%S UTC")));
        match (self.removal, until) {
            (Removal::Refused, until) => {
                let until = until.unwrap_or_default();
                format!("its copy stays at {uri}{until}: the store does not let this host remove it")
            }
            (Removal::Gone, Some(until)) => {
                format!("its copy is no longer listed at {uri}; the store keeps the bytes{until} (Object Lock)")
            }
            (Removal::Gone, None) => format!("deleted {uri}"),
        }
    }
}

/// Removes the dump there and then its record. What was never confirmed to be this backup's copy may be anything of that
/// name, such as another host's: then only what carries our word goes, and only a record of the same dump. A dump that
/// stays keeps its record: it can still be restored from.
fn remove(context: &Context, catalogue: &LockedCatalogue, backup: &Backup, copy: &CopyRecord) -> Result<Removed> {
    let (store, key) = store_with(context, catalogue.service(), &copy.uri)?;
    let object = store.head(key)?;
    // In its place there may be anybody's by now.
    let there = object.as_ref().and_then(|object| object.etag.as_ref());
    let is_changed = copy.etag.is_some() && there.is_some() && there != copy.etag.as_ref();
    let is_confirmed = copy.sha256.is_some() && !is_changed;
    let carries_ours = object.as_ref().is_some_and(|object| object.mark.is_some() && object.mark == copy.mark);
    let mut removed =
        Removed { removal: Removal::Gone, kept_until: object.and_then(|object| object.kept_until).or(copy.kept_until) };
    if is_confirmed || carries_ours {
        removed.removal = store.delete(key)?;
    }
    let is_gone = removed.removal == Removal::Gone;
    if is_gone && (is_confirmed || is_own_record(store.as_ref(), catalogue, backup)? == Some(true)) {
        removed.removal = store.delete(&key_of(catalogue.service(), &sidecar_name(&backup.id)))?;
    }
    Ok(removed)
}
