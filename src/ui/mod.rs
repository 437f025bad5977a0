//! The one door for output. stdout carries data only; talk goes to stderr, in Dokku's voice.

mod answer;
mod ask;
mod format;
mod listing;
pub mod page;
mod plan;
mod progress;
mod table;
mod wrap;

use std::io;
use std::time::Instant;

use crate::domain::{BackupId, shown_json};
use crate::error::{Failure, Remedy};
use crate::sys::output::{self, talk};

pub use answer::{Answer, Document, VERSION};
pub use ask::{confirm, unchanged};
pub use format::{bytes, seconds, time};
pub use listing::listing;
pub use plan::plan;
pub use progress::{Progress, stage_words};
pub use table::{info, info_value, list};
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

    /// The same as a head of its own: as Dokku says that a property was set.
    pub fn head(&self, text: &str) {
        if !self.quiet {
            talk(&format!("=====> {text}"));
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

    /// How long what was begun at `since` took, for people.
    pub fn took(&self, since: Instant) {
        self.detail(&format!("took {}", seconds(since.elapsed())));
    }

    /// What was replaced is in `safety`, and `command` brings it back.
    pub fn way_back(&self, safety: &BackupId, command: &str) {
        self.detail(&format!("what was there before is in {safety}; back to it with:"));
        self.detail(&format!("    {command}"));
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

    /// Writes one answer for programs, on one line.
    pub fn json<T: Answer>(&self, answer: &T) -> io::Result<()> {
        output::json(&serde_json::to_string(&Document::of(answer))?)
    }

    /// Says for programs why the command failed: the last line on stderr.
    pub fn failure_json<T: Answer>(&self, failure: &T) {
        let json = serde_json::to_string(&Document::of(failure)).unwrap_or_default();
        talk(&shown_json(&json));
    }

    /// Says why the command failed and what to do next.
    pub fn failure(&self, failure: &Failure) {
        // Only the person at the terminal sees what a program said of the data.
        let reason = if self.terminal { failure.whole_reason() } else { failure.reason() };
        self.warn(&reason);
        self.remedies(&failure.remedies);
    }

    /// Says what to do next; each command stands on a line of its own, from which it can be pasted.
    pub fn remedies(&self, remedies: &[Remedy]) {
        for remedy in remedies {
            remedy.words().iter().for_each(|words| self.warn(words));
            remedy.command.iter().for_each(|command| talk(&format!("           {command}")));
        }
    }
}
