//! Retention of one service: plan, then do, both under the service's lock.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::catalogue::{Detail, InUse, Journal, LockedCatalogue, Log, View};
use crate::domain::{Action, BackupId, Decision, Plan, Policy, RETENTION as BY, Service, plan};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::offsite::remove_copy;
use crate::operations::recover::lock_and_recover;
use crate::operations::select::{folder_for_reading, is_live};
use crate::properties::{DESTROYED_AT, ORIGIN, RETENTION, folder};
use crate::sys::signals;

/// What retention did to one service, or would do.
#[derive(Debug)]
pub struct Pruned {
    /// The service.
    pub service: Service,
    /// What happened to each backup, newest first; what could not be done any more is left out.
    pub decisions: Vec<Decision>,
    /// Why not everything was done: busy, refused, or an error on the way.
    pub failure: Option<Failure>,
}

impl Pruned {
    /// What did not stay.
    pub fn removed(&self) -> impl Iterator<Item = &Decision> {
        self.decisions.iter().filter(|decision| decision.action != Action::Keep)
    }

    /// Bytes of the dumps that did not stay.
    pub fn freed(&self) -> u64 {
        self.removed().filter(|decision| decision.action == Action::Remove).filter_map(|decision| decision.size).sum()
    }

    fn of(service: &Service, done: Result<(Vec<Decision>, Option<Failure>)>) -> Pruned {
        let (decisions, failure) = done.unwrap_or_else(|failure| (Vec::new(), Some(failure)));
        Pruned { service: service.clone(), decisions, failure }
    }
}

/// Removes what retention takes of `service`, waiting `wait` seconds at most for its lock. Never fails as a whole: what
/// was removed before an error came is told beside it. A service that is busy is `Kind::Busy`, and nothing was done.
pub fn prune(context: &Context, service: &Service, wait: u32) -> Pruned {
    Pruned::of(service, prune_locked(context, service, wait))
}

/// The same in a catalogue that is locked already.
pub fn prune_after(context: &Context, catalogue: &LockedCatalogue) -> Pruned {
    Pruned::of(catalogue.service(), prune_open(context, catalogue))
}

/// What `prune` would do to `service`. `origins` were read once for all services.
pub fn prune_plan(context: &Context, service: &Service, origins: &Origins) -> Pruned {
    let planned = || match folder_for_reading(context, service)? {
        Some(dir) => {
            let plan = decide(context, service, View::of(&dir, service, Detail::Summary)?, origins)?;
            Ok((plan.decisions, plan.refusal.map(|why| refused(service, why))))
        }
        None => Ok((Vec::new(), None)),
    };
    Pruned::of(service, planned())
}

/// Backups that forked services go back to when they are reset, and those services.
#[derive(Debug, Default)]
pub struct Origins(HashMap<String, String>);

impl Origins {
    /// Reads them all.
    pub fn read(context: &Context) -> Result<Origins> {
        let all = context.properties().every(ORIGIN)?;
        Ok(Origins(all.into_iter().map(|(scope, id)| (format!("{}:{id}", datastore(&scope)), scope)).collect()))
    }

    /// The service that was forked from the backup `id` of `service`.
    pub fn fork_of(&self, service: &Service, id: &BackupId) -> Option<&str> {
        let scope = self.0.get(&format!("{}:{id}", service.datastore))?;
        Some(scope.split_once(':').map_or(scope.as_str(), |(_, name)| name))
    }

    fn why(&self, service: &Service, id: &BackupId) -> Option<String> {
        let forked = self.fork_of(service, id)?;
        Some(format!("in use: {forked} was forked from it, and its reset goes back to it"))
    }
}

fn datastore(scope: &str) -> &str {
    scope.split_once(':').map_or(scope, |(datastore, _)| datastore)
}

fn prune_locked(context: &Context, service: &Service, wait: u32) -> Result<(Vec<Decision>, Option<Failure>)> {
    if folder_for_reading(context, service)?.is_none() {
        return Ok((Vec::new(), None));
    }
    prune_open(context, &lock_and_recover(context, service, wait, "prune")?)
}

fn prune_open(context: &Context, catalogue: &LockedCatalogue) -> Result<(Vec<Decision>, Option<Failure>)> {
    let service = catalogue.service();
    // Read under the lock: a fork of one of these backups holds it too.
    let origins = Origins::read(context)?;
    let plan = decide(context, service, catalogue.view(Detail::Summary)?, &origins)?;
    let (decisions, failed) = carry_out(context, catalogue, plan.decisions);
    let changed = decisions.iter().any(|decision| decision.action != Action::Keep);
    let indexed = if changed || failed.is_some() { catalogue.reindex() } else { Ok(()) };
    let copies = remove_copies(context, catalogue, &decisions);
    let refusal = plan.refusal.map(|why| refused(service, why));
    Ok((decisions, failed.or(indexed.err()).or(copies.err()).or(refusal)))
}

/// What was removed here goes at the destination too. A store that does not answer for one will not for the next: the rest
/// is left to the catching up.
fn remove_copies(context: &Context, catalogue: &LockedCatalogue, decisions: &[Decision]) -> Result<()> {
    let mut removed: Vec<_> = decisions.iter().filter(|decision| decision.action == Action::Remove).collect();
    removed.sort_by_key(|decision| std::cmp::Reverse(decision.position));
    for decision in removed {
        signals::obey()?;
        remove_copy(context, catalogue, catalogue.record(&decision.id)?)?;
    }
    Ok(())
}

fn refused(service: &Service, why: String) -> Failure {
    Failure::new(Kind::Refused, format!("{why}; nothing good was removed"))
        .remedy("make a new backup", format!("dokku backups:export {service}"))
        .remedy("or let them be", format!("dokku backups:set {service} retention none"))
}

/// The plan, from what the folder shows and what is set.
fn decide(context: &Context, service: &Service, view: View, origins: &Origins) -> Result<Plan> {
    let properties = context.properties();
    let mut policy = Policy {
        now: context.settings.clock.now(),
        // Checked when it was set; whatever somebody has written there since removes nothing.
        days: properties.computed(service, &RETENTION)?.parse().ok().filter(|days| *days > 0),
        destroyed_at: destroyed_at(context, service)?,
        unreadable: view.unreadable,
        ..Policy::default()
    };
    for listed in &view.backups {
        let why = origins.why(service, &listed.backup.id);
        policy.held.extend(why.map(|why| (listed.backup.id.clone(), why)));
    }
    hold_journal(view.journal?, &mut policy);
    policy.held.extend(view.in_use.into_iter().map(|(id, doing)| (id, format!("in use: {doing}"))));
    Ok(plan(&view.backups, &policy))
}

/// Until when backups are those of a former service by this name: all of them where there is no service any more.
pub fn destroyed_at(context: &Context, service: &Service) -> Result<Option<DateTime<Utc>>> {
    if !is_live(context, service) {
        return Ok(Some(DateTime::<Utc>::MAX_UTC));
    }
    context.properties().time(&folder(service), DESTROYED_AT)
}

/// An open restore needs what it came from, and what undoes it.
fn hold_journal(journal: Option<Journal>, policy: &mut Policy) {
    let mut open = journal.map(Box::new);
    while let Some(journal) = open {
        let why = format!("in use: needed by {} into {}, which has not ended", journal.what(), journal.target);
        for id in [journal.id, journal.safety_backup].into_iter().flatten() {
            policy.held.insert(id, why.clone());
        }
        open = journal.before;
    }
}

/// Does what was decided, the oldest first, and returns what was done; with what stopped it.
fn carry_out(
    context: &Context,
    catalogue: &LockedCatalogue,
    decisions: Vec<Decision>,
) -> (Vec<Decision>, Option<Failure>) {
    let mut done = Vec::with_capacity(decisions.len());
    let mut forgotten = Vec::new();
    let (mut failure, mut is_leant_on) = (None, false);
    let mut decisions = decisions;
    decisions.reverse();
    // What leans on others before them: none is ever without what it leans on.
    decisions.sort_by_key(|decision| std::cmp::Reverse(decision.position));
    for mut decision in decisions {
        match decision.action {
            Action::Keep => done.push(decision),
            Action::Forget => forgotten.push(decision),
            _ if failure.is_some() => {}
            Action::Remove if is_leant_on => {
                decision.action = Action::Keep;
                decision.reason = "what leans on it may be in use by another command".to_owned();
                done.push(decision);
            }
            Action::Remove | Action::RemoveRecord => match remove(context, catalogue, &mut decision) {
                Ok(()) => {
                    // It was to go, and stays: so does whatever it leans on.
                    is_leant_on |= decision.action == Action::Keep && decision.position > 0;
                    done.push(decision);
                }
                Err(error) => failure = Some(error),
            },
        }
    }
    if failure.is_none() && !forgotten.is_empty() {
        let ids: Vec<BackupId> = forgotten.iter().map(|decision| decision.id.clone()).collect();
        match catalogue.forget(&ids) {
            Ok(()) => done.extend(forgotten),
            Err(error) => failure = Some(error),
        }
    }
    done.sort_by(|a, b| b.id.cmp(&a.id));
    (done, failure)
}

/// Removes one backup, unless somebody has begun to use it since the plan was made.
fn remove(context: &Context, catalogue: &LockedCatalogue, decision: &mut Decision) -> Result<()> {
    signals::obey()?;
    let _in_use = match InUse::take(catalogue.dir(), &decision.id, "prune", context.settings.clock) {
        Err(failure) if failure.kind == Kind::Busy => {
            decision.action = Action::Keep;
            decision.reason = "in use by another command".to_owned();
            return Ok(());
        }
        taken => taken?,
    };
    catalogue.delete(catalogue.record(&decision.id)?, BY)?;
    let mut log = Log::open(catalogue.dir(), &decision.id, context.settings.clock);
    log.say(&format!("removed by retention ({}), asked for by {}", decision.reason, context.settings.caller.actor));
    context.ui.step(&format!("Removed {}: {}", decision.id, decision.reason));
    Ok(())
}
