//! What comes from a database is shown as what it is, and no row of it is kept anywhere but in its dump.

use std::fs;
use std::path::{Path, PathBuf};

use super::support::{Deed, Host, Run, SHOP};

/// Names that move the cursor, colour, title, turn and hide.
const NAMES: &str = "create schema \"s<script>alert(1)</script>\";
create table \"s<script>alert(1)</script>\".\"t\"\"'\\
newline\" (a int); insert into \"s<script>alert(1)</script>\".\"t\"\"'\\
newline\" values (1);
create table \"esc\u{1b}[31mRED\u{1b}]0;title\u{7}\" (a int); create table \"rtl\u{202e}gpj.exe\" (a int);
create table \"tab\there\" (a int); create table \"</td><img src=x onerror=alert(1)>\" (a int);
create table \"a\r\nINJECTED LOG LINE\" (a int); create table \"\u{9b}31mC1\" (a int);
create table \"zero\u{200b}width\u{2066}\u{feff}\" (a int);";

const HIDDEN: &[char] =
    &['\u{1b}', '\r', '\t', '\u{7}', '\u{7f}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\u{85}'];

#[track_caller]
fn assert_shown(run: Run) -> Run {
    for text in [run.out(), run.stderr.clone()] {
        assert!(!text.contains(HIDDEN), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with("INJECTED") || line.starts_with("newline")), "{text}");
    }
    run
}

#[test]
fn attack_418_names_from_a_database_are_shown_as_what_they_are() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.psql("shop", "shop", NAMES);
    let id = host.export("shop");
    let shown = assert_shown(host.dokku(&["backups:info", "shop", "--id", &id])).expect(0).out();
    for name in ["esc\\u{1b}[31mRED", "rtl\\u{202e}gpj.exe", "a\\r\\nINJECTED", "\\u{9b}31mC1", "zero\\u{200b}width"] {
        assert!(shown.contains(name), "{name}: {shown}");
    }
    // For programs it is the true name, and yet nothing that a terminal would obey.
    let json = assert_shown(host.dokku(&["backups:info", "shop", "--id", &id, "--format", "json"])).expect(0);
    let json = json.json();
    let tables = json["tables"].as_array().expect("tables");
    assert!(tables.iter().any(|table| table["name"] == "rtl\u{202e}gpj.exe"), "{tables:?}");
    assert!(tables.iter().any(|table| table["name"] == "a\r\nINJECTED LOG LINE"), "{tables:?}");
    for args in [
        vec!["backups:list", "shop", "--verbose"],
        vec!["backups:logs", "shop", "--latest"],
        vec!["backups:check", "shop"],
        vec!["backups:report", "shop"],
        vec!["backups:report", "shop", "--format", "html"],
        vec!["backups:verify", "shop", "--latest"],
        vec!["backups:logs", "shop", "--latest", "--format", "json"],
        vec!["--force", "backups:import", "shop", "--latest"],
    ] {
        let run = assert_shown(host.dokku(&args));
        assert!(matches!(run.code, Some(0 | 1)), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn attack_418_what_a_program_says_is_shown_everywhere() {
    let host = Host::up();
    host.database("shop", SHOP);
    let words = "bad_\u{1b}[31m\u{9b}32m\u{202e}evil\u{2066}\u{200b}\rtitle";
    host.fault(&format!("postgres:export/fail={words}"));
    let run = assert_shown(host.dokku(&["backups:export", "shop"])).expect(1);
    assert!(run.stderr.contains("\\u{1b}[31m\\u{9b}32m\\u{202e}evil"), "{}", run.stderr);
    let json = assert_shown(host.dokku(&["backups:export", "shop", "--format", "json"])).expect(1);
    assert!(json.error()["message"].as_str().expect("text").contains("\u{202e}evil\u{2066}"), "the true value");
    host.fault("");
    host.export("shop");
    for args in [
        vec!["backups:list", "shop", "--verbose"],
        vec!["backups:report", "shop", "--format", "html"],
        vec!["backups:logs", "shop", "--id", host.list("shop")[1]["id"].as_str().expect("an id")],
        vec!["backups:import", "shop", "--file", "/tmp/\u{202e}no\u{1b}such"],
        vec!["backups:list", "sh\u{9b}op"],
        vec!["--trace", "backups:check", "shop"],
    ] {
        assert_shown(host.dokku(&args));
    }
}

#[test]
fn attack_418_labels_hold_what_can_be_seen() {
    let host = Host::up();
    host.database("shop", SHOP);
    for label in ["a\u{202e}b", "a\u{9b}b", "a\u{200b}b", "a\tb", "a\nb"] {
        let run = assert_shown(host.dokku(&["backups:export", "shop", "--label", label])).expect(2);
        assert!(run.stderr.contains("cannot be seen"), "{}", run.stderr);
    }
    let long = host.dokku(&["backups:export", "shop", "--label", &"x".repeat(256), "--format", "json"]).expect(2);
    let message = long.error()["message"].as_str().expect("text").to_owned();
    assert!(message.contains("at most 200 characters"), "{message}");
    let run = host.dokku(&["backups:export", "shop", "--label", "", "--format", "json"]).expect(0);
    assert!(run.json()["label"].is_null(), "{}", run.out());
    let run = host.dokku(&["backups:export", "shop", "--label", "Grün 日本 😀", "--format", "json"]).expect(0);
    assert_eq!(run.json()["label"], "Grün 日本 😀");
    // The name of a file becomes one.
    let name = "rtl\u{202e}\u{200b}.sql";
    let sql = b"--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE a (x int);\n\n--\n-- PostgreSQL database dump complete\n--\n";
    let run = assert_shown(host.import_file("shop", name, sql, &["--no-restore", "--format", "json"])).expect(0);
    assert_eq!(run.json()["label"], "rtl??.sql");
}

/// Somebody's data. It may stand in dumps, and on the terminal of who restores them.
const SECRET: &str = "123-45-6789";

/// Every file below the roots but dumps that holds the secret.
fn holding(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in folders.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten()) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&[path]));
        } else if path.extension().is_none_or(|ending| ending != "dump" && ending != "sql") {
            let bytes = fs::read(&path).unwrap_or_default();
            found.extend(bytes.windows(SECRET.len()).any(|piece| piece == SECRET.as_bytes()).then_some(path));
        }
    }
    found
}

#[track_caller]
fn assert_kept_nowhere(host: &Host) {
    let lib = Path::new(host.var("DOKKU_LIB_ROOT"));
    let folders = [lib.join("data/backups"), lib.join("config/backups"), PathBuf::from(host.var("DOKKU_LOGS_DIR"))];
    assert_eq!(holding(&folders), Vec::<PathBuf>::new());
    for row in host.list("shop") {
        let id = row["id"].as_str().expect("an id");
        assert!(!row.to_string().contains(SECRET), "{row}");
        assert!(!host.dokku(&["backups:logs", "shop", "--id", id]).out().contains(SECRET));
    }
    assert!(!host.dokku(&["backups:check", "shop"]).out().contains(SECRET));
}

/// Ways in which one row of a dump does not fit, whatever says so.
const BROKEN: &[(&str, &str)] = &[
    (
        "CREATE TABLE c (e text PRIMARY KEY);\nCOPY c (e) FROM stdin;\n@\n@\n\\.",
        "duplicate key value violates unique constraint \"c_pkey\"",
    ),
    ("CREATE TABLE c (e integer);\nCOPY c (e) FROM stdin;\n@\n\\.", "invalid input syntax for type integer"),
    ("CREATE TABLE c (e integer);\nINSERT INTO c VALUES ('@');", "invalid input syntax for type integer"),
    ("CREATE TABLE c (e text CHECK (e < ''));\nINSERT INTO c VALUES ('@');", "violates check constraint \"c_e_check\""),
    ("CREATE TABLE c (e text NOT NULL, f int);\nCOPY c (e) FROM stdin;\n@\t@\n\\.", "as many columns"),
    (
        "CREATE TYPE m AS ENUM ('a');\nCREATE TABLE c (e m);\nCOPY c (e) FROM stdin;\n@\n\\.",
        "invalid input value for enum m",
    ),
    ("CREATE TABLE c (e text);\nINSERT INTO c VALUES ('a') '@';", "syntax error at or near"),
    (
        "CREATE FUNCTION no(t text) RETURNS boolean LANGUAGE plpgsql AS $f$ begin raise exception 'no: %', t using hint = t; end $f$;\n\
         CREATE TABLE c (e text CHECK (no(e)));\nCOPY c (e) FROM stdin;\n@\n\\.",
        "left out",
    ),
];

#[test]
fn attack_422_no_row_of_a_dump_that_does_not_fit_is_kept() {
    let host = Host::up();
    host.database("shop", SHOP);
    for (body, words) in BROKEN {
        let body = body.replace('@', SECRET);
        let text =
            format!("--\n-- PostgreSQL database dump\n--\n\n{body}\n\n--\n-- PostgreSQL database dump complete\n--\n");
        let run = host.import_file("shop", "c.sql", text.as_bytes(), &["--no-backup", "--format", "json"]);
        assert!(matches!(run.code, Some(1 | 6)), "{body}: {run:?}");
        assert!(
            run.stderr.contains(words) || run.error()["message"].as_str().is_some_and(|m| m.contains(words)),
            "{words}: {}",
            run.stderr
        );
        assert!(!run.stderr.contains(SECRET), "{words}: {}", run.stderr);
        assert_kept_nowhere(&host);
    }
}

#[test]
fn attack_422_no_row_of_an_archive_that_does_not_fit_is_kept() {
    let host = Host::up();
    host.database("shop", SHOP);
    // It holds in its own database of its own server alone: every restore fails with the row in the server's words.
    let here = "current_database() || ' ' || extract(epoch from pg_postmaster_start_time())";
    let value = host.psql("shop", "shop", &format!("select {here}"));
    let sql = format!(
        "create function own() returns text language sql stable as $f$ select {here} $f$;
         create table c (e text check (public.own() = '{value}')); insert into c values ('{SECRET}');"
    );
    host.psql("shop", "shop", &sql);
    let id = host.export("shop");
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(6);
    let run = host.dokku(&["--force", "backups:import", "shop", "--id", &id]);
    assert!(run.code != Some(0) && run.stderr.contains("violates check constraint \"c_check\""), "{}", run.stderr);
    assert!(!run.stderr.contains(SECRET), "{}", run.stderr);
    let info = host.info("shop", &id);
    assert!(info["verification"]["reason"].as_str().is_some_and(|why| why.contains("c_check")), "{info}");
    assert!(info["restores"][0]["reason"].as_str().is_some_and(|why| why.contains("c_check")), "{info}");
    assert_kept_nowhere(&host);
    // Whoever restores may see why, on a terminal.
    let untried = host.export("shop");
    let import = ["backups:import", "shop", "--id", &untried, "--no-backup"];
    let run = host.on_terminal(&import, "to proceed", Deed::Types(b"shop\n"));
    assert!(run.code != Some(0) && run.stderr.contains(SECRET), "{}", run.stderr);
    assert_kept_nowhere(&host);
}
