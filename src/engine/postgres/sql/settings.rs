//! `SET` and `RESET`: which settings a dump may make for its own session.

use super::cursor::Cursor;
use super::{Class, Judged, OTHERS, ROLES, TRANSACTION};
use crate::domain::Need;

/// Settings that say how the text of the dump is to be read, or how its objects are made.
const ALLOWED: [&str; 28] = [
    "array_nulls",
    "backslash_quote",
    "bytea_output",
    "check_function_bodies",
    "client_encoding",
    "client_min_messages",
    "constraint_exclusion",
    "datestyle",
    "default_table_access_method",
    "default_text_search_config",
    "default_toast_compression",
    "default_with_oids",
    "escape_string_warning",
    "extra_float_digits",
    "gin_fuzzy_search_limit",
    "intervalstyle",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "quote_all_identifiers",
    "row_security",
    "search_path",
    "sql_inheritance",
    "standard_conforming_strings",
    "synchronize_seqscans",
    "timezone",
    "timezone_abbreviations",
    "xmloption",
];
/// Settings of the session that restores, which is ours: how long things may take and how much they may use, where
/// tables of another server lie.
const OURS: [&str; 17] = [
    "application_name",
    "commit_delay",
    "commit_siblings",
    "default_tablespace",
    "default_transaction_deferrable",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "lock_timeout",
    "maintenance_work_mem",
    "statement_timeout",
    "synchronous_commit",
    "temp_tablespaces",
    "transaction_timeout",
    "vacuum_cost_delay",
    "work_mem",
];

/// Judges what follows `SET` or `RESET`.
pub(super) fn judge(first: &str, mut cursor: Cursor<'_>) -> Judged {
    let class = if first == "reset" { reset(cursor) } else { set(&mut cursor) };
    Judged::new(class, "SET")
}

fn set(cursor: &mut Cursor<'_>) -> Class {
    if cursor.words("session characteristics") || cursor.is("transaction") {
        return Class::Refused(TRANSACTION);
    }
    if cursor.words("session authorization") {
        return Class::LeftOut;
    }
    if cursor.words("constraints") {
        return Class::Allowed;
    }
    let scope = cursor.one_of(&["session", "local"]);
    if scope == Some("local") && cursor.words("session authorization") {
        return Class::LeftOut;
    }
    if cursor.is("transaction") {
        return Class::Refused(TRANSACTION);
    }
    if cursor.words("time zone") || cursor.words("xml option") || cursor.words("names") || cursor.words("schema") {
        return ends(cursor, Class::Allowed);
    }
    let Some(name) = name(cursor) else { return Class::Unlisted(Need::Nothing) };
    let set = cursor.words("to") || cursor.operator("=") || (name == "role" && !cursor.is_at_end());
    if !set && !cursor.words("from current") {
        return Class::Unlisted(Need::Nothing);
    }
    ends(cursor, named(&name))
}

fn reset(mut cursor: Cursor<'_>) -> Class {
    match cursor.one_of(&["session authorization", "time zone", "transaction isolation level", "all"]) {
        Some("session authorization") => return Class::LeftOut,
        Some("time zone") => return Class::Allowed,
        Some("all") => return Class::Refused(OTHERS),
        Some(_) => return Class::Refused(TRANSACTION),
        None => {}
    }
    name(&mut cursor).map_or(Class::Unlisted(Need::Nothing), |name| named(&name))
}

/// A setting's name as the server compares it: without regard to case, even in quotes.
fn name(cursor: &mut Cursor<'_>) -> Option<String> {
    let mut name = cursor.name()?.to_ascii_lowercase();
    while cursor.sign(b'.') {
        name = format!("{name}.{}", cursor.name()?.to_ascii_lowercase());
    }
    Some(name)
}

fn named(name: &str) -> Class {
    match name {
        "role" | "session_authorization" | "is_superuser" => Class::Refused(ROLES),
        "transaction_isolation" | "transaction_read_only" | "transaction_deferrable" => Class::Refused(TRANSACTION),
        _ if ALLOWED.contains(&name) => Class::Allowed,
        _ if OURS.contains(&name) => Class::LeftOut,
        _ => Class::Unlisted(Need::Nothing),
    }
}

/// Values are words, texts and numbers; with anything else it is not a setting that we know.
fn ends(cursor: &mut Cursor<'_>, class: Class) -> Class {
    let value = |cursor: &mut Cursor<'_>| cursor.text().is_some() || cursor.number() || cursor.name().is_some();
    while value(cursor) {
        cursor.sign(b',');
    }
    if cursor.is_at_end() { class } else { Class::Unlisted(Need::Nothing) }
}
