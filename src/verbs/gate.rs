//! Dokku's `service-action` trigger: destroying a service is refused unless its newest good backup is `Restorable`.

use chrono::{DateTime, Utc};

use crate::catalogue::{Detail, View};
use crate::domain::{Datastore, Listed, Service, Trust, made_at, newest, spell_age};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::keys::Keys;
use crate::operations::offsite::fetch_now;
use crate::operations::proof::check_chain;
use crate::operations::restore::newest_restore_point;
use crate::operations::select::folder_for_reading;
use crate::properties::{ALL, DESTROYED_AT, GATE, ORIGIN, Property, REPLACED_AT, folder};

/// Decides on `pre-delete DATASTORE SERVICE`; every other action, datastore and shape of words passes.
pub fn run(context: &Context, words: &[String]) -> Result<()> {
    let [action, datastore, name, ..] = words else { return Ok(()) };
    let datastore = Datastore::ALL.iter().find(|known| known.name() == datastore);
    let (Some(datastore), Ok(name)) = (datastore, name.parse()) else { return Ok(()) };
    let service = Service { datastore: *datastore, name };
    match action.as_str() {
        "pre-delete" => decide(context, &service),
        "post-delete" => {
            // A new service by the same name was not forked from anything.
            for key in [ORIGIN, REPLACED_AT] {
                context.properties().set(&folder(&service), key, None)?;
            }
            end_settings(context, &service)?;
            end_life(context, &service)
        }
        // Should the destruction have gone unnoticed: what lies there now cannot be of a service that begins now. The
        // service is no worse for it when this fails.
        "post-create" => {
            if let Err(failure) = end_life(context, &service) {
                context.ui.warn(&format!("retention may take backups of the former {service}: {}", failure.reason()));
            }
            tell_inherited(context, &service);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Writes down that whatever backups there are belong to a service that is no more: retention leaves them alone.
fn end_life(context: &Context, service: &Service) -> Result<()> {
    if folder_for_reading(context, service)?.is_none() {
        return Ok(());
    }
    let now = context.settings.clock.now().to_rfc3339();
    context.properties().set(&folder(service), DESTROYED_AT, Some(&now))
}

/// What was set for a service ends with it: a database that comes later by the same name is nobody's decision of then. What
/// its backups are reached and opened by stays as long as they do.
fn end_settings(context: &Context, service: &Service) -> Result<()> {
    let (properties, scope) = (context.properties(), folder(service));
    for property in ALL.iter().filter(|property| !property.is_global() && !property.is_of_kept_backups()) {
        if properties.get(&scope, property.key)?.is_some() {
            properties.set(&scope, property.key, None)?;
            context.ui.detail(&format!("{} of {service} is unset with it", property.key));
        }
    }
    Ok(())
}

/// Says what a new service has from a former one by its name.
fn tell_inherited(context: &Context, service: &Service) {
    let properties = context.properties();
    let is_set =
        |property: &&&Property| properties.get(&folder(service), property.key).is_ok_and(|value| value.is_some());
    let left: Vec<&str> = ALL.iter().filter(is_set).map(|property| property.key).collect();
    if !left.is_empty() {
        context.ui.warn(&format!("set for a former {service}, and for this one too: {}", left.join(", ")));
        context
            .ui
            .detail(&format!("see: dokku backups:report {service}; to unset one: dokku backups:set {service} KEY"));
    }
}

fn decide(context: &Context, service: &Service) -> Result<()> {
    if context.properties().computed(service, &GATE)? == "off" {
        return Ok(());
    }
    let view = match folder_for_reading(context, service)? {
        Some(dir) => View::of(&dir, service, Detail::Summary)?.backups,
        None => Vec::new(),
    };
    let now = context.settings.clock.now();
    let way_back = way_back(service, &view, now);
    let Some(refusal) = refusal(context, service, view)? else {
        context.ui.step(&way_back);
        return Ok(());
    };
    if context.settings.skip_backup_check {
        context.ui.warn(&format!("{}; destroying it all the same (--skip-backup-check)", refusal.reason()));
        context.ui.warn(&way_back);
        return Ok(());
    }
    Err(refusal.hint("or destroy it all the same: add --skip-backup-check").hint(way_back))
}

/// What there is to go back to, and so what would be lost.
fn way_back(service: &Service, backups: &[Listed], now: DateTime<Utc>) -> String {
    let restorable = |listed: &&Listed| listed.backup.counts() && listed.trust() == Some(Trust::Restorable);
    match newest(backups.iter().filter(restorable), now) {
        Some(Listed { backup, .. }) => {
            let age = spell_age(now - made_at(backup));
            format!(
                "the newest Restorable backup of {service}, {}, is {age} old; what was written since is lost",
                backup.id
            )
        }
        None => format!("no backup of {service} has ever been restored to see whether it can be; everything is lost"),
    }
}

/// Why the service may not go; `None` when it may.
fn refusal(context: &Context, service: &Service, view: Vec<Listed>) -> Result<Option<Failure>> {
    let refuse = |why: String, command: String| {
        Ok(Some(Failure::new(Kind::Refused, why).hint(format!("make it so with: {command}"))))
    };
    let export = format!("dokku backups:export {service} --verify");
    match &newest_restore_point(context, service, view)? {
        None => refuse(format!("{service} has no good backup"), export),
        Some(newest) if newest.trust() == Some(Trust::Restorable) => match folder_for_reading(context, service)? {
            // There is no way back from what is allowed here: the bytes are read once more.
            // Their hash is what the verification is bound to; no key is needed for that.
            Some(dir) => match fetch_now(context, service, newest, &Keys::default(), 0)
                .and_then(|()| check_chain(context.ui, &dir, &newest.backup))
            {
                Ok(()) => Ok(None),
                Err(failure) => {
                    refuse(format!("the newest backup of {service} cannot be relied on: {}", failure.reason()), export)
                }
            },
            None => refuse(format!("{service} has no good backup"), export),
        },
        Some(newest) => {
            let label = newest.trust().map_or("unknown", |trust| trust.label());
            let untried = matches!(newest.trust(), Some(Trust::Created | Trust::Validating));
            let command =
                if untried { format!("dokku backups:verify {service} --id {}", newest.backup.id) } else { export };
            refuse(
                format!("the newest backup of {service}, {}, is not Restorable ({label})", newest.backup.id),
                command,
            )
        }
    }
}
