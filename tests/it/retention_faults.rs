//! Retention when things go wrong: killed at every point, beside others (row 39), on a full disk, among broken records.

use std::collections::HashSet;
use std::fs;

use super::retention::{decisions, noon};
use super::support::Host;
use super::support::faults::{Mounted, put_back, settled_tree, shape, tree};
use super::support::fixture::FEW;
use super::support::lack::is_root;

const KILLED: i32 = 137;

/// A service with three backups that have expired on day 21, two that have not, and one that was deleted long before.
/// Returns those that must stay.
fn with_expired(host: &Host, service: &str) -> Vec<String> {
    host.database(service, FEW);
    let ids: Vec<String> = [1, 2, 3, 19, 20].map(|day| host.export_on(day, service)).to_vec();
    host.dokku(&["backups:set", service, "retention", "10"]).expect(0);
    let long_ago = "2024-01-01T12:00:00Z";
    let deleted = host.dokku_at("", long_ago, &["backups:export", service]).expect(0).id();
    host.dokku_at("", long_ago, &["backups:delete", service, "--id", &deleted]).expect(0);
    ids[3..].to_vec()
}

#[test]
fn fault_022_023_prune_killed_at_every_point() {
    let host = Host::up();
    let stay = with_expired(&host, "db");
    let folder = host.folder("db");
    let baseline = tree(&folder);
    let clock = noon(21);
    let prune = ["backups:prune", "db"];
    let (run, names) = host.points(&clock, &prune);
    assert_eq!(run.expect(0).out().lines().count(), 6, "a header, names of columns, three dumps and a record");
    let done = host.dump_ids("db");
    let mut seen = HashSet::new();
    let mut kills = 0;
    for (at, name) in names.iter().enumerate().map(|(n, name)| (n + 1, name)) {
        if ["open-dir", "list", "lock"].contains(&name.as_str()) {
            continue; // They change nothing.
        }
        put_back(&folder, &baseline);
        let run = host.dokku_at(&format!("abort={at}"), &clock, &prune);
        assert_eq!(run.code, Some(KILLED), "at {at} ({name}): {run:?}");
        kills += 1;
        if !seen.insert(shape(&tree(&folder))) {
            continue;
        }
        // Whatever stays is listed and whole; the next run ends what this one began, and then nothing is left to do.
        host.check("db", &stay, false);
        host.dokku_at("", &clock, &prune).expect(0);
        host.check("db", &stay, true);
        assert_eq!(host.dump_ids("db"), done, "killed at {at} ({name})");
        assert_eq!(host.list("db").len(), 5, "killed at {at} ({name})");
        let once = settled_tree(&folder);
        host.dokku_at("", &clock, &prune).expect(0);
        assert!(once == settled_tree(&folder), "killed at {at} ({name}): a second run changed something");
    }
    println!("prune: {kills} kills of {} points, {} states", names.len(), seen.len());
    assert!(seen.len() > 15, "only {} states", seen.len());
}

#[test]
fn prune_with_an_error_at_every_point() {
    let host = Host::up();
    let stay = with_expired(&host, "db");
    let folder = host.folder("db");
    let baseline = tree(&folder);
    let clock = noon(21);
    let prune = ["backups:prune", "db", "--format", "json"];
    let (_, names) = host.points(&clock, &prune);
    let (mut failed, mut partly) = (0, 0);
    for at in 1..=names.len() {
        put_back(&folder, &baseline);
        let run = host.dokku_at(&format!("fail={at}"), &clock, &prune);
        let what = format!("an error at {at} ({})", names[at - 1]);
        host.check("db", &stay, false);
        // What it says it removed is removed.
        let told: Vec<_> = if run.stdout.is_empty() { Vec::new() } else { decisions(&run.json()) };
        for (id, action, _) in &told {
            assert_eq!(action == "remove", !host.dump_ids("db").contains(id) && action != "forget", "{what}: {told:?}");
        }
        if run.code != Some(0) {
            assert!(!run.error()["message"].as_str().expect("a message").is_empty(), "{what}");
            failed += 1;
            partly += usize::from(told.iter().any(|(_, action, _)| action == "remove"));
        }
        host.dokku_at("", &clock, &prune).expect(0);
        host.check("db", &stay, true);
        assert_eq!(
            host.dump_ids("db"),
            stay,
            "{what}: {}",
            host.dokku_at("", &clock, &["backups:prune", "db", "--dry-run"]).out()
        );
    }
    println!("prune: {} points, {failed} failed, {partly} of them after something was removed", names.len());
    assert!(failed > names.len() / 3 && partly > 5, "{failed} failed, {partly} partly");
}

#[test]
fn fault_039_prune_beside_export_delete_and_itself() {
    let host = Host::up();
    let mut stay = with_expired(&host, "db");
    let doomed = host.dump_ids("db")[0].clone();
    let (day, later) = (noon(21), noon(22));
    // While a backup runs prune is busy, and says so; one that waits comes after it.
    host.fault("postgres:export/delay=2");
    std::thread::scope(|scope| {
        let export = scope.spawn(|| host.on(21, &["backups:export", "db"]).expect(0).id());
        host.worker("db");
        let run = host.on(21, &["backups:prune", "db"]).expect(5);
        assert!(run.stderr.contains("db is busy (pid ") && run.stderr.contains("export"), "{}", run.stderr);
        let run = host.on(21, &["backups:prune", "--format", "json"]).expect(5).json();
        assert_eq!(run["services"][0]["error"]["kind"], "busy", "{run}");
        stay.push(export.join().expect("export"));
    });
    host.fault("");
    assert_eq!(host.dump_ids("db").len(), 6);
    // Rounds of everything at once: each backup is removed by one of them, none of them trips over another.
    let baseline = tree(&host.folder("db"));
    for round in 0..12 {
        put_back(&host.folder("db"), &baseline);
        std::thread::scope(|scope| {
            let prune = || host.dokku_at("", &later, &["backups:prune", "db", "--wait", "60"]);
            let prunes = [scope.spawn(prune), scope.spawn(prune)];
            let delete = scope.spawn(|| host.dokku(&["backups:delete", "db", "--id", &doomed, "--wait", "60"]));
            let export = scope.spawn(|| host.dokku_at("", &day, &["backups:export", "db", "--wait", "60"]));
            let removed: usize =
                prunes.map(|run| run.join().expect("prune").expect(0).out().matches("  remove  ").count()).iter().sum();
            delete.join().expect("delete").expect(0);
            let new = export.join().expect("export").expect(0).id();
            let by = host.info("db", &doomed)["deleted_by"].clone();
            assert_eq!(removed, if by == "retention" { 3 } else { 2 }, "round {round}: {by}");
            let left = host.dump_ids("db");
            assert_eq!(left, [&stay[..], std::slice::from_ref(&new)].concat(), "round {round}");
            host.check("db", &left, true);
        });
    }
}

#[test]
fn fault_015_prune_makes_room_on_a_full_disk() {
    if !is_root() {
        return;
    }
    let host = Host::up();
    let Some(_disk) = Mounted::ext4(&host, 32, "-O ^has_journal") else { return };
    let stay = with_expired(&host, "db");
    // Not one free block is left to write down that something was removed.
    let filler = host.data_root().join("filler");
    let mut file = fs::File::create(&filler).expect("filler");
    for size in [1 << 20, 1 << 12, 1 << 9] {
        let block = vec![1; size];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
    }
    let _ = file.sync_all();
    let run = host.on(21, &["backups:export", "db"]);
    assert_eq!(run.code, Some(1), "the disk is not full: {run:?}");
    host.on(21, &["backups:prune", "db"]).expect(0);
    assert_eq!(host.dump_ids("db"), stay);
    host.check("db", &stay, true);
    drop(file);
    fs::remove_file(filler).expect("filler");
}

#[test]
fn a_broken_record_among_good_ones_is_left_alone() {
    let host = Host::up();
    let stay = with_expired(&host, "db");
    let ids = host.dump_ids("db");
    let record = |id: &String| host.folder("db").join(format!("{id}.toml"));
    // One of a newer program, and one cut short whose dump is gone too.
    let newer = fs::read_to_string(record(&ids[0])).expect("record").replace("format = 1", "format = 2");
    let body = newer[..newer.rfind("# sha256").expect("a checksum")].to_owned();
    let newer = format!("{body}# sha256 {}\n", super::support::hex(body.as_bytes()));
    host.put(&record(&ids[0]), newer.as_bytes(), 0o600);
    host.put(&record(&ids[1]), b"format = 1\nid = ", 0o600);
    fs::remove_file(host.dump_file("db", &ids[1])).expect("dump");
    let plan = host.planned(70, "db");
    for id in &ids[..2] {
        let (_, action, why) = plan.iter().find(|decision| &decision.0 == id).expect("listed");
        assert_eq!((action.as_str(), why.as_str()), ("keep", "its record cannot be read, or not by this version"));
    }
    let (before, cut) = (fs::read(record(&ids[0])).expect("record"), fs::read(record(&ids[1])).expect("record"));
    host.on(21, &["backups:prune", "db"]).expect(0);
    assert_eq!(host.dump_ids("db"), [&ids[..1], &stay[..]].concat());
    assert_eq!((fs::read(record(&ids[0])).expect("record"), fs::read(record(&ids[1])).expect("record")), (before, cut));
    // A damaged dump is not removed by itself, however old it is, and is nobody's stand-in.
    host.overwrite("db", &stay[1], b"shorter");
    let run = host.on(31, &["backups:prune", "db"]).expect(7);
    assert!(run.stderr.contains("every good backup of db (1)"), "{}", run.stderr);
    let plan = host.planned(90, "db");
    let (_, action, why) = plan.iter().find(|decision| decision.0 == stay[1]).expect("listed");
    assert!(action == "keep" && why.starts_with("damaged, and never removed by itself"), "{plan:?}");
    assert_eq!(host.dump_ids("db"), [&ids[..1], &stay[..]].concat());
}
