//! The host's Docker: running a program in a container, and throw-away containers. Killing the client does not kill
//! what runs inside; whoever starts work in a container must know how to end it there.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::capture::{Answer, capture};
use super::child::{Child, Start, failed};
use super::dialogue::Dialogue;
use super::stdin::Input;
use crate::domain::scrub;
use crate::error::{Failure, Kind, Result, Said};

/// How long a question to the engine may take by default; pulling an image takes longer than anything else.
pub const LIMIT: Duration = Duration::from_secs(900);

/// The Docker client.
#[derive(Debug, Clone)]
pub struct Docker {
    program: PathBuf,
    env: Vec<(OsString, OsString)>,
    uninterruptible: bool,
    limit: Duration,
}

impl Docker {
    /// Finds the client called `name` (`$DOCKER_BIN`) in `path`.
    pub fn find(name: &str, path: &OsString, env: Vec<(OsString, OsString)>) -> Result<Docker> {
        let program = which::which_in(name, Some(path), "/").map_err(|e| {
            Failure::new(Kind::Config, format!("could not start {name}: it is missing or not executable"))
                .because(e)
                .hint(format!("PATH is {}", path.to_string_lossy()))
        })?;
        Ok(Docker { program, env, uninterruptible: false, limit: LIMIT })
    }

    /// The same, not stopped by signals: for cleaning up, and for what must not stop half-way.
    #[must_use]
    pub fn uninterruptible(&self) -> Docker {
        Docker { uninterruptible: true, ..self.clone() }
    }

    /// The same, each of its answers awaited for at most `limit`.
    #[must_use]
    pub fn with_timeout(&self, limit: Duration) -> Docker {
        Docker { limit, ..self.clone() }
    }

    /// Runs a program in a container and returns what it answered, whatever its exit code.
    pub fn exec(&self, container: &str, args: &[&str]) -> Result<Answer> {
        let mut all = vec!["container", "exec", container];
        all.extend(args);
        capture(&self.program, &all, &self.env, self.limit, !self.uninterruptible)
    }

    /// Starts a program in a container with `stdin`; for at most `limit`, since it may say nothing all the while.
    pub fn pour(&self, container: &str, args: &[&str], stdin: Input, limit: Duration) -> Result<Child> {
        Child::start(self.inside(container, args, stdin, limit))
    }

    /// Starts a program in a container that is asked again and again ([`Docker::ask`]).
    pub fn open(&self, container: &str, args: &[&str]) -> Result<Dialogue> {
        Dialogue::start(self.inside(container, args, Input::Nothing, self.limit))
    }

    /// Says `words` to it, which end in the command to say the line `end`; returns the lines before that.
    pub fn ask(&self, dialogue: &mut Dialogue, words: &str, end: &str) -> Result<String> {
        dialogue.ask(words, end, self.limit, !self.uninterruptible)
    }

    fn inside(&self, container: &str, args: &[&str], stdin: Input, idle: Duration) -> Start {
        let mut all: Vec<String> = ["container", "exec", "-i", container].map(str::to_owned).into();
        all.extend(args.iter().map(|arg| (*arg).to_owned()));
        // Variables that `env` sets stand before the program's name.
        let program = args.iter().find(|arg| **arg != "env" && !arg.contains('=')).unwrap_or(&"a program");
        Start {
            what: format!("{program} in {container}"),
            program: self.program.clone(),
            args: all,
            env: self.env.clone(),
            stdin,
            idle,
            interruptible: true,
        }
    }

    /// Runs a container in the foreground: `args` begin with `run`. What it writes comes out of the child.
    pub fn run(&self, what: String, args: &[&str], stdin: Input, idle: Duration) -> Result<Child> {
        Child::start(Start {
            what,
            program: self.program.clone(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            env: self.env.clone(),
            stdin,
            idle,
            interruptible: true,
        })
    }

    /// Why `container` does not run any more; `None` while it does, or where that cannot be learnt.
    pub fn ended(&self, container: &str) -> Option<Failure> {
        let format = "{{.State.Running}} {{.State.OOMKilled}} {{.State.ExitCode}}";
        let state = self.call(&["container", "inspect", "--format", format, container]).ok()?;
        match state.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["false", "true", _] => Some(Failure::new(Kind::NoSpace, format!("{container} ran out of memory"))),
            ["false", _, code] => {
                let failure = Failure::new(Kind::Child, format!("{container} ended with exit code {code}"));
                Some(failure.because(self.last_words(container)))
            }
            _ => None,
        }
    }

    /// The end of what a container said: servers say it on stderr.
    pub fn last_words(&self, container: &str) -> String {
        let logs =
            capture(&self.program, &["logs", "--tail", "50", container], &self.env, LIMIT, !self.uninterruptible);
        let said = logs.map(|said| scrub(&format!("{}\n{}", said.stdout, said.stderr))).unwrap_or_default();
        Said::last(&said, 5).map(|said| said.to_string()).unwrap_or_default()
    }

    /// Any other command; its output when it succeeds.
    pub fn call(&self, args: &[&str]) -> Result<String> {
        let answer = capture(&self.program, args, &self.env, self.limit, !self.uninterruptible)?;
        if answer.status.success() {
            return Ok(answer.stdout);
        }
        Err(failed(
            &format!("docker {}", args.iter().take(2).copied().collect::<Vec<_>>().join(" ")),
            answer.status,
            &answer.stderr,
        ))
    }
}
