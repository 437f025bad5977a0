//! Publications and subscriptions.

use super::cursor::{Cursor, Qualified};
use super::item::{item, item_in};
use super::{Asked, Class, Context, OTHERS, Token};
use crate::domain::{Need, Stage};

const DANGER: &str = "it takes in whatever another server sends, for as long as it is there";

/// Judges what follows `CREATE PUBLICATION`: all tables, or those of a schema, a superuser publishes.
pub(super) fn create(mut cursor: Cursor<'_>, start: Cursor<'_>) -> Class {
    let unlisted = Class::Unlisted(Need::Nothing);
    let Some(name) = cursor.name() else { return unlisted };
    let wide = cursor.clone();
    let schemas = wide.has_outside("tables") || wide.has_outside("all") || wide.has_outside("sequences");
    if !schemas {
        return Class::Allowed;
    }
    let all = cursor.words("for all tables");
    if !(all || cursor.words("for") && in_schemas(&mut cursor)) {
        return unlisted;
    }
    if cursor.words("with") && !options(&mut cursor, &mut |_, _| {}) {
        return unlisted;
    }
    let sql = start.rewritten().filter(|_| cursor.is_at_end());
    sql.map_or(unlisted, |sql| asked(&name, sql))
}

/// Judges what follows `ALTER PUBLICATION`.
pub(super) fn alter(mut cursor: Cursor<'_>, start: Cursor<'_>, context: &Context<'_>) -> Class {
    let unlisted = Class::Unlisted(Need::Nothing);
    let Some(name) = cursor.name() else { return unlisted };
    let ours = context.asked.contains_key(&item("PUBLICATION", &name));
    if !ours && !cursor.has_outside("tables") {
        return Class::Allowed;
    }
    let understood = cursor.words("add")
        && match cursor.is("tables") {
            true => in_schemas(&mut cursor),
            false => table(&mut cursor),
        };
    let sql = start.rewritten().filter(|_| understood && cursor.is_at_end());
    sql.map_or(unlisted, |sql| asked(&name, sql))
}

fn asked(name: &str, sql: String) -> Class {
    Class::Privileged(Asked { item: item("PUBLICATION", name), sql, stage: Stage::After, danger: None, schema: None })
}

/// `TABLES IN SCHEMA a, b`
fn in_schemas(cursor: &mut Cursor<'_>) -> bool {
    if !cursor.words("tables in schema") {
        return false;
    }
    loop {
        if cursor.name().is_none() {
            return false;
        }
        if !cursor.sign(b',') {
            return true;
        }
        cursor.words("tables in schema");
    }
}

/// `TABLE [ONLY] name [(columns)]`, without a condition.
fn table(cursor: &mut Cursor<'_>) -> bool {
    if !cursor.words("table") {
        return false;
    }
    cursor.words("only");
    let named = cursor.qualified().is_some();
    if matches!(cursor.peek(), Some(Token::Sign(b'('))) {
        return named && cursor.group();
    }
    named
}

/// `(name = value, ...)`
fn options(cursor: &mut Cursor<'_>, found: &mut dyn FnMut(&str, &str)) -> bool {
    if !cursor.sign(b'(') {
        return false;
    }
    loop {
        let Some(name) = cursor.name() else { return false };
        let mut value = String::new();
        if cursor.operator("=") {
            value = match cursor.text() {
                Some(text) => super::cursor::lossy(&text),
                None if cursor.number() => String::new(),
                None => match cursor.name() {
                    Some(name) => name,
                    None => return false,
                },
            };
        }
        found(&name, &value);
        if !cursor.sign(b',') {
            return cursor.sign(b')');
        }
    }
}

/// Judges what follows `CREATE SUBSCRIPTION`. One that connects at once reaches the other server during the restore.
pub(super) fn subscription(mut cursor: Cursor<'_>, start: Cursor<'_>) -> Class {
    let refused = Class::Refused(OTHERS);
    let Some(name) = cursor.name() else { return refused };
    if !(cursor.words("connection") && cursor.text().is_some() && cursor.words("publication")) {
        return refused;
    }
    loop {
        if cursor.name().is_none() && cursor.text().is_none() {
            return refused;
        }
        if !cursor.sign(b',') {
            break;
        }
    }
    let mut quiet = false;
    let mut off = |name: &str, value: &str| quiet |= name == "connect" && value.eq_ignore_ascii_case("false");
    let understood = cursor.words("with") && options(&mut cursor, &mut off) && cursor.is_at_end();
    let name = Qualified { schema: None, name };
    match start.rewritten() {
        Some(sql) if understood && quiet => Class::Privileged(Asked {
            item: item_in("SUBSCRIPTION", &name),
            sql,
            stage: Stage::After,
            danger: Some(DANGER.to_owned()),
            schema: None,
        }),
        _ => refused,
    }
}
