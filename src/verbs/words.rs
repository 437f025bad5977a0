//! The words that several verbs take.

use chrono::{DateTime, Utc};
use clap::Args;

use crate::domain::{BackupId, Datastore, ServiceName};

/// `[datastore:]name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceArg {
    /// The datastore, where it was named.
    pub datastore: Option<Datastore>,
    /// The service's name.
    pub name: ServiceName,
}

impl std::str::FromStr for ServiceArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (datastore, name) = match text.split_once(':') {
            Some((word, name)) => {
                let known = Datastore::ALL.iter().find(|datastore| datastore.name() == word);
                let all: Vec<_> = Datastore::ALL.iter().map(|datastore| datastore.name()).collect();
                (Some(*known.ok_or_else(|| format!("datastore not supported; supported: {}", all.join(", ")))?), name)
            }
            None => (None, text),
        };
        Ok(ServiceArg { datastore, name: name.parse().map_err(|e: crate::domain::WrongName| e.to_string())? })
    }
}

/// Exactly one backup of a service.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct Selector {
    /// The newest one.
    #[arg(long)]
    pub latest: bool,
    /// The one with this id.
    #[arg(long, value_name = "ID")]
    pub id: Option<BackupId>,
}

/// An RFC 3339 time.
pub fn parse_time(text: &str) -> Result<DateTime<Utc>, String> {
    let time = DateTime::parse_from_rfc3339(text)
        .map_err(|_| "not an RFC 3339 time, such as 2026-04-08T14:30:00Z".to_owned())?
        .with_timezone(&Utc);
    // chrono reads second 60 as a leap second; no clock of ours ever shows one.
    if time.timestamp_subsec_nanos() >= 1_000_000_000 {
        return Err("second 60 has no name".to_owned());
    }
    Ok(time)
}

/// Free words, fit to be shown.
pub fn parse_label(text: &str) -> Result<String, String> {
    if text.chars().count() > 200 || text.chars().any(char::is_control) {
        return Err("at most 200 characters, none of them control characters".to_owned());
    }
    Ok(text.to_owned())
}
