//! An archive as it is given to a `pg_restore` of a role without privileges: byte for byte what it was, but for the
//! definitions in the table of contents that the role does not get. `pg_restore` passes over an entry whose definition is
//! empty (`_tocEntryRequired` in `pg_backup_archiver.c`).

use std::io::{self, Read};

use super::entry::{self, Entry};
use super::judge::{Fate, Judge};
use super::source::{Long, Source};
use super::{ArchiveError, header};

/// What is read next.
enum Next {
    Header,
    Entries { left: i32, format: (u8, u8, u8), judge: Box<Judge> },
    Data,
}

/// An archive on its way to `pg_restore`.
pub(in super::super) struct Passing<R> {
    source: Source<R>,
    programs: bool,
    next: Next,
    ready: Vec<u8>,
    from: usize,
}

impl<R: Read> Passing<R> {
    /// Of the archive that `inner` gives; with what is on no list where `programs` allows it.
    pub(in super::super) fn new(inner: R, programs: bool) -> Self {
        Passing { source: Source::keeping(inner), programs, next: Next::Header, ready: Vec::new(), from: 0 }
    }

    /// Makes more bytes ready; none at the end.
    fn more(&mut self) -> Result<(), ArchiveError> {
        self.ready.clear();
        self.from = 0;
        match &mut self.next {
            Next::Header => {
                let format = header::read(&mut self.source)?.format;
                let left = self.source.int_in(0..=i32::MAX, "number of entries")?;
                self.ready = self.source.take_kept();
                let judge = Box::new(Judge::passing(format, self.programs));
                self.next = Next::Entries { left, format, judge };
            }
            Next::Entries { left: 0, .. } => {
                self.source.keep_no_more();
                self.next = Next::Data;
            }
            Next::Entries { left, format, judge } => {
                let entry = entry::read(&mut self.source, *format)?;
                *left -= 1;
                let fate = judge.take(&entry).map_err(|words| self.source.odd(words))?;
                write(&mut self.ready, &entry, &fate);
            }
            Next::Data => {
                let bytes = self.source.fill()?;
                self.ready.extend_from_slice(bytes);
                let count = bytes.len();
                self.source.consume(count);
            }
        }
        Ok(())
    }
}

/// Writes an entry. Where its data lie is not said any more: they have moved, and in a pipe nobody looks.
fn write(into: &mut Vec<u8>, entry: &Entry, fate: &Fate) {
    let [start, section, rest] = &entry.written;
    into.extend_from_slice(start);
    let kind = match fate {
        Fate::Schema(_) => b"SCHEMA IF NOT EXISTS",
        _ => entry.kind.as_slice(),
    };
    string(into, Some(kind));
    into.extend_from_slice(section);
    match fate {
        Fate::Instead(definition) | Fate::Schema(definition) => string(into, Some(definition)),
        Fate::Kept => match &entry.definition {
            Long::Text(definition) => string(into, Some(definition)),
            Long::Nothing | Long::TooLong(_) => string(into, None),
        },
    }
    into.extend_from_slice(rest);
    if matches!(entry.data, entry::Data::At(_)) {
        let place = into.len() - 9;
        into[place..].copy_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}

fn string(into: &mut Vec<u8>, text: Option<&[u8]>) {
    // No text is longer than what was read with a length of this size.
    let length = text.map_or(1, |text| u32::try_from(text.len()).unwrap_or(u32::MAX));
    into.push(u8::from(text.is_none()));
    into.extend_from_slice(&length.to_le_bytes());
    into.extend_from_slice(text.unwrap_or_default());
}

impl<R: Read> Read for Passing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.from == self.ready.len() {
            self.more().map_err(|error| match error {
                ArchiveError::Io(error) => error,
                other => io::Error::other(other.to_string()),
            })?;
            if self.ready.is_empty()
                && matches!(self.next, Next::Data)
                && self.source.fill().is_ok_and(<[u8]>::is_empty)
            {
                return Ok(0);
            }
        }
        let count = into.len().min(self.ready.len() - self.from);
        into[..count].copy_from_slice(&self.ready[self.from..self.from + count]);
        self.from += count;
        Ok(count)
    }
}
