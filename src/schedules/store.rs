//! Reading and changing the schedules of a service and the state of their runs. Whoever changes either holds the short
//! lock `.lock`; whoever works on what is due holds `.run` as long as that takes. Readers take no lock.

use std::path::Path;
use std::time::Duration;

use super::document::Document;
use crate::document::{Broken, Decoded, decode, encode};
use crate::domain::{RunState, Schedule, Service};
use crate::error::{Failure, Kind, Result};
use crate::sys::child::interrupted;
use crate::sys::clock::Clock;
use crate::sys::dir::Dir;
use crate::sys::lock::Lock;

const SCHEDULES: &str = "schedules.toml";
const RUNS: &str = "runs.toml";
const LOCK: &str = ".lock";
const WORK: &str = ".run";
/// Largest document read: a hundred times what there ever is in one.
const LARGEST: u64 = 1 << 20;
/// How often the short lock is tried, 50 ms apart.
const TRIES: u32 = 200;

/// All schedules.
#[derive(Debug)]
pub struct Store {
    root: Dir,
}

impl Store {
    /// The schedules below `config_root`; `None` where there is no such folder yet.
    pub fn look(config_root: &Path) -> Result<Option<Store>> {
        match Dir::open_config(config_root) {
            Ok(root) => Ok(Some(Store { root })),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// The same, to be written.
    pub fn open(config_root: &Path) -> Result<Store> {
        Store::look(config_root)?.ok_or_else(|| {
            Failure::new(Kind::Config, format!("the configuration folder {} is missing", config_root.display()))
                .remedy("lay it out with", "sudo dokku plugin:install")
        })
    }

    /// Every service that has settings of its own, and so perhaps schedules; sorted.
    pub fn services(&self) -> Result<Vec<Service>> {
        let mut found: Vec<_> = self.root.names()?.iter().filter_map(|name| Service::from_full_name(name)).collect();
        found.sort();
        Ok(found)
    }

    /// Whether `service` has a document of schedules, whatever it says.
    pub fn knows(&self, service: &Service) -> Result<bool> {
        match self.folder(service)? {
            Some(dir) => Ok(dir.entry(SCHEDULES)?.is_some()),
            None => Ok(false),
        }
    }

    /// The schedules of `service`, the most frequent first.
    pub fn schedules(&self, service: &Service) -> Result<Vec<Schedule>> {
        match self.folder(service)? {
            Some(dir) => schedules(&dir),
            None => Ok(Vec::new()),
        }
    }

    /// Schedules and runs of `service`, read in one go.
    pub fn both(&self, service: &Service) -> Result<(Vec<Schedule>, RunState)> {
        let Some(dir) = self.folder(service)? else { return Ok(Default::default()) };
        let schedules = schedules(&dir)?;
        let state = if schedules.is_empty() { RunState::default() } else { state(&dir) };
        Ok((schedules, state))
    }

    /// Changes the schedules of `service`; durable when it returns.
    pub fn edit<T>(
        &self,
        service: &Service,
        clock: Clock,
        change: impl FnOnce(&mut Vec<Schedule>) -> Result<T>,
    ) -> Result<T> {
        let dir = self.root.enter_or_make(&service.full_name(), 0o755)?;
        let _lock = lock(&dir, clock)?;
        let before = schedules(&dir)?;
        let mut after = before.clone();
        let answer = change(&mut after)?;
        if after != before {
            after.sort_by_key(Schedule::frequency);
            dir.replace(SCHEDULES, &dir, &encode(&Document::new(&after))?)?;
        }
        Ok(answer)
    }

    /// Changes what is remembered of the runs of `service`; durable when it returns. Runs of schedules that are no more
    /// are forgotten.
    pub fn note(&self, service: &Service, clock: Clock, change: impl FnOnce(&mut RunState)) -> Result<RunState> {
        let dir = self.root.enter_or_make(&service.full_name(), 0o755)?;
        let _lock = lock(&dir, clock)?;
        let before = state(&dir);
        let mut after = before.clone();
        change(&mut after);
        if let Ok(schedules) = schedules(&dir) {
            after.runs.retain(|frequency, _| schedules.iter().any(|schedule| schedule.frequency() == *frequency));
        }
        if after != before {
            dir.replace(RUNS, &dir, &encode(&after)?)?;
        }
        Ok(after)
    }

    /// The right to work on what is due for `service`; `None` when somebody else does.
    pub fn work_on(&self, service: &Service) -> Result<Option<Lock>> {
        match self.folder(service)? {
            Some(dir) => Ok(Lock::try_exclusive(&dir, WORK, &format!("pid {}", std::process::id()))?),
            None => Ok(None),
        }
    }

    /// Whether somebody works on what is due for `service`.
    pub fn is_worked_on(&self, service: &Service) -> Result<bool> {
        match self.folder(service)? {
            Some(dir) => Ok(Lock::is_held(&dir, WORK)?),
            None => Ok(false),
        }
    }

    fn folder(&self, service: &Service) -> Result<Option<Dir>> {
        match self.root.enter(&service.full_name()) {
            Ok(dir) => Ok(Some(dir)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

fn lock(dir: &Dir, clock: Clock) -> Result<Lock> {
    for _ in 0..TRIES {
        if let Some(lock) = Lock::try_exclusive(dir, LOCK, &format!("pid {}", std::process::id()))? {
            return Ok(lock);
        }
        clock.sleep(Duration::from_millis(50)).map_err(interrupted)?;
    }
    let text = format!("the schedules in {} are being changed by {}", dir.path().display(), Lock::words(dir, LOCK));
    Err(Failure::new(Kind::Busy, text).hint("try again in a moment"))
}

fn schedules(dir: &Dir) -> Result<Vec<Schedule>> {
    let bytes = match dir.read(SCHEDULES).and_then(|file| file.read_whole(LARGEST)) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e.into()),
    };
    let path = dir.path().join(SCHEDULES);
    let broken = match decode::<Document>(&bytes) {
        Ok(Decoded::Whole(document)) => match document.schedules() {
            Ok(schedules) => return Ok(schedules),
            Err(why) => Broken::Shape(why),
        },
        Ok(Decoded::Newer(format, _)) => {
            let text = format!("{} was written by a newer dokku-backups (format {format})", path.display());
            return Err(Failure::new(Kind::Catalogue, text).remedy("update the plugin", "dokku plugin:update backups"));
        }
        Err(broken) => broken,
    };
    Err(Failure::new(Kind::Catalogue, format!("{} is {broken}", path.display()))
        .remedy(
            "until that is mended nothing is backed up by schedule there; to begin anew, first",
            format!("rm {}", path.display()),
        )
        .hint("and then: dokku backups:schedule SERVICE FREQUENCY"))
}

/// What is remembered of the runs. Lost or broken it costs one more run of each schedule, and nothing else.
fn state(dir: &Dir) -> RunState {
    let read = dir.read(RUNS).and_then(|file| file.read_whole(LARGEST));
    let broken = match read.map(|bytes| decode(&bytes)) {
        Ok(Ok(Decoded::Whole(state))) => return state,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return RunState::default(),
        Ok(Ok(Decoded::Newer(format, _))) => format!("of a newer format ({format})"),
        Ok(Err(broken)) => broken.to_string(),
        Err(e) => e.to_string(),
    };
    log::warn!("{} is {broken}; what it said of past runs is forgotten", dir.path().join(RUNS).display());
    RunState::default()
}
