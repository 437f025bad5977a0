//! Taking a backup out: the bytes and nothing but the bytes, or a truthful refusal.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::support::{Host, Run, SHOP, finish, send, wait};

/// Some megabytes that hardly compress.
const LARGE: &str = "create table noise(line text);
insert into noise select md5(g::text) || md5((g * 7)::text) || md5((g * 13)::text) from generate_series(1, 150000) g;";

fn outside(host: &Host, name: &str) -> std::path::PathBuf {
    let folder = host.dir().join("taken");
    if !folder.exists() {
        fs::create_dir(&folder).expect("a folder");
        host.give(&folder);
    }
    folder.join(name)
}

#[test]
fn row_056_057_as_stored_or_transcoded() {
    let host = Host::up();
    host.database("shop", SHOP);
    let pair = host.pair("one");
    for (stored, to) in [("none", ""), ("gzip", ""), ("zstd", ""), ("zstd", pair.public.as_str())] {
        host.set("shop", "encrypt-to", to);
        let id = host.dokku(&["backups:export", "shop", "--compression", stored]).expect(0).id();
        let path = host.stored("shop", &id);
        let dump = host.unpacked(&path, Some(&pair));
        let download =
            |more: &[&str]| host.dokku(&[&["backups:download", "shop", "--id", &id], more].concat()).expect(0);
        assert_eq!(download(&[]).stdout, fs::read(&path).expect("the file"));
        for (compression, ending) in [("none", "dump"), ("gzip", "dump.gz"), ("zstd", "dump.zst")] {
            let run = download(&["--compression", compression, "--identity", pair.path()]);
            let taken = outside(&host, &format!("x.{ending}"));
            fs::write(&taken, &run.stdout).expect("taken");
            assert!(host.unpacked(&taken, None) == dump, "{stored} to {compression}");
            assert!(run.stderr.contains(&format!("as {id}.{ending}")), "{}", run.stderr);
            assert!(run.stderr.lines().all(|line| !line.starts_with(" !")), "{}", run.stderr);
        }
        if !to.is_empty() {
            let taken = outside(&host, "y.dump.zst");
            fs::write(&taken, download(&["--identity", pair.path()]).stdout).expect("taken");
            assert!(host.unpacked(&taken, None) == dump);
        }
    }
    assert!(host.dokku(&["backups:logs", "shop", "--latest"]).expect(0).out().contains("downloaded as"));
    host.dokku(&["backups:download", "shop", "--id", "shop-2001-01-01-00-00-00"]).expect(4);
    host.dokku(&["backups:download", "nosuch", "--latest"]).expect(4);
    host.dokku(&["backups:download", "shop"]).expect(2);
}

#[test]
fn row_056_a_file_on_the_server_is_whole_or_not_there() {
    let host = Host::up();
    host.database("shop", SHOP);
    let id = host.export("shop");
    let dump = fs::read(host.stored("shop", &id)).expect("dump");
    let file = outside(&host, "shop.dump");
    let path = file.to_str().expect("a path");
    let to =
        |path: &str, more: &[&str]| host.dokku(&[&["backups:download", "shop", "--latest", "-o", path], more].concat());
    assert_eq!(to(path, &[]).expect(0).out(), format!("{path}\n"));
    assert_eq!(fs::read(&file).expect("taken"), dump);
    assert_eq!(fs::metadata(&file).expect("taken").permissions().mode() & 0o777, 0o600);
    let run = to(path, &[]).expect(7);
    assert!(run.stderr.contains("exists already") && run.stderr.contains("--force"), "{}", run.stderr);
    fs::write(&file, b"old").expect("old");
    let json = to(path, &["--force", "--compression", "gzip", "--format", "json"]).expect(0).json();
    assert_eq!((&json["path"], &json["compression"], &json["id"]), (&path.into(), &"gzip".into(), &id.as_str().into()));
    assert!(fs::read(&file).expect("taken").starts_with(b"\x1f\x8b"));
    // A folder: under its own name.
    to(outside(&host, "").to_str().expect("a path"), &[]).expect(0);
    assert_eq!(fs::read(outside(&host, &format!("{id}.dump"))).expect("taken"), dump);
    // Where it does not belong.
    to("shop.dump", &[]).expect(2);
    to("/nosuch/folder/x.dump", &[]).expect(2);
    let ours = host.folder("shop").join("x.dump");
    to(ours.to_str().expect("a path"), &[]).expect(7);
    std::os::unix::fs::symlink("/etc/hostname", outside(&host, "link")).expect("a link");
    to(outside(&host, "link").to_str().expect("a path"), &["--force"]).expect(7);
    // Over SSH nobody writes files as Dokku's user.
    let mut command = host.dokku_command(&["backups:download", "shop", "--latest", "-o", "/tmp/x"]);
    command.env("NAME", "alice");
    let run = finish(command).expect(7);
    assert!(run.stderr.contains("ssh dokku@HOST backups:download shop --id"), "{}", run.stderr);
    // Damaged: no file, and no draft of one.
    let before = fs::read_dir(outside(&host, "")).expect("folder").count();
    let mut bad = dump.clone();
    bad[dump.len() - 3] ^= 1;
    host.overwrite("shop", &id, &bad);
    let run = to(outside(&host, "bad").to_str().expect("a path"), &[]).expect(6);
    assert!(run.stderr.contains("sha256") && run.out().is_empty(), "{}", run.stderr);
    assert_eq!(fs::read_dir(outside(&host, "")).expect("folder").count(), before);
    host.check("shop", &[id], true);
}

/// Runs `dokku ARGS...` with a terminal as its stdout.
fn in_terminal(host: &Host, env: &[(&str, &str)], args: &[&str]) -> Run {
    let script = "import os, pty, sys\nstatus = pty.spawn(sys.argv[1:])\nsys.exit(os.waitstatus_to_exitcode(status))";
    let dokku = host.dokku_command(args);
    let mut command = host.command("python3");
    command.args(["-c", script]).arg(dokku.get_program()).args(args).envs(env.iter().copied());
    finish(command)
}

#[test]
fn row_056_a_terminal_is_refused() {
    let host = Host::up();
    host.database("shop", SHOP);
    let id = host.export("shop");
    let run = in_terminal(&host, &[], &["backups:download", "shop", "--latest"]);
    assert_eq!(run.code, Some(7), "{run:?}");
    for words in [format!("ssh dokku@HOST backups:download shop --id {id} > {id}.dump"), "-o FILE".to_owned()] {
        assert!(run.out().contains(&words), "{}", run.out());
    }
    assert!(!run.out().contains("PGDMP"));
    // `ssh -t`: stdout may already be a pipe by the time we see it.
    let over_ssh = |key: &[(&str, &str)]| host.dokku_env(key, &["backups:download", "shop", "--latest"]);
    let run = over_ssh(&[("NAME", "alice"), ("SSH_TTY", "/dev/pts/7")]).expect(7);
    assert!(run.stdout.is_empty() && run.stderr.contains("without -t"), "{}", run.stderr);
    // Somebody who is logged in on the server and redirects is none of that.
    let run = over_ssh(&[("SSH_TTY", "/dev/pts/7")]).expect(0);
    assert!(run.stdout.starts_with(b"PGDMP"));
    // To a file it may be asked for in a terminal.
    let file = outside(&host, "t.dump");
    let run = in_terminal(&host, &[], &["backups:download", "shop", "--latest", "-o", file.to_str().expect("path")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(file.exists());
}

#[test]
fn row_070_who_may_not_export_may_not_download() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.export("shop");
    let script = "#!/bin/sh\n[ \"$2\" != bob ] || [ \"$3\" != postgres:export ] || [ \"$4\" != shop ]\n";
    host.add_trigger("access", "user-auth", script);
    let as_key = |name: &str| host.dokku_env(&[("NAME", name)], &["backups:download", "shop", "--latest"]);
    assert!(as_key("alice").expect(0).stdout.starts_with(b"PGDMP"));
    let run = as_key("bob").expect(7);
    assert!(run.stdout.is_empty() && run.stderr.contains("it takes postgres:export"), "{}", run.stderr);
    host.hide("shop");
    as_key("alice").expect(4);
}

#[test]
fn row_056_a_reader_that_goes_away_or_stands_still() {
    let host = Host::up();
    host.database("shop", LARGE);
    let id = host.export("shop");
    let before = host.files_of("shop");
    let args = ["backups:download", "shop", "--id", &id];
    let mut child = host.start_binary(&args, &[]);
    let mut stdout = child.stdout.take().expect("stdout");
    stdout.read_exact(&mut [0; 1000]).expect("some bytes");
    // While it is being taken it is not taken away.
    let run = host.dokku(&["backups:delete", "shop", "--id", &id, "--force"]).expect(5);
    assert!(run.stderr.contains("in use"), "{}", run.stderr);
    host.dokku(&["backups:download", "shop", "--id", &id]).expect(5);
    drop(stdout);
    let run = wait(child);
    assert_eq!(run.code, Some(128 + 13), "{run:?}");
    assert!(run.stderr.lines().all(|line| line.starts_with("-----> ")), "not quiet: {}", run.stderr);
    assert_eq!(host.files_of("shop"), before, "it left a trace");
    // One that stands still: for as long as the idle limit says, or until a signal.
    let child = host.start_binary(&args, &[("DOKKU_BACKUPS_IDLE_TIMEOUT", "1")]);
    host.wait_until("it gives up", || fs::read_dir(format!("/proc/{}/fd", child.id())).map_or(0, Iterator::count) == 0);
    let run = wait(child);
    assert!(run.code == Some(1) && run.stderr.contains("nobody took a byte"), "{run:?}");
    let child = host.start_binary(&args, &[]);
    std::thread::sleep(Duration::from_millis(700));
    send(&child, Signal::SIGTERM);
    assert_eq!(wait(child).code, Some(128 + 15));
    assert_eq!(host.files_of("shop"), before);
    // Waiting for its turn.
    let first = host.start_binary(&args, &[]);
    host.wait_until("the first has begun", || host.folder("shop").join(format!(".incoming/{id}.use")).exists());
    let mut second = host.alone(&[&args[..], &["--wait", "60"]].concat());
    second.stdout(Stdio::piped()).stderr(Stdio::piped());
    let second = second.spawn().expect("a second one");
    let dump = fs::read(host.stored("shop", &id)).expect("dump");
    for child in [first, second] {
        assert!(wait(child).expect(0).stdout == dump);
    }
}

#[test]
fn fault_022_download_killed_leaves_nothing_in_the_way() {
    let host = Host::up();
    host.database("shop", SHOP);
    let id = host.dokku(&["backups:export", "shop", "--compression", "zstd"]).expect(0).id();
    let file = outside(&host, "x.dump");
    let args = ["backups:download", "shop", "--id", &id, "--compression", "none", "-o", file.to_str().expect("a path")];
    let all = host.count_points(&args);
    fs::remove_file(&file).expect("the file");
    for point in 1..=all {
        let killed = host.at_point(&format!("abort={point}"), &args);
        assert_ne!(killed.code, Some(0), "point {point}");
        if file.exists() {
            // It was in its place already, and then it is whole.
            assert!(fs::read(&file).expect("taken").starts_with(b"PGDMP"));
            fs::remove_file(&file).expect("the file");
        }
        let failed = host.at_point(&format!("fail={point}"), &args);
        assert!(failed.code == Some(0) || failed.code == Some(1), "point {point}: {failed:?}");
        if file.exists() {
            fs::remove_file(&file).expect("the file");
        }
        host.check("shop", std::slice::from_ref(&id), false);
    }
    host.dokku(&["backups:sync", "shop"]).expect(0);
    host.check("shop", &[id], true);
    assert!(all > 5, "{all}");
}
