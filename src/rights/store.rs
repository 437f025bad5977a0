//! `config/backups/rights.toml`: replaced in one step under a lock, so that a reader sees the old policy or the new one,
//! and of two who grant at once none is lost.
//!
//! Whatever is wrong with the file denies. A file that is gone is also wrong, once there was one: `.rights` remembers.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::document::{Decoded, decode, encode};
use crate::domain::Grants;
use crate::error::{Failure, Kind, Result};
use crate::sys::child::interrupted;
use crate::sys::clock::Clock;
use crate::sys::dir::Dir;
use crate::sys::lock::Lock;

/// The policy's file.
const NAME: &str = "rights.toml";
/// Remembers that there is a policy.
const MARKER: &str = ".rights";
/// Made once, never removed; only the lock on it counts.
const LOCK: &str = ".rights.lock";
/// A policy that could not be read, put aside when root began a new one.
const ASIDE: &str = "rights.toml.broken";
/// Much more than all the grants anybody could keep an eye on.
const LARGEST: u64 = 1 << 20;
/// Another grant takes a moment; more than this and something hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// The policy that holds; the empty one, switched off, where none was ever made.
pub fn look(config_root: &Path) -> Result<Grants> {
    match Dir::open_config(config_root) {
        Ok(dir) => read(&dir),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Grants::default()),
        Err(e) if e.get_ref().is_some_and(|inner| inner.is::<Failure>()) => Err(e.into()),
        Err(e) => Err(broken(config_root, "cannot be read").because(e)),
    }
}

/// Changes the policy by `edit`; durable when it returns. With `anew` one that cannot be read is put aside and an empty
/// one takes its place; returns whether that was done.
pub fn change<T>(
    config_root: &Path,
    clock: Clock,
    anew: bool,
    edit: impl FnOnce(&mut Grants) -> Result<T>,
) -> Result<(T, bool)> {
    let dir = Dir::open_config(config_root).map_err(|e| match e.kind() {
        ErrorKind::NotFound => Failure::new(Kind::Config, "the configuration folder is missing")
            .because(e)
            .remedy("lay it out with", "sudo dokku plugin:install"),
        _ => e.into(),
    })?;
    let _lock = lock(&dir, clock)?;
    let read = read(&dir);
    // What a newer program wrote is whole: it is never put aside.
    let put_aside = anew && read.as_ref().is_err_and(|failure| failure.kind != Kind::Config);
    let mut policy = if put_aside { Grants::default() } else { read? };
    let before = policy.clone();
    let done = edit(&mut policy)?;
    if put_aside {
        move_aside(&dir)?;
    }
    if put_aside || policy != before {
        write(&dir, &policy)?;
    }
    Ok((done, put_aside))
}

fn read(dir: &Dir) -> Result<Grants> {
    let path = dir.path().join(NAME);
    let bytes = match dir.read(NAME).and_then(|file| file.read_whole(LARGEST)) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::NotFound => {
            return match dir.entry(MARKER)? {
                None => Ok(Grants::default()),
                Some(_) => Err(broken(&path, "is gone")),
            };
        }
        Err(e) => return Err(broken(&path, "cannot be read").because(e)),
    };
    match decode(&bytes) {
        Ok(Decoded::Whole(policy)) => Ok(policy),
        Ok(Decoded::Newer(format, _)) => Err(Failure::new(
            Kind::Config,
            format!("the rights in {} were written by a newer dokku-backups (format {format})", path.display()),
        )
        .remedy("nobody but root is allowed anything until the plugin is updated", "dokku plugin:update backups")),
        Err(why) => Err(broken(&path, &format!("is {why}"))),
    }
}

fn broken(path: &Path, how: &str) -> Failure {
    Failure::new(Kind::Refused, format!("the file of rights {} {how}", path.display()))
        .hint("nobody but root is allowed anything until root puts it back, or begins anew:")
        .hint("with one grant: dokku backups:grant KEY-NAME RIGHT --force")
        .remedy("without rights", "dokku backups:revoke --all --force")
}

fn lock(dir: &Dir, clock: Clock) -> Result<Lock> {
    let since = Instant::now();
    let words = format!("pid {}: changing rights", std::process::id());
    loop {
        if let Some(lock) = Lock::try_exclusive(dir, LOCK, &words)? {
            return Ok(lock);
        }
        if since.elapsed() >= PATIENCE {
            let who = Lock::words(dir, LOCK);
            return Err(Failure::new(Kind::Busy, format!("the rights are being changed ({who})")).hint("try again"));
        }
        clock.sleep(Duration::from_millis(20)).map_err(interrupted)?;
    }
}

/// Keeps what was there for a person to look at: the last such file, whatever it is.
fn move_aside(dir: &Dir) -> Result<()> {
    if dir.entry(NAME)?.is_none() {
        return Ok(());
    }
    let free = (0..100).map(|number| if number == 0 { ASIDE.to_owned() } else { format!("{ASIDE}.{number}") });
    for name in free {
        if dir.entry(&name)?.is_none() {
            return Ok(dir.move_new(NAME, dir, &name).and_then(|()| dir.sync())?);
        }
    }
    Err(Failure::new(Kind::Config, format!("too many old files {ASIDE} in {}", dir.path().display()))
        .hint("remove those that nobody needs"))
}

/// The policy first, then the marker: killed between the two, the policy holds already.
fn write(dir: &Dir, policy: &Grants) -> Result<()> {
    dir.replace(NAME, dir, &encode(policy)?)?;
    if dir.entry(MARKER)?.is_none() {
        let mut marker = dir.create(MARKER, 0o600)?;
        marker.write_all(b"There are rights in rights.toml. Without that file everything is denied.\n")?;
        marker.sync()?;
        dir.sync()?;
    }
    Ok(())
}
