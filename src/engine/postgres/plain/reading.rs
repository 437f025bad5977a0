//! What the pieces of a plain dump mean: its comments, statements, meta-commands and COPY blocks, one after another.

use super::super::archive::{ArchiveError, DamageKind};
use super::judge::{self, Verdict};
use super::names::{after, name, perhaps};
use super::rows::CopyBlock;
use super::tables::Tables;
use super::{Maker, NOTES, Note, NoteKind, PlainSummary, WORDS, damage, lossy};

/// A statement without its `;`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statement<'a> {
    /// As it is written, without comments; cut when it is long.
    pub(super) text: &'a [u8],
    /// In capitals, without what is quoted, single spaced; cut when it is long.
    pub(super) bare: &'a [u8],
    /// Rows of its VALUES.
    pub(super) tuples: Option<u64>,
    /// Line of its end, from 1.
    pub(super) line: u64,
}

/// What follows a statement.
#[derive(Debug)]
pub(super) struct Next {
    /// COPY data begin at the next line.
    pub(super) data: Option<Box<CopyBlock>>,
    /// A restore leaves it out.
    pub(super) left_out: bool,
}

#[derive(Debug, Default)]
pub(super) struct Reading {
    maker: Option<Maker>,
    ended: bool,
    appended: bool,
    /// Something was created.
    created: bool,
    pub(super) backslashes: bool,
    wrong: Option<ArchiveError>,
    databases: Vec<String>,
    server_version: Option<String>,
    dump_tool_version: Option<String>,
    encoding: Option<String>,
    tables: Tables,
    extensions: Vec<String>,
    large_objects: u64,
    inserts: u64,
    notes: Vec<Note>,
    notes_left_out: u64,
    ambiguous: Option<u64>,
}

/// Encodings in which a backslash may be half of a character.
const HALVED: [&[u8]; 7] = [b"SJIS", b"SHIFT_JIS", b"BIG5", b"GBK", b"GB18030", b"UHC", b"JOHAB"];

impl Reading {
    /// Something that is neither comment nor statement yet follows the maker's last words.
    pub(super) fn goes_on(&mut self) {
        self.appended |= self.ended;
    }

    /// From this line on only the server can tell what is quoted.
    pub(super) fn ambiguous(&mut self, line: u64) {
        self.ambiguous.get_or_insert(line);
    }

    fn note(&mut self, kind: NoteKind, line: u64, text: &[u8]) {
        self.appended |= self.ended && kind != NoteKind::Restrict;
        if self.notes.len() == NOTES {
            self.notes_left_out += 1;
            return;
        }
        self.notes.push(Note { line, kind, text: lossy(&text[..text.len().min(WORDS)]) });
    }

    /// Takes a meta-command; `alone` says that it does not stand in the middle of a statement. Says what it is.
    ///
    /// The known harmless ones count as such only when nothing else can hide in the line: a second command, or a program
    /// in backticks.
    pub(super) fn meta(&mut self, text: &[u8], alone: bool, line: u64) -> NoteKind {
        let hides = !alone || text.len() >= WORDS || memchr::memchr2(b'\\', b'`', &text[1..]).is_some();
        let mut words = text.split(|byte| super::lexer::space(*byte));
        let kind = match words.next() {
            _ if hides => NoteKind::MetaCommand,
            Some(b"\\restrict" | b"\\unrestrict") => NoteKind::Restrict,
            Some(b"\\connect" | b"\\c") => NoteKind::Connect,
            _ => NoteKind::MetaCommand,
        };
        if kind == NoteKind::Connect {
            let database = words.find(|word| !word.starts_with(b"-")).unwrap_or_default();
            let database = lossy(database.trim_ascii()).trim_matches('"').to_owned();
            if !database.is_empty() && !self.databases.contains(&database) {
                self.databases.push(database);
            }
        }
        self.note(kind, line, text);
        kind
    }

    /// Takes a comment: `pg_dump`'s say who wrote the dump and where it ends.
    pub(super) fn comment(&mut self, text: &[u8]) {
        let maker = match text {
            b"PostgreSQL database dump" => Maker::PgDump,
            b"PostgreSQL database cluster dump" => Maker::PgDumpall,
            b"PostgreSQL database dump complete" if self.maker == Some(Maker::PgDump) => return self.ended = true,
            b"PostgreSQL database cluster dump complete" => return self.ended = true,
            _ => {
                let after = |words: &[u8]| text.strip_prefix(words).map(lossy);
                let (server, tool) = (after(b"Dumped from database version "), after(b"Dumped by pg_dump version "));
                self.server_version = self.server_version.take().or(server);
                self.dump_tool_version = self.dump_tool_version.take().or(tool);
                return;
            }
        };
        self.maker.get_or_insert(maker);
    }

    /// Takes a statement.
    pub(super) fn statement(&mut self, statement: Statement<'_>) -> Next {
        let Statement { text, bare, tuples, line } = statement;
        self.maker.get_or_insert(Maker::Other);
        self.appended |= self.ended;
        let before = !self.created && self.maker == Some(Maker::PgDump);
        let verdict = judge::verdict(text, bare, before);
        self.created |= bare.starts_with(b"CREATE ") && verdict != Verdict::LeftOut;
        if let Verdict::Noted(kind) = verdict {
            self.note(kind, line, text);
        }
        let mut data = None;
        if bare.starts_with(b"COPY") {
            if memchr::memmem::find(bare, b" FROM STDIN").is_some() {
                data = Some(Box::new(CopyBlock::new(text)));
            }
        } else if verdict != Verdict::LeftOut {
            self.inserts += u64::from(bare.starts_with(b"INSERT"));
            self.tables.statement(text, tuples);
            self.setting(text, bare);
            let encoding = bare.starts_with(b"SET ") && memchr::memmem::find(bare, b"CLIENT_ENCODING").is_some();
            let upper = if encoding || bare.starts_with(b"SET NAMES") { text.to_ascii_uppercase() } else { Vec::new() };
            if HALVED.iter().any(|name| memchr::memmem::find(&upper, name).is_some()) {
                self.ambiguous(line);
            }
            self.object(text, bare);
        }
        Next { data, left_out: verdict == Verdict::LeftOut }
    }

    fn setting(&mut self, text: &[u8], bare: &[u8]) {
        if bare.starts_with(b"SET CLIENT_ENCODING") && self.encoding.is_none() {
            self.encoding = text.split(|byte| *byte == b'\'').nth(1).map(lossy);
        } else if bare.starts_with(b"SET STANDARD_CONFORMING_STRINGS") {
            self.backslashes = bare.ends_with(b"OFF") || text.ends_with(b"'off'");
        }
    }

    fn object(&mut self, text: &[u8], bare: &[u8]) {
        if let Some(rest) = after(text, "CREATE EXTENSION") {
            let named = name(perhaps(rest, "IF NOT EXISTS")).map(|(name, _)| name.table);
            self.extensions.extend(named.filter(|name| name != "plpgsql"));
        } else if ["SELECT PG_CATALOG.LO_CREATE(", "SELECT LO_CREATE("].iter().any(|w| bare.starts_with(w.as_bytes())) {
            self.large_objects += 1;
        }
    }

    /// Takes a COPY block that has ended; `bytes` is where.
    pub(super) fn end_of_data(&mut self, block: CopyBlock, bytes: u64) {
        if !block.adds_up() && self.wrong.is_none() {
            let words = format!("the rows of {} do not have as many columns as the table", block.words());
            self.wrong = Some(damage(DamageKind::Rows, bytes, words));
        }
        match block.name {
            Some(name) if block.lines_are_rows => self.tables.add(name, block.rows),
            Some(name) => self.tables.copied_otherwise(name),
            None => {}
        }
    }

    /// All that was read, where the text ended as it may.
    pub(super) fn finish(mut self, bytes: u64, open: Option<String>) -> Result<PlainSummary, ArchiveError> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        let maker = self.maker.unwrap_or(Maker::Other);
        if let Some(open) = open {
            return Err(damage(DamageKind::Cut, bytes, format!("the dump ends inside {open}")));
        }
        if maker != Maker::Other && !self.ended {
            let words = "the dump ends too early: pg_dump's last words are missing".to_owned();
            return Err(damage(DamageKind::Cut, bytes, words));
        }
        Ok(PlainSummary {
            maker,
            complete: maker != Maker::Other && !self.appended,
            databases: self.databases,
            server_version: self.server_version,
            dump_tool_version: self.dump_tool_version,
            encoding: self.encoding,
            tables: self.tables.counted(),
            extensions: self.extensions,
            large_objects: self.large_objects,
            inserts: self.inserts,
            notes: self.notes,
            notes_left_out: self.notes_left_out,
            ambiguous: self.ambiguous,
            bytes,
        })
    }
}
