//! What retention decided and did, for programs.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::ErrorJson;
use crate::domain::{Action, BackupId, Datastore, Decision, ServiceName};

/// What became of the backups of every service that was looked at.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Prunes<'a> {
    /// Service by service.
    pub services: Vec<PrunedJson<'a>>,
}

/// One service for programs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Pruned")]
pub struct PrunedJson<'a> {
    /// The datastore plugin.
    pub datastore: Datastore,
    /// The service's name.
    pub service: &'a ServiceName,
    /// Nothing was removed: this is what would be.
    pub dry_run: bool,
    /// What happens to each backup, and why.
    pub decisions: Vec<DecisionJson<'a>>,
    /// Bytes that are free again, or would be.
    pub freed: u64,
    /// Why the service was not pruned, or not to the end.
    pub error: Option<ErrorJson<'a>>,
}

/// The object of one decision.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Decision")]
pub struct DecisionJson<'a> {
    /// The backup.
    id: &'a BackupId,
    /// What happens to it.
    action: Action,
    /// Why.
    reason: &'a str,
    /// When retention may take it.
    expires_at: Option<DateTime<Utc>>,
    /// Size of its file in bytes.
    size: Option<u64>,
}

impl<'a> From<&'a Decision> for DecisionJson<'a> {
    fn from(decision: &'a Decision) -> Self {
        let Decision { id, action, reason, expires_at, size, position: _ } = decision;
        DecisionJson { id, action: *action, reason, expires_at: *expires_at, size: *size }
    }
}
