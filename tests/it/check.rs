//! `backups:check`: every finding can be brought about, is told with the command that mends it, and goes away by it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::support::{Host, Run};

const ROWS: &str = "create table t(id int primary key); insert into t select generate_series(1, 300);";

/// The verdict's JSON, whatever the exit code.
fn check(host: &Host) -> (Option<i32>, Value) {
    let run = host.dokku(&["backups:check", "--format", "json"]);
    (run.code, run.json())
}

fn codes(findings: &Value) -> Vec<String> {
    let mut codes: Vec<String> =
        findings.as_array().expect("findings").iter().map(|f| f["code"].as_str().expect("code").to_owned()).collect();
    codes.sort();
    codes
}

/// The finding called `code` of the first service.
#[track_caller]
fn finding<'a>(report: &'a Value, code: &str) -> &'a Value {
    let findings = report["services"][0]["findings"].as_array().expect("findings");
    findings.iter().find(|f| f["code"] == code).unwrap_or_else(|| panic!("no {code}: {report}"))
}

/// The first command of some remedies.
#[track_caller]
fn command(remedies: &Value) -> &str {
    let remedies = remedies.as_array().expect("remedies");
    remedies.iter().find_map(|remedy| remedy["command"].as_str()).expect("a command")
}

/// Runs the first command of some remedies, as it is printed.
fn obey(host: &Host, remedies: &Value) -> Run {
    let words: Vec<&str> = command(remedies).split(' ').collect();
    assert_eq!(words[0], "dokku", "{remedies}");
    host.dokku(&words[1..])
}

#[test]
fn from_no_backup_to_all_is_well() {
    let host = Host::up();
    let run = host.dokku(&["backups:check"]).expect(0);
    assert_eq!(run.out(), "=====> there is no service to back up\n");
    host.database("shop", ROWS);
    // A service that nobody ever backed up is seen too.
    let (code, report) = check(&host);
    assert_eq!((code, &report["verdict"]), (Some(0), &Value::from("warning")));
    assert_eq!(finding(&report, "no-backup")["level"], "warning");
    obey(&host, &finding(&report, "no-backup")["remedies"]).expect(0);
    let (code, report) = check(&host);
    assert_eq!(code, Some(0), "{report}");
    let service = &report["services"][0];
    assert_eq!((&service["service"], &service["datastore"]), (&Value::from("shop"), &Value::from("postgres")));
    assert_eq!(service["newest_good"]["trust"], "restorable");
    assert_eq!(service["newest_good"]["id"], service["newest_restorable"]["id"]);
    assert!(service["newest_good"]["age_seconds"].as_i64().expect("age") < 120);
    // Unverified ones are a warning, and its command takes it away.
    host.export("shop");
    let (code, report) = check(&host);
    assert_eq!(code, Some(0));
    let unverified = finding(&report, "unverified");
    assert_eq!(unverified["level"], "warning");
    obey(&host, &unverified["remedies"]).expect(0);
    let (_, report) = check(&host);
    assert!(!codes(&report["services"][0]["findings"]).contains(&"unverified".to_owned()), "{report}");
    let run = host.dokku(&["backups:check", "shop"]).expect(0);
    assert!(run.out().contains("=====> shop: ok, newest good backup shop-"), "{}", run.out());
    host.dokku(&["backups:check", "nosuch"]).expect(4);
}

#[test]
fn files_that_are_gone_changed_or_foreign() {
    let host = Host::up();
    host.database("shop", ROWS);
    let old = host.export("shop");
    let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    // A byte that changed in place is seen by reading only, then remembered.
    let path = host.dump_file("shop", &old);
    let mut bytes = fs::read(&path).expect("dump");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    host.overwrite("shop", &old, &bytes);
    assert_eq!(check(&host).0, Some(0));
    host.dokku(&["backups:check", "shop", "--read"]).expect(1);
    let (code, report) = check(&host);
    assert_eq!(code, Some(1));
    assert!(finding(&report, "damaged")["message"].as_str().expect("text").contains(&old));
    host.dokku(&["backups:delete", "shop", "--id", &old]).expect(0);
    assert_eq!(check(&host).0, Some(0));
    // Gone.
    fs::rename(host.dump_file("shop", &id), host.dir().join("aside")).expect("aside");
    let (code, report) = check(&host);
    assert_eq!(code, Some(1));
    assert_eq!(finding(&report, "missing")["level"], "failing");
    assert_eq!(finding(&report, "no-backup")["level"], "failing");
    fs::rename(host.dir().join("aside"), host.dump_file("shop", &id)).expect("back");
    assert_eq!(check(&host).0, Some(0));
    // Not ours: named, left alone, no alarm (fault 57).
    fs::write(host.folder("shop").join("notes.txt"), "x").expect("foreign");
    let (code, report) = check(&host);
    assert_eq!(code, Some(0));
    assert!(finding(&report, "foreign")["message"].as_str().expect("text").contains("notes.txt"));
    assert!(host.folder("shop").join("notes.txt").exists());
    // Readable by others.
    fs::set_permissions(host.dump_file("shop", &id), fs::Permissions::from_mode(0o444)).expect("mode");
    let (code, report) = check(&host);
    assert_eq!(code, Some(1));
    assert!(command(&finding(&report, "modes")["remedies"]).contains("chmod"), "{report}");
}

#[test]
fn a_failed_attempt_an_abandoned_run_and_a_destroyed_service() {
    let host = Host::up();
    host.database("shop", ROWS);
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
    host.dokku_with("DOKKU_SANDBOX_FAULT", "postgres:export/broken=100", &["backups:export", "shop"]).expect(1);
    let (code, report) = check(&host);
    assert_eq!(code, Some(1), "{report}");
    let failed = finding(&report, "last-failed");
    let logs = command(&failed["remedies"]).to_owned();
    assert!(logs.starts_with("dokku backups:logs shop --id shop-"), "{logs}");
    obey(&host, &failed["remedies"]).expect(0);
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
    assert_eq!(check(&host).0, Some(0));
    // What a killed run left behind.
    let incoming = host.folder("shop").join(".incoming");
    fs::write(incoming.join("shop-2026-01-01-00-00-00.draft"), "").expect("draft");
    let (_, report) = check(&host);
    let abandoned = finding(&report, "abandoned").clone();
    obey(&host, &abandoned["remedies"]).expect(0);
    let (_, report) = check(&host);
    assert!(!codes(&report["services"][0]["findings"]).contains(&"abandoned".to_owned()), "{report}");
    // Nothing is asked of a service that is gone, but what is left of it is told.
    host.dokku(&["postgres:destroy", "shop", "--force", "--skip-backup-check"]).expect(0);
    let (code, report) = check(&host);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(finding(&report, "destroyed")["level"], "ok");
}

#[test]
fn fault_070_a_trigger_that_cannot_run_is_told() {
    let host = Host::up();
    host.database("shop", ROWS);
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
    let enabled = std::path::Path::new(host.var("DOKKU_LIB_ROOT")).join("plugins/enabled/backups");
    let plugin = fs::canonicalize(enabled).expect("the plugin");
    let (trigger, aside) = (plugin.join("service-action"), plugin.join("aside"));
    fs::rename(&trigger, &aside).expect("aside");
    let (code, report) = check(&host);
    fs::rename(&aside, &trigger).expect("back");
    assert_eq!(code, Some(1));
    assert_eq!(codes(&report["host"]["findings"]), ["trigger"]);
    assert!(report["host"]["findings"][0]["message"].as_str().expect("text").contains("service-action"));
    assert_eq!(check(&host).0, Some(0));
}

#[test]
fn fault_021_an_unmarked_data_root_is_a_failing_host() {
    let host = Host::up();
    host.database("shop", ROWS);
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
    fs::remove_file(host.data_root().join(".dokku-backups")).expect("marker");
    let (code, report) = check(&host);
    assert_eq!(code, Some(1));
    assert_eq!(codes(&report["host"]["findings"]), ["data-root"]);
}

#[test]
fn what_is_not_a_folder_in_the_data_root_stops_nothing_and_is_named() {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    let (host, id) = Host::with_backup();
    let root = host.data_root();
    let elsewhere = host.dir().join("tmp/elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    fs::write(root.join("notes.txt"), "x").expect("a file");
    fs::write(root.join("postgres/till"), "x").expect("a file in a service's place");
    fs::write(root.join("postgres/read me"), "x").expect("a file");
    symlink(&elsewhere, root.join("postgres/linked")).expect("a link");
    symlink(&elsewhere, root.join("postgres/dangling-")).expect("a link");
    fs::remove_dir(&elsewhere).expect("it dangles");
    let _socket = UnixListener::bind(root.join("postgres/socket")).expect("a socket");
    let listed = host.dokku(&["backups:list", "--format", "json"]).expect(0).json();
    assert_eq!((listed["backups"].as_array().map(Vec::len), &listed["backups"][0]["id"]), (Some(1), &Value::from(id)));
    for verb in [&["backups:report"][..], &["backups:tick"], &["backups:prune", "--dry-run"], &["backups:sync"]] {
        host.dokku(verb).expect(0);
    }
    let (code, report) = check(&host);
    assert_eq!(code, Some(0), "{report}");
    let findings = report["host"]["findings"].as_array().expect("findings");
    let stray = |name: &str| {
        let path = root.join(name).display().to_string();
        let said = |f: &&Value| f["code"] == "stray" && f["message"].as_str().is_some_and(|m| m.contains(&path));
        findings.iter().find(said).unwrap_or_else(|| panic!("{name} is not named: {report}"))["level"].clone()
    };
    for (name, level) in [
        ("notes.txt", "ok"),
        ("postgres/read me", "ok"),
        ("postgres/till", "warning"),
        ("postgres/linked", "warning"),
        ("postgres/dangling-", "warning"),
        ("postgres/socket", "warning"),
    ] {
        assert_eq!(stray(name), level, "{name}");
    }
    assert_eq!(findings.len(), 6, "{report}");
    // A service whose folder cannot be one is told of; the others go on.
    host.dokku(&["postgres:create", "till"]).expect(0);
    host.dokku(&["backups:list", "till"]).expect(1);
    host.export("shop");
}
