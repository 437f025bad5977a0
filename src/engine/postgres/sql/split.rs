//! Where the server ends a statement: at each `;` outside parentheses, but not inside the body of an SQL function
//! (`BEGIN ATOMIC ... END`). `psql` only guesses at it, and an archive's definition is sent whole: what is hidden behind
//! a guess is found here.

use super::cursor::Cursor;
use super::token::{Token, Tokens};

/// Words before a `CASE` that begins an expression; anywhere else it could be a label. All are reserved: behind a word that
/// can be the name of a column (`by`, `return`, `between`) a bare `case` is that column's label from PostgreSQL 14 on.
const BEFORE_CASE: [&str; 20] = [
    "select", "when", "then", "else", "and", "or", "not", "where", "in", "on", "having", "limit", "offset", "case",
    "distinct", "like", "ilike", "is", "using", "all",
];

/// The statements of a text, without their `;`, empty ones left out. `None` is one of which only the server can tell
/// where it ends; nothing comes after it.
#[derive(Debug, Clone)]
pub(in super::super) struct Statements<'a> {
    tokens: Tokens<'a>,
    backslashes: bool,
    done: bool,
}

impl<'a> Statements<'a> {
    pub(in super::super) fn new(text: &'a [u8], backslashes: bool) -> Self {
        Statements { tokens: Tokens::new(text, backslashes), backslashes, done: false }
    }

    /// The end of the statement that begins here, and whether it is all that there is.
    fn end(&mut self) -> Option<(usize, bool)> {
        let (mut depth, mut begins) = (0_usize, 0_usize);
        let inside = Inside::of(self.tokens.clone());
        let mut before: [Option<Token<'a>>; 2] = [None, None];
        let mut ended_body = false;
        loop {
            let at = self.tokens.place();
            let Some(token) = self.tokens.next() else { return (depth == 0 && begins == 0).then_some((at, true)) };
            if ended_body && token != Token::Sign(b';') {
                return None;
            }
            match &token {
                Token::Odd => return None,
                Token::Sign(b'(') => depth += 1,
                Token::Sign(b')') => depth = depth.checked_sub(1)?,
                Token::Sign(b';') if depth == 0 && begins == 0 => return Some((at, false)),
                Token::Sign(b';') if depth > 0 && inside != Inside::Rule => return None,
                Token::Word(word) if inside == Inside::Function && depth == 0 && begins == 0 => {
                    let body = word.eq_ignore_ascii_case(b"atomic") && is_word(before[1].as_ref(), b"begin");
                    begins = usize::from(body);
                }
                Token::Word(word) if begins > 0 && word.eq_ignore_ascii_case(b"case") => {
                    if !begins_expression(&before) {
                        return None;
                    }
                    begins += 1;
                }
                Token::Word(word) if begins > 0 && word.eq_ignore_ascii_case(b"end") => {
                    begins -= 1;
                    ended_body = begins == 0;
                }
                _ => {}
            }
            before = [before[1].take(), Some(token)];
        }
    }
}

/// What may hold a `;`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Function,
    Rule,
    Other,
}

impl Inside {
    fn of(tokens: Tokens<'_>) -> Self {
        let mut words = tokens.take_while(|token| *token != Token::Sign(b';')).map(|token| match token {
            Token::Word(word) => word.to_ascii_lowercase(),
            _ => Vec::new(),
        });
        let mut next = || words.next().unwrap_or_default();
        if next() != b"create" {
            return Inside::Other;
        }
        let mut kind = next();
        if kind == b"or" {
            next();
            kind = next();
        }
        match kind.as_slice() {
            b"function" | b"procedure" => Inside::Function,
            b"rule" => Inside::Rule,
            _ => Inside::Other,
        }
    }
}

fn is_word(token: Option<&Token<'_>>, word: &[u8]) -> bool {
    matches!(token, Some(Token::Word(there)) if there.eq_ignore_ascii_case(word))
}

/// Whether an expression can begin behind these two tokens, and nothing else.
fn begins_expression(before: &[Option<Token<'_>>; 2]) -> bool {
    match &before[1] {
        Some(Token::Operator(_) | Token::Sign(b'(' | b',' | b'[' | b':')) => true,
        Some(Token::Word(word)) => {
            let known = BEFORE_CASE.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
            known && before[0] != Some(Token::Sign(b'.')) && !is_word(before[0].as_ref(), b"as")
        }
        _ => false,
    }
}

impl<'a> Iterator for Statements<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            let from = self.tokens.place();
            let Some((to, last)) = self.end() else {
                self.done = true;
                return Some(None);
            };
            self.done = last;
            let text = self.tokens.between(from, to);
            if !Cursor::new(text, self.backslashes).is_at_end() {
                return Some(Some(text.trim_ascii()));
            }
        }
        None
    }
}
