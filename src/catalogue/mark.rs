//! Marks of disposable databases, `.disposables/ID.PID` in the data root: each locked while its verification runs, and
//! gone when nothing is left of its container. One that is there and not locked is all that the scheduler has to see to
//! know that a verification was killed; Docker need not be asked every minute.

use super::Root;
use super::names::DISPOSABLES;
use crate::domain::BackupId;
use crate::error::Result;
use crate::sys::dir::Dir;
use crate::sys::lock::Lock;

/// A mark, held. Dropping it lets go of it and leaves it there.
#[derive(Debug)]
pub struct Mark {
    dir: Dir,
    name: String,
    _lock: Lock,
}

impl Mark {
    /// Sets one for a verification of `id` by this process.
    pub fn set(root: &Root, id: &BackupId) -> Result<Mark> {
        let dir = root.dir.enter_or_make(DISPOSABLES, 0o700)?;
        let name = format!("{id}.{}", std::process::id());
        loop {
            // Between being made and being locked it looks like one that was left; whoever takes it for that removes it.
            if let Some(mark) = Mark::take(dir.again()?, &name)?
                && mark._lock.is_on(&dir, &name)?
            {
                return Ok(mark);
            }
            std::thread::yield_now();
        }
    }

    /// Takes over those of verifications that were killed.
    pub fn left(root: &Root) -> Result<Vec<Mark>> {
        let dir = match root.dir.enter(DISPOSABLES) {
            Ok(dir) => dir,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e.into()),
        };
        let mut left = Vec::new();
        for name in dir.names()? {
            left.extend(Mark::take(dir.again()?, &name)?);
        }
        Ok(left)
    }

    fn take(dir: Dir, name: &str) -> Result<Option<Mark>> {
        let lock = Lock::try_exclusive(&dir, name, &format!("pid {}", std::process::id()))?;
        Ok(lock.map(|lock| Mark { dir, name: name.to_owned(), _lock: lock }))
    }

    /// Removes it: nothing is left of the container.
    pub fn remove(self) {
        if let Err(error) = self.dir.remove(&self.name) {
            log::warn!("{error}");
        }
    }
}
