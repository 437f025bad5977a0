//! Asking before something is replaced.

use super::Ui;
use crate::error::{Failure, Kind, Result};
use crate::sys::{incoming, output};

/// Longest answer read: a name has at most 63 characters.
const LONGEST: usize = 1024;

/// Asks for `name` to be typed; one line on stdin, from a person or a pipe. Anything else refuses, and a signal ends it.
pub fn confirm(ui: Ui, name: &str) -> Result<()> {
    ui.warn(&format!("to proceed, type \"{name}\""));
    if ui.terminal {
        output::prompt();
    }
    match incoming::line(LONGEST) {
        Ok(line) if String::from_utf8_lossy(&line).trim() == name => Ok(()),
        Err(failure) if matches!(failure.kind, Kind::Interrupted(_)) => Err(unchanged(failure)),
        _ => Err(Failure::new(Kind::Refused, format!("confirmation did not match {name}; nothing was changed"))
            .hint("a program says --force, and is not asked")),
    }
}

/// Whoever ends a command while it still reads, or asks, need not wonder what it did.
pub fn unchanged(failure: Failure) -> Failure {
    if matches!(failure.kind, Kind::Interrupted(_)) { failure.hint("nothing was changed") } else { failure }
}
