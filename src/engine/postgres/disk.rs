//! What a disposable database writes, measured while a dump is restored into it. Docker bounds memory and processes by
//! itself, but not what is written to a volume; and a dump may say "a billion rows" in one line.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::disposable::{Confinement, Disposable};
use crate::engine::Bound;
use crate::error::{Failure, Kind, Result};
use crate::sys::disk::Disk;
use crate::sys::docker::Docker;

/// How often the host's disk is looked at. That costs nothing.
const LOOK: Duration = Duration::from_millis(200);
/// How often what was written is counted. That costs a program in the container.
const COUNT: Duration = Duration::from_secs(1);
/// How long a count may take: there may be many small files.
const PATIENCE: Duration = Duration::from_secs(20);
/// So many counts may fail in a row: files come and go, and a host may be busy.
const MISSES: u32 = 3;

impl Disposable {
    /// Does `work` with it. The container is removed, and `work` with that ended, as soon as more than `bound` is written,
    /// what is written cannot be counted, or the host's disk is nearly full: `NoSpace`, or `Child` for the second.
    pub fn bounded<T>(&self, bound: &Bound, work: impl FnOnce() -> Result<T>) -> Result<T> {
        std::thread::scope(|scope| {
            let (working, done) = mpsc::channel::<()>();
            let watch = move || self.watch(bound, &done);
            let watcher = std::thread::Builder::new().spawn_scoped(scope, watch)?;
            let result = work();
            drop(working);
            match watcher.join() {
                Ok(None) => result,
                Ok(Some(failure)) => Err(failure),
                Err(_) => Err(Failure::new(Kind::Io, "what the disposable database writes could not be watched")),
            }
        })
    }

    /// Why it had to be removed; `None` when `done` came first. What is over within a second is not looked at.
    fn watch(&self, bound: &Bound, done: &Receiver<()>) -> Option<Failure> {
        match done.recv_timeout(COUNT) {
            Err(RecvTimeoutError::Timeout) => {}
            _ => return None,
        }
        let docker = self.docker().uninterruptible().with_timeout(PATIENCE);
        let host = Host::of(&docker);
        let volumes = self.volumes(&docker);
        let mut misses = 0;
        let mut count = || {
            let used = volumes.as_ref().and_then(|volumes| self.used(&docker, volumes));
            misses = if used.is_some() { 0 } else { misses + 1 };
            if used.is_some_and(|used| used > bound.bytes) {
                let text = format!("the restore needs more than {} of disk", bound.words);
                return Some(Failure::new(Kind::NoSpace, text).hint(bound.remedy.clone()));
            }
            let hidden = misses >= MISSES && docker.ended(self.name()).is_none();
            hidden.then(|| Failure::new(Kind::Child, "what the restore writes could not be counted"))
        };
        let mut counted: Option<Instant> = None;
        loop {
            let mut failure = host.as_ref().and_then(Host::is_nearly_full);
            if failure.is_none() && counted.is_none_or(|counted| counted.elapsed() >= COUNT) {
                failure = count();
                counted = Some(Instant::now());
            }
            if let Some(failure) = failure {
                if let Err(failure) = self.remove() {
                    log::warn!("{}", failure.reason());
                }
                return Some(failure);
            }
            match done.recv_timeout(LOOK) {
                Err(RecvTimeoutError::Timeout) => {}
                _ => return None,
            }
        }
    }

    /// The folders on the host's disk that can be written in the container.
    fn volumes(&self, docker: &Docker) -> Option<Vec<String>> {
        let format = "{{range .Mounts}}{{println .Destination}}{{end}}";
        let list = docker.call(&["container", "inspect", "--format", format, self.name()]).ok()?;
        Some(list.lines().filter(|line| line.starts_with('/')).map(str::to_owned).collect())
    }

    /// Bytes written so far; `None` when that could not be counted, also where something is kept from being seen.
    fn used(&self, docker: &Docker, volumes: &[String]) -> Option<u64> {
        let mut args = vec!["env", "LC_ALL=C", "du", "-skx"];
        args.extend(volumes.iter().map(String::as_str));
        let mut used = 0;
        if !volumes.is_empty() {
            let answer = docker.exec(self.name(), &args).ok()?;
            // An image without such a program: then the host's disk alone is watched.
            if matches!(answer.status.code(), Some(126 | 127)) {
                return Some(0);
            }
            // Files that went away meanwhile are no matter.
            if answer.stderr.lines().any(|line| !line.contains("No such file")) {
                return None;
            }
            for line in answer.stdout.lines() {
                used += line.split_whitespace().next()?.parse::<u64>().ok()? << 10;
            }
            if answer.stdout.is_empty() {
                return None;
            }
        }
        if self.confinement() == Confinement::Loose {
            let size = ["container", "inspect", "--size", "--format", "{{.SizeRw}}", self.name()];
            used += docker.call(&size).ok()?.trim().parse::<u64>().ok()?;
        }
        Some(used)
    }
}

/// Where Docker keeps its data on this host.
struct Host {
    path: PathBuf,
    floor: u64,
}

impl Host {
    /// `None` where it cannot be learnt: an engine elsewhere, for instance.
    fn of(docker: &Docker) -> Option<Host> {
        let answer = docker.call(&["info", "--format", "{{.DockerRootDir}}"]).ok()?;
        let path = PathBuf::from(answer.trim());
        let floor = Disk::of(&path).ok().filter(|_| path.is_absolute())?.floor();
        Some(Host { path, floor })
    }

    fn is_nearly_full(&self) -> Option<Failure> {
        let free = Disk::of(&self.path).ok()?.free;
        let path = self.path.display();
        (free < self.floor).then(|| {
            Failure::new(Kind::NoSpace, format!("the restore left this host hardly any disk below {path}"))
                .remedy("make room there and try again; what is free", format!("df -h {path}"))
        })
    }
}
