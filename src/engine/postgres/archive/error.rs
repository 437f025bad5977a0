//! Why an archive was not accepted, in words for a system administrator.

use std::fmt;

use super::DumpKind;

/// The ways in which reading an archive fails.
#[derive(Debug)]
pub enum ArchiveError {
    /// The source could not be read; its error, unchanged.
    Io(std::io::Error),
    /// It is an archive, but not a whole and unaltered one.
    Damaged(Damage),
    /// It is something else.
    NotAnArchive(DumpKind),
    /// It was written by a newer PostgreSQL than this reader knows.
    TooNew {
        /// Format version found.
        found: (u8, u8, u8),
        /// Newest format version known.
        newest: (u8, u8, u8),
    },
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The sort of damage.
    pub kind: DamageKind,
    /// Bytes from the start of the dump to where it was noticed.
    pub offset: u64,
    /// The entry of the table of contents in whose data it was noticed.
    pub entry: Option<EntryName>,
    /// A lower-case fragment without the place.
    pub words: String,
}

/// Sorts of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DamageKind {
    /// The end is missing.
    Cut,
    /// Header, table of contents or block frame hold what `pg_dump` never writes.
    Structure,
    /// A data block does not decompress.
    Compression,
    /// A data block is not the one that should come here: unknown, repeated, out of order, of the wrong type.
    WrongBlock,
    /// The rows of a table do not add up.
    Rows,
    /// Bytes follow the end.
    Trailing,
}

/// An entry of the table of contents, by its number and words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryName {
    /// The archive's number of the entry ("dump id").
    pub id: i32,
    /// E.g. `table public.users` or `large objects`.
    pub what: String,
}

impl ArchiveError {
    pub(super) fn damaged(kind: DamageKind, offset: u64, words: impl Into<String>) -> Self {
        Self::Damaged(Damage { kind, offset, entry: None, words: words.into() })
    }

    /// Adds the entry in whose data the damage was noticed.
    pub(super) fn within(mut self, id: i32, what: &str) -> Self {
        if let Self::Damaged(damage) = &mut self {
            damage.entry.get_or_insert_with(|| EntryName { id, what: what.to_owned() });
        }
        self
    }
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "cannot read the dump: {error}"),
            Self::Damaged(damage) => damage.fmt(f),
            Self::NotAnArchive(looks) => write!(f, "not a PostgreSQL archive: it looks like {looks}"),
            Self::TooNew { found: (a, b, _), newest: (c, d, _) } => {
                write!(f, "the dump is of a newer PostgreSQL: archive version {a}.{b}, newest known is {c}.{d}")
            }
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at byte {}", self.words, self.offset)?;
        match &self.entry {
            Some(entry) => write!(f, " in {} (entry {})", entry.what, entry.id),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ArchiveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<std::io::Error> for ArchiveError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}
