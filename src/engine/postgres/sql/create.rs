//! `CREATE`: what a dump makes.

use super::cursor::{Cursor, Qualified};
use super::item::{item, item_in, object};
use super::{Asked, Class, Judged, OTHERS, ROLES, SERVER, Token, extension, foreign, function, publication};
use crate::domain::{Need, Stage};

/// Why what only a superuser makes is dangerous where it is told apart by nothing else.
const CRASH: &str = "made wrong, it can crash the server or read its memory";

/// Judges what follows `CREATE`; `start` is the whole statement.
pub(super) fn judge(mut cursor: Cursor<'_>, start: Cursor<'_>) -> Judged {
    cursor.words("or replace");
    let trusted = cursor.words("trusted");
    cursor.one_of(&[
        "global temporary",
        "global temp",
        "local temporary",
        "local temp",
        "temporary",
        "temp",
        "unlogged",
    ]);
    let Some(object) = object(&mut cursor) else {
        return Judged::new(Class::Unlisted(Need::Nothing), "CREATE");
    };
    let does = format!("CREATE {object}");
    let unlisted = Class::Unlisted(Need::Nothing);
    let class = match object {
        "FUNCTION" | "PROCEDURE" => return function::judge(cursor, start, object),
        "EXTENSION" => return extension::judge(cursor),
        "LANGUAGE" => return extension::language(cursor),
        _ if trusted => unlisted,
        "PUBLICATION" => publication::create(cursor, start),
        "SUBSCRIPTION" => publication::subscription(cursor, start),
        "INDEX" if is_computed(cursor.clone()) => return Judged::new(Class::Allowed, "CREATE INDEX expression"),
        "TABLE" => table(cursor),
        "SCHEMA" => schema(cursor),
        "TYPE" => base_type(cursor, start),
        "AGGREGATE" => aggregate(cursor, start),
        "CAST" => cast(cursor, start),
        "EVENT TRIGGER" => event_trigger(cursor, start).unwrap_or(unlisted),
        "FOREIGN DATA WRAPPER" | "SERVER" | "USER MAPPING" | "FOREIGN TABLE" => {
            foreign::create(object, cursor, start).unwrap_or(unlisted)
        }
        "ACCESS METHOD"
        | "OPERATOR CLASS"
        | "OPERATOR FAMILY"
        | "TEXT SEARCH PARSER"
        | "TEXT SEARCH TEMPLATE"
        | "TRANSFORM" => superusers(object, cursor, start).unwrap_or(unlisted),
        "ROLE" | "USER" | "GROUP" => Class::Refused(ROLES),
        "DATABASE" => Class::LeftOut,
        "TABLESPACE" => Class::Refused(SERVER),
        "COLLATION"
        | "CONVERSION"
        | "DOMAIN"
        | "INDEX"
        | "MATERIALIZED VIEW"
        | "OPERATOR"
        | "POLICY"
        | "RULE"
        | "SEQUENCE"
        | "STATISTICS"
        | "TEXT SEARCH CONFIGURATION"
        | "TEXT SEARCH DICTIONARY"
        | "TRIGGER"
        | "VIEW" => Class::Allowed,
        "SYSTEM" => Class::Refused(OTHERS),
        _ => unlisted,
    };
    Judged::new(class, does)
}

/// A table that a query fills is more than a table.
fn table(cursor: Cursor<'_>) -> Class {
    if cursor.has_outside("as") || cursor.has_outside("select") {
        Class::Unlisted(Need::Nothing)
    } else {
        Class::Allowed
    }
}

/// Whether an index computes something: it has a condition, or parentheses among its columns.
fn is_computed(mut cursor: Cursor<'_>) -> bool {
    let (condition, mut depth) = (cursor.has_outside("where"), 0_usize);
    while let Some(token) = cursor.take() {
        match token {
            Token::Sign(b'(') if depth > 0 => return true,
            Token::Sign(b'(') => depth += 1,
            Token::Sign(b')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    condition
}

/// A schema alone, without what could be made in the same statement. `public` is there.
fn schema(mut cursor: Cursor<'_>) -> Class {
    cursor.words("if not exists");
    let authorization = |cursor: &mut Cursor<'_>| cursor.words("authorization") && cursor.name().is_some();
    let mut public = false;
    if !cursor.is("authorization") {
        public = cursor.name().is_some_and(|name| name == "public");
    }
    authorization(&mut cursor);
    match cursor.is_at_end() {
        true if public => Class::LeftOut,
        true => Class::Allowed,
        false => Class::Unlisted(Need::Nothing),
    }
}

/// `CREATE TYPE name (INPUT = ...)`, or the name alone; those with `AS` are ordinary ones.
fn base_type(mut cursor: Cursor<'_>, start: Cursor<'_>) -> Class {
    let Some(name) = cursor.qualified() else { return Class::Unlisted(Need::Nothing) };
    if cursor.is("as") {
        return Class::Allowed;
    }
    if !(cursor.is_at_end() || (constants(&mut cursor) && cursor.is_at_end())) {
        return Class::Unlisted(Need::Nothing);
    }
    made("TYPE", &name, start, Stage::Before, CRASH).unwrap_or(Class::Unlisted(Need::Nothing))
}

/// `(NAME = value, ...)`, where each value is a name, a text or a number.
fn constants(cursor: &mut Cursor<'_>) -> bool {
    if !cursor.sign(b'(') {
        return false;
    }
    loop {
        if cursor.name().is_none() {
            return false;
        }
        if cursor.operator("=") && !(cursor.text().is_some() || cursor.number() || function::kind(cursor).is_some()) {
            return false;
        }
        if !cursor.sign(b',') {
            return cursor.sign(b')');
        }
    }
}

/// An aggregate whose state is `internal` only a superuser may make.
fn aggregate(mut cursor: Cursor<'_>, start: Cursor<'_>) -> Class {
    let unlisted = Class::Unlisted(Need::Nothing);
    let Some(name) = cursor.qualified() else { return unlisted };
    let mut ahead = cursor.clone();
    let mut internal = false;
    while let Some(token) = ahead.take() {
        internal |= match token {
            Token::Word(word) => word.eq_ignore_ascii_case(b"internal"),
            Token::Name(name) => *name == *b"internal",
            Token::Text(text) => text.eq_ignore_ascii_case(b"internal"),
            _ => false,
        };
    }
    if !internal {
        return Class::Allowed;
    }
    // Its initial condition is only kept as text, but sorted and hypothetical ones are more than we read.
    let understood = cursor.group() && constants(&mut cursor) && cursor.is_at_end();
    if understood { made("AGGREGATE", &name, start, Stage::Middle, CRASH).unwrap_or(unlisted) } else { unlisted }
}

fn cast(mut cursor: Cursor<'_>, start: Cursor<'_>) -> Class {
    let unlisted = Class::Unlisted(Need::Nothing);
    if !cursor.has_outside("without") {
        return Class::Allowed;
    }
    let Some(name) = super::comment::cast(&mut cursor) else { return unlisted };
    let understood = cursor.words("without function")
        && (cursor.one_of(&["as assignment", "as implicit"]).is_some() || cursor.is_at_end())
        && cursor.is_at_end();
    let Some(sql) = start.rewritten().filter(|_| understood) else { return unlisted };
    let danger = Some(CRASH.to_owned());
    Class::Privileged(Asked { item: item("CAST", &name), sql, stage: Stage::Middle, danger, schema: None })
}

fn event_trigger(mut cursor: Cursor<'_>, start: Cursor<'_>) -> Option<Class> {
    let name = cursor.name()?;
    cursor.words("on").then_some(())?;
    cursor.name()?;
    if cursor.words("when") {
        loop {
            cursor.name()?;
            (cursor.words("in") && cursor.sign(b'(')).then_some(())?;
            while cursor.text().is_some() {
                cursor.sign(b',');
            }
            cursor.sign(b')').then_some(())?;
            if !cursor.words("and") {
                break;
            }
        }
    }
    cursor.one_of(&["execute function", "execute procedure"])?;
    let function = cursor.qualified()?;
    (cursor.sign(b'(') && cursor.sign(b')') && cursor.is_at_end()).then_some(())?;
    let name = Qualified { schema: None, name };
    let _ = function;
    made(
        "EVENT TRIGGER",
        &name,
        start,
        Stage::After,
        "its function runs as whoever changes a definition, a superuser too",
    )
}

/// What nothing but a superuser's statement makes, of names, types, operators and constants.
fn superusers(object: &'static str, mut cursor: Cursor<'_>, start: Cursor<'_>) -> Option<Class> {
    let name = if object == "TRANSFORM" {
        cursor.words("for").then_some(())?;
        let name = cursor.qualified()?;
        cursor.words("language").then_some(())?;
        Qualified { schema: None, name: format!("{}.{}", name.name, cursor.name()?) }
    } else {
        cursor.qualified()?
    };
    while let Some(token) = cursor.take() {
        match token {
            Token::Word(_) | Token::Name(_) | Token::Number(_) | Token::Text(_) | Token::Operator(_) => {}
            Token::Sign(b'(' | b')' | b',' | b'.' | b'[' | b']') => {}
            _ => return None,
        }
    }
    let stage = if matches!(object, "OPERATOR CLASS" | "OPERATOR FAMILY" | "TRANSFORM") {
        Stage::Middle
    } else {
        Stage::Before
    };
    made(object, &name, start, stage, CRASH)
}

fn made(object: &str, name: &Qualified, start: Cursor<'_>, stage: Stage, danger: &str) -> Option<Class> {
    let (item, sql, schema) = (item_in(object, name), start.rewritten()?, name.schema.clone());
    Some(Class::Privileged(Asked { item, sql, stage, danger: Some(danger.to_owned()), schema }))
}
