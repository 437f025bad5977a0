//! Asking before something is replaced.

use std::io::BufRead;

use super::Ui;
use crate::error::{Failure, Kind, Result};

/// Longest answer read: a name has at most 63 characters.
const LONGEST: u64 = 1024;

/// Asks for `name` to be typed; one line on stdin, from a person or a pipe. Anything else refuses.
pub fn confirm(ui: Ui, name: &str) -> Result<()> {
    ui.warn(&format!("to proceed, type \"{name}\""));
    let mut line = String::new();
    let read = std::io::Read::take(std::io::stdin().lock(), LONGEST).read_line(&mut line);
    if read.is_ok() && line.trim() == name {
        return Ok(());
    }
    Err(Failure::new(Kind::Refused, format!("confirmation did not match {name}; nothing was changed"))
        .hint("programs say --force instead"))
}
