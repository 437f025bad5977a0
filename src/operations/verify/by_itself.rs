//! Backups that are verified by themselves: after a tick's backups, the newest good one of every service for which that is
//! due, one after the other, so that one disposable server runs at a time.

use chrono::{DateTime, TimeDelta, Utc};

use crate::dokku::Dokku;
use crate::domain::{Backup, BackupId, Rhythm, RunState, Service, Which};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::health::health;
use crate::operations::keys::Keys;
use crate::operations::schedule::notify_verification;
use crate::properties::VERIFY;
use crate::schedules::{Looked, Slots, Store};
use crate::sys::signals;

use super::verify;

/// After a verification that showed nothing, for want of memory, of an image, of Docker, it is tried again.
const AGAIN: TimeDelta = TimeDelta::hours(1);
/// The same where somebody has to set something first.
const AGAIN_WHEN_SET: TimeDelta = TimeDelta::days(1);

/// What came of one service's turn.
pub type Turn = (Service, Result<Backup>);

/// Verifies what is due, unless another tick is at it, and tells `told` of each. The time of each look is kept, so that a
/// minute in which nothing happened costs no more than reading it.
pub fn verify_due(context: &Context, store: &Store, slots: &Slots, told: &dyn Fn(&Turn)) -> Result<()> {
    let Some(_only) = slots.take_verifications()? else { return Ok(()) };
    let mut looks = slots.verifications();
    let services = store.services()?;
    looks.retain(|name, _| services.iter().any(|service| service.full_name() == *name));
    for service in services {
        if signals::received().is_some() {
            return Ok(());
        }
        // Schedules that cannot be read were told of when backups were made.
        let Ok((schedules, state)) = store.both(&service) else { continue };
        let (name, now) = (service.full_name(), context.settings.clock.now());
        let is_due = looks.get(&name).is_none_or(|looked| is_due(looked, &state, now));
        if schedules.is_empty() || !is_due {
            continue;
        }
        let set = context.properties().computed(&service, &VERIFY)?;
        let Some(rhythm) = Rhythm::parse(&set) else { continue };
        let wait = match to_verify(context, &service, rhythm) {
            Ok(None) => None,
            Ok(Some(id)) => one(context, &service, id, told),
            Err(failure) => {
                told(&(service, Err(failure)));
                Some(AGAIN)
            }
        };
        let at = context.settings.clock.now();
        looks.insert(name, Looked { at, again: wait.map_or_else(|| rhythm.next(at), |wait| at + wait) });
        slots.note_verifications(&looks)?;
    }
    Ok(())
}

/// Something may have come since the last look. One that lies ahead was noted by a clock that was wrong.
fn is_due(looked: &Looked, state: &RunState, now: DateTime<Utc>) -> bool {
    let ended = state.runs.values().filter_map(|run| run.finished_at).max();
    looked.again <= now || looked.at > now || ended.is_some_and(|ended| ended >= looked.at)
}

fn to_verify(context: &Context, service: &Service, rhythm: Rhythm) -> Result<Option<BackupId>> {
    let health = health(context, service)?;
    let is_due = |newest: &_| rhythm.is_due(newest, &health.backups, context.settings.clock.now());
    Ok(health.newest_good.as_ref().filter(|newest| is_due(newest)).map(|newest| newest.backup.id.clone()))
}

/// Verifies one. Returns how long to wait when nothing was shown.
fn one(context: &Context, service: &Service, id: BackupId, told: &dyn Fn(&Turn)) -> Option<TimeDelta> {
    let which = Which::Id(id.clone());
    let shown = Dokku::find(&context.settings)
        .and_then(|dokku| verify(context, &dokku, service, &which, &Keys::default(), 0, None));
    let wait = match &shown {
        Ok(_) => None,
        // By hand or by another command: whatever comes of it is seen at the next look.
        Err(Failure { kind: Kind::Busy | Kind::Interrupted(_), .. }) => return Some(TimeDelta::zero()),
        // That is evidence too, and stands in the record.
        Err(failure) if matches!(failure.kind, Kind::Damaged | Kind::Partial) => {
            notify_verification(context, service, &id, failure);
            None
        }
        Err(Failure { kind: Kind::Config | Kind::Refused | Kind::NotFound, .. }) => Some(AGAIN_WHEN_SET),
        Err(_) => Some(AGAIN),
    };
    told(&(service.clone(), shown));
    wait
}
