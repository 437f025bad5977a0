//! Total loss: the host is gone with everything on it. What is left is the bucket, the private key, and the few lines
//! that say how the bucket is reached.

use std::fs;

use super::support::{Host, SHOP};

/// A key pair as `age-keygen` writes it: the private key's file, and the public key.
fn key_pair() -> (String, String) {
    let identity = age::x25519::Identity::generate();
    let private = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    (format!("# made by a test\n{private}\n"), identity.to_public().to_string())
}

/// A host whose backups are compressed, encrypted and copied.
fn insured() -> (Host, super::support::s3::Bucket, String, String) {
    let (host, bucket) = Host::with_bucket();
    let (private, public) = key_pair();
    host.dokku(&["backups:set", "--global", "encrypt-to", &public]).expect(0);
    host.dokku(&["backups:set", "--global", "compression", "zstd"]).expect(0);
    let conf = format!(
        "# how the copies are reached\nprivate-addresses on\ndestination-endpoint {}\ndestination-region us-east-1\n\
         destination-key-id {}\ndestination-secret {}\n\ndestination {}\nencrypt-to {public}\n",
        bucket.s3.endpoint,
        bucket.s3.key_id,
        bucket.s3.secret,
        bucket.uri()
    );
    (host, bucket, private, conf)
}

#[test]
fn row_059_total_loss_four_commands_bring_the_data_back() {
    let (host, bucket, private, conf) = insured();
    let rows = host.fingerprint("shop");
    let key = host.dir().join("backups.key");
    host.put(&key, private.as_bytes(), 0o600);
    let id =
        host.dokku(&["backups:export", "shop", "--verify", "--identity", key.to_str().expect("a path")]).expect(0).id();
    assert_eq!(host.info("shop", &id)["file"], format!("{id}.dump.zst.age"));
    assert!(bucket.objects().iter().any(|(key, _)| key.ends_with(".dump.zst.age")));
    drop(host);

    let fresh = Host::up();
    fresh.dokku_stdin(conf.as_bytes(), &["backups:set", "--global", "-"]).expect(0);
    let said = fresh.dokku(&["backups:sync", "--take-over"]).expect(0).out();
    assert!(said.contains(&format!("taken over: {id}, from the host ")), "{said}");
    fresh.dokku(&["postgres:create", "shop"]).expect(0);
    let words = ["backups:import", "shop", "--latest", "--force", "--identity", "-"];
    fresh.dokku_stdin(private.as_bytes(), &words).expect(0);
    assert_eq!(fresh.fingerprint("shop"), rows);
    assert_eq!(fresh.trust("shop", &id), "restorable", "the evidence came along");
    assert_eq!(fresh.info("shop", &id)["origin"], "own");
    // The key was only ever on stdin.
    let secret = private.lines().last().expect("the key");
    super::support::walk(fresh.dir(), &mut |path, entry| {
        let text = if entry.is_file() { fs::read(path).unwrap_or_default() } else { Vec::new() };
        assert!(!String::from_utf8_lossy(&text).contains(secret), "{}", path.display());
    });
}

#[test]
fn row_059_the_local_files_are_gone_and_latest_comes_back() {
    let (host, _bucket, private, _) = insured();
    let rows = host.fingerprint("shop");
    let id = host.dokku(&["backups:export", "shop", "--compression", "zstd"]).expect(0).id();
    fs::remove_file(host.folder("shop").join(format!("{id}.dump.zst.age"))).expect("the dump");
    host.sql("shop", "drop table orders cascade");
    let words = ["backups:import", "shop", "--latest", "--force", "--identity", "-"];
    host.dokku_stdin(private.as_bytes(), &words).expect(0);
    assert_eq!(host.fingerprint("shop"), rows);
    host.check("shop", &[id], true);
}

#[test]
fn a_list_of_properties_is_set_as_a_whole_or_not_at_all() {
    let host = Host::up();
    host.database("shop", SHOP);
    let set = |text: &str, scope: &str| host.dokku_stdin(text.as_bytes(), &["backups:set", scope, "-"]);
    set("retention 30\n# a word\n\ngate off\n", "shop").expect(0);
    let settings =
        || host.dokku(&["backups:report", "shop", "--format", "json"]).expect(0).json()["properties"].clone();
    let own = |key: &str| settings()[key]["own"].clone();
    assert_eq!((own("retention"), own("gate")), (30.into(), false.into()));
    set("retention 60\ngate perhaps\n", "shop").expect(2);
    set("retention 60\nnonsense 1\n", "shop").expect(2);
    set("retention 60\nparallel-runs 3\n", "shop").expect(2);
    set("\n", "shop").expect(2);
    set(
        "retention 60\nprivate-addresses on\ndestination s3://nowhere\ndestination-endpoint http://127.0.0.1:9\n",
        "--global",
    )
    .expect(1);
    assert_eq!((own("retention"), own("gate")), (30.into(), false.into()));
    assert!(settings()["retention"]["global"].is_null());
    set("retention\n", "shop").expect(0);
    assert!(own("retention").is_null());
}
