//! Over a real sshd: every verb with and without a terminal, bytes in and out, hostile words and surroundings.

use std::process::Stdio;
use std::time::Instant;

use serde_json::Value;

use super::support::lack::is_root;
use super::support::sshd::{KEY, Sshd};
use super::support::{Host, SHOP, finish};

/// The service's backups that still have their dump.
fn left(host: &Host, service: &str) -> usize {
    host.list(service).iter().filter(|b| b["deleted_at"].is_null() && b["status"] == "success").count()
}

fn id(ssh: &Sshd, words: &str) -> String {
    ssh.run(words).expect(0).id()
}

#[test]
fn row_004_every_verb_over_ssh() {
    let host = Host::up();
    let Some(ssh) = host.sshd() else { return };
    let (shop, copy) = (&host.name("shop"), &host.name("copy"));
    host.database(shop, SHOP);
    let full = host.fingerprint(shop);
    let run = ssh.run(&format!("backups:export {shop} --label 'before the sale'")).expect(0);
    let first = run.id();
    assert_eq!(run.out(), format!("{first}\n"), "stdout carries more than the id");
    assert!(run.stderr.contains("-----> Backing up"), "{}", run.stderr);
    let info = ssh.run(&format!("backups:info {shop} --id {first} --format json")).expect(0).json();
    assert_eq!(info["label"], "before the sale");
    ssh.run(&format!("backups:verify {shop} --latest")).expect(0);
    let list = ssh.run(&format!("backups:list {shop} --format json")).expect(0).json();
    let list = &list["backups"];
    assert_eq!((list[0]["id"].as_str(), list[0]["trust"].as_str()), (Some(first.as_str()), Some("restorable")));
    assert!(ssh.run(&format!("backups:logs {shop} --latest")).expect(0).out().contains("verified: 3 tables"));
    host.sql(shop, "delete from orders");
    ssh.run(&format!("backups:import {shop} --id {first}")).expect(7);
    assert!(
        ssh.run_with(format!("{shop}\n").as_bytes(), &format!("backups:import {shop} --id {first}")).code == Some(0)
    );
    assert_eq!(host.fingerprint(shop), full);
    assert_eq!(id(&ssh, &format!("backups:fork {shop} --id {first} {copy}")), *copy);
    host.sql(copy, "delete from orders");
    ssh.run(&format!("backups:reset {copy} --force")).expect(0);
    assert_eq!(host.fingerprint(copy), full);
    ssh.run(&format!("backups:set {shop} gate off")).expect(0);
    let report = ssh.run(&format!("backups:report {shop} --format json")).expect(0);
    assert_eq!(report.json()["properties"]["gate"]["own"], false, "{report:?}");
    ssh.run(&format!("backups:set {shop} gate")).expect(0);
    ssh.run(&format!("backups:sync {shop}")).expect(0);
    ssh.run(&format!("backups:cancel {shop}")).expect(4);
    ssh.run(&format!("backups:delete {shop} --id {first} --force")).expect(0);
    assert!(ssh.run(&format!("backups:info {shop} --id {first} --format json")).json()["deleted_by"].is_string());
    let gone = ssh.run(&format!("backups:verify {shop} --id {first} --format json")).expect(4);
    assert_eq!((gone.out().as_str(), &gone.error()["kind"]), ("", &Value::from("not-found")));
    assert!(ssh.run("backups:version").expect(0).out().starts_with("dokku-backups "));
    assert!(ssh.run("backups:help export").expect(0).out().contains("--detach"));
}

#[test]
fn row_069_the_key_is_the_actor() {
    let (host, _) = Host::with_backup();
    let Some(ssh) = host.sshd() else { return };
    ssh.add_key("deploy-bot");
    assert_eq!(host.info("shop", &id(&ssh, "backups:export shop"))["created_by"], KEY);
    let run = finish(ssh.command_as("deploy-bot", &[], "backups:export shop --detach")).expect(0);
    ssh.run(&format!("backups:info shop --id {} --wait", run.id())).expect(0);
    assert_eq!(host.info("shop", &run.id())["created_by"], "deploy-bot", "a detached run forgets who asked");
    host.fault("postgres:export/stall=700");
    let draft = id(&ssh, "backups:export shop --detach");
    finish(ssh.command_as("deploy-bot", &[], "backups:cancel shop")).expect(0);
    assert_eq!(host.info("shop", &draft)["reason"], "cancelled by deploy-bot");
}

#[test]
fn fault_008_a_terminal_changes_nothing_but_the_looks() {
    let (host, first) = Host::with_backup();
    let Some(ssh) = host.sshd() else { return };
    if !ssh.has_terminals() {
        return;
    }
    // stderr arrives on stdout, with the line ends of terminals; the dump itself has never been near it.
    let run = ssh.run_tty("backups:export shop").expect(0);
    let second = run.id().trim().to_owned();
    assert!(second.starts_with("shop-") && run.out().contains("\r\n"), "{run:?}");
    let dumps = host.dumps("shop");
    let size = |id: &str| dumps[&format!("{id}.dump")].len();
    assert_eq!(size(&first), size(&second));
    let json = ssh.run_tty("backups:list shop --format json").expect(0).out();
    assert_eq!(serde_json::from_str::<Value>(json.trim()).expect("JSON")["backups"].as_array().map(Vec::len), Some(2));
    let quiet = ssh.run_tty("backups:export shop --quiet --format json").expect(0).out();
    let third = serde_json::from_str::<Value>(quiet.trim()).expect("JSON")["id"].as_str().expect("an id").to_owned();
    ssh.run_tty(&format!("backups:verify shop --id {second}")).expect(0);
    ssh.run_tty(&format!("backups:import shop --id {second} --force")).expect(0);
    // Asked at a terminal, answered at a terminal.
    let mut command = ssh.command(&["-tt"], &format!("backups:import shop --id {second} --no-backup"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("ssh");
    std::io::Write::write_all(child.stdin.as_mut().expect("stdin"), b"shop\n").expect("the answer");
    let out = child.wait_with_output().expect("ssh");
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stdout));
    ssh.run_tty("backups:info nosuch --latest").expect(4);
    let made: Vec<String> = host.list("shop").iter().map(|b| b["id"].as_str().expect("an id").to_owned()).collect();
    assert!(made.contains(&third));
    host.check("shop", &made, true);
}

/// Bytes that no line discipline, no character set and no shell leaves alone.
fn random_bytes(count: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252u64;
    let mut bytes = Vec::with_capacity(count);
    while bytes.len() < count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}

/// The way that a plugin's command has, measured with one that only copies.
#[test]
fn row_004_fifty_megabytes_in_and_out() {
    let host = Host::up();
    let Some(ssh) = host.sshd() else { return };
    let folder = std::path::Path::new(host.var("PLUGIN_PATH")).join("enabled/pipe/subcommands");
    std::fs::create_dir_all(&folder).expect("a plugin");
    host.put(&folder.join("copy"), b"#!/bin/sh\nexec cat\n", 0o755);
    let bytes = random_bytes(50_000_000);
    let since = Instant::now();
    let run = ssh.run_with(&bytes, "pipe:copy").expect(0);
    println!("50 MB in and out over SSH: {:?}", since.elapsed());
    assert_eq!(run.stdout.len(), bytes.len());
    assert!(run.stdout == bytes, "the bytes have changed on the way");
    // Nobody asked for them here, and nobody chokes on them.
    host.database("shop", SHOP);
    let made = ssh.run_with(&bytes, "backups:export shop").expect(0).id();
    ssh.run_with(&bytes, &format!("backups:import shop --id {made}")).expect(7);
    host.check("shop", &[made], true);
}

/// Words that are refused whatever they are: their end is missing.
#[test]
fn fault_060_no_destructive_verb_does_more_by_losing_its_tail() {
    let host = Host::up();
    let Some(ssh) = host.sshd() else { return };
    for service in ["shop", "till"] {
        host.database(service, SHOP);
    }
    let (first, second, other) = (host.export("shop"), host.export("shop"), host.export("till"));
    host.sql("shop", "delete from orders");
    let (rows, files) = (host.fingerprint("shop"), host.snapshot());
    for tail in ["--from-service=it's", "it's --format json"] {
        for line in [
            format!("backups:import shop --latest --force {tail}"),
            format!("backups:import shop --id {first} --force {tail}"),
            format!("--force backups:import shop --latest {tail}"),
            format!("backups:import shop --latest {tail} --force"),
            format!("backups:import shop --force --latest --no-backup --in-place {tail}"),
            format!("backups:import shop --force --latest --detach {tail}"),
            format!("backups:reset shop --force {tail}"),
            format!("backups:reset shop {tail} --force"),
            format!("--force backups:reset shop {tail}"),
            format!("backups:delete shop --force --id {first} --id {second} {tail}"),
            format!("backups:delete shop --id {first} {tail} --force"),
            format!("backups:cancel shop {tail}"),
            format!("backups:set shop gate off {tail}"),
            format!("backups:set --global gate {tail}"),
            format!("backups:fork shop --latest new {tail}"),
            format!("backups:export shop {tail}"),
            format!("backups:sync {tail}"),
        ] {
            let run = ssh.run(&line).expect(2);
            assert!(run.stderr.contains("unmatched quote"), "{line}: {run:?}");
            assert!(run.stdout.is_empty(), "{line}: {run:?}");
        }
    }
    assert_eq!(host.fingerprint("shop"), rows);
    assert_eq!(host.snapshot(), files, "something was touched");
    assert!(host.dokku(&["postgres:exists", "new"]).code != Some(0));
    // In the form that was asked for, where the words that say so arrived.
    let run = ssh.run("backups:reset shop --format=json --force it's").expect(2);
    assert_eq!(run.error()["kind"], "usage", "{run:?}");
    // Whole, with any quotes: what platforms send.
    ssh.run(&format!("backups:import shop --from-service \"till\" --id '{other}' --force")).expect(0);
    ssh.run("backups:reset shop --force").expect(0);
    ssh.run("backups:export shop --label \"it's\"").expect(0);
    ssh.run("backups:export shop --label it\\'s").expect(0);
    ssh.run(&format!("backups:delete shop --force --id {first}")).expect(0);
    host.check("shop", &[second], true);
}

/// Words that the entry turns into others.
#[test]
fn fault_060_help_and_short_flags_over_ssh() {
    let (host, only) = Host::with_backup();
    let Some(ssh) = host.sshd() else { return };
    let files = host.snapshot();
    for verb in ["export", "import", "reset", "delete", "cancel", "verify", "info"] {
        let run = ssh.run(&format!("backups:{verb} shop --force --help")).expect(0);
        assert!(run.out().contains(&format!("Usage: dokku backups:{verb}")), "{verb}: {run:?}");
        assert_eq!(run.stderr, "", "{verb}");
    }
    for line in [format!("backups:delete shop --force --id {only} --version"), "backups:reset shop -e --force".into()] {
        let run = ssh.run(&line);
        assert_ne!(run.code, Some(0), "{line}: {run:?}");
    }
    for word in ["-e", "-E", "-n", "-ne"] {
        let run = ssh.run(&format!("backups:export {word}"));
        assert_eq!(run.code, Some(2), "{word}: {run:?}");
    }
    assert_eq!(host.snapshot(), files, "something was touched");
    assert_eq!(left(&host, "shop"), 1);
}

#[test]
fn fault_059_bad_names_over_ssh() {
    let (host, only) = Host::with_backup();
    let Some(ssh) = host.sshd() else { return };
    let files = host.snapshot();
    for name in [
        "''",
        "..",
        "../redis",
        "/abs",
        "'a b'",
        "'$(id)'",
        "`id`",
        "-a",
        "grün",
        "*",
        "shop;id",
        "postgres:..",
        "oracle:shop",
    ] {
        for verb in [
            "export NAME",
            "import NAME --latest --force",
            "reset NAME --force",
            "cancel NAME",
            "delete NAME --id x --force",
        ] {
            let line = format!("backups:{}", verb.replace("NAME", name));
            let run = ssh.run(&line);
            assert_eq!((run.code, run.out().as_str()), (Some(2), ""), "{line}: {run:?}");
        }
    }
    assert_eq!(host.snapshot(), files, "something was touched");
    host.check("shop", &[only], true);
}

#[test]
fn fault_061_global_flags_over_ssh() {
    let (host, only) = Host::with_backup();
    let Some(ssh) = host.sshd() else { return };
    let plain = ssh.run("backups:list shop").expect(0).out();
    for line in ["--quiet backups:list shop", "backups:list shop --quiet", "backups:list --quiet shop"] {
        let run = ssh.run(line).expect(0);
        assert!(plain.ends_with(&run.out()) && run.stderr.is_empty(), "{line}: {run:?}");
    }
    for line in
        ["--app other backups:export shop", "backups:export shop --app other", "--quiet --trace backups:export shop"]
    {
        ssh.run(line).expect(0);
    }
    ssh.run(&format!("--force backups:import shop --id {only}")).expect(0);
    ssh.run(&format!("backups:import shop --id {only}")).expect(7);
    // A flag that is only part of a text is none.
    let run = ssh.run("backups:export shop --label 'no --detach in here'").expect(0);
    assert_eq!(host.info("shop", &run.id())["label"], "no --detach in here");
    assert_eq!(host.info("shop", &run.id())["status"], "success");
}

#[test]
fn fault_062_huge_lines_over_ssh() {
    let (host, only) = Host::with_backup();
    let Some(ssh) = host.sshd() else { return };
    let since = Instant::now();
    let huge = "a".repeat(60 << 10);
    for line in [format!("backups:export {huge}"), format!("backups:export shop --label {huge}")] {
        let run = ssh.run(&line).expect(2);
        assert!(run.stderr.len() < 4000, "{} bytes of complaint", run.stderr.len());
    }
    let many = format!("backups:list {}", vec!["nope"; 2_000].join(" "));
    ssh.run(&many).expect(2);
    assert!(since.elapsed().as_secs() < 60, "{:?}", since.elapsed());
    host.check("shop", &[only], true);
}

/// What a client may send along (Debian's sshd takes LANG and LC_*).
#[test]
fn fault_092_hostile_language_over_ssh() {
    let (host, only) = Host::with_backup();
    let Some(ssh) = host.sshd() else { return };
    let plain = ssh.run("backups:list shop").expect(0).out();
    for (key, value) in
        [("LANG", "tr_TR.UTF-8"), ("LC_ALL", "xx_YY"), ("LC_ALL", "de_DE.ISO-8859-1"), ("LC_NUMERIC", "$(id)")]
    {
        let set = format!("SetEnv={key}={value}");
        let run = finish(ssh.command(&["-o", &set], "backups:list shop")).expect(0);
        assert_eq!(run.out(), plain, "{key}={value}");
        let made = finish(ssh.command(&["-o", &set], "backups:export shop")).expect(0);
        assert_eq!(made.out(), format!("{}\n", made.id()), "{key}={value}");
        ssh.run(&format!("backups:delete shop --id {}", made.id())).expect(0);
    }
    // Descriptors that the client has closed on its side.
    let mut closed = ssh.command(&["-n"], "backups:export shop");
    let run = super::support::wait(closed.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("ssh")).expect(0);
    assert!(!run.stderr.contains("PGDMP"));
    assert_eq!(left(&host, "shop"), 2);
    assert!(host.list("shop").iter().any(|b| b["id"] == only.as_str()));
}

/// Where the line that was sent cannot be seen, nothing is replaced or removed without asking.
#[test]
fn fault_060_force_does_not_count_where_the_line_cannot_be_seen() {
    let (host, only) = Host::with_backup();
    if !is_root() {
        return;
    }
    let hidden = |line: &str, caller: &str| {
        let program = host.plugin().join("bin/dokku-backups");
        let script = format!("mount -t tmpfs none /proc && {} {line}", program.display());
        let mut command = host.command("unshare");
        command.args(["--mount", "sh", "-c", &script]).env("NAME", caller);
        finish(command)
    };
    for line in [
        format!("backups:import shop --id {only} --force"),
        "backups:reset shop --force".to_owned(),
        format!("backups:delete shop --id {only} --force"),
    ] {
        let run = hidden(&line, "alice").expect(7);
        assert!(run.stderr.contains("--force does not count"), "{line}: {run:?}");
    }
    // Unforced it is done, and what needs no force is.
    let second = host.export("shop");
    hidden(&format!("backups:delete shop --id {second}"), "alice").expect(0);
    hidden("backups:list shop --force", "alice").expect(0);
    // Without a key there is no such line.
    hidden(&format!("backups:delete shop --id {only} --force"), "").expect(0);
}
