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
const LOOKS_DRAFT: &str = "looks.new";
/// A line a service.
const LARGEST_LOOKS: u64 = 1 << 20;

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

    /// When the copies of every service are to be looked at again. A service that was never looked at is not in it, and
    /// what is there and cannot be read stands for nothing: one look more is made.
    pub fn looks(&self) -> BTreeMap<String, DateTime<Utc>> {
        let read = self.dir.read(LOOKS).and_then(|file| file.read_whole(LARGEST_LOOKS));
        let text = String::from_utf8(read.unwrap_or_default()).unwrap_or_default();
        let line = |line: &str| {
            let (service, at) = line.split_once(' ')?;
            Some((service.to_owned(), at.parse().ok()?))
        };
        text.lines().filter_map(line).collect()
    }

    /// Notes them. Only whoever holds [`Slots::take_copies`] does.
    pub fn note_looks(&self, looks: &BTreeMap<String, DateTime<Utc>>) -> Result<()> {
        self.dir.remove(LOOKS_DRAFT)?;
        let mut file = self.dir.create(LOOKS_DRAFT, 0o600)?;
        for (service, at) in looks {
            writeln!(file, "{service} {}", at.to_rfc3339_opts(SecondsFormat::Secs, true))?;
        }
        Ok(self.dir.move_over(LOOKS_DRAFT, &self.dir, LOOKS)?)
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
