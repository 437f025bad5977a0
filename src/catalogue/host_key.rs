//! The key of this host, in the configuration: what marks its records as its own. Made by the install trigger, or by the
//! first command that changes something; never shown, never copied anywhere.
//!
//! When it is made there may be records from before. They are this host's, and get its mark once: the services whose
//! folders were there are written down before the key is, and a service is struck off when its records bear the mark.

use std::path::Path;
use std::time::Duration;

use crate::document::{HostKey, hex};
use crate::domain::Service;
use crate::error::{Failure, Kind, Result};
use crate::sys::clock::Clock;
use crate::sys::dir::Dir;
use crate::sys::lock::Lock;
use crate::sys::random;

/// Its file.
const KEY: &str = "host-key";
/// Held by who makes it.
const LOCK: &str = ".host-key.lock";
/// A file for each service whose records are from before there was a key.
const WAITING: &str = ".unmarked";
/// How often somebody who waits for another's key looks.
const LOOK: Duration = Duration::from_millis(20);

/// The key; `None` where there is none yet.
pub fn look(config: &Path) -> Result<Option<HostKey>> {
    let dir = match Dir::open(config) {
        Ok(dir) => dir,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    read(&dir)
}

/// The name of this host in its marks; `None` before it has a key.
pub fn host_id(config: &Path) -> Result<Option<String>> {
    Ok(look(config)?.map(|key| key.id()))
}

fn read(dir: &Dir) -> Result<Option<HostKey>> {
    let path = dir.path().join(KEY);
    let Some(entry) = dir.entry(KEY)? else { return Ok(None) };
    if entry.mode & 0o077 != 0 {
        let text = format!("the host key {} may be read by others (mode {:o})", path.display(), entry.mode);
        return Err(Failure::new(Kind::Config, text).command(format!("sudo chmod 600 {}", path.display())));
    }
    let bytes = dir.read(KEY).and_then(|file| file.read_whole(1024)).map_err(|error| {
        Failure::new(Kind::Config, "the host key cannot be read").because(error).command("sudo dokku plugin:install")
    })?;
    match std::str::from_utf8(&bytes).ok().and_then(|text| HostKey::parse(text.trim_end())) {
        Some(key) => Ok(Some(key)),
        None => Err(Failure::new(Kind::Config, format!("{} holds no host key", path.display()))
            .hint("put it back from a copy of this host's configuration")
            .remedy("or begin with a new one", format!("sudo rm {}", path.display()))
            .remedy("and then, for what is this host's by right", "dokku backups:sync --take-over")),
    }
}

/// The key, made where there is none: for `owner` where that is somebody else, and with the records of `services` to be
/// marked.
pub fn establish(config: &Path, services: &[Service], owner: Option<(u32, u32)>) -> Result<HostKey> {
    let dir = Dir::open(config).map_err(|error| {
        Failure::new(Kind::Config, "the configuration cannot be used")
            .because(error)
            .command("sudo dokku plugin:install")
    })?;
    if let Some(key) = read(&dir)? {
        give(&dir.path().join(KEY), owner)?;
        return Ok(key);
    }
    let _lock = loop {
        if let Some(lock) = Lock::try_exclusive(&dir, LOCK, "making the host key")? {
            break lock;
        }
        Clock::real().sleep(LOOK).map_err(crate::sys::child::interrupted)?;
    };
    give(&dir.path().join(LOCK), owner)?;
    if let Some(key) = read(&dir)? {
        return Ok(key);
    }
    if !services.is_empty() {
        let waiting = dir.enter_or_make(WAITING, 0o700)?;
        give(waiting.path(), owner)?;
        for service in services {
            let name = service.full_name();
            waiting.replace(&name, &waiting, b"")?;
            give(&waiting.path().join(&name), owner)?;
        }
    }
    let text = hex(&random::key()?);
    let key = HostKey::parse(&text).ok_or_else(|| Failure::new(Kind::Io, "the kernel gave no random bytes"))?;
    dir.replace(KEY, &dir, format!("{text}\n").as_bytes())?;
    give(&dir.path().join(KEY), owner)?;
    Ok(key)
}

fn give(path: &Path, owner: Option<(u32, u32)>) -> Result<()> {
    let Some((uid, gid)) = owner else { return Ok(()) };
    Ok(std::os::unix::fs::lchown(path, Some(uid), Some(gid))?)
}

fn waiting(config: &Path) -> Result<Option<Dir>> {
    match Dir::open(config).and_then(|dir| dir.enter(WAITING)) {
        Ok(dir) => Ok(Some(dir)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Whether the records of `service` are still to get this host's mark.
pub fn is_waiting(config: &Path, service: &Service) -> Result<bool> {
    Ok(match waiting(config)? {
        Some(dir) => dir.entry(&service.full_name())?.is_some(),
        None => false,
    })
}

/// They have it.
pub fn settled(config: &Path, service: &Service) -> Result<()> {
    if let Some(dir) = waiting(config)? {
        dir.remove(&service.full_name())?;
        dir.sync()?;
    }
    Ok(())
}
