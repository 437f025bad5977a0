//! Records that are gone, cut, strange or somebody else's (rows 50 to 58), and dumps that are not what their record says
//! (rows 42 and 44 as far as import goes: what is not whole never reaches the database).

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::support::faults::tree;
use super::support::fixture::{COUNT, FEW};
use super::support::{Host, soaking};

/// A host whose service `db` has `count` backups, oldest first.
fn with_backups(count: usize) -> (Host, Vec<String>) {
    let host = Host::up();
    host.database("db", FEW);
    let export = |n| host.dokku_at("", &format!("2026-04-{:02}T10:00:00Z", n + 1), &["backups:export", "db"]);
    let ids = (0..count).map(|n| export(n).expect(0).id()).collect();
    (host, ids)
}

/// A document as the program writes it: `format` on top, the checksum at the end.
fn document(format: u32, body: &str) -> Vec<u8> {
    let text = format!("format = {format}\n{body}");
    let sum: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{text}# sha256 {sum}\n").into_bytes()
}

/// The body of a document.
fn body(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<_> = text.lines().skip(1).filter(|line| !line.starts_with("# ")).collect();
    lines.join("\n") + "\n"
}

#[track_caller]
fn ids(listed: &[Value]) -> Vec<&str> {
    listed.iter().map(|backup| backup["id"].as_str().expect("id")).collect()
}

#[test]
fn fault_050_index_cut_at_every_byte_missing_or_false() {
    let (host, kept) = with_backups(2);
    let index = host.folder("db").join("index.toml");
    let whole = fs::read(&index).expect("the index");
    // A summary leaves the tables out; a record read for want of an index has them.
    let list = || {
        let mut listed = host.quick_list("db");
        listed.iter_mut().for_each(|backup| backup["tables"] = Value::Null);
        listed
    };
    let right = list();
    assert_eq!(ids(&right), [kept[1].as_str(), kept[0].as_str()]);
    let wrong = |bytes: Option<&[u8]>, what: &str| {
        match bytes {
            Some(bytes) => host.put(&index, bytes, 0o600),
            None => fs::remove_file(&index).expect("remove"),
        }
        assert_eq!(list(), right, "index {what}");
    };
    // Every byte is tried at the codec; here every boundary that a torn write can leave, and a fair lot between.
    let cuts = (0..whole.len()).filter(|cut| cut % 16 == 0 || whole[*cut] == b'\n' || *cut + 70 > whole.len());
    for cut in cuts {
        wrong(Some(&whole[..cut]), &format!("cut at {cut}"));
    }
    wrong(None, "missing");
    wrong(Some(b""), "empty");
    wrong(Some(&[0xff; 3000]), "binary");
    wrong(Some(b"format = 1\nsummaries = []\n"), "without checksum");
    wrong(Some(&document(1, "summaries = []\n")), "of nothing");
}

#[test]
fn fault_050_a_rebuilt_index_is_the_same() {
    let (host, kept) = with_backups(3);
    let index = host.folder("db").join("index.toml");
    let whole = fs::read(&index).expect("the index");
    for bytes in [Some(&whole[..whole.len() / 2]), Some(&b""[..]), None] {
        match bytes {
            Some(bytes) => host.put(&index, bytes, 0o600),
            None => fs::remove_file(&index).expect("remove"),
        }
        host.dokku(&["backups:sync", "db"]).expect(0);
        assert_eq!(fs::read(&index).expect("rebuilt"), whole);
        host.check("db", &kept, true);
    }
}

#[test]
fn fault_051_a_record_missing_or_cut_is_adopted() {
    let (host, kept) = with_backups(3);
    let record = host.folder("db").join(format!("{}.toml", kept[0]));
    let whole = fs::read(&record).expect("the record");
    let info = host.info("db", &kept[0]);
    for cut in [None, Some(0), Some(1), Some(whole.len() / 2), Some(whole.len() - 1)] {
        match cut {
            Some(cut) => host.put(&record, &whole[..cut], 0o600),
            None => fs::remove_file(&record).expect("remove"),
        }
        let listed = host.list("db");
        let shown = listed.iter().find(|backup| backup["id"] == kept[0].as_str()).expect("still listed");
        assert_eq!((shown["status"].as_str(), shown["trust"].as_str()), (Some("success"), Some("damaged")), "{shown}");
        let report = host.dokku(&["backups:sync", "db", "--format", "json"]).expect(0).json();
        assert_eq!(report["services"][0]["adopted"], serde_json::json!([kept[0]]), "{report}");
        let adopted = host.info("db", &kept[0]);
        for key in ["size", "sha256", "tables", "server_version", "status", "trust", "created_at", "file"] {
            assert_eq!(adopted[key], info[key], "{key} cut at {cut:?}");
        }
        assert_eq!(adopted["adopted"], true);
        host.check("db", &kept, true);
    }
    host.dokku(&["backups:import", "db", "--id", &kept[0], "--force"]).expect(0);
}

#[test]
fn fault_051_a_lost_record_of_a_broken_dump_is_no_success() {
    let (host, kept) = with_backups(2);
    let folder = host.folder("db");
    fs::remove_file(folder.join(format!("{}.toml", kept[0]))).expect("remove");
    let dump = folder.join(format!("{}.dump", kept[0]));
    let bytes = fs::read(&dump).expect("the dump");
    host.put(&dump, &bytes[..bytes.len() - 5], 0o400);
    host.dokku(&["backups:sync", "db"]).expect(0);
    let info = host.info("db", &kept[0]);
    assert_eq!(info["status"], "failed", "{info}");
    assert!(dump.exists(), "a file somebody may still get something out of was deleted");
    host.check("db", &kept[1..], true);
    let run = host.dokku(&["backups:import", "db", "--id", &kept[0], "--force"]);
    assert_eq!(run.code, Some(7), "{run:?}");
}

#[test]
fn fault_052_a_newer_format_is_listed_and_never_rewritten() {
    let (host, kept) = with_backups(2);
    let record = host.folder("db").join(format!("{}.toml", kept[0]));
    let old = body(&fs::read(&record).expect("the record"));
    let newer = document(2, &format!("{old}novel = \"thing\"\n[more]\ndepth = 1\n"));
    host.put(&record, &newer, 0o600);
    let stamp = fs::metadata(&record).expect("metadata").ino();
    let listed = host.list("db");
    assert_eq!(ids(&listed), [kept[1].as_str(), kept[0].as_str()]);
    assert_eq!(listed[1]["status"], "success");
    assert_eq!(listed[1]["size"], listed[0]["size"]);
    for args in [
        &["backups:sync", "db"][..],
        &["backups:export", "db"],
        &["backups:delete", "db", "--id", &kept[0], "--force"],
        &["backups:import", "db", "--id", &kept[0], "--force", "--no-backup"],
    ] {
        let run = host.dokku(args);
        assert_eq!(run.code, Some(i32::from(args.contains(&"--force"))), "{args:?}: {run:?}");
        assert_eq!(fs::read(&record).expect("the record"), newer, "{args:?} rewrote it");
        assert_eq!(fs::metadata(&record).expect("metadata").ino(), stamp, "{args:?} rewrote it");
    }
    assert!(host.folder("db").join(format!("{}.dump", kept[0])).exists());
    assert_eq!(host.sql("db", COUNT), "50");
}

/// An older program on a host where a newer one has worked: it shows and takes out what it understands, and whatever would
/// write there is refused or leaves it alone.
#[test]
fn fault_091_an_older_program_reads_newer_records_and_does_not_write() {
    let (host, kept) = with_backups(2);
    let id = kept[1].as_str();
    let folder = host.folder("db");
    let record = folder.join(format!("{id}.toml"));
    let newer = document(2, &format!("{}novel = \"thing\"\n", body(&fs::read(&record).expect("the record"))));
    host.put(&record, &newer, 0o600);
    let dump = fs::read(folder.join(format!("{id}.dump"))).expect("the dump");
    let reads = [
        (&["backups:list", "db"][..], 0),
        (&["backups:info", "db", "--id", id], 0),
        (&["backups:logs", "db", "--id", id], 0),
        (&["backups:check", "db"], 0),
        (&["backups:report", "db"], 0),
        (&["backups:download", "db", "--id", id], 0),
    ];
    let writes = [
        (&["backups:keep", "db", "--id", id][..], 1),
        (&["backups:verify", "db", "--id", id], 1),
        (&["backups:prune", "db"], 0),
        (&["backups:schedule", "db", "daily", "--retention", "1"], 0),
        (&["backups:delete", "db", "--id", id, "--force"], 1),
    ];
    for (args, code) in reads.into_iter().chain(writes) {
        let run = host.dokku(args);
        assert_eq!(run.code, Some(code), "{args:?}: {run:?}");
        if args[0] == "backups:download" {
            assert_eq!(run.stdout, dump);
        }
        assert_eq!(fs::read(&record).expect("the record"), newer, "{args:?} rewrote it");
        assert!(folder.join(format!("{id}.dump")).exists(), "{args:?} removed it");
    }
}

/// The files of format 1 as the first release wrote them stay readable for ever.
/// Everything that was answered is answered still; later versions may say more.
#[track_caller]
fn holds(before: &Value, now: &Value) {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => {
            before
                .iter()
                .for_each(|(key, value)| holds(value, now.get(key).unwrap_or_else(|| panic!("{key} is gone"))));
        }
        (Value::Array(before), Value::Array(now)) => {
            assert_eq!(before.len(), now.len());
            before.iter().zip(now).for_each(|(before, now)| holds(before, now));
        }
        _ => assert_eq!(before, now),
    }
}

#[test]
fn fault_052_format_1_stays_readable() {
    let host = Host::up();
    host.dokku(&["postgres:create", "my-db"]).expect(0);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/format-1");
    let folder = host.folder("my-db");
    for dir in [folder.parent().expect("parent"), &folder, &folder.join(".incoming"), &folder.join(".trash")] {
        fs::create_dir(dir).expect("a folder");
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).expect("mode");
        host.give(dir);
    }
    for file in fs::read_dir(&source).expect("fixtures").flatten() {
        let name = file.file_name().into_string().expect("a name");
        if name != "list.json" {
            let mode = if name.ends_with(".dump") { 0o400 } else { 0o600 };
            host.put(&folder.join(&name), &fs::read(file.path()).expect("a fixture"), mode);
        }
    }
    // The host had the plugin when these were written, and has just been updated.
    host.forget_key();
    // Paths differ from host to host.
    let pathless = |mut list: Value| {
        list.as_array_mut().expect("array").iter_mut().for_each(|backup| backup["path"] = Value::Null);
        list
    };
    let expected: Value =
        serde_json::from_slice(&fs::read(source.join("list.json")).expect("list.json")).expect("JSON");
    let listed = host.list("my-db");
    holds(&pathless(expected), &pathless(Value::Array(listed.clone())));
    // The first command that changes something puts this host's mark on them, once; nothing else about them changes but
    // that a default is spelled.
    let record = |id: &str| body(&fs::read(folder.join(format!("{id}.toml"))).expect("a record"));
    let spelled = |id: &str| record(id).replace("dump_format = \"custom\"\n", "");
    let bodies = || ids(&listed).into_iter().map(spelled).collect();
    let before: Vec<String> = bodies();
    host.dokku(&["backups:sync", "my-db"]).expect(0);
    let after: Vec<String> = bodies();
    assert_eq!(after, before);
    assert_eq!(pathless(Value::Array(host.list("my-db"))), pathless(Value::Array(listed)));
    let good = "my-db-2026-04-08-14-30-00".to_owned();
    host.check("my-db", std::slice::from_ref(&good), true);
    host.dokku(&["backups:import", "my-db", "--id", &good, "--force", "--no-backup"]).expect(0);
    assert_eq!(host.sql("my-db", COUNT), "3");
}

/// What can lie in the place of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Thing {
    Symlink,
    Fifo,
    Device,
    Directory,
    HardLink,
}

const THINGS: [Thing; 5] = [Thing::Symlink, Thing::Fifo, Thing::Device, Thing::Directory, Thing::HardLink];

/// Puts `thing` in the place of `path`; the file that was there lies at `bait` and must stay as it is. False, said
/// aloud, where this user may not.
fn plant(host: &Host, thing: Thing, path: &Path, bait: &Path) -> bool {
    fs::rename(path, bait).expect("move the file away");
    match thing {
        Thing::Symlink => symlink(bait, path).expect("symlink"),
        Thing::HardLink => fs::hard_link(bait, path).expect("hard link"),
        Thing::Directory => fs::create_dir(path).expect("directory"),
        Thing::Fifo | Thing::Device => {
            let kind = if thing == Thing::Fifo { &["p"][..] } else { &["c", "1", "5"] };
            let made = Command::new("mknod").arg(path).args(kind).output().expect("mknod");
            if !made.status.success() {
                super::support::lack::left_out("root", &String::from_utf8_lossy(&made.stderr));
                fs::rename(bait, path).expect("move it back");
                return false;
            }
        }
    }
    host.give(path);
    true
}

fn remove(path: &Path) {
    if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir()) {
        fs::remove_dir(path).expect("remove a folder");
    } else {
        fs::remove_file(path).expect("remove");
    }
}

#[test]
fn fault_053_nothing_else_in_the_place_of_a_file_of_ours_is_followed_or_replaced() {
    let (host, kept) = with_backups(2);
    let folder = host.folder("db");
    let bait = host.dir().join("bait");
    let names = [
        format!("{}.dump", kept[1]),
        format!("{}.toml", kept[1]),
        format!("{}.log", kept[1]),
        "index.toml".to_owned(),
        ".lock".to_owned(),
        ".restore.toml".to_owned(),
    ];
    for name in &names {
        for thing in THINGS {
            let path = folder.join(name);
            let planted = !path.exists();
            if planted {
                host.put(&path, &document(1, "planted = true\n"), 0o600);
            }
            if plant(&host, thing, &path, &bait) {
                let what = format!("{thing:?} in place of {name}");
                let (before, is) = (fs::read(&bait).expect("bait"), fs::symlink_metadata(&path).expect("planted"));
                let untouched = |args: &[&str]| {
                    assert_eq!(fs::read(&bait).expect("bait"), before, "{what}: {args:?} went through it");
                    let now = fs::symlink_metadata(&path).unwrap_or_else(|e| panic!("{what}: {args:?}: {e}"));
                    assert_eq!((now.ino(), now.mode()), (is.ino(), is.mode()), "{what}: {args:?} replaced it");
                };
                for args in [
                    &["backups:list", "db"][..],
                    &["backups:info", "db", "--id", &kept[1]],
                    &["backups:logs", "db", "--id", &kept[1]],
                    &["backups:sync", "db"],
                    &["backups:import", "db", "--id", &kept[1], "--force", "--no-backup"],
                    &["backups:export", "db"],
                    &["backups:delete", "db", "--id", &kept[1], "--force"],
                ] {
                    // Only what concerns the planted thing is tried where an answer is expected to be a refusal.
                    let destructive = args[0] == "backups:delete" && !name.starts_with(&kept[1]);
                    if destructive || args[0] == "backups:delete" && !name.ends_with("toml") {
                        continue;
                    }
                    let since = Instant::now();
                    let run = host.dokku(args);
                    assert!(since.elapsed() < Duration::from_secs(20), "{what}: {args:?} waited");
                    assert!(run.code.is_some_and(|code| code < 100), "{what}: {args:?}: {run:?}");
                    untouched(args);
                }
                remove(&path);
                fs::rename(&bait, &path).expect("move it back");
            }
            if planted {
                fs::remove_file(&path).expect("remove");
            }
        }
    }
    host.dokku(&["backups:sync", "db"]).expect(0);
    host.check("db", &kept, true);
    assert_eq!(host.sql("db", COUNT), "50");
}

#[test]
fn fault_053_folders_of_ours_that_are_links_are_not_entered() {
    let (host, kept) = with_backups(1);
    let folder = host.folder("db");
    let elsewhere = host.dir().join("elsewhere");
    for path in
        [folder.join(".incoming"), folder.join(".trash"), folder.clone(), folder.parent().expect("parent").to_owned()]
    {
        fs::rename(&path, &elsewhere).expect("move away");
        symlink(&elsewhere, &path).expect("symlink");
        let before = tree(&elsewhere);
        for args in [&["backups:export", "db"][..], &["backups:sync", "db"]] {
            let run = host.dokku(args);
            assert_eq!(run.code, Some(1), "{} is a link: {run:?}", path.display());
            assert_eq!(tree(&elsewhere), before, "{args:?} wrote through {}", path.display());
        }
        fs::remove_file(&path).expect("the link");
        fs::rename(&elsewhere, &path).expect("move back");
    }
    host.dokku(&["backups:sync", "db"]).expect(0);
    host.check("db", &kept, true);
}

#[test]
fn fault_054_wrong_owner_or_a_root_that_others_may_write() {
    let (host, kept) = with_backups(2);
    let root = host.data_root();
    let refused = |what: &str, command: &str| {
        let before = tree(&root);
        for args in [
            &["backups:export", "db", "--format", "json"][..],
            &["backups:delete", "db", "--id", &kept[0], "--format", "json"],
            &["backups:import", "db", "--latest", "--force", "--format", "json"],
            &["backups:sync", "db", "--format", "json"],
        ] {
            let run = host.dokku(args);
            assert_eq!(run.code, Some(1), "{what}: {args:?}: {run:?}");
            let last: Value = serde_json::from_str(run.stderr.lines().last().unwrap_or_default()).expect("JSON");
            assert_eq!(last["error"]["kind"], "config", "{what}: {last}");
            assert!(last["error"]["remedies"].to_string().contains(command), "{what}: {last}");
        }
        assert_eq!(tree(&root), before, "{what}: mended silently");
    };
    for mode in [0o770, 0o707, 0o722, 0o777] {
        fs::set_permissions(&root, fs::Permissions::from_mode(mode)).expect("mode");
        refused(&format!("mode {mode:o}"), "chmod 700");
        assert_eq!(fs::metadata(&root).expect("root").mode() & 0o777, mode, "mended silently");
        host.check("db", &kept, false);
    }
    fs::set_permissions(&root, fs::Permissions::from_mode(0o700)).expect("mode");
    let owner = fs::metadata(&root).expect("root");
    if std::os::unix::fs::chown(&root, Some(12345), None).is_ok() {
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).expect("mode");
        refused("another owner", "chown");
        host.check("db", &kept, false);
        std::os::unix::fs::chown(&root, Some(owner.uid()), None).expect("owner");
        fs::set_permissions(&root, fs::Permissions::from_mode(0o700)).expect("mode");
    } else {
        super::support::lack::left_out("root", "only root may give files away");
    }
    host.dokku(&["backups:sync", "db"]).expect(0);
    host.check("db", &kept, true);
}

/// `make soak` tries the whole row; writing and reading so many files takes a minute.
fn many() -> i64 {
    soaking(5_000, 100_000)
}

#[test]
fn fault_055_many_records() {
    let (host, kept) = with_backups(1);
    let folder = host.folder("db");
    let record = String::from_utf8(fs::read(folder.join(format!("{}.toml", kept[0]))).expect("record")).expect("text");
    let inner = body(record.as_bytes());
    let start = chrono::DateTime::parse_from_rfc3339("2000-01-01T00:00:00Z").expect("a time");
    let owner = fs::metadata(&folder).expect("folder");
    for n in 0..many() {
        let at = start + chrono::Duration::seconds(n * 1000);
        let id = format!("db-{}", at.format("%Y-%m-%d-%H-%M-%S"));
        let text = inner
            .replace(&kept[0], &id)
            .replace("\"2026-04-01T10:00:00Z\"", &format!("\"{}\"", at.format("%Y-%m-%dT%H:%M:%SZ")));
        let path = folder.join(format!("{id}.toml"));
        fs::write(&path, document(1, &text)).expect("a record");
        let _ = std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid()));
    }
    let timed = |limit: u64, args: &[&str]| {
        let since = Instant::now();
        let run = host.dokku(args).expect(0);
        let took = since.elapsed();
        println!("{args:?} with {} records: {took:?}", many());
        assert!(took < Duration::from_secs(limit), "{args:?} took {took:?}");
        run
    };
    // The limits are generous: they tell linear from quadratic, on a busy machine too.
    timed(60, &["backups:sync", "db", "--format", "json"]);
    assert_eq!(
        timed(20, &["backups:list", "db", "--format", "json"]).json()["backups"].as_array().expect("array").len(),
        usize::try_from(many()).expect("small") + 1
    );
    let id = timed(30, &["backups:export", "db"]).id();
    timed(20, &["backups:info", "db", "--id", &id]);
    timed(60, &["backups:delete", "db", "--id", &id]);
}

#[test]
fn fault_055_huge_and_deeply_nested_records() {
    let (host, kept) = with_backups(2);
    let folder = host.folder("db");
    let strange: [(&str, Vec<u8>); 6] = [
        ("50 MB of one label", document(1, &format!("label = \"{}\"\n", "x".repeat(50_000_000)))),
        ("nested arrays", document(1, &format!("label = {}{}\n", "[".repeat(100_000), "]".repeat(100_000)))),
        ("nested tables", document(1, &format!("label = {}{}\n", "{a=".repeat(50_000), "}".repeat(50_000)))),
        ("a dotted key", document(1, &format!("{} = 1\n", vec!["a"; 50_000].join(".")))),
        ("newer and nested", document(9, &format!("x = {}{}\n", "[".repeat(100_000), "]".repeat(100_000)))),
        ("100 MB of nothing", vec![b'\n'; 100_000_000]),
    ];
    for name in [format!("{}.toml", kept[1]), "index.toml".to_owned(), ".restore.toml".to_owned()] {
        let path = folder.join(&name);
        let was = fs::read(&path).ok();
        for (what, bytes) in &strange {
            host.put(&path, bytes, 0o600);
            let since = Instant::now();
            let run = host.dokku(&["backups:list", "db", "--format", "json"]).expect(0);
            assert!(since.elapsed() < Duration::from_secs(15), "{what} in {name}: {:?}", since.elapsed());
            assert_eq!(run.json()["backups"].as_array().expect("array").len(), 2, "{what} in {name}");
        }
        match was {
            Some(bytes) => host.put(&path, &bytes, 0o600),
            None => fs::remove_file(&path).expect("remove"),
        }
    }
    host.dokku(&["backups:sync", "db"]).expect(0);
    host.check("db", &kept, true);
}

#[test]
fn fault_056_a_dump_that_differs_from_its_record_is_damaged_on_every_use() {
    let (host, kept) = with_backups(2);
    let dump = host.folder("db").join(format!("{}.dump", kept[0]));
    let mut bytes = fs::read(&dump).expect("the dump");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    host.put(&dump, &bytes, 0o400);
    host.sql("db", "delete from items where id > 10");
    for _ in 0..2 {
        for args in [
            &["backups:import", "db", "--id", &kept[0], "--force"][..],
            &["backups:import", "db", "--id", &kept[0], "--force", "--no-backup"],
        ] {
            let run = host.dokku(args).expect(6);
            assert!(run.stderr.contains("damaged"), "{run:?}");
            assert_eq!(host.sql("db", COUNT), "10", "the database was touched");
            assert_eq!(host.info("db", &kept[0])["trust"], "damaged");
        }
    }
    host.dokku(&["backups:sync", "db"]).expect(0);
    host.export("db");
    assert_eq!(fs::read(&dump).expect("the dump"), bytes, "a damaged dump was deleted or changed");
    host.check("db", &kept, true);
}

/// Puts `bytes` in the place of the dump of `id`; with `matching` its record is made to say that this is right.
fn forge(host: &Host, id: &str, bytes: &[u8], matching: bool) {
    let folder = host.folder("db");
    host.put(&folder.join(format!("{id}.dump")), bytes, 0o400);
    if matching {
        let path = folder.join(format!("{id}.toml"));
        let sum: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let lines: Vec<String> = body(&fs::read(&path).expect("record"))
            .lines()
            .map(|line| match line.split(' ').next() {
                Some("size") => format!("size = {}", bytes.len()),
                Some("sha256") => format!("sha256 = \"{sum}\""),
                _ => line.to_owned(),
            })
            .filter(|line| !line.starts_with("damage"))
            .collect();
        host.put(&path, &document(1, &(lines.join("\n") + "\n")), 0o600);
    }
}

#[test]
fn fault_042_044_garbage_with_a_matching_record_never_reaches_the_database() {
    let (host, kept) = with_backups(1);
    let id = &kept[0];
    let folder = host.folder("db");
    let dump = fs::read(folder.join(format!("{id}.dump"))).expect("the dump");
    let record = fs::read(folder.join(format!("{id}.toml"))).expect("the record");
    let crlf = String::from_utf8_lossy(&dump).replace('\n', "\r\n").into_bytes();
    let corpus: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("one byte", b"P".to_vec()),
        ("magic only", b"PGDMP".to_vec()),
        ("half", dump[..dump.len() / 2].to_vec()),
        ("all but the last byte", dump[..dump.len() - 1].to_vec()),
        ("one byte more", [&dump[..], b"\n"].concat()),
        ("twice", [&dump[..], &dump[..]].concat()),
        ("CRLF", crlf),
        ("a banner first", [b"Welcome!\n", &dump[..]].concat()),
        ("gzip", vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("tar", [b"toc.dat".to_vec(), vec![0; 250], b"ustar\0".to_vec(), vec![0; 761]].concat()),
        ("ELF", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec()),
        ("zip", b"PK\x03\x04\x14\0\0\0\x08\0".to_vec()),
        ("SQL", b"drop table items;\n".to_vec()),
        ("JPEG", b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec()),
        ("zeroes", vec![0; 5000]),
    ];
    host.sql("db", "delete from items where id > 10");
    for (what, bytes) in &corpus {
        for matching in [false, true] {
            host.put(&folder.join(format!("{id}.toml")), &record, 0o600);
            forge(&host, id, bytes, matching);
            let how = if matching { "--in-place" } else { "--no-backup" };
            let run = host.dokku(
                &["backups:import", "db", "--id", id, "--force", "--no-backup", how][..6 + usize::from(matching)],
            );
            assert_eq!(run.code, Some(6), "{what}, matching {matching}: {run:?}");
            assert!(!host.dir().join("run/calls/postgres:import").exists(), "{what}: postgres:import was called");
        }
    }
    assert_eq!(host.sql("db", COUNT), "10");
    host.put(&folder.join(format!("{id}.toml")), &record, 0o600);
    forge(&host, id, &dump, false);
    host.dokku(&["backups:import", "db", "--id", id, "--force", "--no-backup", "--in-place"]).expect(0);
    assert_eq!(host.sql("db", COUNT), "50");
    assert!(host.dir().join("run/calls/postgres:import").exists(), "calls are counted");
}

#[test]
fn fault_057_foreign_files_are_named_and_left_alone() {
    let (host, kept) = with_backups(2);
    let folder = host.folder("db");
    let mut foreign: Vec<PathBuf> = Vec::new();
    for name in [
        "notes.txt",
        "db.dump",
        "other-2026-04-08-14-30-00.dump.bak",
        ".hidden",
        "db-2026-13-01-00-00-00.dump",
        "ümlaut",
    ] {
        host.put(&folder.join(name), b"mine", 0o644);
        foreign.push(folder.join(name));
    }
    // Of our spelling, but another service's: not ours here either.
    for name in ["other-2026-04-08-14-30-00.dump", "other-2026-04-08-14-30-00.toml"] {
        host.put(&folder.join(name), b"mine", 0o644);
        foreign.push(folder.join(name));
    }
    fs::create_dir(folder.join("folder")).expect("a folder");
    host.put(&folder.join("folder/inner"), b"mine", 0o644);
    let before: Vec<_> = foreign.iter().map(|path| fs::metadata(path).expect("metadata").ino()).collect();
    let report = host.dokku(&["backups:sync", "db", "--format", "json"]).expect(0).json();
    let named = report["services"][0]["foreign"].to_string();
    for path in &foreign {
        let name = path.file_name().expect("name").to_string_lossy();
        assert!(named.contains(&format!("\"{name}\"")), "{name} is not named: {named}");
    }
    assert!(named.contains("\"folder\""), "{named}");
    assert_eq!(ids(&host.list("db")), [kept[1].as_str(), kept[0].as_str()]);
    host.dokku(&["backups:export", "db"]).expect(0);
    host.dokku(&["backups:delete", "db", "--id", &kept[0]]).expect(0);
    for (path, inode) in foreign.iter().zip(before) {
        assert_eq!(fs::read(path).expect("still there"), b"mine");
        assert_eq!(fs::metadata(path).expect("metadata").ino(), inode);
    }
    host.check("db", &kept[1..], true);
}

#[test]
fn fault_058_a_parent_swapped_for_a_link_during_the_run() {
    let (host, kept) = with_backups(1);
    let folder = host.folder("db");
    let (away, trap) = (host.dir().join("away"), host.dir().join("trap"));
    fs::create_dir(&trap).expect("a trap");
    fs::set_permissions(&trap, fs::Permissions::from_mode(0o777)).expect("mode");
    for swapped in [folder.clone(), folder.parent().expect("parent").to_owned(), host.data_root()] {
        host.fault("postgres:export/delay=1");
        let run = std::thread::scope(|scope| {
            let running = scope.spawn(|| host.dokku(&["backups:export", "db"]));
            let drafts = || fs::read_dir(folder.join(".incoming")).map_or(0, |dir| dir.flatten().count());
            while drafts() < 2 && !running.is_finished() {
                std::thread::sleep(Duration::from_millis(5));
            }
            fs::rename(&swapped, &away).expect("swap");
            symlink(&trap, &swapped).expect("swap");
            running.join().expect("the export")
        });
        host.fault("");
        fs::remove_file(&swapped).expect("the link");
        fs::rename(&away, &swapped).expect("back");
        assert_eq!(tree(&trap).len(), 0, "{} was followed: {run:?}", swapped.display());
        assert_eq!(run.code, Some(0), "{run:?}");
        host.check("db", &[kept[0].clone(), run.id()], true);
    }
}
