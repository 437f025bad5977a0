//! What a restore into a disposable database showed about a backup, and by what.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::count;

/// By what a restored database was held against its backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// It was dumped again: every definition and every row is the same.
    DumpedAgain,
    /// Every table that the dump tells the rows of has as many.
    Rows,
    /// By nothing: the dump does not tell how many rows any of its tables has.
    Nothing,
}

/// Settings of the session that made a dump by which values are written, by their names: the time zone, for instance.
pub type Session = BTreeMap<String, String>;

/// So many tables that were not compared in full are named in a record.
const NAMED: usize = 100;

/// What a restore into a disposable database showed. Bound to the bytes by their hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Image of the disposable database, with its version.
    pub image: String,
    /// Hash of the bytes that were restored, lower-case hex.
    pub sha256: String,
    /// Tables compared.
    pub tables: u64,
    /// Rows compared.
    pub rows: u64,
    /// How long it took, in milliseconds; absent in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// By what; absent in records of earlier versions, which counted rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// What could not be compared in full, in words, at most a hundred of them: tables of which the rows were counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_compared: Vec<String>,
    /// Why it failed; absent when everything came back equal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Verification {
    /// What of `not_compared` a record names.
    pub fn naming(mut not_compared: Vec<String>) -> Vec<String> {
        let more = not_compared.len().saturating_sub(NAMED);
        not_compared.truncate(NAMED);
        not_compared.extend((more > 0).then(|| format!("{more} more")));
        not_compared
    }

    /// Whether it shows that the backup restores: it did, and something was compared, or there was nothing to compare.
    pub fn shows_it(&self) -> bool {
        let compared = match self.comparison {
            Some(comparison) => comparison != Comparison::Nothing,
            // Earlier versions did not say whether there was nothing, or nothing that they could compare.
            None => self.tables > 0,
        };
        self.reason.is_none() && compared
    }

    /// Whether it tells more than `other`, of the same bytes: counting rows does not stand in for comparing them.
    pub fn tells_more_than(&self, other: &Verification) -> bool {
        let is_deep = |shown: &Verification| shown.comparison == Some(Comparison::DumpedAgain);
        self.shows_it() && self.sha256 == other.sha256 && is_deep(self) && !is_deep(other)
    }

    /// What it showed, for people.
    pub fn words(&self) -> String {
        let (tables, rows) = (count(self.tables, "table"), count(self.rows, "row"));
        match self.comparison {
            Some(Comparison::DumpedAgain) => {
                format!("{tables}, {rows}: dumped again, every definition and every row is that of the backup")
            }
            Some(Comparison::Rows) if self.tables == 0 => "it came back empty, as the backup is".to_owned(),
            Some(Comparison::Rows) if !self.not_compared.is_empty() => format!(
                "{tables}, {rows}: as many as the backup has; not compared in full: {}",
                self.not_compared.join(", ")
            ),
            Some(Comparison::Rows) | None => format!("{tables}, {rows}: as many as the backup has"),
            Some(Comparison::Nothing) => "it was restored, but nothing in it could be compared".to_owned(),
        }
    }
}
