//! `backups:report` for programs: how safe a service is, then everything that can be set, in Dokku's three forms.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::{Brief, ServiceHealth};
use crate::domain::{CopyState, Destination, Grant, KeyName, Listed, Presence, Right, Service, Trust, Who, newest};
use crate::error::Result;
use crate::operations::Context;
use crate::operations::health::Health;
use crate::operations::restore::way_back;
use crate::properties::{self, GATE, GLOBAL, folder};
use crate::ui::{DestinationJson, copy_of};

/// `backups:report SERVICE`
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report<'a> {
    /// How it stands.
    #[serde(flatten)]
    pub health: ServiceHealth<'a>,
    /// The copies elsewhere; null where there are none.
    pub offsite: Option<Offsite<'a>>,
    /// What `dokku postgres:destroy` would meet.
    pub destroy: Destroy,
    /// What is set, and what holds.
    #[serde(flatten)]
    pub values: Values,
}

/// `backups:report`: every service, by its name.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reports<'a>(pub BTreeMap<String, Report<'a>>);

/// The copies of a service's backups at its destination.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Offsite<'a> {
    /// The copy of the newest backup that has one, or was to have one.
    pub latest: DestinationJson<'a>,
    /// The newest backup whose copy is stored.
    pub newest_stored: Option<Brief<'a>>,
}

/// Whether the gate lets the service be destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Destroy {
    /// The newest good backup is `Restorable`, or the gate is off.
    Allowed,
    /// It is not.
    Refused,
}

impl Destroy {
    /// The word for people.
    pub fn name(self) -> &'static str {
        match self {
            Destroy::Allowed => "allowed",
            Destroy::Refused => "refused",
        }
    }
}

/// Per property: what holds, what is set for all, what is set for the service; Dokku's three lines. Then the rights.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Values {
    /// The properties.
    #[serde(flatten)]
    own: OwnValues,
    /// Who may do what, as far as the caller may know.
    #[serde(flatten)]
    rights: Rights,
}

/// `backups:report --global`: what is set for every service.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GlobalReport {
    /// The properties.
    #[serde(flatten)]
    own: GlobalValues,
    /// Who may do what, as far as the caller may know.
    #[serde(flatten)]
    rights: Rights,
}

#[derive(Debug, Serialize)]
struct OwnValues(BTreeMap<String, String>);

#[derive(Debug, Serialize)]
struct GlobalValues(BTreeMap<String, String>);

/// The grants that count. Other keys' grants are nobody's business but the host's.
#[derive(Debug, Serialize, JsonSchema)]
struct Rights {
    /// `on`, `off`, or `broken` when the grants cannot be read.
    rights: &'static str,
    /// The grants.
    grants: Vec<GrantJson>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Grant")]
struct GrantJson {
    /// The SSH key's name.
    key: KeyName,
    /// The service, as in `postgres:my-db`; null for all.
    service: Option<String>,
    /// What it may do.
    rights: Vec<Right>,
}

impl Rights {
    fn of(context: &Context, service: Option<&Service>) -> Rights {
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

    fn in_words(&self) -> [(String, String); 2] {
        let words = |grant: &GrantJson| {
            let rights: Vec<String> = grant.rights.iter().map(ToString::to_string).collect();
            let on = grant.service.as_deref().unwrap_or("all services");
            format!("{} on {on}: {}", grant.key.as_str(), rights.join(", "))
        };
        let grants: Vec<String> = self.grants.iter().map(words).collect();
        [("rights".to_owned(), self.rights.to_owned()), ("grants".to_owned(), grants.join("; "))]
    }
}

impl<'a> Report<'a> {
    /// The report on `health` at `now`.
    pub fn new(context: &Context, health: &'a Health, now: DateTime<Utc>) -> Result<Self> {
        let newest = way_back(context, &health.service, health.backups.clone())?;
        let proven = newest.is_some_and(|newest| newest.trust() == Some(Trust::Restorable));
        let off = context.properties().computed(&health.service, &GATE)? == "off";
        Ok(Report {
            offsite: offsite(&health.backups, now),
            destroy: if proven || off { Destroy::Allowed } else { Destroy::Refused },
            values: Values::of(context, health)?,
            health: ServiceHealth::new(health, now),
        })
    }
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
        let is_stored = |copy: &Destination| copy.state == CopyState::Stored && copy.damage().is_none();
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

impl Values {
    fn of(context: &Context, health: &Health) -> Result<Values> {
        let (store, service) = (context.properties(), &health.service);
        let mut values = global(context)?;
        for property in properties::ALL {
            let key = property.key;
            let own = store.get(&folder(service), key)?.unwrap_or_default();
            values.insert(format!("computed-{key}"), property.shown(&store.computed(service, property)?).to_string());
            values.insert(key.to_owned(), property.shown(&own).to_string());
        }
        Ok(Values { own: OwnValues(values), rights: Rights::of(context, Some(service)) })
    }

    /// Labels and values for people.
    pub fn in_words(&self) -> BTreeMap<String, String> {
        self.own.0.clone().into_iter().chain(self.rights.in_words()).collect()
    }
}

impl GlobalReport {
    /// What is set for every service now.
    pub fn of(context: &Context) -> Result<GlobalReport> {
        Ok(GlobalReport { own: GlobalValues(global(context)?), rights: Rights::of(context, None) })
    }

    /// Labels and values for people.
    pub fn in_words(&self) -> BTreeMap<String, String> {
        self.own.0.clone().into_iter().chain(self.rights.in_words()).collect()
    }
}

/// An object with one text for each property and each of `forms`; in a form `*` stands for the key.
fn texts(forms: &[(&str, &str)]) -> Schema {
    let mut fields = serde_json::Map::new();
    for (form, about) in forms {
        for property in properties::ALL {
            let about = format!("{about}: {}", property.about);
            fields
                .insert(form.replace('*', property.key), serde_json::json!({ "type": "string", "description": about }));
        }
    }
    let required: Vec<String> = fields.keys().cloned().collect();
    json_schema!({ "type": "object", "properties": fields, "required": required })
}

impl JsonSchema for OwnValues {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OwnValues".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        texts(&[("computed-*", "What holds"), ("global-*", "Set for all services"), ("*", "Set for this service")])
    }

    fn inline_schema() -> bool {
        true
    }
}

impl JsonSchema for GlobalValues {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "GlobalValues".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        texts(&[("global-*", "Set for all services")])
    }
}
