//! A datastore service: `postgres:my-db`. Its name is checked before it becomes part of a path or an argument.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::datastores::datastores;

macro_rules! names {
    ($($name:ident $folder:ident),* $(,)?) => {
        /// The datastores whose dumps we can read, check and restore.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "lowercase")]
        pub enum Datastore {
            $(#[doc = concat!("dokku-", stringify!($folder), ".")] $name,)*
        }

        impl Datastore {
            /// Every datastore there is.
            pub const ALL: &'static [Datastore] = &[$(Datastore::$name),*];

            /// Dokku's command prefix, also the folder's name: `postgres`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Datastore::$name => stringify!($folder),)*
                }
            }
        }
    };
}

datastores!(names);

impl fmt::Display for Datastore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A service's name: `[A-Za-z0-9_][A-Za-z0-9_-]{0,62}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}$"))]
pub struct ServiceName(String);

/// Why a word is no service name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongName(String);

impl fmt::Display for WrongName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A 5,000 character name must not fill the screen, nor may control characters reach it.
        let shown: String = self.0.chars().take(64).collect();
        let dots = if shown.len() < self.0.len() { "..." } else { "" };
        write!(f, "not a service name: {:?}{dots} (letters, digits, - and _, at most 63, not starting with -)", shown)
    }
}

impl std::error::Error for WrongName {}

impl FromStr for ServiceName {
    type Err = WrongName;

    fn from_str(text: &str) -> Result<Self, WrongName> {
        let letter = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
        match text.as_bytes() {
            [first, rest @ ..]
                if letter(*first) && rest.len() < 63 && rest.iter().all(|c| letter(*c) || *c == b'-') =>
            {
                Ok(ServiceName(text.to_owned()))
            }
            _ => Err(WrongName(text.to_owned())),
        }
    }
}

impl TryFrom<String> for ServiceName {
    type Error = WrongName;

    fn try_from(text: String) -> Result<Self, WrongName> {
        text.parse()
    }
}

impl From<ServiceName> for String {
    fn from(name: ServiceName) -> String {
        name.0
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl ServiceName {
    /// The name as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A datastore and the name of one service of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Service {
    /// Which plugin runs it.
    pub datastore: Datastore,
    /// Its name there.
    pub name: ServiceName,
}

impl Service {
    /// With its datastore, `postgres:my-db`: unlike any other, and the name of its folder of settings.
    pub fn full_name(&self) -> String {
        format!("{}:{}", self.datastore, self.name)
    }

    /// The service with this full name.
    pub fn from_full_name(text: &str) -> Option<Service> {
        let (word, name) = text.split_once(':')?;
        let datastore = Datastore::ALL.iter().copied().find(|datastore| datastore.name() == word)?;
        Some(Service { datastore, name: name.parse().ok()? })
    }
}

impl fmt::Display for Service {
    /// As a person types it: the bare name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records and the API are read by the name that the plugin has.
    #[test]
    fn a_datastore_is_written_as_its_plugin_is_called() {
        for datastore in Datastore::ALL {
            assert_eq!(serde_json::to_string(datastore).unwrap(), format!("{:?}", datastore.name()));
        }
    }

    #[test]
    fn names_are_dokkus_and_nothing_else() {
        for good in ["a", "db1", "My-Db_1", "_x", "0", &"a".repeat(63)] {
            assert!(good.parse::<ServiceName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "..", "a/b", "a.b", "a b", "a\n", "grün", "$(x)", &"a".repeat(64)] {
            assert!(bad.parse::<ServiceName>().is_err(), "{bad:?}");
        }
    }
}
