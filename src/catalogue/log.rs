//! The log of one backup: what export, verify and restore said, a line each, with the time.

use std::io::Write;

use super::names;
use crate::domain::{BackupId, scrub};
use crate::sys::clock::Clock;
use crate::sys::dir::Dir;
use crate::sys::file::NamedFile;

/// An open log. Losing a line of it never fails the work it tells about.
#[derive(Debug)]
pub struct Log {
    file: Option<NamedFile>,
    clock: Clock,
}

impl Log {
    /// Opens the log of `id` in its folder, for more lines.
    pub fn open(dir: &Dir, id: &BackupId, clock: Clock) -> Log {
        let file = dir.append(&names::log(id), 0o600);
        if let Err(error) = &file {
            log::warn!("{error}");
        }
        Log { file: file.ok(), clock }
    }

    /// Adds a line, without secrets. No name in it makes a line of its own.
    pub fn say(&mut self, text: &str) {
        log::info!("{text}");
        let now = self.clock.now().format("%Y-%m-%dT%H:%M:%S%.3fZ");
        let line = scrub(text).replace('\n', "\\n").replace('\r', "\\r");
        if let Some(file) = &mut self.file {
            let _ = file.write_all(format!("{now} {line}\n").as_bytes());
        }
    }

    /// Adds what a program said, each of its lines marked as one of its own.
    pub fn quote(&mut self, text: &str) {
        text.lines().for_each(|line| self.say(&format!("| {line}")));
    }

    /// The log of `id` as a file, for what a detached run says.
    pub fn file(dir: &Dir, id: &BackupId) -> Option<std::fs::File> {
        Some(dir.append(&names::log(id), 0o600).ok()?.into_file())
    }

    /// All of the log of `id`, as it stands.
    pub fn read(dir: &Dir, id: &BackupId) -> std::io::Result<String> {
        let bytes = dir.read(&names::log(id)).and_then(|file| file.read_whole(64 << 20))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
