//! The objects of an archive, each with a hash of its definition in a form that dumps of equal databases share.
//!
//! A server writes an expression out again as it understood it, which is not always as it was written: after a restore
//! `x::text = ANY ((ARRAY['a'::varchar])::text[])` reads `x::text = ANY (ARRAY[('a'::varchar)::text])`. So in such a list and
//! right around it casts and parentheses do not count; everywhere else they do. A table that inherits gets its parent's
//! columns first, so the order of its columns does not count, nor does that of the roles of a policy.

use sha2::{Digest, Sha256};

use super::entry::Entry;
use super::text;
use crate::engine::Object;

/// Kinds that are no objects of the database, or are compared otherwise: settings of the dump, what is about roles and the
/// database itself, which no restore takes over, rows and large objects, and statistics.
const NOT_COMPARED: [&[u8]; 14] = [
    b"ACL",
    b"BLOB",
    b"BLOB METADATA",
    b"BLOBS",
    b"BLOB COMMENTS",
    b"DATABASE",
    b"DATABASE PROPERTIES",
    b"DEFAULT ACL",
    b"ENCODING",
    b"SEARCHPATH",
    b"STATISTICS DATA",
    b"STDSTRINGS",
    b"ACL LANGUAGE",
    b"TABLESPACE",
];

/// The object that `entry` is; none where it is not compared. `left_out`: a restore by a role without privileges does not
/// make it as it stands.
pub(super) fn object(entry: &Entry, left_out: bool) -> Option<Object> {
    let is_public = entry.kind == b"SCHEMA" && entry.tag == b"public";
    // Comments and labels of the database itself, and of what every database has.
    let is_of_the_database = matches!(entry.kind.as_slice(), b"COMMENT" | b"SECURITY LABEL")
        && (entry.tag.starts_with(b"DATABASE ") || entry.tag == b"SCHEMA public" || entry.tag == b"EXTENSION plpgsql");
    if NOT_COMPARED.contains(&entry.kind.as_slice()) || is_public || is_of_the_database {
        return None;
    }
    let definition = if entry.kind == b"TABLE DATA" { entry.copy.as_deref().unwrap_or_default() } else { entry.sql() };
    Some(Object {
        kind: text(&entry.kind),
        schema: text(&entry.namespace),
        name: text(&entry.tag),
        definition: Sha256::digest(normal(&entry.kind, definition)).into(),
        left_out,
    })
}

/// `definition` of an object of this kind without what does not count.
fn normal(kind: &[u8], definition: &[u8]) -> Vec<u8> {
    // Each column of a table that inherits is a line, and the last one has no comma.
    if memchr::memmem::find(definition, b"INHERITS (").is_some() {
        let line = |line: &[u8]| written(line.strip_suffix(b",").unwrap_or(line));
        let mut lines: Vec<Vec<u8>> = definition.split(|byte| *byte == b'\n').map(line).collect();
        lines.sort();
        return lines.join(&b'\n');
    }
    if kind == b"POLICY" {
        // Roles come in the order in which a server has them.
        let ends = [&b" USING ("[..], b" WITH CHECK ("].map(|word| memchr::memmem::find(definition, word));
        let end = ends.into_iter().flatten().min().unwrap_or(definition.len());
        let mut words = words(&definition[..end]);
        let from = words.iter().position(|word| word == b"TO").unwrap_or(words.len());
        words[from..].sort();
        return [words.join(&b' '), written(&definition[end..])].concat();
    }
    written(definition)
}

/// The word that begins a list.
const LIST: &[u8] = b"ARRAY[";

/// An expression as it is, but for its lists: those lose the casts and parentheses within and right around them.
fn written(sql: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(sql.len());
    if memchr::memmem::find(sql, LIST).is_none() {
        out.extend(sql);
        return out;
    }
    let mut at = 0;
    while at < sql.len() {
        if !sql[at..].starts_with(LIST) {
            let end = behind_word(sql, at);
            out.extend(&sql[at..end]);
            at = end;
            continue;
        }
        let end = behind_list(sql, at + LIST.len());
        let list = words(&sql[at..end]).join(&b' ');
        let opened = out.iter().rev().take_while(|byte| **byte == b'(').count();
        out.truncate(out.len() - opened);
        let mut open = opened;
        at = end;
        loop {
            if open > 0 && sql.get(at) == Some(&b')') {
                (at, open) = (at + 1, open - 1);
            } else if sql[at..].starts_with(b"::") {
                at = behind_type(sql, at + 2);
            } else {
                break;
            }
        }
        // Those that close further on are around more than the list.
        out.resize(out.len() + open, b'(');
        out.extend(list);
    }
    out
}

/// Behind the bracket that closes the list whose first element begins at `at`.
fn behind_list(sql: &[u8], mut at: usize) -> usize {
    let mut depth = 1;
    while at < sql.len() && depth > 0 {
        match sql[at] {
            b'[' => depth += 1,
            b']' => depth -= 1,
            _ => {}
        }
        at = behind_word(sql, at);
    }
    at
}

/// The words of SQL, without casts and parentheses.
fn words(sql: &[u8]) -> Vec<Vec<u8>> {
    let (mut words, mut at) = (Vec::new(), 0);
    while let Some(byte) = sql.get(at) {
        match byte {
            b' ' | b'\n' | b'\t' | b'\r' | b'(' | b')' => at += 1,
            b':' if sql[at..].starts_with(b"::") => at = behind_type(sql, at + 2),
            _ => {
                let end = behind_word(sql, at);
                words.push(sql[at..end].to_vec());
                at = end;
            }
        }
    }
    words
}

/// Behind the word that begins at `at`: text in quotes, a name, a number or a sign.
fn behind_word(sql: &[u8], at: usize) -> usize {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$') || *byte >= 0x80;
    match sql[at] {
        quote @ (b'\'' | b'"') => behind_quote(sql, at, quote),
        b'$' => behind_dollars(sql, at).unwrap_or(at + 1),
        byte if is_name(&byte) => at + sql[at..].iter().take_while(|byte| is_name(byte)).count(),
        _ => at + 1,
    }
}

/// Behind a text in quotes. A doubled quote in it goes on as a text of its own, which is the same.
fn behind_quote(sql: &[u8], at: usize, quote: u8) -> usize {
    memchr::memchr(quote, &sql[at + 1..]).map_or(sql.len(), |length| at + 1 + length + 1)
}

/// Behind `$tag$ ... $tag$`; none where no such text begins.
fn behind_dollars(sql: &[u8], at: usize) -> Option<usize> {
    let tag = memchr::memchr(b'$', &sql[at + 1..])? + 2;
    let quote = &sql[at..at + tag];
    if !quote[1..tag - 1].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
        return None;
    }
    let length = memchr::memmem::find(&sql[at + tag..], quote)?;
    Some(at + tag + length + tag)
}

/// Words that belong to a type's name behind its first one.
const OF_TYPES: [&[u8]; 7] = [b"varying", b"precision", b"with", b"without", b"time", b"zone", b"year"];

/// Behind the name of a type that begins at `at`: `pg_catalog."X"`, `character varying(20)[]`, `timestamp with time zone`.
fn behind_type(sql: &[u8], mut at: usize) -> usize {
    let blank = |at: usize| at + sql[at..].iter().take_while(|byte| **byte == b' ').count();
    at = blank(at);
    loop {
        if at >= sql.len() {
            return at;
        }
        at = behind_word(sql, at);
        if sql.get(at) == Some(&b'.') && sql.get(at + 1) == Some(&b'"') {
            at += 1;
        } else if sql.get(at - 1) != Some(&b'.') || sql.get(at) != Some(&b'"') {
            break;
        }
    }
    loop {
        let next = blank(at);
        let Some(byte) = sql.get(next) else { return at };
        let end = behind_word(sql, next);
        match byte {
            b'(' | b'[' => {
                let close = if *byte == b'(' { b')' } else { b']' };
                let inner = sql[next + 1..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b',').count();
                if sql.get(next + 1 + inner) != Some(&close) {
                    return at;
                }
                at = next + inner + 2;
            }
            _ if OF_TYPES.contains(&&sql[next..end]) => at = end,
            _ => return at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn expressions_are_the_same_however_a_server_writes_them() {
        for (one, other) in [
            (
                "CHECK (((x)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))",
                "CHECK (((x)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))",
            ),
            (
                "CHECK (((a OR (x = ANY ((ARRAY['p'::text])::text[]))) AND b))",
                "CHECK (((a OR (x = ANY (ARRAY['p'::text]))) AND b))",
            ),
            (
                "CREATE TABLE c (\n    b int,\n    a int\n)\nINHERITS (p);",
                "CREATE TABLE c (\n    a int,\n    b int\n)\nINHERITS (p);",
            ),
        ] {
            assert_eq!(normal(b"TABLE", one.as_bytes()), normal(b"TABLE", other.as_bytes()), "{one}");
        }
        for (one, other) in [
            ("CHECK (x = 'a')", "CHECK (x = 'b')"),
            ("SELECT 'a::text'", "SELECT 'a'"),
            ("AS $_$ (a) $_$", "AS $_$ a $_$"),
            ("SELECT ' ('", "SELECT ' '"),
            ("DEFAULT 1", "DEFAULT 2"),
            ("a int, b int", "b int, a int"),
            ("CREATE TABLE c (a int)\nINHERITS (p);", "CREATE TABLE c (a int NOT NULL)\nINHERITS (p);"),
            ("x = 1 AND y", "x = 1 OR y"),
            ("CHECK ((a OR b) AND c)", "CHECK (a OR (b AND c))"),
            ("SELECT x::date", "SELECT x"),
            ("CHECK (((a OR (x = ANY (ARRAY[1]))) AND b))", "CHECK ((a OR ((x = ANY (ARRAY[1])) AND b)))"),
            ("CHECK ((x)::date = ANY (ARRAY[d]))", "CHECK (x = ANY (ARRAY[d]))"),
            ("CHECK (((ARRAY[1] || b) = c))", "CHECK ((ARRAY[1] || (b = c)))"),
            ("CHECK (x = ANY (ARRAY[1, 2]))", "CHECK (x = ANY (ARRAY[1, 3]))"),
            ("CHECK (x = ANY (ARRAY[1])) -- (a)", "CHECK (x = ANY (ARRAY[1])) -- a"),
            ("SELECT 'ARRAY[(a)]'", "SELECT 'ARRAY[a]'"),
            ("\"A b\"", "\"a b\""),
        ] {
            assert_ne!(normal(b"TABLE", one.as_bytes()), normal(b"TABLE", other.as_bytes()), "{one}");
        }
        let policy = |sql: &str| normal(b"POLICY", sql.as_bytes());
        let one = policy("CREATE POLICY p ON t TO a, \"B c\" USING (x > 1);");
        assert_eq!(one, policy("CREATE POLICY p ON t TO \"B c\", a USING (x > 1);"));
        assert_ne!(one, policy("CREATE POLICY p ON t TO \"B c\", b USING (x > 1);"));
        for odd in [
            "::",
            "x::",
            "'",
            "$$",
            "$a$ b",
            "a::\"",
            "::.",
            "x::t(",
            "x::t.\"",
            ":",
            "::.\"",
            "ARRAY[",
            "ARRAY['",
            "((ARRAY[]::",
            "ARRAY[[]",
        ] {
            normal(b"TABLE", odd.as_bytes());
        }
    }
}
