//! Stored forms: compressed, encrypted, both. Whatever the form, everything else is as ever, and the standard tools read it.

use std::fs;
use std::time::{Duration, Instant};

use super::support::{Host, SHOP, finish, hex};

const FORMS: [(&str, &str); 3] = [("none", "dump"), ("gzip", "dump.gz"), ("zstd", "dump.zst")];

#[test]
fn row_017_057_every_form_goes_all_the_way() {
    let host = Host::up();
    host.database("shop", SHOP);
    let pair = host.pair("one");
    let rows = host.fingerprint("shop");
    let mut newest = String::new();
    for encrypted in [false, true] {
        host.set("shop", "encrypt-to", if encrypted { &pair.public } else { "" });
        for (compression, ending) in FORMS {
            let what = format!("{compression}, encrypted: {encrypted}");
            let id = host.dokku(&["backups:export", "shop", "--compression", compression]).expect(0).id();
            let info = host.info("shop", &id);
            let file = format!("{id}.{ending}{}", if encrypted { ".age" } else { "" });
            assert_eq!((&info["file"], &info["compression"]), (&file.into(), &compression.into()), "{what}");
            let to: &[&str] = if encrypted { &[&pair.public] } else { &[] };
            assert_eq!(info["encrypted_to"], serde_json::json!(to), "{what}");
            // The record's hash is the one that sha256sum prints, and the rows are those of the dump inside.
            let path = host.stored("shop", &id);
            let bytes = fs::read(&path).expect("the file");
            assert_eq!((&info["sha256"], &info["size"]), (&hex(&bytes).into(), &bytes.len().into()), "{what}");
            assert_eq!(info["tables"].as_array().expect("tables").len(), 3, "{what}: {info}");
            let dump = host.unpacked(&path, Some(&pair));
            assert!(dump.starts_with(b"PGDMP"), "{what}");
            // By hand, into a new service, by the stock import.
            let by_hand = format!("hand{}", newest.len() + ending.len() + usize::from(encrypted));
            if host.dokku(&["postgres:create", &by_hand]).code == Some(0) {
                host.dokku_stdin(&dump, &["postgres:import", &by_hand]).expect(0);
                assert_eq!(host.fingerprint(&by_hand), rows, "{what}");
            }
            // A key that is not needed does no harm.
            let key = ["--identity", pair.path()];
            host.dokku(&[&["backups:verify", "shop", "--id", &id], &key[..]].concat()).expect(0);
            assert_eq!(host.trust("shop", &id), "restorable", "{what}");
            host.sql("shop", "delete from orders; update items set name = 'changed' where id < 100;");
            let import = ["backups:import", "shop", "--id", &id, "--no-backup", "--force"];
            host.dokku(&[&import, &key[..]].concat()).expect(0);
            assert_eq!(host.fingerprint("shop"), rows, "{what}");
            newest = id;
        }
    }
    let ids: Vec<String> = host.list("shop").iter().map(|b| b["id"].as_str().expect("id").to_owned()).collect();
    assert_eq!(ids.len(), 6);
    host.check("shop", &ids, true);
    // The newest one is encrypted and compressed; a fork of it, a reset to it, and the gate, which needs no key.
    let key = ["--identity", pair.path()];
    host.dokku(&[&["backups:fork", "shop", "--id", &newest, "again"], &key[..]].concat()).expect(0);
    assert_eq!(host.fingerprint("again"), rows);
    host.sql("again", "delete from orders");
    host.dokku(&["backups:reset", "again", "--force"]).expect(1);
    host.dokku(&[&["backups:reset", "again", "--force"], &key[..]].concat()).expect(0);
    assert_eq!(host.fingerprint("again"), rows);
    host.dokku(&["postgres:destroy", "shop", "--force"]).expect(0);
    host.dokku(&["backups:delete", "shop", "--id", &newest, "--force"]).expect(0);
    assert!(!host.folder("shop").join(format!("{newest}.dump.zst.age")).exists());
}

/// The commands of docs/by-hand.md that unpack a stored form, by its ending: the lines whose comment names one.
fn documented() -> Vec<(String, String)> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/by-hand.md")).expect("the document");
    let line = |line: &str| {
        let (command, ending) = line.split_once("# .dump")?;
        command.contains("> $plain.dump").then(|| (format!("dump{}", ending.trim()), command.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

#[test]
fn row_051_what_the_document_says_unpacks_every_form() {
    let host = Host::up();
    host.database("shop", SHOP);
    let pair = host.pair("key");
    let scratch = tempfile::tempdir().expect("a folder");
    fs::copy(&pair.file, scratch.path().join("key.txt")).expect("the key");
    let mut commands = documented();
    for (to, compression) in
        [("", "gzip"), ("", "zstd"), (&pair.public, "none"), (&pair.public, "gzip"), (&pair.public, "zstd")]
    {
        host.set("shop", "encrypt-to", to);
        let id = host.dokku(&["backups:export", "shop", "--compression", compression]).expect(0).id();
        let file = host.stored("shop", &id);
        let backup = host.folder("shop").join(&id);
        let at = commands.iter().position(|(ending, _)| file.to_string_lossy().ends_with(&format!("{id}.{ending}")));
        let (ending, command) = commands.remove(at.unwrap_or_else(|| panic!("{} is not documented", file.display())));
        let run = |script: &str| {
            let mut command = host.command("bash");
            command.args(["-euo", "pipefail", "-c", script]).current_dir(scratch.path());
            finish({
                command.env("backup", &backup).env("plain", scratch.path().join("plain"));
                command
            })
        };
        run(&command).expect(0);
        let dump = fs::read(scratch.path().join("plain.dump")).expect("unpacked");
        let plain =
            host.dokku(&["backups:download", "shop", "--id", &id, "--compression", "none", "--identity", pair.path()]);
        assert!(dump == plain.expect(0).stdout, "{ending}");
        // A file that is cut is not unpacked in silence.
        let good = fs::read(&file).expect("stored");
        host.put(&file, &good[..good.len() - 1], 0o400);
        assert_ne!(run(&command).code, Some(0), "{ending}");
        host.put(&file, &good, 0o400);
    }
    assert!(commands.is_empty(), "documented, but there is no such form: {commands:?}");
}

#[test]
fn row_017_compression_is_a_property_and_the_line_comes_first() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.dokku(&["backups:set", "--global", "compression", "zstd"]).expect(0);
    assert_eq!(host.info("shop", &host.export("shop"))["compression"], "zstd");
    host.set("shop", "compression", "gzip");
    assert_eq!(host.info("shop", &host.export("shop"))["compression"], "gzip");
    let plain = host.dokku(&["backups:export", "shop", "--compression", "none", "--format", "json"]).expect(0).json();
    assert!(plain["file"].as_str().is_some_and(|file| file.ends_with(".dump")), "{plain}");
    // A safety backup is stored like any other.
    host.dokku(&["backups:import", "shop", "--latest", "--force"]).expect(0);
    let safety = host.list("shop").into_iter().find(|backup| backup["source"] == "safety").expect("a safety backup");
    assert_eq!(safety["compression"], "gzip");
    for words in [&["backups:export", "shop", "--compression", "lz4"][..], &["backups:set", "shop", "compression", "9"]]
    {
        let run = host.dokku(words).expect(2);
        assert!(run.stderr.contains("none, gzip or zstd"), "{}", run.stderr);
    }
    let verbose = host.dokku(&["backups:info", "shop", "--id", safety["id"].as_str().expect("id")]).expect(0).out();
    assert!(verbose.contains("Compression:") && verbose.contains("gzip"), "{verbose}");
}

#[test]
fn fault_051_dumps_without_records_are_adopted_in_every_form() {
    let host = Host::up();
    host.database("shop", SHOP);
    let (pair, other) = (host.pair("one"), host.pair("two"));
    let mut ids = Vec::new();
    for encrypted in [false, true] {
        host.set("shop", "encrypt-to", if encrypted { &pair.public } else { "" });
        for (compression, _) in FORMS {
            ids.push(host.dokku(&["backups:export", "shop", "--compression", compression]).expect(0).id());
        }
    }
    let before: Vec<_> = ids.iter().map(|id| host.info("shop", id)).collect();
    let lose =
        || ids.iter().for_each(|id| fs::remove_file(host.folder("shop").join(format!("{id}.toml"))).expect("one"));
    for key in [None, Some(&other), Some(&pair)] {
        lose();
        // Nothing is hidden meanwhile.
        assert_eq!(host.list("shop").len(), 6);
        host.set("shop", "identity-file", key.map_or("", |key| key.path()));
        host.dokku(&["backups:sync", "shop"]).expect(0);
        for (id, before) in ids.iter().zip(&before) {
            let (now, encrypted) =
                (host.info("shop", id), !before["encrypted_to"].as_array().expect("array").is_empty());
            let unread = encrypted && key.is_none_or(|key| key.public != pair.public);
            for field in ["status", "file", "size", "sha256", "compression"] {
                assert_eq!(now[field], before[field], "{field} of {now}");
            }
            assert_eq!(now["adopted"], true);
            assert_eq!(now["tables"], if unread { serde_json::json!([]) } else { before["tables"].clone() }, "{now}");
            let noted = now["notes"].to_string().contains("without a look inside");
            assert_eq!(noted, unread, "{now}");
        }
        host.check("shop", &ids, true);
    }
    // One that was not looked into is verified and restored with its key all the same.
    lose();
    host.set("shop", "identity-file", "");
    host.dokku(&["backups:sync", "shop"]).expect(0);
    host.dokku(&["backups:verify", "shop", "--id", &ids[5], "--identity", other.path()]).expect(1);
    host.dokku(&["backups:verify", "shop", "--id", &ids[5], "--identity", pair.path()]).expect(0);
    assert_eq!(host.trust("shop", &ids[5]), "restorable");
}

#[test]
fn a_name_that_lies_about_its_form_is_found_out() {
    let host = Host::up();
    host.database("shop", SHOP);
    let id = host.dokku(&["backups:export", "shop", "--compression", "zstd"]).expect(0).id();
    let bytes = fs::read(host.stored("shop", &id)).expect("dump");
    let folder = host.folder("shop");
    for (second, ending) in ["dump", "dump.gz", "dump.age"].into_iter().enumerate() {
        host.put(&folder.join(format!("shop-2020-01-01-00-00-0{second}.{ending}")), &bytes, 0o400);
    }
    // Somebody unpacked one where it lies: theirs, and left alone.
    host.put(&folder.join(format!("{id}.dump")), &host.unpacked(&host.stored("shop", &id), None), 0o400);
    let run = host.dokku(&["backups:sync", "shop", "--format", "json"]).expect(0);
    assert_eq!(run.json()["services"][0]["foreign"], serde_json::json!([format!("{id}.dump")]));
    for second in 0..3 {
        let info = host.info("shop", &format!("shop-2020-01-01-00-00-0{second}"));
        assert_eq!((&info["status"], &info["adopted"]), (&"failed".into(), &true.into()), "{info}");
    }
    assert_eq!(host.info("shop", &id)["file"], format!("{id}.dump.zst"));
    host.dokku(&["backups:delete", "shop", "--id", &id, "--force"]).expect(0);
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert!(folder.join(format!("{id}.dump")).exists() && !folder.join(format!("{id}.dump.zst")).exists());
}

#[test]
fn fault_045_a_bomb_in_the_folder_is_refused_quickly() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.export("shop");
    let mut bombs = Vec::new();
    for (second, (tool, ending)) in [("zstd", "dump.zst"), ("gzip", "dump.gz")].into_iter().enumerate() {
        let made = std::process::Command::new("bash")
            .args(["-c", &format!("{{ printf PGDMP; head -c 2G /dev/zero; }} | {tool} -1 -c")])
            .output()
            .expect(tool);
        let id = format!("shop-2020-01-01-00-00-0{second}");
        host.put(&host.folder("shop").join(format!("{id}.{ending}")), &made.stdout, 0o400);
        bombs.push(id);
    }
    let size = || fs::read_dir(host.folder("shop")).expect("folder").flatten().count();
    let (since, files) = (Instant::now(), size());
    let run = host.dokku(&["backups:sync", "shop"]).expect(0);
    assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
    assert_eq!(size(), files + 2 * bombs.len(), "a record and a log each, nothing else");
    for id in bombs {
        assert_eq!(host.info("shop", &id)["status"], "failed", "{}", run.stderr);
    }
}

#[test]
fn fault_022_an_encoded_export_killed_at_many_points() {
    let host = Host::up();
    host.database("shop", SHOP);
    let pair = host.pair("one");
    host.set("shop", "encrypt-to", &pair.public);
    host.set("shop", "compression", "zstd");
    host.set("shop", "identity-file", pair.path());
    let mut acknowledged = vec![host.export("shop")];
    let all = host.count_points(&["backups:export", "shop"]);
    let mut killed = 0;
    for point in (1..=all + 3).step_by(3) {
        let run = host.at_point(&format!("abort={point}"), &["backups:export", "shop"]);
        match run.code {
            Some(0) => acknowledged.push(run.id()),
            _ => killed += 1,
        }
        host.check("shop", &acknowledged, false);
        host.dokku(&["backups:sync", "shop"]).expect(0);
        host.check("shop", &acknowledged, true);
    }
    assert!(killed > 15, "only {killed} of {all} points");
    // What was adopted on the way is whole: each good one decrypts to a dump.
    for backup in host.list("shop").iter().filter(|backup| backup["status"] == "success") {
        let path = std::path::PathBuf::from(backup["path"].as_str().expect("a path"));
        assert!(host.unpacked(&path, Some(&pair)).starts_with(b"PGDMP"), "{backup}");
        assert_eq!(backup["tables"].as_array().map(Vec::len), Some(3), "{backup}");
    }
}

#[test]
fn fault_056_a_stored_file_that_changed_is_damaged_on_every_use() {
    let host = Host::up();
    host.database("shop", SHOP);
    let pair = host.pair("one");
    let rows = host.fingerprint("shop");
    for (to, compression) in [("", "gzip"), ("", "zstd"), (pair.public.as_str(), "none"), (&pair.public, "zstd")] {
        host.set("shop", "encrypt-to", to);
        let id = host.dokku(&["backups:export", "shop", "--compression", compression]).expect(0).id();
        let path = host.stored("shop", &id);
        let good = fs::read(&path).expect("dump");
        let mut flipped = good.clone();
        flipped[good.len() / 2] ^= 1;
        let mut header = good.clone();
        header[if to.is_empty() { 12 } else { 60 }] ^= 1;
        for (how, bytes) in [("flipped", &flipped), ("header", &header), ("cut", &good[..good.len() - 9].to_vec())] {
            let what = format!("{compression} {how} {}", path.display());
            host.put(&path, bytes, 0o400);
            let key = ["--identity", pair.path()];
            for verb in [
                &["backups:verify", "shop", "--id", &id][..],
                &["backups:import", "shop", "--id", &id, "--force", "--no-backup"],
                &["backups:fork", "shop", "--id", &id, "forked", "--force"],
                &["backups:download", "shop", "--id", &id, "--compression", "none"],
            ] {
                let run = host.dokku(&[verb, &key[..]].concat()).expect(6);
                assert!(run.stderr.contains("damaged"), "{what}: {verb:?}: {}", run.stderr);
            }
            // Without a key too, where only the stored bytes are asked.
            let run = host.dokku(&["backups:download", "shop", "--id", &id]).expect(6);
            assert!(run.stdout.len() < bytes.len(), "{what}: the end was passed on");
            assert_eq!(host.fingerprint("shop"), rows, "{what}");
            assert_eq!(host.trust("shop", &id), "damaged", "{what}");
            host.edit_record(
                "shop",
                &id,
                |line| if line.starts_with("damage = ") { String::new() } else { line.into() },
            );
        }
        host.put(&path, &good, 0o400);
    }
    host.dokku(&["postgres:exists", "forked"]).expect(1);
}
