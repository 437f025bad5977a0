//! A service and a backup as people name them.

use super::{BackupId, Datastore, ServiceName, WrongName};

/// `[datastore:]name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceWord {
    /// The datastore, where it was named.
    pub datastore: Option<Datastore>,
    /// The service's name.
    pub name: ServiceName,
}

impl std::str::FromStr for ServiceWord {
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
        Ok(ServiceWord { datastore, name: name.parse().map_err(|e: WrongName| e.to_string())? })
    }
}

/// Which backup of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The newest good one.
    Latest,
    /// The newest of all, be it failed or in the making.
    Last,
    /// The one with this id.
    Id(BackupId),
}

impl Which {
    /// The one with this id; without one the newest good one.
    pub fn of(id: Option<BackupId>) -> Which {
        id.map_or(Which::Latest, Which::Id)
    }
}
