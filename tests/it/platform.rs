//! A platform's worker, played by an SSH client library of another language; and clients that die in the middle.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use super::support::lack::left_out;
use super::support::sshd::{KEY, Sshd};
use super::support::{Host, SHOP, wait_for};

/// A python that has the library.
fn python() -> &'static str {
    let has = |python: &&&str| {
        Command::new(python).args(["-c", "import paramiko"]).output().is_ok_and(|o| o.status.success())
    };
    ["python3", "/usr/bin/python3"].iter().find(has).expect("python3-paramiko is missing: run scripts/prerequisites")
}

fn platform(host: &Host, ssh: &Sshd, words: [&str; 2]) -> Command {
    let (user, address) = ssh.target.split_once('@').expect("user@host");
    let own = ssh.key(KEY).exists();
    let path = |path: std::path::PathBuf| if own { path.display().to_string() } else { String::new() };
    let mut command = host.command(python());
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sshd.d/platform.py"));
    command.args([address, &ssh.port.to_string(), user, &path(ssh.key(KEY)), &path(ssh.known_hosts())]).args(words);
    command
}

/// A session that holds the table `orders`: an export waits for it.
struct Held(Child);

impl Held {
    fn orders(host: &Host, service: &str) -> Held {
        let mut connect = host.dokku_command(&["postgres:connect", service]);
        let mut session = connect.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("postgres:connect");
        let words = b"begin; lock table orders in access exclusive mode;\nselect 'it is held';\n";
        session.stdin.as_mut().expect("stdin").write_all(words).expect("a lock");
        let mut said = BufReader::new(session.stdout.take().expect("stdout")).lines().map_while(Result::ok);
        assert!(said.any(|line| line.contains("it is held")), "the lock was not had");
        // What comes later is read, so that its writer does not end of it.
        std::thread::spawn(move || said.for_each(drop));
        Held(session)
    }

    fn let_go(mut self) {
        drop(self.0.stdin.take());
        self.0.wait().expect("postgres:connect");
    }
}

#[test]
fn row_006_host_208_a_platform_through_an_ssh_library() {
    let host = Host::up();
    let Some(ssh) = host.sshd() else { return };
    let shop = &host.name("shop");
    host.database(shop, SHOP);
    let before = host.fingerprint(shop);
    // In progress for as long as it takes to be seen so, on the slowest machine and the fastest.
    let held = Held::orders(&host, shop);
    let mut worker = platform(&host, &ssh, ["everyday", shop]).stdout(Stdio::piped()).spawn().expect("python");
    let mut said = BufReader::new(worker.stdout.take().expect("stdout")).lines().map(|line| line.expect("a line"));
    assert_eq!(said.next().as_deref(), Some("seen: in-progress"));
    held.let_go();
    let said: Vec<String> = said.inspect(|line| println!("{line}")).collect();
    assert!(worker.wait().expect("python").success(), "{said:?}");
    assert_eq!(said.iter().filter(|line| line.starts_with("ok: ")).count(), 5, "{said:?}");
    assert_eq!(host.fingerprint(shop), before);
}

/// Runs one of the workers that the documents show; what it said, a line each.
fn worker(host: &Host, ssh: &Sshd, program: &str, file: &str, words: [&str; 2]) -> Vec<String> {
    let (user, address) = ssh.target.split_once('@').expect("user@host");
    let mut command = host.command(program);
    command
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NODE_PATH", concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/node_modules"));
    command.arg(format!("{}/examples/workers/{file}", env!("CARGO_MANIFEST_DIR")));
    command.args([address, &ssh.port.to_string(), user]).args([ssh.key(KEY), ssh.known_hosts()]).args(words);
    let out = command.output().expect(program);
    assert!(out.status.success(), "{file}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn ux_333_the_workers_of_the_documents_work() {
    let host = Host::up();
    let Some(ssh) = host.sshd() else { return };
    host.database("shop", SHOP);
    let node = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/node_modules/ssh2"));
    if !node.is_dir() {
        left_out("node", "there is no target/tools/node_modules; see scripts/prerequisites");
    }
    let workers = [(python(), "worker.py", "2026-04-08T14:30:00Z"), ("node", "worker.js", "2026-04-09T14:30:00Z")];
    for (program, file, created) in workers.into_iter().filter(|(program, ..)| *program != "node" || node.is_dir()) {
        let id = format!("shop-{}-14-30-00", &created[..10]);
        let before = host.digest("shop");
        let said = worker(&host, &ssh, program, file, ["shop", created]);
        let [made, again, restorable, restored, gone] = &said[..] else { panic!("{file}: {said:?}") };
        assert_eq!((made, again), (&format!("made {id}"), &format!("again {id}")));
        assert!(restorable.starts_with("restorable shop-") && gone == "not there: 4 not-found", "{file}: {said:?}");
        assert!(restored.contains("there was shop-"), "{file}: {said:?}");
        assert_eq!(host.digest("shop"), before);
        // Once more is as good as once.
        let said = worker(&host, &ssh, program, file, ["shop", created]);
        assert_eq!(said[0], format!("made {id}"), "{file}: {said:?}");
    }
}

/// A connection of ssh carries ten sessions at once, and not one more: that is sshd's MaxSessions.
#[test]
fn ux_333_eleven_at_once_on_one_connection_are_one_too_many() {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/platforms.md")).expect("the document");
    assert!(text.contains("MaxSessions") && text.contains("ten"), "it is not said");
    let over_ssh =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/over-ssh.md")).expect("the document");
    assert!(over_ssh.contains("MaxSessions"), "it is not said");
}

/// Starts a line through the library, waits until it has begun to talk, and kills the client.
fn die(host: &Host, ssh: &Sshd, line: &str) {
    let mut client = platform(host, ssh, ["hold", line]).stdout(Stdio::piped()).spawn().expect("python");
    let mut begun = String::new();
    BufReader::new(client.stdout.take().expect("stdout")).read_line(&mut begun).expect("a line");
    client.kill().expect("kill");
    client.wait().expect("wait");
    assert_eq!(begun, "begun\n", "{line} never began");
}

#[test]
fn fault_025_a_client_without_a_terminal_dies_and_the_work_goes_on() {
    let (host, first) = Host::with_backup();
    let Some(ssh) = host.sshd() else { return };
    let rows = host.fingerprint("shop");
    host.fault("postgres:export/slow=6000");
    die(&host, &ssh, "backups:export shop --at 2022-01-01T00:00:00Z");
    let made = "shop-2022-01-01-00-00-00".to_owned();
    assert_eq!(host.info("shop", &made)["status"], "in-progress", "it was not in the middle");
    ssh.run(&format!("backups:info shop --id {made} --wait 60")).expect(0);
    host.fault("docker:exec:pg_restore/delay=2");
    die(&host, &ssh, &format!("backups:verify shop --id {made}"));
    assert_eq!(host.trust("shop", &made), "validating", "it was not in the middle");
    ssh.run(&format!("backups:info shop --id {made} --wait 60")).expect(0);
    assert_eq!(host.trust("shop", &made), "restorable");
    host.sql("shop", "delete from orders");
    // The client is dead long before the fresh database is filled.
    die(&host, &ssh, &format!("backups:import shop --id {made} --force --no-backup"));
    wait_for("the restore", || (!host.left_databases("shop").is_empty()).then_some(()));
    ssh.run(&format!("backups:info shop --id {made} --wait 60")).expect(0);
    host.fault("");
    assert_eq!(host.fingerprint("shop"), rows);
    assert_eq!(host.info("shop", &made)["restores"][0]["status"], "success");
    host.check_settled("shop", "a restore whose client died");
    host.assert_no_strays();
    host.check("shop", &[first, made], true);
}

/// The words of somebody who reads nothing any more fill no pipe and end nothing.
#[test]
fn fault_025_broken_pipes_end_nothing() {
    let (host, first) = Host::with_backup();
    let Some(ssh) = host.sshd() else { return };
    host.fault("postgres:export/slow=6000");
    let mut client =
        ssh.command(&[], "backups:export shop --verify --trace --format json").stderr(Stdio::null()).spawn();
    host.worker("shop");
    client.as_mut().expect("ssh").kill().expect("kill");
    client.expect("ssh").wait().expect("wait");
    let made = host.list("shop")[0]["id"].as_str().expect("an id").to_owned();
    ssh.run(&format!("backups:info shop --id {made} --wait 120")).expect(0);
    assert_eq!(host.trust("shop", &made), "restorable");
    host.fault("");
    host.check("shop", &[first, made], true);
}

#[test]
fn fault_025_a_terminal_that_hangs_up_ends_the_export() {
    let (host, first) = Host::with_backup();
    let Some(ssh) = host.sshd() else { return };
    if !ssh.has_terminals() {
        return;
    }
    for interrupt in [false, true] {
        let before = host.before("shop");
        host.fault("postgres:export/stall=700");
        let mut command = ssh.command(&["-tt"], "backups:export shop");
        let mut client = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("ssh");
        host.worker("shop");
        if interrupt {
            client.stdin.as_mut().expect("stdin").write_all(b"\x03").expect("Ctrl-C");
            let out = client.wait_with_output().expect("ssh");
            assert_eq!(out.status.code(), Some(130), "{}", String::from_utf8_lossy(&out.stdout));
        } else {
            client.kill().expect("kill");
            client.wait().expect("wait");
        }
        host.assert_no_strays();
        host.fault("");
        host.assert_clean("shop", &before, if interrupt { "ended by SIGINT" } else { "ended by SIGHUP" });
    }
    assert_eq!(host.list("shop").len(), 3);
    host.dokku(&["backups:info", "shop", "--id", &first]).expect(0);
}

#[test]
fn fault_025_a_terminal_that_hangs_up_ends_a_verification_and_a_detached_run_does_not_care() {
    let (host, first) = Host::with_backup();
    let Some(ssh) = host.sshd() else { return };
    if !ssh.has_terminals() {
        return;
    }
    host.fault("docker:exec:pg_restore/delay=2");
    let mut client = ssh.start(&["-tt"], &format!("backups:verify shop --id {first}"));
    wait_for("the disposable database", || (!host.disposables().is_empty()).then_some(()));
    client.kill();
    wait_for("its removal", || host.disposables().is_empty().then_some(()));
    host.assert_no_strays();
    assert_eq!(host.trust("shop", &first), "created");
    // Its terminal is gone when the command has answered.
    ssh.run_tty(&format!("backups:verify shop --id {first} --detach")).expect(0);
    ssh.run(&format!("backups:info shop --id {first} --wait 60")).expect(0);
    assert_eq!(host.trust("shop", &first), "restorable");
}

#[test]
fn fault_026_a_terminal_that_hangs_up_during_the_exchange_does_not_stop_it() {
    let host = Host::up();
    let Some(ssh) = host.sshd() else { return };
    if !ssh.has_terminals() {
        return;
    }
    host.database("shop", SHOP);
    let full = host.fingerprint("shop");
    let id = host.export("shop");
    host.sql("shop", "delete from orders");
    host.fault("docker:exec:psql/delay=0.5");
    let mut client = ssh.start(&["-tt"], &format!("backups:import shop --id {id} --force --no-backup"));
    wait_for("the exchange", || {
        let words = std::fs::read_to_string(host.folder("shop").join(".lock")).unwrap_or_default();
        words.contains("cannot be cancelled").then_some(())
    });
    client.kill();
    host.dokku(&["backups:info", "shop", "--id", &id, "--wait", "60"]).expect(0);
    host.fault("");
    assert_eq!(host.fingerprint("shop"), full);
    assert_eq!(host.info("shop", &id)["restores"][0]["status"], "success");
    host.check_settled("shop", "a restore whose terminal hung up");
    host.assert_no_strays();
}
