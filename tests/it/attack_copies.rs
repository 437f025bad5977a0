//! Damage belongs to the bytes it was seen in, and whose object lies in the way.

use std::fs;

use serde_json::Value;

use super::support::Host;
use super::support::proxy::{Act, Proxy};
use super::support::s3::{Bucket, S3};

fn state(host: &Host, id: &str) -> (Value, Value, Value) {
    let info = host.info("shop", id);
    (info["trust"].clone(), info["damage"].clone(), info["copy"]["state"].clone())
}

/// Flips a byte of an object, as a store does that lies or rots; its other properties stay if `marked`.
fn spoil(bucket: &Bucket, key: &str) -> Vec<u8> {
    let good = bucket.get(key);
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    bucket.put(key, bad);
    good
}

#[test]
fn attack_421_other_bytes_once_damage_the_copy_and_not_the_backup() {
    let (host, bucket) = Host::with_bucket();
    let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    let key = bucket.key("shop", &format!("{id}.dump"));
    let dump = fs::read(host.dump_file("shop", &id)).expect("the dump");
    let good = spoil(&bucket, &key);
    host.lose("shop", &id);
    let run = host.dokku(&["backups:verify", "shop", "--id", &id]).expect(6);
    assert!(run.stderr.contains("the copy of"), "{}", run.stderr);
    // While it is the only one there is, the backup is no better than it, and check says so.
    assert_eq!(state(&host, &id), ("damaged".into(), Value::Null, "damaged".into()));
    let reason = host.info("shop", &id)["copy"]["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.contains("sha256") && reason.contains("seen 20"), "{reason}");
    assert!(host.dokku(&["backups:check", "shop"]).expect(1).out().contains("is damaged"));
    // A good reading of the copy clears it.
    bucket.put(&key, good.clone());
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    assert_eq!(state(&host, &id), ("restorable".into(), Value::Null, "stored".into()));
    // So does the local file that turns up again: it was never at fault. The copy stays at fault.
    spoil(&bucket, &key);
    let file = host.lose("shop", &id);
    host.dokku(&["backups:download", "shop", "--id", &id]).expect(6);
    host.put(&file, &dump, 0o400);
    assert_eq!(state(&host, &id), ("restorable".into(), Value::Null, "damaged".into()));
    let check = host.dokku(&["backups:check", "shop"]).expect(1).out();
    assert!(check.contains("the copy of") && check.contains("backups:sync shop"), "{check}");
    // The record beside it is this backup's, so it is this backup's copy that is spoilt: it is made anew. With another
    // record beside it, it is somebody else's, and never overwritten.
    let record = bucket.key("shop", &format!("{id}.toml"));
    let own = bucket.get(&record);
    bucket.put(&record, b"somebody else's".to_vec());
    host.dokku(&["backups:sync", "shop"]).expect(3);
    assert_ne!(bucket.get(&key), good);
    bucket.put(&record, own);
    bucket.put(&key, good.clone());
    host.dokku(&["backups:sync", "shop"]).expect(0);
    spoil(&bucket, &key);
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert_eq!(bucket.get(&key), good);
    assert_eq!(state(&host, &id), ("restorable".into(), Value::Null, "stored".into()));
    host.check("shop", &[id], true);
}

#[test]
fn attack_421_damage_of_the_file_is_lifted_by_a_good_reading() {
    let (host, id) = Host::with_backup();
    let good = fs::read(host.dump_file("shop", &id)).expect("the dump");
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    host.overwrite("shop", &id, &bad);
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(6);
    assert_eq!(host.trust("shop", &id), "damaged");
    host.overwrite("shop", &id, &good);
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    assert_eq!(host.trust("shop", &id), "restorable");
    assert!(host.info("shop", &id)["damage"].is_null());
    host.dokku(&["backups:check", "shop"]);
    // By a restore too.
    host.overwrite("shop", &id, &bad);
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(6);
    host.overwrite("shop", &id, &good);
    host.dokku(&["backups:import", "shop", "--id", &id, "--force", "--no-backup"]).expect(0);
    assert!(host.info("shop", &id)["damage"].is_null());
}

#[test]
fn attack_424_the_gate_and_the_report_judge_the_newest_good_one() {
    let host = Host::up();
    host.database("shop", super::support::SHOP);
    let older = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    let newer = host.export("shop");
    let good = fs::read(host.dump_file("shop", &newer)).expect("the dump");
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    let report = || host.dokku(&["backups:report", "shop", "--format", "json"]).expect(0).json();
    assert_eq!((&report()["newest_good"]["id"], &report()["destroy"]), (&newer.clone().into(), &"refused".into()));
    host.overwrite("shop", &newer, &bad);
    host.dokku(&["backups:verify", "shop", "--id", &newer]).expect(6);
    assert_eq!((&report()["newest_good"]["id"], &report()["destroy"]), (&older.clone().into(), &"allowed".into()));
    // Only one, and it is damaged: there is no good one.
    host.dokku(&["backups:delete", "shop", "--id", &older, "--force"]).expect(0);
    assert_eq!(report()["destroy"], "refused");
    let run = host.dokku(&["postgres:destroy", "shop", "--force"]).expect(7);
    assert!(run.stderr.contains("no good backup"), "{}", run.stderr);
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
    assert_eq!(report()["destroy"], "allowed");
    host.dokku(&["postgres:destroy", "shop", "--force"]).expect(0);
}

/// The store took what we sent, but the run that sent it did not end well: the object is ours and in the way.
fn left_in_the_way(encrypted: bool, spoilt: bool) {
    let proxy = Proxy::before(&S3::shared().endpoint);
    let (host, bucket) = Host::with_bucket_by(&proxy.endpoint);
    if encrypted {
        let pair = host.pair("off-site");
        host.dokku(&["backups:set", "--global", "encrypt-to", &pair.public]).expect(0);
        host.dokku(&["backups:set", "--global", "encrypt", "off-site"]).expect(0);
    }
    // The dump arrives, its record does not.
    proxy.on("PUT", ".toml", 1, Act::Status(403, "AccessDenied"));
    let id = host.dokku(&["backups:export", "shop"]).expect(3).id();
    let ending = if encrypted { ".dump.age" } else { ".dump" };
    let key = bucket.key("shop", &format!("{id}{ending}"));
    let left = bucket.get(&key);
    if spoilt {
        bucket.truncate_in_place(&key, &host.mark("shop", &id), left.len() / 2);
        assert!(bucket.get(&key).len() < left.len());
    }
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert_eq!(host.copy_state("shop", &id), "stored");
    let info = host.info("shop", &id);
    assert_eq!(info["copy"]["sha256"], super::support::hex(&bucket.get(&key)), "{info}");
    host.check("shop", &[id], true);
}

#[test]
fn attack_424_sync_replaces_an_upload_of_ours_that_failed() {
    left_in_the_way(true, false);
    left_in_the_way(true, true);
    left_in_the_way(false, true);
    left_in_the_way(false, false);
}

#[test]
fn attack_424_sync_replaces_nothing_of_anybody_elses() {
    let proxy = Proxy::before(&S3::shared().endpoint);
    let (host, bucket) = Host::with_bucket_by(&proxy.endpoint);
    proxy.on("PUT", ".dump", 1, Act::Status(403, "AccessDenied"));
    let id = host.dokku(&["backups:export", "shop"]).expect(3).id();
    let key = bucket.key("shop", &format!("{id}.dump"));
    bucket.put(&key, b"somebody else's".to_vec());
    let run = host.dokku(&["backups:sync", "shop"]).expect(3);
    assert!(run.stderr.contains("left as it is"), "{}", run.stderr);
    assert_eq!(bucket.get(&key), b"somebody else's");
    // Of another host of ours neither: it has another word.
    bucket.truncate_in_place(&key, "0123456789abcdef0123456789abcdef", 0);
    host.dokku(&["backups:sync", "shop"]).expect(3);
    assert_eq!(bucket.get(&key), b"");
}

impl Host {
    /// The word that uploads of a backup carry, as its record says.
    fn mark(&self, service: &str, id: &str) -> String {
        let record = fs::read_to_string(self.folder(service).join(format!("{id}.toml"))).expect("the record");
        let line = record.lines().find_map(|line| line.strip_prefix("mark = ")).expect("a mark");
        line.trim_matches('"').to_owned()
    }
}

impl Bucket {
    /// Puts the first bytes of an object in its place, with the word of an upload.
    fn truncate_in_place(&self, key: &str, mark: &str, length: usize) {
        let bytes = self.get(key)[..length].to_vec();
        self.put_marked(key, bytes, mark);
    }
}
