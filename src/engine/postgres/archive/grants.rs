//! Owners and privileges in an archive: what has to be said again once its objects are there. `pg_restore` says it only where
//! every role is there; we say what can be said, and tell the rest.

use super::entry::Entry;
use super::text;
use crate::engine::Grant;
use crate::engine::postgres::quote::{ident, literal};
use crate::engine::postgres::sql::{Cursor, Statements, Token};

/// Bytes of statements that are kept at most: 4 MiB.
const MOST: usize = 4 << 20;
/// Whom everything belongs to that is restored.
const SUPERUSER: &str = "postgres";

/// What was gathered.
#[derive(Debug, Default)]
pub(super) struct Grants {
    pub(super) kept: Vec<Grant>,
    bytes: usize,
}

impl Grants {
    /// Takes what `entry` says of an owner or of privileges. Beyond the bounds nothing is kept any more.
    pub(super) fn take(&mut self, entry: &Entry) {
        let grant = match entry.kind.as_slice() {
            b"ACL" | b"DEFAULT ACL" => Some(Grant {
                what: format!("privileges of {}", name(entry)),
                roles: named(entry.sql()),
                statement: text(entry.sql()),
            }),
            _ => owner(entry),
        };
        let Some(grant) = grant.filter(|grant| !grant.statement.trim().is_empty()) else { return };
        self.bytes += grant.statement.len() + grant.what.len();
        if self.bytes <= MOST {
            self.kept.push(grant);
        }
    }
}

fn name(entry: &Entry) -> String {
    let tag = text(&entry.tag);
    if entry.namespace.is_empty() { tag } else { format!("{tag} in {}", text(&entry.namespace)) }
}

/// Whose the object is that `entry` makes, where that is somebody else than whoever restores it.
fn owner(entry: &Entry) -> Option<Grant> {
    let kind = text(&entry.kind);
    let role = text(&entry.owner);
    let is_known = matches!(
        kind.as_str(),
        "TABLE"
            | "FOREIGN TABLE"
            | "VIEW"
            | "MATERIALIZED VIEW"
            | "SEQUENCE"
            | "SCHEMA"
            | "TYPE"
            | "DOMAIN"
            | "FUNCTION"
            | "PROCEDURE"
            | "AGGREGATE"
    );
    if !is_known || role.is_empty() || role == SUPERUSER {
        return None;
    }
    let tag = text(&entry.tag);
    // Of a function the tag has the arguments too, and those are quoted already.
    let (bare, arguments) = match kind.as_str() {
        "FUNCTION" | "PROCEDURE" | "AGGREGATE" => tag.split_at(tag.find('(')?),
        _ => (tag.as_str(), ""),
    };
    let schema = text(&entry.namespace);
    let schema = if schema.is_empty() { String::new() } else { format!("{}.", ident(&schema)) };
    let alter = format!("ALTER {kind} {schema}{}{arguments} OWNER TO {}", ident(bare), ident(&role));
    // A sequence that belongs to a column goes with its table, and refuses to go alone.
    let statement = match kind.as_str() {
        "SEQUENCE" => {
            format!("DO $$BEGIN EXECUTE {}; EXCEPTION WHEN feature_not_supported THEN NULL; END$$", literal(&alter))
        }
        _ => alter,
    };
    Some(Grant { what: format!("the owner of {}", name(entry)), roles: vec![role], statement })
}

/// The roles that these statements name, each once.
fn named(sql: &[u8]) -> Vec<String> {
    let mut roles = Vec::new();
    for statement in Statements::new(sql, false).flatten() {
        let mut cursor = Cursor::new(statement, false);
        while !cursor.is_at_end() {
            if ["to", "from", "for role", "session authorization"].iter().any(|words| cursor.words(words)) {
                loop {
                    let nobodys = cursor.one_of(&["public", "current_user", "session_user"]).is_some();
                    roles.extend((!nobodys).then(|| cursor.name()).flatten());
                    if cursor.peek() != Some(&Token::Sign(b',')) {
                        break;
                    }
                    cursor.take();
                }
            } else {
                cursor.take();
            }
        }
    }
    roles.sort_unstable();
    roles.dedup();
    roles
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn row_073_the_roles_of_privileges() {
        for (sql, roles) in [
            (
                "GRANT SELECT ON TABLE public.items TO reader;\nGRANT ALL ON TABLE public.items TO \"A, b\";\n",
                &["A, b", "reader"][..],
            ),
            ("REVOKE ALL ON SCHEMA public FROM PUBLIC;", &[]),
            (
                "GRANT SELECT(\"to\") ON TABLE t TO a WITH GRANT OPTION;\nSET SESSION AUTHORIZATION b;\nGRANT SELECT ON TABLE t TO c;\nRESET SESSION AUTHORIZATION;",
                &["a", "b", "c"],
            ),
            ("ALTER DEFAULT PRIVILEGES FOR ROLE own IN SCHEMA s GRANT SELECT ON TABLES TO x;", &["own", "x"]),
            ("REVOKE ALL ON FUNCTION f(a text, \"from\" int) FROM own;", &["own"]),
        ] {
            assert_eq!(named(sql.as_bytes()), roles, "{sql}");
        }
    }
}
