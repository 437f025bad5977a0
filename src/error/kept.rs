//! What a program says of its failure may hold a row of somebody's data: the key that exists already, the line that was
//! being copied, a value that did not fit. A terminal may show that once; a record, a log, a notice and an answer for
//! programs never do. What is kept is what went wrong and where, in names only.

use super::values;

/// What a label at the beginning of a line says of the words behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    /// What went wrong: kept without values.
    Wrong,
    /// What to do about it: kept without values.
    Hint,
    /// Rows, statements, whatever the data or the dump's own code says: left out.
    Data,
}

/// Labels of PostgreSQL's server and programs, of MySQL's and of MariaDB's.
const LABELS: &[(&str, Says)] = &[
    ("ERROR:", Says::Wrong),
    ("FATAL:", Says::Wrong),
    ("PANIC:", Says::Wrong),
    ("WARNING:", Says::Wrong),
    ("error:", Says::Wrong),
    ("fatal:", Says::Wrong),
    ("warning:", Says::Wrong),
    ("HINT:", Says::Hint),
    ("hint:", Says::Hint),
    ("DETAIL:", Says::Data),
    ("detail:", Says::Data),
    ("CONTEXT:", Says::Data),
    ("QUERY:", Says::Data),
    ("STATEMENT:", Says::Data),
    ("Command was:", Says::Data),
    ("NOTICE:", Says::Data),
    ("INFO:", Says::Data),
    ("LOG:", Says::Data),
    ("DEBUG:", Says::Data),
    ("LOCATION:", Says::Data),
];
/// Programs of databases, which begin their lines with their name.
const PROGRAMS: &[&str] = &["pg_dump: ", "pg_restore: ", "psql: "];
/// Stands where the dump's own code spoke.
const SPOKEN: &str = "(what the database's own function says is left out)";
/// The first line of what was too long to be kept whole.
pub const CUT: &str = "... (what came before is left out)";

/// What of `text`, a program's words, may be stored or sent.
pub fn kept(text: &str) -> String {
    let mut lines: Vec<(Says, String)> = Vec::new();
    // Behind a label, words without one belong to it: a value may have many lines. So does what was cut off in its middle.
    let mut labelled = false;
    for line in text.lines() {
        if line == CUT {
            labelled = true;
            lines.push((Says::Wrong, line.to_owned()));
            continue;
        }
        match label(line) {
            Some((_, Says::Data, said)) => {
                labelled = true;
                if is_spoken(said) {
                    silence(&mut lines);
                }
            }
            Some((before, says, said)) => {
                labelled = true;
                lines.push((says, format!("{before}{}", values::without(said))));
            }
            None if is_mysql(line) => {
                labelled = true;
                lines.push((Says::Wrong, values::without_mysql(line)));
            }
            None if PROGRAMS.iter().any(|name| line.starts_with(name)) || line.starts_with(" !     ") => {
                lines.push((Says::Hint, values::without(line)));
            }
            // `psql` says where it is; what follows is in a language that is not known here.
            None if line.starts_with("psql:") => labelled = true,
            // A server's log begins with one what belongs to the line before, which may be cut off.
            None if labelled || line.starts_with('\t') => {}
            None => lines.push((Says::Hint, values::without_documents(line))),
        }
    }
    let end = if text.ends_with('\n') { "\n" } else { "" };
    lines.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n") + end
}

/// The first label of the line: what stands before it, with it, what it says, and the words behind.
fn label(line: &str) -> Option<(&str, Says, &str)> {
    let found = LABELS.iter().filter_map(|(label, says)| {
        let at =
            line.match_indices(label).map(|(at, _)| at).find(|at| begins(line, *at) && ends(line, at + label.len()))?;
        Some((at, at + label.len(), *says))
    });
    let query = line.starts_with("LINE ").then_some((0, 0, Says::Data));
    let (_, end, says) = found.chain(query).min()?;
    Some((&line[..end], says, &line[end..]))
}

fn begins(line: &str, at: usize) -> bool {
    at == 0 || line[..at].ends_with(char::is_whitespace)
}

fn ends(line: &str, at: usize) -> bool {
    line[at..].is_empty() || line[at..].starts_with(char::is_whitespace)
}

/// `ERROR 1062 (23000) at line 7: ...`
fn is_mysql(line: &str) -> bool {
    line.split_once("ERROR ").is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether a context is that of code which chooses its words itself.
fn is_spoken(context: &str) -> bool {
    let context = context.trim_start();
    let raises = context.contains(" at RAISE") || context.contains(" at ASSERT");
    raises || context.starts_with("PL/") && !context.starts_with("PL/pgSQL")
}

/// Takes back the words of the error that the last line belongs to.
fn silence(lines: &mut [(Says, String)]) {
    for (says, line) in lines.iter_mut().rev() {
        if let Some((before, ..)) = label(line) {
            *line = format!("{before} {SPOKEN}");
        }
        if *says == Says::Wrong {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CUT, kept};

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
            (
                "ERROR:  value \"secret\" is out of range for type integer",
                "ERROR:  value \"********\" is out of range for type integer",
            ),
            ("psql:<stdin>:7: error: invalid command \\secret", "psql:<stdin>:7: error: invalid command \\********"),
            ("psql:<stdin>:7: FEHLER:  »secret« passt nicht\nKONTEXT:  COPY c: secret", ""),
            (
                "ERROR:  secret is no name\nHINT:  secret\nCONTEXT:  PL/pgSQL function f() line 1 at RAISE\nsecret",
                "ERROR: (what the database's own function says is left out)\nHINT: (what the database's own function says is left out)",
            ),
            (
                "ERROR:  syntax error at or near \"secret\"\nLINE 1: secret\n        ^",
                "ERROR:  syntax error at or near \"********\"",
            ),
            (
                "ERROR 1062 (23000) at line 5: Duplicate entry 'it's secret' for key 'users.email'",
                "ERROR 1062 (23000) at line 5: Duplicate entry '********' for key 'users.email'",
            ),
            ("ERROR 1146 (42S02): Table 'a.b' doesn't exist", "ERROR 1146 (42S02): Table 'a.b' doesn't exist"),
            (
                "E11000 duplicate key error collection: a.b index: c dup key: { c: \"secret\" }",
                "E11000 duplicate key error collection: a.b index: c dup key: ********",
            ),
            (" !     Postgres service nosuch does not exist\n", " !     Postgres service nosuch does not exist\n"),
            (
                "Unable to find image 'postgres:99' locally\nno \"such\" thing",
                "Unable to find image 'postgres:99' locally\nno \"such\" thing",
            ),
        ];
        for (said, expected) in cases {
            assert_eq!(kept(said), expected);
        }
        assert_eq!(kept("\tVALUES ('secret')\n2026 UTC [1] LOG:  x\n2026 UTC [1] FATAL:  y"), "2026 UTC [1] FATAL:  y");
        assert_eq!(kept(&format!("{CUT}\nsecret\nERROR:  x")), format!("{CUT}\nERROR:  x"));
    }
}
