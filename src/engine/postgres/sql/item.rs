//! Kinds of objects: how they are written in SQL, and how `--as-superuser` names them.

use super::cursor::{Cursor, Qualified};

/// Kinds of objects as SQL names them; the longer of two comes first.
const OBJECTS: [&str; 54] = [
    "access method",
    "aggregate",
    "assertion",
    "cast",
    "collation",
    "column",
    "constraint trigger",
    "constraint",
    "conversion",
    "database",
    "default privileges",
    "domain",
    "event trigger",
    "extension",
    "foreign data wrapper",
    "foreign table",
    "function",
    "group",
    "index",
    "language",
    "procedural language",
    "large object",
    "materialized view",
    "operator class",
    "operator family",
    "operator",
    "owned",
    "policy",
    "procedure",
    "publication",
    "role",
    "routine",
    "rule",
    "schema",
    "sequence",
    "server",
    "statistics",
    "subscription",
    "system",
    "tablespace",
    "table",
    "text search configuration",
    "text search dictionary",
    "text search parser",
    "text search template",
    "transform",
    "trigger",
    "type",
    "user mapping",
    "user",
    "view",
    "default conversion",
    "unique index",
    "recursive view",
];

/// Kinds of objects that only a superuser makes, with the word before the name of one.
const SUPERUSERS: [(&str, &str); 15] = [
    ("ACCESS METHOD", "access-method"),
    ("CAST", "cast"),
    ("EVENT TRIGGER", "event-trigger"),
    ("EXTENSION", "extension"),
    ("FOREIGN DATA WRAPPER", "foreign-data-wrapper"),
    ("FOREIGN TABLE", "foreign-table"),
    ("LANGUAGE", "language"),
    ("OPERATOR CLASS", "operator-class"),
    ("OPERATOR FAMILY", "operator-family"),
    ("SERVER", "server"),
    ("SUBSCRIPTION", "subscription"),
    ("TEXT SEARCH PARSER", "text-search-parser"),
    ("TEXT SEARCH TEMPLATE", "text-search-template"),
    ("TRANSFORM", "transform"),
    ("USER MAPPING", "user-mapping"),
];

/// Passes over the kind of an object and says it in capitals.
pub(super) fn object(cursor: &mut Cursor<'_>) -> Option<&'static str> {
    let object = cursor.one_of(&OBJECTS)?;
    Some(match object {
        "procedural language" => "LANGUAGE",
        "default conversion" => "CONVERSION",
        "unique index" => "INDEX",
        "recursive view" => "VIEW",
        "constraint trigger" => "TRIGGER",
        other => capitals(other),
    })
}

fn capitals(object: &'static str) -> &'static str {
    // Few and short: the list in capitals is made once.
    static LIST: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    let list = LIST.get_or_init(|| OBJECTS.iter().map(|object| object.to_ascii_uppercase()).collect());
    OBJECTS.iter().position(|other| *other == object).map_or("", |at| list[at].as_str())
}

/// Whether such an object is there only when a superuser made it; of casts this is not so, but dropping one is not
/// worth more words.
pub(super) fn is_superusers(object: &str) -> bool {
    object != "CAST" && SUPERUSERS.iter().any(|(kind, _)| *kind == object)
}

/// How an object is named on the command line: without spaces and commas, and never as another one.
pub(super) fn item(object: &str, name: &str) -> String {
    let kind = SUPERUSERS.iter().find(|(kind, _)| *kind == object).map_or_else(
        || match object {
            "PROCEDURE" | "ROUTINE" => "function".to_owned(),
            other => other.to_ascii_lowercase().replace(' ', "-"),
        },
        |(_, word)| (*word).to_owned(),
    );
    let mut item = format!("{kind}:");
    for letter in name.chars() {
        if letter.is_alphanumeric() || matches!(letter, '_' | '.' | '-' | '$') {
            item.push(letter);
        } else {
            let mut bytes = [0; 4];
            letter.encode_utf8(&mut bytes).bytes().for_each(|byte| item.push_str(&format!("%{byte:02X}")));
        }
    }
    item
}

/// The same of an object in a schema.
pub(super) fn item_in(object: &str, name: &Qualified) -> String {
    match &name.schema {
        Some(schema) => item(object, &format!("{schema}.{}", name.name)),
        None => item(object, &name.name),
    }
}
