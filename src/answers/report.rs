//! `backups:report` for programs: how safe a service is, then everything that can be set.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Brief, CopyJson, GlobalSettings, ServiceHealth, ServiceSettings};
use crate::domain::{Datastore, KeyName, Right, Service, ServiceName};

/// `backups:report SERVICE`
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report<'a> {
    /// How it stands.
    #[serde(flatten)]
    pub health: ServiceHealth<'a>,
    /// The copies elsewhere; null where there are none.
    pub copies: Option<Copies<'a>>,
    /// What `dokku postgres:destroy` would meet.
    pub destroy: Destroy,
    /// What is set, and what holds, by the names of the properties.
    pub properties: ServiceSettings,
    /// Who may do what, as far as the caller may know.
    pub rights: Rights,
}

/// `backups:report`: every service.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reports<'a> {
    /// Service by service.
    pub services: Vec<Report<'a>>,
}

/// The copies of a service's backups at its destination.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Copies<'a> {
    /// The copy of the newest backup that has one, or was to have one.
    pub latest: CopyJson<'a>,
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

/// `backups:report --global`: what is set for every service.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GlobalReport {
    /// What is set for every service, and what holds, by the names of the properties.
    pub properties: GlobalSettings,
    /// Who may do what, as far as the caller may know.
    pub rights: Rights,
}

/// The grants that count. Other keys' grants are nobody's business but the host's.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Rights {
    /// Whether they narrow anybody.
    pub state: RightsState,
    /// The grants.
    pub grants: Vec<GrantJson>,
}

/// Whether rights narrow anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RightsState {
    /// A key may do what is granted to it.
    On,
    /// Every key may do everything.
    Off,
    /// The grants cannot be read: no key may do anything.
    Broken,
}

impl RightsState {
    /// The word for people.
    pub fn name(self) -> &'static str {
        match self {
            RightsState::On => "on",
            RightsState::Off => "off",
            RightsState::Broken => "broken",
        }
    }
}

/// What one key may do.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Grant")]
pub struct GrantJson {
    /// The SSH key's name.
    key: KeyName,
    /// The datastore plugin; null for all services.
    datastore: Option<Datastore>,
    /// The service's name; null for all services.
    service: Option<ServiceName>,
    /// What it may do.
    rights: Vec<Right>,
}

impl GrantJson {
    /// `key` has `rights` on `service`, or on all.
    pub fn new(key: &KeyName, service: Option<&Service>, rights: Vec<Right>) -> GrantJson {
        GrantJson {
            key: key.clone(),
            datastore: service.map(|service| service.datastore),
            service: service.map(|service| service.name.clone()),
            rights,
        }
    }
}

impl Rights {
    /// Labels and values for people.
    pub fn in_words(&self) -> [(String, String); 2] {
        let words = |grant: &GrantJson| {
            let rights: Vec<String> = grant.rights.iter().map(ToString::to_string).collect();
            let on = grant.datastore.zip(grant.service.clone());
            let on = on
                .map_or_else(|| "all services".to_owned(), |(datastore, name)| Service { datastore, name }.full_name());
            format!("{} on {on}: {}", grant.key.as_str(), rights.join(", "))
        };
        let grants: Vec<String> = self.grants.iter().map(words).collect();
        [("rights".to_owned(), self.state.name().to_owned()), ("grants".to_owned(), grants.join("; "))]
    }
}
