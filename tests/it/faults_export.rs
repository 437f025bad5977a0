//! Faults of the export child, rows 1 to 14, and of the run around it, rows 25 to 29.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use super::support::{Host, Run, Running, finish, soaking, wait_for};

#[test]
fn fault_001_no_output_is_a_failure() {
    let (host, _) = Host::with_backup();
    host.export_fails("shop", "postgres:export/empty", "child", "no output");
}

#[test]
fn fault_002_a_cut_at_any_boundary_is_damage() {
    let (host, id) = Host::with_backup();
    let size = fs::metadata(host.folder("shop").join(format!("{id}.dump"))).expect("the dump").len();
    for cut in [1, 5, 60, size / 2, size - 1] {
        host.export_fails("shop", &format!("postgres:export/cut={cut}"), "damaged", "the dump is damaged");
    }
    host.export_fails("shop", "postgres:export/append=x", "damaged", "bytes follow the end");
}

#[test]
fn fault_003_a_signal_in_the_middle_is_named() {
    let (host, _) = Host::with_backup();
    host.export_fails("shop", "postgres:export/kill=900", "child", "SIGKILL");
    host.export_fails("shop", "postgres:export/killed=900", "child", "SIGKILL");
    host.export_fails("shop", "postgres:export/killed=0", "child", "SIGKILL");
    host.export_fails("shop", "postgres:export/broken=900", "child", "PQgetResult() failed");
    // Every byte has come, and yet the exit code says that something is wrong.
    host.export_fails("shop", "postgres:export/late=3", "child", "exit code 3");
}

#[test]
fn fault_004_a_hanging_child_is_ended_after_the_idle_limit() {
    let (host, _) = Host::with_backup();
    for fault in
        ["postgres:export/hang", "postgres:export/stall=700", "postgres:export/deaf", "docker:exec:pg_dump/hang"]
    {
        let since = Instant::now();
        host.export_fails("shop", fault, "timeout", "nothing came for 1 seconds");
        assert!(since.elapsed() < Duration::from_secs(20), "{fault}: {:?}", since.elapsed());
    }
}

#[test]
fn fault_004_the_limit_is_idle_time_not_total_time() {
    let (host, id) = Host::with_backup();
    let size = fs::metadata(host.folder("shop").join(format!("{id}.dump"))).expect("the dump").len();
    host.fault(&format!("postgres:export/slow={}", size / 4));
    let run = host.dokku_with("DOKKU_BACKUPS_IDLE_TIMEOUT", "3", &["backups:export", "shop"]).expect(0);
    host.check("shop", &[id, run.id()], true);
}

/// psql in the service, with its input held open: locks stay until told otherwise.
struct Session(std::process::Child);

impl Session {
    fn open(host: &Host, service: &str, sql: &str) -> Session {
        let mut command = host.dokku_command(&["postgres:connect", service]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut session = Session(command.spawn().expect("connect"));
        session.say(sql);
        session
    }

    fn say(&mut self, sql: &str) {
        self.0.stdin.as_mut().expect("stdin").write_all(format!("{sql}\n").as_bytes()).expect("psql listens");
    }

    fn close(mut self) {
        drop(self.0.stdin.take());
        self.0.wait().expect("psql");
    }
}

fn locks(host: &Host, table: &str, granted: bool) -> bool {
    let sql = format!(
        "select count(*) from pg_locks l join pg_class c on c.oid = l.relation where c.relname = '{table}' and granted = {granted};"
    );
    host.sql("shop", &sql) != "0"
}

#[test]
fn fault_004_a_table_lock_times_out() {
    let (host, _) = Host::with_backup();
    let before = host.before("shop");
    let session = Session::open(&host, "shop", "begin; lock table orders in access exclusive mode;");
    wait_for("the lock", || locks(&host, "orders", true).then_some(()));
    let args = ["backups:export", "shop", "--at", "2021-06-01T00:00:00Z"];
    let run = host.dokku_with("DOKKU_BACKUPS_IDLE_TIMEOUT", "2", &args).expect(1);
    assert!(run.stderr.contains("a lock on a table does this"), "{}", run.stderr);
    // What it waited for is said while it waits, and stays in the log.
    assert!(run.stderr.contains("the dump waits for the table public.orders, which process "), "{}", run.stderr);
    session.close();
    host.assert_clean("shop", &before, "nothing came for 2 seconds");
    let log = host.dokku(&["backups:logs", "shop", "--id", "shop-2021-06-01-00-00-00"]).expect(0).out();
    assert!(log.contains("it waited for the table public.orders, which process "), "{log}");
}

#[test]
fn ux_316_a_wait_names_what_is_waited_for() {
    let (host, _) = Host::with_backup();
    let session = Session::open(&host, "shop", "begin; lock table orders in access exclusive mode;");
    wait_for("the lock", || locks(&host, "orders", true).then_some(()));
    let id = host.dokku(&["backups:export", "shop", "--detach"]).expect(0).id();
    let told = "-----> Waiting for shop: pid ";
    let busy = host.dokku(&["backups:export", "shop", "--wait", "1"]).expect(5);
    assert!(
        busy.stderr.contains(told) && busy.stderr.contains(&format!(": export of {id}, since ")),
        "{}",
        busy.stderr
    );
    assert_eq!(busy.stderr.matches(told).count(), 1, "{}", busy.stderr);
    // Whoever does not wait is told once, by the failure.
    let busy = host.dokku(&["backups:export", "shop"]).expect(5);
    assert!(!busy.stderr.contains(told), "{}", busy.stderr);
    session.close();
    let waited = host.dokku(&["backups:export", "shop", "--wait", "60"]).expect(0);
    assert!(!waited.id().is_empty());
    assert_eq!(host.info("shop", &id)["status"], "success");
}

#[test]
fn fault_005_secrets_on_stderr_stay_there() {
    let (host, _) = Host::with_backup();
    let secret = fs::read_to_string(host.services().join("shop/PASSWORD")).expect("a password");
    let secret = secret.trim();
    assert!(secret.len() >= 16, "{secret}");
    let mut runs = vec![host.export_fails("shop", "postgres:export/secret", "child", "********")];
    host.fault("postgres:info/secret");
    runs.push(host.dokku(&["backups:export", "shop"]).expect(1));
    host.fault("postgres:export/stderr=PGPASSWORD=hunter2%20postgres://u:hunter2@h/db");
    runs.push(host.dokku(&["backups:export", "shop"]).expect(0));
    host.fault("");
    runs.push(host.dokku(&["--trace", "backups:export", "shop"]).expect(0));
    host.fault("git:report/stderr=TOKEN=hunter2,git:report/fail=TOKEN=hunter2");
    runs.push(host.dokku(&["backups:export", "shop"]).expect(0));
    for run in &runs {
        for canary in [secret, "hunter2"] {
            assert!(!run.out().contains(canary) && !run.stderr.contains(canary), "{run:?}");
        }
    }
    for (path, text) in host.files() {
        for canary in [secret, "hunter2"] {
            assert!(!text.contains(canary), "{path} holds a secret: {text}");
        }
    }
}

#[test]
fn fault_006_a_banner_or_plain_sql_is_told_by_its_looks() {
    let (host, _) = Host::with_backup();
    host.export_fails("shop", "postgres:export/banner", "damaged", "other text before it");
    host.export_fails("shop", "postgres:export/plain", "damaged", "plain SQL");
    host.export_fails("shop", "postgres:export/out=Welcome%20to%20this%20server", "damaged", "some text");
}

#[test]
fn fault_007_line_ends_changed_on_the_way_are_damage() {
    let (host, _) = Host::with_backup();
    host.export_fails("shop", "postgres:export/crlf", "damaged", "CR LF");
}

#[test]
fn fault_008_the_child_sees_neither_ssh_tty_nor_our_terminal() {
    let (host, first) = Host::with_backup();
    // The stand-in's export fails under SSH_TTY, as the real one does.
    let direct = host.dokku_with("SSH_TTY", "/dev/pts/0", &["postgres:export", "shop"]);
    assert_ne!(direct.code, Some(0), "the stand-in has become too kind");
    let second = host.dokku_with("SSH_TTY", "/dev/pts/0", &["backups:export", "shop"]).expect(0).id();
    // All three of our streams a terminal.
    let dokku = host.dir().join("bin/dokku");
    let mut command = host.command("script");
    command.args(["-qec", &format!("{} backups:export shop", dokku.display()), "/dev/null"]);
    command.env("SSH_TTY", "/dev/pts/0").env("TERM", "xterm");
    let shown = finish(command).expect(0).out();
    assert!(shown.contains("Backing up shop as"), "{shown:?}");
    assert!(!shown.contains("PGDMP"), "the dump came out on the terminal");
    let listed = host.list("shop");
    assert_eq!(listed.len(), 3, "{listed:#?}");
    let third = listed[0]["id"].as_str().expect("an id").to_owned();
    host.check("shop", &[first, second, third], true);
}

#[test]
fn fault_009_dokku_missing_or_not_executable() {
    let (host, id) = Host::with_backup();
    let other = host.dir().join("tmp/elsewhere");
    fs::create_dir(&other).expect("a folder");
    // Only folders of ours: a machine may have a dokku of its own.
    let nothing = host.dir().join("tmp/nothing");
    fs::create_dir(&nothing).expect("a folder");
    for (path, words) in [(nothing.to_str().expect("a path"), "missing"), ("", "missing")] {
        let mut command = host.binary(&["backups:export", "shop", "--format", "json"]);
        command.env("PATH", path);
        let run = finish(command);
        assert_eq!((run.code, run.error()["kind"].as_str()), (Some(1), Some("config")), "{run:?}");
        let said = run.error()["message"].to_string();
        assert!(said.contains("dokku") && said.contains(words), "{said}");
    }
    File::create(other.join("dokku")).expect("a file");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).expect("modes");
    fs::set_permissions(other.join("dokku"), fs::Permissions::from_mode(0o644)).expect("modes");
    let mut command = host.binary(&["backups:export", "shop", "--format", "json"]);
    command.env("PATH", &other);
    let run = finish(command);
    assert_eq!((run.code, run.error()["kind"].as_str()), (Some(1), Some("config")), "{run:?}");
    // A file that is executable and cannot be executed: its interpreter is gone.
    fs::write(other.join("dokku"), "#!/nonexistent/interpreter\n").expect("a script");
    fs::set_permissions(other.join("dokku"), fs::Permissions::from_mode(0o755)).expect("modes");
    let mut command = host.binary(&["backups:export", "shop", "--format", "json"]);
    command.env("PATH", &other);
    let run = finish(command);
    assert_eq!((run.code, run.error()["kind"].as_str()), (Some(1), Some("config")), "{run:?}");
    assert!(run.error()["message"].to_string().contains("elsewhere/dokku"), "{run:?}");
    assert_eq!(host.list("shop").len(), 1, "a row without a child");
    host.check("shop", &[id], true);
}

#[test]
fn fault_010_stopped_unknown_or_invisible_before_any_row() {
    let (host, id) = Host::with_backup();
    let refuse = |words: &[&str]| {
        let run = host.dokku(&["backups:export", "shop"]).expect(1);
        for word in words {
            assert!(run.stderr.contains(word), "{word:?} is not said: {}", run.stderr);
        }
        assert!(run.stdout.is_empty(), "{run:?}");
        assert_eq!(host.list("shop").len(), 1, "a row for a service that is not up");
    };
    let docker =
        |verb: &str| finish(command_args(host.command(host.dir().join("bin/docker")), &[verb, "dokku.postgres.shop"]));
    docker("pause").expect(0);
    refuse(&["shop is not running (paused)", "docker unpause dokku.postgres.shop"]);
    docker("unpause").expect(0);
    host.dokku(&["postgres:pause", "shop"]).expect(0);
    refuse(&["shop is not running (exited)", "dokku postgres:start shop"]);
    host.dokku(&["postgres:stop", "shop"]).expect(0);
    refuse(&["shop is not running (missing)", "dokku postgres:start shop"]);
    host.dokku(&["postgres:start", "shop"]).expect(0);
    host.check("shop", &[id], true);
    let unknown = host.dokku(&["backups:export", "nope"]).expect(4);
    host.dokku(&["postgres:create", "hide"]).expect(0);
    host.hide("hide");
    let hidden = host.dokku(&["backups:export", "hide"]).expect(4);
    assert_eq!(hidden.stderr, unknown.stderr.replace("nope", "hide"));
    assert_eq!((hidden.out(), unknown.out()), (String::new(), String::new()));
    assert!(!host.folder("nope").exists() && !host.folder("hide").exists(), "a folder for nobody");
}

fn command_args(mut command: Command, args: &[&str]) -> Command {
    command.args(args);
    command
}

#[test]
fn fault_011_a_table_dropped_during_the_dump() {
    let (host, id) = Host::with_backup();
    // Nothing refers to this one: dropping it needs no lock that the dump holds.
    host.sql("shop", "alter table empty rename to doomed");
    let mut session = Session::open(&host, "shop", "begin; lock table doomed in access exclusive mode;");
    wait_for("the lock", || locks(&host, "doomed", true).then_some(()));
    let run = host.start(&["backups:export", "shop"]);
    wait_for("pg_dump behind the lock", || locks(&host, "doomed", false).then_some(()));
    session.say("drop table doomed; commit;");
    let run = run.wait().expect(1);
    session.close();
    assert!(run.stderr.contains("does not exist"), "the reason is not shown: {}", run.stderr);
    let failed = &host.list("shop")[0];
    assert_eq!(failed["status"], "failed", "{failed}");
    assert!(failed["reason"].as_str().is_some_and(|why| why.contains("pg_dump")), "{failed}");
    assert_eq!(host.dumps("shop").len(), 1, "a dump of a failed run");
    host.assert_no_strays();
    host.dokku(&["backups:sync", "shop"]).expect(0);
    host.check("shop", &[id], true);
}

#[test]
fn fault_012_an_end_that_does_not_come_is_waited_for_a_while() {
    let (host, _) = Host::with_backup();
    for (fault, words) in [("linger=60", "closed its output but does not end"), ("grandchild=60", "")] {
        let since = Instant::now();
        host.export_fails("shop", &format!("postgres:export/{fault}"), "timeout", words);
        assert!(since.elapsed() < Duration::from_secs(20), "{fault}: {:?}", since.elapsed());
    }
}

#[test]
fn fault_012_a_grandchild_cannot_hold_us_however_long_the_idle_limit_is() {
    let (host, _) = Host::with_backup();
    let before = host.before("shop");
    host.fault("postgres:export/grandchild=120");
    let since = Instant::now();
    let run = host.dokku(&["backups:export", "shop", "--at", "2021-07-01T00:00:00Z"]).expect(1);
    host.fault("");
    assert!(run.stderr.contains("keeps its output open"), "{}", run.stderr);
    assert!(since.elapsed() < Duration::from_secs(30), "{:?}", since.elapsed());
    host.assert_clean("shop", &before, "keeps its output open");
}

#[test]
fn fault_013_no_process_can_be_started() {
    let (host, id) = Host::with_backup();
    // EAGAIN at each start of a process.
    let points = host.dir().join("tmp/points");
    File::create(&points).expect("a file");
    fs::set_permissions(&points, fs::Permissions::from_mode(0o666)).expect("modes");
    host.dokku_with("DOKKU_BACKUPS_POINTS", &format!("count={}", points.display()), &["backups:export", "shop"])
        .expect(0);
    let names = fs::read_to_string(&points).expect("points");
    let starts: Vec<usize> =
        names.lines().enumerate().filter(|(_, name)| ["spawn", "ask"].contains(name)).map(|(at, _)| at + 1).collect();
    assert!(starts.len() >= 2, "{names}");
    for (number, at) in starts.into_iter().enumerate() {
        let good = host.list("shop").iter().filter(|b| b["status"] == "success").count();
        let plan = format!("fail={at}:11");
        let run = host.dokku_with("DOKKU_BACKUPS_POINTS", &plan, &["backups:export", "shop", "--format", "json"]);
        // The dump and the question whether the service is up; who asks after them asks for facts, in any order.
        // Threads share the count, so the point may also be one of the copy's: then the backup is good and that is told.
        let made = usize::from(number >= 2 && matches!(run.code, Some(0 | 3)));
        if made == 0 {
            assert_eq!((run.code, run.error()["kind"].as_str()), (Some(1), Some("io")), "point {at}: {run:?}");
        }
        host.assert_no_strays();
        host.check("shop", &[], false);
        let now = host.list("shop").iter().filter(|b| b["status"] == "success").count();
        assert_eq!(now, good + made, "point {at}");
    }
    let last = host.export("shop");
    host.check("shop", &[id, last], true);
}

#[test]
fn fault_013_no_process_or_thread_left_for_us() {
    let (host, id) = Host::with_backup();
    if !super::support::lack::is_root() {
        return;
    }
    let user = host.other_user().expect("a user of the sandbox");
    let mut ends = std::collections::BTreeSet::new();
    // From no room at all to enough of it: a start, then one of our own threads is what fails.
    for spare in 0..9 {
        let count = processes_of(user) + spare;
        let command = host.binary_as(user, &["backups:export", "shop", "--at", &host.moment()]);
        let mut command = limited(command, &format!("--nproc={count}"));
        command.env("DOKKU_BACKUPS_IDLE_TIMEOUT", "1");
        let run = finish(command);
        assert!(matches!(run.code, Some(0 | 1)), "{spare} spare: {run:?}");
        assert!(!run.stderr.contains("panicked"), "{spare} spare: {}", run.stderr);
        ends.insert(run.code);
        host.assert_no_strays();
        host.check("shop", &[], false);
    }
    assert!(ends.contains(&Some(1)), "the limit never bit");
    // The lock is free, and nothing stands in the way.
    let last = host.export("shop");
    host.check("shop", &[id, last], true);
}

/// Threads of a user, which is what the limit counts.
fn processes_of(uid: u32) -> usize {
    let threads = |dir: std::path::PathBuf| {
        let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(&dir).ok()?);
        (owner == uid).then(|| fs::read_dir(dir.join("task")).map_or(0, Iterator::count))
    };
    fs::read_dir("/proc").expect("/proc").flatten().filter_map(|entry| threads(entry.path())).sum()
}

/// The same command under a limit of `prlimit`.
fn limited(command: Command, limit: &str) -> Command {
    let words: Vec<_> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(|w| w.to_owned()).collect();
    // As the last thing before the program, so that nothing else needs a process under the limit.
    let at = words.len() - words.iter().rev().position(|word| word == "--").unwrap_or(words.len());
    let mut limited = Command::new(if at == 0 { "prlimit".as_ref() } else { words[0].as_os_str() });
    limited.args(words.iter().take(at).skip(1));
    if at > 0 {
        limited.arg("prlimit");
    }
    limited.arg(limit).arg("--").args(&words[at..]);
    limited.env_clear().current_dir("/").stdin(Stdio::null());
    for (key, value) in command.get_envs() {
        if let Some(value) = value {
            limited.env(key, value);
        }
    }
    limited
}

#[test]
fn fault_014_a_dump_that_shrank_is_kept_and_suspicious() {
    let host = Host::up();
    host.database("shop", "create table a as select g, md5(g::text) m from generate_series(1, 20000) g;");
    let big = host.export("shop");
    host.sql("shop", "delete from a where g > 10");
    let run = host.dokku(&["backups:export", "shop"]).expect(0);
    let small = run.id();
    let record = host.info("shop", &small);
    let sizes = [record["size"].to_string(), host.info("shop", &big)["size"].to_string()];
    let why = record["suspicious"].as_str().expect("suspicious");
    assert!(sizes.iter().all(|size| why.contains(size)), "no figures: {why}");
    assert!(run.stderr.contains(why), "nobody is told: {}", run.stderr);
    assert_eq!((record["status"].as_str(), record["trust"].as_str()), (Some("success"), Some("created")));
    host.sql("shop", "drop table a");
    let run = host.dokku(&["backups:export", "shop"]).expect(0);
    let none = run.id();
    let why = host.info("shop", &none)["suspicious"].to_string();
    assert!(why.contains("no table") && why.contains(&big), "measured against a suspicious one: {why}");
    assert!(host.dokku(&["backups:info", "shop", "--last"]).expect(0).out().contains("Suspicious:"));
    host.check("shop", &[big, small, none], true);
}

#[test]
fn fault_025_signals_end_the_export_and_its_whole_group() {
    let (host, _) = Host::with_backup();
    for (signal, code, fault) in [
        // Deep in the tree of shells: ending its first process would leave the rest.
        (Signal::SIGHUP, 129, "docker:exec:pg_dump/hang"),
        (Signal::SIGINT, 130, "postgres:export/hang"),
        (Signal::SIGTERM, 143, "postgres:export/stall=700"),
        (Signal::SIGTERM, 143, "docker:exec:pg_dump/deaf"),
    ] {
        let before = host.before("shop");
        host.fault(fault);
        let run = host.start(&["backups:export", "shop", "--at", &host.moment()]);
        host.signal("shop", signal);
        let run = run.wait().expect(code);
        host.fault("");
        assert!(run.stdout.is_empty(), "{run:?}");
        host.assert_clean("shop", &before, signal.as_str());
    }
}

#[test]
fn fault_025_a_signal_between_two_services_stops_the_rest() {
    let (host, id) = Host::with_backup();
    host.dokku(&["postgres:create", "other"]).expect(0);
    host.fault("postgres:export/hang");
    let run = host.start(&["backups:export", "shop", "other"]);
    host.signal("shop", Signal::SIGTERM);
    run.wait().expect(143);
    host.fault("");
    assert_eq!(host.calls("postgres:export"), 2, "the second was begun all the same");
    host.assert_no_strays();
    host.check("shop", &[id], false);
}

#[test]
fn fault_027_a_reader_that_has_gone_leaves_no_trace() {
    let (host, id) = Host::with_backup();
    let script = "set -o pipefail; for i in 1 2 3; do dokku backups:list shop --verbose | head -1 || exit; done";
    let mut command = host.command("bash");
    command.args(["-c", script]);
    let run = finish(command).expect(0);
    assert_eq!(run.stderr, "");
    assert_eq!(run.out().lines().count(), 3, "{run:?}");
    let verbs: [&[&str]; 7] = [
        &["backups:list", "shop"],
        &["backups:list", "--format", "json"],
        &["backups:info", "shop", "--latest"],
        &["backups:logs", "shop", "--latest"],
        &["backups:help"],
        &["backups:version"],
        &["backups:sync", "shop"],
    ];
    for args in verbs {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = host.dokku_command(args);
        command.stdout(writer).stderr(Stdio::piped());
        let output = command.spawn().expect("dokku").wait_with_output().expect("dokku");
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""), "{args:?}");
    }
    // A backup is not lost because nobody listens.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = host.dokku_command(&["backups:export", "shop"]);
    command.stdout(writer.try_clone().expect("a pipe")).stderr(writer);
    assert_eq!(command.status().expect("dokku").code(), Some(0));
    let second = host.list("shop")[0]["id"].as_str().expect("an id").to_owned();
    assert_ne!(second, id);
    host.check("shop", &[id, second], true);
}

/// An archive of more than a GiB, made from a small uncompressed one by repeating the one chunk of its table.
struct Endless {
    head: Vec<u8>,
    chunk: Vec<u8>,
    times: usize,
    tail: Vec<u8>,
}

impl Endless {
    const ROWS: usize = 1000;

    fn new(small: &[u8], times: usize) -> Endless {
        let first = b"1\t".to_vec();
        let start = small.windows(first.len()).position(|at| at == first).expect("the first row");
        // An integer of an archive: a sign byte, then four bytes, the lowest first.
        let length: [u8; 4] = small[start - 4..start].try_into().expect("four bytes");
        let end = start + u32::from_le_bytes(length) as usize;
        let row = small[start..end].split_inclusive(|b| *b == b'\n').next().expect("a row");
        let rows = row.repeat(Self::ROWS);
        let mut chunk = vec![0];
        chunk.extend(u32::try_from(rows.len()).expect("a small chunk").to_le_bytes());
        chunk.extend(rows);
        Endless { head: small[..start - 5].to_vec(), chunk, times, tail: small[start - 5..].to_vec() }
    }

    fn pour(&self, mut into: impl Write) -> std::io::Result<u64> {
        into.write_all(&self.head)?;
        for _ in 0..self.times {
            into.write_all(&self.chunk)?;
        }
        into.write_all(&self.tail)?;
        Ok((self.head.len() + self.chunk.len() * self.times + self.tail.len()) as u64)
    }
}

#[test]
fn fault_028_memory_stays_flat_while_a_large_dump_goes_through() {
    let host = Host::up();
    host.database("shop", "create table t as select g, repeat(md5(g::text), 30) m from generate_series(1, 3) g;");
    let dump = "docker container exec dokku.postgres.shop pg_dump -Fc -Z0 -U postgres shop";
    let mut command = host.command("bash");
    command.args(["-c", dump]);
    let small = finish(command).expect(0).stdout;
    // Four times what the program may have.
    let least = soaking(256 << 20, 1 << 30);
    let large = Endless::new(&small, 1 + least / 960_000);
    let fifo = host.dir().join("tmp/large");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::from_bits_truncate(0o644)).expect("a pipe");
    nix::unistd::chown(&fifo, Some(host.owner().into()), None).expect("its owner");
    host.fault(&format!("postgres:export/file={}", fifo.display()));
    let run = Running::start(limited(host.dokku_command(&["backups:export", "shop"]), "--data=67108864"));
    let feeder = {
        let fifo = fifo.clone();
        let large =
            Endless { head: large.head.clone(), chunk: large.chunk.clone(), times: large.times, tail: large.tail };
        std::thread::spawn(move || large.pour(File::options().write(true).open(fifo).expect("the pipe")))
    };
    let pid = host.worker("shop");
    let mut peak = 0;
    while let Some(now) = peak_memory(pid) {
        peak = now;
        std::thread::sleep(Duration::from_millis(10));
    }
    let run = run.wait().expect(0);
    let size = feeder.join().expect("the feeder").expect("the dump was taken");
    host.fault("");
    assert!(size > least as u64, "{size}");
    let record = host.info("shop", &run.id());
    assert_eq!(record["size"], size);
    assert_eq!(record["tables"][0]["rows"].as_u64(), Some((Endless::ROWS * large.times + 3) as u64));
    assert!(peak > 1 << 20 && peak < 64 << 20, "peak memory {peak}");
    host.check("shop", &[run.id()], true);
}

/// Highest resident size so far; `None` when the process is gone.
fn peak_memory(pid: nix::unistd::Pid) -> Option<u64> {
    let mut text = String::new();
    File::open(format!("/proc/{pid}/status")).ok()?.read_to_string(&mut text).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
}

#[test]
fn fault_029_a_stopped_run_keeps_its_lock() {
    let (host, id) = Host::with_backup();
    host.fault("postgres:export/delay=1@2");
    let mut command = host.dokku_command(&["backups:export", "shop"]);
    command.env("DOKKU_BACKUPS_IDLE_TIMEOUT", "2");
    let mut run = Running::start(command);
    let pid = host.signal("shop", Signal::SIGSTOP);
    // Whatever the words in the lock file look like, and however old it is.
    let lock = host.folder("shop").join(".lock");
    let old = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    File::options().write(true).open(&lock).expect("the lock").set_modified(old).expect("its time");
    let busy = |args: &[&str]| {
        let other: Run = host.dokku(args).expect(5);
        assert!(other.stderr.contains("shop is busy"), "{}", other.stderr);
    };
    busy(&["backups:export", "shop"]);
    busy(&["backups:delete", "shop", "--id", &id, "--force"]);
    busy(&["backups:import", "shop", "--id", &id, "--force"]);
    busy(&["backups:sync", "shop"]);
    busy(&["backups:export", "shop", "--wait", "2"]);
    assert_eq!(host.list("shop")[0]["status"], "in-progress");
    assert!(run.is_running());
    // Longer than the idle limit has passed; what the child has said meanwhile counts.
    kill(pid, Signal::SIGCONT).expect("it goes on");
    let second = run.wait().expect(0).id();
    host.check("shop", &[id, second], true);
}
