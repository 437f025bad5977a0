//! The few SELECTs that dump programs write: sequences, large objects, the search path, statistics. Each is known in
//! exactly that form, with nothing but constants in it.

use super::cursor::Cursor;
use super::{Class, Judged, Token};
use crate::domain::Need;

/// Functions with the `pg_dump` forms of their arguments: `'` a text, `0` a number or a text, `b` true or false, `s` a
/// sequence by name, or by the column that it belongs to.
const KNOWN: [(&str, &str); 8] = [
    ("set_config", "''b"),
    ("setval", "s0b"),
    ("setval", "s0"),
    ("lo_create", "0"),
    ("lo_open", "00"),
    ("lowrite", "0'"),
    ("lo_close", "0"),
    ("loread", "00"),
];

/// Judges what follows `SELECT`.
pub(super) fn judge(mut cursor: Cursor<'_>) -> Judged {
    let unlisted = Judged::new(Class::Unlisted(Need::Nothing), "SELECT");
    if unlinks(cursor.clone()) {
        return Judged::new(Class::LeftOut, "SELECT lo_unlink");
    }
    if cursor.operator("*") {
        return if statistics(cursor) { Judged::new(Class::Allowed, "SELECT statistics") } else { unlisted };
    }
    let Some(function) = cursor.qualified() else { return unlisted };
    if function.schema.as_deref().is_some_and(|schema| schema != "pg_catalog") {
        return unlisted;
    }
    let found = KNOWN.iter().find(|(name, arguments)| {
        *name == function.name && {
            let mut ahead = cursor.clone();
            constants(&mut ahead, arguments) && ahead.is_at_end()
        }
    });
    let Some((name, _)) = found else { return unlisted };
    let mut ahead = cursor.clone();
    ahead.sign(b'(');
    if *name == "set_config" && ahead.text().is_none_or(|setting| !setting.eq_ignore_ascii_case(b"search_path")) {
        return unlisted;
    }
    Judged::new(Class::Allowed, format!("SELECT {name}"))
}

fn constants(cursor: &mut Cursor<'_>, arguments: &str) -> bool {
    let mut first = true;
    cursor.sign(b'(')
        && arguments.chars().all(|argument| {
            let comma = std::mem::take(&mut first) || cursor.sign(b',');
            comma
                && match argument {
                    '\'' => cursor.text().is_some(),
                    's' => cursor.text().is_some() || serial(cursor),
                    '0' => cursor.text().is_some() || cursor.number(),
                    _ => cursor.one_of(&["true", "false"]).is_some() || cursor.text().is_some(),
                }
        })
        && cursor.sign(b')')
}

/// `pg_catalog.pg_get_serial_sequence('table', 'column')`, as PostgreSQL 8.0 and 8.1 write it.
fn serial(cursor: &mut Cursor<'_>) -> bool {
    let function = cursor.qualified();
    let known = function.is_some_and(|function| {
        function.name == "pg_get_serial_sequence" && function.schema.is_none_or(|schema| schema == "pg_catalog")
    });
    known && constants(cursor, "''")
}

/// What `--clean` writes for large objects; in a new database there are none.
fn unlinks(mut cursor: Cursor<'_>) -> bool {
    let mut unlinks = false;
    while let Some(token) = cursor.take() {
        match token {
            Token::Word(word) => {
                let known = [
                    &b"case"[..],
                    b"when",
                    b"exists",
                    b"select",
                    b"from",
                    b"pg_catalog",
                    b"where",
                    b"oid",
                    b"then",
                    b"end",
                ];
                let tables = [&b"pg_largeobject_metadata"[..], b"pg_largeobject", b"loid"];
                let is = |list: &[&[u8]]| list.iter().any(|known| word.eq_ignore_ascii_case(known));
                unlinks |= word.eq_ignore_ascii_case(b"lo_unlink");
                if !is(&known) && !is(&tables) && !word.eq_ignore_ascii_case(b"lo_unlink") {
                    return false;
                }
            }
            Token::Text(_) | Token::Number(_) | Token::Sign(b'(' | b')' | b'.') => {}
            Token::Operator(b"=") => {}
            _ => return false,
        }
    }
    unlinks
}

/// `SELECT * FROM pg_catalog.pg_restore_relation_stats('version', '180000'::integer, ...)`.
fn statistics(mut cursor: Cursor<'_>) -> bool {
    let named = cursor.words("from pg_catalog")
        && cursor.sign(b'.')
        && cursor
            .one_of(&["pg_restore_relation_stats", "pg_restore_attribute_stats", "pg_restore_extended_stats"])
            .is_some();
    if !named || !cursor.sign(b'(') {
        return false;
    }
    loop {
        let constant =
            cursor.text().is_some() || cursor.number() || cursor.one_of(&["true", "false", "null"]).is_some();
        if !constant {
            return false;
        }
        if cursor.sign(b':') {
            let kind = cursor.sign(b':') && cursor.qualified().is_some();
            cursor.words("precision");
            let array = !cursor.sign(b'[') || cursor.sign(b']');
            if !kind || !array {
                return false;
            }
        }
        if !cursor.sign(b',') {
            return cursor.sign(b')') && cursor.is_at_end();
        }
    }
}
