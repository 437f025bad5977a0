//! What people run into with the stores that copies go to (reports 101, 130, 131).

use std::fs;

use serde_json::{Value, json};

use super::support::Host;
use super::support::proxy::{ALWAYS, Act, Proxy};
use super::support::rclone::Rclone;
use super::support::s3::{Bucket, S3};

/// A host with a verified backup that is copied, and the key of the copy.
fn copied() -> (Host, Bucket, String, String) {
    let (host, bucket) = Host::with_bucket();
    let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    let key = bucket.key("shop", &format!("{id}.dump"));
    (host, bucket, id, key)
}

fn codes(checked: &Value) -> Vec<&str> {
    let findings = checked["services"][0]["findings"].as_array().expect("findings");
    findings.iter().filter_map(|finding| finding["code"].as_str()).collect()
}

/// Nothing anywhere rests on a backup of which no byte is left.
fn is_lost(host: &Host, id: &str, trust: &str, state: &str) {
    let info = host.info("shop", id);
    assert_eq!((&info["trust"], &info["copy"]["state"]), (&json!(trust), &json!(state)), "{info}");
    assert!(info["copy"]["reason"].as_str().is_some_and(|why| why.contains("seen 20")), "{info}");
    let listed = host.list("shop");
    assert_eq!((&listed[0]["trust"], &listed[0]["copy"]["state"]), (&json!(trust), &json!(state)));
    assert!(!host.dokku(&["backups:list", "shop"]).expect(0).out().contains("Restorable"));
    let report = host.dokku(&["backups:report", "shop", "--format", "json"]).expect(0).json();
    assert_eq!((&report["destroy"], &report["newest_restorable"]), (&json!("refused"), &Value::Null), "{report}");
    assert_eq!(report["copies"]["latest"]["state"], state, "{report}");
    assert_eq!(report["copies"]["newest_stored"], Value::Null, "{report}");
    let text = host.dokku(&["backups:report", "shop"]).expect(0).out();
    assert!(text.contains(&format!("{state} s3://")) && text.contains("refused by the gate"), "{text}");
    let page = host.dokku(&["backups:report", "--format", "html"]).expect(0).out();
    assert!(page.contains(&format!("{state} s3://")) && !page.contains("stored s3://"), "{page}");
    assert_eq!(host.dokku(&["backups:check", "shop"]).code, Some(1));
    host.dokku(&["postgres:destroy", "shop", "--force"]).expect(7);
}

#[test]
fn report_101_a_copy_that_is_gone_is_seen_and_made_again() {
    let (host, bucket, id, key) = copied();
    let dump = bucket.get(&key);
    bucket.delete(&key);
    let synced = host.dokku(&["backups:sync", "shop", "--format", "json"]).expect(0).json()["services"][0].clone();
    assert_eq!(synced["lost"], json!([{"id": id, "state": "missing"}]), "{synced}");
    assert_eq!((&synced["uploaded"], bucket.get(&key) == dump), (&json!([id]), true), "{synced}");
    assert_eq!(host.copy_state("shop", &id), "stored");
    let log = host.dokku(&["backups:logs", "shop", "--id", &id]).expect(0).out();
    assert!(log.contains("is missing: the store does not have it any more"), "{log}");
    let again = host.dokku(&["backups:sync", "shop", "--format", "json"]).expect(0).json()["services"][0].clone();
    assert_eq!((&again["lost"], &again["uploaded"]), (&json!([]), &json!([])), "{again}");
    // `check --read` too, and it says what it has found.
    bucket.delete(&key);
    let checked = host.dokku(&["backups:check", "shop", "--read", "--format", "json"]).expect(0).json();
    assert!(codes(&checked).contains(&"copy-lost"), "{checked}");
    assert_eq!(bucket.get(&key), dump);
    // The record beside the copy is missed as well: without it no other host finds the dump.
    let record = bucket.key("shop", &format!("{id}.toml"));
    let before = bucket.get(&record);
    bucket.delete(&record);
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert!(!bucket.get(&record).is_empty() && !before.is_empty());
    host.check("shop", &[id], true);
}

#[test]
fn report_101_with_nothing_left_anywhere_it_is_missing_everywhere() {
    let looks: [&[&str]; 3] =
        [&["backups:sync", "shop"], &["backups:check", "shop", "--read"], &["backups:verify", "shop", "--latest"]];
    for words in looks {
        let (host, bucket, id, key) = copied();
        let dump = bucket.get(&key);
        host.lose("shop", &id);
        bucket.delete(&key);
        let run = host.dokku(words);
        assert!(words[0] == "backups:sync" || run.code != Some(0), "{run:?}");
        is_lost(&host, &id, "missing", "missing");
        let run = host.dokku(&["backups:import", "shop", "--id", &id, "--force"]).expect(4);
        assert!(run.stderr.contains("is not at s3://"), "{}", run.stderr);
        // It turns up again: it is what it was.
        bucket.put(&key, dump);
        host.dokku(&["backups:sync", "shop"]).expect(0);
        assert_eq!((host.trust("shop", &id).as_str(), host.copy_state("shop", &id).as_str()), ("restorable", "stored"));
    }
}

#[test]
fn report_101_retention_takes_no_older_backup_for_one_of_which_nothing_is_left() {
    let (host, bucket) = Host::with_bucket();
    let make = |at: &str| host.dokku_at("", at, &["backups:export", "shop", "--verify"]).expect(0).id();
    let (old, new) = (make("2027-04-01T03:00:00Z"), make("2027-05-20T03:00:00Z"));
    host.dokku(&["backups:set", "shop", "retention", "30"]).expect(0);
    let pruned = |code: i32, words: &[&str]| -> String {
        let run = host.dokku_at("", "2027-06-01T00:00:00Z", &[&["backups:prune", "shop"], words].concat()).expect(code);
        format!("{}{}", run.out(), run.stderr)
    };
    assert!(pruned(0, &["--dry-run"]).contains(&old), "the older one has expired, and a newer one is good");
    // The newer one is at the destination alone, and then not even there.
    let key = bucket.key("shop", &format!("{new}.dump"));
    let dump = bucket.get(&key);
    let file = host.lose("shop", &new);
    bucket.delete(&key);
    host.dokku_at("", "2027-05-21T00:00:00Z", &["backups:sync", "shop"]);
    assert_eq!(host.info("shop", &new)["trust"], "missing");
    assert!(pruned(7, &[]).contains("would remove every good backup of shop (1)"));
    assert_eq!(host.info("shop", &old)["presence"], "both", "the last good one");
    // It comes back, and the older one may go.
    host.put(&file, &dump, 0o400);
    host.dokku_at("", "2027-05-22T00:00:00Z", &["backups:sync", "shop"]).expect(0);
    pruned(0, &[]);
    assert_eq!(host.info("shop", &old)["presence"], "deleted");
    host.check("shop", &[old, new], true);
}

#[test]
fn report_101_a_copy_of_another_size_is_changed_and_made_again() {
    let (host, bucket, id, key) = copied();
    let dump = bucket.get(&key);
    bucket.put(&key, b"cut".to_vec());
    let synced = host.dokku(&["backups:sync", "shop", "--format", "json"]).expect(0).json()["services"][0].clone();
    assert_eq!((&synced["lost"], &synced["uploaded"]), (&json!([{"id": id, "state": "changed"}]), &json!([id])));
    assert_eq!(bucket.get(&key), dump);
    // Of the same size, but another object: the store says so by its checksum.
    let mut other = dump.clone();
    other[20] ^= 1;
    bucket.put(&key, other);
    let checked = host.dokku(&["backups:check", "shop", "--read", "--format", "json"]).expect(0).json();
    assert!(codes(&checked).contains(&"copy-lost"), "{checked}");
    assert_eq!(bucket.get(&key), dump);
    // The same bytes put there by somebody else's program are the copy.
    bucket.delete(&key);
    bucket.put(&key, dump.clone());
    let synced = host.dokku(&["backups:sync", "shop", "--format", "json"]).expect(0).json()["services"][0].clone();
    assert_eq!(synced["lost"], json!([]), "{synced}");
    // With nothing here to copy again it is no backup.
    let file = host.lose("shop", &id);
    bucket.put(&key, b"cut".to_vec());
    host.dokku(&["backups:sync", "shop"]);
    is_lost(&host, &id, "damaged", "changed");
    host.put(&file, &dump, 0o400);
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert_eq!((host.trust("shop", &id).as_str(), bucket.get(&key) == dump), ("restorable", true));
    host.check("shop", &[id], true);
}

#[test]
fn report_101_a_folder_is_watched_like_a_bucket_and_an_unmounted_one_has_lost_nothing() {
    let host = Host::up();
    host.database("shop", super::support::SHOP);
    let disk = host.dir().join("disk");
    fs::create_dir(&disk).expect("a folder");
    host.give(&disk);
    host.set_destination(&format!("file://{}", disk.display())).expect(0);
    let id = host.export("shop");
    let copy = disk.join(format!("postgres/shop/{id}.dump"));
    fs::remove_file(&copy).expect("the copy");
    let synced = host.dokku(&["backups:sync", "shop", "--format", "json"]).expect(0).json()["services"][0].clone();
    assert_eq!((&synced["lost"][0]["state"], &synced["uploaded"]), (&json!("missing"), &json!([id])), "{synced}");
    assert!(copy.is_file());
    let away = host.dir().join("away");
    fs::rename(&disk, &away).expect("unmount");
    fs::create_dir(&disk).expect("the mount point");
    host.give(&disk);
    host.dokku(&["backups:sync", "shop"]).expect(3);
    host.dokku(&["backups:check", "shop", "--read"]);
    host.cron("2026-11-20T03:00:00Z");
    assert_eq!(host.copy_state("shop", &id), "stored");
}

#[test]
fn report_101_a_store_that_cannot_be_asked_has_lost_nothing() {
    let proxy = Proxy::before(&S3::shared().endpoint);
    let (host, _bucket) = Host::with_bucket_by(&proxy.endpoint);
    let id = host.export("shop");
    host.lose("shop", &id);
    proxy.on("GET", "list-type", ALWAYS, Act::Status(403, "AccessDenied"));
    host.dokku(&["backups:sync", "shop"]).expect(3);
    host.dokku(&["backups:check", "shop", "--read"]);
    assert_eq!((host.copy_state("shop", &id).as_str(), host.trust("shop", &id).as_str()), ("stored", "created"));
}

#[test]
fn report_101_the_scheduler_looks_once_a_day_and_copies_again() {
    let proxy = Proxy::before(&S3::shared().endpoint);
    let (host, bucket) = Host::with_bucket_by(&proxy.endpoint);
    host.schedule("2026-11-20T00:00:00Z", "shop daily");
    let ids = ["2026-04-08T14:30:00Z", "2026-04-08T14:31:00Z", "2026-04-08T14:32:00Z"]
        .map(|at| host.dokku(&["backups:export", "shop", "--at", at]).expect(0).id());
    let lists = |clock: &str| {
        proxy.well();
        host.cron(clock).expect(0);
        proxy.count("GET", "list-type")
    };
    assert_eq!(lists("2026-11-20T12:30:00Z"), 1, "one listing for all of its backups");
    assert_eq!(lists("2026-11-20T12:35:00Z"), 0);
    assert_eq!(lists("2026-11-20T23:55:00Z"), 0);
    let key = bucket.key("shop", &format!("{}.dump", ids[1]));
    bucket.delete(&key);
    host.cron("2026-11-21T12:35:00Z");
    assert!(bucket.objects().iter().any(|(there, _)| *there == key), "{}", host.scheduler_log());
    assert!(host.scheduler_log().contains(&format!("the copy of {} is missing", ids[1])), "{}", host.scheduler_log());
    assert_eq!(host.copy_state("shop", &ids[1]), "stored");
}

/// Half past twelve `days` from now, when the scheduler looks for copies that are due.
fn ahead(days: i64) -> String {
    let until = chrono::Utc::now() + chrono::TimeDelta::days(days);
    until.format("%Y-%m-%dT12:30:00Z").to_string()
}

#[test]
fn report_130_every_write_carries_a_checksum_and_the_store_holds_us_to_it() {
    let proxy = Proxy::before(&S3::shared().endpoint);
    // As a bucket with Object Lock does.
    proxy.on("PUT", "", ALWAYS, Act::Unless("content-md5", 400, "InvalidRequest"));
    let (host, bucket) = Host::with_bucket_by(&proxy.endpoint);
    host.sql(
        "shop",
        "CREATE TABLE big AS SELECT i, md5(i::text) || md5((i + 1)::text) AS t FROM generate_series(1, 300000) i",
    );
    let id = host.export("shop");
    let key = bucket.key("shop", &format!("{id}.dump"));
    assert_eq!(host.copy_state("shop", &id), "stored");
    assert!(proxy.count("PUT", "partNumber=2") > 0, "it went in parts");
    let dump = fs::read(host.dump_file("shop", &id)).expect("the dump");
    assert!(bucket.get(&key) == dump);
    // The sum is that of the bytes: what the way has changed, the store does not take.
    proxy.well();
    proxy.on("PUT", ".dump", ALWAYS, Act::Spoil);
    let run = host.dokku(&["backups:export", "shop", "--at", "2026-04-08T14:30:00Z"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("BadDigest") || run.stderr.contains("XAmzContentSHA256Mismatch"), "{}", run.stderr);
}

#[test]
fn report_130_a_key_that_may_not_delete_is_a_state_that_is_told() {
    let proxy = Proxy::before(&S3::shared().endpoint);
    let (host, bucket) = Host::with_bucket_by(&proxy.endpoint);
    proxy.on("DELETE", "", ALWAYS, Act::Status(403, "AccessDenied"));
    // Such a place is taken, and what that means is said.
    let set = host.set_destination(&bucket.uri()).expect(0);
    assert!(set.stderr.contains("nothing can be removed at s3://"), "{}", set.stderr);
    let tried = |bucket: &Bucket| bucket.objects().iter().filter(|(key, _)| key.contains("dokku-backups-test")).count();
    host.set_destination(&bucket.uri()).expect(0);
    host.dokku(&["backups:check", "shop", "--read"]);
    assert_eq!(tried(&bucket), 1, "one object, however often it is tried");
    let [old, _new] = ["2026-04-08T14:30:00Z", "2026-04-08T14:31:00Z"]
        .map(|at| host.dokku(&["backups:export", "shop", "--at", at]).expect(0).id());
    let key = bucket.key("shop", &format!("{old}.dump"));
    let deleted = host.dokku(&["backups:delete", "shop", "--id", &old, "--force", "--format", "json"]).expect(0);
    let copy = &deleted.json()["backups"][0]["copy"];
    assert_eq!((&copy["state"], &copy["kept_until"], &copy["retry_at"]), (&json!("kept"), &Value::Null, &Value::Null));
    assert!(deleted.stderr.contains("the store does not let this host remove it"), "{}", deleted.stderr);
    assert!(!bucket.get(&key).is_empty() && !bucket.get(&bucket.key("shop", &format!("{old}.toml"))).is_empty());
    // It is told, and is no alarm and no work for every night.
    let log = host.dokku(&["backups:logs", "shop", "--id", &old]).expect(0).out();
    assert!(log.contains("its copy stays at s3://"), "{log}");
    let checked = host.dokku(&["backups:check", "shop", "--format", "json"]).json();
    assert!(!codes(&checked).contains(&"not-deleted"), "{checked}");
    let asked = proxy.count("DELETE", &old);
    host.schedule("2026-11-20T00:00:00Z", "shop daily");
    host.cron("2026-11-20T12:30:00Z");
    assert_eq!(proxy.count("DELETE", &old), asked, "{}", host.scheduler_log());
    // It does not come back as a backup, and goes when somebody asks and it may.
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert_eq!(host.copy_state("shop", &old), "kept");
    proxy.well();
    let synced = host.dokku(&["backups:sync", "shop", "--format", "json"]).expect(0).json()["services"][0].clone();
    assert_eq!((&synced["removed"], host.copy_state("shop", &old).as_str()), (&json!([old]), "deleted"), "{synced}");
    assert!(!bucket.objects().iter().any(|(there, _)| there.contains(&old)));
}

#[test]
fn report_130_the_date_until_which_the_store_keeps_a_copy_is_told() {
    let proxy = Proxy::before(&S3::shared().endpoint);
    let (host, _bucket) = Host::with_bucket_by(&proxy.endpoint);
    let ids = ["2026-04-08T14:30:00Z", "2026-04-08T14:31:00Z", "2026-04-08T14:32:00Z"]
        .map(|at| host.dokku(&["backups:export", "shop", "--at", at]).expect(0).id());
    let until = ahead(30);
    proxy.on("HEAD", ".dump", ALWAYS, Act::Adds("x-amz-object-lock-retain-until-date", until.clone()));
    let delete = |id: &str| {
        let run = host.dokku(&["backups:delete", "shop", "--id", id, "--force", "--format", "json"]).expect(0);
        (run.json()["backups"][0]["copy"].clone(), run.stderr)
    };
    // A bucket with versions takes the name away and keeps the bytes.
    let (copy, said) = delete(&ids[0]);
    assert_eq!((&copy["state"], &copy["kept_until"]), (&json!("deleted"), &json!(until)), "{copy}");
    assert!(said.contains("keeps the bytes until 20"), "{said}");
    // Another lets nothing go before, and is asked again then.
    proxy.on("DELETE", "", ALWAYS, Act::Status(403, "AccessDenied"));
    let (copy, said) = delete(&ids[1]);
    let expected = (&json!("kept"), &json!(until), &json!(until));
    assert_eq!((&copy["state"], &copy["kept_until"], &copy["retry_at"]), expected, "{copy}");
    assert!(said.contains("stays at s3://") && said.contains(" until 20"), "{said}");
    proxy.well();
    host.schedule("2026-11-20T00:00:00Z", "shop daily");
    host.cron(&ahead(29));
    assert_eq!(host.copy_state("shop", &ids[1]), "kept");
    host.cron(&ahead(30));
    assert_eq!(host.copy_state("shop", &ids[1]), "deleted", "{}", host.scheduler_log());
}

#[test]
fn report_130_a_bucket_with_object_lock_is_a_destination() {
    let bucket = S3::shared().bucket_with_lock(3);
    let host = Host::copying_to(&bucket, &bucket.s3.endpoint);
    let ids = ["2026-04-08T14:30:00Z", "2026-04-08T14:31:00Z"]
        .map(|at| host.dokku(&["backups:export", "shop", "--at", at, "--verify"]).expect(0).id());
    let run = host.dokku(&["backups:delete", "shop", "--id", &ids[0], "--force", "--format", "json"]).expect(0);
    let copy = run.json()["backups"][0]["copy"].clone();
    let until = copy["kept_until"].as_str().and_then(|at| chrono::DateTime::parse_from_rfc3339(at).ok());
    let days = until.map(|until| (until.with_timezone(&chrono::Utc) - chrono::Utc::now()).num_hours());
    assert!(copy["state"] == "deleted" && days.is_some_and(|hours| (70..=72).contains(&hours)), "{copy}");
    assert!(run.stderr.contains("the store keeps the bytes until 20"), "{}", run.stderr);
    host.dokku(&["backups:sync", "shop"]).expect(0);
    host.lose("shop", &ids[1]);
    host.dokku(&["backups:import", "shop", "--latest", "--force"]).expect(0);
    host.check("shop", &ids[1..], true);
}

#[test]
fn report_131_rclone_is_a_destination_and_what_it_cannot_do_is_named() {
    let Some(rclone) = Rclone::up() else { return };
    let bucket = rclone.s3.bucket();
    let host = Host::copying_to(&bucket, &rclone.s3.endpoint);
    let set = host.set_destination(&bucket.uri()).expect(0);
    assert!(set.stderr.contains("does not know If-None-Match"), "{}", set.stderr);
    let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    let (key, record) = (bucket.key("shop", &format!("{id}.dump")), bucket.key("shop", &format!("{id}.toml")));
    assert!(bucket.get(&key) == fs::read(host.dump_file("shop", &id)).expect("the dump"));
    bucket.delete(&key);
    let synced = host.dokku(&["backups:sync", "shop", "--format", "json"]).expect(0).json()["services"][0].clone();
    assert_eq!((&synced["lost"][0]["state"], &synced["uploaded"]), (&json!("missing"), &json!([id])), "{synced}");
    host.lose("shop", &id);
    host.dokku(&["backups:import", "shop", "--id", &id, "--force"]).expect(0);
    let run = host.dokku(&["backups:delete", "shop", "--id", &id, "--force", "--format", "json"]).expect(0);
    assert_eq!(run.json()["backups"][0]["copy"]["state"], "deleted");
    assert!(!bucket.objects().iter().any(|(there, _)| *there == key || *there == record));
}

#[test]
fn report_131_a_server_that_gives_no_parts_is_named_by_that() {
    let proxy = Proxy::before(&S3::shared().endpoint);
    let (host, bucket) = Host::with_bucket_by(&proxy.endpoint);
    host.sql(
        "shop",
        "CREATE TABLE big AS SELECT i, md5(i::text) || md5((i + 1)::text) AS t FROM generate_series(1, 500000) i",
    );
    let id = host.export("shop");
    host.lose("shop", &id);
    proxy.on("GET", ".dump", ALWAYS, Act::SaysAll);
    let run = host.dokku(&["backups:import", "shop", "--id", &id, "--force"]);
    assert_ne!(run.code, Some(0));
    assert!(run.stderr.contains("gives no parts of objects"), "{}", run.stderr);
    // What is read whole is read all the same.
    host.sql("shop", "DROP TABLE big");
    let small = host.dokku(&["backups:export", "shop", "--at", "2026-04-08T14:30:00Z"]).expect(0).id();
    host.lose("shop", &small);
    host.dokku(&["backups:import", "shop", "--id", &small, "--force"]).expect(0);
    assert!(!bucket.objects().is_empty());
}
