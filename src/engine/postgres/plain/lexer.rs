//! Follows SQL as `psql` does (`src/fe_utils/psqlscan.l`), far enough to know what is a statement, a comment, quoted,
//! a meta-command or data. Where `psql` and the server would read a text differently, it is not read on.

use memchr::{memchr, memchr_iter, memchr2};

use super::super::archive::ArchiveError;
use super::super::sql::{Class, in_word, space, starts_word};
use super::meta::Meta;
use super::nesting::Nesting;
use super::place::{Backslash, Before, Place};
use super::reading::{Reading, Statement};
use super::rows::CopyBlock;
use super::{PlainSummary, WORDS};

/// A statement longer than this that is not an INSERT is not looked into.
pub(super) const LONGEST: usize = 16 * 1024 * 1024;
/// Of an INSERT nothing but its table is of interest.
const INSERT: usize = 256;

const BOM: [u8; 3] = *b"\xef\xbb\xbf";

/// What just ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// A statement, and what stands in its place where it cannot stand as it is.
    Statement(Class, Option<String>),
    Meta(Meta),
}

#[derive(Debug)]
pub(super) struct Lexer {
    pub(super) place: Place,
    pub(super) before: Before,
    /// The string that has ended, while nothing but white space and comments has followed, and whether a line end has: the
    /// server lets it go on in the next line, `psql` does not see that.
    pub(super) string: Option<Backslash>,
    pub(super) line_end: bool,
    /// The last byte of a string so far.
    pub(super) last: u8,
    /// The backslash that was just read stands behind a byte beyond ASCII.
    pub(super) wide: bool,
    /// The statement so far, each comment as `/**/` or a line end; and that it was too long to be kept.
    pub(super) statement: Vec<u8>,
    pub(super) cut: bool,
    /// The comment, meta-command or dollar tag so far.
    pub(super) words: Vec<u8>,
    /// COPY data begin at the next line.
    pub(super) pending: Option<Box<CopyBlock>>,
    pub(super) line: u64,
    /// The line on which the statement began.
    pub(super) began: u64,
    pub(super) bytes: u64,
    pub(super) nesting: Nesting,
    pub(super) reading: Reading,
    pub(super) event: Option<Event>,
}

impl Default for Lexer {
    fn default() -> Self {
        Lexer {
            place: Place::Plain,
            before: Before::Other,
            string: None,
            line_end: false,
            last: 0,
            wide: false,
            statement: Vec::new(),
            cut: false,
            words: Vec::new(),
            pending: None,
            line: 0,
            began: 0,
            bytes: 0,
            nesting: Nesting::default(),
            reading: Reading::default(),
            event: None,
        }
    }
}

impl Lexer {
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        self.zero(bytes);
        while !bytes.is_empty() {
            bytes = self.step(bytes);
        }
    }

    /// Looks for zero bytes, behind which `psql` does not see the rest of a line.
    pub(super) fn zero(&mut self, bytes: &[u8]) {
        if let Some(at) = memchr(0, bytes) {
            self.reading.wrong("a zero byte in the SQL", self.bytes + at as u64);
        }
    }

    /// Takes as many bytes as the place allows at once; says what is left.
    pub(super) fn step<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let rest = self.take(bytes);
        self.bytes += (bytes.len() - rest.len()) as u64;
        rest
    }

    fn take<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        match &mut self.place {
            Place::Plain => self.plain(bytes),
            Place::Word => self.word(bytes),
            Place::Number => self.number(bytes),
            Place::Text(backslash) => {
                let backslash = *backslash;
                self.text(backslash, bytes)
            }
            Place::Escaped(backslash) => {
                let backslash = *backslash;
                self.place = Place::Text(backslash);
                self.quoted(bytes[0], backslash);
                self.pass(bytes, 1)
            }
            Place::Name => {
                let end = memchr(b'"', bytes);
                if end.is_some() {
                    self.back(Before::Other);
                }
                self.pass(bytes, end.map_or(bytes.len(), |end| end + 1))
            }
            Place::Tag => self.tag(bytes),
            Place::Dollar(_) => self.dollar(bytes),
            Place::Comment => {
                let end = memchr2(b'\n', b'\r', bytes);
                self.words_more(&bytes[..end.unwrap_or(bytes.len())]);
                match end {
                    None => &[],
                    Some(end) => {
                        self.end_of_comment();
                        &bytes[end..]
                    }
                }
            }
            Place::Block(..) => self.block(bytes),
            Place::Meta => {
                let end = memchr(b'\n', bytes);
                self.words_more(&bytes[..end.unwrap_or(bytes.len())]);
                match end {
                    None => &[],
                    Some(end) => {
                        self.line += 1;
                        self.end_of_meta();
                        &bytes[end + 1..]
                    }
                }
            }
            Place::Data(block) => {
                let lines = block.rows;
                let rest = block.feed(bytes);
                self.line += block.rows - lines + u64::from(rest.is_some());
                if rest.is_some() {
                    self.end_of_data();
                }
                rest.unwrap_or_default()
            }
        }
    }

    fn plain<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let byte = bytes[0];
        // `psql` passes over a byte order mark; it must not hide the first word.
        if usize::try_from(self.bytes).is_ok_and(|at| BOM.get(at) == Some(&byte)) {
            return &bytes[1..];
        }
        if space(byte) {
            return self.space(bytes);
        }
        if self.statement.is_empty() {
            self.began = self.line;
        }
        let before = std::mem::replace(&mut self.before, Before::Other);
        let string = if before == Before::Sign(b'-') && byte != b'-' { None } else { self.string.take() };
        let place = match (before, byte) {
            (_, b'\'') => Place::Text(self.opened(before, string)),
            (_, b'"') => Place::Name,
            (Before::Sign(b'-'), b'-') => {
                self.unkeep();
                self.string = string;
                return self.into(Place::Comment, &bytes[1..]);
            }
            (Before::Sign(b'/'), b'*') => {
                self.unkeep();
                return self.into(Place::Block(1, 0), &bytes[1..]);
            }
            (_, b'\\') => return self.into(Place::Meta, bytes),
            (_, b'$') => return self.into(Place::Tag, bytes),
            (_, b';') if self.nesting.is_outermost() => {
                self.behind_copy(byte);
                self.end_of_statement();
                return &bytes[1..];
            }
            _ if starts_word(byte) => Place::Word,
            _ if byte.is_ascii_digit() => Place::Number,
            _ => {
                self.before = match (before, byte) {
                    (_, b'-' | b'/') => Before::Sign(byte),
                    (Before::Letter(b'U'), b'&') => Before::UnicodeSign,
                    _ => Before::Other,
                };
                // A string may go on behind a comment that begins here.
                self.string = string.filter(|_| byte == b'-');
                if matches!(byte, b'(' | b')') {
                    self.nesting.parenthesis(byte);
                }
                Place::Plain
            }
        };
        self.behind_copy(byte);
        self.reading.goes_on_with(byte);
        self.place = place;
        if matches!(self.place, Place::Word | Place::Number) { bytes } else { self.pass(bytes, 1) }
    }

    fn into<'a>(&mut self, place: Place, rest: &'a [u8]) -> &'a [u8] {
        self.words.clear();
        if matches!(place, Place::Tag) {
            self.behind_copy(b'$');
        }
        self.place = place;
        rest
    }

    /// Rows begin at the next line: `psql` reads them before it reads on in this one.
    fn behind_copy(&mut self, byte: u8) {
        if self.pending.is_some() && !matches!(byte, b'-' | b'/') {
            self.reading.wrong("something follows a COPY on its line", self.bytes);
        }
    }

    fn space<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let mut end = bytes.iter().position(|byte| !space(*byte)).unwrap_or(bytes.len());
        if self.pending.is_some()
            && let Some(at) = memchr(b'\n', &bytes[..end])
        {
            end = at + 1;
            self.place = self.pending.take().map_or(Place::Plain, Place::Data);
        }
        self.line_end |= self.string.is_some() && memchr2(b'\n', b'\r', &bytes[..end]).is_some();
        self.before = Before::Other;
        self.pass(bytes, end)
    }

    fn word<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let end = bytes.iter().position(|byte| !in_word(*byte)).unwrap_or(bytes.len());
        self.nesting.word(&bytes[..end]);
        if end < bytes.len() {
            let letter = self.nesting.letter();
            self.nesting.end_of_word();
            self.place = Place::Plain;
            self.before = letter.map_or(Before::Other, Before::Letter);
        }
        self.pass(bytes, end)
    }

    /// A number and all that is joined to it. What versions of PostgreSQL take apart differently is not read on.
    fn number<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let end = bytes.iter().position(|byte| !in_word(*byte) && *byte != b'.').unwrap_or(bytes.len());
        let joined = matches!(bytes.get(end), Some(b'\'' | b'"')) || memchr(b'$', &bytes[..end]).is_some();
        if joined {
            self.reading.wrong("a number joined to something else", self.bytes);
        }
        if end < bytes.len() {
            self.place = Place::Plain;
        }
        self.pass(bytes, end)
    }

    pub(super) fn back(&mut self, before: Before) {
        self.place = Place::Plain;
        self.before = before;
    }

    /// Passes over bytes that belong to the statement.
    pub(super) fn pass<'a>(&mut self, bytes: &'a [u8], count: usize) -> &'a [u8] {
        let (passed, rest) = bytes.split_at(count);
        self.line += lines(passed);
        self.keep(passed);
        rest
    }

    pub(super) fn keep(&mut self, bytes: &[u8]) {
        if self.statement.is_empty() && bytes.first().is_none_or(|byte| space(*byte)) {
            return;
        }
        let limit = if self.nesting.is_insert() { INSERT } else { LONGEST };
        let room = limit.saturating_sub(self.statement.len());
        self.cut |= bytes.len() > room;
        self.statement.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The byte before was the first of a comment.
    fn unkeep(&mut self) {
        if !self.cut {
            self.statement.pop();
        }
    }

    fn words_more(&mut self, bytes: &[u8]) {
        let room = WORDS.saturating_sub(self.words.len());
        self.words.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_of_comment(&mut self) {
        let words = std::mem::take(&mut self.words);
        self.reading.comment(words.trim_ascii());
        self.back(Before::Other);
    }

    fn end_of_meta(&mut self) {
        let words = std::mem::take(&mut self.words);
        let alone = self.statement.trim_ascii().is_empty() && self.pending.is_none();
        self.event = Some(Event::Meta(self.reading.meta(words.trim_ascii(), alone, self.line)));
        self.back(Before::Other);
        if let Some(block) = self.pending.take() {
            self.place = Place::Data(block);
        }
    }

    fn end_of_statement(&mut self) {
        let mut text = std::mem::take(&mut self.statement);
        let nesting = std::mem::take(&mut self.nesting);
        let cut = std::mem::take(&mut self.cut);
        let statement = Statement {
            text: text.trim_ascii(),
            is_insert: nesting.is_insert(),
            has_values: nesting.has_values(),
            tuples: nesting.tuples(),
            unmatched_quote: cut,
            line: self.began + 1,
            byte: self.bytes,
        };
        let next = self.reading.statement(statement);
        self.pending = next.data;
        self.event = Some(Event::Statement(next.class, next.instead));
        self.before = Before::Other;
        // The room of an ordinary statement is used again.
        if text.capacity() <= INSERT * 4 {
            text.clear();
            self.statement = text;
        }
    }

    fn end_of_data(&mut self) {
        let Place::Data(block) = std::mem::take(&mut self.place) else { return };
        self.reading.end_of_data(*block, self.bytes);
        self.before = Before::Other;
    }

    /// Takes the end of the text for the end of its last line.
    pub(super) fn end_line(&mut self) {
        match self.place {
            Place::Comment => self.end_of_comment(),
            Place::Meta => {
                // No line end was counted.
                self.line += 1;
                self.end_of_meta();
                self.line -= 1;
            }
            Place::Word => {
                self.nesting.end_of_word();
                self.back(Before::Other);
            }
            Place::Number => self.back(Before::Other),
            _ => {}
        }
    }

    /// Takes the end of the text for the end of its last statement, as `psql` does.
    pub(super) fn end_statement(&mut self) {
        if matches!(self.place, Place::Plain) && !self.statement.is_empty() {
            self.end_of_statement();
        }
    }

    pub(super) fn finish(mut self) -> Result<PlainSummary, ArchiveError> {
        self.end_line();
        self.end_statement();
        let open = match &self.place {
            Place::Data(block) => Some(format!("the rows of {}", block.words())),
            Place::Plain => self.pending.as_ref().map(|block| format!("the rows of {}", block.words())),
            _ => Some("a quotation or a comment".to_owned()),
        };
        self.reading.finish(self.bytes, open)
    }
}

/// Line ends in `bytes`.
pub(super) fn lines(bytes: &[u8]) -> u64 {
    if bytes.len() < 16 {
        return bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum();
    }
    memchr_iter(b'\n', bytes).count() as u64
}
