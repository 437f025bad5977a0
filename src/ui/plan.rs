//! A plan of retention, for people and for programs.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::words::bytes;
use crate::domain::{BackupId, Decision};

const COLUMNS: [&str; 4] = ["Name", "Action", "Size", "Reason"];

/// The table of one service's decisions.
pub fn plan(decisions: &[&Decision]) -> Vec<String> {
    let cells = |decision: &&Decision| {
        let size = decision.size.map_or_else(|| "-".to_owned(), bytes);
        [decision.id.to_string(), decision.action.name().to_owned(), size, decision.reason.clone()]
    };
    let rows: Vec<[String; 4]> =
        std::iter::once(COLUMNS.map(str::to_owned)).chain(decisions.iter().map(cells)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (name, action, size) = (width(0), width(1), width(2));
    let line = |[a, b, c, d]: &[String; 4]| format!("{a:<name$}  {b:<action$}  {c:<size$}  {d}");
    rows.iter().map(line).collect()
}

/// The object of one decision.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Decision")]
pub struct DecisionJson<'a> {
    /// The backup.
    id: &'a BackupId,
    /// `keep`, `remove`, `remove-record` or `forget`.
    action: &'static str,
    /// Why.
    reason: &'a str,
    /// When retention may take it.
    expires_at: Option<DateTime<Utc>>,
    /// Size of its file in bytes.
    size: Option<u64>,
}

impl<'a> From<&'a Decision> for DecisionJson<'a> {
    fn from(decision: &'a Decision) -> Self {
        let Decision { id, action, reason, expires_at, size } = decision;
        DecisionJson { id, action: action.name(), reason, expires_at: *expires_at, size: *size }
    }
}
