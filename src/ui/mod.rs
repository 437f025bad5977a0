//! The one door for output. stdout carries data only; talk goes to stderr, in Dokku's voice.
#![allow(clippy::disallowed_macros)]

mod ask;
mod failure;
mod json;
pub mod page;
mod plan;
mod progress;
mod schedules;
mod table;
mod words;

use std::io::{self, Write};

use crate::error::Failure;

pub use ask::confirm;
pub use failure::{ErrorJson, FailureJson};
pub use json::{BackupJson, DestinationJson, copy_of};
pub use plan::{DecisionJson, plan};
pub use progress::Progress;
pub use schedules::{ScheduleJson, schedule_report, timing};
pub use table::{info, list};
pub use words::bytes;

/// What stdout carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Stdout,
    /// For programs.
    Json,
}

/// Where and how to speak.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    /// What stdout carries.
    pub format: Format,
    /// Dokku's `--quiet`: warnings and errors only.
    pub quiet: bool,
    /// stderr is a terminal.
    pub terminal: bool,
}

impl Ui {
    /// Tells what is being done.
    pub fn step(&self, text: &str) {
        if !self.quiet {
            talk(&format!("-----> {text}"));
        }
    }

    /// A line that belongs to the step above.
    pub fn detail(&self, text: &str) {
        if !self.quiet {
            talk(&format!("       {text}"));
        }
    }

    /// Warns; not even `--quiet` hides it.
    pub fn warn(&self, text: &str) {
        talk(&format!(" !     {text}"));
    }

    /// Writes data. A reader that has gone away has what it wanted: that is no failure.
    pub fn data(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// Writes one JSON value, on one line.
    pub fn json<T: serde::Serialize>(&self, value: &T) -> io::Result<()> {
        self.data(&serde_json::to_string(value)?)
    }

    /// Says why the command failed and what to type next. For programs it is the last line on stderr.
    pub fn failure(&self, failure: &Failure) {
        if self.format == Format::Json {
            talk(&serde_json::to_string(&FailureJson::from(failure)).unwrap_or_default());
            return;
        }
        for line in std::iter::once(&failure.reason()).chain(&failure.hints).flat_map(|text| text.lines()) {
            self.warn(line);
        }
    }
}

/// stderr may be closed; there is nobody left to tell then.
fn talk(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
