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
