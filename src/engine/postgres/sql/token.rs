//! One statement as PostgreSQL's own lexer takes it apart (`src/backend/parser/scan.l`): words, names, strings, signs.
//!
//! Nothing is kept but the text and a place in it, so looking ahead is a copy of a few words, whatever the length.

use std::borrow::Cow;

use super::unicode;

/// A token. Texts are bytes: the encoding is the client's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Token<'a> {
    /// A word that is not quoted: a keyword or a name. As it is written; compare it without regard to case.
    Word(&'a [u8]),
    /// A name in double quotes, what it means.
    Name(Cow<'a, [u8]>),
    /// A string, what it means.
    Text(Cow<'a, [u8]>),
    /// A string of bits.
    Bits,
    /// A number, as it is written.
    Number(&'a [u8]),
    /// `$1`.
    Param,
    /// One of `( ) [ ] , ; . :`, or any byte that SQL has no use for.
    Sign(u8),
    /// An operator, at most as long as it is written.
    Operator(&'a [u8]),
    /// What is open at the end, or what versions of PostgreSQL read differently.
    Odd,
}

/// The tokens of a text, one after another.
#[derive(Debug, Clone)]
pub(in super::super) struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
    /// Backslashes in ordinary strings escape (`standard_conforming_strings` is off).
    backslashes: bool,
}

/// What PostgreSQL's lexer takes for white space; a vertical tab since 16.
pub(in super::super) fn space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// What a word may begin with.
pub(in super::super) fn starts_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii()
}

/// What a word may go on with.
pub(in super::super) fn in_word(byte: u8) -> bool {
    starts_word(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn in_operator(byte: u8) -> bool {
    b"~!@#^&|`?+-*/%<>=".contains(&byte)
}

impl<'a> Tokens<'a> {
    pub(in super::super) fn new(text: &'a [u8], backslashes: bool) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        Tokens { text, at: 0, backslashes }
    }

    /// Where the next token may begin, in bytes; the end of the one before.
    pub(in super::super) fn place(&self) -> usize {
        self.at
    }

    /// The text between two places.
    pub(in super::super) fn between(&self, from: usize, to: usize) -> &'a [u8] {
        self.text.get(from..to).unwrap_or_default()
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    /// Passes over white space and comments. Says whether it ended well, and whether a string may go on behind it: only
    /// white space and `--` comments, with a line end among them.
    fn blank(&mut self) -> (bool, bool) {
        let (mut line, mut block) = (false, false);
        loop {
            match (self.byte(0), self.byte(1)) {
                (Some(byte), _) if space(byte) => {
                    line |= matches!(byte, b'\n' | b'\r');
                    self.at += 1;
                }
                (Some(b'-'), Some(b'-')) => {
                    let rest = &self.text[self.at..];
                    self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                }
                (Some(b'/'), Some(b'*')) => {
                    block = true;
                    if !self.comment() {
                        return (false, false);
                    }
                }
                _ => return (true, line && !block),
            }
        }
    }

    /// Passes over a nested comment.
    fn comment(&mut self) -> bool {
        let mut depth = 0_usize;
        while let Some(ahead) = memchr::memchr2(b'/', b'*', &self.text[self.at..]) {
            self.at += ahead;
            match (self.byte(0), self.byte(1)) {
                (Some(b'/'), Some(b'*')) => depth += 1,
                (Some(b'*'), Some(b'/')) => depth -= 1,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            self.at += 2;
            if depth == 0 {
                return true;
            }
        }
        self.at = self.text.len();
        false
    }

    /// A string from its opening quote on.
    fn string(&mut self, escapes: bool) -> Token<'a> {
        let mut text: Cow<'a, [u8]> = Cow::Borrowed(&[]);
        loop {
            self.at += 1;
            let Some(piece) = self.piece(b'\'', escapes) else { return Token::Odd };
            if text.is_empty() {
                text = piece;
            } else {
                text.to_mut().extend_from_slice(&piece);
            }
            let mut ahead = self.clone();
            match ahead.blank() {
                (true, true) if ahead.byte(0) == Some(b'\'') => *self = ahead,
                _ => return Token::Text(text),
            }
        }
    }

    /// Up to the closing quote and past it; a doubled one is one.
    fn piece(&mut self, quote: u8, escapes: bool) -> Option<Cow<'a, [u8]>> {
        let mut text: Cow<'a, [u8]> = Cow::Borrowed(&[]);
        let mut from = self.at;
        loop {
            let rest = &self.text[self.at..];
            let found = if escapes { memchr::memchr2(quote, b'\\', rest) } else { memchr::memchr(quote, rest) };
            self.at += found?;
            let add = &self.text[from..self.at];
            if text.is_empty() {
                text = Cow::Borrowed(add);
            } else {
                text.to_mut().extend_from_slice(add);
            }
            let (this, next) = (self.byte(0)?, self.byte(1));
            if this == b'\\' {
                self.at += 1;
                self.at += unicode::escape(&self.text[self.at..], text.to_mut())?;
            } else if next == Some(quote) {
                text.to_mut().push(quote);
                self.at += 2;
            } else {
                self.at += 1;
                return Some(text);
            }
            from = self.at;
        }
    }

    /// What `U&` stands before, from the quote on.
    fn unicode(&mut self, quote: u8) -> Token<'a> {
        let token = if quote == b'\'' {
            self.string(false)
        } else {
            self.at += 1;
            self.piece(b'"', false).map_or(Token::Odd, Token::Name)
        };
        let mut ahead = self.clone();
        let mut escape = b'\\';
        // Looked for as a word only: what else follows may be thousands of such strings, and is not read here.
        ahead.blank();
        let rest = ahead.text.get(ahead.at..ahead.at + 7).unwrap_or_default();
        if rest.eq_ignore_ascii_case(b"uescape") && !ahead.byte(7).is_some_and(in_word) {
            ahead.at += 7;
            ahead.blank();
            if ahead.byte(0) != Some(b'\'') {
                return Token::Odd;
            }
            match ahead.next() {
                Some(Token::Text(text)) if text.len() == 1 => escape = text[0],
                _ => return Token::Odd,
            }
            *self = ahead;
        }
        let means = |text: Cow<'a, [u8]>| unicode::decode(&text, escape).map(Cow::Owned);
        match token {
            Token::Name(text) => means(text).map_or(Token::Odd, Token::Name),
            Token::Text(text) => means(text).map_or(Token::Odd, Token::Text),
            odd => odd,
        }
    }

    fn dollar(&mut self) -> Token<'a> {
        let rest = &self.text[self.at..];
        if rest.get(1).is_some_and(u8::is_ascii_digit) {
            let end = rest[1..].iter().position(|byte| !byte.is_ascii_digit()).map_or(rest.len(), |end| end + 1);
            self.at += end;
            let joined = self.byte(0).is_some_and(|byte| in_word(byte) || byte == b'\'');
            return if joined { Token::Odd } else { Token::Param };
        }
        let cont = |byte: &u8| starts_word(*byte) || byte.is_ascii_digit();
        let end = rest[1..].iter().position(|byte| !cont(byte)).map(|end| end + 1);
        let Some(end) = end.filter(|end| rest[*end] == b'$') else { return Token::Odd };
        let (tag, body) = rest.split_at(end + 1);
        let Some(length) = memchr::memmem::find(body, tag) else { return Token::Odd };
        self.at += tag.len() * 2 + length;
        Token::Text(Cow::Borrowed(&body[..length]))
    }

    fn word(&mut self) -> Token<'a> {
        let rest = &self.text[self.at..];
        let end = rest.iter().position(|byte| !in_word(*byte)).unwrap_or(rest.len());
        let word = &rest[..end];
        self.at += end;
        match (word, self.byte(0), self.byte(1)) {
            (b"e" | b"E", Some(b'\''), _) => self.string(true),
            (b"n" | b"N", Some(b'\''), _) => self.string(self.backslashes),
            (b"b" | b"B" | b"x" | b"X", Some(b'\''), _) => match self.string(false) {
                Token::Odd => Token::Odd,
                _ => Token::Bits,
            },
            (b"u" | b"U", Some(b'&'), Some(quote @ (b'\'' | b'"'))) => {
                self.at += 1;
                self.unicode(quote)
            }
            _ => Token::Word(word),
        }
    }

    fn number(&mut self) -> Token<'a> {
        let rest = &self.text[self.at..];
        let end = rest.iter().position(|byte| !in_word(*byte) && *byte != b'.').unwrap_or(rest.len());
        self.at += end;
        let number = &rest[..end];
        let joined = matches!(self.byte(0), Some(b'\'' | b'"')) || memchr::memchr(b'$', number).is_some();
        if joined { Token::Odd } else { Token::Number(number) }
    }

    fn operator(&mut self) -> Token<'a> {
        let rest = &self.text[self.at..];
        let mut end = 1;
        while rest.get(end).is_some_and(|byte| in_operator(*byte))
            && !matches!(&rest[end..], [b'-', b'-', ..] | [b'/', b'*', ..])
        {
            end += 1;
        }
        self.at += end;
        Token::Operator(&rest[..end])
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let (whole, _) = self.blank();
        if !whole {
            return Some(Token::Odd);
        }
        let byte = self.byte(0)?;
        let token = match byte {
            b'\'' => self.string(self.backslashes),
            b'"' => {
                self.at += 1;
                self.piece(b'"', false).map_or(Token::Odd, Token::Name)
            }
            b'$' => self.dollar(),
            _ if starts_word(byte) => self.word(),
            b'0'..=b'9' => self.number(),
            b'.' if self.byte(1).is_some_and(|next| next.is_ascii_digit()) => self.number(),
            _ if in_operator(byte) => self.operator(),
            _ => {
                self.at += 1;
                Token::Sign(byte)
            }
        };
        if token == Token::Odd {
            self.at = self.text.len();
        }
        Some(token)
    }
}
