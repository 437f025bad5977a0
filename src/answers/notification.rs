//! What an address is told.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{Datastore, ServiceName};
use crate::ui::ErrorJson;

/// What `notify-url` is sent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FailedBackup<'a> {
    /// Always `backup-failed`.
    pub event: &'static str,
    /// The same in one line for people: chats show it.
    pub text: String,
    /// The datastore plugin.
    pub datastore: Datastore,
    /// The service's name.
    pub service: &'a ServiceName,
    /// The schedules that asked for it.
    pub schedules: &'a [String],
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Why.
    pub error: ErrorJson<'a>,
}

/// What `notify-url` is sent when it is set, to see whether it works.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TriedAddress {
    /// Always `test`.
    pub event: &'static str,
    /// The same in one line for people.
    pub text: String,
    /// When.
    pub at: DateTime<Utc>,
}
