//! What `backups:report` answers: how safe a service is, then everything that is set.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Health;
use crate::answers::{
    Brief, Destroy, GlobalReport, GlobalValues, GrantJson, Offsite, OwnValues, Report, Rights, Values, copy_of,
};
use crate::domain::{CopyRecord, CopyState, Grant, Listed, Presence, Service, Trust, Who, newest};
use crate::error::Result;
use crate::operations::Context;
use crate::operations::restore::newest_restore_point;
use crate::properties::{self, GATE, GLOBAL, folder};

/// The report on `health` at `now`.
pub fn report<'a>(context: &Context, health: &'a Health, now: DateTime<Utc>) -> Result<Report<'a>> {
    let newest = newest_restore_point(context, &health.service, health.backups.clone())?;
    let proven = newest.is_some_and(|newest| newest.trust() == Some(Trust::Restorable));
    let off = context.properties().computed(&health.service, &GATE)? == "off";
    Ok(Report {
        offsite: offsite(&health.backups, now),
        destroy: if proven || off { Destroy::Allowed } else { Destroy::Refused },
        values: values(context, health)?,
        health: health.answer(now),
    })
}

/// What is set for every service now.
pub fn report_global(context: &Context) -> Result<GlobalReport> {
    Ok(GlobalReport { own: GlobalValues(global(context)?), rights: rights(context, None) })
}

fn values(context: &Context, health: &Health) -> Result<Values> {
    let (store, service) = (context.properties(), &health.service);
    let mut values = global(context)?;
    for property in properties::ALL {
        let key = property.key;
        let own = store.get(&folder(service), key)?.unwrap_or_default();
        values.insert(format!("computed-{key}"), property.shown(&store.computed(service, property)?).to_string());
        values.insert(key.to_owned(), property.shown(&own).to_string());
    }
    Ok(Values { own: OwnValues(values), rights: rights(context, Some(service)) })
}

fn rights(context: &Context, service: Option<&Service>) -> Rights {
    let counts = |grant: &&Grant| service.is_none() || grant.service.is_none() || grant.service.as_ref() == service;
    let shown = |grant: &&Grant| match &context.settings.who {
        Who::Key { name, .. } => grant.key.as_str() == name,
        _ => true,
    };
    let grants = context.access.policy().grants.iter().filter(counts).filter(shown);
    let object = |grant: &Grant| GrantJson {
        key: grant.key.clone(),
        service: grant.service.as_ref().map(Service::full_name),
        rights: grant.rights.iter().copied().collect(),
    };
    Rights { rights: context.access.state(), grants: grants.map(object).collect() }
}

/// The newest backup that has a destination.
pub fn latest_offsite(backups: &[Listed], now: DateTime<Utc>) -> Option<&Listed> {
    let live = |listed: &&Listed| {
        let backup = &listed.backup;
        backup.deleted_at.is_none() && backup.counts() && backup.destination.is_some()
    };
    newest(backups.iter().filter(live), now)
}

fn offsite(backups: &[Listed], now: DateTime<Utc>) -> Option<Offsite<'_>> {
    let stored = |listed: &&Listed| {
        let is_stored = |copy: &CopyRecord| copy.state == CopyState::Stored && copy.damage().is_none();
        let copy = listed.backup.destination.as_ref().is_some_and(is_stored);
        copy && listed.backup.is_good()
            && listed.backup.counts()
            && matches!(listed.presence, Presence::Remote | Presence::Both)
    };
    let latest = copy_of(latest_offsite(backups, now)?)?;
    Some(Offsite {
        latest,
        newest_stored: newest(backups.iter().filter(stored), now).map(|listed| Brief::new(listed, now)),
    })
}

fn global(context: &Context) -> Result<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    for property in properties::ALL {
        let value = context.properties().get(GLOBAL, property.key)?.unwrap_or_default();
        values.insert(format!("global-{}", property.key), property.shown(&value).to_string());
    }
    Ok(values)
}
