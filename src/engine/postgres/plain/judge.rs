//! What becomes of one statement of a plain dump: given to the server, left out of a restore, or looked at by a person
//! first because it makes the server run programs, read files or change itself.
//!
//! What is left out is what `pg_restore --no-owner --no-acl` leaves out of an archive: who owns what, who may do what,
//! and the database itself, which is made before. The roles are those of another server; without them none of it works.

use super::NoteKind;
use super::names::{after, name, perhaps};

/// What becomes of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Given,
    LeftOut,
    Noted(NoteKind),
}

/// Beginnings of statements about ownership, privileges and the database itself.
const LEFT_OUT: [&str; 9] = [
    "GRANT",
    "REVOKE",
    "ALTER DEFAULT PRIVILEGES",
    "SET SESSION AUTHORIZATION",
    "RESET SESSION AUTHORIZATION",
    "CREATE DATABASE",
    "ALTER DATABASE",
    "DROP DATABASE",
    "COMMENT ON DATABASE",
];
/// Languages whose functions may do whatever the server's system user may.
const UNTRUSTED: [&str; 8] = ["plpython3u", "plpython2u", "plpythonu", "plperlu", "pltclu", "plshu", "plsh", "c"];
/// Timeouts that `pg_dump` turns off; a server that does not know the newest of them would refuse it.
const TIMEOUTS: [&str; 4] =
    ["STATEMENT_TIMEOUT", "LOCK_TIMEOUT", "IDLE_IN_TRANSACTION_SESSION_TIMEOUT", "TRANSACTION_TIMEOUT"];
/// Longest COPY statement that is kept whole.
pub(super) const LONGEST: usize = 1024 * 1024;

/// Judges a statement of a dump; `before` says that it is `pg_dump`'s and that nothing was created yet.
pub(super) fn verdict(text: &[u8], bare: &[u8], before: bool) -> Verdict {
    match bare.first() {
        Some(b'C') if bare.starts_with(b"COPY") => copy(bare),
        _ if is_left_out(text, bare) || (before && is_clean(text, bare)) => Verdict::LeftOut,
        Some(b'C' | b'L' | b'A' | b'S') => system(text, bare).map_or(Verdict::Given, Verdict::Noted),
        _ => Verdict::Given,
    }
}

fn copy(bare: &[u8]) -> Verdict {
    let contains = |words: &str| memchr::memmem::find(bare, words.as_bytes()).is_some();
    if contains("FROM PROGRAM") || contains("TO PROGRAM") || bare.len() >= LONGEST - 1 {
        Verdict::Noted(NoteKind::CopyProgram)
    } else if contains(" FROM STDIN") || contains(" TO STDOUT") {
        Verdict::Given
    } else {
        Verdict::Noted(NoteKind::ServerFile)
    }
}

fn is_left_out(text: &[u8], bare: &[u8]) -> bool {
    if LEFT_OUT.iter().any(|words| after(bare, words).is_some()) {
        return true;
    }
    if let Some(rest) = after(bare, "SET") {
        let zero = bare.ends_with(b"= 0") || bare.ends_with(b"TO 0");
        return zero && TIMEOUTS.iter().any(|timeout| after(rest, timeout).is_some());
    }
    bare.starts_with(b"ALTER ") && is_owner(text, bare)
}

/// `ALTER ... OWNER TO role`, and nothing else in the same statement.
fn is_owner(text: &[u8], bare: &[u8]) -> bool {
    let Some(at) = memchr::memmem::rfind(bare, b" OWNER TO ") else { return false };
    let (mut depth, mut list) = (0u32, false);
    for byte in &bare[..at] {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => list = true,
            _ => {}
        }
    }
    let role = memchr::memmem::rfind(&text.to_ascii_uppercase(), b"OWNER TO").map(|at| &text[at + 8..]);
    !list && role.and_then(name).is_some_and(|(_, rest)| rest.trim_ascii().is_empty())
}

/// What `pg_dump --clean` writes before it creates anything: in a new database there is nothing to drop.
fn is_clean(text: &[u8], bare: &[u8]) -> bool {
    if let Some(rest) = after(text, "DROP SCHEMA") {
        // It is there from the beginning, and created again later.
        return name(perhaps(rest, "IF EXISTS")).is_none_or(|(name, _)| name.table != "public");
    }
    if bare.starts_with(b"SELECT PG_CATALOG.LO_UNLINK(") {
        return true;
    }
    let alters = bare.starts_with(b"ALTER ") && memchr::memmem::find(bare, b" DROP ").is_some();
    bare.starts_with(b"DROP ") || alters
}

fn system(text: &[u8], bare: &[u8]) -> Option<NoteKind> {
    if after(bare, "ALTER SYSTEM").is_some() || after(bare, "LOAD").is_some() {
        return Some(NoteKind::System);
    }
    let untrusted = |rest: &[u8]| {
        let rest = rest.trim_ascii_start();
        let rest = rest.strip_prefix(b"'").unwrap_or(rest);
        name(rest).is_some_and(|(name, _)| UNTRUSTED.contains(&name.table.as_str()))
    };
    if let Some(rest) = after(bare, "CREATE") {
        let kind = perhaps(rest, "OR REPLACE");
        if after(kind, "FUNCTION").is_some() || after(kind, "PROCEDURE").is_some() {
            let upper = text.to_ascii_uppercase();
            let mut places = memchr::memmem::find_iter(&upper, b"LANGUAGE").map(|at| &text[at + 8..]);
            return places.any(untrusted).then_some(NoteKind::Language);
        }
        let rest = after(text, "CREATE")?;
        let rest = perhaps(perhaps(perhaps(rest, "OR REPLACE"), "TRUSTED"), "PROCEDURAL");
        let named = after(rest, "EXTENSION").map(|rest| perhaps(rest, "IF NOT EXISTS")).or(after(rest, "LANGUAGE"));
        return named.is_some_and(untrusted).then_some(NoteKind::Language);
    }
    let files = ["LO_IMPORT(", "LO_EXPORT(", "PG_READ_FILE(", "PG_READ_BINARY_FILE(", "PG_LS_DIR("];
    let reads = bare.starts_with(b"SELECT") && files.iter().any(|f| memchr::memmem::find(bare, f.as_bytes()).is_some());
    reads.then_some(NoteKind::ServerFile)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str) -> Verdict {
        verdict(text.as_bytes(), text.to_ascii_uppercase().as_bytes(), false)
    }

    #[test]
    fn owners_and_privileges_are_left_out_and_nothing_else() {
        for text in [
            "ALTER TABLE public.a OWNER TO somebody",
            "ALTER FUNCTION f(integer, text) OWNER TO \"Some Body\"",
            "GRANT ALL ON TABLE a TO b",
            "ALTER DEFAULT PRIVILEGES FOR ROLE a GRANT ALL ON TABLES TO b",
            "CREATE DATABASE shop WITH TEMPLATE = template0",
            "SET transaction_timeout = 0",
        ] {
            assert_eq!(judged(text), Verdict::LeftOut, "{text}");
        }
        for text in [
            "ALTER TABLE a ADD COLUMN b integer, OWNER TO c",
            "ALTER TABLE a ADD COLUMN grants text",
            "SET statement_timeout = 5",
            "DROP TABLE a",
            "CREATE TABLE grant_all (a int)",
        ] {
            assert_eq!(judged(text), Verdict::Given, "{text}");
        }
        assert_eq!(verdict(b"DROP TABLE a", b"DROP TABLE A", true), Verdict::LeftOut);
        assert_eq!(verdict(b"DROP SCHEMA public", b"DROP SCHEMA PUBLIC", true), Verdict::Given);
    }

    #[test]
    fn fault_046_what_reaches_beyond_the_database_is_noted() {
        let noted = [
            ("CREATE FUNCTION f() RETURNS void AS $$ $$ LANGUAGE plpython3u", NoteKind::Language),
            ("CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE 'plperlu' AS ''", NoteKind::Language),
            ("CREATE FUNCTION f() RETURNS int AS 'libc.so', 'system' LANGUAGE C", NoteKind::Language),
            ("CREATE EXTENSION IF NOT EXISTS plpython3u", NoteKind::Language),
            ("CREATE TRUSTED PROCEDURAL LANGUAGE plperlu", NoteKind::Language),
            ("COPY a FROM '/etc/passwd'", NoteKind::ServerFile),
            ("SELECT lo_import('/etc/passwd')", NoteKind::ServerFile),
            ("ALTER SYSTEM SET archive_command = 'id'", NoteKind::System),
            ("LOAD 'evil'", NoteKind::System),
            ("COPY a TO PROGRAM 'id'", NoteKind::CopyProgram),
        ];
        for (text, kind) in noted {
            assert_eq!(judged(text), Verdict::Noted(kind), "{text}");
        }
        for text in [
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS ''",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END",
            "CREATE EXTENSION citext",
            "COPY a (b) FROM stdin",
        ] {
            assert_eq!(judged(text), Verdict::Given, "{text}");
        }
    }
}
