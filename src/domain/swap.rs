//! A database that takes the place of another: what must be known to finish or undo it after a crash.

use serde::{Deserialize, Serialize};

/// The names and numbers of one exchange of databases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swap {
    /// The live database's name.
    pub live: String,
    /// Object id of the live database before: the name alone does not tell the old one from the new. 0: there was none.
    pub live_oid: u32,
    /// Name of the new one until it is in place.
    pub fresh: String,
    /// Object id of the new one; 0 until it is made. Absent in journals of 0.1.0, which did not ask for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh_oid: Option<u32>,
    /// Name of the old one until it is dropped.
    pub replaced: String,
    /// The role without privileges that fills the new one, where the dump was made elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Roles that were missing and are made for the new one: they go again when it does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// What belongs to the live database itself (encoding, locale, owner, settings), as the engine wrote it down: enough to
    /// make another like it, should it be lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<String>,
}

/// Whose data the service has once a replacement is settled, as the server itself was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The data that was there before.
    Undone,
    /// The restored data.
    Finished,
    /// Nothing: neither database is there any more.
    Gone,
    /// A third database, which is neither the one before nor the restored one.
    Stranger,
}

/// How the data of a service is replaced: one variant for each way there is. A datastore that has a way of its own needs
/// none here.
#[derive(Debug, Clone, PartialEq)]
pub enum Replacement {
    /// One database takes another's place and name.
    Databases(Swap),
    /// As the datastore's engine wrote down for itself.
    Own(OwnWay),
}

/// What one engine must know again after a crash, in a form that only this engine reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnWay {
    /// What the live data is called, for people.
    pub live: String,
    /// Whatever the engine needs to finish or undo it.
    pub plan: toml::Table,
}

impl Replacement {
    /// What the live data is called in its server.
    pub fn live(&self) -> &str {
        match self {
            Replacement::Databases(swap) => &swap.live,
            Replacement::Own(way) => &way.live,
        }
    }
}

impl Swap {
    /// A swap of `live`, told apart from every other by `mark` (digits).
    pub fn of(live: &str, live_oid: u32, mark: &str) -> Swap {
        Swap {
            live: live.to_owned(),
            live_oid,
            fresh: format!("dokku_backups_new_{mark}"),
            fresh_oid: Some(0),
            replaced: format!("dokku_backups_old_{mark}"),
            role: None,
            roles: Vec::new(),
            properties: None,
        }
    }

    /// The same, filled by a role of its own.
    #[must_use]
    pub fn by_role(self, mark: &str) -> Swap {
        Swap { role: Some(format!("dokku_backups_role_{mark}")), ..self }
    }
}
