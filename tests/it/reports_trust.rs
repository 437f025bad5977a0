//! Trust says only what was shown (reports 103, 106 and 107), and what `Restorable` means.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::support::Host;
use super::support::fixture::{COUNT, ITEMS};

fn input(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/reports").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn verification(host: &Host, id: &str) -> Value {
    host.info("shop", id)["verification"].clone()
}

#[test]
fn row_071_restorable_means_dumped_again_and_equal() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let run = host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
    assert!(run.stderr.contains("1 table, 500 rows: dumped again, every definition and every row"), "{}", run.stderr);
    let id = run.id();
    let shown = verification(&host, &id);
    assert_eq!(
        (&shown["comparison"], &shown["tables"], &shown["rows"]),
        (&"dumped-again".into(), &1.into(), &500.into())
    );
    // The digest of a table stays in the record, and is the same for the same rows.
    let digest = |id: &str| host.info("shop", id)["tables"][0]["digest"].clone();
    let second = host.export("shop");
    assert!(digest(&id).as_str().is_some_and(|digest| digest.len() == 64) && digest(&id) == digest(&second));
    host.sql("shop", "update items set name = name || '.' where id = 7");
    let third = host.export("shop");
    assert_ne!(digest(&id), digest(&third));
    // A database that truly holds nothing is restorable: that was shown.
    host.dokku(&["postgres:create", "none"]).expect(0);
    let none = host.dokku(&["backups:export", "none", "--verify"]).expect(0).id();
    assert_eq!(
        (host.trust("none", &none).as_str(), &host.info("none", &none)["verification"]["comparison"]),
        ("restorable", &"dumped-again".into())
    );
}

/// Values are written by settings of the session: those of the dump count, not those of whenever it is verified.
#[test]
fn row_071_values_are_compared_as_they_were_written() {
    let host = Host::up();
    let options = "-c timezone=Asia/Kolkata -c bytea_output=escape -c quote_all_identifiers=on";
    host.dokku(&["postgres:create", "shop", "--config-options", options]).expect(0);
    host.sql("shop", "create table t(at timestamptz, b bytea, r tstzrange); insert into t values ('2024-03-30 22:00Z', '\\x00ff41', '[2024-01-01Z,2024-06-01Z)'), (now(), null, null)");
    host.sql(
        "shop",
        "alter database shop set timezone to 'America/St_Johns'; alter role postgres set bytea_output to hex",
    );
    let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    assert_eq!(verification(&host, &id)["comparison"], "dumped-again");
    // Set otherwise since, and stopped.
    host.sql("shop", "alter database shop set timezone to 'UTC'; alter role postgres set bytea_output to escape");
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    assert_eq!(verification(&host, &id)["comparison"], "dumped-again");
    host.dokku(&["postgres:stop", "shop"]).expect(0);
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    assert_eq!(verification(&host, &id)["comparison"], "dumped-again");
}

/// What is encrypted is not told by a hash of its rows either.
#[test]
fn row_071_records_of_encrypted_backups_hold_no_digests() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let pair = host.pair("one");
    host.set("shop", "encrypt-to", &pair.public).expect(0);
    for encrypt in ["both", "off-site"] {
        host.set("shop", "encrypt", encrypt).expect(0);
        let id = host.export("shop");
        assert_eq!(host.info("shop", &id)["tables"][0]["digest"], Value::Null, "{encrypt}");
    }
}

#[test]
fn report_103_rows_that_a_trigger_ate_are_missed() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let run = host.import_file("shop", "eaten.sql", &input("adminer-eaten.sql"), &["--no-backup"]);
    assert_ne!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("users has 0 rows, the dump holds 2"), "{}", run.stderr);
    assert_eq!(host.sql("shop", COUNT), "500", "the live database is what it was");
    let id = host.list("shop")[0]["id"].as_str().expect("an id").to_owned();
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(6);
    assert_eq!(host.trust("shop", &id), "verification-failed");
    // The honest one counts what it brings.
    let run =
        host.import_file("shop", "adminer.sql", &input("adminer.sql"), &["--no-backup", "--format", "json"]).expect(0);
    assert!(run.stderr.contains("1 table and 2 rows compared"), "{}", run.stderr);
    let id = run.json()["id"].as_str().expect("an id").to_owned();
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    let shown = verification(&host, &id);
    assert_eq!((&shown["comparison"], &shown["tables"], &shown["rows"]), (&"rows".into(), &1.into(), &2.into()));
    // Which of them, for programs and for people.
    let counted = shown["not_compared"][0].as_str().expect("what was only counted").to_owned();
    let told = host.dokku(&["backups:info", "shop", "--id", &id]).expect(0).out();
    assert!(told.contains(&format!("not compared in full: {counted}")), "{counted}: {told}");
}

#[test]
fn report_103_where_nothing_can_be_compared_nothing_is_claimed() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let sql = b"CREATE TABLE a (x int);\nINSERT INTO a SELECT g FROM generate_series(1, 5) g;\n";
    let agreed = ["--no-backup", "--allow-programs", "--format", "json"];
    let run = host.import_file("shop", "uncountable.sql", sql, &agreed).expect(0);
    assert!(run.stderr.contains("nothing in it could be compared"), "{}", run.stderr);
    let id = run.json()["id"].as_str().expect("an id").to_owned();
    let run = host.dokku(&["backups:verify", "shop", "--id", &id, "--allow-programs"]).expect(3);
    assert!(run.stderr.contains("nothing in it could be compared"), "{}", run.stderr);
    assert_eq!(
        (verification(&host, &id)["comparison"].as_str(), host.trust("shop", &id).as_str()),
        (Some("nothing"), "created")
    );
    // An archive of the definitions alone neither.
    let bare = host.pg_dump("shop", &["-Fc", "--schema-only"]);
    let run = host.import_file("shop", "bare.dump", &bare, &["--no-restore", "--format", "json"]).expect(0);
    let bare = run.json()["id"].as_str().expect("an id").to_owned();
    host.dokku(&["backups:verify", "shop", "--id", &bare]).expect(3);
    assert_eq!(host.trust("shop", &bare), "created");
    host.dokku(&["postgres:destroy", "shop", "--force"]).expect(7);
    // What it became can be shown.
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
    host.dokku(&["postgres:destroy", "shop", "--force"]).expect(0);
}

#[test]
fn report_106_text_of_no_encoding_is_said_and_forced() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let dump = host.file("ascii.dump", &input("sqlascii.dump"));
    let dump = dump.to_str().expect("a path");
    let id = host
        .dokku(&["backups:import", "shop", "--file", dump, "--no-restore", "--format", "json"])
        .expect(0)
        .json()["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let run = host.dokku_stdin(b"shop\n", &["backups:import", "shop", "--id", &id]);
    assert_eq!(run.code, Some(7), "{}", run.stderr);
    assert!(run.stderr.contains("SQL_ASCII") && run.stderr.contains("--force"), "{}", run.stderr);
    assert_eq!((host.sql("shop", COUNT).as_str(), host.list("shop").len()), ("500", 1));
    // Never called restorable.
    let run = host.dokku(&["backups:verify", "shop", "--id", &id]).expect(6);
    assert!(run.stderr.contains("SQL_ASCII"), "{}", run.stderr);
    assert_eq!(host.trust("shop", &id), "verification-failed");
    // Forced, it is told all the same, and what is made of the database from then on is not called so either.
    let run = host.dokku(&["--force", "backups:import", "shop", "--id", &id, "--no-backup"]).expect(0);
    assert!(run.stderr.contains("done all the same (--force)"), "{}", run.stderr);
    let run = host.dokku(&["backups:export", "shop", "--verify"]);
    assert_ne!(run.code, Some(0), "{}", run.stderr);
    assert_ne!(host.trust("shop", host.list("shop")[0]["id"].as_str().expect("an id")), "restorable");
    // Of good text nothing is said, whatever it calls itself.
    let good = b"SET client_encoding = 'SQL_ASCII';\nCREATE TABLE n (t text);\nINSERT INTO n VALUES ('caf\xc3\xa9');\n";
    host.import_file("shop", "good.sql", good, &["--no-backup"]).expect(0);
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
}

#[test]
fn report_107_a_database_that_lost_everything_is_an_alarm_until_somebody_says_it_is_meant() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let good = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    let findings = || -> Vec<Value> {
        let report = host.dokku(&["backups:check", "shop", "--format", "json"]).json();
        let all = report["services"][0]["findings"].as_array().expect("findings").clone();
        all.into_iter().filter(|finding| finding["code"] == "suspicious").collect()
    };
    for (how, sql) in [("all rows", "truncate items"), ("all tables", "drop table items")] {
        host.sql("shop", sql);
        let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
        assert!(host.info("shop", &id)["suspicious"].is_string(), "{how}");
        let [finding] = &findings()[..] else { panic!("{how}: {:?}", findings()) };
        assert_eq!(finding["level"], "failing", "{how}");
        assert!(finding["message"].as_str().expect("words").contains("say so where that is meant"), "{finding}");
        assert_eq!(finding["remedies"][0]["command"], format!("dokku backups:verify shop --id {id} --meant").as_str());
        host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
        assert_eq!(findings().len(), 1, "{how}: a verification clears it");
        // The one before is what everything rests on.
        let report = host.dokku(&["backups:report", "shop", "--format", "json"]).expect(0).json();
        assert_eq!(report["newest_restorable"]["id"], good.as_str(), "{how}");
    }
    host.dokku(&["backups:set", "shop", "retention", "1"]).expect(0);
    host.dokku_at("", "2031-01-01T00:00:00Z", &["backups:prune", "shop"]);
    assert!(host.info("shop", &good)["deleted_at"].is_null(), "the last one with rows stays");
    let last = host.list("shop")[0]["id"].as_str().expect("an id").to_owned();
    host.dokku(&["backups:verify", "shop", "--id", &last, "--meant"]).expect(0);
    assert!(findings().is_empty(), "{:?}", findings());
    let info = host.info("shop", &last);
    assert!(info["suspicious"].is_null() && info["notes"].to_string().contains("said that it is meant"), "{info}");
    // The next one is like it.
    let next = host.export("shop");
    assert!(host.info("shop", &next)["suspicious"].is_null());
}
