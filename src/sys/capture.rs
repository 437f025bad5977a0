//! Short questions to other programs: the whole answer is small, and it comes soon or not at all.

use std::ffi::OsString;
use std::io::{self, PipeReader, Read, pipe};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::child::{cannot_start, hung, interrupted};
use super::idle_timer::IdleTimer;
use super::{failpoints, signals};
use crate::domain::scrub;
use crate::error::{Failure, Kind};

/// How often a waiting reader looks for signals, in milliseconds.
const LOOK: u16 = 50;
/// More than this is no answer to a short question: 64 MiB.
const LONGEST: usize = 64 << 20;

/// What a program answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// How it ended.
    pub status: std::process::ExitStatus,
    /// Everything on stdout.
    pub stdout: String,
    /// Everything on stderr, without secrets.
    pub stderr: String,
}

/// Runs `program` with `args` and exactly `env`, with nothing on stdin, for at most `limit`. INT, TERM and HUP end it
/// when it is `interruptible`.
pub fn capture(
    program: &Path,
    args: &[&str],
    env: &[(OsString, OsString)],
    limit: Duration,
    interruptible: bool,
) -> Result<Answer, Failure> {
    let (handle, mut streams) = start(program, args, env).map_err(|e| cannot_start(program, e))?;
    let answer = listen(&handle, &mut streams, &args.join(" "), limit, interruptible);
    if answer.is_err() {
        // duct ends only the first process of a tree.
        for pid in handle.pids() {
            let _ = killpg(Pid::from_raw(i32::try_from(pid).unwrap_or(i32::MAX)), Signal::SIGKILL);
        }
    }
    answer
}

/// The pipes are read by ourselves: duct would start a thread for each, and panic where there is no room for one.
fn start(program: &Path, args: &[&str], env: &[(OsString, OsString)]) -> io::Result<(duct::Handle, [Stream; 2])> {
    failpoints::pass("ask")?;
    let (stdout, stdout_end) = pipe()?;
    let (stderr, stderr_end) = pipe()?;
    let handle = duct::cmd(program, args)
        .full_env(env.iter().cloned())
        .dir("/")
        .stdin_null()
        .stdout_file(stdout_end)
        .stderr_file(stderr_end)
        .unchecked()
        .before_spawn(|command| {
            command.process_group(0);
            Ok(())
        })
        .start()?;
    Ok((handle, [Stream::new(stdout), Stream::new(stderr)]))
}

fn listen(
    handle: &duct::Handle,
    streams: &mut [Stream; 2],
    what: &str,
    limit: Duration,
    interruptible: bool,
) -> Result<Answer, Failure> {
    let mut patience = IdleTimer::new(limit);
    loop {
        if let Some(signal) = interruptible.then(signals::received).flatten() {
            return Err(interrupted(signal));
        }
        if patience.is_over() {
            return Err(hung(what, limit, None));
        }
        if read_some(streams)? {
            if streams.iter().any(|stream| stream.text.len() > LONGEST) {
                return Err(Failure::new(Kind::Child, format!("{what}: the answer does not end")));
            }
        } else if let Some(output) = handle.wait_timeout(Duration::from_millis(LOOK.into()))? {
            let [stdout, stderr] = streams.each_ref().map(|stream| String::from_utf8_lossy(&stream.text).into_owned());
            return Ok(Answer { status: output.status, stdout, stderr: scrub(&stderr) });
        }
    }
}

/// One of the answer's streams, and what came of it.
struct Stream {
    pipe: PipeReader,
    text: Vec<u8>,
    open: bool,
}

impl Stream {
    fn new(pipe: PipeReader) -> Stream {
        Stream { pipe, text: Vec::new(), open: true }
    }

    fn read(&mut self) -> io::Result<()> {
        let mut piece = [0; 4096];
        match self.pipe.read(&mut piece) {
            Ok(0) => self.open = false,
            Ok(read) => self.text.extend_from_slice(&piece[..read]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
        Ok(())
    }
}

/// Waits a moment for the streams and reads what is there; false when both have ended.
fn read_some(streams: &mut [Stream; 2]) -> io::Result<bool> {
    let mut open: Vec<&mut Stream> = streams.iter_mut().filter(|stream| stream.open).collect();
    if open.is_empty() {
        return Ok(false);
    }
    let mut fds: Vec<_> = open.iter().map(|stream| PollFd::new(stream.pipe.as_fd(), PollFlags::POLLIN)).collect();
    let ready: Vec<bool> = match poll(&mut fds, PollTimeout::from(LOOK)) {
        Ok(_) => fds.iter().map(|fd| fd.any().unwrap_or(false)).collect(),
        Err(nix::Error::EINTR) => return Ok(true),
        Err(e) => return Err(e.into()),
    };
    for (stream, _) in open.iter_mut().zip(ready).filter(|(_, ready)| *ready) {
        stream.read()?;
    }
    Ok(true)
}
