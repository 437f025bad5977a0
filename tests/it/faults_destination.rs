//! Rows 75 and 81 to 89: a store that fails, refuses, lies, and what is left of it.

use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::support::faults::settled_tree;
use super::support::proxy::{ALWAYS, Act, Certificate, Proxy};
use super::support::s3::{Bucket, S3};
use super::support::{Host, Run, send, wait};

/// More than one part of an upload, however well it is compressed.
const LARGE: &str = "create table noise as select g, md5(g::text) || md5((g * 7)::text) || md5((g * 11)::text) as t
from generate_series(1, 160000) g;";

fn through_proxy() -> (Host, Bucket, Proxy) {
    let proxy = Proxy::before(&S3::shared().endpoint);
    let (host, bucket) = Host::with_bucket_by(&proxy.endpoint);
    proxy.well();
    (host, bucket, proxy)
}

/// An export whose backup is good and whose copy failed.
#[track_caller]
fn export_partly(host: &Host, env: &[(&str, &str)], words: &str) -> (Run, String) {
    let run = host.dokku_env(env, &["backups:export", "shop"]).expect(3);
    let id = run.id();
    assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    let info = host.info("shop", &id);
    assert_eq!((info["status"].as_str(), info["trust"].as_str()), (Some("success"), Some("created")), "{info}");
    assert_eq!((info["copy"]["state"].as_str(), info["presence"].as_str()), (Some("failed"), Some("here")));
    assert!(info["copy"]["reason"].as_str().expect("a reason").contains(words), "{info}");
    assert!(info["copy"]["retry_at"].is_string());
    let s3 = S3::shared();
    for canary in [&s3.key_id, &s3.secret] {
        assert!(!run.stderr.contains(canary.as_str()) && !info.to_string().contains(canary.as_str()), "{run:?} {info}");
    }
    host.check("shop", std::slice::from_ref(&id), true);
    (run, id)
}

#[test]
fn fault_081_a_store_that_fails_now_and_then_is_asked_again() {
    let (host, _bucket, proxy) = through_proxy();
    for act in [
        Act::Status(500, "InternalError"),
        Act::Status(503, "SlowDown"),
        Act::Status(429, "TooManyRequests"),
        Act::Close,
    ] {
        proxy.on("PUT", ".dump", 2, act.clone());
        let id = host.export("shop");
        assert_eq!(host.copy_state("shop", &id), "stored", "{act:?}");
        assert_eq!(proxy.count("PUT", ".dump"), 3, "{act:?}");
        proxy.well();
    }
    // Cut off in the middle of an answer, on the way back.
    let id = host.export("shop");
    host.lose("shop", &id);
    proxy.on("GET", ".dump", 2, Act::Half);
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    assert!(proxy.count("GET", ".dump") >= 3);
}

#[test]
fn fault_081_a_store_that_keeps_failing_leaves_a_good_backup() {
    let (host, bucket, proxy) = through_proxy();
    proxy.on("PUT", ".dump", ALWAYS, Act::Status(503, "SlowDown"));
    let (_, first) = export_partly(&host, &[], "503 SlowDown");
    assert_eq!(proxy.count("PUT", ".dump"), 5, "bounded");
    proxy.well();
    proxy.on("PUT", ".dump", ALWAYS, Act::Slow(Duration::from_secs(20)));
    // It hangs; with less patience than usual.
    let (_, second) = export_partly(&host, &[("DOKKU_BACKUPS_IDLE_TIMEOUT", "1")], "could not upload");
    proxy.well();
    // Not before its time, then at once because somebody asks, or by itself when the time has come.
    host.dokku(&["backups:sync", "shop", "--due"]).expect(0);
    assert_eq!(proxy.count("PUT", ".dump"), 0);
    let later = "2099-01-01T00:00:00Z";
    host.dokku_env(&[("DOKKU_BACKUPS_CLOCK", later)], &["backups:sync", "shop", "--due"]).expect(0);
    for id in [&first, &second] {
        assert_eq!(host.copy_state("shop", id), "stored");
    }
    assert_eq!(bucket.objects().len(), 4);
}

#[test]
fn fault_081_the_record_of_a_copy_that_failed_is_caught_up_on() {
    let (host, bucket, proxy) = through_proxy();
    proxy.on("PUT", ".toml", ALWAYS, Act::Status(500, "InternalError"));
    let (_, id) = export_partly(&host, &[], "500 InternalError");
    proxy.well();
    let report = host.dokku(&["backups:sync", "shop", "--format", "json"]).expect(0).json();
    assert_eq!(report["services"][0]["uploaded"], serde_json::json!([id]));
    assert_eq!(proxy.count("PUT", ".dump"), 0, "the dump was there already");
    assert_eq!(bucket.objects().len(), 2);
}

#[test]
fn fault_082_a_refusal_is_not_asked_again() {
    let (host, bucket, proxy) = through_proxy();
    let refusals = [
        (403, "SignatureDoesNotMatch", "destination-key-id and destination-secret"),
        (403, "AccessDenied", "destination-key-id and destination-secret"),
        (403, "RequestTimeTooSkewed", "timedatectl"),
        (404, "NoSuchBucket", "there is no bucket"),
        (400, "AuthorizationHeaderMalformed", "destination-region"),
    ];
    for (status, code, advice) in refusals {
        proxy.on("PUT", ".dump", ALWAYS, Act::Status(status, code));
        export_partly(&host, &[], code);
        assert_eq!(proxy.count("PUT", ".dump"), 1, "{code}");
        let run = host.dokku(&["backups:set", "--global", "destination-region", "us-east-1"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        proxy.well();
        proxy.on("PUT", "backups-test", ALWAYS, Act::Status(status, code));
        let run = host.dokku(&["backups:set", "--global", "destination-region", "us-east-1"]).expect(1);
        assert!(run.stderr.contains(advice), "{code}: {}", run.stderr);
        proxy.well();
    }
    // For real: the bucket goes, the secret is another.
    let secret = host.config("--global/destination-secret");
    let right = fs::read(&secret).expect("the secret");
    host.put(&secret, b"something-else", 0o600);
    export_partly(&host, &[], "403");
    host.put(&secret, &right, 0o600);
    let (status, _) = bucket.ask(reqwest::Method::DELETE, "", &[], Vec::new());
    assert_eq!(status, 204, "an empty bucket");
    export_partly(&host, &[], "NoSuchBucket");
}

#[test]
fn fault_083_an_answer_that_was_lost_is_recognised_as_done() {
    let (host, bucket, proxy) = through_proxy();
    proxy.on("PUT", ".dump", 1, Act::Lose);
    let small = host.export("shop");
    assert_eq!(host.copy_state("shop", &small), "stored");
    host.sql("shop", LARGE);
    proxy.on("POST", "uploadId=", 1, Act::Lose);
    let large = host.export("shop");
    assert_eq!(host.copy_state("shop", &large), "stored");
    assert!(proxy.count("PUT", "partNumber=") >= 2, "it was no upload in parts");
    // Not even the second answer comes.
    proxy.on("POST", "uploadId=", ALWAYS, Act::Lose);
    let third = host.export("shop");
    assert_eq!(host.copy_state("shop", &third), "stored");
    assert_eq!(bucket.unfinished(), Vec::<String>::new());
    for id in [&small, &large, &third] {
        let key = bucket.key("shop", &format!("{id}.dump"));
        assert_eq!(bucket.get(&key), fs::read(host.dump_file("shop", id)).expect("the dump"));
    }
}

#[test]
fn fault_084_no_unfinished_upload_is_left() {
    let (host, bucket, proxy) = through_proxy();
    host.sql("shop", LARGE);
    proxy.on("PUT", "partNumber=2", ALWAYS, Act::Status(503, "SlowDown"));
    export_partly(&host, &[], "503 SlowDown");
    assert_eq!(bucket.unfinished(), Vec::<String>::new(), "after a failure that stays");
    proxy.well();

    // The dump itself fails when some of it was sent.
    proxy.on("PUT", "partNumber=2", ALWAYS, Act::Slow(Duration::from_millis(500)));
    host.fault("postgres:export/kill=6000000");
    host.dokku(&["backups:export", "shop"]).expect(1);
    host.fault("");
    assert_eq!(bucket.unfinished(), Vec::<String>::new(), "after a dump that failed");
    proxy.well();

    // Killed in the middle of it.
    proxy.on("PUT", "partNumber=2", ALWAYS, Act::Slow(Duration::from_secs(20)));
    let child = host.start_binary(&["backups:export", "shop"], &[]);
    host.wait_until("an upload in parts", || proxy.count("PUT", "partNumber=2") > 0);
    host.wait_until("a recorded backup", || host.list("shop").iter().any(|b| b["copy"]["state"] == "uploading"));
    send(&child, Signal::SIGKILL);
    wait(child);
    assert_eq!(bucket.unfinished().len(), 1, "it was killed too late");
    let pending: Vec<_> = host.list("shop").into_iter().filter(|b| b["copy"]["state"] == "pending").collect();
    assert_eq!(pending.len(), 1, "a dead run's copy is pending, whatever it was doing");
    proxy.well();
    // Somebody else's, in the same folder.
    let foreign = bucket.key("shop", "other-2026-01-01-00-00-00.dump");
    assert_eq!(bucket.ask(reqwest::Method::POST, &foreign, &[("uploads", "")], Vec::new()).0, 200);
    host.export("shop");
    assert_eq!(bucket.unfinished(), [foreign], "aborted by the next run, and nobody else's");
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert!(host.list("shop").iter().filter(|b| b["status"] == "success").all(|b| b["copy"]["state"] == "stored"));
}

#[test]
fn fault_084_a_signal_ends_the_copy_and_not_the_backup() {
    let (host, bucket, proxy) = through_proxy();
    host.sql("shop", LARGE);
    proxy.on("PUT", "partNumber=2", ALWAYS, Act::Slow(Duration::from_secs(20)));
    let child = host.start_binary(&["backups:export", "shop"], &[]);
    host.wait_until("a recorded backup", || host.list("shop").iter().any(|b| b["copy"]["state"] == "uploading"));
    host.wait_until("a second part", || proxy.count("PUT", "partNumber=2") > 0);
    send(&child, Signal::SIGTERM);
    let run = wait(child).expect(143);
    let id = run.id();
    assert_eq!(host.copy_state("shop", &id), "pending", "{run:?}");
    assert_eq!(bucket.unfinished(), Vec::<String>::new());
    proxy.well();
    host.dokku(&["backups:sync", "shop", "--due"]).expect(0);
    assert_eq!(host.copy_state("shop", &id), "stored");
    host.check("shop", &[id], true);
}

#[test]
fn fault_085_other_bytes_are_never_overwritten() {
    let (host, bucket) = Host::with_bucket();
    host.sql("shop", LARGE);
    for (time, bytes) in [("2026-04-08T14:30:00Z", vec![7u8; 100]), ("2026-04-08T14:31:00Z", Vec::new())] {
        let id = format!("shop-{}", time.trim_end_matches('Z').replace([':', 'T'], "-"));
        let key = bucket.key("shop", &format!("{id}.dump"));
        // As many bytes as the dump will have, where the size alone must not be believed.
        let bytes = if bytes.is_empty() { vec![1u8; dump_size(&host)] } else { bytes };
        bucket.put(&key, bytes.clone());
        let run = host.dokku(&["backups:export", "shop", "--at", time]).expect(3);
        assert!(run.stderr.contains("other bytes"), "{}", run.stderr);
        host.dokku(&["backups:sync", "shop"]).expect(3);
        assert_eq!(bucket.get(&key), bytes, "it was overwritten");
        assert_eq!(host.copy_state("shop", &id), "failed");
        bucket.delete(&key);
    }
    // Somebody else's record of that name.
    let id = "shop-2026-04-08-14-40-00";
    let record = bucket.key("shop", &format!("{id}.toml"));
    bucket.put(&record, b"somebody else's".to_vec());
    host.dokku(&["backups:export", "shop", "--at", "2026-04-08T14:40:00Z"]).expect(3);
    assert_eq!(bucket.get(&record), b"somebody else's");
}

fn dump_size(host: &Host) -> usize {
    let mut command = host.dokku_command(&["postgres:export", "shop"]);
    command.output().expect("a dump").stdout.len()
}

#[test]
fn fault_085_a_damaged_copy_is_not_taken_for_the_backup() {
    let (host, bucket) = Host::with_bucket();
    let id = host.export("shop");
    let file = host.lose("shop", &id);
    let key = bucket.key("shop", &format!("{id}.dump"));
    let right = bucket.get(&key);
    let rows = host.fingerprint("shop");
    for bytes in [right[..right.len() - 1].to_vec(), right.iter().map(|byte| byte ^ 1).collect()] {
        bucket.put(&key, bytes);
        for words in
            [vec!["backups:import", "shop", "--id", &id, "--force"], vec!["backups:verify", "shop", "--id", &id]]
        {
            let run = host.dokku(&words).expect(6);
            assert!(run.stderr.contains("damaged"), "{}", run.stderr);
            assert!(!file.exists() && host.fingerprint("shop") == rows);
        }
        host.dokku(&["backups:fork", "shop", "--id", &id, "practice", "--force"]).expect(6);
        assert_eq!(host.trust("shop", &id), "damaged");
        host.dokku(&["backups:fork", "shop", "--id", &id, "practice"]).expect(7);
    }
    host.dokku(&["backups:sync", "shop"]).expect(0);
    host.check_settled("shop", "a damaged copy");
    bucket.delete(&key);
    let run = host.dokku(&["backups:import", "shop", "--id", &id, "--force"]).expect(4);
    assert!(run.stderr.contains("is not at s3://"), "{}", run.stderr);
}

#[test]
fn fault_086_certificates_and_redirects() {
    let s3 = S3::shared();
    let (host, bucket) = (Host::up(), s3.bucket());
    fs::set_permissions(host.dir(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("modes");
    let (good, expired) = (Certificate::make(host.dir(), false), Certificate::make(host.dir(), true));
    let set = |proxy: &Proxy, authority: &Certificate| {
        host.store_access(&proxy.endpoint, &s3.key_id, &s3.secret);
        let authority = authority.authority.display().to_string();
        host.dokku_env(&[("SSL_CERT_FILE", &authority)], &["backups:set", "--global", "destination", &bucket.uri()])
    };
    let proxy = Proxy::with_tls(&s3.endpoint, &good);
    let run = set(&proxy, &expired).expect(1);
    assert!(run.stderr.contains("certificate") && !run.stderr.contains("ERROR"), "{}", run.stderr);
    assert_eq!(proxy.count("", ""), 0, "something was sent");
    let run = set(&Proxy::with_tls(&s3.endpoint, &expired), &expired).expect(1);
    assert!(run.stderr.contains("xpired"), "{}", run.stderr);
    set(&proxy, &good).expect(0);
    // To plain http, and to anywhere else.
    let elsewhere = Proxy::before(&s3.endpoint);
    let to: &'static str = Box::leak(format!("{}/x", elsewhere.endpoint).into_boxed_str());
    proxy.on("PUT", "", ALWAYS, Act::Redirect(to));
    let authority = good.authority.display().to_string();
    let trusted = [("SSL_CERT_FILE", authority.as_str())];
    let run = host.dokku_env(&trusted, &["backups:set", "--global", "destination", &bucket.uri()]).expect(1);
    assert!(run.stderr.contains("redirect"), "{}", run.stderr);
    assert_eq!(elsewhere.count("", ""), 0, "the redirect was followed");
}

#[test]
fn fault_075_a_copy_that_cannot_be_deleted_is_told_of_and_tried_again() {
    let (host, bucket, proxy) = through_proxy();
    let (keep, gone) = (host.export("shop"), host.export("shop"));
    proxy.on("DELETE", "", ALWAYS, Act::Status(503, "SlowDown"));
    let run = host.dokku(&["backups:delete", "shop", "--id", &gone, "--format", "json"]).expect(3);
    let object = &run.json()["backups"][0];
    assert_eq!((object["copy"]["state"].as_str(), object["id"].as_str()), (Some("deleting"), Some(gone.as_str())));
    assert_eq!(run.error()["kind"], "partial");
    assert!(!host.dump_file("shop", &gone).exists(), "it is deleted here");
    assert_eq!(bucket.objects().len(), 4);
    let info = host.info("shop", &gone);
    assert!(info["copy"]["reason"].as_str().expect("a reason").contains("503"), "{info}");
    proxy.well();
    host.dokku(&["backups:sync", "shop", "--due"]).expect(0);
    assert_eq!(bucket.objects().len(), 4, "not before its time");
    let report = host.dokku(&["backups:sync", "shop", "--format", "json"]).expect(0).json();
    assert_eq!(report["services"][0]["removed"], serde_json::json!([gone]));
    assert_eq!(bucket.objects().len(), 2);
    assert_eq!(host.copy_state("shop", &gone), "deleted");
    host.check("shop", &[keep], true);
}

#[test]
fn row_066_067_retention_reaches_the_copies_and_check_tells_of_those_that_lag() {
    let (host, bucket, proxy) = through_proxy();
    let long_ago =
        |at: &str| host.dokku_env(&[("DOKKU_BACKUPS_CLOCK", at)], &["backups:export", "shop"]).expect(0).id();
    let old = long_ago("2020-01-01T00:00:00Z");
    let new = host.export("shop");
    host.dokku(&["backups:set", "shop", "retention", "30"]).expect(0);
    proxy.on("DELETE", "", ALWAYS, Act::Status(500, "InternalError"));
    let run = host.dokku(&["backups:prune", "shop"]);
    assert_ne!(run.code, Some(0), "{run:?}");
    assert_eq!(host.copy_state("shop", &old), "deleting");
    let told = host.dokku(&["backups:check", "shop"]).out();
    assert!(told.contains("may still be at the destination"), "{told}");
    proxy.well();
    let later = [("DOKKU_BACKUPS_CLOCK", "2099-01-01T00:00:00Z")];
    host.dokku_env(&later, &["backups:sync", "shop", "--due"]).expect(0);
    assert_eq!(bucket.objects().len(), 2, "those of {new}");
    let older = long_ago("2020-01-02T00:00:00Z");
    host.dokku(&["backups:prune", "shop"]).expect(0);
    assert_eq!(host.copy_state("shop", &older), "deleted");
    assert_eq!(bucket.objects().len(), 2);

    proxy.on("PUT", ".dump", ALWAYS, Act::Status(500, "InternalError"));
    host.dokku(&["backups:export", "shop"]).expect(3);
    let told = host.dokku(&["backups:check", "shop"]).out();
    assert!(told.contains("1 backup is not at the destination") && told.contains("500"), "{told}");
    proxy.well();
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert!(!host.dokku(&["backups:check", "shop"]).out().contains("at the destination"));
    // What is kept is known to the copy's record too.
    host.dokku(&["backups:keep", "shop", "--id", &new]).expect(0);
    host.dokku(&["backups:sync", "shop", "--due"]).expect(0);
    let record = String::from_utf8(bucket.get(&bucket.key("shop", &format!("{new}.toml")))).expect("text");
    assert!(record.contains("keep = true"), "{record}");
}

#[test]
fn fault_015_fetching_without_room_is_refused_before_it_begins() {
    let (host, _bucket) = Host::with_bucket();
    host.sql("shop", LARGE);
    let id = host.export("shop");
    host.lose("shop", &id);
    let before = settled_tree(&host.data_root());
    let Some(mounted) = super::support::faults::Mounted::tmpfs(&host, "size=4m") else { return };
    super::support::faults::put_back(&host.data_root(), &before);
    let run = host.dokku(&["backups:verify", "shop", "--id", &id, "--format", "json"]);
    let error = run.error();
    drop(mounted);
    assert_eq!(error["kind"], "no-space", "{run:?}");
}

#[test]
fn fault_089_the_key_of_the_store_appears_nowhere() {
    let (host, bucket, proxy) = through_proxy();
    host.sql("shop", LARGE);
    let s3 = S3::shared();
    let canaries = [s3.key_id.as_str(), s3.secret.as_str()];
    let mut said = String::new();
    // What every process shows while a copy is under way.
    proxy.on("PUT", "partNumber=2", 1, Act::Slow(Duration::from_secs(1)));
    let mut running = host.start(&["--trace", "backups:export", "shop"]);
    while running.is_running() {
        for process in fs::read_dir("/proc").expect("/proc").flatten() {
            let read = |file: &str| fs::read(process.path().join(file)).unwrap_or_default();
            let shown = String::from_utf8_lossy(&[read("cmdline"), read("environ")].concat()).into_owned();
            assert!(canaries.iter().all(|canary| !shown.contains(canary)), "in the list of processes: {shown}");
        }
    }
    let run = running.wait().expect(0);
    let id = run.id();
    let mut keep = |run: Run| said.push_str(&format!("{}{}\n", run.out(), run.stderr));
    keep(run);
    for act in [
        Act::Status(403, "InvalidAccessKeyId"),
        Act::Status(500, "X"),
        Act::Close,
        Act::Redirect("http://127.0.0.1:1/x"),
    ] {
        for method in ["PUT", "GET", "HEAD", "DELETE", "POST"] {
            proxy.on(method, "", ALWAYS, act.clone());
        }
        keep(host.dokku(&["--trace", "backups:export", "shop", "--format", "json"]));
        keep(host.dokku(&["--trace", "backups:sync", "shop"]));
        keep(host.dokku(&["--trace", "backups:set", "--global", "destination", &bucket.uri()]));
        proxy.well();
    }
    host.lose("shop", &id);
    for words in [
        vec!["--trace", "backups:verify", "shop", "--id", &id],
        vec!["backups:set", "--global", "destination-secret", "SKcanary-on-the-line"],
        vec!["backups:report", "shop"],
        vec!["backups:report", "--global", "--format", "json"],
        vec!["backups:list", "shop", "--verbose"],
        vec!["backups:info", "shop", "--latest", "--format", "json"],
        vec!["backups:logs", "shop", "--id", &id],
        vec!["backups:delete", "shop", "--id", &id, "--force"],
    ] {
        keep(host.dokku(&words));
    }
    assert!(said.contains("is not taken from the command line") && !said.contains("SKcanary-on-the-line"));
    for canary in canaries {
        assert!(!said.contains(canary), "said: {said}");
        super::support::walk(host.dir(), &mut |path, meta| {
            let own = path.starts_with(host.config("--global"));
            if meta.is_file() && !own {
                let text = String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
                assert!(!text.contains(canary), "in {}", path.display());
            }
        });
        for (key, _) in bucket.objects() {
            assert!(!String::from_utf8_lossy(&bucket.get(&key)).contains(canary), "in {key}");
        }
    }
    let mode = fs::metadata(host.config("--global/destination-secret")).expect("the secret").permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
}
