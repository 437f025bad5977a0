//! `backups:report` for programs: how safe a service is, then everything that can be set, in Dokku's three forms.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::{Brief, DestinationJson, ServiceHealth};
use crate::domain::{KeyName, Right};
use crate::properties;

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
    pub own: OwnValues,
    /// Who may do what, as far as the caller may know.
    #[serde(flatten)]
    pub rights: Rights,
}

/// `backups:report --global`: what is set for every service.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GlobalReport {
    /// The properties.
    #[serde(flatten)]
    pub own: GlobalValues,
    /// Who may do what, as far as the caller may know.
    #[serde(flatten)]
    pub rights: Rights,
}

/// What is set for a service, for all, and what holds; by `KEY`, `global-KEY` and `computed-KEY`.
#[derive(Debug, Serialize)]
pub struct OwnValues(pub BTreeMap<String, String>);

/// What is set for all services, by `global-KEY`.
#[derive(Debug, Serialize)]
pub struct GlobalValues(pub BTreeMap<String, String>);

/// The grants that count. Other keys' grants are nobody's business but the host's.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Rights {
    /// `on`, `off`, or `broken` when the grants cannot be read.
    pub rights: &'static str,
    /// The grants.
    pub grants: Vec<GrantJson>,
}

/// What one key may do.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Grant")]
pub struct GrantJson {
    /// The SSH key's name.
    pub key: KeyName,
    /// The service, as in `postgres:my-db`; null for all.
    pub service: Option<String>,
    /// What it may do.
    pub rights: Vec<Right>,
}

impl Rights {
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

impl Values {
    /// Labels and values for people.
    pub fn in_words(&self) -> BTreeMap<String, String> {
        self.own.0.clone().into_iter().chain(self.rights.in_words()).collect()
    }
}

impl GlobalReport {
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
