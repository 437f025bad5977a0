//! Sessions of ours in a database that is being filled: whatever the server, a role or a database is set to, nothing ends
//! them or changes what they read.

use super::quote::{ident, literal};

/// What `pg_dump` sets for itself, and everything else of that kind. Which of them a server knows depends on its version.
const OURS: [(&str, &str); 13] = [
    ("array_nulls", "on"),
    ("default_tablespace", ""),
    ("default_transaction_deferrable", "off"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "off"),
    ("idle_in_transaction_session_timeout", "0"),
    ("idle_session_timeout", "0"),
    ("lock_timeout", "0"),
    ("session_replication_role", "origin"),
    ("statement_timeout", "0"),
    ("transaction_timeout", "0"),
    ("transform_null_equals", "off"),
    ("xmloption", "content"),
];

/// The statement that keeps a session of ours from being ended while it waits for its next statement, or by the length of
/// a transaction: settings that only some versions know.
pub(super) const UNLIMITED: &str = "DO $$BEGIN PERFORM pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings \
    WHERE name IN ('idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout'); END$$";

/// The statement that makes all sessions in `database`, which is new, such sessions; those of the superuser too, for whom the
/// server may have settings of its own. Until [`unshield`].
pub(super) fn shield(database: &str) -> String {
    let values: Vec<String> =
        OURS.iter().map(|(name, value)| format!("({}, {})", literal(name), literal(value))).collect();
    let name = literal(database);
    format!(
        "DO $$DECLARE s record; BEGIN \
         FOR s IN SELECT v.name, v.value FROM (VALUES {}) v(name, value) JOIN pg_settings p ON p.name = v.name LOOP \
           EXECUTE format('ALTER DATABASE %I SET %I TO %L', {name}, s.name, s.value); \
           EXECUTE format('ALTER ROLE %I IN DATABASE %I SET %I TO %L', current_user, {name}, s.name, s.value); \
         END LOOP; END$$",
        values.join(", ")
    )
}

/// The statements that take that back, before the database gets settings of its own.
pub(super) fn unshield(database: &str) -> [String; 2] {
    let quoted = ident(database);
    [format!("ALTER DATABASE {quoted} RESET ALL"), format!("ALTER ROLE CURRENT_USER IN DATABASE {quoted} RESET ALL")]
}
