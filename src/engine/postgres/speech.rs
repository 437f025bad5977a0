//! How PostgreSQL's programs speak of a failure: what of it may be kept depends on who says it.

use crate::error::Speech;

/// Its client programs, as `docker exec` hands their words on.
pub const SPEECH: Speech = Speech { programs: &["pg_dump: ", "pg_restore: ", "psql: "], places: &["psql:"], is_spoken };

/// Whether a context is that of code which chooses its words itself.
fn is_spoken(context: &str) -> bool {
    let context = context.trim_start();
    let raises = context.contains(" at RAISE") || context.contains(" at ASSERT");
    raises || context.starts_with("PL/") && !context.starts_with("PL/pgSQL")
}

#[cfg(test)]
mod tests {
    use super::SPEECH;
    use crate::error::kept_of;

    #[test]
    fn attack_422_what_is_kept_holds_no_value() {
        let cases = [
            (
                "pg_restore: error: COPY failed for table \"c\": ERROR:  duplicate key value violates unique constraint \"c_pkey\"\n\
                 DETAIL:  Key (email)=(secret@x) already exists.\nCONTEXT:  COPY c, line 1\n",
                "pg_restore: error: COPY failed for table \"c\": ERROR:  duplicate key value violates unique constraint \"c_pkey\"\n",
            ),
            (
                "psql:<stdin>:9: ERROR:  invalid input syntax for type integer: \"secret\nsecret\"\n\
                 CONTEXT:  COPY c, line 1, column a: \"secret\"\nsecret\nHINT:  look at the column \"a\"",
                "psql:<stdin>:9: ERROR:  invalid input syntax for type integer: \"********\nHINT:  look at the column \"a\"",
            ),
            (
                "psql:<stdin>:9: ERROR:  invalid input value for enum m: \"a\" column \"secret\"",
                "psql:<stdin>:9: ERROR:  invalid input value for enum m: \"********\"",
            ),
            ("psql:<stdin>:7: error: invalid command \\secret", "psql:<stdin>:7: error: invalid command \\********"),
            ("psql:<stdin>:7: FEHLER:  »secret« passt nicht\nKONTEXT:  COPY c: secret", ""),
            (
                "ERROR:  secret is no name\nHINT:  secret\nCONTEXT:  PL/pgSQL function f() line 1 at RAISE\nsecret",
                "ERROR: (what the database's own function says is left out)\nHINT: (what the database's own function says is left out)",
            ),
        ];
        for (said, expected) in cases {
            assert_eq!(kept_of(&[&SPEECH], said), expected);
        }
    }
}
