//! Work that goes on without the one who asked for it: the program starts itself once more, in a session of its own, and
//! waits until that run says that the work has begun, or that it cannot.
//!
//! The second run does everything the first would have done, in the same order and with the same words; up to that
//! moment it speaks through the first one's stderr, so whatever can be known before is told before. Its stdout is a pipe
//! to the first run: what comes there is the answer, and its end without one is the failure.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, dup2_stderr, dup2_stdout, setsid};

use super::child::cannot_start;
use super::{failpoints, signals};
use crate::error::Result;

/// Tells the second run what it is.
pub const VARIABLE: &str = "DOKKU_BACKUPS_DETACHED";
/// How often the first run looks for signals, in milliseconds.
const LOOK: u16 = 50;

static LET_GO: AtomicBool = AtomicBool::new(false);

/// How the start of the second run ended.
#[derive(Debug)]
pub enum Begun {
    /// The work goes on by itself; these bytes are the answer.
    Yes(Vec<u8>),
    /// It ended before the work began, with this exit code, and has said why.
    No(u8),
}

/// Starts this program with `args` in a session of its own, and waits until it lets go or ends. A signal that comes
/// before ends it: nothing that was asked for with this command is begun after it has ended.
pub fn start(args: &[OsString]) -> Result<Begun> {
    let program = std::path::Path::new("/proc/self/exe");
    let mut command = Command::new(program);
    command.args(args).env(VARIABLE, "1").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut worker = failpoints::pass("spawn").and_then(|()| command.spawn()).map_err(|e| cannot_start(program, e))?;
    let mut answer = Vec::new();
    if let Some(mut stdout) = worker.stdout.take() {
        let mut ended = false;
        loop {
            if !ended && let Some(signal) = signals::received() {
                ended = true;
                let pid = Pid::from_raw(i32::try_from(worker.id()).unwrap_or(i32::MAX));
                let _ = kill(pid, Signal::try_from(signal).unwrap_or(Signal::SIGTERM));
            }
            let mut fds = [PollFd::new(stdout.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::from(LOOK)) {
                Ok(0) | Err(nix::Error::EINTR) => continue,
                Ok(_) => {}
                Err(e) => return Err(std::io::Error::from(e).into()),
            }
            let mut piece = [0; 4096];
            match stdout.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => answer.extend_from_slice(&piece[..read]),
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
    }
    if !answer.is_empty() {
        return Ok(Begun::Yes(answer));
    }
    let status = worker.wait()?;
    let signal = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal);
    Ok(Begun::No(status.code().or(signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// In the second run, first of all: leaves the caller's session, so that its end is nothing to us.
pub fn leave_session() {
    // Fails only for the leader of a process group, which the second run never is.
    let _ = setsid();
}

/// Whether this run has let go of its caller already.
pub fn is_detached() -> bool {
    LET_GO.load(Ordering::SeqCst)
}

/// In the second run, once the answer is written: from now on what is said goes to `log`, and the caller may leave.
pub fn release_caller(log: Option<File>) -> std::io::Result<()> {
    let nothing = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stderr(log.as_ref().unwrap_or(&nothing))?;
    dup2_stdout(&nothing)?;
    LET_GO.store(true, Ordering::SeqCst);
    Ok(())
}
