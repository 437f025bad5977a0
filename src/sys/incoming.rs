//! A dump that somebody hands to us: a file of the host, or stdin.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::child::interrupted;
use super::file::{NamedFile, on_path};
use super::patience::Patience;
use super::{points, signals};
use crate::error::{Failure, Kind, Result};

/// How often a waiting reader looks for signals.
const LOOK: u16 = 50;

/// Opens a file that somebody named, and says where it truly lies, whatever links lead there.
pub fn open(path: &Path) -> Result<(NamedFile, PathBuf)> {
    let mut options = File::options();
    // O_NONBLOCK: a FIFO must not make us wait for a writer.
    options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC);
    let file = points::pass("open").and_then(|()| options.open(path)).map_err(|e| on_path("open", path, e))?;
    let kind = file.metadata()?.file_type();
    let shown = path.display();
    if kind.is_dir() {
        return Err(Failure::new(Kind::Usage, format!("{shown} is a folder"))
            .hint(format!("when it is a dump of pg_dump -Fd: pg_restore -f - {shown} | gzip > dump.sql.gz")));
    }
    if !kind.is_file() {
        return Err(Failure::new(Kind::Usage, format!("{shown} is no regular file")).hint("pour it in: --file -"));
    }
    let truly = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    Ok((NamedFile::new(file, path.to_owned()), truly))
}

/// What is poured into us, for as long as it comes.
#[derive(Debug)]
pub struct Stdin {
    stdin: io::Stdin,
    idle: Duration,
}

impl Stdin {
    /// Takes stdin, which must not be a terminal: bytes would be mangled there.
    pub fn take(idle: Duration) -> Result<Stdin> {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            return Err(Failure::new(Kind::Refused, "stdin is a terminal, which changes the bytes of a dump")
                .hint("ssh without -t: ssh dokku@HOST backups:import SERVICE --file - < FILE"));
        }
        Ok(Stdin { stdin, idle })
    }
}

impl Read for Stdin {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut patience = Patience::new(self.idle);
        loop {
            if let Some(signal) = signals::received() {
                return Err(interrupted(signal).into());
            }
            let mut fds = [PollFd::new(self.stdin.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::from(LOOK)) {
                Ok(0) | Err(nix::Error::EINTR) => {}
                Ok(_) => match nix::unistd::read(&self.stdin, into) {
                    Err(nix::Error::EINTR | nix::Error::EAGAIN) => {}
                    answer => return Ok(answer?),
                },
                Err(error) => return Err(error.into()),
            }
            if patience.is_over() {
                let text = format!("nothing came on stdin for {} seconds", self.idle.as_secs());
                return Err(Failure::new(Kind::Timeout, text).into());
            }
        }
    }
}
