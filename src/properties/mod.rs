//! What can be set, in Dokku's property style: one file a value below `config/backups/<postgres:service>/`, where
//! `--global` is an ordinary name. A value of the service comes before the global one, that before the default.

use std::path::Path;

use crate::domain::Service;
use crate::error::{Failure, Kind, Result};
use crate::sys::dir::Dir;

/// Everything that can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Property {
    /// Whether `postgres:destroy` is refused without a `Restorable` backup: `on` or `off`.
    Gate,
    /// Memory of the disposable database of a verification, in Docker's words: `512m`, `2g`.
    VerifyMemory,
    /// Seconds that filling a database may take, in a verification or a restore.
    RestoreTimeout,
}

/// Folder of the values that hold for every service.
pub const GLOBAL: &str = "--global";
/// Written by `fork`, read by `reset`: the backup a service was made from. Nobody sets it by hand.
pub const ORIGIN: &str = "origin";

impl Property {
    /// All of them, in the order reports show them.
    pub const ALL: &'static [Property] = &[Property::Gate, Property::VerifyMemory, Property::RestoreTimeout];

    /// The key on the command line.
    pub fn key(self) -> &'static str {
        match self {
            Property::Gate => "gate",
            Property::VerifyMemory => "verify-memory",
            Property::RestoreTimeout => "restore-timeout",
        }
    }

    /// What holds where nothing is set.
    pub fn default(self) -> &'static str {
        match self {
            Property::Gate => "on",
            Property::VerifyMemory => "1g",
            Property::RestoreTimeout => "21600",
        }
    }

    /// The property called `key`.
    pub fn parse(key: &str) -> Result<Property> {
        Property::ALL.iter().copied().find(|property| property.key() == key).ok_or_else(|| {
            let keys: Vec<_> = Property::ALL.iter().map(|property| property.key()).collect();
            let shown: String = key.chars().take(64).collect();
            Failure::new(Kind::Usage, format!("there is no property {shown:?}"))
                .hint(format!("there are: {}", keys.join(", ")))
        })
    }

    /// Refuses a value that would not work.
    pub fn check(self, value: &str) -> Result<()> {
        let number = |text: &str| text.parse::<u64>().is_ok_and(|n| n > 0);
        let (fits, form) = match self {
            Property::Gate => (matches!(value, "on" | "off"), "on or off"),
            Property::VerifyMemory => {
                (value.strip_suffix(['k', 'm', 'g']).is_some_and(number), "a number with k, m or g, such as 512m")
            }
            Property::RestoreTimeout => (number(value), "a number of seconds"),
        };
        let shown: String = value.chars().take(64).collect();
        if fits {
            Ok(())
        } else {
            Err(Failure::new(Kind::Usage, format!("{} cannot be {shown:?}: it is {form}", self.key())))
        }
    }
}

/// The store of all values.
#[derive(Debug, Clone)]
pub struct Properties<'a> {
    root: &'a Path,
}

impl<'a> Properties<'a> {
    /// The values below `config_root`.
    pub fn at(config_root: &'a Path) -> Self {
        Properties { root: config_root }
    }

    /// The value that holds for `service`.
    pub fn computed(&self, service: &Service, property: Property) -> Result<String> {
        let own = self.get(&folder(service), property.key())?;
        let value = match own {
            Some(value) => Some(value),
            None => self.get(GLOBAL, property.key())?,
        };
        Ok(value.unwrap_or_else(|| property.default().to_owned()))
    }

    /// The value set in `scope` itself.
    pub fn get(&self, scope: &str, key: &str) -> Result<Option<String>> {
        let read =
            Dir::open(self.root).and_then(|dir| dir.enter(scope)).and_then(|dir| dir.read(key)?.read_whole(1 << 16));
        match read {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Sets a value in `scope`, or removes it; durable when it returns.
    pub fn set(&self, scope: &str, key: &str, value: Option<&str>) -> Result<()> {
        let root = Dir::open(self.root).map_err(|e| {
            Failure::new(Kind::Config, "the configuration folder is missing")
                .because(e)
                .hint("lay it out with: sudo dokku plugin:install")
        })?;
        let Some(value) = value else {
            return match root.enter(scope) {
                Ok(folder) => Ok(folder.remove(key).and_then(|()| folder.sync())?),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
                Err(e) => Err(e.into()),
            };
        };
        let folder = root.enter_or_make(scope, 0o755)?;
        Ok(folder.replace(key, &folder, value.as_bytes())?)
    }
}

/// Folder of the values of one service.
pub fn folder(service: &Service) -> String {
    format!("{}:{}", service.datastore, service.name)
}
