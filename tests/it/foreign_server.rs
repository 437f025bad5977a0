//! Dumps of a database of a server elsewhere, named by a connection string whose password nobody gets to see.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::support::{Host, Run};

/// Never to be seen anywhere, and no other test's word: a process list is everybody's. With everything that needs to be escaped somewhere.
const PASSWORD: &str = "lorikeet'5e:c\\r3t x";
/// The same in an address, and the part that stays the same however it is escaped.
const ENCODED: &str = "lorikeet%275e%3Ac%5Cr3t%20x";
const CANARY: &str = "lorikeet";

/// A host with a service that stands for a server elsewhere, and the address of its database but for the password.
fn host() -> (Host, u16) {
    let host = Host::up();
    host.elsewhere("shop");
    host.dokku(&["postgres:create", "target"]).expect(0);
    host.allow_private();
    let quoted = PASSWORD.replace('\'', "''");
    host.psql("shop", "shop", &format!("create role reader superuser login password '{quoted}'"));
    let port = host.psql("shop", "postgres", "show port").parse().expect("a port");
    (host, port)
}

fn from(host: &Host, dsn: &str, more: &[&str]) -> Run {
    let all = [&["--force", "backups:import", "target", "--from", "-", "--format", "json"], more].concat();
    host.dokku_stdin(dsn.as_bytes(), &all)
}

/// Looks at every process of the machine again and again until told to stop; returns where the canary was seen.
fn watch(stop: &Arc<AtomicBool>) -> std::thread::JoinHandle<(usize, Vec<String>)> {
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        let (mut dumps, mut seen) = (0, Vec::new());
        while !stop.load(Ordering::SeqCst) {
            for entry in fs::read_dir("/proc").expect("/proc").flatten() {
                let read = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
                let words = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace('\0', " ");
                let (line, environ) = (words(read("cmdline")), words(read("environ")));
                dumps += usize::from(line.contains("--format=custom"));
                // Whoever runs this test is no part of it.
                if (line.contains(CANARY) || environ.contains(CANARY)) && !line.contains("/deps/it-") {
                    seen.push(line);
                }
            }
        }
        (dumps, seen)
    })
}

#[test]
fn row_054_fault_089_a_database_elsewhere_is_dumped_and_its_password_is_nowhere() {
    let (host, port) = host();
    // Large enough to be looked at while it runs.
    host.psql("shop", "shop", "create table much as select g, md5(g::text) from generate_series(1, 300000) g");
    let stop = Arc::new(AtomicBool::new(false));
    let watcher = watch(&stop);
    let dsn = format!("postgresql://reader:{ENCODED}@127.0.0.1:{port}/shop?sslmode=disable\n");
    let run = from(&host, &dsn, &["--no-backup"]).expect(0);
    stop.store(true, Ordering::SeqCst);
    let (dumps, seen) = watcher.join().expect("the watcher");
    assert!(dumps > 0, "pg_dump was never seen running");
    assert_eq!(seen, Vec::<String>::new());
    assert_eq!(host.digest("target"), host.digest("shop"));
    let backup = run.json();
    assert_eq!((&backup["source"], &backup["label"]), (&"imported".into(), &"127.0.0.1/shop".into()));
    assert!(!run.stderr.contains(CANARY), "{}", run.stderr);
    for (path, text) in host.files() {
        assert!(!text.contains(CANARY), "{path}");
    }
    let calls = fs::read_dir(host.dir().join("run/calls")).expect("calls").flatten();
    assert!(calls.map(|file| fs::read_to_string(file.path()).expect("calls")).all(|text| !text.contains(CANARY)));
    assert!(!fs::read_dir("/dev/shm").expect("/dev/shm").flatten().any(|entry| {
        fs::read(entry.path()).is_ok_and(|bytes| bytes.windows(CANARY.len()).any(|word| word == CANARY.as_bytes()))
    }));
    // As an argument it works too, and that is said.
    let run = host.dokku(&["backups:import", "target", "--no-restore", "--from", dsn.trim()]).expect(0);
    assert!(run.stderr.contains("--from -") && !run.stderr.contains(CANARY), "{}", run.stderr);
    host.dokku(&["backups:verify", "target", "--id", &run.id()]).expect(0);
    host.check_settled("target", "from elsewhere");
}

#[test]
fn row_054_a_server_that_says_no_is_told_clearly_and_leaves_nothing() {
    let (host, port) = host();
    let before = host.digest("target");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let cases = [
        (format!("postgresql://reader:wrong-{CANARY}@127.0.0.1:{port}/shop"), "refuses the user or the password"),
        (format!("postgresql://reader@127.0.0.1:{port}/shop"), "refuses the user or the password"),
        (format!("postgresql://reader:{ENCODED}@127.0.0.1:{port}/nosuch"), "no such database"),
        (format!("postgresql://reader:{ENCODED}@127.0.0.1:{closed}/shop"), "does not answer"),
        (format!("postgresql://reader:{ENCODED}@no-such-host.invalid:{port}/shop"), "host is not known"),
    ];
    for (dsn, words) in &cases {
        let run = from(&host, dsn, &[]).expect(1);
        let message = run.error()["message"].as_str().unwrap_or_default().to_owned();
        assert!(message.contains(words), "{words}: {message}");
        assert!(!run.stderr.contains(CANARY), "{}", run.stderr);
    }
    // Newer than the image's pg_dump.
    host.fault("docker:run/fail=pg_dump:%20error:%20aborting%20because%20of%20server%20version%20mismatch");
    let run = from(&host, &format!("postgresql://reader:{ENCODED}@127.0.0.1:{port}/shop"), &[]).expect(1);
    host.fault("");
    assert!(run.stderr.contains("newer than the service's image"), "{}", run.stderr);
    for wrong in [
        &format!("hunter2 {CANARY}"),
        &format!("mysql://a:{CANARY}@h/d"),
        &format!("postgresql://a:{CANARY}@h/d?passfile=/x"),
    ] {
        let run = from(&host, wrong, &[]).expect(2);
        assert!(!run.stderr.contains(CANARY), "{}", run.stderr);
    }
    // Typed where it does not belong.
    let run = host.dokku(&["backups:import", "target", "postgresql://a:tapaculo@h/d"]).expect(2);
    assert!(!run.stderr.contains("tapaculo"), "{}", run.stderr);
    assert!(host.list("target").is_empty());
    assert_eq!(host.digest("target"), before);
    host.check("target", &[], true);
}
