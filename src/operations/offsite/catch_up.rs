//! What is still to be done at the destination: copies that failed or were never made, records that have changed since,
//! copies of deleted backups.

use crate::catalogue::{Detail, Folder, LockedCatalogue, Log, View};
use crate::domain::{Backup, CopyState, Listed, Presence, Service, keys_of};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::offsite::{
    Copying, copy_later, make_way, place_of, put_off, put_record, remove_copy, remove_former, store_with, sweep,
};
use crate::operations::recover::lock_and_recover;
use crate::operations::select::folder_for_reading;
use crate::store;
use crate::sys::{random, signals};

/// Copies that one patient run makes at most; the next one goes on.
const AT_ONCE: usize = 10;

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eagerness {
    /// What is due: nothing that failed a moment ago, a few at a time. For the scheduler.
    Due,
    /// Everything, also backups from before there was a destination. For a person who asks.
    All,
}

/// What was done and what was not.
#[derive(Debug, Default)]
pub struct CaughtUp {
    /// Ids whose copies were made.
    pub uploaded: Vec<String>,
    /// Ids whose copies were removed.
    pub removed: Vec<String>,
    /// What went wrong, in words.
    pub failures: Vec<Failure>,
}

/// Does for `service` what is due at its destination. The scheduler calls this at every tick.
pub fn upload_pending(context: &Context, service: &Service) -> Result<CaughtUp> {
    let catalogue = lock_and_recover(context, service, 0, "upload")?;
    catch_up(context, &catalogue, Eagerness::Due)
}

/// Whether anything is due there, without a lock and without asking anybody.
pub fn is_copy_due(context: &Context, service: &Service) -> Result<bool> {
    let Some(dir) = folder_for_reading(context, service)? else { return Ok(false) };
    let set = place_of(context, service)?.is_some();
    for listed in &View::of(&dir, service, Detail::Summary)?.backups {
        if task(context, &dir, listed, set, Eagerness::Due)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The same under a lock that is held already.
pub fn catch_up(context: &Context, catalogue: &LockedCatalogue, eagerness: Eagerness) -> Result<CaughtUp> {
    let mut done = CaughtUp::default();
    let place = match place_of(context, catalogue.service()) {
        Ok(place) => place,
        Err(failure) => {
            done.failures.push(failure);
            None
        }
    };
    let view = catalogue.view(Detail::Summary)?;
    let mut tasks = Vec::new();
    for listed in view.backups.iter().rev() {
        let task = task(context, catalogue.dir(), listed, place.is_some(), eagerness)?;
        tasks.extend(task.map(|task| (listed, task)));
    }
    // Nothing goes that something else there leans on: copies are made first, and what leans goes first.
    tasks.sort_by_key(|(listed, task)| (*task == Task::Remove).then(|| std::cmp::Reverse(listed.backup.position())));
    for (tried, (listed, task)) in tasks.into_iter().enumerate() {
        if eagerness == Eagerness::Due && tried == AT_ONCE || signals::received().is_some() {
            break;
        }
        if let Err(failure) = perform(context, catalogue, listed, task, &mut done) {
            // A store that does not answer will not answer for the next one either.
            let away = matches!(failure.kind, Kind::Io | Kind::Config | Kind::Timeout | Kind::Interrupted(_));
            done.failures.push(failure);
            if away {
                break;
            }
        }
    }
    // The next copy does the same; after a person asked, nothing of a run that died is to be left either.
    if let Some(place) = place.filter(|_| eagerness == Eagerness::All && done.failures.is_empty()) {
        sweep(store::open(place)?.as_ref(), &keys_of(catalogue.service()), &catalogue.ids()?);
    }
    Ok(done)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Upload,
    Record,
    Remove,
    /// The copy of a file that was given another base since.
    RemoveFormer,
}

fn task(context: &Context, dir: &Folder, listed: &Listed, set: bool, eagerness: Eagerness) -> Result<Option<Task>> {
    let backup = &listed.backup;
    let all = eagerness == Eagerness::All;
    let here = matches!(listed.presence, Presence::Here | Presence::Both) && backup.damage.is_none();
    let Some(copy) = &backup.destination else {
        // What somebody else made is not spread further by itself.
        let wanted = all && set && here && backup.is_good() && !backup.is_stranger();
        return Ok(wanted.then_some(Task::Upload));
    };
    let due = all || copy.is_due(context.settings.clock.now());
    Ok(match copy.state {
        CopyState::Deleting | CopyState::Kept if due => Some(Task::Remove),
        CopyState::Pending | CopyState::Failed if due && set && here && backup.is_good() => Some(Task::Upload),
        // What this host did not put there it does not put there again.
        CopyState::Missing | CopyState::Changed if due && set && here && backup.is_good() && backup.has_own_copy() => {
            Some(Task::Upload)
        }
        CopyState::Stored if copy.former.is_some() && due && set => Some(Task::RemoveFormer),
        CopyState::Stored if copy.damage().is_some() && set && here && backup.is_good() => Some(Task::Upload),
        CopyState::Stored if set && backup.is_good() && backup.has_own_copy() => {
            let current = copy.record.as_deref() == Some(dir.fingerprint(backup)?.as_str());
            (!current).then_some(Task::Record)
        }
        _ => None,
    })
}

fn perform(
    context: &Context,
    catalogue: &LockedCatalogue,
    listed: &Listed,
    task: Task,
    done: &mut CaughtUp,
) -> Result<()> {
    let id = &listed.backup.id;
    let backup = catalogue.record(id)?;
    match task {
        Task::Remove => remove_copy(context, catalogue, backup).map(|backup| {
            let is_gone = backup.destination.is_some_and(|copy| copy.state == CopyState::Deleted);
            done.removed.extend(is_gone.then(|| id.to_string()));
        }),
        Task::RemoveFormer => remove_former(context, catalogue, backup),
        Task::Record => refresh(context, catalogue, backup).map(|_| ()),
        Task::Upload => {
            context.ui.step(&format!("Copying {id} to its destination"));
            upload(context, catalogue, backup)?;
            done.uploaded.push(id.to_string());
            remove_former(context, catalogue, catalogue.record(id)?)
        }
    }
}

fn upload(context: &Context, catalogue: &LockedCatalogue, mut backup: Backup) -> Result<()> {
    let log = &mut Log::open(catalogue.dir(), &backup.id, context.settings.clock);
    // Written down before anything is sent: after a crash what was sent is still known to be ours.
    let file = backup.file.clone().unwrap_or_default();
    if backup.destination.is_none() {
        backup.destination = copy_later(context, catalogue.service(), &file);
    }
    if let Some(copy) = backup.destination.as_mut().filter(|copy| copy.mark.is_none()) {
        copy.mark = Some(random::word()?);
        catalogue.save(&backup)?;
    }
    if let Some(copy) = backup.destination.as_ref().filter(|copy| copy.state == CopyState::Changed) {
        let (store, key) = store_with(context, catalogue.service(), &copy.uri)?;
        make_way(store.as_ref(), catalogue, &backup, key)?;
    }
    let copying = match Copying::again(context, catalogue, &backup) {
        Ok(copying) => copying,
        Err(failure) => {
            let uri = backup.destination.as_ref().map(|copy| copy.uri.clone()).unwrap_or_default();
            put_off(context, &mut backup, &uri, &failure, log);
            catalogue.save(&backup)?;
            catalogue.reindex()?;
            return Err(failure);
        }
    };
    let mut pending = copying.pending();
    if let Some(before) = &backup.destination {
        (pending.attempts, pending.former) = (before.attempts, before.former.clone());
    }
    backup.destination = Some(pending);
    catalogue.save(&backup)?;
    catalogue.reindex()?;
    match not_copied(&copying.settle(context, catalogue, backup, log)) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// Why a backup that was to be copied was not: as a failure of that part alone.
pub fn not_copied(backup: &Backup) -> Option<Failure> {
    let copy = backup.destination.as_ref().filter(|copy| copy.state != CopyState::Stored)?;
    if let Some(signal) = signals::received() {
        return Some(crate::sys::child::interrupted(signal));
    }
    let text = match copy.uri.as_str() {
        "" => format!("{} is good here; whether it is to be copied could not be learnt", backup.id),
        uri => format!("{} is good here, but was not copied to {uri}", backup.id),
    };
    let failure =
        Failure::new(Kind::Partial, text).because(copy.reason.clone().unwrap_or_else(|| "unknown".to_owned()));
    Some(failure.remedy("it is tried again; at once with", format!("dokku backups:sync {}", backup.service)))
}

/// Brings the record beside the copy up to date. The next catching up does it where this fails.
pub fn refresh(context: &Context, catalogue: &LockedCatalogue, mut backup: Backup) -> Result<Backup> {
    let stored = backup.destination.clone().filter(|copy| copy.state == CopyState::Stored);
    let Some(copy) = stored.filter(|_| backup.has_own_copy()) else { return Ok(backup) };
    let (store, _) = store_with(context, catalogue.service(), &copy.uri)?;
    put_record(store.as_ref(), catalogue, &mut backup)?;
    catalogue.save(&backup)?;
    catalogue.reindex()?;
    Ok(backup)
}
