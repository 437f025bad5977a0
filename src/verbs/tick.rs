//! `backups:tick`: what the crontab runs every minute. Finds the services for which something is due and gives each its
//! turn, several at once. With nothing due it asks nobody anything.

use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Timelike, Utc};

use crate::catalogue::Root;
use crate::domain::{BackupId, CopyState, CopyWord, DueWork, Service};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::offsite::{is_copy_due, upload_pending, watch_now_and_then};
use crate::operations::schedule::{RunOutcome, run_due};
use crate::operations::verify::{Scheduled, Turn, sweep_killed, verify_due};
use crate::properties::{DESTINATION, GLOBAL, PARALLEL_RUNS};
use crate::schedules::{Slots, Store};
use crate::sys::lock::Lock;
use crate::sys::{logfile, signals, user};
use crate::ui::Ui;

/// Minutes between two looks for copies that are due.
const COPIES: u32 = 5;
/// Between two looks whether the copies of a service are still there.
const LOOK: TimeDelta = TimeDelta::days(1);
/// The same after a look that failed.
const LOOK_AGAIN: TimeDelta = TimeDelta::hours(1);
/// After this long a tick leaves the other services to the next one.
const LOOKING: Duration = Duration::from_secs(60);

/// Runs what is due.
pub fn run(context: &Context) -> Result<()> {
    if context.settings.caller.remote {
        return Err(Failure::new(Kind::Refused, "backups:tick is for this host's own scheduler")
            .hint("back up now with: dokku backups:export SERVICE"));
    }
    let Some(store) = Store::look(&context.settings.config_root)? else { return Ok(()) };
    let slots = Slots::open(&context.settings.config_root)?;
    close_log(context);
    let stamped = slots.stamp(context.settings.clock.now());
    let settings = context.settings.as_host("scheduler");
    let ui = Ui { quiet: true, ..context.ui };
    let tick = Tick {
        outer: context.ui,
        context: Context { settings, ui, ..context.clone() },
        store,
        tried: Mutex::default(),
        scheduled: Mutex::default(),
        failed: AtomicUsize::new(0),
    };
    if let Err(failure) = stamped {
        tick.warn(&format!("the time of this tick could not be noted: {}", failure.reason()));
    }
    match sweep_killed(&tick.context) {
        Ok(0) => {}
        Ok(removed) => tick.say(&format!("removed the disposable databases of killed verifications: {removed}")),
        Err(failure) => tick.warn(&format!("killed verifications: {}", failure.reason())),
    }
    let queue = tick.find();
    if !queue.is_empty() {
        tick.work(slots.take(parallel_runs(context)?)?, queue);
    }
    if let Some(_catching_up) = copies(&tick, &slots)? {
        tick.watch(&slots);
        tick.copy();
    }
    tick.verify(&slots);
    match tick.failed.into_inner() {
        0 => Ok(()),
        _ => Err(Failure::new(Kind::Partial, "some schedules could not be run")
            .remedy("see how each ended", "dokku backups:schedules")),
    }
}

/// The shell that opens the log for the crontab opens it for everybody.
fn close_log(context: &Context) {
    let owner = (user::effective_uid(), user::effective_gid());
    if let Err(error) = logfile::close(&context.settings.scheduler_log, owner) {
        log::info!("{error}");
    }
}

/// The right to catch up on copies: now and then, where there is a destination at all, and one tick at a time.
fn copies(tick: &Tick, slots: &Slots) -> Result<Option<Lock>> {
    let now_and_then = tick.context.settings.clock.now().minute().is_multiple_of(COPIES);
    if !now_and_then || !tick.context.properties().is_used(&DESTINATION)? {
        return Ok(None);
    }
    slots.take_copies()
}

fn parallel_runs(context: &Context) -> Result<u8> {
    let set = context.properties().get(GLOBAL, PARALLEL_RUNS.key)?;
    Ok(set.as_deref().unwrap_or(PARALLEL_RUNS.default).parse().unwrap_or(1))
}

struct Tick {
    /// What is run has nothing to say but warnings.
    context: Context,
    /// What the scheduler itself says.
    outer: Ui,
    store: Store,
    /// What has had its turn: whatever is left of it is a later tick's.
    tried: Mutex<HashSet<(Service, DueWork)>>,
    /// The services with schedules, and when the last run of each ended, as they were seen last.
    scheduled: Mutex<Scheduled>,
    failed: AtomicUsize,
}

impl Tick {
    /// Every service for which there is something to do, the longest due first. A document that cannot be read keeps
    /// only its own service from being backed up.
    fn find(&self) -> VecDeque<Service> {
        let now = self.context.settings.clock.now();
        let mut found = Vec::new();
        let services = self.store.services().unwrap_or_else(|failure| {
            self.fail(&failure.reason());
            Vec::new()
        });
        let mut tried = lock(&self.tried);
        for service in services {
            let todo = match self.store.both(&service) {
                Ok((schedules, state)) => {
                    if !schedules.is_empty() {
                        let ended = state.runs.values().filter_map(|run| run.finished_at).max();
                        lock(&self.scheduled).insert(service.clone(), ended);
                    }
                    DueWork::at(now, &schedules, &state)
                }
                // Told once in a tick: to the tried it is a service with nothing to do.
                Err(failure) => {
                    if tried.insert((service.clone(), DueWork::default())) {
                        self.fail(&format!("{service}: {}", failure.reason()));
                    }
                    continue;
                }
            };
            if !todo.is_empty() && tried.insert((service.clone(), todo.clone())) {
                found.push((todo.due.into_values().min(), service));
            }
        }
        found.sort();
        found.into_iter().map(|(_, service)| service).collect()
    }

    /// A worker for every slot; with no slot free, other ticks are at it and will come to all of it.
    fn work(&self, slots: Vec<Lock>, queue: VecDeque<Service>) {
        let queue = Mutex::new(queue);
        let mut slots = slots.into_iter();
        let Some(own) = slots.next() else { return };
        std::thread::scope(|scope| {
            for slot in slots {
                let worker = || self.serve(slot, &queue);
                if let Err(error) = std::thread::Builder::new().spawn_scoped(scope, worker) {
                    self.warn(&format!("one worker less: {error}"));
                }
            }
            self.serve(own, &queue);
        });
    }

    /// Takes one service after the other, until nothing more is due.
    fn serve(&self, _slot: Lock, queue: &Mutex<VecDeque<Service>>) {
        while signals::received().is_none() {
            let next = {
                let mut queue = lock(queue);
                if queue.is_empty() {
                    queue.extend(self.find());
                }
                queue.pop_front()
            };
            let Some(service) = next else { return };
            // Whatever goes wrong with one service is no reason to leave out the others. A run that ended in a panic
            // is claimed and nobody works on it: the next tick records it as abandoned.
            let turn = catch_unwind(AssertUnwindSafe(|| run_due(&self.context, &self.store, &service)));
            self.tell(&service, turn.unwrap_or_else(|_| Err(Failure::new(Kind::Io, "the run ended in a panic"))));
        }
    }

    /// Sees whether the copies are still where they were put: each service once a day, one listing each. Whatever is lost
    /// is then due. A store that cannot be asked is asked again later, for none of its services before that.
    fn watch(&self, slots: &Slots) {
        let (now, since) = (self.context.settings.clock.now(), Instant::now());
        let services = self.services();
        let before = slots.looks();
        let mut looks = before.clone();
        looks.retain(|name, _| services.iter().any(|service| service.full_name() == *name));
        let mut away = HashSet::new();
        for service in services {
            let name = service.full_name();
            // One that lies further ahead was noted by a clock that was wrong.
            let is_due = |at: &DateTime<Utc>| *at <= now || *at > now + LOOK;
            let is_due = looks.get(&name).is_none_or(is_due);
            if !is_due || since.elapsed() > LOOKING || signals::received().is_some() {
                continue;
            }
            let place = self.context.properties().computed(&service, &DESTINATION).unwrap_or_default();
            let looked = if away.contains(&place) { None } else { Some(watch_now_and_then(&self.context, &service)) };
            let next = match looked {
                Some(Ok(watched)) => {
                    let lost = |(id, state): &(BackupId, CopyState)| {
                        self.warn(&format!("the copy of {id} is {} at the destination", CopyWord::from(*state)));
                    };
                    watched.lost.iter().for_each(lost);
                    LOOK
                }
                Some(Err(failure)) => {
                    if failure.kind != Kind::Busy {
                        self.warn(&format!("{service}: its copies were not looked at: {}", failure.reason()));
                        away.insert(place);
                    }
                    LOOK_AGAIN
                }
                None => LOOK_AGAIN,
            };
            looks.insert(name, now + next);
        }
        if looks != before
            && let Err(failure) = slots.note_looks(&looks)
        {
            self.warn(&format!("when copies were looked at could not be noted: {}", failure.reason()));
        }
    }

    fn services(&self) -> Vec<Service> {
        let root = Root::look(&self.context.settings.data_root, &self.context.settings.config_root);
        let services = root.and_then(|root| root.map_or_else(|| Ok(Vec::new()), |root| root.services()));
        services.unwrap_or_default()
    }

    /// Makes and removes the copies that are due. What fails stands in the records, is tried again later, and shows in
    /// `check`: it is no failure of this tick.
    fn copy(&self) {
        for service in self.services() {
            if signals::received().is_some() {
                return;
            }
            let caught_up = match is_copy_due(&self.context, &service) {
                Ok(true) => upload_pending(&self.context, &service),
                Ok(false) => continue,
                Err(failure) => Err(failure),
            };
            match caught_up {
                Ok(done) => {
                    done.uploaded.iter().for_each(|id| self.say(&format!("{id} is copied")));
                    done.failures.iter().for_each(|failure| self.warn(&format!("{service}: {}", failure.reason())));
                }
                // It comes back to that.
                Err(failure) if failure.kind == Kind::Busy => {}
                Err(failure) => self.warn(&format!("{service}: {}", failure.reason())),
            }
        }
    }

    /// Verifies what is due, after everything else: it may take long. That a backup does not restore stands in its record,
    /// and is told; it is no failure of this tick.
    fn verify(&self, slots: &Slots) {
        let told = |(service, shown): &Turn| match shown {
            Ok(backup) => self.say(&format!("{} is verified", backup.id)),
            Err(failure) => self.warn(&format!("{service}: {}", failure.reason())),
        };
        if let Err(failure) = verify_due(&self.context, slots, &lock(&self.scheduled), &told) {
            self.warn(&format!("nothing more is verified: {}", failure.reason()));
        }
    }

    fn tell(&self, service: &Service, turn: Result<RunOutcome>) {
        match turn {
            Ok(RunOutcome::Nothing) => {}
            Ok(RunOutcome::Waiting(failure)) => self.say(&format!("{}; trying again", failure.reason())),
            Ok(RunOutcome::Ran(schedules, ended)) => {
                let names: Vec<_> = schedules.iter().map(|frequency| frequency.name()).collect();
                match *ended {
                    Ok(backup) => self.say(&format!("{} ({})", backup.id, names.join(", "))),
                    Err(failure) => self.fail(&format!("{service} ({}): {}", names.join(", "), failure.reason())),
                }
            }
            Err(failure) => self.fail(&format!("{service}: {}", failure.reason())),
        }
    }

    fn fail(&self, text: &str) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        self.warn(text);
    }

    fn warn(&self, text: &str) {
        self.outer.warn(&self.dated(text));
    }

    fn say(&self, text: &str) {
        self.outer.step(&self.dated(text));
    }

    /// Lines of a log that nobody else puts a time to.
    fn dated(&self, text: &str) -> String {
        format!("{} {text}", self.context.settings.clock.now().format("%Y-%m-%dT%H:%M:%SZ"))
    }
}

/// A worker that panicked has left nothing half-done behind these.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
