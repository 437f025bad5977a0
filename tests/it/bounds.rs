//! Everything has a bound: what is read, how long it is read, how long a question waits, and what a record keeps.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::support::{Deed, Host, Run, Running, SHOP, wait_for};

/// More than enough to obey in, on a busy machine.
const SOON: Duration = Duration::from_secs(8);

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// A dump of many GiB in few bytes: the same members of gzip again and again.
fn endless(line: &str) -> Vec<u8> {
    let head = gzip(b"--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE public.a (x integer);\n");
    let member = gzip(line.repeat((8 << 20) / line.len()).as_bytes());
    [head, member.repeat(1_000)].concat()
}

/// Imports the file without restoring it, and waits until it is being read.
fn reading(host: &Host, file: &Path) -> Running {
    let file = file.to_str().expect("a path");
    let running = host.start(&["backups:import", "shop", "--file", file, "--no-restore"]);
    host.worker("shop");
    std::thread::sleep(Duration::from_millis(300));
    running
}

fn assert_nothing_left(host: &Host) {
    assert!(host.list("shop").is_empty());
    let left = fs::read_dir(host.folder("shop").join(".incoming")).expect("incoming").flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).filter(|name| name != ".use").collect();
    assert!(left.is_empty(), "{left:?}");
    // The lock is free.
    host.export("shop");
}

#[test]
fn attack_416_the_head_of_an_encrypted_file_is_bounded() {
    let host = Host::up();
    host.database("shop", SHOP);
    let key = host.pair("host");
    let stanza = format!("-> X25519 {0}\n{0}\n", "A".repeat(43));
    let many = format!("age-encryption.org/v1\n{}--- {}\n", stanza.repeat(20_000), "A".repeat(43));
    let long = format!("age-encryption.org/v1\n-> X25519 {}\n", "A".repeat(1_300_000));
    for (name, bytes, words) in
        [("many.age", many, "more than 256 keys"), ("long.age", long, "longer than 65536 bytes")]
    {
        let since = Instant::now();
        let more = ["--no-restore", "--identity", key.path()];
        let run = host.import_file("shop", name, bytes.as_bytes(), &more).expect(6);
        assert!(run.stderr.contains(words), "{}", run.stderr);
        assert!(since.elapsed() < SOON, "{:?}", since.elapsed());
    }
    // What we could not read we do not write.
    let keys = vec![key.public.clone(); 3].join(" ");
    host.dokku(&["backups:set", "shop", "encrypt-to", &keys]).expect(0);
    host.export("shop");
}

#[test]
fn attack_417_whoever_reads_a_file_listens() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.set("shop", "import-limit", "9g");
    for line in ["INSERT INTO public.a VALUES (1);\n", "\\connect shop\n"] {
        let file = host.file("endless.sql.gz", &endless(line));
        let running = reading(&host, &file);
        let since = Instant::now();
        host.signal("shop", Signal::SIGTERM);
        let run = running.wait().expect(143);
        assert!(since.elapsed() < SOON, "{line}: {:?}", since.elapsed());
        assert!(run.stderr.contains("ended by SIGTERM"), "{}", run.stderr);
        assert!(host.list("shop").is_empty());
        let running = reading(&host, &file);
        let since = Instant::now();
        host.dokku(&["backups:cancel", "shop"]).expect(0);
        running.wait().expect(143);
        assert!(since.elapsed() < SOON, "{line}: {:?}", since.elapsed());
    }
    assert_nothing_left(&host);
}

#[test]
fn attack_417_a_decoder_that_gives_nothing_listens_too() {
    let host = Host::up();
    host.database("shop", SHOP);
    // Members of gzip without a byte in them: much is read, nothing comes out, and no draft is begun.
    let bytes = gzip(b"").repeat(20_000_000);
    let file = host.file("empty.sql.gz", &bytes);
    let file = file.to_str().expect("a path");
    let running = host.start(&["backups:import", "shop", "--file", file, "--no-restore"]);
    let pid = wait_for("the lock", || {
        let words = fs::read_to_string(host.folder("shop").join(".lock")).ok()?;
        words.strip_prefix("pid ")?.split_once(':')?.0.parse().ok()
    });
    std::thread::sleep(Duration::from_millis(200));
    let since = Instant::now();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGTERM).expect("a process");
    running.wait().expect(143);
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    assert_nothing_left(&host);
}

#[test]
fn attack_424_a_trickle_is_not_waited_for_without_end() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.set("shop", "import-timeout", "2");
    let mut command = host.dokku_command(&["backups:import", "shop", "--file", "-", "--no-restore"]);
    let mut running = Running::start({
        command.stdin(Stdio::piped());
        command
    });
    let mut stdin = running.stdin();
    let since = Instant::now();
    while running.is_running() && since.elapsed() < Duration::from_secs(20) {
        let _ = stdin.write_all(b"-- PostgreSQL database dump\n");
        std::thread::sleep(Duration::from_millis(300));
    }
    let run = running.wait().expect(1);
    assert!(run.stderr.contains("longer than allowed") && run.stderr.contains("import-timeout"), "{}", run.stderr);
    assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());
    assert_nothing_left(&host);
}

#[test]
fn attack_424_a_configuration_folder_that_others_may_write_is_refused() {
    let host = Host::up();
    host.database("shop", SHOP);
    let folder = Path::new(host.var("DOKKU_LIB_ROOT")).join("config/backups");
    let chmod = |mode: u32| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).expect("mode");
    let commands: [&[&str]; 5] = [
        &["backups:export", "shop"],
        &["backups:set", "shop", "retention", "3"],
        &["backups:schedule", "shop", "daily"],
        &["backups:report", "shop"],
        &["backups:grant", "alice", "read"],
    ];
    for mode in [0o777, 0o770, 0o702] {
        chmod(mode);
        for args in commands {
            let run = if args[0] == "backups:grant" { host.as_root(args) } else { host.dokku(args) }.expect(1);
            assert!(run.stderr.contains("may be written by others"), "{args:?}: {}", run.stderr);
            assert!(run.stderr.contains("sudo chmod 700"), "{args:?}: {}", run.stderr);
        }
    }
    chmod(0o700);
    host.export("shop");
}

#[test]
fn attack_424_reasons_are_short_times_are_usage_and_the_log_is_closed() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.fault(&format!("postgres:export/fail={}", "long".repeat(16_000)));
    let run = host.dokku(&["backups:export", "shop", "--format", "json"]).expect(1);
    assert!(run.error()["message"].as_str().expect("text").len() <= 1024);
    host.fault("");
    let row = &host.list("shop")[0];
    let reason = row["reason"].as_str().expect("a reason");
    assert!(reason.len() <= 1024 && reason.ends_with("..."), "{}", reason.len());
    for at in ["1969-12-31T23:59:59Z", "-0001-01-01T00:00:00Z"] {
        host.dokku(&["backups:export", "shop", &format!("--at={at}")]).expect(2);
    }
    let log = Path::new(host.var("DOKKU_LOGS_DIR")).join("backups.log");
    host.schedule("2026-04-08T12:00:00Z", "shop hourly --at :30");
    host.cron("2026-04-08T12:30:10Z").expect(0);
    let mode = || fs::metadata(&log).expect("the log").permissions().mode() & 0o777;
    assert_eq!(mode(), 0o640, "closed as soon as it is written");
}

#[test]
fn attack_409_a_record_names_some_tables_and_counts_the_others() {
    let host = Host::up();
    host.database("shop", SHOP);
    let tables: String = (0..5_100)
        .map(|n| format!("CREATE TABLE public.t{n} (a integer);\nCOPY public.t{n} (a) FROM stdin;\n1\n2\n\\.\n"))
        .collect();
    let whole =
        format!("--\n-- PostgreSQL database dump\n--\n\n{tables}\n--\n-- PostgreSQL database dump complete\n--\n");
    let run = host.import_file("shop", "many.sql", whole.as_bytes(), &["--no-restore"]).expect(0);
    assert!(run.stderr.contains("5100 tables, 10200 rows"), "{}", run.stderr);
    let info = host.info("shop", &run.id());
    assert_eq!(info["tables"].as_array().expect("tables").len(), 5_000);
    assert_eq!(info["more_tables"], serde_json::json!({ "tables": 100, "rows": 200 }));
    let shown = host.dokku(&["backups:info", "shop", "--id", &run.id()]).expect(0).out();
    assert!(shown.contains("100, with 200 rows"), "{shown}");
    let size = fs::metadata(host.folder("shop").join(format!("{}.toml", run.id()))).expect("the record").len();
    assert!(size < 1 << 20, "{size}");
}

/// The answer to "type the name" is a deed; nothing is changed by it.
#[track_caller]
fn at_the_question(host: &Host, verb: &[&str], deed: Deed) -> Run {
    let before = host.digest("shop");
    let run = host.on_terminal(verb, "to proceed", deed);
    assert_eq!(host.digest("shop"), before);
    assert!(run.stderr.contains("nothing was changed"), "{}", run.stderr);
    assert!(!run.stderr.contains("--no-backup"), "{}", run.stderr);
    run
}

#[test]
fn ux_301_ctrl_c_and_term_end_the_question_at_once() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.export("shop");
    let import = ["backups:import", "shop", "--latest"];
    at_the_question(&host, &import, Deed::Types(&[3])).expect(130);
    at_the_question(&host, &import, Deed::Types(b"sho\x03")).expect(130);
    let lock = host.folder("shop").join(".lock");
    at_the_question(&host, &import, Deed::Terminates(&lock)).expect(143);
    at_the_question(&host, &["backups:reset", "shop"], Deed::Types(&[3])).expect(130);
    at_the_question(&host, &import, Deed::Types(b"no\n")).expect(7);
    let run = host.on_terminal(&import, "to proceed", Deed::Types(b"shop\n")).expect(0);
    assert!(run.stderr.contains("Restored"), "{}", run.stderr);
    let run = host.dokku_stdin(b"shop\n", &import).expect(0);
    assert!(run.stderr.contains("Restored"), "a pipe answers as well: {}", run.stderr);
}

#[test]
fn ux_301_a_safety_backup_that_was_interrupted_recommends_nothing() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.export("shop");
    host.fault("postgres:export/slow=20000");
    let running = host.start(&["--force", "backups:import", "shop", "--latest"]);
    host.signal("shop", Signal::SIGINT);
    let run = running.wait().expect(130);
    assert!(!run.stderr.contains("--no-backup") && !run.stderr.contains("failed"), "{}", run.stderr);
    assert!(run.stderr.contains("nothing was restored"), "{}", run.stderr);
}
