//! What is shown of a backup, and what rests on it (ux 312).

use serde_json::{Value, json};

use super::support::{Host, SHOP};

fn verification(host: &Host, id: &str) -> Value {
    host.info("shop", id)["verification"].clone()
}

#[test]
fn ux_312_a_restore_that_compared_every_table_is_evidence() {
    let host = Host::up();
    host.database("shop", SHOP);
    let id = host.export("shop");
    assert_eq!(host.trust("shop", &id), "created");
    host.dokku(&["--force", "backups:import", "shop", "--id", &id]).expect(0);
    assert_eq!(host.trust("shop", &id), "restorable");
    let shown = verification(&host, &id);
    let tables = host.info("shop", &id)["tables"].as_array().expect("tables").len();
    assert_eq!((&shown["comparison"], &shown["tables"]), (&json!("rows"), &json!(tables)), "{shown}");
    assert!(shown["image"].as_str().is_some_and(|image| image.starts_with("postgres:")), "{shown}");
    // The gate takes it.
    host.dokku(&["postgres:destroy", "shop", "--force"]).expect(0);
}

#[test]
fn ux_312_counting_does_not_stand_in_for_comparing() {
    let host = Host::up();
    host.database("shop", SHOP);
    let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    let before = verification(&host, &id);
    assert_eq!(before["comparison"], "dumped-again");
    host.dokku(&["--force", "backups:import", "shop", "--id", &id, "--no-backup"]).expect(0);
    host.dokku(&["backups:fork", "shop", "--id", &id, "forked"]).expect(0);
    assert_eq!(verification(&host, &id), before);
}

#[test]
fn ux_312_a_restore_that_left_something_out_or_failed_shows_nothing() {
    let host = Host::up();
    host.database("shop", "create extension citext; create table t(x int); insert into t values (1)");
    let id = host.export("shop");
    host.dokku(&["--force", "backups:import", "shop", "--id", &id, "--no-backup", "--skip-extension", "citext"])
        .expect(0);
    assert_eq!((host.trust("shop", &id).as_str(), verification(&host, &id)), ("created", Value::Null));
    host.dokku(&["--force", "backups:import", "shop", "--id", &id, "--in-place", "--no-backup"]);
    assert_eq!((host.trust("shop", &id).as_str(), verification(&host, &id)), ("created", Value::Null));
    // A fork fills another service with it: that shows as much.
    host.dokku(&["backups:fork", "shop", "--id", &id, "forked"]).expect(0);
    assert_eq!(host.trust("shop", &id), "restorable");
}

#[test]
fn ux_341_what_a_restore_would_do_is_shown_without_doing_it_and_how_much_lies_there() {
    let host = Host::up();
    host.database("shop", SHOP);
    let (first, second) = (host.export("shop"), host.export("shop"));
    let before = (host.digest("shop"), host.list("shop"));
    let shown = host.dokku(&["backups:import", "shop", "--id", &first, "--dry-run"]).expect(0);
    for words in ["Plan: ", "what was written since then is lost", "nothing was changed (--dry-run)"] {
        assert!(shown.stderr.contains(words), "{words}: {}", shown.stderr);
    }
    assert!(!shown.stderr.contains("to proceed"), "nobody is asked: {}", shown.stderr);
    let answer = host.dokku(&["backups:import", "shop", "--id", &first, "--dry-run", "--format", "json"]).expect(0);
    assert_eq!(answer.json()["id"], first.as_str());
    // One that does not restore is found by that, too.
    host.overwrite("shop", &second, b"nothing of it");
    host.dokku(&["backups:import", "shop", "--id", &second, "--dry-run"]).expect(7);
    host.dokku(&["backups:import", "shop", "--file", "x", "--dry-run"]).expect(2);
    assert_eq!((host.digest("shop"), host.list("shop").len()), (before.0, before.1.len()));
    let size = before.1[1]["size"].as_u64().expect("a size");
    let report = host.dokku(&["backups:report", "shop", "--format", "json"]).expect(0).json();
    assert_eq!(
        (&report["stored_backups"], report["stored_bytes"].as_u64() >= Some(size)),
        (&2.into(), true),
        "{report}"
    );
    let told = host.dokku(&["backups:report", "shop", "--backups-stored"]).expect(0).out();
    assert!(told.starts_with("2 backups, "), "{told}");
}
