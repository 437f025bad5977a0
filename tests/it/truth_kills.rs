//! SIGKILL in every state that a verb which touches data passes through (see `Host::killed_in`), and an input/output error
//! at every point of import. After each the next command runs, and the live database must be what it was or what the
//! backup holds, with nothing left.

use std::sync::atomic::{AtomicU64, Ordering};

use super::support::{Host, send, wait};

const FIRST: &str = "create table items(id int primary key, name text);
insert into items select g, 'first ' || g from generate_series(1, 300) g;
create index on items (name); create table more(id int primary key references items, t text unique);
create view all_items as select * from items;
create sequence tickets; select nextval('tickets');";
const SECOND: &str = "delete from items where id > 10; insert into more values (1, 'a'); update items set name = 'second';
create table later(id int); insert into later values (1), (2); create function f() returns int language sql as 'select 1';
select setval('tickets', 77);";

/// Kills of all tests here.
static TRIED: AtomicU64 = AtomicU64::new(0);

fn tried(what: &str, count: u64) {
    let all = TRIED.fetch_add(count, Ordering::SeqCst) + count;
    println!("{what}: in {count} states ({all} so far)");
}

/// A service with two backups, of different states; the live database is as the second.
struct Two {
    host: Host,
    ids: [String; 2],
    digests: [String; 2],
    now: usize,
}

impl Two {
    fn up() -> Two {
        let host = Host::up();
        host.database("shop", FIRST);
        // Several clients: what a killed one leaves running is theirs, too.
        host.dokku(&["backups:set", "shop", "restore-jobs", "2"]).expect(0);
        let first = (host.export("shop"), host.digest("shop"));
        host.sql("shop", SECOND);
        let second = (host.export("shop"), host.digest("shop"));
        Two { host, ids: [first.0, second.0], digests: [first.1, second.1], now: 1 }
    }

    /// The command that restores the other one of the two.
    fn import_other(&self) -> [&str; 6] {
        ["backups:import", "shop", "--id", &self.ids[1 - self.now], "--no-backup", "--force"]
    }

    /// The next command, and what must hold after it. Returns whether the live database is the other one now.
    fn settle(&mut self, what: &str, twice: bool) -> bool {
        let host = &self.host;
        let sync = |host: &Host| super::support::finish(host.alone(&["backups:sync", "shop"])).expect(0);
        sync(host);
        host.check_settled("shop", what);
        let now = host.digest("shop");
        let which = self.digests.iter().position(|digest| *digest == now);
        let which = which.unwrap_or_else(|| panic!("{what}: the live database is neither of the two:\n{now}"));
        if twice {
            let before = host.files_of("shop");
            sync(host);
            assert_eq!(before, host.files_of("shop"), "{what}: the second recovery changed something");
        }
        let other = which != self.now;
        self.now = which;
        other
    }
}

/// Kills an import in the states `from`, `from + step`, ...
fn kill_imports(from: u64, step: u64) {
    let mut two = Two::up();
    let (mut point, mut count, mut exchanged) = (from, 0, 0);
    loop {
        let run = two.host.killed_in(point, "shop", &two.import_other());
        if run.code == Some(0) {
            assert!(two.settle("the whole import", true));
            break;
        }
        assert_eq!(run.code, None, "point {point}: {}", run.stderr);
        exchanged += u64::from(two.settle(&format!("import killed at point {point}"), point % 8 == from));
        count += 1;
        point += step;
    }
    let ids = two.ids.clone();
    two.host.check("shop", &ids, true);
    assert!(count * step > 18, "only {count} states");
    assert!(exchanged > 0 && exchanged < count, "{exchanged} of {count} were exchanged");
    tried("import killed", count);
}

#[test]
fn fault_022_import_killed_at_every_odd_point() {
    kill_imports(1, 2);
}

#[test]
fn fault_022_import_killed_at_every_even_point() {
    kill_imports(2, 2);
}

/// An error instead: what the command then says must be true.
fn fail_imports(from: u64, step: u64) {
    let mut two = Two::up();
    let (mut point, mut failed) = (from, 0);
    let all = two.host.count_points(&["backups:import", "shop", "--id", &two.ids[0], "--no-backup", "--force"]);
    two.now = 0;
    while point <= all {
        let run = two.host.at_point(&format!("fail={point}"), &two.import_other());
        let what = format!("import with an error at point {point} ({:?}: {})", run.code, run.stderr);
        let other = two.settle(&what, point % 8 == from);
        assert_ne!(run.code, None, "{what}");
        // The exit code may speak of the records; it must not speak wrongly of the data.
        assert!(run.code != Some(0) || other, "{what}: it said that it was done");
        assert!(!run.stderr.contains("is as it was") || !other, "{what}: the data is not as it was");
        failed += u64::from(run.code != Some(0));
        point += step;
    }
    let ids = two.ids.clone();
    two.host.check("shop", &ids, true);
    assert!(failed > 20, "only {failed} failed");
    println!("import with an error: {all} points, every {step}th, {failed} failed");
}

#[test]
fn fault_064_import_with_an_error_at_every_odd_point() {
    fail_imports(1, 2);
}

#[test]
fn fault_064_import_with_an_error_at_every_even_point() {
    fail_imports(2, 2);
}

#[test]
fn fault_022_import_killed_at_any_time() {
    let mut two = Two::up();
    for pause in (150..1500).step_by(90) {
        let id = two.ids[1 - two.now].clone();
        let child = two.host.start_binary(&["backups:import", "shop", "--id", &id, "--no-backup", "--force"], &[]);
        std::thread::sleep(std::time::Duration::from_millis(pause));
        send(&child, nix::sys::signal::Signal::SIGKILL);
        wait(child);
        two.settle(&format!("import killed after {pause} ms"), false);
        tried("import killed by time", 1);
    }
}

#[test]
fn fault_022_import_from_another_service_killed() {
    let mut two = Two::up();
    two.host.database("till", "create table only_here(a int)");
    let empty = two.host.digest("till");
    let noted = two.host.settings_of("till").join("replaced-at");
    let mut count = 0;
    for point in (2..).step_by(4) {
        let args = ["backups:import", "till", "--from-service", "shop", "--id", &two.ids[0], "--no-backup", "--force"];
        let run = two.host.killed_in(point, "till", &args);
        if run.code == Some(0) {
            break;
        }
        super::support::finish(two.host.alone(&["backups:sync", "till"])).expect(0);
        two.host.check_settled("till", &format!("point {point}"));
        let now = two.host.digest("till");
        assert!(now == empty || now == two.digests[0], "point {point}: {now}");
        // Older backups of its own are no way back to what came from elsewhere.
        // And one that was undone has replaced nothing.
        assert_eq!(noted.exists(), now != empty, "point {point}: what is said of where its data came from");
        assert!(!two.settle(&format!("point {point} of another"), false), "the source was changed");
        let history = two.host.info("shop", &two.ids[0])["restores"].clone();
        let open = history.as_array().expect("restores").iter().filter(|r| r["status"] == "in-progress").count();
        assert!(open <= 1, "point {point}: {history}");
        count += 1;
    }
    assert!(count > 5, "only {count} states");
    tried("import from another service killed", count);
}

#[test]
fn fault_022_reset_killed() {
    let host = Host::up();
    host.database("shop", FIRST);
    let full = host.digest("shop");
    let id = host.export("shop");
    let mut count = 0;
    for point in 1.. {
        let run = host.killed_in(point, "shop", &["backups:reset", "shop", "--force"]);
        super::support::finish(host.alone(&["backups:sync", "shop"])).expect(0);
        host.check_settled("shop", &format!("reset killed at {point}"));
        let now = host.digest("shop");
        let empty = now == "n public";
        assert!(empty || now == full, "point {point}: {now}");
        if run.code == Some(0) {
            assert!(empty);
            break;
        }
        assert_eq!(run.code, None, "{}", run.stderr);
        if empty {
            // The safety backup of a reset that was finished holds what was there.
            let args = ["backups:import", "shop", "--id", &id, "--no-backup", "--force"];
            super::support::finish(host.alone(&args)).expect(0);
        }
        count += 1;
    }
    host.check("shop", &[id], true);
    assert!(count > 20, "only {count} states");
    tried("reset killed", count);
}

/// Kills a verification in the states `from`, `from + step`, ...
fn kill_verifications(from: u64, step: u64) {
    let host = Host::up();
    host.database("shop", FIRST);
    let before = host.digest("shop");
    let id = host.export("shop");
    let mut count = 0;
    for point in (from..).step_by(usize::try_from(step).expect("a step")) {
        let run = host.killed_in(point, "shop", &["backups:verify", "shop", "--id", &id]);
        if run.code == Some(0) {
            break;
        }
        assert_eq!(run.code, None, "point {point}: {}", run.stderr);
        // Nobody is working on it: it is not shown as being validated.
        let trust = host.trust("shop", &id);
        assert!(trust == "created" || trust == "restorable", "point {point}: {trust}");
        count += 1;
    }
    super::support::finish(host.alone(&["backups:verify", "shop", "--id", &id])).expect(0);
    assert_eq!(host.disposables(), "", "a disposable database is left");
    assert_eq!(host.trust("shop", &id), "restorable");
    assert_eq!(host.digest("shop"), before);
    host.check_settled("shop", "after all");
    host.check("shop", &[id], true);
    assert!(count > 5, "only {count} states");
    tried("verify killed", count);
}

#[test]
fn fault_022_verify_killed_at_every_fourth_point() {
    kill_verifications(1, 2);
}

#[test]
fn fault_022_verify_killed_at_every_fourth_point_from_the_third() {
    kill_verifications(2, 2);
}

#[test]
fn fault_022_fork_killed() {
    let mut two = Two::up();
    let mut count = 0;
    for point in (2..).step_by(4) {
        let args = ["backups:fork", "shop", "--id", &two.ids[0], "copy"];
        let run = two.host.killed_in(point, "copy", &args);
        assert!(!two.settle(&format!("fork killed at {point}"), false), "the source was changed");
        let there = two.host.dokku(&["postgres:exists", "copy"]).code == Some(0);
        if there {
            super::support::finish(two.host.alone(&["backups:sync", "copy"])).expect(0);
            two.host.check_settled("copy", &format!("fork killed at {point}"));
            let now = two.host.digest("copy");
            assert!(now == "n public" || now == two.digests[0], "point {point}: {now}");
        }
        if run.code == Some(0) {
            assert_eq!(two.host.digest("copy"), two.digests[0]);
            break;
        }
        assert_eq!(run.code, None, "point {point}: {}", run.stderr);
        if there {
            two.host.dokku(&["postgres:destroy", "copy", "--force", "--skip-backup-check"]).expect(0);
        }
        count += 1;
    }
    assert!(count > 5, "only {count} states");
    tried("fork killed", count);
}
