//! Writes the man page to stdout, from the same grammar the program parses with: `make man`.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)] // It is a tool for the repository, not the program.

use std::error::Error;
use std::io::Write;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use dokku_backups::error::Kind;
use dokku_backups::verbs;

const TITLE: &str =
    concat!(".TH dokku-backups 1 \"\" \"dokku-backups ", env!("CARGO_PKG_VERSION"), "\" \"Dokku plugins\"");

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    out.write_all(&page()?)?;
    Ok(())
}

/// The page, in roff.
pub fn page() -> Result<Vec<u8>, Box<dyn Error>> {
    let mut page = Vec::new();
    let mut head = Roff::new();
    head.control("SH", ["NAME"]);
    head.text([roman("dokku-backups - backups of Dokku services that are checked, listed and restored")]);
    head.control("SH", ["SYNOPSIS"]);
    head.text([bold("dokku backups:"), roman("VERB [ARGUMENTS]")]);
    head.control("SH", ["DESCRIPTION"]);
    for paragraph in DESCRIPTION {
        head.text([roman(*paragraph)]);
        head.control("PP", []);
    }
    head.control("SH", ["VERBS"]);
    head.to_writer(&mut page)?;
    for verb in verbs::commands() {
        write_verb(&mut page, &verb)?;
    }
    let mut tail = Roff::new();
    tail.control("SH", ["EXIT STATUS"]);
    entries(&mut tail, &exit_codes());
    tail.control("SH", ["ENVIRONMENT"]);
    entries(&mut tail, &own(ENVIRONMENT));
    tail.control("SH", ["FILES"]);
    entries(&mut tail, &own(FILES));
    tail.control("SH", ["SEE ALSO"]);
    tail.text([bold("pg_restore"), roman("(1), "), bold("pg_dump"), roman("(1), dokku backups:help")]);
    tail.to_writer(&mut page)?;
    // Every piece begins with the same two lines that define the apostrophe; the page needs them once.
    let text = String::from_utf8(page)?;
    let (preamble, text): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with(".ie ") || line.starts_with(".el "));
    let lines = preamble.into_iter().take(2).chain([TITLE]).chain(text);
    Ok(lines.flat_map(|line| [line, "\n"]).collect::<String>().into_bytes())
}

/// One verb: its usage, what it does, its options and its examples, as a subsection.
fn write_verb(page: &mut Vec<u8>, verb: &Command) -> Result<(), Box<dyn Error>> {
    let name = format!("backups:{}", verb.get_name());
    let verb = verb.clone().mut_arg("help", |help| help.hide(true));
    let mut head = Roff::new();
    head.control("SS", [name.as_str()]);
    let usage = verb.clone().render_usage().to_string();
    head.text([bold(usage.trim_start_matches("Usage: ").trim())]);
    head.control("PP", []);
    head.text([roman(verb.get_about().map(ToString::to_string).unwrap_or_default() + ".")]);
    head.to_writer(page)?;
    let examples = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut options = Vec::new();
    if verb.get_arguments().any(|argument| !argument.is_hide_set()) {
        Man::new(verb).render_options_section(&mut options)?;
    }
    let text = String::from_utf8(options)?;
    for line in text.lines().filter(|line| !line.starts_with(".SH")) {
        writeln!(page, "{line}")?;
    }
    let mut tail = Roff::new();
    if !examples.is_empty() {
        tail.control("PP", []);
        tail.control("nf", []);
        examples.lines().for_each(|line| {
            tail.text([roman(line)]);
        });
        tail.control("fi", []);
    }
    tail.to_writer(page)?;
    Ok(())
}

fn entries(roff: &mut Roff, list: &[(String, String)]) {
    for (term, text) in list {
        roff.control("TP", []);
        roff.text([bold(term.as_str())]);
        roff.text([roman(text.as_str())]);
    }
}

fn own(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(term, text)| ((*term).to_owned(), (*text).to_owned())).collect()
}

/// The codes come from the program itself; only their meaning is said here.
fn exit_codes() -> Vec<(String, String)> {
    let coded = [
        (Kind::Io, "Failed."),
        (Kind::Usage, "Wrong usage."),
        (Kind::Partial, "Partly: the backup is good, something beside it is not, or some of several failed."),
        (Kind::NotFound, "No such service or backup, or not yours: the same words."),
        (Kind::Busy, "Somebody else is working on the service."),
        (Kind::Damaged, "The bytes are not what they must be."),
        (
            Kind::Refused,
            "Refused by a safety rule: confirmation, trust, the gate, the last good backup; or a right is missing.",
        ),
        (Kind::RestoreIncomplete, "A restore stopped after it began; the message names the command that recovers."),
    ];
    let mut list = vec![("0".to_owned(), "Done.".to_owned())];
    list.extend(coded.map(|(kind, text)| (kind.exit_code().to_string(), text.to_owned())));
    list.push(("128+n".to_owned(), "Ended by signal n.".to_owned()));
    list
}

const DESCRIPTION: &[&str] = &[
    "Makes, lists, verifies and restores backups of Dokku's PostgreSQL services. A backup is the dump that the datastore \
     plugin's own export writes, read to its last byte while it is written, hashed, made durable, and described by a \
     record beside it.",
    "SERVICE is [datastore:]name, as in postgres:my-db or my-db. ID is the backup's name, as in \
     my-db-2026-04-08-14-30-00 (UTC).",
    "Data goes to stdout, everything said about it to stderr. With --format json stdout carries one JSON value, and an \
     error is a JSON object, the last line on stderr.",
];

const ENVIRONMENT: &[(&str, &str)] = &[
    ("DOKKU_LIB_ROOT", "Where Dokku keeps its data; /var/lib/dokku by default."),
    ("DOKKU_BACKUPS_IDLE_TIMEOUT", "Seconds without a byte after which a dump counts as hung; 900 by default."),
];

const FILES: &[(&str, &str)] = &[
    ("/var/lib/dokku/data/backups/postgres/SERVICE/", "Dumps, their records (.toml), their logs, and the index."),
    ("/var/lib/dokku/config/backups/", "What was set."),
];
