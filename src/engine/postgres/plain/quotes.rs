//! Inside quotes and comments.

use memchr::{memchr, memchr2};

use super::super::sql::starts_word;
use super::WORDS;
use super::lexer::{Lexer, lines};
use super::place::{Backslash, Before, Place};

impl Lexer {
    /// What backslashes do in the string that begins behind `before`, or goes on from `string`.
    pub(super) fn opened(&mut self, before: Before, string: Option<Backslash>) -> Backslash {
        let ordinary = if self.reading.backslashes { Backslash::Escapes } else { Backslash::Nothing };
        match (before, string) {
            (Before::Letter(b'E'), _) => Backslash::AlwaysEscapes,
            (Before::Letter(b'B' | b'X') | Before::UnicodeSign, _) => Backslash::NeverEscapes,
            (Before::Quote(backslash), _) => backslash,
            (_, Some(backslash)) if self.line_end && backslash != ordinary => {
                let words = "a string goes on in another line; the server and psql would read it differently";
                self.reading.wrong(words, self.bytes);
                backslash
            }
            _ => ordinary,
        }
    }

    pub(super) fn text<'a>(&mut self, backslash: Backslash, bytes: &'a [u8]) -> &'a [u8] {
        let escapes = matches!(backslash, Backslash::Escapes | Backslash::AlwaysEscapes);
        let found = if escapes { memchr2(b'\'', b'\\', bytes) } else { memchr(b'\'', bytes) };
        let end = found.unwrap_or(bytes.len());
        let last = bytes[..end].last().copied().unwrap_or(self.last);
        self.last = bytes.get(end).copied().unwrap_or(last);
        let rest = self.pass(bytes, (end + 1).min(bytes.len()));
        match bytes.get(end) {
            Some(b'\'') => {
                if !escapes && last == b'\\' {
                    self.quoted(b'\'', backslash);
                }
                self.back(Before::Quote(backslash));
                (self.string, self.line_end) = (Some(backslash), false);
            }
            Some(_) => {
                self.wide = !last.is_ascii();
                self.place = Place::Escaped(backslash);
            }
            None => {}
        }
        rest
    }

    /// Takes the byte behind a backslash in a string. Whether a quote there ends the string, a setting decides that SQL
    /// can change behind our back.
    pub(super) fn quoted(&mut self, byte: u8, backslash: Backslash) {
        // In some encodings a backslash is half of a character, and SQL can choose such a one behind our back too.
        let halved = std::mem::take(&mut self.wide) && matches!(byte, b'\'' | b'\\');
        if halved || (byte == b'\'' && matches!(backslash, Backslash::Nothing | Backslash::Escapes)) {
            self.reading.ambiguous(self.line + 1);
        }
        self.last = 0;
    }

    /// The tag of a dollar quote, or a parameter.
    pub(super) fn tag<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let byte = bytes[0];
        if self.words.is_empty() {
            self.reading.goes_on_with(byte);
        }
        let first = self.words.len() == 1;
        let parameter = self.words.get(1).is_some_and(u8::is_ascii_digit) || (first && byte.is_ascii_digit());
        match byte {
            b'$' if self.words.is_empty() => self.words.push(byte),
            b'$' if !parameter => {
                self.words.push(byte);
                self.place = Place::Dollar(0);
            }
            _ if (starts_word(byte) || byte.is_ascii_digit()) && self.words.len() < WORDS => self.words.push(byte),
            // `$1` is a parameter; all else with a dollar is an error, or read differently by different versions.
            _ => {
                if !parameter
                    || self.words[1..].iter().any(|byte| !byte.is_ascii_digit())
                    || matches!(byte, b'\'' | b'$')
                {
                    self.reading.wrong("a dollar that is not a quote", self.bytes);
                }
                self.place = Place::Plain;
                return bytes;
            }
        }
        self.pass(bytes, 1)
    }

    pub(super) fn dollar<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Place::Dollar(matched) = &mut self.place else { return bytes };
        if *matched == 0 {
            let end = memchr(b'$', bytes);
            *matched = usize::from(end.is_some());
            return self.pass(bytes, end.map_or(bytes.len(), |end| end + 1));
        }
        *matched = match self.words.get(*matched) {
            Some(expected) if *expected == bytes[0] => *matched + 1,
            _ => usize::from(bytes[0] == b'$'),
        };
        if *matched == self.words.len() {
            self.back(Before::Other);
        }
        self.pass(bytes, 1)
    }

    pub(super) fn block<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Place::Block(depth, before) = &mut self.place else { return bytes };
        let at = if matches!(*before, b'/' | b'*') { Some(0) } else { memchr2(b'/', b'*', bytes) };
        let Some(at) = at else {
            self.line += lines(bytes);
            return &[];
        };
        let byte = bytes[at];
        // A byte belongs to one sign only: `/*/` does not end.
        match (std::mem::replace(before, byte), byte) {
            (b'/', b'*') => (*depth, *before) = (depth.saturating_add(1), 0),
            (b'*', b'/') => (*depth, *before) = (*depth - 1, 0),
            _ => {}
        }
        if *depth == 0 {
            self.back(Before::Other);
            if !self.statement.is_empty() {
                self.keep(b"/**/");
            }
        }
        self.line += lines(&bytes[..=at]);
        &bytes[at + 1..]
    }
}
