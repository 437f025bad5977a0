//! The one door for output. stdout carries data only; talk goes to stderr, in Dokku's voice.

mod ask;
mod failure;
mod format;
pub mod page;
mod plan;
mod progress;
mod table;
mod wrap;

use std::io;

use crate::domain::shown_json;
use crate::error::Failure;
use crate::sys::output::{self, talk};

pub use ask::confirm;
pub use failure::{ErrorJson, FailureJson};
pub use format::{bytes, time};
pub use plan::plan;
pub use progress::Progress;
pub use table::{info, list};
pub use wrap::{WIDTH, wrap};

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

    /// Writes one line of data.
    pub fn data(&self, line: &str) -> io::Result<()> {
        output::line(line)
    }

    /// Writes lines of data, each as one, whatever stands in it.
    pub fn lines<T: AsRef<str>>(&self, lines: impl IntoIterator<Item = T>) -> io::Result<()> {
        output::lines(lines)
    }

    /// Writes a document of many lines in which no value can begin a line: the program's own help, a page.
    pub fn document(&self, text: &str) -> io::Result<()> {
        output::lines(text.lines())
    }

    /// Writes one JSON value, on one line.
    pub fn json<T: serde::Serialize>(&self, value: &T) -> io::Result<()> {
        self.data(&shown_json(&serde_json::to_string(value)?))
    }

    /// Says why the command failed and what to type next. For programs it is the last line on stderr.
    pub fn failure(&self, failure: &Failure) {
        if self.format == Format::Json {
            let json = serde_json::to_string(&FailureJson::from(failure)).unwrap_or_default();
            talk(&shown_json(&json));
            return;
        }
        // Only the person at the terminal sees what a program said of the data.
        let reason = if self.terminal { failure.whole_reason() } else { failure.reason() };
        self.warn(&reason);
        failure.hints.iter().for_each(|hint| self.warn(hint));
    }
}
