//! Reads a statement token by token: what comes next, whether it is this word, a name, a text.

use std::borrow::Cow;

use super::token::{Token, Tokens};
use crate::engine::postgres::quote::{ident, literal};

/// A place in a statement, with the token that comes next.
#[derive(Debug, Clone)]
pub(in super::super) struct Cursor<'a> {
    next: Option<Token<'a>>,
    rest: Tokens<'a>,
}

/// A name with the schema that it is written with; folded where it was not quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Qualified {
    pub(in super::super) schema: Option<String>,
    pub(in super::super) name: String,
}

impl<'a> Cursor<'a> {
    pub(in super::super) fn new(text: &'a [u8], backslashes: bool) -> Self {
        let mut rest = Tokens::new(text, backslashes);
        Cursor { next: rest.next(), rest }
    }

    pub(in super::super) fn peek(&self) -> Option<&Token<'a>> {
        self.next.as_ref()
    }

    pub(in super::super) fn take(&mut self) -> Option<Token<'a>> {
        std::mem::replace(&mut self.next, self.rest.next())
    }

    pub(in super::super) fn is_at_end(&self) -> bool {
        self.next.is_none()
    }

    /// Whether the next word is `word`, given in small letters; a name in quotes is never one.
    pub(in super::super) fn is(&self, word: &str) -> bool {
        matches!(&self.next, Some(Token::Word(there)) if there.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// Passes over `words`, all of them or none.
    pub(in super::super) fn words(&mut self, words: &str) -> bool {
        let mut ahead = self.clone();
        for word in words.split(' ') {
            if !ahead.is(word) {
                return false;
            }
            ahead.take();
        }
        *self = ahead;
        true
    }

    /// Passes over the first of `choices` that is there.
    pub(in super::super) fn one_of<'w>(&mut self, choices: &[&'w str]) -> Option<&'w str> {
        choices.iter().copied().find(|words| self.words(words))
    }

    pub(in super::super) fn sign(&mut self, sign: u8) -> bool {
        let there = self.next == Some(Token::Sign(sign));
        if there {
            self.take();
        }
        there
    }

    pub(in super::super) fn operator(&mut self, operator: &str) -> bool {
        let there = self.next == Some(Token::Operator(operator.as_bytes()));
        if there {
            self.take();
        }
        there
    }

    pub(in super::super) fn name(&mut self) -> Option<String> {
        let name = match &self.next {
            Some(Token::Word(word)) => lossy(&word.to_ascii_lowercase()),
            Some(Token::Name(name)) => lossy(name),
            _ => return None,
        };
        self.take();
        Some(name)
    }

    /// A name, with its schema if it is written; a database before that does not matter.
    pub(in super::super) fn qualified(&mut self) -> Option<Qualified> {
        let mut found = Qualified { schema: None, name: self.name()? };
        while self.sign(b'.') {
            let name = self.name()?;
            found = Qualified { schema: Some(found.name), name };
        }
        Some(found)
    }

    pub(in super::super) fn text(&mut self) -> Option<Cow<'a, [u8]>> {
        let Some(Token::Text(text)) = &self.next else { return None };
        let text = text.clone();
        self.take();
        Some(text)
    }

    pub(super) fn number(&mut self) -> bool {
        let _ = self.operator("-") || self.operator("+");
        let there = matches!(self.next, Some(Token::Number(_)));
        if there {
            self.take();
        }
        there
    }

    /// Passes over parentheses and all in them.
    pub(in super::super) fn group(&mut self) -> bool {
        if !self.sign(b'(') {
            return false;
        }
        let mut depth = 1_usize;
        while depth > 0 {
            match self.take() {
                Some(Token::Sign(b'(')) => depth += 1,
                Some(Token::Sign(b')')) => depth -= 1,
                Some(_) => {}
                None => return false,
            }
        }
        true
    }

    /// The next token outside parentheses; what stands in them is passed over.
    pub(in super::super) fn outer(&mut self) -> Option<Token<'a>> {
        if self.next == Some(Token::Sign(b'(')) {
            self.group();
            return Some(Token::Sign(b')'));
        }
        self.take()
    }

    /// Whether `word` stands anywhere outside parentheses.
    pub(in super::super) fn has_outside(&self, word: &str) -> bool {
        let mut ahead = self.clone();
        while !ahead.is_at_end() {
            if ahead.is(word) {
                return true;
            }
            ahead.outer();
        }
        false
    }

    /// Whether `sign` stands anywhere outside parentheses.
    pub(in super::super) fn has_sign_outside(&self, sign: u8) -> bool {
        let mut ahead = self.clone();
        std::iter::from_fn(|| ahead.outer()).any(|token| token == Token::Sign(sign))
    }

    /// All that is left, written anew: without comments, and with strings that mean the same whatever is set. `None` for
    /// what is not text.
    pub(super) fn rewritten(mut self) -> Option<String> {
        let mut sql = String::new();
        let mut before = None;
        while let Some(token) = self.take() {
            let glued = token == Token::Sign(b':') && before == Some(Token::Sign(b':'));
            if !sql.is_empty() && !glued {
                sql.push(' ');
            }
            match &token {
                Token::Word(word) | Token::Number(word) | Token::Operator(word) => {
                    sql.push_str(std::str::from_utf8(word).ok()?)
                }
                Token::Name(name) => sql.push_str(&ident(std::str::from_utf8(name).ok()?)),
                Token::Text(text) => sql.push_str(&literal(std::str::from_utf8(text).ok()?)),
                Token::Sign(sign @ (b'(' | b')' | b'[' | b']' | b',' | b'.' | b':')) => sql.push(char::from(*sign)),
                Token::Sign(_) | Token::Param | Token::Bits | Token::Odd => return None,
            }
            before = Some(token);
        }
        Some(sql)
    }
}

/// Text of which the encoding is not known; two names never become one.
pub(in super::super) fn lossy(bytes: &[u8]) -> String {
    crate::engine::postgres::archive::text(bytes)
}
