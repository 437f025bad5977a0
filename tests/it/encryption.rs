//! Keys: what is refused before anything is touched, what works without them, and that they appear nowhere.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::support::{Host, Run, SHOP, finish};

/// Names of all backups, to see that none was added.
fn ids(host: &Host) -> Vec<String> {
    host.list("shop").iter().map(|b| b["id"].as_str().expect("an id").to_owned()).collect()
}

/// Verbs that need the private key of `id`.
fn opening(id: &str) -> [Vec<&str>; 5] {
    [
        vec!["backups:verify", "shop", "--id", id],
        vec!["backups:import", "shop", "--id", id, "--force"],
        vec!["backups:import", "other", "--from-service", "shop", "--id", id, "--force", "--in-place"],
        vec!["backups:fork", "shop", "--id", id, "forked"],
        vec!["backups:download", "shop", "--id", id, "--compression", "none"],
    ]
}

#[test]
fn fault_088_a_missing_or_wrong_key_is_said_before_anything_is_touched() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.database("other", SHOP);
    let (pair, wrong) = (host.pair("one"), host.pair("two"));
    host.set("shop", "encrypt-to", &pair.public);
    let id = host.export("shop");
    let before = (ids(&host), host.fingerprint("shop"), host.fingerprint("other"));
    let calls = || ["postgres:export", "postgres:import", "postgres:create"].map(|command| host.calls(command));
    let called = calls();
    let closed = host.dir().join("closed.key");
    host.put(&closed, pair.private.as_bytes(), 0o640);
    let nothing = host.dir().join("nothing.key");
    host.put(&nothing, b"# nothing\n", 0o600);
    let absent = host.dir().join("absent.key");
    let link = host.dir().join("link.key");
    std::os::unix::fs::symlink(&pair.file, &link).expect("a link");
    let given = [
        (None, "no private key was given"),
        (Some(wrong.path()), wrong.public.as_str()),
        (closed.to_str(), "may be read by others (mode 640)"),
        (nothing.to_str(), "holds no private key"),
        (absent.to_str(), "cannot be read"),
        (link.to_str(), "cannot be read"),
    ];
    for (file, words) in given {
        for verb in opening(&id) {
            let key = file.map(|file| ["--identity", file]);
            let run = host.dokku(&[&verb[..], key.as_ref().map_or(&[][..], |key| key)].concat()).expect(1);
            assert!(run.stderr.contains(words), "{verb:?} with {file:?}: {}", run.stderr);
            let about_the_file = file.is_some_and(|file| file != wrong.path());
            assert!(about_the_file || run.stderr.contains(&pair.public), "recipients are not named: {}", run.stderr);
            assert!(run.stdout.is_empty(), "{verb:?}");
        }
    }
    let run = host.dokku(&["backups:verify", "shop", "--id", &id, "--identity", closed.to_str().expect("path")]);
    assert!(run.stderr.contains(&format!("sudo chmod 600 {}", closed.display())), "{}", run.stderr);
    host.dokku(&["backups:verify", "shop", "--id", &id, "--identity", "one.key"]).expect(2);
    assert_eq!((ids(&host), host.fingerprint("shop"), host.fingerprint("other")), before);
    assert_eq!(calls(), called);
    assert_eq!(host.disposables(), "");
    host.dokku(&["postgres:exists", "forked"]).expect(1);
    let logs = host.info("shop", &id);
    assert!(logs["restores"].as_array().is_some_and(Vec::is_empty) && logs["verification"].is_null(), "{logs}");
    // The same backup with its key, named, on stdin, and set.
    host.dokku(&["backups:verify", "shop", "--id", &id, "--identity", pair.path()]).expect(0);
    let stdin = ["backups:verify", "shop", "--id", &id, "--identity", "-"];
    host.dokku_stdin(pair.private.as_bytes(), &stdin).expect(0);
    host.dokku_stdin(b"", &stdin).expect(1);
    let asks = ["backups:import", "shop", "--id", &id, "--identity", "-"];
    let run = host.dokku_stdin(pair.private.as_bytes(), &asks).expect(2);
    assert!(run.stderr.contains("--force"), "{}", run.stderr);
    host.set("shop", "identity-file", pair.path());
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    host.dokku(&["backups:import", "other", "--from-service", "shop", "--id", &id, "--force"]).expect(0);
}

#[test]
fn fault_088_recipients_are_checked_when_set_and_before_dumping() {
    let host = Host::up();
    host.database("shop", SHOP);
    let (one, two) = (host.pair("one"), host.pair("two"));
    let mut bad = one.public.clone();
    bad.replace_range(20..21, if &bad[20..21] == "q" { "p" } else { "q" });
    for value in ["nonsense", "age1", &bad, &one.private, &format!("{} nonsense", one.public), "ssh-ed25519 AAAA"] {
        let run = host.dokku(&["backups:set", "shop", "encrypt-to", value]).expect(2);
        assert!(run.stderr.contains("public key"), "{}", run.stderr);
        assert!(!run.stderr.contains(&one.private[20..40]), "{}", run.stderr);
    }
    host.dokku(&["backups:set", "shop", "encrypt", "sometimes"]).expect(2);
    host.dokku(&["backups:set", "shop", "identity-file", "key.txt"]).expect(2);
    // Several words, as they come over SSH without their quotes; either key opens the result.
    host.dokku(&["backups:set", "shop", "encrypt-to", &one.public, &two.public]).expect(0);
    let id = host.export("shop");
    assert_eq!(host.info("shop", &id)["encrypted_to"], serde_json::json!([one.public, two.public]));
    for key in [&one, &two] {
        assert!(host.unpacked(&host.stored("shop", &id), Some(key)).starts_with(b"PGDMP"));
    }
    // What lies in the configuration may have been changed by hand: said before the first byte.
    let value = host.data_root().join("../../config/backups/postgres:shop/encrypt-to");
    host.put(&value, b"age1nonsense", 0o600);
    let (exports, before) = (host.calls("postgres:export"), ids(&host));
    let run = host.dokku(&["backups:export", "shop"]).expect(1);
    assert!(run.stderr.contains("nothing was dumped") && run.stderr.contains("age1nonsense"), "{}", run.stderr);
    host.dokku(&["backups:import", "shop", "--id", &id, "--force", "--identity", one.path()]).expect(7);
    assert_eq!((host.calls("postgres:export"), ids(&host)), (exports, before));
    // A verification that could not be made is refused before the dump too.
    host.set("shop", "encrypt-to", &one.public);
    let run = host.dokku(&["backups:export", "shop", "--verify", "--identity", two.path()]).expect(1);
    assert!(run.stderr.contains(&one.public), "{}", run.stderr);
    assert_eq!(host.calls("postgres:export"), exports);
    host.dokku(&["backups:export", "shop", "--verify", "--identity", one.path()]).expect(0);
    // Only the copy elsewhere is to be encrypted.
    host.set("shop", "encrypt", "off-site");
    assert_eq!(host.info("shop", &host.export("shop"))["encrypted_to"], serde_json::json!([]));
    host.set("shop", "encrypt", "local");
    assert_eq!(host.info("shop", &host.export("shop"))["encrypted_to"], serde_json::json!([one.public]));
}

#[test]
fn fault_088_keys_are_rotated() {
    let host = Host::up();
    host.database("shop", SHOP);
    let (old, new) = (host.pair("old"), host.pair("new"));
    host.set("shop", "encrypt-to", &old.public);
    let first = host.export("shop");
    host.set("shop", "encrypt-to", &new.public);
    let second = host.export("shop");
    let verify = |id: &str, key: &str| host.dokku(&["backups:verify", "shop", "--id", id, "--identity", key]);
    verify(&first, new.path()).expect(1);
    verify(&second, old.path()).expect(1);
    verify(&first, old.path()).expect(0);
    // Both in one file, as a host keeps them.
    let both = host.dir().join("both.key");
    let text = [&old, &new].map(|pair| fs::read_to_string(&pair.file).expect("a key")).join("\n");
    host.put(&both, text.as_bytes(), 0o400);
    host.set("shop", "identity-file", both.to_str().expect("a path"));
    host.dokku(&["backups:verify", "shop", "--all"]).expect(0);
    for id in [&first, &second] {
        assert_eq!(host.trust("shop", id), "restorable");
    }
}

#[test]
fn fault_088_without_a_key_everything_else_works() {
    let host = Host::up();
    host.database("shop", SHOP);
    let pair = host.pair("one");
    host.set("shop", "encrypt-to", &pair.public);
    let (first, second) = (host.export("shop"), host.export("shop"));
    host.dokku(&["backups:verify", "shop", "--id", &second, "--identity", pair.path()]).expect(0);
    fs::remove_file(&pair.file).expect("the key");
    let listed = host.dokku(&["backups:list", "shop", "--verbose"]).expect(0).out();
    assert!(listed.contains("Encrypted to:") && listed.contains(&pair.public), "{listed}");
    host.dokku(&["backups:sync", "shop"]).expect(0);
    let stored = fs::read(host.stored("shop", &first)).expect("the file");
    assert_eq!(host.dokku(&["backups:download", "shop", "--id", &first]).expect(0).stdout, stored);
    host.dokku(&["backups:delete", "shop", "--id", &first]).expect(0);
    // The gate asks for the bytes that were verified.
    let path = host.stored("shop", &second);
    let good = fs::read(&path).expect("the file");
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    host.put(&path, &bad, 0o400);
    host.dokku(&["postgres:destroy", "shop", "--force"]).expect(7);
    host.put(&path, &good, 0o400);
    host.dokku(&["postgres:destroy", "shop", "--force"]).expect(0);
}

#[test]
fn fault_089_secrets_appear_nowhere() {
    let host = Host::up();
    host.database("shop", SHOP);
    let (one, two, typed, garbled) = (host.pair("one"), host.pair("two"), host.pair("typed"), host.pair("garbled"));
    let info = host.dokku(&["postgres:info", "shop", "--dsn"]).expect(0).out();
    let password = info.split_once("postgres:").and_then(|(_, rest)| rest.split_once(':')).map_or("", |(_, p)| p);
    let password = password.split('@').next().expect("a password").trim_start_matches("//postgres:").to_owned();
    assert!(password.len() >= 16, "{info}");
    let mut said: Vec<Run> = Vec::new();
    // Dokku's own trace repeats what was typed; what we add to it does not.
    for key in ["encrypt-to", "gate", &typed.private] {
        said.push(host.dokku(&["backups:set", "shop", key, &typed.private]).expect(2));
    }
    let mut run = |args: &[&str]| {
        let run = host.dokku_with("DOKKU_TRACE", "1", args);
        said.push(run);
    };
    run(&["backups:set", "shop", "encrypt-to", &one.public]);
    run(&["backups:set", "shop", "identity-file", one.path()]);
    let broken = host.dir().join("broken.key");
    host.put(&broken, format!("{}x\n", garbled.private).as_bytes(), 0o600);
    host.dokku(&["backups:export", "shop", "--verify", "--compression", "zstd"]).expect(0);
    let id = host.export("shop");
    for key in [one.path(), two.path(), broken.to_str().expect("a path"), "/etc/passwd"] {
        for verb in opening(&id) {
            run(&[&verb[..], &["--identity", key, "--format", "json"]].concat());
            run(&[&verb[..], &["--identity", key]].concat());
        }
    }
    for args in [
        &["backups:report", "shop"][..],
        &["backups:list", "shop", "--verbose"],
        &["backups:logs", "shop", "--id", &id],
        &["backups:sync", "shop"],
        &["backups:delete", "shop", "--id", &id, "--force"],
    ] {
        run(args);
    }
    let canaries = [&one.private, &two.private, &typed.private, &garbled.private, &password];
    let canaries = canaries.map(|secret| if secret.len() > 50 { secret[20..40].to_owned() } else { secret.to_owned() });
    let mut texts: Vec<String> = said.iter().map(|run| format!("{}{}", run.out(), run.stderr)).collect();
    texts.extend(host.files().into_values());
    super::support::walk(&host.data_root().join("../../config/backups"), &mut |path, meta| {
        texts.extend(meta.is_file().then(|| String::from_utf8_lossy(&fs::read(path).expect("a value")).into_owned()));
    });
    for text in &texts {
        for canary in &canaries {
            assert!(!text.contains(canary.as_str()), "a secret: {text}");
        }
    }
    // Neither does one stand on the command line of anything that was started for it.
    let calls = finish({
        let mut command = host.command("grep");
        command.args(["-rlF", "AGE-SECRET", &host.dir().join("run").display().to_string()]);
        command
    });
    let files = calls.out();
    assert!(files.lines().all(|line| line.ends_with("backups:set")), "{files}");
    let mode = fs::metadata(host.stored("shop", &host.export("shop"))).expect("dump").permissions().mode();
    assert_eq!(mode & 0o777, 0o400);
}
