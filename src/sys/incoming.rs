//! A dump that somebody hands to us: a file of the host, or stdin.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::dir::Dir;
use super::file::{NamedFile, on_path};
use super::idle_timer::IdleTimer;
use super::{failpoints, signals, user};
use crate::error::{Failure, Kind, Result};

/// How often a waiting reader looks for signals.
const LOOK: u16 = 50;

/// What somebody named.
#[derive(Debug)]
pub enum Named {
    /// A file, and where it truly lies, whatever links lead there.
    File(NamedFile, PathBuf),
    /// A folder, by its true path.
    Folder(Dir),
}

impl Named {
    /// Where it truly lies.
    pub fn truly(&self) -> &Path {
        match self {
            Named::File(_, truly) => truly,
            Named::Folder(dir) => dir.path(),
        }
    }
}

/// Opens a file or a folder that somebody named.
pub fn open(path: &Path) -> Result<Named> {
    let mut options = File::options();
    // O_NONBLOCK: a FIFO must not make us wait for a writer.
    options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC);
    let opened = failpoints::pass("open").and_then(|()| options.open(path));
    let file = opened.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => not_for_us(path, error),
        _ => on_path("open", path, error).into(),
    })?;
    let kind = file.metadata()?.file_type();
    let truly = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    if kind.is_dir() {
        return Ok(Named::Folder(Dir::open(&truly)?));
    }
    if !kind.is_file() {
        let text = format!("{} is no regular file", path.display());
        return Err(Failure::new(Kind::Usage, text).hint("pour it in: --file -"));
    }
    Ok(Named::File(NamedFile::new(file, path.to_owned()), truly))
}

/// Whoever named the file may read it; the program runs as somebody else.
fn not_for_us(path: &Path, error: io::Error) -> Failure {
    let (user, shown) = (user::name_of(user::effective_uid()), path.display());
    Failure::new(Kind::Io, format!("{shown} cannot be read by {user}, the user that this runs as"))
        .because(error)
        .hint(format!("pour it in as somebody who may: dokku backups:import SERVICE --file - < {shown}"))
        .hint(format!("or let {user} read it, and pass the folders above it: namei -l {shown} shows whose they are"))
}

/// What is poured into us, for as long as it comes and may come.
#[derive(Debug)]
pub struct Stdin {
    stdin: io::Stdin,
    idle: Duration,
    total: IdleTimer,
}

impl Stdin {
    /// Takes stdin, which must not be a terminal: bytes would be mangled there. Nothing may come for `idle`, and all of it
    /// within `total`.
    pub fn take(idle: Duration, total: Duration) -> Result<Stdin> {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            return Err(Failure::new(Kind::Refused, "stdin is a terminal, which changes the bytes of a dump")
                .hint("ssh without -t: ssh dokku@HOST backups:import SERVICE --file - < FILE"));
        }
        Ok(Stdin { stdin, idle, total: IdleTimer::new(total) })
    }
}

impl Read for Stdin {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut patience = IdleTimer::new(self.idle);
        loop {
            if let Some(count) = some(&self.stdin, into)? {
                return Ok(count);
            }
            if self.total.is_over() {
                return Err(too_slow("stdin").into());
            }
            if patience.is_over() {
                let text = format!("nothing came on stdin for {} seconds", self.idle.as_secs());
                return Err(Failure::new(Kind::Timeout, text).into());
            }
        }
    }
}

/// A reader all of whose bytes must come within a time: whoever holds a lock meanwhile holds it no longer than that.
#[derive(Debug)]
pub struct Within<R> {
    source: R,
    name: String,
    total: IdleTimer,
}

impl<R> Within<R> {
    /// `source`, which messages call `name`, for at most `total`.
    pub fn new(source: R, name: &str, total: Duration) -> Within<R> {
        Within { source, name: name.to_owned(), total: IdleTimer::new(total) }
    }
}

impl<R: Read> Read for Within<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.total.is_over() {
            return Err(too_slow(&self.name).into());
        }
        self.source.read(into)
    }
}

/// The failure of a dump that does not come to its end in time.
pub fn too_slow(name: &str) -> Failure {
    Failure::new(Kind::Timeout, format!("the dump from {name} takes longer than allowed"))
        .hint("allow more seconds: dokku backups:set SERVICE import-timeout SECONDS")
}

/// Waits a moment for `stdin` and reads what is there, 0 bytes at its end; `None` where nothing came. Fails once this run
/// is to end.
fn some(stdin: &io::Stdin, into: &mut [u8]) -> Result<Option<usize>> {
    signals::obey()?;
    let mut fds = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    match poll(&mut fds, PollTimeout::from(LOOK)) {
        Ok(0) | Err(nix::Error::EINTR) => Ok(None),
        Ok(_) => match nix::unistd::read(stdin, into) {
            Err(nix::Error::EINTR | nix::Error::EAGAIN) => Ok(None),
            answer => Ok(Some(answer.map_err(io::Error::from)?)),
        },
        Err(error) => Err(io::Error::from(error).into()),
    }
}

/// All of a small stdin, or its first `longest` bytes.
pub fn all(longest: usize) -> Result<Vec<u8>> {
    let (stdin, mut all, mut piece) = (io::stdin(), Vec::new(), [0; 4096]);
    while all.len() < longest {
        match some(&stdin, &mut piece)? {
            Some(0) => break,
            Some(count) => all.extend_from_slice(&piece[..count]),
            None => {}
        }
    }
    Ok(all)
}

/// One line from stdin, of at most `longest` bytes and without its end, as soon as it is there; what there is at the end
/// of the input. A signal is obeyed at once, whatever was typed until then.
pub fn line(longest: usize) -> Result<Vec<u8>> {
    let (stdin, mut line, mut byte) = (io::stdin(), Vec::new(), [0]);
    while line.len() < longest {
        // One byte at a time: what comes behind the line is not ours.
        match some(&stdin, &mut byte) {
            Ok(Some(0)) => break,
            Ok(Some(_)) if byte[0] == b'\n' => break,
            Ok(Some(_)) => line.push(byte[0]),
            Ok(None) => {}
            Err(failure) if matches!(failure.kind, Kind::Interrupted(_)) => return Err(failure),
            // A job in the background may not read its terminal, and one that was hung up gives nothing any more.
            Err(_) => break,
        }
    }
    // A terminal that is hung up ends the input and sends a signal.
    signals::obey()?;
    Ok(line)
}
