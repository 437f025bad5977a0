//! The lock on one dump: held by whoever reads it for long without changing the folder, such as a verification. A dump
//! in use is not deleted, and a reader sees that it is being checked right now.

use super::job::Job;
use super::names::{self, INCOMING, LOCK};
use crate::domain::BackupId;
use crate::error::{AtWork, Failure, Kind, Result};
use crate::sys::cancel::{self, Watch};
use crate::sys::clock::Clock;
use crate::sys::dir::Dir;
use crate::sys::lock::Lock;

/// What a verification says it is doing. A deletion and a recovery hold the lock too, for a moment, and check nothing.
pub const VERIFY: &str = "verify";
/// What a copy to the destination says it is doing.
pub const UPLOAD: &str = "upload";

/// A held lock on one dump; dropping it removes its file and lets go.
#[derive(Debug)]
pub struct InUse {
    incoming: Dir,
    name: String,
    _watch: Watch,
    _lock: Lock,
}

impl InUse {
    /// Takes the lock on `id` in the service's folder.
    pub fn take(dir: &Dir, id: &BackupId, doing: &str, clock: Clock) -> Result<InUse> {
        let incoming = dir.enter_or_make(INCOMING, 0o700)?;
        InUse::take_in(incoming, id, doing, clock)?.ok_or_else(|| {
            Failure::new(Kind::Busy, format!("{id} is in use by another command"))
                .with_work(InUse::work(dir, id))
                .remedy("see what it does", format!("dokku backups:logs {} --id {id} --tail", id.service()))
        })
    }

    /// The same in the opened folder of drafts; `None` when somebody has it.
    pub(super) fn take_in(incoming: Dir, id: &BackupId, doing: &str, clock: Clock) -> Result<Option<InUse>> {
        let name = names::in_use(id);
        let since = clock.now().format("%Y-%m-%dT%H:%M:%SZ");
        let words = format!("pid {}: {doing}, since {since}", std::process::id());
        loop {
            let Some(lock) = Lock::try_exclusive(&incoming, &name, &words)? else {
                return Ok(None);
            };
            // Its last holder may have removed the file between our opening and our locking it.
            if lock.is_on(&incoming, &name)? {
                let watch = cancel::watch(incoming.again()?, &lock)?;
                return Ok(Some(InUse { incoming, name, _watch: watch, _lock: lock }));
            }
        }
    }

    /// Whether somebody holds the lock on `id`.
    pub fn is_held(dir: &Dir, id: &BackupId) -> Result<bool> {
        match dir.enter(INCOMING) {
            Ok(incoming) => Ok(Lock::is_held(&incoming, &names::in_use(id))?),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// What the holder of the lock on `id` says it is doing, where somebody has it.
    pub(super) fn doing(dir: &Dir, id: &BackupId) -> Result<Option<String>> {
        if !InUse::is_held(dir, id)? {
            return Ok(None);
        }
        let (incoming, name) = (dir.enter(INCOMING)?, names::in_use(id));
        Ok(Some(Job::read(&incoming, &name, None).map_or_else(|| Lock::words(&incoming, &name), |job| job.doing)))
    }

    /// Who holds the lock on `id`, as far as that is told.
    fn work(dir: &Dir, id: &BackupId) -> Option<AtWork> {
        let incoming = dir.enter(INCOMING).ok()?;
        Job::read(&incoming, &names::in_use(id), Some(id.clone())).map(|job| job.at_work())
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        if let Err(error) = self.incoming.remove(&self.name) {
            log::warn!("{error}");
        }
    }
}

/// Whether a command that changes the folder is running.
pub fn is_worked_on(dir: &Dir) -> Result<bool> {
    Ok(Lock::is_held(dir, LOCK)?)
}
