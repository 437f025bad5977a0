//! Follows SQL as `psql` does (`src/fe_utils/psqlscan.l`), far enough to know what is a statement, a comment, quoted,
//! a meta-command or data.

use memchr::memchr;

use super::super::archive::{ArchiveError, DamageKind, TableRows};
use super::rows::CopyBlock;
use super::{Maker, NOTES, Note, NoteKind, PlainSummary, damage, lossy};

/// Bytes kept of a COPY or SET statement; of others only the first word.
const STATEMENT: usize = 1024 * 1024;
const FIRST_WORD: usize = 8;
/// Bytes kept of a comment, a note or a dollar quote's tag.
const WORDS: usize = 200;

#[derive(Debug, Default)]
enum Place {
    #[default]
    Plain,
    /// In a string; with whether backslashes escape, and whether one just did.
    Text(bool, bool),
    Name,
    /// Between the dollars of what may become a dollar quote.
    Tag,
    /// In a dollar quote, with the number of bytes of its end that were just read.
    Dollar(usize),
    Comment,
    /// In a nested comment, with its depth.
    Block(u32),
    Meta,
    Data(Box<CopyBlock>),
}

#[derive(Debug, Default)]
pub(super) struct Lexer {
    place: Place,
    /// The byte before, outside quotes and comments, and the one before that.
    before: [u8; 2],
    /// The statement so far with its quotes; and in capitals, without what is quoted, single spaced.
    statement: Vec<u8>,
    bare: Vec<u8>,
    /// The comment, meta-command or dollar tag so far.
    words: Vec<u8>,
    /// COPY data begin at the next line.
    pending: Option<Box<CopyBlock>>,
    backslashes: bool,
    line: u64,
    bytes: u64,
    maker: Option<Maker>,
    ended: bool,
    appended: bool,
    wrong: Option<ArchiveError>,
    database: Option<String>,
    server_version: Option<String>,
    dump_tool_version: Option<String>,
    encoding: Option<String>,
    tables: Vec<TableRows>,
    inserts: u64,
    notes: Vec<Note>,
    notes_left_out: u64,
}

impl Lexer {
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let length = bytes.len();
            bytes = self.step(bytes);
            self.bytes += (length - bytes.len()) as u64;
        }
    }

    /// Takes one byte, or as many as the place allows at once.
    fn step<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if let Place::Data(block) = &mut self.place {
            let lines = block.table.rows;
            let rest = block.feed(bytes);
            self.line += block.table.rows - lines + u64::from(rest.is_some());
            if rest.is_some() {
                self.end_of_data();
            }
            return rest.unwrap_or_default();
        }
        let (byte, rest) = (bytes[0], &bytes[1..]);
        self.line += u64::from(byte == b'\n');
        let kept = self.kept();
        match &mut self.place {
            Place::Plain => self.plain(byte),
            Place::Text(_, escaped @ true) => *escaped = false,
            Place::Text(true, escaped) if byte == b'\\' => *escaped = true,
            Place::Text(..) if byte == b'\'' => self.back(byte),
            Place::Name if byte == b'"' => self.back(byte),
            Place::Text(escapes, _) if !*escapes && !kept => return self.skip(b'\'', rest),
            Place::Name if !kept => return self.skip(b'"', rest),
            Place::Text(..) | Place::Name => {}
            Place::Tag => return self.tag(bytes),
            Place::Dollar(matched) => {
                *matched = match self.words.get(*matched) {
                    Some(expected) if *expected == byte => *matched + 1,
                    _ => usize::from(byte == b'$'),
                };
                if *matched == self.words.len() {
                    self.back(byte);
                } else if *matched == 0 {
                    return self.skip(b'$', rest);
                }
                return rest;
            }
            Place::Block(depth) => {
                match [self.before[1], byte] {
                    [b'/', b'*'] => *depth = depth.saturating_add(1),
                    [b'*', b'/'] => *depth -= 1,
                    _ => {}
                }
                let ended = *depth == 0;
                // A byte belongs to one sign only: `/*/` does not end.
                let sign = matches!([self.before[1], byte], [b'/', b'*'] | [b'*', b'/']);
                self.before = [0, if sign { 0 } else { byte }];
                if ended {
                    self.back(b' ');
                }
            }
            Place::Comment | Place::Meta if byte == b'\n' => self.end_of_line(),
            Place::Comment | Place::Meta => {
                if self.words.len() < WORDS {
                    self.words.push(byte);
                }
            }
            Place::Data(_) => {}
        }
        if matches!(self.place, Place::Text(..) | Place::Name) {
            self.keep(byte);
        }
        rest
    }

    /// Passes over quoted bytes before the next `end`.
    fn skip<'a>(&mut self, end: u8, bytes: &'a [u8]) -> &'a [u8] {
        let (skipped, rest) = bytes.split_at(memchr(end, bytes).unwrap_or(bytes.len()));
        self.line += memchr::memchr_iter(b'\n', skipped).count() as u64;
        rest
    }

    fn plain(&mut self, byte: u8) {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
        let place = match (self.before[1], byte) {
            (_, b'\'') => {
                let escapes = matches!(self.before, [before, b'e' | b'E'] if !word(before));
                Some(Place::Text(escapes || self.backslashes, false))
            }
            (_, b'"') => Some(Place::Name),
            (b'-', b'-') => Some(Place::Comment),
            (b'/', b'*') => Some(Place::Block(1)),
            (_, b'\\') => Some(Place::Meta),
            (before, b'$') if !word(before) && before != b'$' => Some(Place::Tag),
            _ => None,
        };
        match (place, byte) {
            (Some(place), _) => {
                if matches!(place, Place::Comment | Place::Block(_)) {
                    self.unkeep();
                }
                self.words.clear();
                if matches!(place, Place::Tag | Place::Meta) {
                    self.words.push(byte);
                }
                self.before = [0, 0];
                self.place = place;
                return;
            }
            (None, b';') => self.end_of_statement(),
            (None, b'\n') if self.pending.is_some() => {
                if let Some(block) = self.pending.take() {
                    self.place = Place::Data(block);
                }
            }
            (None, _) => {
                self.keep(byte);
                self.keep_bare(byte);
                self.appended |= self.ended && !space(byte) && byte != b'-';
            }
        }
        self.before = [self.before[1], byte];
    }

    /// Back from quotes or a comment, whose last byte this is.
    fn back(&mut self, byte: u8) {
        self.place = Place::Plain;
        self.before = [0, byte];
        self.keep(byte);
        self.keep_bare(byte);
    }

    /// The tag of a dollar quote, or a dollar that means something else.
    fn tag<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let byte = bytes[0];
        let digit_first = self.words.len() == 1 && byte.is_ascii_digit();
        let goes_on = byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
        if byte == b'$' {
            self.words.push(byte);
            self.place = Place::Dollar(0);
        } else if goes_on && !digit_first && self.words.len() < WORDS {
            self.words.push(byte);
        } else {
            self.place = Place::Plain;
            self.before = [0, b'a'];
            self.line -= u64::from(byte == b'\n');
            return bytes;
        }
        &bytes[1..]
    }

    fn kept(&self) -> bool {
        let whole = self.bare.starts_with(b"COPY") || self.bare.starts_with(b"SET");
        self.bare.len() < if whole { STATEMENT } else { FIRST_WORD }
    }

    fn keep(&mut self, byte: u8) {
        let starts = !self.statement.is_empty() || !space(byte);
        if starts && self.kept() && self.statement.len() < STATEMENT {
            self.statement.push(byte);
        }
    }

    fn keep_bare(&mut self, byte: u8) {
        let spaced = self.bare.last().is_none_or(|last| *last == b' ');
        if self.kept() && !(space(byte) && spaced) {
            self.bare.push(if space(byte) { b' ' } else { byte.to_ascii_uppercase() });
        }
    }

    /// The byte before was the first of a comment.
    fn unkeep(&mut self) {
        if self.bare.last().is_some_and(|last| matches!(last, b'-' | b'/')) {
            self.bare.pop();
            self.statement.pop();
        }
    }

    fn note(&mut self, kind: NoteKind, text: &[u8]) {
        self.appended |= self.ended && kind != NoteKind::Restrict;
        if self.notes.len() == NOTES {
            self.notes_left_out += 1;
            return;
        }
        let text = lossy(&text[..text.len().min(WORDS)]);
        self.notes.push(Note { line: self.line + 1, kind, text });
    }

    fn end_of_line(&mut self) {
        let words = std::mem::take(&mut self.words);
        let text = words.trim_ascii();
        self.line -= 1;
        match self.place {
            Place::Meta => self.meta(text),
            _ => self.comment(text),
        }
        self.line += 1;
        self.back(b'\n');
        if let Some(block) = self.pending.take() {
            self.place = Place::Data(block);
        }
    }

    /// The known harmless ones count as such only when nothing else can hide in the line: a second command, or a program
    /// in backticks.
    fn meta(&mut self, text: &[u8]) {
        let hides = text.len() >= WORDS || memchr::memchr2(b'\\', b'`', &text[1..]).is_some();
        let mut words = text.split(|byte| space(*byte));
        let kind = match words.next() {
            _ if hides => NoteKind::MetaCommand,
            Some(b"\\restrict" | b"\\unrestrict") => NoteKind::Restrict,
            Some(b"\\connect" | b"\\c") => NoteKind::Connect,
            _ => NoteKind::MetaCommand,
        };
        if let (NoteKind::Connect, None, Some(name)) = (kind, &self.database, words.next()) {
            self.database = Some(lossy(name.trim_ascii()).trim_matches('"').to_owned());
        }
        self.note(kind, text);
    }

    /// `pg_dump`'s comments say who wrote the dump and where it ends.
    fn comment(&mut self, text: &[u8]) {
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

    fn end_of_statement(&mut self) {
        let statement = std::mem::take(&mut self.statement);
        let bare = std::mem::take(&mut self.bare);
        let bare = bare.trim_ascii();
        self.maker.get_or_insert(Maker::Other);
        self.appended |= self.ended;
        let contains = |words: &str| memchr::memmem::find(bare, words.as_bytes()).is_some();
        if bare.starts_with(b"INSERT") {
            self.inserts += 1;
        } else if bare.starts_with(b"COPY") {
            if contains("FROM PROGRAM") || contains("TO PROGRAM") || bare.len() >= STATEMENT - 1 {
                self.note(NoteKind::CopyProgram, &statement);
            } else if contains(" FROM STDIN") {
                self.pending = Some(Box::new(CopyBlock::new(statement.trim_ascii())));
            }
        } else if bare.starts_with(b"SET CLIENT_ENCODING") && self.encoding.is_none() {
            let name = statement.split(|byte| *byte == b'\'').nth(1).map(lossy);
            self.encoding = name;
        } else if bare.starts_with(b"SET STANDARD_CONFORMING_STRINGS") {
            self.backslashes = bare.ends_with(b"OFF") || statement.ends_with(b"'off'");
        }
    }

    fn end_of_data(&mut self) {
        let Place::Data(block) = std::mem::take(&mut self.place) else { return };
        if !block.adds_up() && self.wrong.is_none() {
            let words = format!(
                "the rows of {}.{} do not have as many columns as the table",
                block.table.schema, block.table.name
            );
            self.wrong = Some(damage(DamageKind::Rows, self.bytes, words));
        }
        self.tables.push(block.table);
        self.before = [0, b'\n'];
    }

    pub(super) fn finish(mut self) -> Result<PlainSummary, ArchiveError> {
        if matches!(self.place, Place::Comment | Place::Meta) {
            self.line += 1;
            self.end_of_line();
        }
        let cut = |words: &str| Err(damage(DamageKind::Cut, self.bytes, words.to_owned()));
        let maker = self.maker.unwrap_or(Maker::Other);
        match (&self.place, self.wrong) {
            (_, Some(wrong)) => return Err(wrong),
            (Place::Data(block), None) => {
                let words = format!("the dump ends inside the rows of {}.{}", block.table.schema, block.table.name);
                return cut(&words);
            }
            (Place::Plain, None) if maker != Maker::Other && !self.ended => {
                return cut("the dump ends too early: pg_dump's last words are missing");
            }
            (Place::Plain, None) if self.pending.is_none() => {}
            _ => return cut("the dump ends inside a quotation, a comment or a statement"),
        }
        Ok(PlainSummary {
            maker,
            complete: maker != Maker::Other && !self.appended,
            database: self.database,
            server_version: self.server_version,
            dump_tool_version: self.dump_tool_version,
            encoding: self.encoding,
            tables: self.tables,
            inserts: self.inserts,
            notes: self.notes,
            notes_left_out: self.notes_left_out,
            bytes: self.bytes,
        })
    }
}

/// What PostgreSQL's lexer takes for white space: a vertical tab too.
fn space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}
