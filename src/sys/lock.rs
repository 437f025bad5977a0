//! The lock on a service's catalogue: an open-file-description lock on `.lock`, which is made once and never removed.
//!
//! Such a lock is let go by the kernel when its holder dies, however it dies, and unlike `flock` it can be *asked*
//! about without being taken: a reader never makes a writer believe that the service is busy. (fcntl(2), F_OFD_GETLK)

use std::io::{self, Seek, Write};
use std::os::fd::AsFd;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::dir::Dir;
use super::failpoints;

/// A held lock; dropping it lets go.
#[derive(Debug)]
pub struct Lock {
    file: std::fs::File,
}

fn whole_file(kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

impl Lock {
    /// Takes the lock on the file `name` exclusively, or says that somebody has it (`None`). `words` is written inside,
    /// for the message that others print; only the lock itself counts.
    pub fn try_exclusive(dir: &Dir, name: &str, words: &str) -> io::Result<Option<Lock>> {
        let file = dir.open_lock(name)?.into_file();
        failpoints::pass("lock")?;
        match fcntl(file.as_fd(), FcntlArg::F_OFD_SETLK(&whole_file(libc::F_WRLCK))) {
            Ok(_) => {}
            Err(nix::Error::EAGAIN | nix::Error::EACCES) => return Ok(None),
            Err(e) => return Err(e.into()),
        }
        let lock = Lock { file };
        lock.say(words);
        Ok(Some(lock))
    }

    /// Writes other words inside. A full disk must not keep anybody from working: they are only for others to read.
    pub fn say(&self, words: &str) {
        let mut file = &self.file;
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(words.as_bytes()));
    }

    /// One more handle on the locked file. The lock is held until all of them are closed.
    pub(super) fn handle(&self) -> io::Result<std::fs::File> {
        self.file.try_clone()
    }

    /// Whether the locked file is still the one that `name` stands for: a lock on a removed file tells nobody anything.
    pub fn is_on(&self, dir: &Dir, name: &str) -> io::Result<bool> {
        let inode = std::os::unix::fs::MetadataExt::ino(&self.file.metadata()?);
        Ok(dir.entry(name)?.is_some_and(|entry| entry.inode == inode))
    }

    /// Whether somebody holds it, without touching it.
    pub fn is_held(dir: &Dir, name: &str) -> io::Result<bool> {
        let file = match dir.read(name) {
            Ok(file) => file.into_file(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(e),
        };
        let mut answer = whole_file(libc::F_WRLCK);
        fcntl(file.as_fd(), FcntlArg::F_OFD_GETLK(&mut answer))?;
        Ok(i32::from(answer.l_type) != libc::F_UNLCK)
    }

    /// What the holder wrote inside. One who has only just taken it gets a moment to write.
    pub fn words(dir: &Dir, name: &str) -> String {
        let read = || {
            let bytes = dir.read(name).and_then(|file| file.read_whole(4096)).unwrap_or_default();
            // Behind them stands how far it has come (`stage`).
            let words = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            String::from_utf8_lossy(words).trim().to_owned()
        };
        for _ in 0..10 {
            let words = read();
            if !words.is_empty() {
                return words;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        "somebody works on it".to_owned()
    }
}
