//! What people bring as a dump, and words that were no help (reports 121, 122, 126 to 129, host_205 and 206).

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::json;

use super::foreign::packed;
use super::support::fixture::{COUNT, ITEMS};
use super::support::{Host, finish};

fn input(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/reports").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// More than one piece of a block, nothing at all, and large objects.
const ALL_KINDS: &str = "create table many(id int primary key, t text); insert into many select g, repeat('é', 40) from generate_series(1, 4000) g;
    create table none(x int); create table \"Odd \"\"t\"\"\"(x bytea); insert into \"Odd \"\"t\"\"\" values ('\\x00ff');
    select lo_from_bytea(70000, '\\x0102'), lo_from_bytea(3000000000, ''), lo_from_bytea(70001, decode(repeat('ab', 200000), 'hex'));
    comment on large object 70000 is 'one'; create view v as select * from many;";

const EQUAL: &str =
    "select count(*), sum(length(t)) from many; select count(*) from none; select x from \"Odd \"\"t\"\"\";
    select md5(lo_get(70000)), md5(lo_get(70001)), md5(lo_get(3000000000)); select count(*) from v";

/// `files` in a tar file, each name with its bytes.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = std::process::Command::new("tar");
    command.arg("-cf").arg("-").arg("-C").arg(dir.path());
    for (name, bytes) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, bytes).expect("a file");
        command.arg(name);
    }
    let output = command.output().expect("tar");
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

/// A folder that Dokku's user may read.
fn folder(host: &Host, name: &str) -> PathBuf {
    let folder = host.dir().join(name);
    fs::create_dir(&folder).expect("a folder");
    for open in [host.dir(), &folder] {
        fs::set_permissions(open, fs::Permissions::from_mode(0o777)).expect("mode");
    }
    folder
}

#[test]
fn report_121_what_the_stock_plugin_backs_up_is_taken() {
    let host = Host::up();
    host.dokku(&["postgres:create", "shop"]).expect(0);
    let run =
        host.import_file("shop", "stock.tgz", &input("stock.tgz"), &["--no-backup", "--format", "json"]).expect(0);
    let id = run.json()["id"].as_str().expect("an id").to_owned();
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    // Made by the same way here, with more around it.
    host.database("till", ITEMS);
    let export = host.dokku(&["postgres:export", "till"]).expect(0).stdout;
    let around = tar(&[
        ("backup/README.txt", b"hello"),
        ("backup/export", &export),
        ("backup/empty", b""),
        ("backup/._export", b"\x00\x05\x16\x07"),
    ]);
    for (name, bytes) in
        [("a.tar", around.clone()), ("a.tgz", packed("gzip", &around)), ("a.tar.zst", packed("zstd", &around))]
    {
        host.sql("till", "delete from items");
        let run = host.import_file("till", name, &bytes, &["--no-backup", "--format", "json"]).expect(0);
        assert_eq!(host.sql("till", COUNT), "500");
        assert!(run.stderr.contains("backup/README.txt was passed over: it is some text"), "{}", run.stderr);
        let notes = run.json()["notes"].to_string();
        assert!(notes.contains("backup/empty was passed over: it is an empty file"), "{notes}");
    }
    // The dump in it is packed once more.
    let inner = tar(&[("x/shop.dump.gz", &packed("gzip", &export))]);
    host.import_file("till", "inner.tar", &inner, &["--no-backup"]).expect(0);
}

#[test]
fn report_121_a_tar_file_with_several_dumps_or_none_is_refused_whole() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let export = host.dokku(&["postgres:export", "shop"]).expect(0).stdout;
    let two = tar(&[("a.dump", &export), ("notes.txt", b"x"), ("b.dump", &export)]);
    let cut = tar(&[("a.dump", &export)]);
    let cut_inside = &cut[..512 + export.len() / 2];
    let wrong = {
        let mut wrong = cut.clone();
        wrong[150] ^= 1; // in the header's checksum
        wrong
    };
    for (bytes, words) in [
        (two.as_slice(), "there are several dumps in c.tar, one of them b.dump"),
        (&tar(&[("notes.txt", b"x"), ("d/e", b"\x00\x01")]), "there is no dump in c.tar: notes.txt was passed over"),
        (cut_inside, ""),
        (&wrong, "the tar file is damaged"),
    ] {
        let run = host.import_file("shop", "c.tar", bytes, &["--no-backup"]).expect(6);
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        assert!(host.list("shop").is_empty());
        host.check_settled("shop", words);
    }
    assert_eq!(host.sql("shop", COUNT), "500");
}

#[test]
fn report_121_pg_dumps_tar_and_directory_formats_become_archives() {
    let host = Host::up();
    host.database("shop", ALL_KINDS);
    let before = host.sql("shop", EQUAL);
    let tarred = host.pg_dump("shop", &["-Ft"]);
    let restored = |how: &str, path: &str| {
        host.sql("shop", "drop view v; drop table many, none; select lo_unlink(70001)");
        let run = host.dokku(&["--force", "backups:import", "shop", "--file", path, "--no-backup", "--format", "json"]);
        let run = run.expect(0);
        assert_eq!(host.sql("shop", EQUAL), before, "{how}");
        assert_eq!(run.json()["dump_format"], "custom", "{how}");
        assert_eq!(host.sql("shop", "select description from pg_description where objoid = 70000"), "one", "{how}");
        run.json()["id"].as_str().expect("an id").to_owned()
    };
    let path = host.file("shop.tar", &tarred);
    let id = restored("tar", path.to_str().expect("a path"));
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    restored("tar.gz", host.file("shop.tgz", &packed("gzip", &tarred)).to_str().expect("a path"));
    for (how, compression) in [("plain", "0"), ("gzip", "6")] {
        let made = folder(&host, how);
        let path = made.join("dump");
        let path = path.to_str().expect("a path");
        host.pg_dump("shop", &["-Fd", "-Z", compression, "-f", path]);
        finish({
            let mut open = std::process::Command::new("chmod");
            open.args(["-R", "a+rX", path]);
            open
        })
        .expect(0);
        restored(how, path);
        if how == "plain" {
            // What belongs together and does not: a part that is missing, one that is a link, one that was cut.
            let parts: Vec<_> = fs::read_dir(path).expect("parts").flatten().map(|entry| entry.path()).collect();
            let part = parts.iter().max_by_key(|part| fs::metadata(part).expect("a part").len()).expect("a part");
            let whole = fs::read(part).expect("a part");
            let import = ["--force", "backups:import", "shop", "--file", path, "--no-backup"];
            fs::write(part, &whole[..whole.len() / 2]).expect("cut");
            host.dokku(&import).expect(6);
            fs::remove_file(part).expect("removed");
            let run = host.dokku(&import).expect(6);
            assert!(run.stderr.contains("of the dump is not there"), "{}", run.stderr);
            symlink("/etc/hostname", part).expect("a link");
            assert_ne!(host.dokku(&import).code, Some(0));
            assert_eq!(host.sql("shop", EQUAL), before);
        }
    }
    let empty = folder(&host, "empty");
    let run = host.dokku(&["--force", "backups:import", "shop", "--file", empty.to_str().expect("a path")]).expect(2);
    assert!(run.stderr.contains("a folder without toc.dat"), "{}", run.stderr);
    host.check_settled("shop", "formats");
}

#[test]
fn report_121_every_cut_of_a_tar_dump_is_seen() {
    let host = Host::up();
    host.database("shop", "create table t(x int); insert into t values (1); select lo_from_bytea(7, '\\x01')");
    let tarred = host.pg_dump("shop", &["-Ft"]);
    // Behind the script for people nothing is left that matters.
    let end = memchr::memmem::rfind(&tarred, b"restore.sql").expect("the script");
    let mut refused = 0;
    for length in (1..end).step_by(end / 40) {
        let run = host.import_file("shop", "cut.tar", &tarred[..length], &["--no-restore"]);
        assert!(matches!(run.code, Some(6)), "{length}: {run:?}");
        refused += 1;
    }
    assert!(refused >= 40 && host.list("shop").is_empty());
    host.check_settled("shop", "cuts");
}

#[test]
fn report_121_dumps_by_the_names_of_other_programs_are_adopted() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let export = host.dokku(&["postgres:export", "shop"]).expect(0).stdout;
    let folder = folder(&host, "platform");
    for (name, bytes) in [
        ("pg-dump-shop-1716000000.dmp", export.clone()),
        ("2024-05-19T02:40:00.000Z.sql.gz", packed("gzip", &export)),
        ("latest.dump", export.clone()),
        ("shop.tar", tar(&[("backup/export", &export)])),
        ("README", b"whose are these?".to_vec()),
        ("till-2025-03-01-04-05-06.dump", export.clone()),
        ("photo.png", b"\x89PNG".to_vec()),
        ("cut_2024-05-20.dump", export[..export.len() / 2].to_vec()),
    ] {
        fs::write(folder.join(name), bytes).expect("a file");
    }
    // Two that are of the same second.
    for name in ["latest.dump", "shop.tar"] {
        finish({
            let mut touch = std::process::Command::new("touch");
            touch.args(["-d", "2024-06-01T00:00:00Z"]).arg(folder.join(name));
            touch
        })
        .expect(0);
    }
    let sync = ["backups:sync", "shop", "--adopt", folder.to_str().expect("a path"), "--format", "json"];
    let run = host.dokku(&sync).expect(3);
    let found = run.json()["services"][0].clone();
    let ids = [
        "shop-2024-06-01-00-00-01",
        "shop-2024-06-01-00-00-00",
        "shop-2024-05-19-02-40-00",
        "shop-2024-05-18-02-40-00",
    ];
    assert_eq!(found["adopted"], json!(ids));
    assert_eq!(found["refused"][0]["file"], "cut_2024-05-20.dump");
    for words in [
        "passed over: README, some text",
        "passed over: till-2025-03-01-04-05-06.dump, named as a backup of till",
        "passed over: photo.png, a PNG picture",
    ] {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    for id in ids {
        host.dokku(&["backups:import", "shop", "--id", id, "--force", "--no-backup"]).expect(0);
        assert_eq!(host.sql("shop", COUNT), "500");
    }
    // Once more it is all known, under the same names.
    let again = host.dokku(&sync).expect(3).json()["services"][0].clone();
    assert_eq!((&again["adopted"], again["known"].as_array().map(Vec::len)), (&json!([]), Some(4)), "{again}");
}

#[test]
fn report_122_text_in_utf16_is_converted() {
    let host = Host::up();
    host.dokku(&["postgres:create", "shop"]).expect(0);
    let run =
        host.import_file("shop", "utf16.sql", &input("utf16.sql"), &["--no-backup", "--format", "json"]).expect(0);
    assert!(run.json()["notes"].to_string().contains("UTF-16"), "{}", run.out());
    let id = run.json()["id"].as_str().expect("an id").to_owned();
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    // Both orders, line ends of Windows, characters of every length, packed as well.
    host.database("till", "create table t(x text); insert into t values ('é \u{1f418} ß'), (E'a\\nb'), (null)");
    let sql = String::from_utf8(host.pg_dump("till", &[])).expect("text").replace('\n', "\r\n");
    let units = || [0xfeff].into_iter().chain(sql.encode_utf16());
    let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
    for (name, bytes) in [("l.sql", little.clone()), ("b.sql", big), ("l.sql.gz", packed("gzip", &little))] {
        host.sql("till", "delete from t");
        host.import_file("till", name, &bytes, &["--no-backup"]).expect(0);
        assert_eq!(
            host.sql("till", "select count(*), count(x), max(length(x)) from t where x is null or x <> ''"),
            "3|2|5"
        );
        assert_eq!(host.sql("till", "select count(*) from t where x = 'é \u{1f418} ß'"), "1");
    }
    // An archive that went the same way is lost.
    let archive = host.dokku(&["postgres:export", "till"]).expect(0).stdout;
    let text: Vec<u16> = [0xfeff].into_iter().chain(archive.iter().map(|byte| u16::from(*byte))).collect();
    let text: Vec<u8> = text.into_iter().flat_map(u16::to_le_bytes).collect();
    let run = host.import_file("till", "lost.dump", &text, &["--no-backup"]).expect(6);
    assert!(run.stderr.contains("rewritten as text") && run.stderr.contains("PowerShell"), "{}", run.stderr);
    let run = host.import_file("till", "odd.sql", &little[..little.len() - 1], &["--no-backup"]).expect(6);
    assert!(run.stderr.contains("UTF-16"), "{}", run.stderr);
}

#[test]
fn report_122_what_else_people_bring_is_named_with_the_way_out() {
    let host = Host::up();
    host.database("shop", ITEMS);
    for (bytes, words) in [
        (&b"BZh91AY"[..], "bzip2 -dc FILE | dokku backups:import SERVICE --file -"),
        (b"\xfd7zXZ\0\0", "xz -dc FILE |"),
        (b"PK\x03\x04\x14", "unzip -p FILE |"),
        (b"7z\xbc\xaf\x27\x1c\0", "7z x -so FILE |"),
        (b"Rar!\x1a\x07\0", "a RAR file"),
        (b"\x1f\x9d\x90", "uncompress -c FILE |"),
        (b"-----BEGIN PGP MESSAGE-----\n", "gpg --decrypt FILE |"),
        (b"Salted__12345678", "openssl enc -d"),
        (b"SQLite format 3\0", "pgloader"),
        (b"-- MySQL dump 10.13\n", "pgloader"),
        (b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump", "a MySQL or MariaDB dump"),
        (b"-- phpMyAdmin SQL Dump\n", "a MySQL or MariaDB dump"),
        (b"\x6d\xe2\x99\x81", "a dump of MongoDB"),
        (b"REDIS0009", "a Redis snapshot"),
    ] {
        let run = host.import_file("shop", "brought", bytes, &["--no-backup"]).expect(6);
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    assert!(host.list("shop").is_empty());
}

#[test]
fn report_126_the_id_in_a_file_is_not_taken_for_the_backup() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let path = host.dir().join("shop.dump");
    for (more, said) in [(&[][..], true), (&["--format", "json"], false)] {
        let file = fs::File::create(&path).expect("a file");
        let mut command = host.dokku_command(&[&["backups:export", "shop"], more].concat());
        let run = finish_into(command.stdout(file));
        assert_eq!(run.0, Some(0), "{}", run.1);
        assert_eq!(run.1.contains("not the backup"), said, "{}", run.1);
        assert_eq!(run.1.contains("backups:download shop --id"), said, "{}", run.1);
    }
    let run = host.dokku(&["backups:export", "shop"]).expect(0);
    assert!(!run.stderr.contains("not the backup"), "a pipe has a reader");
}

/// Exit code and stderr of a command whose stdout goes somewhere else.
fn finish_into(command: &mut std::process::Command) -> (Option<i32>, String) {
    let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts").wait_with_output();
    let output = output.expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn report_128_a_file_that_is_roots_is_said_to_be_unreadable_for_whom() {
    let host = Host::up();
    if !super::support::lack::is_root() {
        return;
    }
    host.database("shop", ITEMS);
    let export = host.dokku(&["postgres:export", "shop"]).expect(0).stdout;
    let path = host.dir().join("roots.dump");
    let mut file = fs::File::create(&path).expect("a file");
    file.write_all(&export).expect("bytes");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
    let words = path.to_str().expect("a path");
    let run = host.dokku(&["--force", "backups:import", "shop", "--file", words]).expect(1);
    assert!(run.stderr.contains("the user that this runs as"), "{}", run.stderr);
    assert!(run.stderr.contains(&format!("--file - < {words}")), "{}", run.stderr);
    assert!(!run.stderr.contains("everything of ours"), "{}", run.stderr);
    // As it says.
    host.dokku_stdin(&export, &["--force", "backups:import", "shop", "--file", "-", "--no-backup"]).expect(0);
}

#[test]
fn report_129_a_symbolic_link_in_a_dumps_place_is_called_one() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    let dump = host.dump_file("shop", &id);
    let aside = host.dir().join("aside");
    fs::rename(&dump, &aside).expect("moved");
    symlink(&aside, &dump).expect("a link");
    for words in [
        &["backups:verify", "shop", "--id", &id][..],
        &["--force", "backups:import", "shop", "--id", &id],
        &["backups:download", "shop", "--id", &id],
    ] {
        let run = host.dokku(words);
        assert_ne!(run.code, Some(0));
        assert!(!run.stderr.contains("Too many levels"), "{words:?}: {}", run.stderr);
        assert!(run.stderr.contains("it is a symbolic link, and nothing of it is followed"), "{}", run.stderr);
    }
}

#[test]
fn host_205_latest_means_one_thing_and_what_differs_says_so() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let good = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    // A safety backup, then a failed one: both newer.
    host.dokku(&["--force", "backups:import", "shop", "--latest"]).expect(0);
    host.dokku_with("DOKKU_SANDBOX_FAULT", "postgres:export/broken=100", &["backups:export", "shop"]).expect(1);
    let newest = host.list("shop")[0]["id"].as_str().expect("an id").to_owned();
    let looked = |word: &str| host.dokku(&["backups:info", "shop", word, "--format", "json"]).expect(0).json();
    assert_eq!(looked("--latest")["id"], good.as_str());
    let last = looked("--last");
    assert_eq!((last["id"].as_str(), last["status"].as_str()), (Some(newest.as_str()), Some("failed")));
    let verified = host.dokku(&["backups:verify", "shop", "--latest", "--format", "json"]).expect(0).json();
    assert_eq!(verified["id"], good.as_str());
    let forked = host.dokku(&["backups:fork", "shop", "--latest", "copy"]).expect(0);
    assert!(forked.stderr.contains(&good), "{}", forked.stderr);
    let run = host.dokku(&["--force", "backups:import", "shop", "--latest", "--no-backup"]).expect(0);
    assert!(run.stderr.contains(&good), "{}", run.stderr);
    // Said once, and where it differs.
    let help = host.dokku(&["backups:help"]).expect(0).out();
    assert!(help.contains("--latest is the newest good backup, the same for every command"), "{help}");
    for (verb, words) in [
        ("info", "The newest good one, safety backups apart"),
        ("info", "The newest of all, be it failed, in the making or a safety backup"),
        ("logs", "The newest good one, safety backups apart"),
        ("download", "The newest good one, safety backups apart"),
        ("fork", "The newest good one, safety backups apart"),
        ("verify", "The newest good backup, safety backups apart"),
        ("import", "The newest good backup, safety backups apart"),
    ] {
        let help = host.dokku(&["backups:help", verb]).expect(0).out();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains(words), "{verb}: {help}");
    }
}

#[test]
fn host_206_the_gate_says_how_old_the_way_back_is() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let destroy = |more: &[&str]| host.dokku(&[&["postgres:destroy", "shop", "--force"], more].concat());
    let run = destroy(&[]).expect(7);
    assert!(
        run.stderr.contains("no backup of shop has ever been restored to see whether it can be; everything is lost"),
        "{}",
        run.stderr
    );
    let hour = chrono::Utc::now() - chrono::TimeDelta::hours(5);
    let at = hour.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let id = host.dokku_at("", &at, &["backups:export", "shop", "--verify"]).expect(0).id();
    // Its successor was never tried: refused, with what there is.
    host.export("shop");
    let words = format!("the newest Restorable backup of shop, {id}, is 5 hours old; what was written since is lost");
    let run = destroy(&[]).expect(7);
    assert!(run.stderr.contains(&words), "{}", run.stderr);
    let newer = host.list("shop")[0]["id"].as_str().expect("an id").to_owned();
    host.dokku(&["backups:delete", "shop", "--id", &newer, "--force"]).expect(0);
    // After an import the safety backup, which nobody tried, is the newest of all: what counts is what was restored.
    host.dokku(&["--force", "backups:import", "shop", "--id", &id]).expect(0);
    assert_eq!(host.list("shop")[0]["source"], "safety");
    let run = destroy(&[]).expect(0);
    assert!(run.stderr.contains(&words), "{}", run.stderr);
}
