//! Commands for `psql` in a dump. None of them is passed on; some need not be.

use super::super::archive::known_encoding;
use super::super::sql::space;

/// What becomes of a command for `psql`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meta {
    /// Nothing is lost without it.
    LeftOut,
    /// `\connect`: of the database that it names.
    Connect(String),
    /// `\encoding`: the setting does the same.
    Encoding(String),
    /// It does more than send SQL.
    Refused,
}

/// Commands that only set how `psql` talks.
const HARMLESS: [&[u8]; 13] = [
    b"\\restrict",
    b"\\unrestrict",
    b"\\.",
    b"\\echo",
    b"\\qecho",
    b"\\warn",
    b"\\timing",
    b"\\pset",
    b"\\x",
    b"\\a",
    b"\\t",
    b"\\f",
    b"\\H",
];
/// Variables of `psql` that are no part of any SQL.
const VARIABLES: [&[u8]; 18] = [
    b"AUTOCOMMIT",
    b"COMP_KEYWORD_CASE",
    b"ECHO",
    b"ECHO_HIDDEN",
    b"FETCH_COUNT",
    b"HIDE_TABLEAM",
    b"HIDE_TOAST_COMPRESSION",
    b"HISTCONTROL",
    b"HISTFILE",
    b"HISTSIZE",
    b"IGNOREEOF",
    b"ON_ERROR_ROLLBACK",
    b"ON_ERROR_STOP",
    b"QUIET",
    b"SHOW_ALL_RESULTS",
    b"SHOW_CONTEXT",
    b"SINGLELINE",
    b"VERBOSITY",
];

/// Judges a command with its backslash; `alone` says that it does not stand in the middle of a statement.
///
/// One is known only when nothing else can hide in its line: a second command, or a program in backticks.
pub(super) fn judge(text: &[u8], alone: bool) -> Meta {
    let hides = !alone || text.len() >= super::WORDS || memchr::memchr2(b'\\', b'`', &text[1..]).is_some();
    if hides {
        return Meta::Refused;
    }
    let mut words = text.split(|byte| space(*byte)).filter(|word| !word.is_empty());
    let command = words.next().unwrap_or_default();
    match command {
        b"\\connect" | b"\\c" => {
            let database = words.find(|word| !word.starts_with(b"-")).unwrap_or_default();
            let database = super::lossy(database.trim_ascii());
            Meta::Connect(database.trim_end_matches(';').trim_matches('"').to_owned())
        }
        b"\\encoding" => {
            let named = words.next().map(|name| super::lossy(name).trim_end_matches(';').trim_matches('\'').to_owned());
            named
                .as_deref()
                .and_then(known_encoding)
                .filter(|_| words.next().is_none())
                .map_or(Meta::Refused, Meta::Encoding)
        }
        b"\\set" | b"\\unset" if words.next().is_some_and(|name| VARIABLES.contains(&name)) => Meta::LeftOut,
        command if HARMLESS.contains(&command) => Meta::LeftOut,
        _ => Meta::Refused,
    }
}
