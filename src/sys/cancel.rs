//! Asking a run to end, without signals and so without a process id that may have been given to somebody else: the
//! request is a file in the folder that the run works on, and only the run itself, which holds that folder's lock, looks
//! for it. It looks wherever it looks for signals, and obeys by removing the file.
//!
//! Whoever asks keeps the request locked for as long as they wait: one that nobody holds is a dead caller's and means
//! nothing. Its name has the number of the run's process, so that the run's successor does not obey it.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::dir::Dir;
use super::lock::Lock;

/// What a run adds to the words in its locks once it cannot be ended any more.
pub const BEYOND: &str = "; cannot be cancelled any more";
/// How often a run looks.
const LOOK: Duration = Duration::from_millis(40);

static WATCHED: Mutex<Vec<Watched>> = Mutex::new(Vec::new());
static NUMBER: AtomicU64 = AtomicU64::new(0);
static LOOKED: Mutex<Option<Instant>> = Mutex::new(None);
static CLOSED: AtomicBool = AtomicBool::new(false);
static BY: OnceLock<String> = OnceLock::new();

#[derive(Debug)]
struct Watched {
    number: u64,
    dir: Dir,
    lock: File,
}

/// A folder in which this run looks for requests, until this is dropped.
#[derive(Debug)]
pub struct Watch(u64);

/// The name of a request to the process `pid`.
pub fn request(pid: u32) -> String {
    format!("{pid}.cancel")
}

/// Begins to look for requests in `dir`. `lock` is the lock of ours that makes it our work.
pub fn watch(dir: Dir, lock: &Lock) -> std::io::Result<Watch> {
    let (number, lock) = (NUMBER.fetch_add(1, Ordering::SeqCst), lock.handle()?);
    watched().push(Watched { number, dir, lock });
    Ok(Watch(number))
}

impl Drop for Watch {
    fn drop(&mut self) {
        watched().retain(|watched| watched.number != self.0);
    }
}

fn watched() -> std::sync::MutexGuard<'static, Vec<Watched>> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does `with` to every lock that makes a folder our work.
pub(super) fn each_lock(with: impl Fn(&File)) {
    watched().iter().for_each(|watched| with(&watched.lock));
}

/// From now on no request is obeyed, and the words in our locks say so: what is being done must not stop half-way.
pub fn close() {
    if !CLOSED.swap(true, Ordering::SeqCst) {
        for watched in watched().iter() {
            // Locks are opened for reading and writing; their words end where the last write did.
            let _ = (&watched.lock).write_all(BEYOND.as_bytes());
        }
    }
}

/// Who asked this run to end, if somebody did.
pub fn by() -> Option<&'static str> {
    BY.get().map(String::as_str)
}

/// Whether somebody has asked this run to end. A request that is seen is obeyed: it is removed, for its sender to see.
pub fn requested() -> bool {
    if CLOSED.load(Ordering::SeqCst) {
        return false;
    }
    if BY.get().is_some() {
        return true;
    }
    {
        let mut looked = LOOKED.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.is_some_and(|at| at.elapsed() < LOOK) {
            return false;
        }
        *looked = Some(Instant::now());
    }
    let name = request(std::process::id());
    watched().iter().any(|watched| obey(&watched.dir, &name).unwrap_or(false))
}

fn obey(dir: &Dir, name: &str) -> std::io::Result<bool> {
    if dir.entry(name)?.is_none() || !Lock::is_held(dir, name)? {
        return Ok(false);
    }
    let who = Lock::words(dir, name);
    dir.remove(name)?;
    Ok(BY.set(who).is_ok())
}
