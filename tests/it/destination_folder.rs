//! Copies in a folder of another disk or share: the whole life of one, and a disk that is full, read-only or not there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::support::lack::is_root;
use super::support::{Host, Run, SHOP, truth, walk};

const MARKER: &str = ".dokku-backups-destination";
/// Points that change nothing.
const READS: [&str; 4] = ["open-dir", "list", "lock", "open"];
/// How many services of a sandbox are worked on at once.
const WORKERS: usize = 3;

/// A folder `name` of the sandbox's user.
fn folder(host: &Host, name: &str) -> PathBuf {
    fs::set_permissions(host.dir(), fs::Permissions::from_mode(0o755)).expect("modes");
    let path = host.dir().join(name);
    fs::create_dir(&path).expect("a folder");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("modes");
    host.give(&path);
    path
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// A host whose copies go to a folder, with a service `shop` that has data.
fn with_folder() -> (Host, PathBuf) {
    let host = Host::up();
    host.database("shop", SHOP);
    let disk = folder(&host, "disk");
    host.set_destination(&uri(&disk)).expect(0);
    (host, disk)
}

/// Every file below the folder, by its path in it, but the marker.
fn files(disk: &Path) -> Vec<String> {
    let mut found = Vec::new();
    walk(disk, &mut |path, meta| {
        if !meta.is_dir() {
            found.push(path.strip_prefix(disk).expect("below").display().to_string());
        }
    });
    found.retain(|path| path != MARKER);
    found.sort();
    found
}

/// The same without the words of uploads.
fn objects(disk: &Path) -> Vec<String> {
    files(disk).into_iter().filter(|path| !path.ends_with(".mark")).collect()
}

fn at(disk: &Path, service: &str, file: &str) -> PathBuf {
    disk.join("postgres").join(service).join(file)
}

#[test]
fn row_106_an_export_is_copied_fetched_and_deleted() {
    let (host, disk) = with_folder();
    let rows = host.fingerprint("shop");
    let id = host.export("shop");
    let info = host.info("shop", &id);
    let copy = &info["copy"];
    assert_eq!((copy["state"].as_str(), info["presence"].as_str()), (Some("stored"), Some("both")), "{info}");
    let dump = at(&disk, "shop", &format!("{id}.dump"));
    assert_eq!(copy["uri"], uri(&dump));
    let bytes = fs::read(&dump).expect("the copy");
    assert_eq!(bytes, fs::read(host.dump_file("shop", &id)).expect("the dump"));
    let record = at(&disk, "shop", &format!("{id}.toml"));
    let here = fs::read(host.folder("shop").join(format!("{id}.toml"))).expect("the record");
    assert_eq!(fs::read(&record).expect("its copy"), here);
    let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
    assert_eq!((mode(&dump), mode(&record), mode(dump.parent().expect("a folder"))), (0o600, 0o600, 0o700));
    assert_eq!(objects(&disk), [format!("postgres/shop/{id}.dump"), format!("postgres/shop/{id}.toml")]);
    host.dokku(&["backups:check", "--read"]);
    assert_eq!(objects(&disk).len(), 2, "the test leaves nothing");

    // What needs the bytes fetches them.
    let file = host.lose("shop", &id);
    assert_eq!(host.info("shop", &id)["presence"], "remote");
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    assert_eq!(host.trust("shop", &id), "restorable");
    host.lose("shop", &id);
    host.sql("shop", "delete from orders; delete from items");
    host.dokku(&["backups:import", "shop", "--id", &id, "--force"]).expect(0);
    assert_eq!(host.fingerprint("shop"), rows);
    host.lose("shop", &id);
    assert_eq!(host.dokku(&["backups:download", "shop", "--id", &id]).expect(0).stdout, bytes);
    assert!(file.exists());
    // The record beside the copy follows, and the safety backup's copy is made afterwards.
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert!(fs::read_to_string(&record).expect("the record").contains("[verification]"));
    let all = host.list("shop");
    assert!(all.iter().all(|backup| backup["copy"]["state"] == "stored"), "{all:?}");

    // Bytes that are others than were sent are not poured.
    let path = host.lose("shop", &id);
    for wrong in [bytes[1..].to_vec(), bytes.iter().map(|byte| byte ^ 1).collect()] {
        host.put(&dump, &wrong, 0o600);
        let run = host.dokku(&["backups:import", "shop", "--id", &id, "--force"]).expect(6);
        assert!(run.stderr.contains("damaged") && !path.exists(), "{}", run.stderr);
    }
    fs::remove_file(&dump).expect("the copy");
    let run = host.dokku(&["backups:import", "shop", "--id", &id, "--force"]).expect(4);
    assert!(run.stderr.contains("is not at file:///"), "{}", run.stderr);
    host.put(&dump, &bytes, 0o600);
    for backup in host.list("shop") {
        host.dokku(&["backups:delete", "shop", "--id", backup["id"].as_str().expect("id"), "--force"]).expect(0);
    }
    assert_eq!(files(&disk), Vec::<String>::new(), "copies, records and words are gone");
    assert_eq!(host.copy_state("shop", &id), "deleted");
}

#[test]
fn row_106_a_new_host_finds_everything_in_the_folder() {
    let (host, disk) = with_folder();
    let rows = host.fingerprint("shop");
    let first = host.dokku(&["backups:export", "shop", "--at", "2026-04-08T14:30:00Z", "--verify"]).expect(0).id();
    let second = host.dokku(&["backups:export", "shop", "--at", "2026-04-08T14:31:00Z"]).expect(0).id();
    let kept = fs::read(at(&disk, "shop", &format!("{second}.dump"))).expect("a copy");
    host.put(&at(&disk, "shop", "holiday.jpg"), b"x", 0o600);
    host.put(&at(&disk, "shop", "shop-2026-04-09-00-00-01.toml"), b"format = 1\ncut", 0o600);
    symlink("/etc/passwd", at(&disk, "shop", "shop-2026-04-09-00-00-02.dump")).expect("link");
    // As the root of an ext4 has it: nobody else's to open.
    fs::create_dir(disk.join("lost+found")).expect("a folder");
    fs::set_permissions(disk.join("lost+found"), fs::Permissions::from_mode(0o700)).expect("modes");

    let fresh = Host::up();
    fresh.set_destination(&uri(&disk)).expect(0);
    let report = fresh.dokku(&["backups:sync", "--format", "json"]).expect(0).json();
    assert_eq!(report["services"][0]["rebuilt"], serde_json::json!([first, second]), "{report}");
    let strange = report["services"][0]["strange"].to_string();
    assert!(strange.contains("holiday.jpg: not ours") && strange.contains("00-01.toml: it is cut"), "{strange}");
    assert_eq!(fresh.info("shop", &first)["origin"], "foreign");
    let report = fresh.dokku(&["backups:sync", "--take-over", "--format", "json"]).expect(0).json();
    assert_eq!(report["services"][0]["taken_over"].as_array().map(Vec::len), Some(2), "{report}");
    assert_eq!(fresh.trust("shop", &first), "restorable");
    fresh.database("shop", "");
    fresh.dokku(&["backups:import", "shop", "--id", &first, "--force"]).expect(0);
    assert_eq!(fresh.fingerprint("shop"), rows);

    // Both hosts write there. A dump of that very name is never replaced by the other's.
    fresh.sql("shop", "delete from orders");
    let id = "shop-2026-04-08-15-00-00";
    host.dokku(&["backups:export", "shop", "--at", "2026-04-08T15:00:00Z"]).expect(0);
    let theirs = fs::read(at(&disk, "shop", &format!("{id}.dump"))).expect("a copy");
    let run = fresh.dokku(&["backups:export", "shop", "--at", "2026-04-08T15:00:00Z"]).expect(3);
    assert!(run.stderr.contains("other bytes"), "{}", run.stderr);
    fresh.dokku(&["backups:sync", "shop"]).expect(3);
    fresh.dokku(&["backups:delete", "shop", "--id", id]).expect(0);
    assert_eq!(fs::read(at(&disk, "shop", &format!("{id}.dump"))).expect("a copy"), theirs);
    assert_eq!(fs::read(at(&disk, "shop", &format!("{second}.dump"))).expect("a copy"), kept);
    host.lose("shop", id);
    host.dokku(&["backups:verify", "shop", "--id", id]).expect(0);
}

#[test]
fn row_106_a_copy_in_the_folder_alone_may_be_encrypted() {
    let (host, disk) = with_folder();
    let identity = age::x25519::Identity::generate();
    let private = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    host.dokku(&["backups:set", "shop", "encrypt-to", &identity.to_public().to_string()]).expect(0);
    host.dokku(&["backups:set", "shop", "encrypt", "off-site"]).expect(0);
    let rows = host.fingerprint("shop");
    let id = host.export("shop");
    let there = fs::read(at(&disk, "shop", &format!("{id}.dump.age"))).expect("the copy");
    assert!(there.starts_with(b"age-encryption.org/v1"));
    assert_eq!(host.info("shop", &id)["copy"]["sha256"], truth::hex(&there));
    let file = host.lose("shop", &id);
    host.dokku(&["backups:import", "shop", "--id", &id, "--force"]).expect(1);
    assert!(!file.exists());
    host.sql("shop", "delete from orders");
    let words = ["backups:import", "shop", "--id", &id, "--force", "--identity", "-"];
    host.dokku_stdin(private.as_bytes(), &words).expect(0);
    assert_eq!(host.fingerprint("shop"), rows);
}

#[test]
fn row_106_only_a_folder_that_is_fit_for_it_can_be_set() {
    let host = Host::up();
    host.database("shop", SHOP);
    let disk = folder(&host, "disk");
    let refuses = |path: &Path, code: i32, words: &str| {
        let run = host.set_destination(&uri(path)).expect(code);
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        let set = host.dokku(&["backups:report", "--global", "--format", "json"]).expect(0).json();
        assert!(set["properties"]["destination"]["global"].is_null(), "it was saved");
    };
    refuses(&host.dir().join("none"), 1, "sudo install -d -m 700");
    host.put(&host.dir().join("file"), b"x", 0o600);
    refuses(&host.dir().join("file"), 1, "is not a folder");
    symlink(&disk, host.dir().join("link")).expect("link");
    refuses(&host.dir().join("link"), 1, "readlink -f");
    refuses(&host.data_root(), 7, "where Dokku and its plugins keep their own files");
    refuses(&host.folder("shop").join("../.."), 2, "destination is");
    for services in ["services", "services/postgres", "config/backups"] {
        refuses(&Path::new(host.var("DOKKU_LIB_ROOT")).join(services), 7, "choose a folder of another disk");
    }
    for wrong in ["file://disk", "file:///", "file:///a b", "/mnt/backup", "file:///a/../b"] {
        host.set_destination(wrong).expect(2);
    }
    if is_root() {
        let others = host.dir().join("others");
        fs::create_dir(&others).expect("a folder");
        refuses(&others, 1, "has to be able to write there");
    }
    assert_eq!(fs::read_dir(&disk).expect("list").count(), 0, "something was written");
    // No key of SSH chooses a folder of this host, neither by itself nor in a list, whatever it holds.
    let run = host.as_key("ci", &["backups:set", "--global", "destination", &uri(&disk)]).expect(7);
    assert!(run.stderr.contains("not set over SSH"), "{}", run.stderr);
    host.as_key("ci", &["backups:set", "shop", "destination", &uri(&disk)]).expect(7);
    let mut listed = host.key_command("ci", &["backups:set", "shop", "-"]);
    let list = host.dir().join("list");
    fs::write(&list, format!("destination {}\n", uri(&disk))).expect("write");
    listed.stdin(fs::File::open(&list).expect("the list"));
    assert_eq!(super::support::finish(listed).code, Some(7));
    assert_eq!(fs::read_dir(&disk).expect("list").count(), 0, "something was written");
    // On the disk of the backups it works, and is warned of: when it is set, and by every check.
    let run = host.as_login("alice", &["backups:set", "shop", "destination", &uri(&disk)]).expect(0);
    assert!(run.stderr.contains("same file system as the backups"), "{}", run.stderr);
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
    let run = host.dokku(&["backups:check", "--format", "json"]).expect(0);
    let findings = run.json()["services"][0]["findings"].to_string();
    assert!(
        findings.contains("destination-same-disk") && findings.contains("backups:set shop destination"),
        "{findings}"
    );
    host.as_key("ci", &["backups:set", "shop", "destination", "none"]).expect(0);
    assert!(!host.dokku(&["backups:check"]).out().contains("same file system"));
}

#[test]
fn row_106_a_disk_that_is_not_mounted_is_not_an_empty_store() {
    if !is_root() {
        return;
    }
    let host = Host::up();
    host.database("shop", SHOP);
    let (real, disk) = (folder(&host, "real"), folder(&host, "disk"));
    let mount = || {
        let done = Command::new("mount").arg("--bind").arg(&real).arg(&disk).output().expect("mount");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Unmount(disk.clone())
    };
    let mounted = mount();
    host.set_destination(&uri(&disk)).expect(0);
    let (kept, gone) = (host.export("shop"), host.export("shop"));
    drop(mounted);
    assert_eq!(fs::read_dir(&disk).expect("list").count(), 0, "it is still mounted");

    let away = |run: Run| assert!(run.stderr.contains("is the disk mounted?"), "{}", run.stderr);
    let run = host.dokku(&["backups:export", "shop"]).expect(3);
    let late = run.id();
    away(run);
    assert_eq!(host.copy_state("shop", &late), "failed");
    assert!(host.info("shop", &late)["copy"]["retry_at"].is_string());
    assert_eq!(host.copy_state("shop", &kept), "stored", "its copy is not lost");
    away(host.dokku(&["backups:sync", "shop"]).expect(3));
    host.lose("shop", &kept);
    away(host.dokku(&["backups:verify", "shop", "--id", &kept]).expect(1));
    away(host.dokku(&["backups:delete", "shop", "--id", &gone]).expect(3));
    assert_eq!(host.copy_state("shop", &gone), "deleting", "it is tried again");
    let run = host.dokku(&["backups:check", "--read"]).expect(1);
    assert!(run.out().contains("is the disk mounted?"), "{}", run.out());
    // Setting it once more does not make a store of the mount point.
    away(host.set_destination(&uri(&disk)).expect(1));
    away(host.dokku(&["backups:set", "--global", "destination-region", "eu-central-1"]).expect(1));
    let own = ["backups:set", "shop", "destination", &uri(&disk)];
    away(host.dokku(&own).expect(1));
    assert_eq!(fs::read_dir(&disk).expect("list").count(), 0, "something was written to the mount point");

    let _mounted = mount();
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert_eq!((host.copy_state("shop", &late), host.copy_state("shop", &gone)), ("stored".into(), "deleted".into()));
    host.dokku(&["backups:verify", "shop", "--id", &kept]).expect(0);
    assert_eq!(objects(&disk).len(), 4);
    // Another disk there is no store of ours until somebody says so, in the words of the hint.
    fs::rename(real.join(MARKER), host.dir().join("aside")).expect("the marker");
    let run = host.set_destination(&uri(&disk)).expect(1);
    assert!(run.stderr.contains(&format!("touch {}", disk.join(MARKER).display())), "{}", run.stderr);
    host.put(&disk.join(MARKER), b"", 0o600);
    host.set_destination(&uri(&disk)).expect(0);
}

/// A mount that is taken away when it is dropped.
struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn row_106_a_disk_that_is_full_or_read_only() {
    if !is_root() {
        return;
    }
    let host = Host::up();
    host.database("shop", SHOP);
    let noise = "create table noise as select md5(random()::text) || md5(random()::text) as t
                 from generate_series(1, 60000)";
    host.sql("shop", noise);
    let disk = folder(&host, "disk");
    let mount = |options: &str| {
        let done =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&disk).output().expect("mount");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    mount("size=1m,mode=700");
    let _mounted = Unmount(disk.clone());
    host.give(&disk);
    let run = host.set_destination(&uri(&disk)).expect(0);
    assert!(!run.stderr.contains("same file system"), "{}", run.stderr);
    let failed = |words: &str, hint: &str| {
        let run = host.dokku(&["backups:export", "shop"]).expect(3);
        let id = run.id();
        let info = host.info("shop", &id);
        assert!(info["copy"]["reason"].as_str().expect("a reason").contains(words), "{info}");
        assert_eq!((info["trust"].as_str(), info["presence"].as_str()), (Some("created"), Some("here")), "{info}");
        let set = host.dokku(&["backups:set", "--global", "destination-region", "us-east-1"]);
        assert!(hint.is_empty() || set.stderr.contains(hint), "{hint}: {}", set.stderr);
        id
    };
    let full = failed("No space left", "");
    assert_eq!(files(&disk), Vec::<String>::new(), "half a copy stays in the way");
    let remount = |options: &str| mount(&format!("remount,{options}"));
    remount("size=64m,ro");
    let read_only = failed("Read-only file system", "mounted read-only");
    host.dokku(&["backups:delete", "shop", "--id", &read_only]).expect(0);
    remount("size=64m,rw");
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert_eq!(host.copy_state("shop", &full), "stored");
    remount("size=64m,ro");
    let run = host.dokku(&["backups:delete", "shop", "--id", &full, "--force"]).expect(3);
    assert!(run.stderr.contains("Read-only") && run.stderr.contains("remount,rw"), "{}", run.stderr);
    assert_eq!(host.copy_state("shop", &full), "deleting");
    remount("size=64m,rw");
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert_eq!(files(&disk), Vec::<String>::new());
}

/// The folder of a service of its own; set the first time.
fn disk_of(host: &Host, service: &str) -> PathBuf {
    let disk = host.dir().join(format!("disk-{service}"));
    if !disk.exists() {
        folder(host, &format!("disk-{service}"));
        host.dokku(&["backups:set", service, "destination", &uri(&disk)]).expect(0);
    }
    disk
}

/// Whatever broke, one more `sync` leaves every good backup with its whole copy, and nothing else in the folder.
#[track_caller]
fn settled(host: &Host, service: &str, at: &str) {
    let disk = disk_of(host, service);
    host.dokku(&["backups:sync", service]).expect(0);
    host.check(service, &[], true);
    let mut expected = Vec::new();
    for backup in host.list(service).iter().filter(|backup| backup["status"] == "success") {
        let (state, id) = (&backup["copy"]["state"], backup["id"].as_str().expect("id"));
        if !backup["deleted_at"].is_null() {
            assert_eq!(state, "deleted", "{at}: {backup}");
            continue;
        }
        assert_eq!(state, "stored", "{at}: {backup}");
        let copy = backup["copy"]["uri"].as_str().and_then(|uri| uri.strip_prefix("file://")).expect("a path");
        let sum = truth::hex(&fs::read(copy).unwrap_or_else(|error| panic!("{at}: {copy}: {error}")));
        assert_eq!(backup["copy"]["sha256"].as_str(), Some(sum.as_str()), "{at}: {id}");
        for file in [Path::new(copy).file_name().expect("a name").to_string_lossy().into_owned(), format!("{id}.toml")]
        {
            expected.push(format!("postgres/{service}/{file}"));
        }
    }
    expected.sort();
    assert_eq!(objects(&disk), expected, "{at}");
    let word_of =
        |path: &String| path.strip_suffix(".mark").and_then(|path| Some(path.rsplit_once('.')?.0.replace("/.", "/")));
    let stray: Vec<String> = files(&disk).iter().filter_map(word_of).filter(|path| !expected.contains(path)).collect();
    assert!(stray.is_empty(), "{at}: words of what is not there: {stray:?}");
}

/// What comes before the verb that is broken; an id for its `{id}`.
type Prepare = fn(&Host, &str, &str) -> String;

/// Breaks `args` at every point that changes something, the points dealt out among workers with a service each: `{}` in
/// `args`. `plan` makes the plan for the n-th of them. How often it broke.
fn broken_at_every_point(args: &[&str], plan: &(dyn Fn(usize) -> String + Sync), prepare: Prepare) -> usize {
    let (host, broken) = (&Host::up(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let broken = &broken;
            scope.spawn(move || {
                let service = format!("db{worker}");
                host.database(&service, "create table t(id int primary key); insert into t values (1), (2)");
                disk_of(host, &service);
                let mut second = 0;
                let mut clock = || {
                    second += 1;
                    format!("2026-04-08T{:02}:{:02}:00Z", 10 + second / 60, second % 60)
                };
                let begin = |clock: &str| {
                    let id = prepare(host, &service, clock);
                    args.iter().map(|arg| arg.replace("{}", &service).replace("{id}", &id)).collect::<Vec<String>>()
                };
                let words = begin(&clock());
                let (run, names) = host.points(&clock(), &words.iter().map(String::as_str).collect::<Vec<_>>());
                run.expect(0);
                settled(host, &service, "unbroken");
                // The copy is made on a thread of its own: the order of the points is not the same each time.
                for point in (1 + worker..=names.len()).step_by(WORKERS) {
                    if READS.contains(&names[point - 1].as_str()) {
                        continue;
                    }
                    let words = begin(&clock());
                    let words: Vec<&str> = words.iter().map(String::as_str).collect();
                    let run = host.dokku_at(&plan(point), &clock(), &words);
                    assert!(!run.stderr.contains("panicked"), "{run:?}");
                    if run.code != Some(0) {
                        broken.fetch_add(1, Ordering::Relaxed);
                        settled(host, &service, &format!("{args:?} with {}: {run:?}", plan(point)));
                    }
                }
            });
        }
    });
    broken.into_inner()
}

fn nothing(_: &Host, _: &str, _: &str) -> String {
    String::new()
}

/// From now on copies are encrypted: no two of one dump are alike, and only its word tells whose upload one is.
fn encrypted(host: &Host, service: &str, _: &str) -> String {
    let public = age::x25519::Identity::generate().to_public().to_string();
    host.dokku(&["backups:set", service, "encrypt-to", &public]).expect(0);
    host.dokku(&["backups:set", service, "encrypt", "off-site"]).expect(0);
    String::new()
}

fn one_backup(host: &Host, service: &str, clock: &str) -> String {
    host.dokku_at("", clock, &["backups:export", service]).expect(0).id()
}

/// One more good backup, whose copy failed.
fn uncopied(host: &Host, service: &str, clock: &str) -> String {
    let disk = disk_of(host, service);
    let (marker, aside) = (disk.join(MARKER), host.dir().join(format!("aside-{service}")));
    fs::rename(&marker, &aside).expect("the marker");
    let id = host.dokku_at("", clock, &["backups:export", service]).expect(3).id();
    fs::rename(&aside, &marker).expect("the marker");
    id
}

#[test]
fn row_106_an_export_with_an_encrypted_copy_is_killed_at_every_point() {
    let kills = broken_at_every_point(&["backups:export", "{}"], &|at| format!("abort={at}"), encrypted);
    assert!(kills > 30, "{kills}");
}

#[test]
fn row_106_a_copy_that_is_made_later_is_killed_at_every_point() {
    let kills = broken_at_every_point(&["backups:sync", "{}"], &|at| format!("abort={at}"), uncopied);
    assert!(kills > 20, "{kills}");
}

#[test]
fn row_106_deleting_a_copy_is_killed_at_every_point() {
    let args = ["backups:delete", "{}", "--id", "{id}", "--force"];
    let kills = broken_at_every_point(&args, &|at| format!("abort={at}"), one_backup);
    assert!(kills > 10, "{kills}");
}

#[test]
fn row_106_the_disk_says_no_at_every_point() {
    // ENOSPC, EIO, EROFS, ESTALE, and EINVAL: what a file system says that does not know the call.
    let numbers = [28, 5, 30, 116, 22];
    let fails = |at: usize| format!("fail={at}:{}", numbers[at % numbers.len()]);
    let failures = broken_at_every_point(&["backups:sync", "{}"], &fails, uncopied);
    assert!(failures > 15, "{failures}");
    broken_at_every_point(&["backups:export", "{}"], &fails, nothing);
}

#[test]
fn row_106_what_the_disk_says_has_a_next_step() {
    let (host, disk) = with_folder();
    let clock = "2026-04-08T14:30:00Z";
    let words = ["backups:set", "--global", "destination", &uri(&disk)];
    let (run, names) = host.points(clock, &words);
    run.expect(0);
    let create = names.iter().position(|name| name == "create").expect("the probe creates a file") + 1;
    for (number, said) in [
        (28, "df -h"),
        (122, "df -h"),
        (5, "dmesg | tail"),
        (30, "remount,rw"),
        (116, "mount it again"),
        (107, "does not answer"),
        (13, "has to be able to write there"),
    ] {
        let run = host.dokku_at(&format!("fail={create}:{number}"), clock, &words).expect(1);
        assert!(run.stderr.contains(said) && run.stderr.contains("nothing was changed"), "{number}: {}", run.stderr);
    }
    assert_eq!(files(&disk), Vec::<String>::new());
}
