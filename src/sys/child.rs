//! A child whose end-of-file is proof: reading it answers "end" only after it exited 0. Any other end is an error that
//! carries the tail of its stderr, so a dump cut short can never be mistaken for a whole one.
//!
//! The child leads its own process group and the whole group is ended with it: `dokku` is a tree of shells, and killing
//! the first of them would leave the rest writing.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::idle_timer::IdleTimer;
use super::incoming::too_slow;
use super::stderr_tail::StderrTail;
use super::stdin::{Feed, Input};
use super::{cancel, failpoints, signals};
use crate::domain::{CANCELLED_BY, scrub};
use crate::error::{Failure, Kind, Remedy, Said, kept};

/// How often a waiting reader looks for signals and for the child's death.
const LOOK: u16 = 50;
/// How long a child that was asked to end may take before it is killed.
const POLITE: Duration = Duration::from_secs(3);
/// How long the output may stay open after the child itself has gone.
const ORPHANED: Duration = Duration::from_secs(5);

/// How a death by a signal reads.
const KILLED: &str = "was killed by";

/// What to start.
#[derive(Debug)]
pub struct Start {
    /// What messages call it.
    pub what: String,
    /// The program's file.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// What it reads.
    pub stdin: Input,
    /// How long nothing may move before it counts as hung.
    pub idle: Duration,
    /// Whether INT, TERM and HUP end it. Not once a restore has begun to change its target.
    pub interruptible: bool,
}

/// A running child, read through its stdout.
#[derive(Debug)]
pub struct Child {
    what: String,
    process: std::process::Child,
    stdout: ChildStdout,
    stderr: StderrTail,
    idle: Duration,
    interruptible: bool,
    total: Option<IdleTimer>,
    hung_hint: Option<&'static str>,
    done: bool,
    /// Dropped last, and so after the child was ended: a pipe that closes earlier would be an end of its input.
    feed: Option<Feed>,
}

impl Child {
    /// Starts it in a process group of its own.
    pub fn start(start: Start) -> Result<Child, Failure> {
        let what = start.what;
        let mut command = Command::new(&start.program);
        command.args(&start.args).env_clear().envs(start.env).current_dir("/").process_group(0);
        let (stdin, feed) = start.stdin.open().map_err(|e| cannot_start(&start.program, e))?;
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process =
            failpoints::pass("spawn").and_then(|()| command.spawn()).map_err(|e| cannot_start(&start.program, e))?;
        let (Some(stdout), Some(stderr)) = (process.stdout.take(), process.stderr.take()) else {
            return Err(Failure::new(Kind::Io, format!("{what}: no pipes")));
        };
        let (idle, interruptible) = (start.idle, start.interruptible);
        match StderrTail::drain(stderr) {
            Ok(stderr) => {
                let (total, hung_hint) = (None, None);
                Ok(Child { what, process, stdout, stderr, idle, interruptible, total, hung_hint, done: false, feed })
            }
            Err(error) => {
                kill_group(&process, Signal::SIGKILL);
                let _ = process.wait();
                Err(cannot_start(&start.program, error))
            }
        }
    }

    /// The same child, all of whose output must come within `total`.
    #[must_use]
    pub fn with_timeout(mut self, total: Duration) -> Child {
        self.total = Some(IdleTimer::new(total));
        self
    }

    /// The same child; `hint` says what may be the matter when nothing comes from it any more.
    #[must_use]
    pub fn hung_hint(mut self, hint: &'static str) -> Child {
        self.hung_hint = Some(hint);
        self
    }

    /// From here on nothing may come for `idle`, and INT, TERM and HUP end it where it is `interruptible`.
    pub fn expect(&mut self, idle: Duration, interruptible: bool) {
        (self.idle, self.interruptible) = (idle, interruptible);
    }

    /// Leaves it `limit` to end by itself.
    pub fn await_end(&mut self, limit: Duration) {
        let since = Instant::now();
        while !self.done && since.elapsed() < limit && self.process.try_wait().is_ok_and(|status| status.is_none()) {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What it said on stderr so far: what may be kept of it.
    pub fn stderr(&self) -> String {
        kept(&self.said())
    }

    /// All of it, but for secrets.
    fn said(&self) -> String {
        scrub(&self.stderr.text())
    }

    /// Reads and discards the rest, to its proof.
    pub fn finish(&mut self) -> Result<(), Failure> {
        let mut rest = [0u8; 4096];
        while self.next(&mut rest)? > 0 {}
        Ok(())
    }

    fn next(&mut self, buf: &mut [u8]) -> Result<usize, Failure> {
        if self.done {
            return Ok(0);
        }
        let mut patience = IdleTimer::new(self.idle);
        let mut gone: Option<IdleTimer> = None;
        loop {
            self.stop_on_signal()?;
            self.stop_on_broken_input()?;
            if self.readable()? {
                match self.stdout.read(buf) {
                    Ok(0) => return self.prove(),
                    Ok(n) => return Ok(n),
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                    Err(e) => return Err(self.end_with(Failure::from(e))),
                }
            } else if gone.is_none() && self.process.try_wait().is_ok_and(|s| s.is_some()) {
                gone = Some(IdleTimer::new(ORPHANED));
            }
            if gone.as_mut().is_some_and(IdleTimer::is_over) {
                let text = format!("{} ended, but something it started keeps its output open", self.what);
                return Err(self.end_with(Failure::new(Kind::Timeout, text)));
            }
            if self.total.as_mut().is_some_and(IdleTimer::is_over) {
                return Err(self.end_with(too_slow(&self.what)));
            }
            if patience.is_over() {
                return Err(self.end_with(hung(&self.what, self.idle, self.hung_hint)));
            }
        }
    }

    fn readable(&mut self) -> Result<bool, Failure> {
        let mut fds = [PollFd::new(self.stdout.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::from(LOOK)) {
            Ok(n) => Ok(n > 0),
            Err(nix::Error::EINTR) => Ok(false),
            Err(e) => Err(Failure::from(io::Error::from(e))),
        }
    }

    /// The output has ended; only exit code 0 makes that a proof.
    fn prove(&mut self) -> Result<usize, Failure> {
        let mut patience = IdleTimer::new(self.idle);
        let status = loop {
            if let Some(status) = self.process.try_wait()? {
                break status;
            }
            self.stop_on_signal()?;
            self.stop_on_broken_input()?;
            if patience.is_over() {
                let text = format!("{} closed its output but does not end", self.what);
                return Err(self.end_with(Failure::new(Kind::Timeout, text)));
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        self.done = true;
        self.stop_on_broken_input()?;
        if status.success() {
            return Ok(0);
        }
        kill_group(&self.process, Signal::SIGKILL);
        Err(failed(&self.what, status, &self.said()))
    }

    fn stop_on_signal(&mut self) -> Result<(), Failure> {
        match self.interruptible.then(signals::received).flatten() {
            Some(signal) => Err(self.end_with(interrupted(signal))),
            None => Ok(()),
        }
    }

    fn stop_on_broken_input(&mut self) -> Result<(), Failure> {
        match self.feed.as_ref().and_then(Feed::failure) {
            Some(failure) => Err(self.end_with(failure)),
            None => Ok(()),
        }
    }

    fn end_with(&mut self, failure: Failure) -> Failure {
        self.end();
        failure
    }

    /// Asks the group to end, then kills it. What runs inside a container is outside the group.
    pub fn end(&mut self) {
        if self.done {
            return;
        }
        self.done = true;
        kill_group(&self.process, Signal::SIGTERM);
        let since = Instant::now();
        while since.elapsed() < POLITE && self.process.try_wait().is_ok_and(|s| s.is_none()) {
            std::thread::sleep(Duration::from_millis(10));
        }
        kill_group(&self.process, Signal::SIGKILL);
        let _ = self.process.wait();
    }
}

fn kill_group(process: &std::process::Child, signal: Signal) {
    if let Ok(pid) = i32::try_from(process.id()) {
        let _ = killpg(Pid::from_raw(pid), signal);
    }
}

impl Read for Child {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(self.next(buf)?)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

/// The failure of a run that a signal, or a request, ended.
pub fn interrupted(signal: i32) -> Failure {
    let name = Signal::try_from(signal).map_or("a signal", Signal::as_str);
    let how = cancel::by().map_or_else(|| format!("ended by {name}"), |who| format!("{CANCELLED_BY}{who}"));
    Failure::new(Kind::Interrupted(signal), how)
}

/// The failure of a program that could not be started.
pub fn cannot_start(program: &std::path::Path, error: io::Error) -> Failure {
    let text = format!("could not start {}", program.display());
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => Failure::new(Kind::Config, text)
            .because(error)
            .remedy("see that it is there and executable", format!("ls -l {}", program.display())),
        _ => Failure::new(Kind::Io, text).because(error),
    }
}

/// The failure of a child that did not move for `idle`; `hint` is what whoever started it knows of such a thing.
pub fn hung(what: &str, idle: Duration, hint: Option<&str>) -> Failure {
    Failure::new(Kind::Timeout, format!("{what}: nothing came for {} seconds; ended it", idle.as_secs())).hint(
        hint.map_or_else(
            || Remedy::noted("see whether the host and its Docker still answer", "docker ps; dmesg | tail"),
            Remedy::note,
        ),
    )
}

/// The failure of a child that ended with `status`.
pub fn failed(what: &str, status: ExitStatus, stderr: &str) -> Failure {
    // A shell reports a child of its own that died by signal n as 128+n.
    let signal = status.signal().or_else(|| status.code().filter(|c| (129..160).contains(c)).map(|c| c - 128));
    let how = match (signal.and_then(|n| Signal::try_from(n).ok()), status.code()) {
        (Some(name), _) => format!("{KILLED} {name}"),
        (None, Some(code)) => format!("failed with exit code {code}"),
        (None, None) => "failed".to_owned(),
    };
    let failure = Failure::new(Kind::Child, format!("{what} {how}"));
    match Said::last(stderr, 5) {
        Some(said) => failure.because(said),
        None => failure,
    }
}

/// Whether `failed` was told of a signal: the program did not end by its own judgement.
pub fn was_killed(failure: &Failure) -> bool {
    failure.kind == Kind::Child && failure.message.contains(KILLED)
}

/// Whether that signal was the one which is never obeyed: as a rule, the kernel's when memory has run out.
pub fn was_killed_outright(failure: &Failure) -> bool {
    failure.kind == Kind::Child && failure.message.contains(&format!("{KILLED} {}", Signal::SIGKILL))
}
