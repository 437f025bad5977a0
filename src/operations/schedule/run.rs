//! One service's turn in a tick: claim what is due, make one backup for all of it, note how it ended.
//!
//! The claim is durable before the work begins, so nothing is ever run twice, not even after a crash; what a dead run
//! has left claimed is a failed run.

use chrono::{DateTime, Utc};

use crate::catalogue::{Detail, LockedCatalogue, Log};
use crate::dokku::Dokku;
use crate::domain::{
    ABANDONED, Backup, BackupId, DueWork, Frequency, Progress, RunState, Schedule, Service, Source, UnrecordedFailure,
};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::backup::{Wanted, dump, free_id};
use crate::operations::offsite::not_copied;
use crate::operations::recover::{acquire, settle};
use crate::operations::retention::prune_after;
use crate::operations::schedule::notify;
use crate::schedules::Store;

/// How a service's turn ended.
#[derive(Debug)]
pub enum RunOutcome {
    /// Nothing was due, or somebody else works on it.
    Nothing,
    /// The service is busy: a later tick tries again.
    Waiting(Failure),
    /// There was a run for these schedules.
    Ran(Vec<Frequency>, Box<Result<Backup>>),
}

/// Everything that follows a run: the one place for it. `ended` is the finished record, or why there is none; the
/// catalogue is still locked, unless it could not even be opened.
fn after_run(
    context: &Context,
    service: &Service,
    catalogue: Option<&LockedCatalogue>,
    due: &[Frequency],
    ended: &Result<Backup>,
) {
    // Nothing is removed after a failure: that is when one wants what is there.
    if let Some(catalogue) = catalogue.filter(|_| ended.is_ok()) {
        let pruned = prune_after(context, catalogue);
        if let Some(failure) = pruned.failure {
            context.ui.warn(&format!("{service}: retention: {}", failure.reason()));
        }
    }
    notify(context, service, &names(due), ended.as_ref());
    // A backup whose copy could not be made is good all the same, and somebody should know.
    if let Some(failure) = ended.as_ref().ok().and_then(not_copied) {
        notify(context, service, &names(due), Err(&failure));
    }
}

/// Gives `service` its turn.
pub fn run_due(context: &Context, store: &Store, service: &Service) -> Result<RunOutcome> {
    let Some(_working) = store.work_on(service)? else { return Ok(RunOutcome::Nothing) };
    let clock = context.settings.clock;
    let (schedules, state) = store.both(service)?;
    // Only now: while we looked for work somebody else may have done it.
    let now = clock.now();
    let todo = DueWork::at(now, &schedules, &state);
    if todo.is_empty() {
        return Ok(RunOutcome::Nothing);
    }
    store.note(service, clock, |state| end_old(state, &todo, now))?;
    let due = todo.schedules();
    let catalogue = match acquire(context, service, 0, "scheduled export") {
        Ok(catalogue) => catalogue,
        Err(failure) if failure.kind == Kind::Busy => {
            let why = Some(failure.reason());
            store.note(service, clock, |state| state.begin(&todo, now, Progress::Waiting, why))?;
            return Ok(RunOutcome::Waiting(failure));
        }
        Err(failure) if due.is_empty() => return Err(failure),
        Err(failure) => {
            store.note(service, clock, |state| {
                state.begin(&todo, now, Progress::Running, None);
                state.fail(&due, clock.now(), &failure.reason());
            })?;
            let ended = Err(failure);
            after_run(context, service, None, &due, &ended);
            return Ok(RunOutcome::Ran(due, Box::new(ended)));
        }
    };
    if due.is_empty() {
        settle(context, &catalogue)?;
        record_failures(context, store, &catalogue)?;
        return Ok(RunOutcome::Nothing);
    }
    store.note(service, clock, |state| state.begin(&todo, now, Progress::Running, None))?;
    let ended = work(context, &catalogue, &schedules, &due);
    store.note(service, clock, |state| match &ended {
        Ok(backup) => state.settle(&due, now, &backup.id, true, clock.now()),
        Err(failure) => state.fail(&due, clock.now(), &failure.reason()),
    })?;
    if let Err(failure) = record_failures(context, store, &catalogue) {
        context.ui.warn(&format!("{service}: a failed run is not in the list yet: {}", failure.reason()));
    }
    after_run(context, service, Some(&catalogue), &due, &ended);
    Ok(RunOutcome::Ran(due, Box::new(ended)))
}

/// Runs from before that will not end any more; those that one backup was to serve go together.
fn end_old(state: &mut RunState, todo: &DueWork, now: DateTime<Utc>) {
    for (frequencies, busy) in [(&todo.given_up, true), (&todo.abandoned, false)] {
        let mut left = frequencies.clone();
        while let Some(first) = left.first().and_then(|frequency| state.runs.get(frequency)).cloned() {
            let together = |f: &Frequency| state.runs.get(f).is_some_and(|run| run.started_at == first.started_at);
            let (these, rest) = left.into_iter().partition::<Vec<_>, _>(together);
            let why = format!("busy for too long: {}", first.reason.unwrap_or_default());
            state.fail(&these, now, if busy { &why } else { ABANDONED });
            left = rest;
        }
    }
}

fn work(context: &Context, catalogue: &LockedCatalogue, schedules: &[Schedule], due: &[Frequency]) -> Result<Backup> {
    settle(context, catalogue)?;
    let dokku = Dokku::find(&context.settings)?;
    let asking = schedules.iter().filter(|schedule| due.contains(&schedule.frequency()));
    let wanted = Wanted {
        schedules: names(due),
        retention: asking.map(Schedule::retention).max(),
        ..Wanted::new(Source::Schedule)
    };
    dump(context, &dokku, catalogue, &wanted)
}

/// Records every failed run among the backups, unless the run itself did. One that turns out to have made a good backup
/// before it died has not failed.
fn record_failures(context: &Context, store: &Store, catalogue: &LockedCatalogue) -> Result<()> {
    let service = catalogue.service();
    let (_, state) = store.both(service)?;
    for owed in state.owed {
        let (id, good) = match made(catalogue, &owed)? {
            Some(backup) => (backup.id.clone(), backup.is_good()),
            None => (record(context, catalogue, &owed)?, false),
        };
        store.note(service, context.settings.clock, |state| {
            state.settle(&owed.schedules, owed.started_at, &id, good, owed.finished_at);
            state.owed.retain(|other| *other != owed);
        })?;
    }
    Ok(())
}

/// The record that the run left, if it came that far.
fn made(catalogue: &LockedCatalogue, owed: &UnrecordedFailure) -> Result<Option<Backup>> {
    let names = names(&owed.schedules);
    let own = |backup: &Backup| {
        backup.source == Source::Schedule
            && backup.schedules == names
            && (owed.started_at..=owed.finished_at).contains(&backup.started_at)
    };
    let view = catalogue.view(Detail::Summary)?;
    Ok(view.backups.into_iter().map(|listed| *listed.backup).find(own))
}

fn record(context: &Context, catalogue: &LockedCatalogue, owed: &UnrecordedFailure) -> Result<BackupId> {
    let (service, actor) = (catalogue.service(), &context.settings.caller.actor);
    let id = free_id(context, catalogue, None)?;
    let mut record = Backup::draft(id.clone(), service.datastore, Source::Schedule, owed.started_at, actor);
    record.schedules = names(&owed.schedules);
    Log::open(catalogue.dir(), &id, context.settings.clock).say(&format!("failed: {}", owed.reason));
    catalogue.fail(record, owed.reason.clone())?;
    Ok(id)
}

fn names(schedules: &[Frequency]) -> Vec<String> {
    schedules.iter().map(|frequency| frequency.name().to_owned()).collect()
}
