//! Follows SQL as `psql` does (`src/fe_utils/psqlscan.l`), far enough to know what is a statement, a comment, quoted,
//! a meta-command or data.

use memchr::memchr;

use super::super::archive::ArchiveError;
use super::judge::LONGEST;
use super::nesting::Nesting;
use super::reading::{Reading, Statement};
use super::rows::CopyBlock;
use super::{NoteKind, PlainSummary, WORDS};

/// Bytes kept of a statement that is no COPY: enough for what it is and what it is about.
const STATEMENT: usize = 16 * 1024;
/// Of an INSERT nothing but its table is of interest.
const INSERT: usize = 256;

const BOM: [u8; 3] = *b"\xef\xbb\xbf";

/// What just ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Statement { left_out: bool },
    Meta(NoteKind),
}

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
    line: u64,
    bytes: u64,
    /// The string began with `E`: its backslashes escape whatever is set.
    explicit: bool,
    nesting: Nesting,
    reading: Reading,
    event: Option<Event>,
}

impl Lexer {
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = self.step(bytes);
        }
    }

    /// Takes one byte, or as many as the place allows at once; says what is left.
    pub(super) fn step<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let rest = self.take(bytes);
        self.bytes += (bytes.len() - rest.len()) as u64;
        rest
    }

    fn take<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if let Place::Data(block) = &mut self.place {
            let lines = block.rows;
            let rest = block.feed(bytes);
            self.line += block.rows - lines + u64::from(rest.is_some());
            if rest.is_some() {
                self.end_of_data();
            }
            return rest.unwrap_or_default();
        }
        let (byte, rest) = (bytes[0], &bytes[1..]);
        // `psql` passes over a byte order mark; it must not hide the first word.
        if usize::try_from(self.bytes).is_ok_and(|at| BOM.get(at) == Some(&byte)) {
            return rest;
        }
        self.line += u64::from(byte == b'\n');
        let kept = self.kept();
        // Whether this quote ends the string, a setting decides that SQL can change behind our back.
        if [self.before[1], byte] == *b"\\'" && matches!(self.place, Place::Text(..)) && !self.explicit {
            self.reading.ambiguous(self.line + 1);
        }
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
            self.before[1] = byte;
            self.keep(byte);
        }
        rest
    }

    /// Passes over quoted bytes before the next `end`.
    fn skip<'a>(&mut self, end: u8, bytes: &'a [u8]) -> &'a [u8] {
        let (skipped, rest) = bytes.split_at(memchr(end, bytes).unwrap_or(bytes.len()));
        self.line += memchr::memchr_iter(b'\n', skipped).count() as u64;
        self.before[1] = skipped.last().copied().unwrap_or(self.before[1]);
        rest
    }

    fn plain(&mut self, byte: u8) {
        self.nesting.byte(byte);
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
        let place = match (self.before[1], byte) {
            (_, b'\'') => {
                let escapes = matches!(self.before, [before, b'e' | b'E'] if !word(before));
                self.explicit = escapes;
                Some(Place::Text(escapes || self.reading.backslashes, false))
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
            (None, b';') if self.nesting.is_outermost() => self.end_of_statement(),
            (None, b'\n') if self.pending.is_some() => {
                if let Some(block) = self.pending.take() {
                    self.place = Place::Data(block);
                }
            }
            (None, _) => {
                self.keep(byte);
                self.keep_bare(byte);
                if !space(byte) && byte != b'-' {
                    self.reading.goes_on();
                }
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
        let limit = match self.bare.first() {
            Some(b'C') if self.bare.starts_with(b"COPY") => LONGEST,
            Some(b'I') if self.bare.starts_with(b"INSERT") => INSERT,
            _ => STATEMENT,
        };
        self.bare.len() < limit && self.statement.len() < LONGEST
    }

    fn keep(&mut self, byte: u8) {
        let starts = !self.statement.is_empty() || !space(byte);
        if starts && self.kept() {
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

    fn end_of_line(&mut self) {
        let words = std::mem::take(&mut self.words);
        let text = words.trim_ascii();
        match self.place {
            Place::Meta => {
                let alone = self.bare.trim_ascii().is_empty();
                self.event = Some(Event::Meta(self.reading.meta(text, alone, self.line)));
            }
            _ => self.reading.comment(text),
        }
        self.back(b'\n');
        if let Some(block) = self.pending.take() {
            self.place = Place::Data(block);
        }
    }

    fn end_of_statement(&mut self) {
        let text = std::mem::take(&mut self.statement);
        let bare = std::mem::take(&mut self.bare);
        let tuples = self.nesting.next();
        let statement = Statement { text: text.trim_ascii(), bare: bare.trim_ascii(), tuples, line: self.line + 1 };
        let next = self.reading.statement(statement);
        self.pending = next.data;
        self.event = Some(Event::Statement { left_out: next.left_out });
    }

    fn end_of_data(&mut self) {
        let Place::Data(block) = std::mem::take(&mut self.place) else { return };
        self.reading.end_of_data(*block, self.bytes);
        self.before = [0, b'\n'];
    }

    /// What just ended, once.
    pub(super) fn event(&mut self) -> Option<Event> {
        self.event.take()
    }

    /// Whether the next bytes are rows.
    pub(super) fn is_in_data(&self) -> bool {
        matches!(self.place, Place::Data(_))
    }

    /// Whether the next bytes are a meta-command's.
    pub(super) fn is_in_meta(&self) -> bool {
        matches!(self.place, Place::Meta)
    }

    /// Takes the end of the text for the end of its last line.
    pub(super) fn end_line(&mut self) {
        if matches!(self.place, Place::Comment | Place::Meta) {
            // No line end was counted.
            self.line += 1;
            self.end_of_line();
            self.line -= 1;
        }
    }

    /// Takes the end of the text for the end of its last statement, as `psql` does.
    pub(super) fn end_statement(&mut self) {
        if matches!(self.place, Place::Plain) && !self.bare.trim_ascii().is_empty() {
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

/// What PostgreSQL's lexer takes for white space: a vertical tab too.
pub(super) fn space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}
