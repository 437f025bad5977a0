//! Many at once (rows 32, 33, 37, 38, 41): one works, the others wait or hear `busy`; readers see whole generations.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::support::faults::Mounted;
use super::support::fixture::FEW;
use super::support::lack::is_root;
use super::support::{Host, Run, soaking};

/// Runs `count` commands at the same moment.
fn at_once(count: usize, run: impl Fn(usize) -> Run + Sync) -> Vec<Run> {
    let gate = std::sync::Barrier::new(count);
    std::thread::scope(|scope| {
        let (run, gate) = (&run, &gate);
        let start = |n| {
            scope.spawn(move || {
                gate.wait();
                run(n)
            })
        };
        let started: Vec<_> = (0..count).map(start).collect();
        started.into_iter().map(|running| running.join().expect("a run")).collect()
    })
}

#[test]
fn fault_032_037_sixty_four_exports_that_wait_have_distinct_ids() {
    let host = Host::up();
    host.database("db", FEW);
    let runs = at_once(64, |_| host.dokku(&["backups:export", "db", "--wait", "300"]));
    let ids: Vec<String> = runs.into_iter().map(|run| run.expect(0).id()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 64, "{ids:?}");
    host.check("db", &ids, true);
    assert_eq!(host.list("db").len(), 64);
}

#[test]
fn fault_032_a_name_that_is_taken_in_this_second() {
    let host = Host::up();
    host.database("db", FEW);
    let at = "2026-04-08T14:30:00Z";
    let ids: Vec<String> = (0..4).map(|_| host.dokku_at("", at, &["backups:export", "db"]).expect(0).id()).collect();
    let names: Vec<_> = ids.iter().map(|id| id.trim_start_matches("db-2026-04-08-14-30-0")).collect();
    assert_eq!(names, ["0", "1", "2", "3"]);
    // A time that was asked for is that one or none, also of a deleted backup.
    host.dokku(&["backups:export", "db", "--at", at]).expect(9);
    host.dokku(&["backups:delete", "db", "--id", &ids[0]]).expect(0);
    host.dokku(&["backups:export", "db", "--at", at]).expect(9);
    host.check("db", &ids[1..], true);
}

#[test]
fn fault_033_clock_jumps_and_hostile_time_zones() {
    let host = Host::up();
    host.database("db", FEW);
    let mut ids = Vec::new();
    // Years ahead, then back again: each run has the time its clock shows, and nothing is overwritten.
    for clock in ["2026-04-08T14:30:00Z", "2031-01-01T00:00:00Z", "2026-04-08T14:29:59Z", "1970-01-01T00:00:00Z"] {
        ids.push(host.dokku_at("", clock, &["backups:export", "db"]).expect(0).id());
    }
    for zone in
        ["Asia/Kathmandu", "Pacific/Kiritimati", ":/etc/passwd", "../../etc/shadow", "XXX-99:99:99", "\u{1}", ""]
    {
        let before = chrono_now();
        let id = host.dokku_env(&[("TZ", zone)], &["backups:export", "db"]).expect(0).id();
        let after = chrono_now();
        let named = &id["db-".len()..];
        assert!(before.as_str() <= named && named <= after.as_str(), "TZ={zone}: {before} {named} {after}");
        ids.push(id);
    }
    for id in &ids {
        let info = host.info("db", id);
        let time =
            |key: &str| chrono::DateTime::parse_from_rfc3339(info[key].as_str().expect("time")).expect("RFC 3339");
        assert!(time("finished_at") >= time("started_at"), "{info}");
        assert!(info["started_at"].as_str().expect("time").ends_with('Z'), "{info}");
    }
    host.check("db", &ids, true);
    let run = host.dokku_at("", "1969-12-31T23:59:00Z", &["backups:export", "db"]);
    assert_eq!(run.code, Some(1), "a clock that cannot be right: {run:?}");
    host.dokku(&["backups:sync", "db"]).expect(0);
    host.check("db", &ids, true);
}

fn chrono_now() -> String {
    chrono::Utc::now().format("%Y-%m-%d-%H-%M-%S").to_string()
}

#[test]
fn fault_037_one_export_runs_and_the_others_are_busy() {
    let host = Host::up();
    host.database("db", FEW);
    let mut kept = Vec::new();
    for count in [2, 8, 24] {
        host.fault("postgres:export/delay=2");
        let runs = at_once(count, |_| host.dokku(&["backups:export", "db"]));
        host.fault("");
        let (done, refused): (Vec<_>, Vec<_>) = runs.into_iter().partition(|run| run.code == Some(0));
        assert_eq!(done.len(), 1, "{done:?} {refused:?}");
        for run in refused {
            assert_eq!(run.code, Some(5), "{run:?}");
            assert!(run.stderr.contains("busy (pid ") && run.stderr.contains("export"), "{run:?}");
        }
        kept.push(done[0].id());
        assert_eq!(host.list("db").len(), kept.len(), "a refused run left a row");
        host.check("db", &kept, true);
    }
}

#[test]
fn fault_037_a_wait_that_ends_before_the_work_does_is_busy() {
    let host = Host::up();
    host.database("db", FEW);
    host.fault("postgres:export/delay=3@1");
    let waits = ["0", "1", "60"];
    let runs = std::thread::scope(|scope| {
        let first = scope.spawn(|| host.dokku(&["backups:export", "db"]));
        while host.list("db").is_empty() {
            std::thread::sleep(Duration::from_millis(20));
        }
        let runs = at_once(3, |n| host.dokku(&["backups:export", "db", "--wait", waits[n]]));
        (first.join().expect("the first"), runs)
    });
    let codes: Vec<_> = runs.1.iter().map(|run| run.code).collect();
    assert_eq!((runs.0.code, &codes[..]), (Some(0), &[Some(5), Some(5), Some(0)][..]), "{runs:?}");
    host.check("db", &[runs.0.id(), runs.1[2].id()], true);
}

#[test]
fn fault_038_export_delete_and_import_while_an_import_runs_are_busy() {
    let host = Host::up();
    host.database("db", FEW);
    let kept = [host.export("db"), host.export("db")];
    host.fault("postgres:import/delay=3");
    let import = std::thread::scope(|scope| {
        let running = scope
            .spawn(|| host.dokku(&["backups:import", "db", "--id", &kept[0], "--force", "--no-backup", "--in-place"]));
        let journal = host.folder("db").join(".restore.toml");
        while !journal.exists() && !running.is_finished() {
            std::thread::sleep(Duration::from_millis(5));
        }
        for args in [
            &["backups:export", "db"][..],
            &["backups:import", "db", "--latest", "--force"],
            &["backups:delete", "db", "--id", &kept[0], "--force"],
            &["backups:sync", "db"],
        ] {
            let run = host.dokku(args).expect(5);
            assert!(run.stderr.contains("import"), "says what is done: {run:?}");
        }
        host.check("db", &kept, false);
        let open = host.info("db", &kept[0]);
        assert_eq!(open["restores"][0]["status"], "in-progress", "{open}");
        running.join().expect("the import")
    });
    host.fault("");
    import.expect(0);
    host.check("db", &kept, true);
}

/// Lists without pause while exports and deletions go on. Every id whose export had ended before a list began is in it,
/// once; one whose deletion had ended before is not.
/// Ends when `enough` lists and thirty backups were made.
fn list_while_writing(host: &Host, enough: usize) {
    host.database("db", FEW);
    let seed: Vec<String> = (0..5)
        .map(|n| host.dokku_at("", &format!("2026-04-08T14:30:0{n}Z"), &["backups:export", "db"]).expect(0).id())
        .collect();
    // When each export and each deletion had ended, and when each deletion began.
    let made = Mutex::new(seed.iter().map(|id| (id.clone(), Instant::now())).collect::<HashMap<_, _>>());
    let (going, gone) = (Mutex::new(HashMap::new()), Mutex::new(HashMap::new()));
    let (over, lists) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                if n >= 30 && lists.load(Ordering::SeqCst) >= enough {
                    break;
                }
                let clock = format!("2026-05-{:02}T{:02}:{:02}:00Z", 1 + n / 1440, n / 60 % 24, n % 60);
                let id = host.dokku_at("", &clock, &["backups:export", "db", "--wait", "60"]).expect(0).id();
                made.lock().expect("made").insert(id.clone(), Instant::now());
                if n % 2 == 1 {
                    going.lock().expect("going").insert(id.clone(), Instant::now());
                    host.dokku(&["backups:delete", "db", "--id", &id, "--wait", "60"]).expect(0);
                    gone.lock().expect("gone").insert(id, Instant::now());
                }
                if n % 5 == 4 {
                    // Records are written again, over the old ones.
                    let id = &seed[n / 5 % seed.len()];
                    host.dokku(&["backups:import", "db", "--id", id, "--force", "--no-backup", "--in-place"]).expect(0);
                }
            }
            over.store(true, Ordering::SeqCst);
        });
        for reader in 0..3 {
            let (over, lists, made, going, gone) = (&over, &lists, &made, &going, &gone);
            scope.spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    let began = Instant::now();
                    let mut args = vec!["backups:list", "db", "--format", "json"];
                    args.extend(["--verbose"].iter().filter(|_| reader == 0));
                    let listed = host.dokku(&args).expect(0).json();
                    lists.fetch_add(1, Ordering::SeqCst);
                    let mut seen: HashMap<String, &serde_json::Value> = HashMap::new();
                    for row in listed["backups"].as_array().expect("array") {
                        let id = row["id"].as_str().expect("id").to_owned();
                        assert!(seen.insert(id.clone(), row).is_none(), "{id} twice");
                        whole(row);
                    }
                    let before = |map: &Mutex<HashMap<String, Instant>>, id: &String| {
                        map.lock().expect("a map").get(id).copied()
                    };
                    let made: Vec<_> = made.lock().expect("made").clone().into_iter().collect();
                    for (id, at) in made.iter().filter(|(_, at)| *at < began) {
                        let ended = before(gone, id);
                        if ended.is_some_and(|ended| ended < began) {
                            assert!(!seen.contains_key(id), "{id} was deleted before this list began");
                        } else if before(going, id).is_none() {
                            let row = seen.get(id).unwrap_or_else(|| panic!("{id}, made at {at:?}, is not listed"));
                            assert_eq!(row["status"], "success", "{row}");
                        }
                    }
                }
            });
        }
    });
    let deleted: Vec<_> = gone.into_inner().expect("gone").into_keys().collect();
    let kept: Vec<_> = made.into_inner().expect("made").into_keys().filter(|id| !deleted.contains(id)).collect();
    host.check("db", &kept, true);
    println!("{} lists during {} exports, deletions and imports", lists.into_inner(), kept.len() + deleted.len());
}

/// A row is never half of one generation and half of another.
fn whole(row: &serde_json::Value) {
    let text = row.to_string();
    match row["status"].as_str() {
        Some("success") => {
            assert!(row["size"].as_u64().is_some_and(|size| size > 0), "{text}");
            assert_eq!(row["sha256"].as_str().map(str::len), Some(64), "{text}");
            assert!(
                row["trust"] == "created" || row["presence"] == "deleted" && !row["deleted_at"].is_null(),
                "{text}"
            );
        }
        Some("in-progress") => assert!(row["sha256"].is_null() || !row["deleted_at"].is_null(), "{text}"),
        _ => panic!("nothing failed here: {text}"),
    }
}

#[test]
fn fault_041_a_list_is_always_one_whole_generation() {
    let host = Host::up();
    list_while_writing(&host, soaking(100, 5000));
}

/// The same where replacing a file moves its name in the folder: a plain look through the folder may then miss it.
#[test]
fn fault_041_a_list_is_always_one_whole_generation_on_tmpfs() {
    if !is_root() {
        return;
    }
    let host = Host::up();
    let Some(_disk) = Mounted::tmpfs(&host, "size=64m") else { return };
    list_while_writing(&host, soaking(100, 5000));
}

#[test]
fn fault_041_two_deletions_at_once_and_lists_beside_them() {
    let host = Host::up();
    host.database("db", FEW);
    let clock = |n: usize| format!("2026-04-08T14:30:{n:02}Z");
    let ids: Vec<String> =
        (0..9).map(|n| host.dokku_at("", &clock(n), &["backups:export", "db"]).expect(0).id()).collect();
    // The same one by everybody: it is deleted once, and twice is no error.
    let runs = at_once(4, |_| host.dokku(&["backups:delete", "db", "--id", &ids[0], "--wait", "30"]));
    assert!(runs.iter().all(|run| run.code == Some(0)), "{runs:?}");
    assert_eq!(runs.iter().filter(|run| run.stderr.contains("Deleted")).count(), 1, "{runs:?}");
    // Different ones, with readers.
    let runs = at_once(6, |n| match n {
        0..3 => host.dokku(&["backups:delete", "db", "--id", &ids[1 + n], "--wait", "30"]),
        _ => host.dokku(&["backups:list", "db", "--format", "json"]),
    });
    for (n, run) in runs.into_iter().enumerate() {
        let run = run.expect(0);
        if n >= 3 {
            let listed = run.json();
            let listed: Vec<_> =
                listed["backups"].as_array().expect("array").iter().filter_map(|row| row["id"].as_str()).collect();
            assert!(ids[4..].iter().all(|id| listed.contains(&id.as_str())), "{listed:?}");
        }
    }
    // Without --wait one is told that the other works, or comes after it.
    let runs = at_once(2, |n| host.dokku(&["backups:delete", "db", "--id", &ids[4 + n]]));
    assert!(runs.iter().all(|run| matches!(run.code, Some(0 | 5))), "{runs:?}");
    assert!(runs.iter().any(|run| run.code == Some(0)), "{runs:?}");
    host.dokku(&["backups:sync", "db"]).expect(0);
    host.check("db", &ids[6..], true);
}
