//! Short questions to other programs: the whole answer is small, and it comes soon or not at all.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::child::{cannot_start, hung, interrupted};
use super::{points, signals};
use crate::domain::scrub;
use crate::error::Failure;

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
pub fn ask(
    program: &Path,
    args: &[&str],
    env: &[(OsString, OsString)],
    limit: Duration,
    interruptible: bool,
) -> Result<Answer, Failure> {
    let handle = points::pass("ask").and_then(|()| {
        duct::cmd(program, args)
            .full_env(env.iter().cloned())
            .dir("/")
            .stdin_null()
            .stdout_capture()
            .stderr_capture()
            .unchecked()
            // duct ends only the first process of a tree; the group is ended below.
            .before_spawn(|command| {
                command.process_group(0);
                Ok(())
            })
            .start()
    });
    let handle = handle.map_err(|e| cannot_start(program, e))?;
    let since = Instant::now();
    loop {
        if let Some(output) = handle.wait_timeout(Duration::from_millis(50))? {
            return Ok(Answer {
                status: output.status,
                stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
                stderr: scrub(&String::from_utf8_lossy(&output.stderr)),
            });
        }
        let trouble = match signals::received().filter(|_| interruptible) {
            Some(signal) => Some(interrupted(signal)),
            None => (since.elapsed() > limit).then(|| hung(&args.join(" "), limit)),
        };
        if let Some(failure) = trouble {
            for pid in handle.pids() {
                let _ = killpg(Pid::from_raw(i32::try_from(pid).unwrap_or(i32::MAX)), Signal::SIGKILL);
            }
            return Err(failure);
        }
    }
}
