//! Leaving extensions out of an archive: what makes them, what is said of them, and the rows in tables of theirs.

use super::entry::Entry;
use super::extensions::Extensions;
use super::judge::Fate;

/// The extensions that are left out, and what has gone by.
#[derive(Debug, Default)]
pub(super) struct Skipping {
    names: Vec<String>,
    extensions: Extensions,
}

impl Skipping {
    pub(super) fn of(names: Vec<String>) -> Skipping {
        Skipping { names, ..Skipping::default() }
    }

    /// What becomes of an entry that belongs to one of them; `None` for all others. What merely needs one is not left out
    /// in silence: the server says what it misses.
    pub(super) fn take(&mut self, entry: &Entry) -> Option<Fate> {
        if self.names.is_empty() {
            return None;
        }
        let of = self.extensions.take(entry)?;
        if !self.names.iter().any(|name| name == of) {
            return None;
        }
        match entry.kind.as_slice() {
            b"TABLE DATA" => Some(Fate::NoData),
            b"EXTENSION" | b"COMMENT" | b"SECURITY LABEL" | b"SEQUENCE SET" => Some(Fate::Instead(Vec::new())),
            _ => None,
        }
    }
}
