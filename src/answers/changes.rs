//! What a command has set, given or taken, for programs.

use schemars::JsonSchema;
use serde::Serialize;

use super::ServiceSettings;
use crate::domain::Right;

/// `backups:set`
#[derive(Debug, Serialize, JsonSchema)]
pub struct Changed<'a> {
    /// The service's name; null where it was set for all.
    pub service: Option<&'a str>,
    /// Names of the properties that were set or cleared, in the order in which that was asked for.
    pub properties: Vec<&'static str>,
    /// All that is set now: for the service itself, or where it was set for all, for all.
    pub settings: ServiceSettings,
}

/// `backups:grant` and `backups:revoke`
#[derive(Debug, Serialize, JsonSchema)]
pub struct RightsChanged<'a> {
    /// The key's name; null where all was taken from every key.
    pub key: Option<&'a str>,
    /// The service's name; null where it is about all services.
    pub service: Option<&'a str>,
    /// The rights that were given or taken by this: those that the key had already, or had not, are none of them.
    pub rights: Vec<Right>,
    /// Whether rights are on now: a key may do only what is granted to it.
    pub enabled: bool,
}

/// `backups:sync --detach`
#[derive(Debug, Serialize, JsonSchema)]
pub struct Begun<'a> {
    /// The services that are gone through, by name.
    pub services: Vec<&'a str>,
    /// The file in which stands what is said from now on.
    pub log: String,
}
