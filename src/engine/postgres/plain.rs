//! Reads a plain SQL dump (`pg_dump`, `pg_dumpall`, or anybody's) once, as it streams by.
//!
//! SQL has no frame that could be proved, so this says less than [`archive`](super::archive): whether `pg_dump`'s own
//! last words are there, how many rows its COPY blocks hold, and what each of its statements is (see
//! the lists of `sql`). What functions do is not looked into. Nothing is ever executed, and nothing is kept but names,
//! numbers, the first words of what is noted, and what a superuser would have to make.

mod asks;
mod lexer;
mod meta;
mod nesting;
mod place;
mod psql_input;
mod quotes;
mod reading;
mod rows;
mod search_path;
mod tables;

use std::io::{ErrorKind, Read};

use super::archive::{ArchiveError, Damage, DamageKind, DumpKind, TableRows, sniff};
use super::utf8::Utf8;
use crate::domain::ForeignCode;
use crate::engine::FileKind;
use lexer::Lexer;
pub use psql_input::PsqlInput;

/// Bytes fetched at once.
const BUFFER: usize = 256 * 1024;
/// Bytes kept of a comment, a note or a dollar quote's tag.
const WORDS: usize = 200;

/// What a plain SQL dump says and holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainSummary {
    /// What wrote it, by its first words.
    pub maker: Maker,
    /// Whether anything is made or filled by it; what a dump program wrote may be of an empty database.
    pub makes: bool,
    /// Whether the maker's last words are there and nothing but comments and `\unrestrict` follows them. Always false
    /// for [`Maker::Other`], whose end cannot be told.
    pub complete: bool,
    /// Databases of its `\connect`s; `pg_dump` writes one only with `--create`.
    pub databases: Vec<String>,
    /// Version of the server, as the first comment on it says.
    pub server_version: Option<String>,
    /// Version of `pg_dump`, likewise.
    pub dump_tool_version: Option<String>,
    /// The first client encoding that is set: `UTF8`.
    pub encoding: Option<String>,
    /// Whether that is `SQL_ASCII`, which says nothing, and its text is not UTF-8.
    pub is_not_utf8: bool,
    /// Every table that it makes or fills, in order, with the rows of its COPY blocks and INSERTs. Tables whose rows
    /// cannot be counted are not listed: `INSERT ... SELECT`, COPY of CSV, what is deleted from or renamed later.
    pub tables: Vec<TableRows>,
    /// Extensions that it creates, but `plpgsql`, which every database has.
    pub extensions: Vec<String>,
    /// Large objects that it creates.
    pub large_objects: u64,
    /// INSERT statements, of any table.
    pub inserts: u64,
    /// What in it is more than its own objects and data.
    pub code: ForeignCode,
    /// The first line from which on only the server can tell what is quoted and what is a meta-command: a backslash before
    /// the end of a string, or an encoding in which a backslash may be half of a character.
    pub ambiguous: Option<u64>,
    /// Length in bytes.
    pub bytes: u64,
}

/// What wrote a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// `pg_dump`: one database.
    PgDump,
    /// `pg_dumpall`: roles and all databases.
    PgDumpall,
    /// Somebody else.
    Other,
}

/// Reads `source` to its end.
///
/// A dump of `pg_dump` or `pg_dumpall` without its last words is [`DamageKind::Cut`], as is any SQL that ends inside
/// rows, quotes or a comment. Files that are not text are [`ArchiveError::NotAnArchive`].
pub fn read(mut source: impl Read) -> Result<PlainSummary, ArchiveError> {
    let mut buffer = vec![0; BUFFER];
    let mut lexer = Lexer::default();
    let mut held = 0;
    let mut known = false;
    let mut utf8 = Utf8::default();
    loop {
        let count = match source.read(&mut buffer[held..]) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        held += count;
        if !known && count > 0 && held < 4096 {
            continue;
        }
        if !known {
            refuse_what_is_not_text(&buffer[..held.min(4096)])?;
            known = true;
        }
        lexer.feed(&buffer[..held]);
        utf8.feed(&buffer[..held]);
        if let Some(failure) = lexer.failure() {
            return Err(failure);
        }
        held = 0;
        if count == 0 {
            let mut summary = lexer.finish()?;
            summary.is_not_utf8 = utf8.is_wrong() && summary.encoding.as_deref() == Some("SQL_ASCII");
            return Ok(summary);
        }
    }
}

fn refuse_what_is_not_text(head: &[u8]) -> Result<(), ArchiveError> {
    match sniff(head) {
        DumpKind::PlainSql | DumpKind::Other(FileKind::Text) => Ok(()),
        // Text in another encoding than UTF-8.
        DumpKind::Other(FileKind::Unknown) if memchr::memchr(0, head).is_none() => Ok(()),
        looks => Err(ArchiveError::NotAnArchive(looks)),
    }
}

fn damage(kind: DamageKind, offset: u64, words: String) -> ArchiveError {
    ArchiveError::Damaged(Damage { kind, offset, entry: None, words })
}

/// Text of which the encoding is not known.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Need;

    fn sql(text: &str) -> PlainSummary {
        read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// What is named in a text, without its words: `line 3: a command for psql`.
    fn refused(text: &str) -> Vec<String> {
        let words = |what: &String| what.rsplit_once(": ").map_or(what.clone(), |(words, _)| words.to_owned());
        sql(text).code.refused.iter().map(words).collect()
    }

    fn needs(text: &str) -> Vec<Need> {
        sql(text).code.unlisted.iter().map(|unlisted| unlisted.needs).collect()
    }

    #[test]
    fn rows_are_counted_and_data_are_not_looked_into() {
        let dump = sql("COPY public.a (x, y) FROM stdin;\n1\t\\\\! id\n\\\\.\t2\n\\.\n\nCOPY b FROM STDIN;\n\\.\n");
        let rows: Vec<_> = dump.tables.iter().map(|table| (table.name.as_str(), table.rows)).collect();
        assert_eq!(rows, [("a", 2), ("b", 0)]);
        assert!(dump.code == ForeignCode::default() && !dump.complete);
        assert!(read(&b"COPY a (x, y) FROM stdin;\n1\n\\.\n"[..]).is_err());
    }

    #[test]
    fn what_would_run_programs_is_named() {
        assert_eq!(refused("\\restrict k\n\\connect d\nTRUNCATE a \\! id\n"), ["line 3: a command for psql"]);
        assert_eq!(refused("\\connect d \\! id\n\\restrict `id`\n").len(), 2);
        for copy in ["COPY a FROM PROGRAM 'id'", "copy(select 1)to/**/program 'id'", "COPY\u{b}a\nfrom--\nprogram'id'"]
        {
            assert_eq!(needs(&format!("SET row_security = off; {copy};\n")), [Need::Programs], "{copy}");
        }
        let quoted =
            "TRUNCATE '\\! id', \"\\\", $a$ \\! $$ $a$, $$\\$$; -- \\!\n/* \\! /* */ \\! */ TRUNCATE E'\\'\\!';\n";
        assert_eq!(sql(quoted).code, ForeignCode::default());
        assert_eq!(refused("TRUNCATE a;\n\n\\i x\n"), ["line 3: a command for psql"]);
    }

    #[test]
    fn fault_046_where_only_the_server_knows_what_is_quoted() {
        for (text, line) in [
            ("SELECT 1;\nSELECT 'C:\\';\n", Some(2)),
            ("SET standard_conforming_strings = off;\nSELECT 'a\\' \\! id';", Some(2)),
            ("SELECT E'a\\' b', 'c\\d', $$\\'$$, \"\\\";", None),
            ("SET client_encoding = 'SJIS';", Some(1)),
            ("SET client_encoding = 'UTF8';", None),
        ] {
            assert_eq!(sql(text).ambiguous, line, "{text}");
        }
        // A byte order mark hides nothing.
        assert_eq!(needs("\u{feff}COPY a FROM PROGRAM 'id';"), [Need::Programs]);
    }

    #[test]
    fn a_dump_without_its_last_words_is_cut() {
        let whole = "--\n-- PostgreSQL database dump\n--\n\n\\restrict k\n\nSET x = 1;\n\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict k\n";
        assert!(sql(whole).complete);
        assert!(!sql(&format!("{whole}DROP TABLE a;\n")).complete);
        let end = whole.find(" complete").unwrap();
        for length in whole.find("dump\n").unwrap() + 4..end {
            assert!(read(&whole.as_bytes()[..length]).is_err(), "{length}");
        }
        assert!(matches!(read(&b"\x7fELF"[..]), Err(ArchiveError::NotAnArchive(DumpKind::Other(FileKind::Elf)))));
    }
}
