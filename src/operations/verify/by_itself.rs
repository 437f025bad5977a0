//! Backups that are verified by themselves: after a tick's backups, the newest good one of every service for which that is
//! due, one after the other, so that one disposable server runs at a time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::dokku::Dokku;
use crate::domain::{Backup, BackupId, Rhythm, Service, Which};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::health::health;
use crate::operations::keys::Keys;
use crate::operations::schedule::notify_verification;
use crate::properties::VERIFY;
use crate::schedules::{Looked, Slots};
use crate::sys::signals;

use super::verify;

/// After a verification that showed nothing, for want of memory, of an image, of Docker, it is tried again.
const AGAIN: TimeDelta = TimeDelta::hours(1);
/// The same where somebody has to set something first.
const AGAIN_WHEN_SET: TimeDelta = TimeDelta::days(1);

/// The services with schedules, and when the last run of each ended.
pub type Scheduled = BTreeMap<Service, Option<DateTime<Utc>>>;

/// What came of one service's turn.
pub type Turn = (Service, Result<Backup>);

/// Verifies what is due, unless another tick is at it, and tells `told` of each. The time of each look is kept, so that a
/// minute in which nothing happened costs no more than reading it.
pub fn verify_due(context: &Context, slots: &Slots, scheduled: &Scheduled, told: &dyn Fn(&Turn)) -> Result<()> {
    let Some(_only) = slots.take_verifications()? else { return Ok(()) };
    let mut looks = slots.verifications();
    let names: BTreeSet<String> = scheduled.keys().map(Service::full_name).collect();
    looks.retain(|name, _| names.contains(name));
    for (service, ended) in scheduled {
        if signals::received().is_some() {
            return Ok(());
        }
        let (name, now) = (service.full_name(), context.settings.clock.now());
        if looks.get(&name).is_some_and(|looked| !is_due(looked, *ended, now)) {
            continue;
        }
        let set = context.properties().computed(service, &VERIFY)?;
        let Some(rhythm) = Rhythm::parse(&set) else { continue };
        let wait = match to_verify(context, service, rhythm) {
            Ok(None) => None,
            Ok(Some(id)) => one(context, service, id, told),
            Err(failure) => {
                told(&(service.clone(), Err(failure)));
                Some(AGAIN)
            }
        };
        let then = context.settings.clock.now();
        let again = wait.map_or_else(|| rhythm.next(then), |wait| then + wait);
        // What ended while this was looked at is seen by the next look.
        looks.insert(name, Looked { at: now, again });
        slots.note_verifications(&looks)?;
    }
    Ok(())
}

/// Something may have come since the last look. One that lies ahead was noted by a clock that was wrong.
fn is_due(looked: &Looked, ended: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
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
