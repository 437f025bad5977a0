//! What can be set, in Dokku's property style: one file a value below `config/backups/<postgres:service>/`, where
//! `--global` is an ordinary name. A value of the service comes before the global one, that before the default.

mod asked;
mod fits;
mod known;

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::domain::Service;
use crate::error::{Failure, Kind, Result};
use crate::sys::dir::Dir;

pub use known::{
    ALL, BEFORE_DEPLOY, CHECK, COMPRESSION, DESTINATION, DESTINATION_ENDPOINT, DESTINATION_KEY_ID, DESTINATION_REGION,
    DESTINATION_SECRET, DUMP, ENCRYPT, ENCRYPT_TO, Form, GATE, GRANTS, HEARTBEAT_URL, IDENTITY_FILE, IMPORT_LIMIT,
    IMPORT_TIMEOUT, NOTIFY_URL, PARALLEL_RUNS, PRIVATE_ADDRESSES, Property, RESTORE_JOBS, RESTORE_TIMEOUT, RETENTION,
    STORAGE, VERIFY, VERIFY_DISK, VERIFY_MEMORY,
};

/// Folder of the values that hold for every service.
pub const GLOBAL: &str = "--global";
/// Written by `fork`, read by `reset`: the backup a service was made from. Nobody sets it by hand.
pub const ORIGIN: &str = "origin";

/// Written when a service is destroyed, or made where a former one has left backups: whatever was begun until then
/// belongs to the former one. An RFC 3339 time.
pub const DESTROYED_AT: &str = "destroyed-at";

/// Written when a restore has put something into a service that none of its own backups holds. An RFC 3339 time.
pub const REPLACED_AT: &str = "replaced-at";

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
    pub fn computed(&self, service: &Service, property: &Property) -> Result<String> {
        let own = if property.is_global() { None } else { self.get(&folder(service), property.key)? };
        let value = match own {
            Some(value) => Some(value),
            None => self.get(GLOBAL, property.key)?,
        };
        Ok(value.unwrap_or_else(|| property.default.to_owned()))
    }

    /// Whether any service, or all of them, have a value of their own for it.
    pub fn is_used(&self, property: &Property) -> Result<bool> {
        let scopes = match Dir::open_config(self.root) {
            Ok(root) => root.names()?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(e.into()),
        };
        for scope in scopes.iter().filter(|scope| scope.contains(':') || *scope == GLOBAL) {
            if self.get(scope, property.key)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The value set in `scope` itself.
    pub fn get(&self, scope: &str, key: &str) -> Result<Option<String>> {
        let read = Dir::open_config(self.root)
            .and_then(|dir| dir.enter(scope))
            .and_then(|dir| dir.read(key)?.read_whole(1 << 16));
        match read {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// The time set in `scope` itself.
    pub fn time(&self, scope: &str, key: &str) -> Result<Option<DateTime<Utc>>> {
        let Some(text) = self.get(scope, key)? else { return Ok(None) };
        let at = DateTime::parse_from_rfc3339(&text).map_err(|e| {
            let path = self.root.join(scope).join(key);
            Failure::new(Kind::Config, format!("{} is no RFC 3339 time", path.display())).because(e)
        })?;
        Ok(Some(at.with_timezone(&Utc)))
    }

    /// Every value of `key`, with the scope it is set in.
    pub fn every(&self, key: &str) -> Result<Vec<(String, String)>> {
        let scopes = match Dir::open_config(self.root) {
            Ok(dir) => dir.names()?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e.into()),
        };
        let mut found = Vec::new();
        // The folders of properties have a colon in their name; the marker is no folder.
        for scope in scopes.into_iter().filter(|name| name.contains(':')) {
            if let Some(value) = self.get(&scope, key)? {
                found.push((scope, value));
            }
        }
        Ok(found)
    }

    /// Sets a value in `scope`, or removes it; durable when it returns.
    pub fn set(&self, scope: &str, key: &str, value: Option<&str>) -> Result<()> {
        let root = Dir::open_config(self.root).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Failure::new(Kind::Config, "the configuration folder is missing")
                .because(e)
                .remedy("lay it out with", "sudo dokku plugin:install"),
            _ => e.into(),
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
    service.full_name()
}
