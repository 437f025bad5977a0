//! Killed at every point (rows 22 to 24, 31): what was acknowledged stays, and the next command puts the rest right.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};

use super::support::faults::{Mounted, Tree, put_back, settled_tree, shape, tree};
use super::support::fixture::{COUNT, FEW};
use super::support::lack::is_root;
use super::support::{Host, Run, finish, soaking};

const CLOCK: &str = "2026-04-08T14:30:00Z";
const LATER: &str = "2026-04-08T15:30:00Z";
const KILLED: i32 = 137;
/// Points that change nothing: killed there, a run leaves what the point before left.
const READS: [&str; 3] = ["open-dir", "list", "lock"];
/// How many services of a sandbox are worked on at once.
const WORKERS: usize = 2;

/// A verb that is killed at each of its points.
pub(super) struct Scene<'a> {
    pub(super) host: &'a Host,
    pub(super) service: &'a str,
    pub(super) args: &'a [&'a str],
    /// Ids that were acknowledged before.
    acknowledged: &'a [String],
    /// Crash states that were dealt with.
    seen: &'a Mutex<HashSet<String>>,
    /// Kills done.
    kills: &'a AtomicUsize,
}

impl Scene<'_> {
    fn count(&self) {
        self.kills.fetch_add(1, Ordering::Relaxed);
    }

    /// Kills a command as `plan` says; false when it had ended before.
    fn kill(&self, plan: &str, args: &[&str]) -> bool {
        let run = self.host.alone_at(plan, LATER, args);
        if run.code.is_none() {
            self.count();
            return true;
        }
        run.expect(0);
        false
    }

    /// In the N-th of its states: those of the points between are no others (`change` in `sys/points.rs`).
    fn in_state(&self, at: usize) -> String {
        format!("change={at}:{}", self.host.folder(self.service).display())
    }

    /// Whether this crash state is a new one. The service's name is no part of it.
    fn is_new(&self, state: &Tree, more: &str) -> bool {
        let unnamed = state.iter().map(|(path, node)| {
            let path = path.to_string_lossy().replace(self.service, "SERVICE");
            (path.into(), node.clone())
        });
        self.seen.lock().expect("seen").insert(format!("{more} {}", shape(&unnamed.collect())))
    }

    /// After the kill: `list` tells the truth, the next command recovers, and recovering again changes nothing.
    fn recovers(&self, at: &str) {
        self.host.check(self.service, self.acknowledged, false);
        let first = self.sync();
        assert_eq!(first.code, Some(0), "after a kill at {at}: {first:?}");
        let folder = self.host.folder(self.service);
        let once = settled_tree(&folder);
        self.sync().expect(0);
        let twice = settled_tree(&folder);
        let changed: Vec<_> = once
            .keys()
            .chain(twice.keys())
            .filter(|path| once.get(*path) != twice.get(*path))
            .map(|path| path.display().to_string())
            .collect();
        assert!(changed.is_empty(), "after a kill at {at}, recovering twice changed {changed:?}");
        self.host.check(self.service, self.acknowledged, true);
    }

    fn sync(&self) -> Run {
        finish(self.host.alone(&["backups:sync", self.service]))
    }

    /// Kills the recovery of this crash state in each of its own states in turn, and recovers from that.
    fn recovery_is_killed(&self, at: &str) {
        let folder = self.host.folder(self.service);
        let crash = tree(&folder);
        for state in 1.. {
            all_put_back(&folder, &crash);
            if !self.kill(&self.in_state(state), &["backups:sync", self.service]) {
                break;
            }
            if self.is_new(&tree(&folder), "recovery") {
                self.recovers(&format!("{at}, recovery {state}"));
            }
        }
        put_back(&folder, &crash);
    }
}

/// To the index a file that was put back is another one, and the more of those the more is done. So it is to be all of
/// them, each time: or the states that are counted would depend on the kill before.
fn all_put_back(folder: &Path, was: &Tree) {
    put_back(folder, &Tree::new());
    put_back(folder, was);
}

/// Makes `WORKERS` services and kills `args` in every state, the states dealt out among them; `make soak` kills at every
/// point after that and must find no other state. `{}` in `args` is the
/// service, `{id}` the newest of two backups it has.
fn killed_at_every_point(
    args: &[&str],
    prepare: impl Fn(&Host, &str) + Sync,
    database: impl Fn(&Host, &str) -> String + Sync,
    after: impl Fn(&Scene) + Sync,
) {
    killed_with(&[], args, prepare, database, after);
}

/// The same where `set` holds for every service.
pub(super) fn killed_with(
    set: &[[&str; 2]],
    args: &[&str],
    prepare: impl Fn(&Host, &str) + Sync,
    database: impl Fn(&Host, &str) -> String + Sync,
    after: impl Fn(&Scene) + Sync,
) {
    let host = Host::up();
    for [key, value] in set {
        host.set("--global", key, value);
    }
    let (seen, kills, barrier) = (Mutex::new(HashSet::new()), AtomicUsize::new(0), Barrier::new(WORKERS));
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (host, seen, kills, barrier) = (&host, &seen, &kills, &barrier);
            let (prepare, database, after) = (&prepare, &database, &after);
            scope.spawn(move || {
                let service = format!("db{worker}");
                host.database(&service, FEW);
                let export = |clock| host.alone_at("", clock, &["backups:export", &service]).expect(0).id();
                let ids = [export(CLOCK), export("2026-04-08T14:40:00Z")];
                let args: Vec<String> = args
                    .iter()
                    .map(|arg| arg.replace("{id}", &ids[1]).replace("{first}", &ids[0]).replace("{}", &service))
                    .collect();
                let args: Vec<&str> = args.iter().map(String::as_str).collect();
                // What the verb itself takes away was not promised to stay.
                let acknowledged = match args[0] {
                    "backups:delete" if args.contains(&ids[0].as_str()) => &ids[1..],
                    "backups:delete" => &ids[..1],
                    "backups:export" if args.contains(&"first") => &[],
                    _ => &ids[..],
                };
                let scene = Scene { host, service: &service, args: &args, acknowledged, seen, kills };
                prepare(host, &service);
                let folder = host.folder(&service);
                let baseline = tree(&folder);
                for state in (1 + worker..).step_by(WORKERS) {
                    all_put_back(&folder, &baseline);
                    prepare(host, &service);
                    if !scene.kill(&scene.in_state(state), &args) {
                        break;
                    }
                    let what = format!("state {state}");
                    if scene.is_new(&tree(&folder), &database(host, &service)) {
                        scene.recovery_is_killed(&what);
                        scene.recovers(&what);
                        after(&scene);
                    } else {
                        // The same state again: what is listed is still what it must be. The database, which is not put
                        // back by hand, is put right by the program.
                        host.check(&service, acknowledged, false);
                        scene.sync().expect(0);
                    }
                }
                barrier.wait();
                for point in soaking(0..0, 1 + worker..usize::MAX).step_by(WORKERS) {
                    all_put_back(&folder, &baseline);
                    prepare(host, &service);
                    if !scene.kill(&format!("abort={point}"), &args) {
                        break;
                    }
                    let (found, live) = (tree(&folder), database(host, &service));
                    let new = scene.is_new(&found, &live);
                    scene.sync().expect(0);
                    let files = || {
                        found
                            .iter()
                            .map(|(path, node)| format!("{} {}", path.display(), node.bytes.len()))
                            .collect::<Vec<_>>()
                    };
                    assert!(!new, "{args:?}, point {point}: another state than those killed in: {live} {:#?}", files());
                }
            });
        }
    });
    println!("{args:?}: {} kills, {} states", kills.into_inner(), seen.into_inner().expect("seen").len());
}

/// For verbs that do not touch the database.
pub(super) fn untouched(_: &Host, _: &str) -> String {
    String::new()
}

#[test]
fn fault_022_023_export_killed_at_every_point() {
    killed_at_every_point(&["backups:export", "{}"], |_, _| (), untouched, |_| ());
}

#[test]
fn fault_022_023_the_first_export_killed_at_every_point() {
    let nothing = |host: &Host, service: &str| {
        let _ = std::fs::remove_dir_all(host.folder(service));
    };
    killed_at_every_point(&["backups:export", "{}", "--label", "first"], nothing, untouched, |_| ());
}

#[test]
fn fault_022_023_delete_killed_at_every_point() {
    // Not begun, or done: a record that promises a dump which is gone would be neither.
    let here_or_deleted = |scene: &Scene| {
        let info = scene.host.info(scene.service, scene.args[3]);
        assert!(info["presence"] == "here" || !info["deleted_at"].is_null(), "{info}");
    };
    killed_at_every_point(&["backups:delete", "{}", "--id", "{id}"], |_, _| (), untouched, here_or_deleted);
}

#[test]
fn fault_022_023_sync_killed_at_every_point() {
    let lose_a_record = |host: &Host, service: &str| {
        let _ = std::fs::remove_file(host.folder(service).join(format!("{service}-2026-04-08-14-30-00.toml")));
    };
    killed_at_every_point(&["backups:sync", "{}"], lose_a_record, untouched, |_| ());
}

#[test]
fn fault_022_023_import_killed_at_every_point() {
    let ten_rows = |host: &Host, service: &str| {
        host.sql(service, "drop table if exists items; create table items as select g id, 'x'::text as name from generate_series(1, 10) g;");
    };
    // The live data, and how many databases there are beside it.
    let rows = |host: &Host, service: &str| {
        let live = host.try_psql(service, service, COUNT).out();
        live + &host.psql(service, "postgres", "select count(*) from pg_database")
    };
    // The database is as it was, or is the backup; nothing half-filled is left beside it, and nobody is warned any more.
    let whole = |scene: &Scene| {
        let (host, service) = (scene.host, scene.service);
        let rows = host.sql(service, COUNT);
        assert!(["10", "50"].contains(&rows.as_str()), "{rows} rows");
        let databases = host.sql(service, "select count(*) from pg_database where not datistemplate");
        assert_eq!(databases, "2", "its own and the server's");
        let quiet = host.dokku(&["backups:list", service]).expect(0).stderr;
        assert!(!quiet.contains("restore"), "still open: {quiet}");
    };
    killed_at_every_point(&["backups:import", "{}", "--id", "{id}", "--force"], ten_rows, rows, whole);
}

/// Kills an import at the moment it starts the stock import: the journal is open, the data may be anything.
fn kill_during(host: &Host, args: &[&str]) {
    let (folder, rows) = (host.folder("db"), host.sql("db", COUNT));
    let settle = || host.dokku(&["backups:sync", "db"]).expect(0);
    settle();
    let was = tree(&folder);
    let (run, names) = host.points(CLOCK, args);
    run.expect(0);
    put_back(&folder, &was);
    settle();
    host.sql("db", &format!("delete from items where id > {rows}"));
    // The last program started is the import; before it comes the safety backup's export.
    let start = names.iter().rposition(|name| name == "spawn").expect("a start") + 1;
    let run = host.dokku_env(&[("DOKKU_BACKUPS_POINTS", &format!("abort={start}"))], args);
    assert_eq!(run.code, Some(KILLED), "{args:?}: {run:?}");
}

fn undo(host: &Host) -> Vec<String> {
    let warned = host.dokku(&["backups:list", "db"]).expect(0).stderr;
    let command = warned.lines().find_map(|line| line.trim_start().strip_prefix("dokku "));
    command.unwrap_or_else(|| panic!("nobody says how: {warned}")).split(' ').map(str::to_owned).collect()
}

/// Restores on top of an interrupted restore must not forget what the data was before the first of them.
#[test]
fn fault_022_an_interrupted_undo_still_names_the_first_safety_backup() {
    let host = Host::up();
    host.database("db", FEW);
    let id = host.export("db");
    host.sql("db", "delete from items where id > 10");
    let import = ["backups:import", "db", "--id", &id, "--force", "--in-place"];
    kill_during(&host, &import);
    let first = undo(&host);
    // What the interrupted restore may have left, and a backup of that.
    host.sql("db", "delete from items");
    host.dokku(&["backups:export", "db"]).expect(0);
    kill_during(&host, &first.iter().map(String::as_str).collect::<Vec<_>>());
    // Its exchange of databases is undone; what had not ended well before is then open again.
    host.dokku(&["backups:sync", "db"]).expect(0);
    assert_eq!(undo(&host), first, "the undo, killed as well, names another backup");
    kill_during(&host, &import);
    assert_eq!(undo(&host), first, "a second restore, killed as well, names the half-restored data");
    host.dokku(&first.iter().map(String::as_str).collect::<Vec<_>>()).expect(0);
    assert_eq!(host.sql("db", COUNT), "10");
    host.check("db", &[id], true);
}

/// Without a safety backup there is nothing to go back to; the command then finishes what was begun, from the very
/// backup that was chosen and from nothing that was made of the half-restored data since.
#[test]
fn fault_022_an_interrupted_restore_without_safety_backup_names_the_command_that_finishes_it() {
    let host = Host::up();
    host.database("db", FEW);
    let id = host.export("db");
    host.export("db");
    let import = ["backups:import", "db", "--id", &id, "--force", "--no-backup", "--in-place"];
    kill_during(&host, &import);
    host.sql("db", "delete from items");
    host.export("db");
    let command = undo(&host);
    host.dokku(&command.iter().map(String::as_str).collect::<Vec<_>>()).expect(0);
    assert_eq!(host.sql("db", COUNT), "50", "{command:?}");
    let info = host.info("db", &id);
    assert_eq!(info["restores"].as_array().expect("restores").last().expect("one")["status"], "success", "{info}");
}

/// EIO at each point of `args` in turn: exit code 1, or success where the point was not needed (3 where it was needed for
/// the copy only); nothing acknowledged is lost, and the next command puts right what is left.
fn fails_at_every_point(args: &[&str], from_stock: bool) {
    fails_with(&[], args, from_stock);
}

/// The same where `set` holds for every service.
pub(super) fn fails_with(set: &[[&str; 2]], args: &[&str], from_stock: bool) {
    let host = Host::up();
    for [key, value] in set {
        host.set("--global", key, value);
    }
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (host, done) = (&host, &done);
            scope.spawn(move || {
                let service = format!("db{worker}");
                host.database(&service, FEW);
                let mut kept = vec![host.alone_at("", CLOCK, &["backups:export", &service]).expect(0).id()];
                for point in (1 + worker..).step_by(WORKERS) {
                    let clock = format!("2026-05-{:02}T{:02}:30:00Z", 1 + point / 20, point % 20);
                    let mut victim = String::new();
                    if from_stock {
                        let before = format!("2026-05-{:02}T{:02}:15:00Z", 1 + point / 20, point % 20);
                        victim = host.alone_at("", &before, &["backups:export", &service]).expect(0).id();
                    }
                    let args: Vec<String> =
                        args.iter().map(|a| a.replace("{id}", &victim).replace("{}", &service)).collect();
                    let args: Vec<&str> = args.iter().map(String::as_str).collect();
                    let run = host.alone_at(&format!("fail={point}"), &clock, &args);
                    done.fetch_add(1, Ordering::Relaxed);
                    match run.code {
                        // Good, but whether it is to be copied elsewhere could not be learnt.
                        Some(0 | 3) if !from_stock => kept.push(run.id()),
                        Some(0) => {
                            let gone = host.info(&service, &victim);
                            assert!(!gone["deleted_at"].is_null(), "point {point} acknowledged: {gone}");
                        }
                        Some(1) => assert!(run.stderr.contains(" !     "), "point {point}: {run:?}"),
                        _ => panic!("point {point}: {run:?}"),
                    }
                    host.check(&service, &kept, false);
                    finish(host.alone(&["backups:sync", &service])).expect(0);
                    host.check(&service, &kept, true);
                    if run.code == Some(0) && point > host.points(&clock, &["backups:list", &service]).1.len() + 80 {
                        break;
                    }
                }
            });
        }
    });
    println!("{args:?}: failed at {} points", done.into_inner());
}

#[test]
fn fault_019_022_export_with_eio_at_every_point() {
    fails_at_every_point(&["backups:export", "{}"], false);
}

#[test]
fn fault_019_022_delete_with_eio_at_every_point() {
    fails_at_every_point(&["backups:delete", "{}", "--id", "{id}"], true);
}

#[test]
fn fault_031_only_the_lock_counts_not_the_words_inside() {
    let host = Host::up();
    host.database("db", FEW);
    let first = host.export("db");
    // A pid that lives: this very test's.
    let words = format!("pid {}: export, since 2020-01-01T00:00:00Z", std::process::id());
    host.put(&host.folder("db").join(".lock"), words.as_bytes(), 0o600);
    let listed = host.list("db");
    assert!(listed.iter().all(|backup| backup["status"] == "success"), "{listed:?}");
    let second = host.export("db");
    host.check("db", &[first, second], true);
}

/// What the program said was done survives the power going off at that moment, and at every point before it.
#[test]
fn fault_024_power_loss_at_every_point() {
    if !is_root() {
        return;
    }
    let host = Host::up();
    let Some(disk) = Mounted::ext4(&host, 24, "-b 1024") else { return };
    host.database("db", FEW);
    // Nothing but fsync makes anything durable here.
    disk.remount("commit=300,noauto_da_alloc");
    let export = |plan: &str, n: usize| {
        host.dokku_at(plan, &format!("2026-04-{:02}T{:02}:30:00Z", 1 + n / 20, n % 20), &["backups:export", "db"])
    };
    let mut kept = Vec::new();
    for n in 0..3 {
        kept.push(export("", n).expect(0).id());
        disk.lose_power();
        host.check("db", &kept, false);
    }
    let (run, names) = host.points("2026-04-20T10:00:00Z", &["backups:export", "db"]);
    kept.push(run.expect(0).id());
    let mut cut = 0;
    for point in (1..=names.len()).filter(|point| !READS.contains(&names[point - 1].as_str())) {
        let run = export(&format!("abort={point}"), 3 + point);
        // How many pieces a dump comes in varies a little: the last points may lie behind the end.
        if run.code != Some(KILLED) {
            kept.push(run.expect(0).id());
        }
        disk.lose_power();
        host.check("db", &kept, false);
        host.dokku(&["backups:sync", "db"]).expect(0);
        host.check("db", &kept, true);
        cut += 1;
    }
    // A deletion that was acknowledged is not undone.
    let gone = kept.remove(0);
    host.dokku(&["backups:delete", "db", "--id", &gone]).expect(0);
    disk.lose_power();
    let info = host.info("db", &gone);
    assert!(!info["deleted_at"].is_null(), "{info}");
    host.dokku(&["backups:sync", "db"]).expect(0);
    host.check("db", &kept, true);
    println!("power lost {} times", cut + 4);
}
