//! How far this run has come, for others to read: behind the words in every lock that it holds. So it needs no file of its
//! own, is true of a living run only, and goes when the lock is let go.

use std::io;
use std::os::unix::fs::FileExt;

use crate::error::Stage;

use super::cancel;
use super::dir::Dir;

/// Where it stands in a lock's file: behind any words.
const AT: usize = 1024;
/// Its room in bytes. What is shorter is filled up with NUL.
const ROOM: usize = 256;

/// Lets others know; `None` when what took long is over. Nobody needs it: a full disk must not keep anybody from working.
pub fn tell(stage: Option<&Stage>) {
    let mut room = [0; ROOM];
    let words = stage.and_then(|stage| serde_json::to_vec(stage).ok()).unwrap_or_default();
    room.iter_mut().zip(&words).for_each(|(byte, word)| *byte = *word);
    cancel::each_lock(|lock| drop(lock.write_all_at(&room, AT as u64)));
}

/// How far the holder of the lock `name` says it has come.
pub fn told(dir: &Dir, name: &str) -> io::Result<Option<Stage>> {
    let bytes = dir.read(name)?.read_whole((AT + ROOM) as u64)?;
    let words = bytes.get(AT..).unwrap_or_default().split(|byte| *byte == 0).next().unwrap_or_default();
    // Read while it is written: then the next one who asks hears it.
    Ok(serde_json::from_slice(words).ok())
}
