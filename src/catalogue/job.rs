//! Who works on a service right now, as their locks say, and the request that they end.

use chrono::{DateTime, Utc};

use super::names::{self, INCOMING, LOCK};
use crate::domain::BackupId;
use crate::error::{AtWork, Result, Stage};
use crate::sys::cancel::{BEYOND, request};
use crate::sys::dir::Dir;
use crate::sys::lock::Lock;
use crate::sys::stage;

/// A run that holds the lock of a service, or of one of its dumps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its process.
    pub pid: u32,
    /// The verb.
    pub doing: String,
    /// The backup it is about, once that is known.
    pub id: Option<BackupId>,
    /// When it began, where it says so.
    pub started_at: Option<DateTime<Utc>>,
    /// It has gone too far to be ended.
    pub beyond: bool,
    /// How far it has come with what takes long.
    pub stage: Option<Stage>,
    /// The same in words.
    pub words: String,
}

impl Job {
    /// Everybody who works in the folder of a service.
    pub fn all(dir: &Dir) -> Result<Vec<Job>> {
        let mut jobs = Vec::new();
        if Lock::is_held(dir, LOCK)? {
            jobs.extend(Job::read(dir, LOCK, None));
        }
        let incoming = match dir.enter(INCOMING) {
            Ok(incoming) => incoming,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(jobs),
            Err(e) => return Err(e.into()),
        };
        for name in incoming.names()? {
            let Some(id) = names::id_of(&name, "use") else { continue };
            if Lock::is_held(&incoming, &name)? {
                jobs.extend(Job::read(&incoming, &name, Some(id)));
            }
        }
        Ok(jobs)
    }

    /// What the holder of the lock `name` says; `id` is the backup that the lock is about, where it is about one.
    pub(super) fn read(dir: &Dir, name: &str, id: Option<BackupId>) -> Option<Job> {
        let stage = stage::told(dir, name).unwrap_or_default();
        Some(Job { stage, ..Job::parse(&Lock::words(dir, name), id)? })
    }

    /// The words in a lock: `pid 7: import of ID, since TIME`.
    fn parse(words: &str, id: Option<BackupId>) -> Option<Job> {
        let (pid, rest) = words.strip_prefix("pid ")?.split_once(": ")?;
        let (what, _) = rest.split_once([',', ';']).unwrap_or((rest, ""));
        let (doing, named) = what.split_once(" of ").unwrap_or((what, ""));
        Some(Job {
            pid: pid.parse().ok()?,
            doing: doing.to_owned(),
            id: id.or_else(|| named.parse().ok()),
            started_at: words.split(';').next().and_then(|words| words.rsplit_once(", since ")?.1.parse().ok()),
            beyond: words.ends_with(BEYOND),
            stage: None,
            words: words.to_owned(),
        })
    }

    /// The same for programs.
    pub fn at_work(&self) -> AtWork {
        AtWork {
            operation: self.doing.clone(),
            id: self.id.as_ref().map(ToString::to_string),
            started_at: self.started_at,
            pid: self.pid,
            progress: self.stage.clone(),
        }
    }

    /// Whether it works on `id`: by name, or because it is making it (the safety backup of a restore).
    pub fn is_about(&self, dir: &Dir, id: &BackupId) -> Result<bool> {
        let drafted = || -> Result<bool> {
            match dir.enter(INCOMING) {
                Ok(incoming) => Ok(incoming.entry(&names::draft(id))?.is_some()),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
                Err(e) => Err(e.into()),
            }
        };
        Ok(self.id.as_ref() == Some(id) || (self.doing != super::VERIFY && drafted()?))
    }
}

/// A request that a job end. Dropping it takes it back.
#[derive(Debug)]
pub struct Request {
    incoming: Dir,
    name: String,
    lock: Lock,
}

impl Request {
    /// Asks the process of `job` to end, as `who`. `None` when somebody else is asking it already.
    pub fn place(dir: &Dir, job: &Job, who: &str) -> Result<Option<Request>> {
        let (incoming, name) = (dir.enter_or_make(INCOMING, 0o700)?, request(job.pid));
        let lock = Lock::try_exclusive(&incoming, &name, who)?;
        Ok(lock.map(|lock| Request { incoming, name, lock }))
    }

    /// Whether it was seen, and so will be obeyed: whoever obeys removes its file.
    pub fn is_obeyed(&self) -> Result<bool> {
        Ok(!self.lock.is_on(&self.incoming, &self.name)?)
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if self.lock.is_on(&self.incoming, &self.name).unwrap_or(false) {
            let _ = self.incoming.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_lock_name_the_job() {
        let job = Job::parse("pid 7: import of shop-2020-01-01-00-00-00, since 2020-01-01T00:00:00Z", None).unwrap();
        assert_eq!((job.pid, job.doing.as_str(), job.beyond), (7, "import", false));
        assert_eq!(job.started_at, Some("2020-01-01T00:00:00Z".parse().unwrap()));
        assert_eq!(job.id.unwrap().to_string(), "shop-2020-01-01-00-00-00");
        let beyond = format!("pid 7: import, since 2020-01-01T00:00:00Z{BEYOND}");
        assert!(Job::parse(&beyond, None).unwrap().beyond);
        assert_eq!(Job::parse("somebody works on it", None), None);
        assert_eq!(Job::parse("pid -1: verify", None), None);
    }
}
