//! `COPY`, taken apart as the server's grammar does it: where the rows come from, and whether they follow.

use super::Class;
use super::cursor::{Cursor, Qualified};
use crate::domain::Need;

/// What a COPY statement says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Copy {
    /// The table; none where a query is copied.
    pub(in super::super) table: Option<Qualified>,
    /// Rows come in.
    pub(in super::super) from: bool,
    pub(in super::super) end: End,
    /// How rows are written: `text`, `csv`, `binary`, or what the server does not know.
    pub(in super::super) format: String,
    /// There is no word about how the rows are written: each line is one.
    pub(in super::super) is_plain: bool,
}

/// Where rows come from or go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum End {
    /// The client: `STDIN` and `STDOUT` mean the same here.
    Client,
    File,
    Program,
}

impl Copy {
    /// Whether rows follow the statement.
    pub(in super::super) fn has_data(&self) -> bool {
        self.from && self.end == End::Client
    }

    pub(super) fn class(&self) -> Class {
        match self.end {
            End::Program => Class::Unlisted(Need::Programs),
            End::File => Class::Unlisted(Need::ServerFiles),
            End::Client if self.from && !matches!(self.format.as_str(), "text" | "csv") => {
                Class::Refused("its rows are not text")
            }
            End::Client if self.from => Class::Allowed,
            End::Client => Class::Unlisted(Need::Nothing),
        }
    }
}

/// Takes a COPY apart; `None` when it is not understood.
pub(in super::super) fn copy(statement: &[u8], backslashes: bool) -> Option<Copy> {
    let mut cursor = Cursor::new(statement, backslashes);
    if !cursor.words("copy") {
        return None;
    }
    let mut format = "text".to_owned();
    let mut is_plain = true;
    let table = if matches!(cursor.peek(), Some(super::Token::Sign(b'('))) {
        cursor.group().then_some(())?;
        None
    } else {
        // `BINARY` of old; a table could be called so too.
        let mut ahead = cursor.clone();
        if ahead.words("binary")
            && ahead.name().is_some()
            && !(cursor.clone().words("binary from") || cursor.clone().words("binary to"))
        {
            cursor.words("binary");
            format = "binary".to_owned();
        }
        let table = cursor.qualified()?;
        cursor.group();
        cursor.words("with oids");
        Some(table)
    };
    let from = match cursor.one_of(&["from", "to"])? {
        "from" if table.is_none() => return None,
        word => word == "from",
    };
    let end = if cursor.words("program") {
        cursor.text()?;
        End::Program
    } else if cursor.one_of(&["stdin", "stdout"]).is_some() {
        End::Client
    } else {
        cursor.text()?;
        End::File
    };
    if !cursor.is_at_end() {
        is_plain = false;
        options(&mut cursor, &mut format)?;
    }
    let copy = Copy { table, from, end, format, is_plain };
    cursor.is_at_end().then_some(copy)
}

fn options(cursor: &mut Cursor<'_>, format: &mut String) -> Option<()> {
    cursor.one_of(&["using delimiters", "delimiters"]).map_or(Some(()), |_| cursor.text().map(|_| ()))?;
    cursor.words("with");
    if cursor.sign(b'(') {
        loop {
            let name = cursor.name()?;
            let value = option_value(cursor)?;
            if name == "format" {
                *format = value;
            }
            if !cursor.sign(b',') {
                break;
            }
        }
        cursor.sign(b')').then_some(())?;
    } else {
        while old_option(cursor, format)? {}
    }
    if cursor.words("where") {
        while cursor.outer().is_some() {}
    }
    Some(())
}

/// What an option in parentheses is set to; nothing where that is a list or a number.
fn option_value(cursor: &mut Cursor<'_>) -> Option<String> {
    match cursor.peek() {
        Some(super::Token::Sign(b'(')) => return cursor.group().then(String::new),
        Some(super::Token::Sign(_)) => return Some(String::new()),
        _ => {}
    }
    if cursor.number() || cursor.operator("*") {
        return Some(String::new());
    }
    let text = cursor.text().map(|text| super::cursor::lossy(&text));
    text.or_else(|| cursor.name()).map(|value| value.to_ascii_lowercase())
}

/// An option as it was written until 8.4; says whether there was one.
fn old_option(cursor: &mut Cursor<'_>, format: &mut String) -> Option<bool> {
    let option = cursor.one_of(&[
        "binary",
        "freeze",
        "csv",
        "header",
        "delimiter",
        "null",
        "quote",
        "escape",
        "encoding",
        "force",
    ]);
    match option {
        None => return Some(false),
        Some(option @ ("binary" | "csv")) => *format = option.to_owned(),
        Some("freeze" | "header") => {}
        Some("force") => {
            cursor.one_of(&["quote", "not null", "null"])?;
            if !cursor.operator("*") {
                cursor.name()?;
                while cursor.sign(b',') {
                    cursor.name()?;
                }
            }
        }
        Some(_) => {
            cursor.words("as");
            cursor.text()?;
        }
    }
    Some(true)
}
