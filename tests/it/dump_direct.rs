//! `dump direct`: the service's own dump program rather than the plugin's export (row 73).

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use super::support::{Host, SHOP, finish};

/// A host whose service `shop` is dumped directly.
fn direct() -> Host {
    let host = Host::up();
    host.database("shop", SHOP);
    host.dokku(&["backups:set", "shop", "dump", "direct"]).expect(0);
    host
}

/// Dumps that go on in the server.
fn dumping(host: &Host) -> String {
    host.psql("shop", "postgres", "select count(*) from pg_stat_activity where application_name = 'pg_dump'")
}

#[test]
fn row_073_a_direct_dump_is_a_backup_like_any_other() {
    let host = direct();
    for wrong in ["on", "zstd", ""] {
        let run = host.dokku(&["backups:set", "shop", "dump", wrong]);
        assert!(wrong.is_empty() || run.code == Some(2) && run.stderr.contains("stock or direct"), "{}", run.stderr);
    }
    host.dokku(&["backups:set", "shop", "dump", "direct"]).expect(0);
    let report = host.dokku(&["backups:report", "shop", "--format", "json"]).expect(0).json();
    assert_eq!(report["properties"]["dump"]["computed"], json!("direct"), "{report}");
    let stock = host.calls("postgres:export");
    let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    assert_eq!(host.calls("postgres:export"), stock, "the plugin's export was used");
    let info = host.info("shop", &id);
    assert_eq!(
        (&info["trust"], &info["origin"], &info["database"]),
        (&json!("restorable"), &json!("own"), &json!("shop"))
    );
    assert_eq!(info["verification"]["comparison"], "dumped-again");
    let log = host.dokku(&["backups:logs", "shop", "--id", &id]).expect(0).out();
    assert!(log.contains("direct dump of postgres:shop began"), "{log}");
    // By the plugin's own export the same is in it.
    let dumped = host.digest("shop");
    host.dokku(&["backups:set", "shop", "dump"]).expect(0);
    let export = host.info("shop", &host.export("shop"));
    assert_eq!(host.calls("postgres:export"), stock + 1);
    assert_eq!((&export["tables"], &export["dump_format"]), (&info["tables"], &info["dump_format"]));
    host.sql("shop", "drop table items cascade");
    host.dokku(&["--force", "backups:import", "shop", "--id", &id]).expect(0);
    assert_eq!(host.digest("shop"), dumped);
    // An ordinary archive, for anybody's own programs.
    let fetched = host.dokku(&["backups:download", "shop", "--id", &id]).expect(0);
    assert!(fetched.stdout.starts_with(b"PGDMP"));
    // A safety backup, a fork and another form of the file.
    host.dokku(&["backups:set", "--global", "dump", "direct"]).expect(0);
    let stock = host.calls("postgres:export");
    host.dokku(&["--force", "backups:import", "shop", "--id", &id]).expect(0);
    host.dokku(&["backups:fork", "shop", "copy", "--id", &id]).expect(0);
    let zstd = host.dokku(&["backups:export", "copy", "--verify", "--compression", "zstd"]).expect(0).id();
    assert_eq!(host.info("copy", &zstd)["trust"], "restorable");
    assert_eq!(host.calls("postgres:export"), stock);
}

#[test]
fn row_073_fault_001_to_014_what_goes_wrong_with_a_direct_dump_is_told_and_leaves_nothing_good() {
    let host = direct();
    let good = host.export("shop");
    let size = host.info("shop", &good)["size"].as_u64().expect("a size");
    let cut = format!("docker:exec:pg_dump/cut={}", size - 1);
    for (fault, kind, words) in [
        ("docker:exec:pg_dump/empty", "child", "no output"),
        (&cut, "damaged", "the dump is damaged"),
        ("docker:exec:pg_dump/cut=60", "damaged", "the dump is damaged"),
        ("docker:exec:pg_dump/append=x", "damaged", "bytes follow the end"),
        ("docker:exec:pg_dump/killed=900", "child", "SIGKILL"),
        ("docker:exec:pg_dump/broken=900", "child", "PQgetResult() failed"),
        ("docker:exec:pg_dump/late=3", "child", "exit code 3"),
        ("docker:exec:pg_dump/missing-exec", "child", "pg_dump"),
        ("docker:exec:pg_dump/stall=700", "timeout", "nothing came for 1 seconds"),
        ("docker:exec:pg_dump/deaf", "timeout", "nothing came for 1 seconds"),
        ("docker:exec:pg_dump/crlf", "damaged", "the dump is damaged"),
    ] {
        let since = Instant::now();
        host.export_fails("shop", fault, kind, words);
        assert!(since.elapsed() < Duration::from_secs(20), "{fault}: {:?}", since.elapsed());
    }
    // What is not up is not dumped, and no row is made for it.
    let before = host.list("shop").len();
    host.dokku(&["postgres:stop", "shop"]).expect(0);
    let run = host.dokku(&["backups:export", "shop"]).expect(1);
    assert!(run.stderr.contains("not running"), "{}", run.stderr);
    host.dokku(&["postgres:start", "shop"]).expect(0);
    assert_eq!(host.list("shop").len(), before);
    // Any file system takes it like an export: slow is not hung.
    host.fault(&format!("docker:exec:pg_dump/slow={}@1", size / 3));
    host.dokku_with("DOKKU_BACKUPS_IDLE_TIMEOUT", "3", &["backups:export", "shop"]).expect(0);
}

#[test]
fn row_073_fault_022_a_direct_dump_killed_in_every_state_goes_on_nowhere() {
    let host = direct();
    let good = host.export("shop");
    let mut killed = 0;
    for state in 1.. {
        let run = host.killed_in(state, "shop", &["backups:export", "shop"]);
        finish(host.alone(&["backups:sync", "shop"])).expect(0);
        host.check_settled("shop", &format!("state {state}"));
        host.wait_until("the dump ends in the server too", || dumping(&host) == "0");
        assert_eq!(host.info("shop", &good)["presence"], "here");
        if run.code == Some(0) {
            break;
        }
        killed += 1;
    }
    assert!(killed > 5, "only {killed} states");
    // In the middle of the bytes.
    host.sql("shop", "create table wide as select i, repeat(md5(i::text), 200) as t from generate_series(1, 3000) i");
    host.sql("shop", "create table slow as select 1 as a");
    host.fault("docker:exec:pg_dump/stall=20000");
    let mut command = host.alone(&["backups:export", "shop"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary");
    host.wait_until("a draft", || host.list("shop")[0]["status"] == "in-progress");
    child.kill().expect("kill");
    child.wait().expect("its end");
    host.fault("");
    finish(host.alone(&["backups:sync", "shop"])).expect(0);
    assert_eq!(host.list("shop")[0]["status"], "failed");
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
}
