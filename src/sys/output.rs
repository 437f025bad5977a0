//! The one door to stdout and stderr. Words go out as they can be seen (`domain::shown`), whoever chose them; bytes go
//! out as they are, never blocked for ever by a reader that stands still, and told apart from a reader that has gone.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::child::interrupted;
use super::idle_timer::IdleTimer;
use super::{failpoints, signals};
use crate::domain::{shown, shown_json};
use crate::error::{Failure, Kind};

/// How often a waiting writer looks for signals.
const LOOK: u16 = 50;
/// Bytes written at once: a pipe that is ready takes as many without blocking (`PIPE_BUF`).
const AT_ONCE: usize = 4096;

/// The failure of a reader that has gone: it has what it wanted, and there is nobody to tell.
pub const READER_GONE: Kind = Kind::Interrupted(libc::SIGPIPE);

/// Writes one line to stdout. A reader that has gone away has what it wanted: that is no failure.
pub fn line(text: &str) -> io::Result<()> {
    lines(std::iter::once(text))
}

/// Writes lines to stdout: what looks like the end of one inside of it is shown, so that no value makes lines of its own.
pub fn lines<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> io::Result<()> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&shown(line.as_ref()));
        text.push('\n');
    }
    whole(&[text.as_bytes()])
}

/// Writes one line of JSON to stdout, with everything hidden in it escaped. It may be many MiB, and is not copied.
pub fn json(text: &str) -> io::Result<()> {
    whole(&[shown_json(text).as_bytes(), b"\n"])
}

/// Writes all of it to stdout.
fn whole(pieces: &[&[u8]]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match pieces.iter().try_for_each(|piece| out.write_all(piece)).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Columns of the terminal that stdout is; `None` where it is none, or does not say.
pub fn width() -> Option<usize> {
    let (terminal_size::Width(columns), _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(usize::from(columns)).filter(|columns| *columns > 0)
}

/// Whether stdout is a plain file, so that nobody sees what is written there.
pub fn is_a_file() -> bool {
    let stat = nix::sys::stat::fstat(io::stdout());
    stat.is_ok_and(|stat| stat.st_mode & libc::S_IFMT == libc::S_IFREG)
}

/// Writes one line to stderr, which may be closed; there is nobody left to tell then.
pub fn talk(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", shown(line));
}

/// Marks on stderr where somebody may type, as Dokku does.
pub fn prompt() {
    let mut err = io::stderr().lock();
    let _ = write!(err, "> ").and_then(|()| err.flush());
}

/// stdout, for data that is no text.
#[derive(Debug)]
pub struct Output {
    idle: Duration,
}

impl Output {
    /// stdout, whose reader may stand still for `idle`.
    pub fn new(idle: Duration) -> Output {
        Output { idle }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        failpoints::pass("output")?;
        let stdout = io::stdout();
        let mut patience = IdleTimer::new(self.idle);
        loop {
            if let Some(signal) = signals::received() {
                return Err(interrupted(signal).into());
            }
            let mut fds = [PollFd::new(stdout.as_fd(), PollFlags::POLLOUT)];
            match poll(&mut fds, PollTimeout::from(LOOK)) {
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => match nix::unistd::write(stdout.as_fd(), &bytes[..bytes.len().min(AT_ONCE)]) {
                    Ok(count) => return Ok(count),
                    Err(Errno::EINTR | Errno::EAGAIN) => {}
                    Err(Errno::EPIPE) => return Err(Failure::new(READER_GONE, "the reader has gone").into()),
                    Err(error) => return Err(error.into()),
                },
                Err(error) => return Err(error.into()),
            }
            if patience.is_over() {
                let text = format!("nobody took a byte from stdout for {} seconds", self.idle.as_secs());
                return Err(Failure::new(Kind::Timeout, text).into());
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
