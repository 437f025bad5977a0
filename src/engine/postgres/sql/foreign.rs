//! Foreign data: wrappers, servers, user mappings, tables. All of them reach beyond the database.

use super::cursor::{Cursor, Qualified};
use super::function::kind;
use super::item::item_in;
use super::{Asked, Class, Token};
use crate::domain::Stage;

const DANGER: &str = "it reaches files or other servers";

/// Judges what follows `CREATE` and the kind of object; `None` when it is not understood.
pub(super) fn create(object: &'static str, mut cursor: Cursor<'_>, start: Cursor<'_>) -> Option<Class> {
    cursor.words("if not exists");
    let name = match object {
        "USER MAPPING" => mapping(&mut cursor)?,
        _ => cursor.qualified()?,
    };
    if object == "FOREIGN TABLE" {
        columns(&mut cursor)?;
        cursor.words("server").then_some(())?;
        cursor.name()?;
    } else {
        clauses(&mut cursor)?;
    }
    if cursor.words("options") {
        options(&mut cursor)?;
    }
    cursor.is_at_end().then_some(())?;
    asked(object, &name, start)
}

/// `ALTER FOREIGN TABLE [ONLY] name ALTER COLUMN name OPTIONS (...)`, as `pg_dump` writes it.
pub(super) fn alter_table(mut cursor: Cursor<'_>, start: Cursor<'_>) -> Option<Class> {
    cursor.words("only");
    let name = cursor.qualified()?;
    cursor.words("alter column").then_some(())?;
    cursor.name()?;
    cursor.words("options").then_some(())?;
    options(&mut cursor)?;
    cursor.is_at_end().then_some(())?;
    asked("FOREIGN TABLE", &name, start)
}

fn asked(object: &'static str, name: &Qualified, start: Cursor<'_>) -> Option<Class> {
    let stage = if object == "FOREIGN TABLE" { Stage::Middle } else { Stage::Before };
    let (item, sql, schema) = (item_in(object, name), start.rewritten()?, name.schema.clone());
    Some(Class::Privileged(Asked { item, sql, stage, danger: Some(DANGER.to_owned()), schema }))
}

fn mapping(cursor: &mut Cursor<'_>) -> Option<Qualified> {
    cursor.words("for").then_some(())?;
    let role = cursor.name()?;
    cursor.words("server").then_some(())?;
    Some(Qualified { schema: None, name: format!("{role}.{}", cursor.name()?) })
}

/// `TYPE 'text'`, `VERSION 'text'`, `FOREIGN DATA WRAPPER name`, `HANDLER name`, `VALIDATOR name`.
fn clauses(cursor: &mut Cursor<'_>) -> Option<()> {
    const KNOWN: [&str; 7] =
        ["type", "version", "foreign data wrapper", "no handler", "handler", "no validator", "validator"];
    while let Some(clause) = cursor.one_of(&KNOWN) {
        match clause {
            "type" | "version" => cursor.text().map(|_| ())?,
            "no handler" | "no validator" => {}
            _ => cursor.qualified().map(|_| ())?,
        }
    }
    Some(())
}

/// `(name type [NOT NULL] [OPTIONS (...)], ...)`: without defaults and checks, which are expressions of the dump's.
fn columns(cursor: &mut Cursor<'_>) -> Option<()> {
    cursor.sign(b'(').then_some(())?;
    if cursor.sign(b')') {
        return Some(());
    }
    loop {
        cursor.name()?;
        kind(cursor)?;
        while let Some(clause) = cursor.one_of(&["options", "not null", "null", "collate"]) {
            match clause {
                "options" => options(cursor)?,
                "collate" => cursor.qualified().map(|_| ())?,
                _ => {}
            }
        }
        if !cursor.sign(b',') {
            return cursor.sign(b')').then_some(());
        }
    }
}

/// `(name 'text', ...)`
fn options(cursor: &mut Cursor<'_>) -> Option<()> {
    cursor.sign(b'(').then_some(())?;
    loop {
        let first = cursor.name()?;
        if (first == "add" || first == "set") && !matches!(cursor.peek(), Some(Token::Text(_))) {
            cursor.name()?;
        }
        cursor.text()?;
        if !cursor.sign(b',') {
            return cursor.sign(b')').then_some(());
        }
    }
}
