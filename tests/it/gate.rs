//! The gate before `postgres:destroy`, what can be set, and the verbs that make and empty services: fork and reset.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::support::fixture::ITEMS;
use super::support::{Host, Run};

const FAULT: &str = "DOKKU_SANDBOX_FAULT";

fn destroy(host: &Host, service: &str, more: &[&str]) -> Run {
    host.dokku(&[&["postgres:destroy", service, "--force"], more].concat())
}

/// The command that a refusal prints after these words, as words.
fn printed(run: &Run, before: &str) -> Vec<String> {
    let at = run.stderr.find(before).unwrap_or_else(|| panic!("{before}: {}", run.stderr)) + before.len();
    run.stderr[at..].lines().next().expect("a line").split_whitespace().skip(1).map(str::to_owned).collect()
}

#[test]
fn fault_069_destroy_is_refused_then_allowed() {
    let host = Host::up();
    host.database("shop", ITEMS);
    // Without any backup: the printed command makes one that counts.
    let run = destroy(&host, "shop", &[]).expect(7);
    assert!(run.stderr.contains("shop has no good backup"), "{}", run.stderr);
    assert!(run.stderr.contains("--skip-backup-check"), "{}", run.stderr);
    assert_eq!(host.sql("shop", "select count(*) from items"), "500");
    let command = printed(&run, "make it so with: ");
    assert_eq!(command, ["backups:export", "shop", "--verify"]);
    // With an unverified one: the printed command verifies it.
    let id = host.export("shop");
    let run = destroy(&host, "shop", &[]).expect(7);
    assert!(run.stderr.contains(&format!("{id}, is not Restorable (Created, not restore-verified)")), "{}", run.stderr);
    let command = printed(&run, "make it so with: ");
    host.dokku(&command.iter().map(String::as_str).collect::<Vec<_>>()).expect(0);
    assert_eq!(host.trust("shop", &id), "restorable");
    // The newest one counts: when its file is gone, an older one does not stand in for it unasked.
    let gone = host.export("shop");
    fs::remove_file(host.dump_file("shop", &gone)).expect("dump");
    let run = destroy(&host, "shop", &[]).expect(7);
    assert!(run.stderr.contains("is not Restorable (Artifact missing)"), "{}", run.stderr);
    host.dokku(&["backups:delete", "shop", "--id", &gone]).expect(0);
    // The bytes are looked at again before there is no way back.
    let good = fs::read(host.dump_file("shop", &id)).expect("dump");
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    host.overwrite("shop", &id, &bad);
    let run = destroy(&host, "shop", &[]).expect(7);
    assert!(run.stderr.contains("damaged"), "{}", run.stderr);
    host.overwrite("shop", &id, &good);
    destroy(&host, "shop", &[]).expect(0);
    host.dokku(&["postgres:exists", "shop"]).expect(1);
    // What protected it is still there.
    assert_eq!(host.trust("shop", &id), "restorable");
}

#[test]
fn fault_069_the_override_warns_and_off_is_off() {
    let host = Host::up();
    for service in ["one", "two", "three"] {
        host.dokku(&["postgres:create", service]).expect(0);
    }
    let run = destroy(&host, "one", &["--skip-backup-check"]).expect(0);
    assert!(run.stderr.contains("one has no good backup; destroying it all the same"), "{}", run.stderr);
    host.dokku(&["backups:set", "two", "gate", "off"]).expect(0);
    destroy(&host, "three", &[]).expect(7);
    let run = destroy(&host, "two", &[]).expect(0);
    assert!(!run.stderr.contains("backup"), "{}", run.stderr);
    host.dokku(&["backups:set", "--global", "gate", "off"]).expect(0);
    host.dokku(&["backups:set", "three", "gate", "on"]).expect(0);
    destroy(&host, "three", &[]).expect(7);
    host.dokku(&["backups:set", "three", "gate"]).expect(0);
    host.dokku(&["backups:set", "--global", "gate"]).expect(0);
    destroy(&host, "three", &[]).expect(7);
    host.dokku(&["backups:set", "--global", "gate", "off"]).expect(0);
    destroy(&host, "three", &[]).expect(0);
}

#[test]
fn fault_069_other_shapes_of_the_trigger_pass() {
    let host = Host::up();
    host.dokku(&["postgres:create", "shop"]).expect(0);
    let plugin = host.var("PLUGIN_ENABLED_PATH").to_owned() + "/backups/service-action";
    let trigger = |args: &[&str]| {
        let mut command = host.command(&plugin);
        command.args(args);
        super::support::finish(command)
    };
    let long = "x".repeat(5000);
    for args in [
        &[][..],
        &["pre-delete"],
        &["pre-delete", "postgres"],
        &["pre-delete", "redis", "shop"],
        &["pre-delete", "postgres", "../shop"],
        &["pre-delete", "postgres", ""],
        &["pre-delete", "postgres", &long],
        &["pre-delete", "", "shop"],
        &["pre-create", "postgres", "shop"],
        &["post-delete", "postgres", "nosuch"],
        &["pre-link", "postgres", "shop", "web"],
        &["--help"],
        &["-h", "x", "y"],
        &["--version", "--force"],
        &["shop", "pre-delete", "postgres"],
        &["pre-unlink", "postgres", "shop", "--format", "json"],
    ] {
        let run = trigger(args).expect(0);
        assert!(args.iter().any(|arg| arg.starts_with('-')) || run.out().is_empty(), "{args:?}: {}", run.out());
    }
    trigger(&["pre-delete", "postgres", "shop"]).expect(7);
    trigger(&["pre-delete", "postgres", "shop", "--help"]).expect(7);
    trigger(&["pre-delete", "postgres", "shop", "more", "--words"]).expect(7);
    // Dokku's own commands for services go through it undisturbed.
    host.dokku(&["apps:create", "web"]).expect(0);
    host.dokku(&["postgres:link", "shop", "web"]).expect(0);
    host.dokku(&["postgres:unlink", "shop", "web"]).expect(0);
}

#[test]
fn fault_070_a_missing_binary_says_so() {
    let host = Host::up();
    host.dokku(&["postgres:create", "shop"]).expect(0);
    let binary = fs::canonicalize(host.var("PLUGIN_ENABLED_PATH").to_owned() + "/backups").expect("plugin");
    let binary = binary.join("bin/dokku-backups");
    let aside = binary.with_extension("aside");
    fs::rename(&binary, &aside).expect("the binary");
    let run = destroy(&host, "shop", &[]);
    assert_ne!(run.code, Some(0), "destroyed without anybody having looked");
    assert!(
        run.stderr.contains("missing or not executable") && run.stderr.contains("plugin:install"),
        "{}",
        run.stderr
    );
    fs::rename(&aside, &binary).expect("the binary");
    host.dokku(&["postgres:exists", "shop"]).expect(0);
}

#[test]
fn row_039_what_is_set_is_reported() {
    let host = Host::up();
    host.dokku(&["postgres:create", "shop"]).expect(0);
    let report = || host.dokku(&["backups:report", "shop", "--format", "json"]).expect(0).json();
    let before = report();
    assert_eq!(before["properties"]["gate"], serde_json::json!({ "computed": true, "own": null, "global": null }));
    assert_eq!(before["properties"]["verify_memory"]["computed"], 1 << 30);
    assert_eq!(before["properties"]["verify_disk"]["computed"], "auto");
    assert_eq!(before["properties"]["restore_timeout"]["computed"], 21600);
    host.dokku(&["backups:set", "--global", "verify-memory", "2g"]).expect(0);
    host.dokku(&["backups:set", "shop", "verify-memory", "512m"]).expect(0);
    let run = host.dokku(&["backups:set", "postgres:shop", "gate", "off"]).expect(0);
    assert!(run.stderr.contains("Setting gate of shop to off"), "{}", run.stderr);
    let after = report();
    assert_eq!(
        after["properties"]["verify_memory"],
        serde_json::json!({ "computed": 512 << 20, "own": 512 << 20, "global": 2u64 << 30 })
    );
    assert_eq!(after["properties"]["gate"]["computed"], false);
    let text = host.dokku(&["backups:report", "shop"]).expect(0).out();
    assert!(text.contains("=====> shop backups information"), "{text}");
    let line = text.lines().find(|line| line.contains("Backups computed verify memory:")).expect("a line");
    assert!(line.ends_with(" 512m"), "{line}");
    assert_eq!(
        host.dokku(&["backups:report", "--global", "--format", "json"]).expect(0).json()["properties"]["verify_memory"],
        serde_json::json!({ "computed": 2u64 << 30, "global": 2u64 << 30 })
    );
    let run = host.dokku(&["backups:set", "shop", "verify-memory"]).expect(0);
    assert!(run.stderr.contains("Unsetting verify-memory of shop"), "{}", run.stderr);
    assert_eq!(report()["properties"]["verify_memory"]["computed"], 2u64 << 30);
    for (words, code) in [
        (&["shop", "gates", "off"][..], 2),
        (&["shop", "origin", "x"], 2),
        (&["shop", "../gate", "off"], 2),
        (&["shop", "gate", "of"], 2),
        (&["shop", "gate", "ON"], 2),
        (&["shop", "verify-memory", "0g"], 2),
        (&["shop", "verify-memory", "1 g"], 2),
        (&["shop", "verify-memory", "1g --privileged"], 2),
        (&["shop", "restore-timeout", "-1"], 2),
        (&["shop", "restore-timeout", "0"], 2),
        (&["shop"], 2),
        (&["../shop", "gate", "off"], 2),
        (&["nosuch", "gate", "off"], 4),
        (&["--global"], 2),
        (&[], 2),
    ] {
        let run = host.dokku(&[&["backups:set"], words].concat()).expect(code);
        assert_eq!(run.out(), "", "{words:?}");
    }
    host.dokku(&["backups:report", "nosuch"]).expect(4);
    assert_eq!(report()["properties"]["gate"]["computed"], false, "a refused word changed something");
    let folder = std::path::Path::new(host.var("DOKKU_LIB_ROOT")).join("config/backups");
    let mut names: Vec<_> = fs::read_dir(folder).expect("config").flatten().map(|e| e.file_name()).collect();
    names.retain(|name| !name.to_string_lossy().starts_with('.'));
    names.sort();
    assert_eq!(names, ["--global", "host-key", "postgres:shop"]);
}

#[test]
fn row_047_fork_makes_a_service_or_nothing() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let full = host.digest("shop");
    let id = host.export("shop");
    host.sql("shop", "create table later(a int)");
    let live = host.digest("shop");
    let image = |service: &str| host.dokku(&["postgres:info", service, "--version"]).expect(0).out();
    let run = host.dokku(&["backups:fork", "shop", "--id", &id, "copy"]).expect(0);
    assert_eq!(run.out(), "copy\n");
    assert_eq!((host.digest("copy"), host.digest("shop")), (full.clone(), live.clone()));
    assert_eq!(image("copy"), image("shop"));
    assert_eq!(host.info("shop", &id)["restores"][0]["target"], "copy");
    let run = host.dokku(&["backups:fork", "shop", "--id", &id, "copy"]).expect(9);
    assert!(run.stderr.contains("exists already") && run.stderr.contains("--from-service shop"), "{}", run.stderr);
    assert_eq!(host.digest("copy"), full);
    // What was begun is removed again, past the gate; the name is free as before.
    for fault in ["docker:exec:pg_restore/exit=1", "docker:exec:psql/exit=2@1", "postgres:create/fail=no%20room"] {
        let _ = fs::remove_file(host.dir().join("run/calls/docker:exec:psql"));
        let run = host.dokku_with(FAULT, fault, &["backups:fork", "shop", "--id", &id, "second"]).expect(1);
        assert_ne!(host.dokku(&["postgres:exists", "second"]).code, Some(0), "{fault}: {}", run.stderr);
        assert_eq!(host.digest("shop"), live);
    }
    host.dokku(&["backups:fork", "shop", "--id", &id, "../x"]).expect(2);
    host.dokku(&["backups:fork", "shop", "--id", &id, "redis:x"]).expect(2);
    host.dokku(&["backups:fork", "nosuch", "--latest", "x"]).expect(4);
    host.dokku(&["backups:fork", "copy", "--latest", "x"]).expect(4);
    host.dokku(&["backups:fork", "shop", "--id", &id, "second"]).expect(0);
    assert_eq!(host.digest("second"), full);
    host.check("shop", &[id], true);
}

#[test]
fn row_048_reset_empties_or_goes_back_to_the_origin() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let full = host.digest("shop");
    let id = host.export("shop");
    host.dokku(&["backups:fork", "shop", "--id", &id, "copy"]).expect(0);
    let dsn = |service: &str| host.dokku(&["postgres:info", service, "--dsn"]).expect(0).out();
    let before = (dsn("shop"), dsn("copy"));
    host.dokku(&["backups:reset", "shop"]).expect(7);
    assert_eq!(host.digest("shop"), full);
    host.psql("shop", "postgres", "alter database shop connection limit 12");
    let safety = host.dokku(&["backups:reset", "shop", "--force"]).expect(0).id();
    assert_eq!(host.digest("shop"), "n public");
    assert_eq!(host.info("shop", &safety)["source"], "safety");
    let limit = "select datconnlimit from pg_database where datname = 'shop'";
    assert_eq!(host.psql("shop", "postgres", limit), "12");
    // The forked one goes back to what it was made from, whatever became of the service that was.
    host.psql("copy", "copy", "drop table items; create table x(a int)");
    let run = host.dokku_stdin(b"copy\n", &["backups:reset", "copy"]).expect(0);
    assert!(run.stderr.contains(&format!("Reset copy to {id}")), "{}", run.stderr);
    assert_eq!(host.digest("copy"), full);
    assert_eq!((dsn("shop"), dsn("copy")), before, "row 48: the same connection details");
    // Its origin is gone: nothing is changed, and nothing is emptied.
    host.psql("copy", "copy", "create table x(a int)");
    let changed = host.digest("copy");
    let count = host.list("copy").len();
    host.dokku(&["backups:delete", "shop", "--id", &id, "--force"]).expect(0);
    let run = host.dokku(&["backups:reset", "copy", "--force"]).expect(4);
    assert!(run.stderr.contains("is needed for its reset") && run.stderr.contains("was deleted"), "{}", run.stderr);
    assert_eq!(host.digest("copy"), changed);
    assert_eq!(host.list("copy").len(), count, "a safety backup for nothing");
    // A new service by that name was not forked from anything.
    destroy(&host, "copy", &["--skip-backup-check"]).expect(0);
    host.database("copy", "create table fresh(a int)");
    host.dokku(&["backups:reset", "copy", "--force"]).expect(0);
    assert_eq!(host.digest("copy"), "n public");
    host.dokku(&["backups:reset", "nosuch", "--force"]).expect(4);
    host.check_settled("copy", "resets");
    let mode = fs::metadata(host.folder("copy")).expect("folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

/// An index over a function that finds another by the search path: it is dumped, and no restore can fill it.
const NEVER_RESTORES: &str = "create function lowered(t text) returns text immutable language sql as 'select lower(t)';
create function key_of(t text) returns text immutable language sql as 'select lowered(t)';
create table people(name text); insert into people values ('Ada');
create index on people (key_of(name));";

#[test]
fn row_048_a_backup_that_is_known_not_to_restore_is_poured_by_force_only() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let good = host.export("shop");
    host.dokku(&["backups:fork", "shop", "--id", &good, "copy"]).expect(0);
    host.psql("shop", "shop", NEVER_RESTORES);
    let bad = host.export("shop");
    host.dokku(&["backups:verify", "shop", "--id", &bad]).expect(6);
    let run = host.dokku(&["backups:fork", "shop", "--id", &bad, "other"]).expect(7);
    assert!(run.stderr.contains("Restore verification failed") && run.stderr.contains("--force"), "{}", run.stderr);
    assert_ne!(host.dokku(&["postgres:exists", "other"]).code, Some(0), "a service was made for nothing");
    host.dokku(&["backups:import", "shop", "--id", &bad]).expect(7);
    // The origin of a fork may turn out to be such a one later.
    host.dokku(&["backups:verify", "shop", "--id", &good]).expect(0);
    host.edit_record("shop", &good, |line| match line.strip_prefix("image = \"postgres:") {
        Some(_) => format!("{line}\nreason = \"a row is missing\""),
        None => line.to_owned(),
    });
    let before = host.digest("copy");
    let run = host.dokku_stdin(b"copy\n", &["backups:reset", "copy"]).expect(7);
    assert!(run.stderr.contains("Restore verification failed"), "{}", run.stderr);
    assert_eq!(host.digest("copy"), before);
    host.dokku(&["backups:reset", "copy", "--force"]).expect(0);
}
