//! Storage that says no (rows 15 to 21): the failure has its kind and its mending command, what was there stays as it
//! was, and nothing is left behind.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::support::faults::{Mounted, tree};
use super::support::fixture::FEW;
use super::support::lack::{is_root, left_out};
use super::support::{Host, Run, finish};

/// Some 2 MB in the dump: random text hardly shrinks.
const MUCH: &str = "create table much as
select md5(random()::text) || md5(random()::text) as it from generate_series(1, 50000);";
const CLOCK: &str = "2026-04-08T14:30:00Z";
const ID: &str = "db-2026-04-08-14-30-00";

/// A host with one small backup of `db`, whose database has grown since.
fn grown(mount: impl FnOnce(&Host) -> Option<Mounted>) -> Option<(Host, Mounted, String)> {
    let host = Host::up();
    let mounted = mount(&host)?;
    host.database("db", FEW);
    let id = host.export("db");
    host.sql("db", MUCH);
    Some((host, mounted, id))
}

/// Bytes free below the data root.
fn free(host: &Host) -> u64 {
    let stat = nix::sys::statvfs::statvfs(&host.data_root()).expect("statvfs");
    stat.blocks_available() * stat.fragment_size()
}

/// Fills the disk below the data root until `left` bytes are free.
fn fill(host: &Host, left: u64) {
    let mut filler = fs::File::create(host.data_root().join("filler")).expect("a file");
    while free(host) > left && std::io::Write::write(&mut filler, &[7; 4096]).is_ok() {}
}

/// The error that a command in JSON wrote as its last line on stderr.
#[track_caller]
fn error(run: &Run) -> serde_json::Value {
    let last = run.stderr.lines().last().unwrap_or_default();
    serde_json::from_str::<serde_json::Value>(last).unwrap_or_else(|e| panic!("{e}: {run:?}"))["error"].clone()
}

/// Asserts that `run` failed as `kind` and said what to type next.
#[track_caller]
fn failed_as(run: &Run, kind: &str) {
    assert_eq!(run.code, Some(1), "{run:?}");
    let error = error(run);
    assert_eq!(error["kind"], kind, "{error}");
    assert!(error["remedies"].as_array().is_some_and(|remedies| !remedies.is_empty()), "no hint: {error}");
    assert!(run.stdout.is_empty(), "a failed export printed {}", run.out());
}

/// Asserts "clean": nothing new but at most one failed record with its reason, and nothing left after the next run.
#[track_caller]
fn clean(host: &Host, kept: &[String]) {
    let others: Vec<_> =
        host.list("db").into_iter().filter(|b| !kept.iter().any(|id| b["id"] == id.as_str())).collect();
    for other in &others {
        assert_eq!(other["status"], "failed", "{other}");
        assert!(other["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{other}");
        assert!(!Path::new(&host.folder("db")).join(format!("{}.dump", other["id"].as_str().expect("id"))).exists());
    }
    host.check("db", kept, false);
    host.dokku(&["backups:sync", "db"]).expect(0);
    host.check("db", kept, true);
}

const EXPORT: [&str; 4] = ["backups:export", "db", "--format", "json"];

#[test]
fn fault_015_disk_full_during_the_dump() {
    if !is_root() {
        return;
    }
    let Some((host, _disk, id)) = grown(|host| Mounted::tmpfs(host, "size=20m")) else { return };
    let before = tree(&host.folder("db"));
    // Somebody else takes the room while the dump runs.
    host.fault("postgres:export/delay=1");
    let run = std::thread::scope(|scope| {
        let running = scope.spawn(|| host.dokku_at("", CLOCK, &EXPORT));
        let part = host.folder("db").join(".incoming").join(format!("{ID}.dump"));
        while !part.exists() && !running.is_finished() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        fill(&host, 500_000);
        running.join().expect("the export")
    });
    host.fault("");
    failed_as(&run, "no-space");
    let failed: Vec<_> = host.list("db").into_iter().filter(|backup| backup["status"] == "failed").collect();
    assert_eq!(failed.len(), 1, "one failed record");
    assert!(failed[0]["reason"].as_str().expect("reason").contains("No space"), "{}", failed[0]);
    for (path, node) in before.iter().filter(|(path, _)| path.starts_with(&id)) {
        assert_eq!(tree(&host.folder("db")).get(path), Some(node), "{} changed", path.display());
    }
    clean(&host, std::slice::from_ref(&id));
    assert!(free(&host) >= 450_000, "the room the half dump took is not free again");
    fs::remove_file(host.data_root().join("filler")).expect("remove");
    let again = host.export("db");
    host.check("db", &[id, again], true);
}

#[test]
fn fault_015_the_room_of_the_last_dump_is_asked_for_first() {
    if !is_root() {
        return;
    }
    let Some((host, _disk, id)) = grown(|host| Mounted::tmpfs(host, "size=24m")) else { return };
    let large = host.export("db");
    let kept = [id, large];
    let size = host.info("db", &kept[1])["size"].as_u64().expect("size");
    assert!(size > 1_500_000, "{size}");
    // More than the last one needed, less than another such and its spare will.
    fill(&host, size + (15 << 20));
    let count = host.list("db").len();
    let run = host.dokku(&EXPORT);
    failed_as(&run, "no-space");
    assert!(error(&run)["message"].as_str().expect("text").contains("judging by the last dump"), "{run:?}");
    assert_eq!(host.list("db").len(), count, "refused before there is a row");
    host.check("db", &kept, true);
}

#[test]
fn fault_015_file_size_limit_and_quota() {
    let host = Host::up();
    host.database("db", FEW);
    let kept = [host.export("db")];
    host.sql("db", MUCH);
    let mut limited = host.command("prlimit");
    limited.arg("--fsize=500000").arg(Path::new(host.var("DOKKU_SANDBOX_DIR")).join("bin/dokku")).args(EXPORT);
    failed_as(&finish(limited), "no-space");
    clean(&host, &kept);
    // EDQUOT in the middle of the dump.
    let (run, names) = host.points("2026-04-07T10:00:00Z", &EXPORT);
    let kept = [kept[0].clone(), run.expect(0).json()["id"].as_str().expect("id").to_owned()];
    let made = names.iter().rposition(|name| name == "rename").expect("the dump is moved");
    let made = names[..made].iter().rposition(|name| name == "create").expect("the dump is created");
    // After it: the log is opened and written to, then comes the dump.
    let writes: Vec<_> = (made..names.len()).filter(|at| names[*at] == "write").collect();
    let plan = format!("fail={}:122", writes[2] + 1);
    failed_as(&host.dokku_at(&plan, "2026-04-09T10:00:00Z", &EXPORT), "no-space");
    clean(&host, &kept);
}

#[test]
fn fault_015_no_inodes() {
    if !is_root() {
        return;
    }
    let Some((host, _disk, id)) = grown(|host| Mounted::tmpfs(host, "size=24m,nr_inodes=40")) else { return };
    let mut kept = vec![id];
    let mut failures = 0;
    for free in 0..6 {
        let fillers = host.data_root().join("fillers");
        fs::create_dir(&fillers).expect("a folder");
        let full = (0..).map(|n| fillers.join(n.to_string())).take_while(|file| fs::write(file, b"").is_ok()).count();
        assert!(full > free, "{full}");
        for n in 0..free {
            fs::remove_file(fillers.join(n.to_string())).expect("remove");
        }
        let clock = format!("2026-04-{:02}T10:00:00Z", 10 + free);
        let run = host.dokku_at("", &clock, &EXPORT);
        match run.code {
            Some(0) => kept.push(run.json()["id"].as_str().expect("id").to_owned()),
            _ => {
                failures += 1;
                failed_as(&run, "no-space");
            }
        }
        host.check("db", &kept, false);
        fs::remove_dir_all(&fillers).expect("remove");
        host.dokku(&["backups:sync", "db"]).expect(0);
        host.check("db", &kept, true);
        // A run that could not be recorded as a backup is recorded as failed, or left no trace at all.
        let bad: Vec<_> = host.list("db").into_iter().filter(|b| b["status"] == "in-progress").collect();
        assert!(bad.is_empty(), "{bad:?}");
    }
    assert!(failures >= 2 && kept.len() >= 2, "{failures} failures, {kept:?}");
}

/// A deletion needs a little room for its record. Without any block it takes that of the index, which can be made anew.
#[test]
fn fault_015_a_delete_on_a_full_disk_loses_nothing() {
    if !is_root() {
        return;
    }
    let Some((host, _disk, id)) = grown(|host| Mounted::tmpfs(host, "size=24m")) else { return };
    let large = host.export("db");
    fill(&host, 0);
    let delete = ["backups:delete", "db", "--id", &large, "--format", "json"];
    assert_eq!(free(&host), 0, "the disk is full");
    host.dokku(&delete).expect(0);
    assert!(free(&host) > 1_500_000, "nothing was freed");
    host.check("db", &[id], true);
}

#[test]
fn fault_016_disk_full_when_record_and_index_are_written() {
    let host = Host::up();
    host.database("db", FEW);
    let mut kept = vec![host.dokku_at("", "2026-04-06T10:00:00Z", &["backups:export", "db"]).expect(0).id()];
    let (run, names) = host.points("2026-04-07T10:00:00Z", &EXPORT);
    kept.push(run.expect(0).json()["id"].as_str().expect("id").to_owned());
    let moved = names.iter().position(|name| name == "rename").expect("the dump is moved");
    let replaced: Vec<_> = (moved..names.len()).filter(|at| names[*at] == "replace").collect();
    assert_eq!(replaced.len(), 2, "a record and an index: {names:?}");
    for (day, at) in (moved + 1..replaced[1]).enumerate() {
        if !["create", "write", "replace", "fsync"].contains(&names[at].as_str()) {
            continue;
        }
        let clock = format!("2026-05-{:02}T10:00:00Z", day + 1);
        let id = format!("db-2026-05-{:02}-10-00-00", day + 1);
        let run = host.dokku_at(&format!("fail={}:28", at + 1), &clock, &EXPORT);
        if at <= replaced[0] {
            failed_as(&run, "no-space");
            let listed = host.list("db").into_iter().find(|backup| backup["id"] == id.as_str()).expect("listed");
            assert_eq!(listed["presence"], "here", "{listed}");
            host.check("db", &kept, false);
            let next = host.dokku(&["backups:sync", "db"]).expect(0);
            assert!(next.out().contains(&format!("adopted: {id}")), "{next:?}");
            let info = host.info("db", &id);
            assert_eq!((info["status"].as_str(), info["tables"][0]["rows"].as_u64()), (Some("success"), Some(50)));
        } else {
            run.expect(0);
        }
        kept.push(id);
        // The points are counted on a catalogue whose index is up to date.
        host.dokku(&["backups:sync", "db"]).expect(0);
        host.check("db", &kept, true);
    }
}

/// Puts a wrapper in the binary's place that runs it under strace with the options in `DOKKU_STRACE`. The main thread
/// alone is traced: it does all the writing.
fn under_strace(host: &Host, options: &str, args: &[&str]) -> Option<(Run, String)> {
    let bin = host.dir().join("var/lib/dokku/plugins/enabled/backups/bin");
    let (real, wrapper, log) = (bin.join("real"), bin.join("dokku-backups"), host.dir().join("strace.log"));
    if !real.exists() {
        fs::rename(&wrapper, &real).expect("rename");
    }
    let _ = fs::remove_file(&log);
    host.put(&log, b"", 0o666);
    let script = format!("#!/bin/sh\nexec strace -qq -o {} {options} {} \"$@\"\n", log.display(), real.display());
    host.put(&wrapper, script.as_bytes(), 0o755);
    let run = host.dokku_at("", CLOCK, args);
    fs::remove_file(&wrapper).expect("remove");
    fs::rename(&real, &wrapper).expect("rename");
    if run.stderr.contains("strace: not found") || run.stderr.contains("ptrace(") {
        left_out("strace", &run.stderr);
        return None;
    }
    Some((run, fs::read_to_string(&log).expect("the log")))
}

fn traced() -> (Host, Vec<String>, String) {
    let host = Host::up();
    host.database("db", FEW);
    let kept = vec![host.export("db")];
    let part = host.folder("db").join(".incoming").join(format!("{ID}.dump")).display().to_string();
    (host, kept, part)
}

#[test]
fn fault_017_interrupted_calls_are_made_again() {
    let (host, mut kept, _) = traced();
    let options = "-e trace=write,poll -e inject=write:error=EINTR:when=1+2 -e inject=poll:error=EINTR:when=1+2";
    let Some((run, log)) = under_strace(&host, options, &EXPORT) else { return };
    kept.push(run.expect(0).json()["id"].as_str().expect("id").to_owned());
    assert!(log.matches("(INJECTED)").count() > 4, "{log}");
    host.check("db", &kept, true);
}

#[test]
fn fault_017_short_writes_are_continued() {
    let host = Host::up();
    host.database("db", &format!("{FEW}{MUCH}"));
    let kept = [host.dokku_at("short=1000", CLOCK, &["backups:export", "db"]).expect(0).id()];
    host.check("db", &kept, true);
    assert_eq!(host.info("db", &kept[0])["tables"].as_array().expect("tables").len(), 2);
}

#[test]
fn fault_017_eio_and_a_write_that_lies() {
    let (host, kept, part) = traced();
    let options = format!("-P {part} -e trace=write -e inject=write:error=EIO:when=1");
    let Some((run, log)) = under_strace(&host, &options, &EXPORT) else { return };
    assert_eq!((run.code, error(&run)["kind"].as_str()), (Some(1), Some("io")), "{run:?} {log}");
    assert!(error(&run)["message"].as_str().expect("text").contains(ID), "names the file: {run:?}");
    clean(&host, &kept);
    host.dokku(&["backups:list", "db"]).expect(0);
    // The bytes are said to be written and are not.
    fs::remove_file(host.folder("db").join(format!("{ID}.toml"))).expect("the failed record");
    let options = format!("-P {part} -e trace=write -e inject=write:retval=100:when=1");
    let Some((run, _)) = under_strace(&host, &options, &EXPORT) else { return };
    assert_eq!((run.code, error(&run)["kind"].as_str()), (Some(1), Some("io")), "{run:?}");
    clean(&host, &kept);
}

#[test]
fn fault_018_a_failed_fsync_is_never_asked_again() {
    let (host, kept, part) = traced();
    let options = format!("-P {part} -e trace=fsync,fdatasync -e inject=fsync:error=EIO:when=1");
    let Some((run, log)) = under_strace(&host, &options, &EXPORT) else { return };
    assert_eq!((run.code, error(&run)["kind"].as_str()), (Some(1), Some("io")), "{run:?} {log}");
    assert_eq!(log.matches("sync(").count(), 1, "asked again: {log}");
    assert!(!host.folder("db").join(format!("{ID}.dump")).exists(), "kept a dump that is not durable");
    clean(&host, &kept);
    let reason = host.info("db", ID)["reason"].as_str().expect("reason").to_owned();
    assert!(reason.contains("make durable"), "{reason}");
}

/// The record's own fsync: the dump is durable, the record is not, so the export has failed and the next run adopts.
#[test]
fn fault_018_the_records_fsync_fails() {
    let (host, mut kept, part) = traced();
    let record = part.replace(".dump", ".toml.new");
    let options = format!("-P {record} -e trace=fsync,fdatasync -e inject=fsync:error=EIO:when=1");
    let Some((run, log)) = under_strace(&host, &options, &EXPORT) else { return };
    assert_eq!((run.code, error(&run)["kind"].as_str()), (Some(1), Some("io")), "{run:?} {log}");
    assert_eq!(log.matches("sync(").count(), 1, "asked again: {log}");
    host.check("db", &kept, false);
    host.dokku(&["backups:sync", "db"]).expect(0);
    kept.push(ID.to_owned());
    host.check("db", &kept, true);
}

#[test]
fn fault_019_a_rename_that_fails_is_no_copy() {
    let (host, kept, _) = traced();
    let options = "-e trace=renameat2 -e inject=renameat2:error=EIO:when=1";
    let Some((run, log)) = under_strace(&host, options, &EXPORT) else { return };
    assert_eq!((run.code, error(&run)["kind"].as_str()), (Some(1), Some("io")), "{run:?} {log}");
    assert!(!host.folder("db").join(format!("{ID}.dump")).exists(), "copied instead");
    clean(&host, &kept);
}

#[test]
fn fault_019_a_directory_fsync_that_fails_is_said_and_recorded() {
    let host = Host::up();
    host.database("db", FEW);
    let first = host.export("db");
    let (run, names) = host.points("2026-04-07T10:00:00Z", &EXPORT);
    let mut kept = vec![first, run.expect(0).json()["id"].as_str().expect("id").to_owned()];
    let moved = names.iter().position(|name| name == "rename").expect("the dump is moved");
    assert_eq!(names[moved + 1], "fsync-dir");
    let run = host.dokku_at(&format!("fail={}", moved + 2), CLOCK, &EXPORT).expect(0);
    assert!(run.stderr.contains("durability unknown"), "{run:?}");
    let notes = host.info("db", ID)["notes"].to_string();
    assert!(notes.contains("durability unknown"), "{notes}");
    kept.push(ID.to_owned());
    host.check("db", &kept, true);
}

#[test]
fn fault_020_read_only_file_system() {
    if !is_root() {
        return;
    }
    let host = Host::up();
    let Some(disk) = Mounted::tmpfs(&host, "size=24m") else { return };
    host.database("db", FEW);
    let kept = [host.export("db"), host.export("db")];
    disk.remount("ro");
    let before = tree(&host.data_root());
    failed_as(&host.dokku(&EXPORT), "io");
    failed_as(&host.dokku(&["backups:delete", "db", "--id", &kept[0], "--format", "json"]), "io");
    failed_as(&host.dokku(&["backups:import", "db", "--latest", "--force", "--format", "json"]), "io");
    host.check("db", &kept, false);
    host.dokku(&["backups:info", "db", "--latest"]).expect(0);
    host.dokku(&["backups:logs", "db", "--latest"]).expect(0);
    assert_eq!(before, tree(&host.data_root()));
    disk.remount("rw");
    host.dokku(&["backups:sync", "db"]).expect(0);
    host.check("db", &kept, true);
}

#[test]
fn fault_020_root_not_writable_or_missing() {
    let host = Host::up();
    let root = host.data_root();
    host.database("db", FEW);
    let kept = [host.export("db")];
    host.dokku(&["postgres:create", "new"]).expect(0);
    for folder in [root.join("postgres"), host.folder("db")] {
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).expect("mode");
        let service = if folder.ends_with("db") { "db" } else { "new" };
        failed_as(&host.dokku(&["backups:export", service, "--format", "json"]), "io");
        let others: Vec<_> = host.list("db").into_iter().filter(|b| b["id"] != kept[0].as_str()).collect();
        assert!(others.iter().all(|backup| backup["status"] == "failed"), "{others:?}");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("mode");
    }
    host.dokku(&["backups:sync", "db"]).expect(0);

    let away = root.with_file_name("away");
    fs::rename(&root, &away).expect("rename");
    failed_as(&host.dokku(&EXPORT), "config");
    assert!(host.dokku(&["backups:list"]).expect(0).out().contains("No backups"));
    assert!(host.dokku(&["backups:list", "db"]).expect(0).out().contains("No backups"));
    assert!(!root.exists(), "made by a command that is not the install");
    fs::rename(&away, &root).expect("rename");
    host.check("db", &kept, true);
}

#[test]
fn fault_021_nothing_is_written_to_an_unmounted_root() {
    if !is_root() {
        return;
    }
    let host = Host::up();
    let Some(disk) = Mounted::ext4(&host, 40, "") else { return };
    host.database("db", FEW);
    let kept = [host.export("db")];
    let root = host.data_root();
    disk.unmount();
    // An empty mount point, as on a host whose root was laid out with its disk mounted.
    fs::remove_file(root.join(".dokku-backups")).expect("the marker below");
    let bare = fs::metadata(&root).expect("metadata");
    for args in [
        &["backups:export", "db", "--format", "json"][..],
        &["backups:delete", "db", "--id", &kept[0], "--format", "json"],
        &["backups:import", "db", "--latest", "--force", "--format", "json"],
        &["backups:sync", "db", "--format", "json"],
    ] {
        let run = host.dokku(args);
        assert!(matches!(run.code, Some(1 | 4)), "{args:?}: {run:?}");
        assert!(["config", "not-found"].contains(&error(&run)["kind"].as_str().expect("kind")), "{args:?}: {run:?}");
    }
    let run = host.dokku(&EXPORT);
    failed_as(&run, "config");
    assert!(run.stderr.contains("findmnt"), "{run:?}");
    host.dokku(&["backups:list", "db"]).expect(0);
    let install = host.dokku(&["plugin:install"]);
    assert!(tree(&root).is_empty(), "written to the empty mount point");
    assert!(install.code != Some(0) || !root.join(".dokku-backups").exists(), "{install:?}");
    assert_eq!(bare.mode(), fs::metadata(&root).expect("metadata").mode());
    disk.again();
    host.check("db", &kept, false);
    host.dokku(&["backups:sync", "db"]).expect(0);
    host.check("db", &kept, true);
}
