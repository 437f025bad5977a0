//! `storage delta`: each further backup stores only the differences (rows 71 and 72).

use std::fs;

use serde_json::{Value, json};

use super::support::{Host, truth};

/// Rows enough for several segments.
const MANY: &str = "create table items(id int primary key, name text, note text);
insert into items select g, md5(g::text), md5((g * 7)::text) from generate_series(1, 40000) g;
create table notes(id int, body bytea); select lo_from_bytea(0, repeat('large', 9000)::bytea);";

/// One night: few rows of many change, some come.
const NIGHT: &str = "update items set note = md5(random()::text) where id % 400 = extract(second from now())::int;
insert into items select max(id) + g, md5(random()::text), 'new' from items, generate_series(1, 50) g group by g;";

/// A host whose service `shop` stores differences.
pub(super) fn differing() -> Host {
    let host = Host::up();
    host.database("shop", MANY);
    host.set("shop", "storage", "delta");
    host
}

/// So many backups of `shop`, a day and a night between them, oldest first; and what the data was at each.
pub(super) fn nights(host: &Host, days: std::ops::Range<u32>) -> (Vec<String>, Vec<String>) {
    let night = |day: u32| {
        let at = format!("2026-04-{:02}T03:00:00Z", day);
        let run = host.dokku_env(&[("DOKKU_BACKUPS_CLOCK", &at)], &["backups:export", "shop"]);
        let made = (run.expect(0).id(), host.digest("shop"));
        host.sql("shop", NIGHT);
        made
    };
    days.map(night).unzip()
}

pub(super) fn archive(host: &Host, id: &str) -> Value {
    host.info("shop", id)["archive"].clone()
}

/// The hash of what `download` gives.
fn downloaded(host: &Host, id: &str) -> String {
    let args = ["backups:download", "shop", "--id", id, "--compression", "none"];
    let bytes = host.dokku(&args).expect(0).stdout;
    assert!(bytes.starts_with(b"PGDMP"), "an archive for anybody's programs");
    truth::hex(&bytes)
}

#[test]
fn row_071_072_a_delta_is_a_backup_like_any_other() {
    let host = Host::up();
    host.database("shop", MANY);
    let stock = host.export("shop");
    for wrong in ["on", "deltas", "0"] {
        let run = host.dokku(&["backups:set", "shop", "storage", wrong]).expect(2);
        assert!(run.stderr.contains("whole or delta"), "{}", run.stderr);
    }
    host.set("shop", "storage", "delta");
    let whole = host.export("shop");
    let dumped = host.digest("shop");
    host.sql("shop", NIGHT);
    let delta = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    let later = host.digest("shop");

    // What was there stays as it is; the next one is a whole, and then come the differences.
    let (old, first, second) = (host.info("shop", &stock), host.info("shop", &whole), host.info("shop", &delta));
    assert_eq!((&old["archive"], &old["compression"]), (&Value::Null, &json!("none")));
    assert_eq!((&first["archive"]["base"], &first["archive"]["files"]), (&Value::Null, &json!(1)));
    assert_eq!((&second["archive"]["base"], &second["archive"]["files"]), (&json!(whole), &json!(2)));
    assert_eq!((&first["archive"]["leaning"], &second["archive"]["leaning"]), (&json!(1), &json!(0)));
    let size = |info: &Value| info["size"].as_u64().expect("a size");
    assert!(size(&second) * 10 < size(&first), "{second} {first}");
    assert!(second["archive"]["size"].as_u64() > first["size"].as_u64(), "{second}");
    assert_eq!((&second["trust"], &second["origin"]), (&json!("restorable"), &json!("own")));
    assert_eq!(second["verification"]["comparison"], "dumped-again");
    assert_eq!(second["verification"]["sha256"], second["archive"]["sha256"]);
    let file = fs::read(host.stored("shop", &delta)).expect("the file");
    assert_eq!((second["size"].as_u64(), &second["sha256"]), (Some(file.len() as u64), &json!(truth::hex(&file))));
    assert!(host.stored("shop", &delta).display().to_string().ends_with(".dump.delta"));

    // For people: what it takes, what it holds, what it leans on, what is saved.
    let verbose = host.dokku(&["backups:list", "shop", "--verbose"]).expect(0).out();
    assert!(verbose.contains(&format!("{whole}, 2 files in all are opened to read it")), "{verbose}");
    assert!(verbose.contains("Holds") && verbose.contains("1 other backup"), "{verbose}");
    let report = host.dokku(&["backups:report", "shop"]).expect(0).out();
    assert!(report.contains("by storing differences"), "{report}");
    let report = host.dokku(&["backups:report", "shop", "--format", "json"]).expect(0).json();
    let number = |key: &str| report[key].as_u64().unwrap_or_else(|| panic!("{key}: {report}"));
    assert_eq!(number("stored_bytes"), size(&old) + size(&first) + size(&second));
    assert!(number("held_bytes") > number("stored_bytes") && number("saved_bytes") > size(&first) / 2, "{report}");

    // Taken out it is the archive itself, and the standard programs read it.
    assert_eq!(json!(downloaded(&host, &delta)), second["archive"]["sha256"]);
    let plainly = host.dokku(&["backups:download", "shop", "--id", &delta]).expect(0).stdout;
    assert_eq!(json!(truth::hex(&plainly)), second["archive"]["sha256"]);
    let zstd = host.dokku(&["backups:download", "shop", "--id", &delta, "--compression", "zstd"]).expect(0).stdout;
    assert!(zstd.starts_with(b"\x28\xb5\x2f\xfd"));
    let plan = host.dokku(&["backups:import", "shop", "--id", &delta, "--dry-run"]).expect(0).stderr;
    assert!(plan.contains("holds:    ") && !plan.contains(&format!("holds:    {} bytes", size(&second))), "{plan}");

    // Every way back.
    host.sql("shop", "drop table items cascade");
    host.dokku(&["--force", "backups:import", "shop", "--id", &delta]).expect(0);
    assert_eq!(host.digest("shop"), later);
    host.dokku(&["--force", "backups:import", "shop", "--id", &whole]).expect(0);
    assert_eq!(host.digest("shop"), dumped);
    host.dokku(&["backups:fork", "shop", "copy", "--id", &delta]).expect(0);
    assert_eq!(host.digest("copy"), later);
    host.sql("copy", "delete from items");
    host.dokku(&["--force", "backups:reset", "copy"]).expect(0);
    assert_eq!(host.digest("copy"), later);
    let run = host.dokku(&["--force", "backups:import", "shop", "--id", &delta, "--in-place"]);
    assert!(run.code == Some(0) || run.stderr.contains("already exists"), "{}", run.stderr);
    host.dokku(&["backups:keep", "shop", "--id", &delta]).expect(0);
    host.dokku(&["backups:check", "shop", "--read"]);
    assert!(host.list("shop").iter().all(|backup| backup["damage"].is_null()));
    host.check("shop", &[stock, whole, delta], true);

    // Said on the line, a form is that form; and set back, each stands for itself again.
    let gzip = host.dokku(&["backups:export", "shop", "--compression", "gzip"]).expect(0).id();
    assert_eq!(
        (&host.info("shop", &gzip)["archive"], &host.info("shop", &gzip)["compression"]),
        (&Value::Null, &json!("gzip"))
    );
    host.set("shop", "storage", "whole");
    let whole = host.export("shop");
    assert_eq!(archive(&host, &whole), Value::Null);
}

#[test]
fn row_071_what_leans_on_a_deleted_backup_is_given_another_base_first() {
    let host = differing();
    let (ids, data) = nights(&host, 1..12);
    let files = |id: &str| archive(&host, id)["files"].as_u64().expect("files");
    assert_eq!(ids.iter().map(|id| files(id)).collect::<Vec<_>>(), [1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5]);
    let hashes: Vec<String> = ids.iter().map(|id| downloaded(&host, id)).collect();
    // The middle: one leans on it. Then the whole: two do, and both become wholes.
    let run = host.dokku(&["backups:delete", "shop", "--id", &ids[5]]).expect(0);
    assert!(run.stderr.contains(&format!("Storing {} anew, to lean on {}", ids[6], ids[4])), "{}", run.stderr);
    assert!(host.stored("shop", &ids[6]).display().to_string().ends_with(".dump.delta2"));
    let run = host.dokku(&["backups:delete", "shop", "--id", &ids[0], "--id", &ids[1], "--id", &ids[9]]).expect(0);
    assert!(run.stderr.contains(&format!("{} anew, to stand for itself", ids[2])), "{}", run.stderr);
    assert!(run.stderr.contains(&format!("{} anew, to stand for itself", ids[4])), "{}", run.stderr);
    let left = [2, 3, 4, 6, 7, 8, 10];
    for at in left {
        assert_eq!(downloaded(&host, &ids[at]), hashes[at], "{}", ids[at]);
    }
    assert_eq!(left.map(|at| files(&ids[at])), [1, 2, 1, 2, 3, 2, 3]);
    let log = host.dokku(&["backups:logs", "shop", "--id", &ids[6]]).expect(0).out();
    assert!(log.contains(&format!("stored anew, to lean on {}", ids[4])), "{log}");
    let kept: Vec<String> = left.iter().map(|at| ids[*at].clone()).collect();
    host.check("shop", &kept, true);
    host.dokku(&["--force", "backups:import", "shop", "--id", &ids[8]]).expect(0);
    assert_eq!(host.digest("shop"), data[8]);
    // Evidence is of what is in it: another base changes nothing about that.
    host.dokku(&["backups:verify", "shop", "--id", &ids[10]]).expect(0);
    host.dokku(&["backups:delete", "shop", "--id", &ids[8]]).expect(0);
    assert_eq!(host.info("shop", &ids[10])["trust"], "restorable");
    // All that is left in one command leaves nothing to store anew.
    let args: Vec<&str> = ["--force", "backups:delete", "shop"]
        .into_iter()
        .chain(kept.iter().filter(|id| **id != ids[8]).flat_map(|id| ["--id", id]))
        .collect();
    let run = host.dokku(&args).expect(0);
    assert!(!run.stderr.contains("anew"), "{}", run.stderr);
}

#[test]
fn row_071_retention_keeps_what_others_lean_on_and_says_so() {
    let host = differing();
    let (ids, _) = nights(&host, 1..13);
    host.set("shop", "retention", "5");
    let at = "2026-04-13T03:10:00Z";
    let prune = |more: &[&str]| {
        let args = [&["backups:prune", "shop", "--format", "json"][..], more].concat();
        host.dokku_env(&[("DOKKU_BACKUPS_CLOCK", at)], &args).expect(0).json()
    };
    let plan = prune(&["--dry-run"]);
    let reason = |plan: &Value, id: &str| {
        let found = plan["services"][0]["decisions"].as_array().expect("decisions").iter().find(|d| d["id"] == id);
        let found = found.unwrap_or_else(|| panic!("{id}: {plan}"));
        (found["action"].as_str().expect("action").to_owned(), found["reason"].as_str().expect("reason").to_owned())
    };
    // The first eight have expired; the last four lean on the fifth and with it on the first.
    for leant_on in [&ids[0], &ids[4]] {
        let (action, why) = reason(&plan, leant_on);
        assert!(action == "keep" && why.contains("but 4 other backups lean on it"), "{why}");
    }
    prune(&[]);
    let gone = |id: &String| !host.info("shop", id)["deleted_at"].is_null();
    let left: Vec<usize> = (0..12).filter(|at| !gone(&ids[*at])).collect();
    assert_eq!(left, [0, 4, 8, 9, 10, 11]);
    for at in left {
        downloaded(&host, &ids[at]);
    }
    // Much later only what the newest leans on is left, and what leans goes before what it leans on.
    let late = "2026-05-30T03:00:00Z";
    let run = host.dokku_env(&[("DOKKU_BACKUPS_CLOCK", late)], &["backups:export", "shop"]).expect(0);
    assert_eq!(archive(&host, &run.id())["base"], Value::Null, "the whole is old");
    let later = "2026-05-30T03:10:00Z";
    let run = host.dokku_env(&[("DOKKU_BACKUPS_CLOCK", later)], &["backups:prune", "shop"]).expect(0);
    assert!(ids.iter().all(gone), "{}", run.stderr);
}

#[test]
fn row_071_a_damaged_link_is_told_of_all_that_lean_on_it_and_the_next_is_a_whole() {
    let host = differing();
    let (ids, _) = nights(&host, 1..5);
    let file = host.stored("shop", &ids[1]);
    let good = fs::read(&file).expect("the file");
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 0x10;
    host.put(&file, &bad, 0o400);
    // Found by whoever reads one that leans on it.
    let run = host.dokku(&["backups:verify", "shop", "--id", &ids[3]]).expect(6);
    assert!(run.stderr.contains(&ids[1]), "it is not said what is wrong: {}", run.stderr);
    let trust = |id: &String| host.info("shop", id)["trust"].as_str().unwrap_or_default().to_owned();
    assert_eq!(ids.iter().map(trust).collect::<Vec<_>>(), ["created", "damaged", "damaged", "damaged"]);
    let told = host.info("shop", &ids[2])["damage"].as_str().unwrap_or_default().to_owned();
    assert!(told.contains(&format!("it leans on {}, which is damaged", ids[1])), "{told}");
    host.dokku(&["backups:import", "shop", "--id", &ids[3], "--force"]).expect(6);
    host.dokku(&["backups:download", "shop", "--id", &ids[2]]).expect(6);
    let check = host.dokku(&["backups:check", "shop"]);
    assert_ne!(check.code, Some(0), "{check:?}");
    // The next one leans on what is good still, or is a whole; in any case it restores.
    let next = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    let base = archive(&host, &next)["base"].clone();
    assert!(base.is_null() || base == json!(ids[0]), "{base}");
    // The bytes are back: so is everything that leans on them.
    host.put(&file, &good, 0o400);
    host.dokku(&["backups:verify", "shop", "--id", &ids[1]]).expect(0);
    host.dokku(&["backups:verify", "shop", "--id", &ids[3]]).expect(0);
    assert_eq!(ids.iter().map(trust).collect::<Vec<_>>(), ["created", "restorable", "created", "restorable"]);
    // A whole that nobody has read since: it is hashed before anything leans on it.
    let whole = host.stored("shop", &next);
    let mut bytes = fs::read(&whole).expect("the file");
    bytes[100] ^= 1;
    host.put(&whole, &bytes, 0o400);
    let run = host.dokku(&["backups:export", "shop"]).expect(0);
    assert!(run.stderr.contains("stored whole: ") && run.stderr.contains(&next), "{}", run.stderr);
    assert_eq!(archive(&host, &run.id())["base"], Value::Null);
    assert_eq!(trust(&next), "damaged");
    // Gone altogether.
    fs::remove_file(host.stored("shop", &ids[0])).expect("the file");
    assert_eq!((trust(&ids[0]).as_str(), trust(&ids[1]).as_str()), ("missing", "damaged"));
}

#[test]
fn row_071_a_record_that_was_lost_is_made_anew_from_the_files() {
    let host = differing();
    let (ids, data) = nights(&host, 1..4);
    for id in &ids[..2] {
        fs::remove_file(host.folder("shop").join(format!("{id}.toml"))).expect("the record");
    }
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert_eq!(archive(&host, &ids[1])["base"], json!(ids[0]));
    host.dokku(&["--force", "backups:import", "shop", "--id", &ids[2]]).expect(0);
    assert_eq!(host.digest("shop"), data[2]);
    host.check("shop", &ids, true);
}

#[test]
fn row_071_encrypted_differences_need_what_opens_them() {
    let host = differing();
    let pair = host.pair("mine");
    let run = host.dokku(&["backups:set", "shop", "encrypt-to", &pair.public]).expect(1);
    assert!(run.stderr.contains("needs an identity-file"), "{}", run.stderr);
    host.set("shop", "encrypt", "off-site");
    host.set("shop", "encrypt-to", &pair.public);
    host.dokku(&["backups:set", "shop", "encrypt"]).expect(1);
    host.set("shop", "identity-file", pair.path());
    host.dokku(&["backups:set", "shop", "encrypt"]).expect(0);
    let (ids, data) = nights(&host, 1..4);
    assert!(host.stored("shop", &ids[0]).display().to_string().ends_with(".dump.zst.age"));
    assert!(host.stored("shop", &ids[2]).display().to_string().ends_with(".dump.delta.age"));
    assert_eq!(archive(&host, &ids[2])["files"], 3);
    // The record lies in the open, and tells nothing by which a guess could be tried.
    assert_eq!(archive(&host, &ids[2])["sha256"], Value::Null);
    let record = fs::read_to_string(host.folder("shop").join(format!("{}.toml", ids[2]))).expect("the record");
    assert!(record.contains("sealed = true") && !record.contains("digest"), "{record}");
    // Nothing of the data is readable in the folder.
    let plain = host.dokku(&["backups:download", "shop", "--id", &ids[2], "--identity", pair.path()]).expect(0).stdout;
    assert!(plain.starts_with(b"PGDMP") && !record.contains(&truth::hex(&plain)));
    // Who has no key gets what only the key opens.
    let sealed = host.dokku(&["backups:download", "shop", "--id", &ids[2]]).expect(0).stdout;
    assert!(sealed.starts_with(b"age-encryption.org/v1"));
    let file = host.dir().join("taken.dump.zst.age");
    fs::write(&file, &sealed).expect("write");
    assert!(host.unpacked(&file, Some(&pair)) == plain);
    host.dokku(&["backups:verify", "shop", "--id", &ids[2]]).expect(0);
    host.dokku(&["backups:delete", "shop", "--id", &ids[1]]).expect(0);
    assert!(host.stored("shop", &ids[2]).display().to_string().ends_with(".dump.delta2.age"));
    host.dokku(&["--force", "backups:import", "shop", "--id", &ids[2]]).expect(0);
    assert_eq!(host.digest("shop"), data[2]);
    // Other keys: nothing new leans on what they do not open.
    let other = host.pair("other");
    let both = [&fs::read(&pair.file).expect("key")[..], &fs::read(&other.file).expect("key")].concat();
    host.put(&pair.file, &both, 0o600);
    host.set("shop", "encrypt-to", &other.public);
    let next = host.export("shop");
    assert_eq!(archive(&host, &next)["base"], Value::Null);
    // The key is gone: a whole, and a word about it.
    host.put(&pair.file, b"# none\n", 0o600);
    let run = host.dokku(&["backups:export", "shop"]);
    assert!(run.code == Some(0) && run.stderr.contains("stored whole"), "{run:?}");
}

/// Sixty virtual days of nightly differences, with retention, a copy elsewhere, a lost and a damaged link, deletions at the
/// base and in the middle, and a move to a new host. On every day a backup that is there is what was dumped.
#[test]
fn row_071_sixty_days_of_differences() {
    let host = Host::up();
    host.database("shop", "create table items as select g id, md5(g::text) note from generate_series(1, 3000) g");
    host.set("shop", "storage", "delta");
    host.set("shop", "retention", "20");
    let disk = super::delta_offsite::with_disk(&host);
    let (mut there, mut first_host) = (host, None);
    let mut hashes: Vec<(String, String)> = Vec::new();
    let mut seed = 7u64;
    for day in 1..=60u32 {
        let (month, date) = if day <= 31 { (1, day) } else { (2, day - 31) };
        let (month, date) = if month == 2 && date > 28 { (3, date - 28) } else { (month, date) };
        let at = |hour: u32| format!("2026-{month:02}-{date:02}T{hour:02}:00:00Z");
        let run = |host: &Host, hour: u32, args: &[&str], code: &[i32]| {
            let run = host.dokku_env(&[("DOKKU_BACKUPS_CLOCK", &at(hour))], args);
            assert!(run.code.is_some_and(|got| code.contains(&got)), "day {day}, {args:?}: {run:?}");
            run
        };
        let host = &there;
        let id = run(host, 3, &["backups:export", "shop"], &[0]).id();
        hashes.push((id.clone(), archive(host, &id)["sha256"].as_str().expect("a hash").to_owned()));
        run(host, 4, &["backups:prune", "shop"], &[0]);
        let listed = host.list("shop");
        let live: Vec<&Value> = listed.iter().filter(|backup| backup["deleted_at"].is_null()).collect();
        assert!(live.iter().all(|backup| backup["archive"]["files"].as_u64() <= Some(12)), "day {day}");
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let chosen = live[usize::try_from(seed >> 33).expect("small") % live.len()]["id"].as_str().expect("an id");
        let expected = &hashes.iter().find(|(id, _)| id == chosen).expect("one of ours").1;
        let args = ["backups:download", "shop", "--id", chosen, "--compression", "none"];
        assert_eq!(&truth::hex(&run(host, 5, &args, &[0]).stdout), expected, "day {day}: {chosen}");
        let stored = |back: usize| host.stored("shop", live[back]["id"].as_str().expect("an id"));
        match day {
            // In the middle; at the base.
            12 => drop(run(host, 6, &["backups:delete", "shop", "--id", live[5]["id"].as_str().expect("id")], &[0])),
            25 => {
                let whole = live[0]["archive"]["base"].clone();
                assert!(!whole.is_null());
                let first = live.last().expect("one")["id"].as_str().expect("id");
                drop(run(host, 6, &["--force", "backups:delete", "shop", "--id", first], &[0]));
            }
            // Its file is lost; it is fetched as soon as somebody needs it.
            17 => fs::remove_file(stored(3)).expect("a link"),
            // Bytes are others: found, told, and healed by the copy.
            41 => {
                let link = stored(2);
                let mut bytes = fs::read(&link).expect("a link");
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                host.put(&link, &bytes, 0o400);
                run(host, 6, &["backups:check", "shop", "--read"], &[0, 1]);
                assert_eq!(host.info("shop", live[2]["id"].as_str().expect("id"))["trust"], "damaged");
                fs::remove_file(&link).expect("the bad one");
                run(host, 7, &["backups:verify", "shop", "--id", live[0]["id"].as_str().expect("id")], &[0]);
            }
            // The host is gone: all that is left lies elsewhere.
            50 => {
                let fresh = Host::up();
                fresh.set_destination(&format!("file://{}", disk.display())).expect(0);
                run(&fresh, 8, &["backups:sync", "--take-over"], &[0]);
                fresh.database("shop", "");
                fresh.set("shop", "storage", "delta");
                fresh.set("shop", "retention", "20");
                run(&fresh, 9, &["--force", "backups:import", "shop", "--latest", "--no-backup"], &[0]);
                // On its disk lie the copies.
                first_host = Some(std::mem::replace(&mut there, fresh));
            }
            _ => {}
        }
        there.sql("shop", &format!("update items set note = md5(random()::text) where id % 61 = {day}; insert into items select 10000 * {day} + g, md5(random()::text) from generate_series(1, 40) g"));
    }
    let live = there.list("shop").into_iter().filter(|backup| backup["deleted_at"].is_null()).count();
    assert!((20..=52).contains(&live), "{live} backups are left");
    drop(first_host);
}
