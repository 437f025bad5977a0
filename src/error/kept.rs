//! What a program says of its failure may hold a row of somebody's data: the key that exists already, the line that was
//! being copied, a value that did not fit. A terminal may show that once; a record, a log, a notice and an answer for
//! programs never do. What is kept is what went wrong and where, in names only.

use std::sync::OnceLock;

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

/// Labels that servers and their programs begin a line with.
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

/// How the programs of one datastore speak, beyond the labels that all have.
#[derive(Debug)]
pub struct Speech {
    /// What its programs begin their lines with: their names, as in `NAME: `.
    pub programs: &'static [&'static str],
    /// What stands before a place in the input; what follows without a label is in a language that is not known here.
    pub places: &'static [&'static str],
    /// Whether the words behind a label say that code of the dump's own spoke, which chooses its words itself.
    pub is_spoken: fn(&str) -> bool,
}

/// Of every datastore there is, from the moment the process has begun.
static SPEECHES: OnceLock<Vec<&'static Speech>> = OnceLock::new();

/// Makes known how the programs of the datastores speak: once, before any of them is started.
pub fn learn(speeches: Vec<&'static Speech>) {
    let _ = SPEECHES.set(speeches);
}

/// Stands where the dump's own code spoke.
const SPOKEN: &str = "(what the database's own function says is left out)";
/// The first line of what was too long to be kept whole.
pub const CUT: &str = "... (what came before is left out)";

/// What of `text`, a program's words, may be stored or sent.
pub fn kept(text: &str) -> String {
    kept_of(SPEECHES.get().map_or(&[], Vec::as_slice), text)
}

/// The same where programs speak like these.
pub fn kept_of(speeches: &[&Speech], text: &str) -> String {
    let begins = |list: fn(&Speech) -> &'static [&'static str], line: &str| {
        speeches.iter().any(|speech| list(speech).iter().any(|beginning| line.starts_with(beginning)))
    };
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
                if speeches.iter().any(|speech| (speech.is_spoken)(said)) {
                    silence(&mut lines);
                }
            }
            Some((before, says, said)) => {
                labelled = true;
                lines.push((says, format!("{before}{}", values::without(said))));
            }
            None if is_numbered(line) => {
                labelled = true;
                lines.push((Says::Wrong, values::without_quoted(line)));
            }
            None if begins(|speech| speech.programs, line) || line.starts_with(" !     ") => {
                lines.push((Says::Hint, values::without(line)));
            }
            None if begins(|speech| speech.places, line) => labelled = true,
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
fn is_numbered(line: &str) -> bool {
    line.split_once("ERROR ").is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()))
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
                "ERROR:  value \"secret\" is out of range for type integer",
                "ERROR:  value \"********\" is out of range for type integer",
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
