//! `backups:sync SERVICE --adopt DIR`: dumps that a platform left on the host become backups; its own files stay as they are.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::support::fixture::ITEMS;
use super::support::{Host, finish, hex};

/// A folder as a platform leaves it, readable for Dokku's user.
fn folder(host: &Host) -> PathBuf {
    let folder = host.dir().join("platform");
    fs::create_dir(&folder).expect("folder");
    for open in [host.dir(), &folder] {
        fs::set_permissions(open, fs::Permissions::from_mode(0o755)).expect("mode");
    }
    folder
}

/// What a platform does today: the stock export into a file of this name.
fn stock_export(host: &Host, service: &str, path: &Path) -> Vec<u8> {
    let dump = host.dokku(&["postgres:export", service]).expect(0).stdout;
    fs::write(path, &dump).expect("dump");
    dump
}

/// Name, inode, time, mode and bytes of everything in `folder`.
fn state(folder: &Path) -> BTreeMap<String, String> {
    let facts = |path: &Path| {
        let meta = fs::symlink_metadata(path).expect("meta");
        let bytes = if meta.is_file() { hex(&fs::read(path).expect("bytes")) } else { String::new() };
        format!("{} {} {} {:o} {bytes}", meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.mode())
    };
    let entries = fs::read_dir(folder).expect("folder").flatten();
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), facts(&entry.path()))).collect()
}

#[test]
fn a_platforms_dumps_become_backups() {
    let host = Host::up();
    host.database("shop", ITEMS);
    host.database("shop-eu", ITEMS);
    let folder = folder(&host);
    let at = |name: &str| folder.join(name);
    let first = stock_export(&host, "shop", &at("shop-2025-03-01-04-05-06.dump"));
    host.sql("shop", "delete from items where id > 100");
    stock_export(&host, "shop", &at("shop-2025-03-02-04-05-06.dump"));
    // Neither of these is a dump of this service, or one that may be touched.
    stock_export(&host, "shop-eu", &at("shop-eu-2025-03-01-04-05-06.dump"));
    fs::write(at("shop-2025-02-30-00-00-00.dump"), &first).expect("no such day");
    fs::write(at("shop-2025-03-01-04-05-06.dump.gz"), &first).expect("another ending");
    fs::write(at("shop-2025-03-03-00-00-00.dump"), &first[..first.len() / 2]).expect("cut");
    fs::write(at("shop-2025-03-04-00-00-00.dump"), b"").expect("empty");
    symlink(at("shop-2025-03-01-04-05-06.dump"), at("shop-2025-03-05-00-00-00.dump")).expect("symlink");
    nix::unistd::mkfifo(&at("shop-2025-03-06-00-00-00.dump"), nix::sys::stat::Mode::from_bits_truncate(0o644))
        .expect("fifo");
    let before = state(&folder);
    let words = folder.to_str().expect("a path");
    let sync = ["backups:sync", "shop", "--adopt", words, "--format", "json"];
    let run = host.dokku(&sync).expect(3);
    let found = run.json()["services"][0].clone();
    assert_eq!(found["adopted"], json!(["shop-2025-03-02-04-05-06", "shop-2025-03-01-04-05-06"]));
    let refused: Vec<&str> =
        found["refused"].as_array().expect("refused").iter().filter_map(|r| r["file"].as_str()).collect();
    let broken = [3, 4, 5, 6].map(|day| format!("shop-2025-03-{day:02}-00-00-00.dump"));
    assert_eq!(refused, broken);
    for file in &broken {
        assert!(run.stderr.contains(file), "{file}: {}", run.stderr);
    }
    assert_eq!(state(&folder), before, "the platform's own files have changed");
    // Nothing but the good ones is there, and each is what its name says.
    assert_eq!(host.list("shop").len(), 2);
    let info = host.info("shop", "shop-2025-03-01-04-05-06");
    assert_eq!(
        (&info["source"], &info["adopted"], &info["trust"]),
        (&"imported".into(), &true.into(), &"created".into())
    );
    assert_eq!(info["created_at"], "2025-03-01T04:05:06Z");
    assert_eq!((info["sha256"].as_str(), &info["tables"][0]["rows"]), (Some(&*hex(&first)), &500.into()));
    assert!(info["notes"][0].as_str().expect("a note").contains(words), "{info}");
    host.check("shop", &["shop-2025-03-01-04-05-06".into(), "shop-2025-03-02-04-05-06".into()], true);
    // They are backups like any other: verified, restored, deleted. And done twice it changes nothing.
    host.dokku(&["backups:verify", "shop", "--id", "shop-2025-03-01-04-05-06"]).expect(0);
    host.dokku(&["backups:import", "shop", "--id", "shop-2025-03-01-04-05-06", "--force", "--no-backup"]).expect(0);
    assert_eq!(host.sql("shop", "select count(*) from items"), "500");
    host.dokku(&["backups:delete", "shop", "--id", "shop-2025-03-02-04-05-06"]).expect(0);
    let records = host.list("shop");
    let again = host.dokku(&sync).expect(3).json()["services"][0].clone();
    assert_eq!(again["adopted"], json!([]));
    assert_eq!(again["known"], json!(["shop-2025-03-01-04-05-06", "shop-2025-03-02-04-05-06"]));
    assert_eq!(host.list("shop"), records, "a deleted one came back, or another changed");
    assert_eq!(state(&folder), before);
    // Without the broken ones it is simply well.
    broken.iter().for_each(|file| fs::remove_file(at(file)).expect("removed"));
    let text = host.dokku(&sync[..4]).expect(0).out();
    assert!(text.contains("there already: shop-2025-03-01-04-05-06"), "{text}");
}

#[test]
fn a_folder_that_cannot_be_meant_is_refused() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let folder = folder(&host);
    symlink(&folder, host.dir().join("link")).expect("symlink");
    let link = host.dir().join("link");
    host.export("shop");
    let lib = Path::new(host.var("DOKKU_LIB_ROOT"));
    let storage = lib.join("data/storage");
    fs::create_dir_all(&storage).expect("folder");
    symlink(lib, host.dir().join("lib")).expect("symlink");
    let aside = host.dir().join("lib/data/storage");
    let (own, records) = (host.folder("shop"), host.list("shop"));
    for (words, code) in [
        (vec!["backups:sync", "--adopt", folder.to_str().expect("path")], 2),
        (vec!["backups:sync", "shop", "--adopt", "platform"], 2),
        (vec!["backups:sync", "shop", "--adopt", "/nonexistent/folder"], 2),
        (vec!["backups:sync", "shop", "--adopt", link.to_str().expect("path")], 1),
        (vec!["backups:sync", "shop", "--adopt", own.to_str().expect("path")], 2),
        // Dokku's own folders belong to services and apps that the caller may not be allowed to see.
        (vec!["backups:sync", "shop", "--adopt", storage.to_str().expect("path")], 7),
        (vec!["backups:sync", "shop", "--adopt", aside.to_str().expect("path")], 7),
        (vec!["backups:sync", "nosuch", "--adopt", folder.to_str().expect("path")], 4),
    ] {
        let run = host.dokku(&words);
        assert_eq!(run.code, Some(code), "{words:?}: {run:?}");
    }
    assert_eq!(host.list("shop"), records);
}

/// Whoever has said that nothing lies here in the clear means these, too.
#[test]
fn adopted_dumps_are_stored_and_copied_as_set() {
    let (host, bucket) = Host::with_bucket();
    let (key, folder) = (host.pair("one"), folder(&host));
    host.set("--global", "encrypt-to", &key.public);
    host.set("--global", "compression", "zstd");
    let id = "shop-2025-03-01-04-05-06";
    let dump = stock_export(&host, "shop", &folder.join(format!("{id}.dump")));
    host.dokku(&["backups:sync", "shop", "--adopt", folder.to_str().expect("a path")]).expect(0);
    let info = host.info("shop", id);
    assert_eq!((&info["compression"], &info["encrypted_to"]), (&"zstd".into(), &json!([key.public])), "{info}");
    assert_eq!(host.unpacked(&host.stored("shop", id), Some(&key)), dump);
    assert_eq!(host.copy_state("shop", id), "stored");
    assert_eq!(
        bucket.get(&bucket.key("shop", &format!("{id}.dump.zst.age"))),
        fs::read(host.stored("shop", id)).expect("bytes")
    );
    host.dokku(&["backups:verify", "shop", "--id", id, "--identity", key.path()]).expect(0);
}

/// Killed anywhere: what is listed is whole, and the next run takes in the rest.
#[test]
fn fault_022_killed_at_every_step_of_an_adoption() {
    let host = Host::up();
    host.database("shop", "create table t(id int); insert into t select generate_series(1, 50);");
    let folder = folder(&host);
    let words = folder.to_str().expect("a path").to_owned();
    let id = "shop-2025-03-01-04-05-06";
    stock_export(&host, "shop", &folder.join(format!("{id}.dump")));
    let before = state(&folder);
    let sync = ["backups:sync", "shop", "--adopt", &words];
    let points = host.count_points(&sync);
    assert!(points > 20, "{points}");
    let ask = |words: &[&str]| finish(host.alone(words)).expect(0);
    for point in 1..=points {
        fs::remove_dir_all(host.folder("shop")).expect("an empty catalogue");
        host.at_point(&format!("abort={point}"), &sync);
        let listed = ask(&["backups:list", "shop", "--format", "json"]).json();
        assert!(listed["backups"].as_array().is_some_and(|list| list.len() <= 1), "point {point}: {listed}");
        ask(&sync);
        let info = ask(&["backups:info", "shop", "--id", id, "--format", "json"]).json();
        assert_eq!((&info["status"], &info["adopted"]), (&"success".into(), &true.into()), "point {point}: {info}");
        assert!(!host.folder("shop").join(".incoming").join(format!("{id}.dump")).exists(), "point {point}");
    }
    host.check("shop", &[id.to_owned()], true);
    assert_eq!(state(&folder), before);
}
