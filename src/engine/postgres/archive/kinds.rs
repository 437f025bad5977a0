//! The kinds of entries that `pg_dump` of PostgreSQL 8.0 to 18 writes, and the statements that each carries.

/// How the definition of an entry is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Statements.
    Sql,
    /// Nothing but a comment: what matters are its data.
    Data,
    Encoding,
    Strings,
    SearchPath,
    /// Not restored: owners and privileges, and the database itself.
    LeftOut,
    /// Numbers of large objects, one a line.
    Numbers,
}

/// How an entry's definition is read.
pub(super) fn kind(kind: &[u8]) -> Kind {
    match kind {
        b"ENCODING" => Kind::Encoding,
        b"STDSTRINGS" => Kind::Strings,
        b"SEARCHPATH" => Kind::SearchPath,
        b"ACL" | b"ACL LANGUAGE" | b"DEFAULT ACL" | b"DATABASE" | b"DATABASE PROPERTIES" => Kind::LeftOut,
        b"BLOB METADATA" => Kind::Numbers,
        b"TABLE DATA" | b"BLOBS" | b"BLOB COMMENTS" => Kind::Data,
        _ => Kind::Sql,
    }
}

/// What entries of each kind carry, as [`Judged::does`](crate::engine::postgres::sql::Judged) says it; with ` *` what
/// begins so.
const CARRIED: [(&str, &[&str]); 51] = [
    ("ACCESS METHOD", &["CREATE ACCESS METHOD"]),
    ("AGGREGATE", &["CREATE AGGREGATE"]),
    ("BLOB", &["SELECT lo_create"]),
    ("CAST", &["CREATE CAST"]),
    ("CHECK CONSTRAINT", &["ALTER TABLE", "ALTER DOMAIN"]),
    ("COLLATION", &["CREATE COLLATION"]),
    ("COMMENT", &["COMMENT"]),
    ("CONSTRAINT", &["ALTER TABLE", "ALTER DOMAIN", "ALTER INDEX"]),
    ("CONVERSION", &["CREATE CONVERSION"]),
    ("DEFAULT", &["ALTER TABLE", "ALTER FOREIGN TABLE", "ALTER VIEW"]),
    ("DOMAIN", &["CREATE DOMAIN", "ALTER DOMAIN"]),
    ("EVENT TRIGGER", &["CREATE EVENT TRIGGER", "ALTER EVENT TRIGGER"]),
    ("EXTENSION", &["CREATE EXTENSION"]),
    ("FK CONSTRAINT", &["ALTER TABLE"]),
    ("FOREIGN DATA WRAPPER", &["CREATE FOREIGN DATA WRAPPER"]),
    ("FOREIGN SERVER", &["CREATE SERVER"]),
    ("FOREIGN TABLE", &["CREATE FOREIGN TABLE", "ALTER FOREIGN TABLE", "ALTER TABLE"]),
    ("FUNCTION", &["CREATE FUNCTION *", "ALTER FUNCTION"]),
    ("INDEX", &["CREATE INDEX *", "ALTER INDEX", "ALTER TABLE"]),
    ("INDEX ATTACH", &["ALTER INDEX"]),
    ("LANGUAGE", &["CREATE LANGUAGE"]),
    ("MATERIALIZED VIEW", &["CREATE MATERIALIZED VIEW", "ALTER MATERIALIZED VIEW", "ALTER TABLE"]),
    ("MATERIALIZED VIEW DATA", &["REFRESH"]),
    ("OPERATOR", &["CREATE OPERATOR", "ALTER OPERATOR"]),
    ("OPERATOR CLASS", &["CREATE OPERATOR CLASS"]),
    ("OPERATOR FAMILY", &["CREATE OPERATOR FAMILY", "ALTER OPERATOR FAMILY"]),
    ("POLICY", &["CREATE POLICY"]),
    ("PROCEDURAL LANGUAGE", &["CREATE LANGUAGE"]),
    ("PROCEDURE", &["CREATE PROCEDURE *", "ALTER PROCEDURE"]),
    ("PUBLICATION", &["CREATE PUBLICATION"]),
    ("PUBLICATION TABLE", &["ALTER PUBLICATION"]),
    ("PUBLICATION TABLES IN SCHEMA", &["ALTER PUBLICATION"]),
    ("ROW SECURITY", &["ALTER TABLE", "CREATE POLICY"]),
    ("RULE", &["CREATE RULE", "ALTER TABLE", "CREATE VIEW"]),
    ("SCHEMA", &["CREATE SCHEMA"]),
    // Ours: `pg_restore` does not know it, and sends what it says.
    ("SCHEMA IF NOT EXISTS", &["CREATE SCHEMA"]),
    ("SECURITY LABEL", &["SECURITY LABEL"]),
    ("SEQUENCE", &["CREATE SEQUENCE", "ALTER SEQUENCE", "ALTER TABLE"]),
    ("SEQUENCE OWNED BY", &["ALTER SEQUENCE"]),
    ("SEQUENCE SET", &["SELECT setval"]),
    ("SERVER", &["CREATE SERVER"]),
    ("SHELL TYPE", &["CREATE TYPE"]),
    ("STATISTICS", &["CREATE STATISTICS", "ALTER STATISTICS"]),
    ("STATISTICS DATA", &["SELECT statistics"]),
    ("SUBSCRIPTION", &["CREATE SUBSCRIPTION"]),
    ("TABLE", &["CREATE TABLE", "ALTER TABLE"]),
    ("TABLE ATTACH", &["ALTER TABLE"]),
    ("TRIGGER", &["CREATE TRIGGER", "ALTER TABLE", "ALTER TRIGGER"]),
    ("TYPE", &["CREATE TYPE", "ALTER TYPE"]),
    ("USER MAPPING", &["CREATE USER MAPPING"]),
    ("VIEW", &["CREATE VIEW", "CREATE TABLE", "ALTER TABLE", "ALTER VIEW"]),
];

/// Whether entries of `kind` carry statements that do this.
pub(super) fn carries(kind: &[u8], does: &str) -> bool {
    if let Some(object) = kind.strip_prefix(b"TEXT SEARCH ") {
        let object = std::str::from_utf8(object).unwrap_or_default();
        let rest = does.strip_prefix("CREATE TEXT SEARCH ").or_else(|| does.strip_prefix("ALTER TEXT SEARCH "));
        return rest == Some(object);
    }
    if kind == b"TRANSFORM" {
        return does == "CREATE TRANSFORM";
    }
    let found = CARRIED.iter().find(|(known, _)| known.as_bytes() == kind);
    found.is_some_and(|(_, carried)| {
        carried.iter().any(|known| match known.strip_suffix(" *") {
            Some(start) => does == start || does.strip_prefix(start).is_some_and(|rest| rest.starts_with(' ')),
            None => does == *known,
        })
    })
}
