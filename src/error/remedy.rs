//! What to do next: a command that can be run as it stands, and what it is for. A page makes a button of it.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// One thing to do next; at least one of the two is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Remedy {
    /// A whole command that can be run as it stands; null where something is to be filled in, or done otherwise.
    pub command: Option<String>,
    /// What the command is for, or what to do, in words; null where the command speaks for itself.
    pub note: Option<String>,
}

impl Remedy {
    /// A whole command that speaks for itself.
    pub fn command(command: impl Into<String>) -> Remedy {
        Remedy { command: Some(command.into()), note: None }
    }

    /// What a whole command is for, and the command.
    pub fn noted(note: impl Into<String>, command: impl Into<String>) -> Remedy {
        Remedy { command: Some(command.into()), note: Some(note.into()) }
    }

    /// What to do, in words.
    pub fn note(note: impl Into<String>) -> Remedy {
        Remedy { command: None, note: Some(note.into()) }
    }

    /// The words that stand above the command, or alone.
    pub fn words(&self) -> Option<String> {
        let colon = if self.command.is_some() { ":" } else { "" };
        self.note.as_ref().map(|note| format!("{note}{colon}"))
    }
}

/// On one line, for logs.
impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.words().into_iter().chain(self.command.clone()).collect();
        f.write_str(&words.join(" "))
    }
}

impl<T: Into<String>> From<T> for Remedy {
    fn from(note: T) -> Remedy {
        Remedy::note(note)
    }
}

/// Several, in the order in which they are to be tried; a text alone is a whole command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remedies(pub Vec<Remedy>);

impl From<&str> for Remedies {
    fn from(command: &str) -> Remedies {
        Remedies(vec![Remedy::command(command)])
    }
}

impl From<String> for Remedies {
    fn from(command: String) -> Remedies {
        Remedies(vec![Remedy::command(command)])
    }
}

impl From<Remedy> for Remedies {
    fn from(remedy: Remedy) -> Remedies {
        Remedies(vec![remedy])
    }
}

impl<const N: usize> From<[Remedy; N]> for Remedies {
    fn from(remedies: [Remedy; N]) -> Remedies {
        Remedies(remedies.into())
    }
}

impl From<Vec<Remedy>> for Remedies {
    fn from(remedies: Vec<Remedy>) -> Remedies {
        Remedies(remedies)
    }
}
