//! Jobs: work that goes on without its caller, waiting for it, following it and ending it.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::support::{Host, Run, SHOP, wait_for};

/// Restoring it anywhere but into its own database takes a minute.
const SLOW: &str = "create function slow(int) returns boolean language plpgsql as $f$ begin
    if current_database() <> 'shop' then perform pg_sleep(0.05); end if; return true; end $f$;
  create table big(a int check (slow(a))); insert into big select generate_series(1, 1000);";

const LEFT: &str = "select datname from pg_database";

/// The words in the service's lock.
fn words(host: &Host) -> String {
    std::fs::read_to_string(host.folder("shop").join(".lock")).unwrap_or_default()
}

fn inside(host: &Host, program: &str) -> String {
    let sql = format!("select count(*) from pg_stat_activity where application_name = '{program}'");
    host.psql("shop", "postgres", &sql)
}

/// Holds a lock on `items` until the answer is dropped: every dump waits for it.
struct Locked(std::process::Child);

fn lock_items(host: &Host) -> Locked {
    let mut psql = host.psql_command("shop", "shop");
    let mut child = psql.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("psql");
    let stdin = child.stdin.as_mut().expect("stdin");
    stdin.write_all(b"begin; lock table items in access exclusive mode;\n").expect("psql");
    let held = "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted and relation is not null";
    host.wait_until("the lock", || host.psql("shop", "shop", held) != "0");
    Locked(child)
}

impl Drop for Locked {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn row_004_a_detached_export_returns_its_id_at_once() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.fault("postgres:export/slow=6000");
    let since = Instant::now();
    let run = host.dokku(&["backups:export", "shop", "--detach"]).expect(0);
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    let id = run.id();
    assert_eq!(run.out(), format!("{id}\n"));
    assert!(run.stderr.contains(&format!("backups:logs shop --id {id} --tail")), "{}", run.stderr);
    assert_eq!(host.info("shop", &id)["status"], "in-progress");
    host.dokku(&["backups:export", "shop", "--detach"]).expect(5);
    // Nothing of it belongs to the caller any more: neither session nor terminal nor pipes.
    let pid = host.worker("shop");
    assert_eq!(nix::unistd::getsid(Some(pid)).expect("a session"), pid);
    for (fd, what) in [(0, "/dev/null"), (1, "/dev/null"), (2, ".log")] {
        let target = std::fs::read_link(format!("/proc/{pid}/fd/{fd}")).expect("a descriptor");
        assert!(target.to_string_lossy().ends_with(what), "{fd} is {target:?}");
    }
    let early = host.dokku(&["backups:info", "shop", "--id", &id, "--wait", "0", "--format", "json"]).expect(5);
    assert_eq!(early.error()["kind"], "busy");
    let tail = host.dokku(&["backups:logs", "shop", "--id", &id, "--tail"]).expect(0);
    assert!(tail.out().contains("began") && tail.out().contains("success: sha256"), "{}", tail.out());
    let done = host.dokku(&["backups:info", "shop", "--id", &id, "--wait", "--format", "json"]).expect(0).json();
    assert_eq!((done["status"].as_str(), done["trust"].as_str()), (Some("success"), Some("created")));
    host.fault("");
    host.check("shop", &[id], true);
    host.assert_no_strays();
}

#[test]
fn row_004_what_can_be_known_is_told_before_detaching() {
    let host = Host::up();
    host.database("shop", SHOP);
    let id = host.export("shop");
    host.dokku(&["postgres:create", "off"]).expect(0);
    host.dokku(&["postgres:stop", "off"]).expect(0);
    for (code, kind, line) in [
        (4, "not-found", &["backups:export", "nosuch"][..]),
        (1, "config", &["backups:export", "off"]),
        (2, "usage", &["backups:export", "shop", "off"]),
        (2, "usage", &["backups:export", "--all"]),
        (2, "usage", &["backups:export", "shop", "--at", "2020-01-01T00:00:00Z", "--at", "x"]),
        (4, "not-found", &["backups:verify", "off", "--latest"]),
        (2, "usage", &["backups:verify", "shop", "--all"]),
        (4, "not-found", &["backups:import", "shop", "--id", "shop-2001-01-01-00-00-00", "--force"]),
        (7, "refused", &["backups:import", "shop", "--id", &id]),
        (4, "not-found", &["backups:import", "off", "--latest", "--force"]),
        (1, "config", &["backups:import", "off", "--from-service", "shop", "--latest", "--force"]),
    ] {
        let line = [line, &["--detach", "--format", "json"]].concat();
        let run = host.dokku(&line).expect(code);
        assert_eq!(run.error()["kind"], kind, "{line:?}: {run:?}");
        assert!(run.stdout.is_empty(), "{line:?}: {run:?}");
    }
    assert_eq!(host.list("shop").len(), 1);
    host.check("shop", &[id], true);
}

#[test]
fn row_031_verify_and_import_detached() {
    let host = Host::up();
    host.database("shop", SHOP);
    let id = host.dokku(&["backups:export", "shop", "--verify", "--detach"]).expect(0).id();
    host.dokku(&["backups:info", "shop", "--id", &id, "--wait", "60"]).expect(0);
    assert_eq!(host.trust("shop", &id), "restorable");
    let second = host.export("shop");
    let run = host.dokku(&["backups:verify", "shop", "--id", &second, "--detach", "--format", "json"]).expect(0).json();
    assert_eq!((run["id"].as_str(), run["trust"].as_str()), (Some(second.as_str()), Some("validating")));
    host.dokku(&["backups:info", "shop", "--id", &second, "--wait", "60"]).expect(0);
    assert_eq!(host.trust("shop", &second), "restorable");
    let before = host.fingerprint("shop");
    host.sql("shop", "delete from orders");
    let line = ["backups:import", "shop", "--id", &id, "--force", "--detach", "--format", "json"];
    let run = host.dokku(&line).expect(0).json();
    assert_eq!((run["id"].as_str(), run["restores"][0]["status"].as_str()), (Some(id.as_str()), Some("in-progress")));
    host.dokku(&["backups:info", "shop", "--id", &id, "--wait", "60"]).expect(0);
    assert_eq!(host.fingerprint("shop"), before);
    assert_eq!(host.info("shop", &id)["restores"][0]["status"], "success");
    let log = host.dokku(&["backups:logs", "shop", "--id", &id]).expect(0).out();
    assert!(
        log.contains("-----> Exchanging the databases of shop") && log.contains("restore into shop: success"),
        "{log}"
    );
    host.assert_no_strays();
    // How it ended is the exit code: a damaged one, a failed one.
    host.overwrite("shop", &second, b"PGDMP and no more");
    host.dokku(&["backups:verify", "shop", "--id", &second, "--detach"]).expect(0);
    host.dokku(&["backups:info", "shop", "--id", &second, "--wait", "60"]).expect(6);
    host.fault("postgres:export/cut=700");
    let third = host.dokku(&["backups:export", "shop", "--detach"]).expect(0).id();
    let ended = host.dokku(&["backups:info", "shop", "--id", &third, "--wait", "60", "--format", "json"]).expect(1);
    assert_eq!(ended.json()["status"], "failed");
}

#[test]
fn row_050_cancel_ends_an_export_and_the_dump_in_the_container() {
    let (host, id) = Host::with_backup();
    let before = host.before("shop");
    let lock = lock_items(&host);
    let draft = host.dokku(&["backups:export", "shop", "--detach"]).expect(0).id();
    host.wait_until("pg_dump", || inside(&host, "pg_dump") == "1");
    host.dokku(&["backups:cancel", "shop", "--id", &id]).expect(4);
    let run = host.dokku_with("SUDO_USER", "bob", &["backups:cancel", "shop", "--format", "json"]);
    let run = run.expect(0).json()["backup"].clone();
    assert_eq!((run["id"].as_str(), run["status"].as_str()), (Some(draft.as_str()), Some("failed")), "{run}");
    let reason = run["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.starts_with("cancelled by "), "{reason}");
    assert_eq!(inside(&host, "pg_dump"), "0", "it goes on inside");
    drop(lock);
    host.dokku(&["backups:info", "shop", "--id", &draft, "--wait"]).expect(1);
    host.assert_clean("shop", &before, &reason);
    for line in [&["backups:cancel", "shop"][..], &["backups:cancel", "shop", "--id", &draft]] {
        let run = host.dokku(line).expect(4);
        assert!(run.stdout.is_empty() && run.stderr.contains("nothing is being done"), "{run:?}");
    }
    host.dokku(&["backups:cancel", "nosuch"]).expect(4);
}

#[test]
fn row_050_the_one_who_waits_for_a_cancelled_export_is_told() {
    let (host, _) = Host::with_backup();
    host.fault("postgres:export/stall=700");
    let run = host.start(&["backups:export", "shop", "--format", "json"]);
    host.worker("shop");
    let cancelled = host.dokku(&["backups:cancel", "shop"]).expect(0);
    let run = run.wait();
    assert_eq!(run.code, Some(143), "{run:?}");
    let message = run.error()["message"].as_str().expect("a message").to_owned();
    assert!(message.starts_with("cancelled by "), "{message}");
    assert_eq!(host.info("shop", &cancelled.id())["reason"], message.as_str());
    host.assert_no_strays();
}

#[test]
fn row_050_cancel_ends_a_verification() {
    let (host, id) = Host::with_backup();
    host.fault("docker:exec:pg_restore/delay=30");
    host.dokku(&["backups:verify", "shop", "--id", &id, "--detach"]).expect(0);
    wait_for("the disposable database", || (!host.disposables().is_empty()).then_some(()));
    // The service itself is free meanwhile; two jobs have to be told apart.
    host.fault("docker:exec:pg_restore/delay=30 postgres:export/stall=700");
    let draft = host.dokku(&["backups:export", "shop", "--detach"]).expect(0).id();
    let both = host.dokku(&["backups:cancel", "shop"]).expect(2);
    assert!(both.stderr.contains(&format!("--id {id}")) && both.stderr.contains(&format!("--id {draft}")), "{both:?}");
    host.dokku(&["backups:cancel", "shop", "--id", &id]).expect(0);
    assert_eq!(host.disposables(), "");
    let info = host.info("shop", &id);
    assert!(info["trust"] == "created" && info["verification"].is_null(), "{info}");
    let log = host.dokku(&["backups:logs", "shop", "--id", &id]).expect(0).out();
    assert!(log.contains("not verified: cancelled by "), "{log}");
    assert_eq!(host.info("shop", &draft)["status"], "in-progress", "the other one was cancelled too");
    host.dokku(&["backups:cancel", "shop", "--id", &draft]).expect(0);
    host.fault("");
    host.dokku(&["backups:sync", "shop"]).expect(0);
    host.check("shop", &[id], true);
    host.assert_no_strays();
}

#[test]
fn row_050_who_waits_for_a_cancelled_verification_hears_that_it_has_no_result() {
    let (host, id) = Host::with_backup();
    host.fault("docker:exec:pg_restore/delay=30");
    host.dokku(&["backups:verify", "shop", "--id", &id, "--detach"]).expect(0);
    let waiting = host.start(&["backups:info", "shop", "--id", &id, "--wait"]);
    wait_for("the disposable database", || (!host.disposables().is_empty()).then_some(()));
    host.dokku(&["backups:cancel", "shop"]).expect(0);
    let run = waiting.wait();
    assert!(run.code == Some(1) && run.stderr.contains("ended without a result"), "{run:?}");
}

#[test]
fn row_050_a_cancelled_restore_leaves_the_live_database_as_it_was() {
    let host = Host::up();
    host.database("shop", SLOW);
    let id = host.export("shop");
    host.sql("shop", "delete from big where a > 10");
    let before = host.digest("shop");
    // While the fresh database is filled.
    let line = ["backups:import", "shop", "--id", &id, "--force", "--no-backup", "--detach"];
    host.dokku(&line).expect(0);
    host.wait_until("pg_restore", || inside(&host, "pg_restore") == "1");
    host.dokku(&["backups:cancel", "shop", "--id", &id]).expect(0);
    assert_eq!(inside(&host, "pg_restore"), "0", "it goes on inside");
    assert_eq!(host.digest("shop"), before);
    host.check_settled("shop", "a cancelled restore");
    let restores = host.info("shop", &id)["restores"].clone();
    assert_eq!(restores[0]["status"], "failed", "{restores}");
    assert!(restores[0]["reason"].as_str().is_some_and(|why| why.starts_with("cancelled by ")), "{restores}");
    host.dokku(&["backups:info", "shop", "--id", &id, "--wait"]).expect(1);
    // While the safety backup is made: by the id of the restore and by its own.
    for by_safety in [false, true] {
        host.fault("postgres:export/stall=700");
        host.dokku(&["backups:import", "shop", "--id", &id, "--force", "--detach"]).expect(0);
        host.worker("shop");
        let safety = host.list("shop")[0]["id"].as_str().expect("an id").to_owned();
        host.dokku(&["backups:cancel", "shop", "--id", if by_safety { &safety } else { &id }]).expect(0);
        host.fault("");
        assert_eq!(host.digest("shop"), before);
        assert_eq!(host.info("shop", &safety)["status"], "failed");
        let restores = host.info("shop", &id)["restores"].clone();
        let last = restores.as_array().and_then(|all| all.last()).expect("an entry");
        assert!(
            last["status"] == "failed" && last["reason"].as_str().is_some_and(|why| why.contains("cancelled by ")),
            "{last}"
        );
    }
    host.dokku(&["backups:sync", "shop"]).expect(0);
    host.check_settled("shop", "cancelled restores");
    host.check("shop", &[id], true);
}

#[test]
fn row_050_past_the_point_of_no_return_nothing_is_cancelled() {
    let host = Host::up();
    host.database("shop", SHOP);
    let full = host.fingerprint("shop");
    let id = host.export("shop");
    host.sql("shop", "delete from orders");
    host.fault("docker:exec:psql/delay=0.5");
    host.dokku(&["backups:import", "shop", "--id", &id, "--force", "--no-backup", "--detach"]).expect(0);
    wait_for("the exchange", || words(&host).contains("cannot be cancelled").then_some(()));
    let run = host.dokku(&["backups:cancel", "shop", "--format", "json"]).expect(7);
    assert_eq!(run.error()["kind"], "refused");
    host.dokku(&["backups:info", "shop", "--id", &id, "--wait", "60"]).expect(0);
    host.fault("");
    assert_eq!(host.fingerprint("shop"), full);
    assert_eq!(host.info("shop", &id)["restores"][0]["status"], "success");
    host.check_settled("shop", "a restore that could not be cancelled");
}

#[test]
fn row_050_cancel_ends_a_restore_from_another_service_by_either_name() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.database("till", "create table theirs(a int)");
    let id = host.export("shop");
    host.fault("docker:exec:pg_restore/delay=30");
    for service in ["till", "shop"] {
        let line =
            ["backups:import", "till", "--from-service", "shop", "--id", &id, "--force", "--no-backup", "--detach"];
        host.dokku(&line).expect(0);
        host.wait_until("filling", || !host.left_databases("till").is_empty());
        host.dokku(&["backups:cancel", service, "--id", &id]).expect(0);
        assert_eq!(host.left_databases("till"), "");
        assert_eq!(host.psql("till", "till", "select count(*) from theirs"), "0");
    }
    host.fault("");
    for service in ["till", "shop"] {
        host.dokku(&["backups:sync", service]).expect(0);
        host.check_settled(service, "cancelled from afar");
    }
}

/// Only who holds the lock is ended: neither an innocent process whose number stands in a stale lock, nor a later run by
/// a request whose sender has died.
#[test]
fn fault_031_cancel_never_believes_a_number() {
    let (host, id) = Host::with_backup();
    let mut innocent = std::process::Command::new("sleep").arg("60").spawn().expect("sleep");
    let stale = format!("pid {}: export of {id}, since 2020-01-01T00:00:00Z", innocent.id());
    host.put(&host.folder("shop").join(".lock"), stale.as_bytes(), 0o600);
    host.dokku(&["backups:cancel", "shop"]).expect(4);
    assert!(innocent.try_wait().expect("wait").is_none(), "it was ended");
    innocent.kill().expect("kill");
    innocent.wait().expect("wait");
    // A dead sender's request, to every number there may be next.
    let incoming = host.folder("shop").join(".incoming");
    host.fault("postgres:export/delay=0.5");
    let run = host.start(&["backups:export", "shop"]);
    let pid = wait_for("the worker", || {
        let words = words(&host);
        words
            .strip_prefix("pid ")
            .and_then(|rest| rest.split_once(':')?.0.parse::<i32>().ok())
            .filter(|pid| kill(Pid::from_raw(*pid), None).is_ok())
    });
    host.put(&incoming.join(format!("{pid}.cancel")), b"nobody", 0o600);
    let second = run.wait().expect(0).id();
    host.fault("");
    host.dokku(&["backups:sync", "shop"]).expect(0);
    host.check("shop", &[id, second], true);
}

/// One who asks and dies takes the request back; one that is stopped answers as soon as it goes on.
#[test]
fn row_050_a_job_that_does_not_look_is_not_said_to_be_cancelled() {
    let (host, id) = Host::with_backup();
    host.fault("postgres:export/stall=700");
    let draft = host.dokku(&["backups:export", "shop", "--detach"]).expect(0).id();
    let pid = host.signal("shop", Signal::SIGSTOP);
    let run = host.dokku(&["backups:cancel", "shop", "--wait", "1", "--format", "json"]).expect(1);
    assert_eq!(run.error()["kind"], "timeout");
    kill(pid, Signal::SIGCONT).expect("it is there");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(host.info("shop", &draft)["status"], "in-progress", "a request that was given up was obeyed");
    host.dokku(&["backups:cancel", "shop"]).expect(0);
    host.fault("");
    host.dokku(&["backups:sync", "shop"]).expect(0);
    host.check("shop", &[id], true);
}

#[test]
fn row_050_a_cancelled_fork_leaves_no_service() {
    let (host, id) = Host::with_backup();
    host.fault("docker:exec:pg_restore/delay=30");
    let run = host.start(&["backups:fork", "shop", "--id", &id, "copy"]);
    wait_for("filling", || (host.dokku(&["postgres:exists", "copy"]).code == Some(0)).then_some(()));
    wait_for("filling", || host.try_psql("copy", "postgres", LEFT).out().contains("dokku_backups").then_some(()));
    host.dokku(&["backups:cancel", "shop", "--id", &id]).expect(0);
    assert_eq!(run.wait().code, Some(143));
    host.fault("");
    assert_ne!(host.dokku(&["postgres:exists", "copy"]).code, Some(0), "a service is left");
    host.check("shop", &[id], true);
}

#[test]
fn row_050_a_reset_is_found_by_the_backup_it_goes_back_to() {
    let (host, id) = Host::with_backup();
    host.dokku(&["backups:fork", "shop", "--id", &id, "copy"]).expect(0);
    let full = host.digest("copy");
    host.fault("docker:exec:pg_restore/delay=30");
    let run = host.start(&["backups:reset", "copy", "--force"]);
    host.wait_until("filling", || !host.left_databases("copy").is_empty());
    host.dokku(&["backups:cancel", "copy", "--id", &id]).expect(0);
    assert_eq!(run.wait().code, Some(143));
    host.fault("");
    assert_eq!(host.digest("copy"), full);
    let restore = &host.info("shop", &id)["restores"][1];
    assert_eq!((&restore["status"], &restore["target"]), (&"failed".into(), &"copy".into()), "{restore}");
    // What was there before was saved within the restore, and its history says where.
    assert!(restore["safety_backup"].as_str().is_some_and(|safety| safety.starts_with("copy-")), "{restore}");
    host.dokku(&["backups:sync", "copy"]).expect(0);
    host.check_settled("copy", "a cancelled reset");
}

/// A lock as a run of the program has it, held by the test.
fn hold(host: &Host, service: &str) -> std::fs::File {
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;
    let file =
        std::fs::File::options().read(true).write(true).open(host.folder(service).join(".lock")).expect("a lock");
    let whole = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_OFD_SETLK(&whole)).expect("the lock is free");
    file
}

#[test]
fn two_imports_in_opposite_directions_both_end() {
    let host = Host::up();
    for (service, rows) in [("shop", 10), ("till", 20)] {
        host.database(service, &format!("create table t as select g id from generate_series(1, {rows}) g;"));
        host.export(service);
    }
    // Both wait until both locks are free at once: each would then have taken the one that it names first.
    let held = [hold(&host, "shop"), hold(&host, "till")];
    let import = |into: &'static str, from: &'static str| {
        let words =
            ["backups:import", into, "--from-service", from, "--latest", "--force", "--no-backup", "--wait", "20"];
        let mut command = host.dokku_command(&words);
        std::thread::spawn(move || command.output().map(Run::from))
    };
    let since = std::time::Instant::now();
    let both = [import("shop", "till"), import("till", "shop")];
    std::thread::sleep(std::time::Duration::from_secs(2));
    drop(held);
    for run in both {
        run.join().expect("a thread").expect("dokku").expect(0);
    }
    assert!(since.elapsed() < std::time::Duration::from_secs(20), "they waited for each other");
    assert_eq!(
        (host.sql("shop", "select count(*) from t"), host.sql("till", "select count(*) from t")),
        ("20".into(), "10".into())
    );
}
