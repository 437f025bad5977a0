//! Where in a text the lexer is.

use super::rows::CopyBlock;

/// What a backslash in a string does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backslash {
    /// Nothing, as long as a setting says so.
    Nothing,
    /// It escapes, as long as a setting says so.
    Escapes,
    /// It escapes: the string began with `E`.
    AlwaysEscapes,
    /// It does nothing: the string is of bits, or `U&''`.
    NeverEscapes,
}

#[derive(Debug, Default)]
pub(super) enum Place {
    #[default]
    Plain,
    Word,
    Number,
    /// In a string.
    Text(Backslash),
    /// In a string behind a backslash that escapes.
    Escaped(Backslash),
    Name,
    /// Between the dollars of what may become a dollar quote.
    Tag,
    /// In a dollar quote, with the number of bytes of its end that were just read.
    Dollar(usize),
    Comment,
    /// In a nested comment, with its depth and the byte before.
    Block(u32, u8),
    Meta,
    Data(Box<CopyBlock>),
}

/// What stood just before, outside quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    Other,
    /// A sign that may begin a comment.
    Sign(u8),
    /// The word of one letter that may say what a string is, or `U` and `&`.
    Letter(u8),
    UnicodeSign,
    /// The end of a string: another quote doubles it.
    Quote(Backslash),
}
