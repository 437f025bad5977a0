//! Words and surroundings from outside: rows 59 to 62, 92 and 93.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;
use std::time::Instant;

use super::support::{Host, Run, finish, walk};

/// Every place on the line where a service may be named.
const PLACES: &[&[&str]] = &[
    &["export", "NAME"],
    &["export", "shop", "NAME"],
    &["list", "NAME"],
    &["info", "NAME", "--latest"],
    &["logs", "NAME", "--latest"],
    &["import", "NAME", "--latest", "--force"],
    &["import", "shop", "--from-service", "NAME", "--latest", "--force"],
    &["verify", "NAME", "--latest"],
    &["fork", "NAME", "new", "--latest"],
    &["fork", "shop", "NAME", "--latest"],
    &["reset", "NAME", "--force"],
    &["set", "NAME", "gate", "off"],
    &["report", "NAME"],
    &["delete", "NAME", "--id", "shop-2020-01-01-00-00-00", "--force"],
    &["keep", "NAME", "--id", "shop-2020-01-01-00-00-00"],
    &["prune", "NAME"],
    &["sync", "NAME"],
];

/// `touched` is what one of them would make, were it run.
fn bad_names(touched: &std::path::Path) -> Vec<OsString> {
    let long = "a".repeat(5000);
    let command = format!("$(touch {})", touched.display());
    let words = [
        "",
        " ",
        ".",
        "..",
        "../redis",
        "/abs",
        "a/b",
        "shop/../shop",
        "shop\n",
        "\nshop",
        "a\nb",
        "a b",
        &command,
        "`id`",
        "-a",
        "-shop",
        "grün",
        "shop\u{202e}",
        "*",
        "shop;id",
        "shop\\",
        "shop%",
        "postgres:",
        "postgres:..",
        "postgres:postgres:shop",
        ":shop",
        "oracle:shop",
        "../postgres:shop",
        "'",
        &long,
    ];
    let mut names: Vec<OsString> = words.iter().map(OsString::from).collect();
    names.push(OsString::from_vec(b"shop\xff".to_vec()));
    names
}

fn line(host: &Host, place: &[&str], name: &OsString) -> Command {
    let mut command = host.dokku_command(&[&format!("backups:{}", place[0])]);
    command.args(place[1..].iter().map(|word| if *word == "NAME" { name.clone() } else { OsString::from(word) }));
    command
}

/// What every command has been called with, but for ours.
fn foreign_calls(host: &Host) -> Vec<(String, String)> {
    let entries = fs::read_dir(host.dir().join("run/calls")).expect("calls").flatten();
    let text = |entry: &fs::DirEntry| String::from_utf8_lossy(&fs::read(entry.path()).expect("calls")).into_owned();
    let mut calls: Vec<_> = entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), text(&entry)))
        .filter(|(name, _)| !name.starts_with("backups:"))
        .collect();
    calls.sort();
    calls
}

#[test]
fn fault_059_bad_names_reach_neither_path_nor_child() {
    let (host, id) = Host::with_backup();
    let (calls, files) = (foreign_calls(&host), host.snapshot());
    let touched = host.dir().join("tmp/touched");
    for place in PLACES {
        for name in bad_names(&touched) {
            let run = finish(line(&host, place, &name));
            let shown: String = name.to_string_lossy().chars().take(40).collect();
            assert_eq!(run.code, Some(2), "{place:?} with {shown:?}: {run:?}");
            assert!(run.stdout.is_empty(), "{place:?} with {shown:?}: {run:?}");
            assert!(run.stderr.len() < 2000, "{place:?} with {shown:?} fills the screen: {}", run.stderr.len());
            let raw = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
            assert!(!run.stderr.contains(raw), "{place:?} with {shown:?}: {:?}", run.stderr);
        }
    }
    assert_eq!(foreign_calls(&host), calls, "a child was started");
    assert_eq!(host.snapshot(), files, "something was touched");
    assert!(!touched.exists());
    host.check("shop", &[id], true);
}

#[test]
fn fault_059_bad_ids_and_values_too() {
    let (host, id) = Host::with_backup();
    let (calls, files) = (foreign_calls(&host), host.snapshot());
    let ids = ["", "shop", "../shop-2020-01-01-00-00-00", "shop-2020-13-01-00-00-00", "shop-2020-01-01-00-00-60", "-1"];
    let ids =
        ids.into_iter().chain(["shop-2020-01-01-00-00-00.dump", "/shop-2020-01-01-00-00-00", "shop-2020-1-1-0-0-0"]);
    for wrong in ids {
        for verb in ["info", "logs", "import", "delete", "verify"] {
            let run = host.dokku(&[&format!("backups:{verb}"), "shop", "--id", wrong, "--force"]);
            assert_eq!((run.code, run.out().as_str()), (Some(2), ""), "{verb} {wrong:?}: {run:?}");
        }
    }
    for wrong in [&["export", "shop", "--wait", "-1"][..], &["list", "--status", "gone"], &["list", "--format", "xml"]]
    {
        let mut words = vec![format!("backups:{}", wrong[0])];
        words.extend(wrong[1..].iter().map(ToString::to_string));
        host.dokku(&words.iter().map(String::as_str).collect::<Vec<_>>()).expect(2);
    }
    assert_eq!(foreign_calls(&host), calls, "a child was started");
    assert_eq!(host.snapshot(), files, "something was touched");
    host.check("shop", &[id], true);
}

#[test]
fn triggers_are_not_commands() {
    let (host, id) = Host::with_backup();
    for word in ["backups:trigger:install", "backups:trigger:service-action", "backups:commands:help", "backups:--help"]
    {
        let run = host.dokku(&[word, "pre-delete", "postgres", "shop"]);
        assert_ne!(run.code, Some(0), "{word}: {run:?}");
    }
    host.check("shop", &[id], true);
}

/// As over SSH: one string, split by Dokku's entry through xargs and its echo.
fn over_ssh(host: &Host, words: &str) -> Run {
    let mut command = host.dokku_command(&[]);
    command.env("SSH_ORIGINAL_COMMAND", words).env("SSH_USER", "dokku").env("NAME", "alice");
    finish(command)
}

#[test]
fn fault_060_words_that_the_ssh_entry_swallows() {
    let (host, old) = Host::with_backup();
    let new = host.export("shop");
    // An unmatched quote cuts the line: what is left must not do more than the whole line would have done.
    let rest = |host: &Host| host.list("shop").iter().filter(|b| b["deleted_at"].is_null()).count();
    over_ssh(&host, &format!("backups:delete shop --force --id {old}'s --id {new}"));
    assert_eq!(rest(&host), 2, "a delete became valid by losing its tail");
    over_ssh(&host, "backups:delete shop --force it's");
    assert_eq!(rest(&host), 2);
    for cut in ["backups:import shop --force it's --latest", "backups:reset it's --force", "backups:export it's shop"] {
        let run = over_ssh(&host, cut);
        assert_ne!(run.code, Some(0), "{cut}: {run:?}");
    }
    assert_eq!((host.list("shop").len(), host.calls("postgres:import")), (2, 0));
    // -n, -e and -E vanish or become the empty word, --help and --version become the words of echo.
    for word in ["--help", "--version"] {
        let run = over_ssh(&host, &format!("backups:delete shop --force --id {old} {word}"));
        assert_eq!(rest(&host), 2, "{word}: {run:?}");
    }
    let help = over_ssh(&host, "backups:export shop --help");
    assert!(help.code == Some(0) && help.out().contains("Usage: dokku backups:export"), "{help:?}");
    for word in ["-e", "-E"] {
        let run = over_ssh(&host, &format!("backups:export {word}"));
        assert_eq!(run.code, Some(2), "{word}: {run:?}");
    }
    // Nothing is expanded, and a quoted word is one.
    let run = over_ssh(&host, "backups:export shop --label \"before $(id) * ; sale\"").expect(0);
    assert_eq!(host.info("shop", &run.id())["label"], "before $(id) * ; sale");
    assert_eq!(host.info("shop", &run.id())["created_by"], "alice");
    host.check("shop", &[old, new, run.id()], true);
}

/// A plugin that notes the environment of every dokku call, each in a file of its own: they come at the same time.
fn spy(host: &Host) {
    let notes = host.dir().join("tmp/spy");
    fs::create_dir(&notes).expect("a folder");
    fs::set_permissions(&notes, fs::Permissions::from_mode(0o777)).expect("modes");
    let script = format!("#!/bin/sh\nshift 2\nenv >{}/\"$1.$$\"\n", notes.display());
    host.add_trigger("spy", "user-auth", &script);
}

/// The environment of every call since the last look, but for ours.
fn spied(host: &Host) -> Vec<(String, Vec<String>)> {
    let mut calls = Vec::new();
    for entry in fs::read_dir(host.dir().join("tmp/spy")).expect("the spy's notes").flatten() {
        let name = entry.file_name().into_string().expect("a name");
        let text = fs::read_to_string(entry.path()).expect("an environment");
        fs::remove_file(entry.path()).expect("a note");
        let command = name.split('.').next().unwrap_or_default();
        if !command.starts_with("backups:") {
            calls.push((command.to_owned(), text.lines().map(str::to_owned).collect()));
        }
    }
    calls
}

#[test]
fn fault_061_global_flags_keep_their_meaning_and_do_not_leak() {
    let (host, id) = Host::with_backup();
    let [sha, _] = ["web", "other"].map(|app| {
        host.dokku(&["apps:create", app]).expect(0);
        host.dokku(&["sandbox:deploy", app, &format!("name={app}")]).expect(0).id()
    });
    host.dokku(&["postgres:link", "shop", "web"]).expect(0);
    spy(&host);
    let plain = host.dokku(&["backups:list", "shop"]).expect(0).out();
    assert!(plain.contains("=====> shop"), "{plain}");
    for line in [
        &["--quiet", "backups:list", "shop"][..],
        &["backups:list", "shop", "--quiet"],
        &["backups:list", "--quiet", "shop"],
    ] {
        assert_eq!(
            host.dokku(line).expect(0).out(),
            plain.lines().skip(1).map(|l| format!("{l}\n")).collect::<String>()
        );
    }
    let flags: [&[&str]; 8] = [
        &["--quiet", "--force", "--trace", "--app", "other", "backups:export", "shop"],
        &["--app", "other", "backups:export", "shop"],
        &["backups:export", "shop", "--quiet"],
        &["backups:export", "shop", "--force"],
        &["backups:export", "--force", "shop"],
        &["backups:export", "shop", "--trace"],
        &["backups:export", "shop", "--app", "other"],
        &["backups:export", "--app", "other", "shop"],
    ];
    let mut made = vec![id.clone()];
    for line in flags {
        let mut words = line.to_vec();
        let at = host.moment();
        words.extend(["--at", &at]);
        let run = host.dokku(&words).expect(0);
        if line.contains(&"--quiet") && !line.contains(&"--trace") {
            assert_eq!(run.stderr, "", "{line:?}");
        }
        let info = host.info("shop", &run.id());
        assert_eq!(info["apps"][0]["app"], "web", "{line:?}: {info}");
        assert_eq!(info["apps"][0]["git_sha"], sha.as_str(), "{line:?}");
        made.push(run.id());
        let calls = spied(&host);
        assert!(calls.iter().any(|(command, env)| command == "postgres:export" && env.len() > 5), "{calls:?}");
        assert!(calls.iter().any(|(command, _)| command == "git:report"), "{calls:?}");
        for (command, env) in &calls {
            for leaked in ["DOKKU_APP_NAME=", "DOKKU_APPS_FORCE_DELETE=", "DOKKU_TRACE="] {
                assert!(!env.iter().any(|l| l.starts_with(leaked)), "{leaked} leaks into {command} from {line:?}");
            }
            let flags = env.iter().find(|l| l.starts_with("DOKKU_GLOBAL_FLAGS="));
            let ours =
                |flags: &String| ["--force", "--quiet", "--trace", "--app"].iter().any(|flag| flags.contains(flag));
            assert!(!flags.is_some_and(ours), "{flags:?} leaks into {command} from {line:?}");
        }
    }
    // --force means force, wherever it stands.
    for line in
        [&["--force", "backups:import", "shop", "--id", &id][..], &["backups:import", "--force", "shop", "--id", &id]]
    {
        host.dokku(line).expect(0);
    }
    host.dokku(&["backups:import", "shop", "--id", &id]).expect(7);
    host.check("shop", &made, true);
}

#[test]
fn fault_062_huge_lines_and_input_that_nobody_asked_for() {
    let (host, id) = Host::with_backup();
    let since = Instant::now();
    // Dokku's change of users repeats the line in one variable, which may be no longer than 128 KiB.
    let huge = "a".repeat(100 << 10);
    for line in
        [&["backups:export", &huge][..], &["backups:list", &huge], &["backups:export", "shop", "--label", &huge]]
    {
        let run = host.dokku(line).expect(2);
        assert!(run.stderr.len() < 4000, "{} bytes of complaint", run.stderr.len());
    }
    assert!(matches!(host.dokku(&[&format!("backups:{}", "a".repeat(200))]).code, Some(2)));
    let huge = "a".repeat((128 << 10) - 1);
    finish(host.binary(&["backups:list", &huge])).expect(2);
    let many = vec!["nope"; 10_000];
    let line: Vec<&str> = ["backups:export"].into_iter().chain(many.iter().copied()).collect();
    host.dokku(&line).expect(4);
    let line: Vec<&str> = ["backups:list"].into_iter().chain(many.iter().copied()).collect();
    let run = host.dokku(&line).expect(2);
    assert!(run.stderr.len() < 4000, "{} bytes of complaint", run.stderr.len());
    let endless = |args: &[&str]| {
        let mut command = host.dokku_command(args);
        command.stdin(File::open("/dev/urandom").expect("random bytes"));
        finish(command)
    };
    for args in [&["backups:list", "shop"][..], &["backups:export", "shop"], &["backups:info", "shop", "--latest"]] {
        endless(args).expect(0);
    }
    endless(&["backups:import", "shop", "--id", &id]).expect(7);
    assert!(since.elapsed().as_secs() < 60, "{:?}", since.elapsed());
    host.check("shop", &[id], true);
}

#[test]
fn fault_092_hostile_surroundings() {
    let (host, id) = Host::with_backup();
    spy(&host);
    let evil = host.dir().join("tmp/evil");
    fs::write(&evil, "touch \"$DOKKU_SANDBOX_DIR/tmp/evil-ran\"\n").expect("a script");
    fs::set_permissions(&evil, fs::Permissions::from_mode(0o755)).expect("modes");
    let path = evil.display().to_string();
    let hostile = [
        ("LANG", "tr_TR.UTF-8"),
        ("LC_ALL", "xx_YY"),
        ("LANGUAGE", "de"),
        ("HOME", "/nonexistent"),
        ("IFS", "/"),
        ("CDPATH", "/tmp"),
        ("TZ", "Pacific/Kiritimati"),
        ("PGHOST", "elsewhere.invalid"),
        ("PGOPTIONS", "-c default_transaction_read_only=on"),
        ("PGPASSWORD", "hunter2"),
        ("SSH_TTY", "/dev/pts/0"),
        ("BASH_ENV", path.as_str()),
        ("ENV", path.as_str()),
        ("PS4", "$(touch $DOKKU_SANDBOX_DIR/tmp/evil-ran)"),
        ("SHELLOPTS", "noexec"),
        ("RUST_LOG", "trace"),
        ("RUST_BACKTRACE", "full"),
        ("DOKKU_BACKUPS_IDLE_TIMEOUT", "-7 seconds"),
        ("DOKKU_APP_NAME", "nosuch"),
        ("DOKKU_GLOBAL_FLAGS", "--force"),
        ("DOKKU_APPS_FORCE_DELETE", ""),
        ("DOKKU_PID", "1"),
        ("DOKKU_COMMAND", "apps:destroy"),
        ("COLUMNS", "1"),
        ("TERM", "\u{1b}[2J"),
    ];
    let hostile_run = |args: &[&str]| {
        // At the binary itself: what the sandbox's shells make of these is not ours.
        let mut command = match host.other_user() {
            Some(user) => host.binary_as(user, args),
            None => host.binary(args),
        };
        command.envs(hostile);
        finish(command)
    };
    let run = hostile_run(&["backups:export", "shop"]).expect(0);
    let second = run.id();
    assert_eq!(run.out(), format!("{second}\n"));
    let now = chrono::Utc::now().format("shop-%Y-%m-%d").to_string();
    assert!(second.starts_with(&now) || host.info("shop", &second)["created_at"].is_string(), "{second}: not UTC");
    let kept = ["PATH", "HOME", "USER", "LOGNAME", "TZ", "LC_ALL", "DOCKER_BIN", "PWD", "_", "SHLVL", "OLDPWD"];
    for (command, env) in spied(&host) {
        for line in &env {
            let key = line.split('=').next().unwrap_or_default();
            let known =
                kept.contains(&key) || ["DOKKU_", "PLUGIN_", "SSH_", "SANDBOX"].iter().any(|p| key.starts_with(p));
            assert!(known, "{key} reaches {command}: {line}");
            assert!(!["SSH_TTY", "DOKKU_APP_NAME"].contains(&key), "{key} reaches {command}");
        }
        assert!(env.iter().any(|line| line == "LC_ALL=C.UTF-8"), "{command}: {env:?}");
    }
    assert!(!host.dir().join("tmp/evil-ran").exists(), "somebody's script ran");
    // An empty force is no force.
    hostile_run(&["backups:import", "shop", "--id", &id]).expect(7);
    let listed = hostile_run(&["backups:list", "shop", "--format", "json"]).expect(0);
    assert_eq!(listed.json()["backups"].as_array().map(Vec::len), Some(2));
    assert_eq!(listed.stderr, "");
    host.check("shop", &[id, second], true);
}

#[test]
fn fault_092_closed_descriptors_never_receive_a_dump() {
    let (host, id) = Host::with_backup();
    let mut made = vec![id];
    for closed in ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"] {
        let at = host.moment();
        for direct in [false, true] {
            let program = if direct { host.plugin().join("bin/dokku-backups") } else { host.dir().join("bin/dokku") };
            // As the sandbox's user from the start: its own change of users should not have to cope with this.
            let script = format!(
                "exec {} backups:export shop {} {closed}",
                program.display(),
                if direct { format!("--at {at}") } else { String::new() }
            );
            let mut command = host.command("setpriv");
            match host.other_user() {
                Some(uid) => {
                    command.args([format!("--reuid={uid}"), format!("--regid={uid}"), "--clear-groups".into()])
                }
                None => &mut command,
            };
            command.args(["--", "bash", "-c", &script]);
            fs::set_permissions(host.dir(), fs::Permissions::from_mode(0o755)).expect("modes");
            let before = host.list("shop").len();
            let run = finish(command);
            assert_eq!(run.code, Some(0), "{closed} direct={direct}: {run:?}");
            assert!(!run.out().contains("PGDMP") && !run.stderr.contains("PGDMP"), "{closed}: {run:?}");
            let listed = host.list("shop");
            assert_eq!(listed.len(), before + 1, "{closed}: {listed:#?}");
            let new = listed.iter().map(|b| b["id"].as_str().expect("an id")).find(|id| !made.iter().any(|m| m == id));
            made.push(new.expect("a new one").to_owned());
        }
    }
    host.check("shop", &made, true);
    for (path, text) in host.files().into_iter().filter(|(path, _)| !path.ends_with(".dump")) {
        assert!(!text.contains("PGDMP"), "{path} holds a dump");
    }
}

/// Asserts that everything below the data root belongs to the sandbox's user, with the modes it should have.
#[track_caller]
fn assert_owned(host: &Host) {
    let owner = host.owner();
    assert!(host.other_user().is_none() || owner != 0);
    walk(&host.data_root(), &mut |path, meta| {
        assert_eq!(meta.uid(), owner, "{} has another owner", path.display());
        assert_eq!(meta.mode() & 0o077, 0, "{} is open to others: {:o}", path.display(), meta.mode());
    });
}

#[test]
fn fault_093_root_becomes_the_dokku_user() {
    let (host, id) = Host::with_backup();
    let mut made = vec![id.clone()];
    for umask in ["022", "000", "077", "777"] {
        let at = host.moment();
        let program = host.plugin().join("bin/dokku-backups");
        let mut command = host.command("bash");
        let script =
            format!("umask {umask}; cd /root 2>/dev/null; exec {} backups:export shop --at {at}", program.display());
        command.args(["-c", &script]).env("HOME", "/root").env("USER", "root");
        made.push(finish(command).expect(0).id());
        assert_owned(&host);
        host.check("shop", &made, true);
    }
    for args in [&["backups:sync"][..], &["backups:import", "shop", "--id", &id, "--force"], &["backups:list"]] {
        finish(host.binary(args)).expect(0);
        assert_owned(&host);
    }
    if super::support::lack::is_root() {
        // Told to stay root, it writes nothing.
        let files = host.snapshot();
        let mut command = host.binary(&["backups:export", "shop", "--format", "json"]);
        command.env("DOKKU_SYSTEM_USER", "root");
        let run = finish(command).expect(1);
        assert_eq!(run.error()["kind"], "config", "{run:?}");
        assert_eq!(host.snapshot(), files);
        let mut command = host.binary(&["backups:export", "shop", "--format", "json"]);
        command.env("DOKKU_SYSTEM_USER", "no-such-user");
        assert_eq!(finish(command).expect(1).error()["kind"], "config");
    }
    host.check("shop", &made, true);
}

#[test]
fn fault_093_another_user_is_refused() {
    let (host, id) = Host::with_backup();
    if !super::support::lack::is_root() {
        return;
    }
    let files = host.snapshot();
    let nobody = 65534;
    let verbs: [&[&str]; 7] = [
        &["backups:export", "shop"],
        &["backups:list", "shop"],
        &["backups:list"],
        &["backups:info", "shop", "--latest"],
        &["backups:import", "shop", "--latest", "--force"],
        &["backups:delete", "shop", "--id", &id, "--force"],
        &["backups:sync"],
    ];
    for args in verbs {
        let mut words = args.to_vec();
        words.extend(["--format", "json"]);
        let run = finish(host.binary_as(nobody, &words));
        assert_eq!((run.code, run.out().as_str()), (Some(1), ""), "{args:?}: {run:?}");
        assert_eq!(run.error()["kind"], "config", "{args:?}: {run:?}");
        let said = run.stderr;
        assert!(said.contains("dokku backups:") || said.contains("sudo"), "{args:?}: no way out is named: {said}");
    }
    assert_eq!(host.snapshot(), files);
    assert_owned(&host);
    host.check("shop", &[id], true);
}
