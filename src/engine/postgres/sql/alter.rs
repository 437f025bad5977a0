//! `ALTER`: what a dump changes of what it made.

use super::cursor::Cursor;
use super::item::{item, object};
use super::{Asked, Class, Context, Judged, OTHERS, ROLES, SERVER, Token, foreign, publication};
use crate::domain::{Need, Stage};

/// Judges what follows `ALTER`; `start` is the whole statement.
pub(super) fn judge(mut cursor: Cursor<'_>, start: Cursor<'_>, context: &Context<'_>) -> Judged {
    let Some(object) = object(&mut cursor) else {
        return Judged::new(Class::Unlisted(Need::Nothing), "ALTER");
    };
    Judged::new(class(object, cursor, start, context), format!("ALTER {object}"))
}

fn class(object: &'static str, cursor: Cursor<'_>, start: Cursor<'_>, context: &Context<'_>) -> Class {
    let unlisted = Class::Unlisted(Need::Nothing);
    match object {
        "SYSTEM" => return Class::Refused(SERVER),
        "TABLESPACE" => return Class::Refused(SERVER),
        // `pg_dump --create` writes settings of roles in the database.
        "ROLE" if is_in_database(cursor.clone()) => return Class::LeftOut,
        "ROLE" | "USER" | "GROUP" => return Class::Refused(ROLES),
        "DATABASE" | "DEFAULT PRIVILEGES" => return Class::LeftOut,
        _ => {}
    }
    if is_owner(cursor.clone()) || (context.clean && cursor.has_outside("drop")) {
        return Class::LeftOut;
    }
    match object {
        "SUBSCRIPTION" => Class::Refused(OTHERS),
        "EVENT TRIGGER" => event_trigger(cursor, start).unwrap_or(unlisted),
        "PUBLICATION" => publication::alter(cursor, start, context),
        "FOREIGN TABLE" => foreign::alter_table(cursor, start).unwrap_or(unlisted),
        "OPERATOR FAMILY" => operator_family(cursor, start).unwrap_or(unlisted),
        "FUNCTION" | "PROCEDURE" | "ROUTINE" if leaks(&cursor) => unlisted,
        "TABLE" | "INDEX" | "MATERIALIZED VIEW" if is_all(cursor.clone()) => Class::Refused(SERVER),
        "AGGREGATE"
        | "COLLATION"
        | "CONVERSION"
        | "DOMAIN"
        | "FUNCTION"
        | "INDEX"
        | "LARGE OBJECT"
        | "MATERIALIZED VIEW"
        | "OPERATOR"
        | "POLICY"
        | "PROCEDURE"
        | "ROUTINE"
        | "RULE"
        | "SCHEMA"
        | "SEQUENCE"
        | "STATISTICS"
        | "TABLE"
        | "TEXT SEARCH CONFIGURATION"
        | "TEXT SEARCH DICTIONARY"
        | "TRIGGER"
        | "TYPE"
        | "VIEW" => Class::Allowed,
        _ => unlisted,
    }
}

/// `name IN DATABASE name SET ...`
fn is_in_database(mut cursor: Cursor<'_>) -> bool {
    cursor.name().is_some() && cursor.words("in database")
}

fn is_all(mut cursor: Cursor<'_>) -> bool {
    cursor.words("all in tablespace")
}

fn leaks(cursor: &Cursor<'_>) -> bool {
    cursor.has_outside("leakproof") || cursor.has_outside("support")
}

/// `... OWNER TO role`, and nothing else in the same statement.
fn is_owner(mut cursor: Cursor<'_>) -> bool {
    while !cursor.is_at_end() {
        let mut ahead = cursor.clone();
        if ahead.words("owner to") {
            return ahead.name().is_some() && ahead.is_at_end();
        }
        if cursor.outer() == Some(Token::Sign(b',')) {
            return false;
        }
    }
    false
}

fn event_trigger(mut cursor: Cursor<'_>, start: Cursor<'_>) -> Option<Class> {
    let name = cursor.name()?;
    cursor.one_of(&["disable", "enable replica", "enable always", "enable"])?;
    cursor.is_at_end().then_some(())?;
    let danger = Some("its function runs as whoever changes a definition, a superuser too".to_owned());
    let (item, sql) = (item("EVENT TRIGGER", &name), start.rewritten()?);
    Some(Class::Privileged(Asked { item, sql, stage: Stage::After, danger, schema: None }))
}

/// `name USING method ADD OPERATOR ..., FUNCTION ...`
fn operator_family(mut cursor: Cursor<'_>, start: Cursor<'_>) -> Option<Class> {
    let name = cursor.qualified()?;
    cursor.words("using").then_some(())?;
    cursor.name()?;
    cursor.words("add").then_some(())?;
    while let Some(token) = cursor.take() {
        match token {
            Token::Word(_) | Token::Name(_) | Token::Number(_) | Token::Operator(_) => {}
            Token::Sign(b'(' | b')' | b',' | b'.' | b'[' | b']') => {}
            _ => return None,
        }
    }
    let item = super::item::item_in("OPERATOR FAMILY", &name);
    let danger = Some("made wrong, it can crash the server or read its memory".to_owned());
    let (sql, schema) = (start.rewritten()?, name.schema);
    Some(Class::Privileged(Asked { item, sql, stage: Stage::Middle, danger, schema }))
}
