//! Copies at an S3 destination, on a real S3 server: made, listed, fetched, removed, found again.

use std::fs;

use super::support::proxy::{ALWAYS, Act, Proxy};
use super::support::s3::S3;
use super::support::{Host, SHOP, truth};

#[test]
fn row_019_059_an_export_is_copied_and_its_record_beside_it() {
    let (host, bucket) = Host::with_bucket();
    let id = host.export("shop");
    let info = host.info("shop", &id);
    let copy = &info["copy"];
    assert_eq!(copy["state"], "stored", "{info}");
    assert_eq!(info["presence"], "both");
    let key = bucket.key("shop", &format!("{id}.dump"));
    assert_eq!(copy["uri"], format!("s3://{}/{key}", bucket.name));
    for field in ["size", "sha256"] {
        assert_eq!(copy[field], info[field]);
    }
    assert!(copy["uploaded_at"].is_string() && copy["reason"].is_null());
    assert_eq!(bucket.get(&key), fs::read(host.dump_file("shop", &id)).expect("the dump"));
    let record = bucket.get(&bucket.key("shop", &format!("{id}.toml")));
    assert_eq!(record, fs::read(host.folder("shop").join(format!("{id}.toml"))).expect("the record"));
    let keys: Vec<String> = bucket.objects().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), 2, "nothing else is left there: {keys:?}");
    host.check("shop", &[id], true);
}

#[test]
fn row_059_a_lost_dump_is_fetched_by_whatever_needs_it() {
    let (host, _bucket) = Host::with_bucket();
    let rows = host.fingerprint("shop");
    let id = host.export("shop");
    let file = host.lose("shop", &id);
    let info = host.info("shop", &id);
    assert_eq!((info["presence"].as_str(), info["trust"].as_str()), (Some("remote"), Some("created")), "{info}");
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    assert_eq!(host.info("shop", &id)["presence"], "both");
    host.lose("shop", &id);
    host.sql("shop", "delete from orders; delete from items");
    host.dokku(&["backups:import", "shop", "--id", &id, "--force"]).expect(0);
    assert_eq!(host.fingerprint("shop"), rows);
    host.lose("shop", &id);
    host.dokku(&["backups:fork", "shop", "--id", &id, "practice"]).expect(0);
    assert_eq!(host.fingerprint("practice"), rows);
    host.lose("shop", &id);
    host.dokku(&["backups:reset", "practice", "--force"]).expect(0);
    assert!(file.exists());
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).expect("the dump").permissions()) & 0o777;
    assert_eq!(mode, 0o400);
    host.check("shop", &[id], true);
}

#[test]
fn row_059_a_new_host_finds_everything_at_the_destination() {
    let (host, bucket) = Host::with_bucket();
    let rows = host.fingerprint("shop");
    let first = host.dokku(&["backups:export", "shop", "--at", "2026-04-08T14:30:00Z", "--verify"]).expect(0).id();
    let second = host.dokku(&["backups:export", "shop", "--at", "2026-04-08T14:31:00Z"]).expect(0).id();
    let gone = host.dokku(&["backups:export", "shop", "--at", "2026-04-08T14:32:00Z"]).expect(0).id();
    host.dokku(&["backups:delete", "shop", "--id", &gone]).expect(0);
    let folder = |file: &str| bucket.key("shop", file);
    let newer = b"format = 2\nid = \"shop-2026-04-09-00-00-00\"\n".to_vec();
    let newer = [&newer[..], format!("# sha256 {}\n", truth::hex(&newer)).as_bytes()].concat();
    bucket.put(&folder("shop-2026-04-09-00-00-00.toml"), newer);
    bucket.put(&folder("shop-2026-04-09-00-00-01.toml"), b"format = 1\ncut".to_vec());
    bucket.put(&folder("shop-2026-04-09-00-00-02.dump"), b"PGDMP".to_vec());
    bucket.put(&folder("holiday.jpg"), b"x".to_vec());

    let fresh = Host::up();
    fresh.store_access(&bucket.s3.endpoint, &bucket.s3.key_id, &bucket.s3.secret);
    fresh.set_destination(&bucket.uri()).expect(0);
    let report = fresh.dokku(&["backups:sync", "--format", "json"]).expect(0).json();
    assert_eq!(report["services"][0]["rebuilt"], serde_json::json!([first, second]), "{report}");
    let strange = report["services"][0]["strange"].to_string();
    for words in [
        "00-00.toml: it was written by a newer",
        "00-01.toml: it is cut",
        "00-02.dump: it has no record",
        "holiday.jpg: not ours",
    ] {
        assert!(strange.contains(words), "{words}: {strange}");
    }
    assert_eq!(report["services"][0]["strange"].as_array().map(Vec::len), Some(4), "{strange}");
    let listed = fresh.list("shop");
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|backup| backup["presence"] == "remote"), "{listed:?}");
    // What another host says was shown is not believed, until somebody says that it is this one's by right.
    assert_eq!(
        (fresh.trust("shop", &first).as_str(), &fresh.info("shop", &first)["origin"]),
        ("created", &"foreign".into())
    );
    let report = fresh.dokku(&["backups:sync", "--take-over", "--format", "json"]).expect(0).json();
    assert_eq!(report["services"][0]["taken_over"].as_array().map(Vec::len), Some(2), "{report}");
    assert_eq!(fresh.trust("shop", &first), "restorable", "the evidence travels with the copy");
    assert_eq!(
        fresh.dokku(&["backups:sync", "shop", "--format", "json"]).expect(0).json()["services"][0]["elsewhere"],
        serde_json::json!([])
    );
    fresh.database("shop", "");
    fresh.dokku(&["backups:import", "shop", "--id", &first, "--force"]).expect(0);
    assert_eq!(fresh.fingerprint("shop"), rows);
    // By name, where nothing of that name is here yet, and twice.
    let third = Host::up();
    third.store_access(&bucket.s3.endpoint, &bucket.s3.key_id, &bucket.s3.secret);
    third.set_destination(&bucket.uri()).expect(0);
    third.dokku(&["backups:sync", "nobody"]).expect(4);
    third.dokku(&["backups:sync", "shop"]).expect(0);
    let again = third.dokku(&["backups:sync", "shop", "--format", "json"]).expect(0).json();
    assert_eq!(again["services"][0]["rebuilt"], serde_json::json!([]));
    third.check("shop", &[second], false);
}

#[test]
fn row_059_the_destination_is_tested_when_it_is_set() {
    let s3 = S3::shared();
    let (host, bucket) = (Host::up(), s3.bucket());
    let fails = |uri: &str, words: &str| {
        let run = host.dokku(&["backups:set", "--global", "destination", uri]).expect(1);
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        assert!(!run.stderr.contains(&s3.secret) && !run.stderr.contains(&s3.key_id), "{}", run.stderr);
        let set = host.dokku(&["backups:report", "--global", "--format", "json"]).expect(0).json();
        assert!(set["properties"]["destination"]["global"].is_null(), "it was saved");
    };
    fails(&bucket.uri(), "dokku backups:set --global destination-key-id");
    host.store_access(&s3.endpoint, &s3.key_id, "wrong-secret");
    fails(&bucket.uri(), "SignatureDoesNotMatch");
    host.store_access("http://127.0.0.1:9", &s3.key_id, &s3.secret);
    fails(&bucket.uri(), "destination-endpoint");
    host.store_access(&s3.endpoint, &s3.key_id, &s3.secret);
    fails("s3://no-such-bucket-here", "there is no bucket no-such-bucket-here");
    host.set_destination(&bucket.uri()).expect(0);
    assert_eq!(bucket.objects(), [], "the test leaves nothing");
    // What it needs is not taken away from it, and not broken.
    let run = host.dokku_stdin(b"other\n", &["backups:set", "--global", "destination-secret", "-"]).expect(1);
    assert!(run.stderr.contains("nothing was changed"), "{}", run.stderr);
    host.dokku(&["backups:set", "--global", "destination-key-id"]).expect(1);
    host.database("shop", SHOP);
    let id = host.export("shop");
    assert_eq!(host.copy_state("shop", &id), "stored");
    // One service may go without.
    host.dokku(&["backups:set", "shop", "destination", "none"]).expect(0);
    let id = host.export("shop");
    assert!(host.info("shop", &id)["copy"].is_null());
    host.dokku(&["backups:set", "--global", "destination"]).expect(0);
    host.dokku(&["backups:set", "--global", "destination", "https://elsewhere/x"]).expect(2);
    host.dokku(&["backups:set", "--global", "destination-endpoint", "https://user:pw@host"]).expect(2);
}

#[test]
fn row_067_check_tries_the_destination() {
    let proxy = Proxy::before(&S3::shared().endpoint);
    let (host, bucket) = Host::with_bucket_by(&proxy.endpoint);
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
    let left = bucket.objects().len();
    host.dokku(&["backups:check", "--read"]).expect(0);
    assert_eq!(bucket.objects().len(), left, "the test leaves nothing");
    proxy.on("PUT", ".dokku-backups-test", ALWAYS, Act::Status(403, "AccessDenied"));
    host.dokku(&["backups:check"]).expect(0);
    let run = host.dokku(&["backups:check", "--read", "--format", "json"]).expect(1);
    let findings = run.json()["services"][0]["findings"].clone();
    assert!(findings.to_string().contains("AccessDenied"), "{findings}");
}

#[test]
fn row_067_one_bucket_by_two_ways_is_tried_by_both() {
    let (host, bucket) = Host::with_bucket();
    let proxy = Proxy::before(&bucket.s3.endpoint);
    host.database("blog", SHOP);
    let list = format!(
        "destination-key-id {}\ndestination-secret {}\ndestination-endpoint {}\ndestination {}\n",
        bucket.s3.key_id,
        bucket.s3.secret,
        proxy.endpoint,
        bucket.uri()
    );
    host.dokku_stdin(list.as_bytes(), &["backups:set", "blog", "-"]).expect(0);
    for service in ["shop", "blog"] {
        host.dokku(&["backups:export", service, "--verify"]).expect(0);
    }
    host.dokku(&["backups:check", "--read"]).expect(0);
    proxy.on("PUT", ".dokku-backups-test", ALWAYS, Act::Status(403, "AccessDenied"));
    let report = host.dokku(&["backups:check", "--read", "--format", "json"]).expect(1).json();
    for service in report["services"].as_array().expect("services") {
        let fails = service["findings"].to_string().contains("AccessDenied");
        assert_eq!(fails, service["service"] == "blog", "{service}");
    }
}

#[test]
fn row_058_059_delete_reaches_the_copy() {
    let (host, bucket) = Host::with_bucket();
    let first = host.dokku(&["backups:export", "shop", "--at", "2026-04-08T14:30:00Z"]).expect(0).id();
    let second = host.dokku(&["backups:export", "shop", "--at", "2026-04-08T14:31:00Z"]).expect(0).id();
    host.dokku(&["backups:delete", "shop", "--id", &first]).expect(0);
    let keys: Vec<String> = bucket.objects().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [bucket.key("shop", &format!("{second}.dump")), bucket.key("shop", &format!("{second}.toml"))]);
    assert_eq!(host.copy_state("shop", &first), "deleted");
    assert_eq!(host.info("shop", &first)["presence"], "deleted");
    // One that is only there goes too.
    host.lose("shop", &second);
    host.dokku(&["backups:delete", "shop", "--id", &second, "--force"]).expect(0);
    assert_eq!(bucket.objects(), []);
}

#[test]
fn row_059_sync_copies_what_was_made_before() {
    let s3 = S3::shared();
    let (host, id) = Host::with_backup();
    let bucket = s3.bucket();
    host.store_access(&s3.endpoint, &s3.key_id, &s3.secret);
    host.set_destination(&bucket.uri()).expect(0);
    host.dokku(&["backups:sync", "shop", "--due"]).expect(0);
    assert_eq!(bucket.objects(), [], "what nobody asked for is not copied by the scheduler");
    let report = host.dokku(&["backups:sync", "shop", "--format", "json"]).expect(0).json();
    assert_eq!(report["services"][0]["uploaded"], serde_json::json!([id]));
    assert_eq!(host.copy_state("shop", &id), "stored");
    // The copy's record follows.
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    let record = String::from_utf8(bucket.get(&bucket.key("shop", &format!("{id}.toml")))).expect("text");
    assert!(record.contains("[verification]"), "{record}");
    host.check("shop", &[id], true);
}

fn key_pair() -> (String, String) {
    let identity = age::x25519::Identity::generate();
    let private = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    (private, identity.to_public().to_string())
}

#[test]
fn row_059_a_copy_alone_may_be_encrypted() {
    let (host, bucket) = Host::with_bucket();
    let (private, public) = key_pair();
    host.dokku(&["backups:set", "shop", "encrypt-to", &public]).expect(0);
    host.dokku(&["backups:set", "shop", "encrypt", "off-site"]).expect(0);
    let id = host.export("shop");
    let info = host.info("shop", &id);
    let copy = &info["copy"];
    assert_eq!(
        (copy["state"].as_str(), &copy["encrypted_to"]),
        (Some("stored"), &serde_json::json!([public])),
        "{info}"
    );
    assert_eq!(info["encrypted_to"], serde_json::json!([]), "the dump here is as it was");
    let key = bucket.key("shop", &format!("{id}.dump.age"));
    let there = bucket.get(&key);
    assert!(there.starts_with(b"age-encryption.org/v1"));
    assert_eq!((&copy["size"], copy["sha256"].as_str()), (&there.len().into(), Some(truth::hex(&there).as_str())));
    assert_ne!(copy["sha256"], info["sha256"]);
    let rows = host.fingerprint("shop");

    // Back here with the key, and not without it, nor with another.
    let file = host.lose("shop", &id);
    let words = ["backups:import", "shop", "--id", &id, "--force"];
    let run = host.dokku(&words).expect(1);
    assert!(run.stderr.contains("--identity"), "{}", run.stderr);
    let with_key = |key: &str| host.dokku_stdin(key.as_bytes(), &[&words[..], &["--identity", "-"]].concat());
    with_key(&key_pair().0).expect(1);
    assert!(!file.exists() && host.trust("shop", &id) == "created");
    bucket.put(&key, there.iter().map(|byte| byte ^ 1).collect());
    with_key(&private).expect(6);
    assert!(!file.exists());
    bucket.put(&key, there);
    host.sql("shop", "delete from orders");
    with_key(&private).expect(0);
    assert_eq!(host.fingerprint("shop"), rows);
    assert_eq!(host.trust("shop", &id), "restorable", "what lies here was shown to be right");
    host.dokku(&["backups:delete", "shop", "--id", &id, "--force"]).expect(0);
    assert_eq!(bucket.objects().into_iter().filter(|(key, _)| key.contains(&id)).count(), 0);

    // A new host, which has the key.
    let second = host.export("shop");
    let fresh = Host::up();
    fresh.store_access(&bucket.s3.endpoint, &bucket.s3.key_id, &bucket.s3.secret);
    fresh.set_destination(&bucket.uri()).expect(0);
    fresh.dokku(&["backups:sync"]).expect(0);
    fresh.database("shop", "");
    let words = ["backups:import", "shop", "--id", &second, "--force", "--identity", "-"];
    fresh.dokku_stdin(private.as_bytes(), &words).expect(0);
    assert_eq!(fresh.fingerprint("shop"), rows);
    fresh.check("shop", &[second], true);
}

#[test]
fn row_059_what_is_encrypted_here_goes_as_it_is() {
    let (host, bucket) = Host::with_bucket();
    let (private, public) = key_pair();
    host.dokku(&["backups:set", "shop", "encrypt-to", &public]).expect(0);
    for which in ["both", "local"] {
        host.dokku(&["backups:set", "shop", "encrypt", which]).expect(0);
        let id = host.dokku(&["backups:export", "shop", "--compression", "zstd"]).expect(0).id();
        let name = format!("{id}.dump.zst.age");
        let here = fs::read(host.folder("shop").join(&name)).expect("the dump");
        assert_eq!(bucket.get(&bucket.key("shop", &name)), here, "{which}");
        fs::remove_file(host.folder("shop").join(&name)).expect("the dump");
        let words = ["backups:verify", "shop", "--id", &id, "--identity", "-"];
        host.dokku_stdin(private.as_bytes(), &words).expect(0);
        assert_eq!(host.trust("shop", &id), "restorable");
        assert_eq!(fs::read(host.folder("shop").join(&name)).expect("the dump"), here);
    }
}
