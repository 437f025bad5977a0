//! What a file that should be a dump of PostgreSQL is, by its first bytes.

use std::fmt;

use memchr::memmem;

use super::header::MAGIC;
use crate::engine::file_kind::{self, FileKind, begins};

/// What some bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DumpKind {
    /// A custom-format archive of `pg_dump`, as far as its first bytes tell.
    Archive,
    /// An archive of a `pg_dump` before 8.0.
    AncientArchive,
    /// An archive that went through a terminal or a text-mode transfer: LF became CR LF.
    CrlfMangled,
    /// Text, and then an archive.
    BannerBeforeArchive,
    /// The `toc.dat` of a directory or tar dump.
    DumpToc,
    /// SQL, of `pg_dump` or `pg_dumpall`.
    PlainSql,
    /// Nothing of PostgreSQL's.
    Other(FileKind),
}

/// Words with which SQL begins.
const SQL: [&str; 12] = [
    "--",
    "/*",
    "SET ",
    "CREATE ",
    "INSERT ",
    "DROP ",
    "ALTER ",
    "BEGIN",
    "SELECT ",
    "COPY ",
    "\\connect ",
    "\\restrict ",
];

/// What a file or stream is that begins with `head`; 4096 bytes are enough.
pub fn sniff(head: &[u8]) -> DumpKind {
    if let Some(after) = head.strip_prefix(MAGIC) {
        return archive(head, after);
    }
    match file_kind::sniff(head) {
        FileKind::Text | FileKind::Html | FileKind::Unknown if memmem::find(head, MAGIC).is_some() => {
            DumpKind::BannerBeforeArchive
        }
        FileKind::Text if file_kind::text(head).is_some_and(|text| SQL.iter().any(|word| begins(text, word))) => {
            DumpKind::PlainSql
        }
        other => DumpKind::Other(other),
    }
}

/// After the magic: three bytes of version, two sizes, and the type, which is 3 or 5 in a `toc.dat`.
fn archive(head: &[u8], after: &[u8]) -> DumpKind {
    let mut ends = memchr::memchr_iter(b'\n', head).peekable();
    let several = memchr::memchr_iter(b'\n', head).nth(1).is_some();
    if several && ends.all(|at| head[at - 1] == b'\r') {
        return DumpKind::CrlfMangled;
    }
    match after {
        [1, ..10, ..] | [0, ..] => DumpKind::AncientArchive,
        [_, _, _, _, _, 3 | 5, ..] => DumpKind::DumpToc,
        _ => DumpKind::Archive,
    }
}

impl fmt::Display for DumpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Archive => "a PostgreSQL archive",
            Self::AncientArchive => "an archive of PostgreSQL before 8.0",
            Self::CrlfMangled => "an archive whose line ends a terminal or a text-mode transfer has changed (CR LF)",
            Self::BannerBeforeArchive => "an archive with other text before it",
            Self::DumpToc => "the table of contents of a directory or tar dump, without its data",
            Self::PlainSql => "plain SQL",
            Self::Other(kind) => return kind.fmt(f),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_recognised() {
        let cases: [(&[u8], DumpKind); 11] = [
            (b"", DumpKind::Other(FileKind::Empty)),
            (b"PGDMP\x01\x0e\x00\x04\x08\x01", DumpKind::Archive),
            (b"PGDMP\x01\x0a\x00\x04\x08\x01", DumpKind::Archive),
            (b"PGDMP\x01\x0d\x0a\x00\x04\x08\x01\x0d\x0a", DumpKind::CrlfMangled),
            (b"PGDMP\x01\x08\x00\x04\x08\x01", DumpKind::AncientArchive),
            (b"PGDMP\x01\x0e\x00\x04\x08\x03", DumpKind::DumpToc),
            (b"\x00\x04PGDMP", DumpKind::BannerBeforeArchive),
            (b"Welcome!\nPGDMP\x01\x0e", DumpKind::BannerBeforeArchive),
            (b"--\n-- PostgreSQL database dump\n--\n", DumpKind::PlainSql),
            (b"\x1f\x8b\x08", DumpKind::Other(FileKind::Gzip)),
            (b"hello there", DumpKind::Other(FileKind::Text)),
        ];
        for (head, kind) in cases {
            assert_eq!(sniff(head), kind, "{head:?}");
        }
    }
}
