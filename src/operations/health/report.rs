//! What `backups:report` answers: how safe a service is, then everything that is set.

use chrono::{DateTime, Utc};

use super::Health;
use crate::answers::{
    Brief, Copies, Destroy, GlobalReport, GlobalSettings, GrantJson, Report, Rights, ServiceSettings, Setting, copy_of,
};
use crate::domain::{CopyRecord, CopyState, Grant, Listed, Presence, Service, Trust, Who, newest};
use crate::error::Result;
use crate::operations::Context;
use crate::operations::restore::newest_restore_point;
use crate::properties::{self, GATE, GLOBAL, Property, folder};

/// The report on `health` at `now`.
pub fn report<'a>(context: &Context, health: &'a Health, now: DateTime<Utc>) -> Result<Report<'a>> {
    let newest = newest_restore_point(context, &health.service, health.backups.clone())?;
    let proven = newest.is_some_and(|newest| newest.trust() == Some(Trust::Restorable));
    let off = context.properties().computed(&health.service, &GATE)? == "off";
    Ok(Report {
        copies: copies(&health.backups, now),
        destroy: if proven || off { Destroy::Allowed } else { Destroy::Refused },
        properties: ServiceSettings(settings(context, Some(&health.service))?),
        rights: rights(context, Some(&health.service)),
        health: health.answer(now),
    })
}

/// What is set for every service now.
pub fn report_global(context: &Context) -> Result<GlobalReport> {
    Ok(GlobalReport { properties: GlobalSettings(settings(context, None)?), rights: rights(context, None) })
}

/// Every property, as it is set for `service` and for all.
/// All properties as they are set for `service`, or for all services.
pub fn settings(context: &Context, service: Option<&Service>) -> Result<Vec<Setting>> {
    let store = context.properties();
    let of = |property: &'static Property| {
        let global = store.get(GLOBAL, property.key)?;
        let own = service.map_or(Ok(None), |service| store.get(&folder(service), property.key))?;
        let computed = match service {
            Some(service) => store.computed(service, property)?,
            None => global.clone().unwrap_or_else(|| property.default.to_owned()),
        };
        Ok(Setting { property, computed, own, global })
    };
    properties::ALL.iter().map(|property| of(property)).collect()
}

fn rights(context: &Context, service: Option<&Service>) -> Rights {
    let counts = |grant: &&Grant| service.is_none() || grant.service.is_none() || grant.service.as_ref() == service;
    let shown = |grant: &&Grant| match &context.settings.who {
        Who::Key { name, .. } => grant.key.as_str() == name,
        _ => true,
    };
    let grants = context.access.policy().grants.iter().filter(counts).filter(shown);
    let object =
        |grant: &Grant| GrantJson::new(&grant.key, grant.service.as_ref(), grant.rights.iter().copied().collect());
    Rights { state: context.access.state(), grants: grants.map(object).collect() }
}

/// The newest backup that has a destination.
pub fn latest_offsite(backups: &[Listed], now: DateTime<Utc>) -> Option<&Listed> {
    let live = |listed: &&Listed| {
        let backup = &listed.backup;
        backup.deleted_at.is_none() && backup.counts() && backup.destination.is_some()
    };
    newest(backups.iter().filter(live), now)
}

fn copies(backups: &[Listed], now: DateTime<Utc>) -> Option<Copies<'_>> {
    let stored = |listed: &&Listed| {
        let is_stored = |copy: &CopyRecord| copy.state == CopyState::Stored && copy.damage().is_none();
        let copy = listed.backup.destination.as_ref().is_some_and(is_stored);
        copy && listed.backup.is_good()
            && listed.backup.counts()
            && matches!(listed.presence, Presence::Remote | Presence::Both)
    };
    let latest = copy_of(latest_offsite(backups, now)?)?;
    Some(Copies {
        latest,
        newest_stored: newest(backups.iter().filter(stored), now).map(|listed| Brief::new(listed, now)),
    })
}
