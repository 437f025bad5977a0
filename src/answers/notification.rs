//! What an address is told.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::ErrorJson;
use crate::domain::{BackupId, Datastore, ServiceName};

/// What an address is told of.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A scheduled backup did not end well.
    BackupFailed,
    /// A backup that was verified by itself does not restore, or nothing of it could be compared.
    VerificationFailed,
    /// The address was set, and is tried.
    Test,
}

/// What `notify-url` is sent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FailedBackup<'a> {
    /// What happened.
    pub event: Event,
    /// The same in one line for people: chats show it.
    pub text: String,
    /// How the host calls itself.
    pub host: &'a str,
    /// The datastore plugin.
    pub datastore: Datastore,
    /// The service's name.
    pub service: &'a ServiceName,
    /// The schedules that asked for it.
    pub schedules: &'a [String],
    /// When it ended.
    pub failed_at: DateTime<Utc>,
    /// Why.
    pub error: ErrorJson<'a>,
}

/// What `notify-url` is sent when a backup that was verified by itself is not `Restorable`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FailedVerification<'a> {
    /// What happened.
    pub event: Event,
    /// The same in one line for people: chats show it.
    pub text: String,
    /// How the host calls itself.
    pub host: &'a str,
    /// The datastore plugin.
    pub datastore: Datastore,
    /// The service's name.
    pub service: &'a ServiceName,
    /// The backup.
    pub id: &'a BackupId,
    /// When it was found.
    pub failed_at: DateTime<Utc>,
    /// Why.
    pub error: ErrorJson<'a>,
}

/// What `notify-url` is sent when it is set, to see whether it works.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TriedAddress<'a> {
    /// What happened.
    pub event: Event,
    /// The same in one line for people.
    pub text: String,
    /// How the host calls itself.
    pub host: &'a str,
    /// When.
    pub sent_at: DateTime<Utc>,
}
