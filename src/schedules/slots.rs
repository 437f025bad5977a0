//! The scheduler's own folder, `config/backups/.tick`: when it last ran, and how many backups may run at once over all
//! ticks that overlap.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::error::Result;
use crate::sys::dir::Dir;
use crate::sys::lock::Lock;

const FOLDER: &str = ".tick";
const LAST: &str = "last";
const DRAFT: &str = "last.new";
const LOOKS: &str = "looks";
const VERIFICATIONS: &str = "verifications";
/// A line a service.
const LARGEST: u64 = 1 << 20;

/// When a service was looked at, and when at the latest it is to be again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked {
    /// Then.
    pub at: DateTime<Utc>,
    /// And then.
    pub again: DateTime<Utc>,
}

/// The slots.
#[derive(Debug)]
pub struct Slots {
    dir: Dir,
}

impl Slots {
    /// Opens the folder below `config_root`, making it where it is missing.
    pub fn open(config_root: &Path) -> Result<Slots> {
        Ok(Slots { dir: Dir::open_config(config_root)?.enter_or_make(FOLDER, 0o700)? })
    }

    /// Notes that a tick began `now`. In one step, so that nobody reads half a time; not made durable, because after a
    /// crash the next minute brings another.
    pub fn stamp(&self, now: DateTime<Utc>) -> Result<()> {
        self.dir.remove(DRAFT)?;
        let mut file = self.dir.create(DRAFT, 0o600)?;
        writeln!(file, "{}", now.to_rfc3339_opts(SecondsFormat::Secs, true))?;
        Ok(self.dir.move_over(DRAFT, &self.dir, LAST)?)
    }

    /// Takes the place of the one tick that catches up on copies; `None` while another is at it.
    pub fn take_copies(&self) -> Result<Option<Lock>> {
        Ok(Lock::try_exclusive(&self.dir, "copies", &format!("pid {}", std::process::id()))?)
    }

    /// Takes the place of the one tick that verifies; `None` while another is at it.
    pub fn take_verifications(&self) -> Result<Option<Lock>> {
        Ok(Lock::try_exclusive(&self.dir, "verifying", &format!("pid {}", std::process::id()))?)
    }

    /// When every service was looked at for something to verify. What cannot be read stands for nothing, as below.
    pub fn verifications(&self) -> BTreeMap<String, Looked> {
        let looked = |times: &str| {
            let (at, again) = times.split_once(' ')?;
            Some(Looked { at: at.parse().ok()?, again: again.parse().ok()? })
        };
        self.read(VERIFICATIONS).into_iter().filter_map(|(name, times)| Some((name, looked(&times)?))).collect()
    }

    /// Notes them. Only whoever holds [`Slots::take_verifications`] does.
    pub fn note_verifications(&self, looks: &BTreeMap<String, Looked>) -> Result<()> {
        self.write(VERIFICATIONS, looks.iter().map(|(name, Looked { at, again })| (name, words(&[*at, *again]))))
    }

    /// When the copies of every service are to be looked at again. A service that was never looked at is not in it, and
    /// what is there and cannot be read stands for nothing: one look more is made.
    pub fn looks(&self) -> BTreeMap<String, DateTime<Utc>> {
        self.read(LOOKS).into_iter().filter_map(|(name, at)| Some((name, at.parse().ok()?))).collect()
    }

    /// Notes them. Only whoever holds [`Slots::take_copies`] does.
    pub fn note_looks(&self, looks: &BTreeMap<String, DateTime<Utc>>) -> Result<()> {
        self.write(LOOKS, looks.iter().map(|(name, at)| (name, words(&[*at]))))
    }

    /// The lines of a file: a service, and what is known of it.
    fn read(&self, name: &str) -> Vec<(String, String)> {
        let read = self.dir.read(name).and_then(|file| file.read_whole(LARGEST));
        let text = String::from_utf8(read.unwrap_or_default()).unwrap_or_default();
        let line = |line: &str| line.split_once(' ').map(|(service, rest)| (service.to_owned(), rest.to_owned()));
        text.lines().filter_map(line).collect()
    }

    fn write<'a>(&self, name: &str, lines: impl Iterator<Item = (&'a String, String)>) -> Result<()> {
        let draft = format!("{name}.new");
        self.dir.remove(&draft)?;
        let mut file = self.dir.create(&draft, 0o600)?;
        for (service, words) in lines {
            writeln!(file, "{service} {words}")?;
        }
        Ok(self.dir.move_over(&draft, &self.dir, name)?)
    }

    /// Takes what is free of `count` slots. They are let go when dropped, or when the process dies.
    pub fn take(&self, count: u8) -> Result<Vec<Lock>> {
        let mut taken = Vec::new();
        for number in 1..=count {
            let words = format!("pid {}", std::process::id());
            taken.extend(Lock::try_exclusive(&self.dir, &format!("slot-{number}"), &words)?);
        }
        Ok(taken)
    }
}

fn words(times: &[DateTime<Utc>]) -> String {
    times.iter().map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)).collect::<Vec<_>>().join(" ")
}

/// When the scheduler last began a tick; `None` where it never did, or what is there is no time.
pub fn last_tick(config_root: &Path) -> Result<Option<DateTime<Utc>>> {
    let read =
        Dir::open_config(config_root).and_then(|dir| dir.enter(FOLDER)).and_then(|dir| dir.read(LAST)?.read_whole(64));
    match read {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).trim().parse().ok()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
    }
}
