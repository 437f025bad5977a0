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

/// Roles that the service's database knows, and what they may do; with a sequence of a column, a function and a schema.
const ROLES: &str = "create role reader; create role app; create role \"Odd, one\";
create schema sales authorization app; create table sales.orders(id serial primary key, note text);
alter table sales.orders owner to app; insert into sales.orders(note) select 'n' from generate_series(1, 7);
create function sales.total(a int, b text default ';') returns int language sql as 'select a'; alter function sales.total(int, text) owner to app;
create view sales.notes as select note from sales.orders; alter view sales.notes owner to app;
grant usage on schema sales to reader; grant select on sales.orders to reader with grant option;
grant select(id) on items to \"Odd, one\"; grant execute on function sales.total(int, text) to reader; revoke all on function sales.total(int, text) from public;
alter default privileges for role app in schema sales grant select on tables to reader;";

/// Whose things are, and who may do what, in words.
fn granted(host: &Host) -> String {
    host.sql("shop", "select c.relname, pg_get_userbyid(c.relowner), c.relacl::text, (select array_agg(a.attacl::text) from pg_attribute a where a.attrelid = c.oid and a.attacl is not null)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('public', 'sales') and c.relkind in ('r', 'S', 'v') order by 1;
select proname, pg_get_userbyid(proowner), proacl::text from pg_proc where proname = 'total';
select nspname, pg_get_userbyid(nspowner), nspacl::text from pg_namespace where nspname = 'sales';
select pg_get_userbyid(defaclrole), defaclacl::text from pg_default_acl")
}

#[test]
fn row_073_owners_and_privileges_come_back_where_the_roles_are_there() {
    let host = Host::up();
    host.database("shop", SHOP);
    let run = host.dokku(&["backups:set", "shop", "grants", "on"]).expect(1);
    assert!(run.stderr.contains("needs dump direct"), "{}", run.stderr);
    host.set("shop", "dump", "direct");
    let without = host.export("shop");
    host.sql("shop", ROLES);
    host.set("shop", "grants", "on");
    host.dokku(&["backups:set", "shop", "dump", "stock"]).expect(1);
    let was = granted(&host);
    assert!(was.contains("reader=r*/app") && was.contains("Odd, one"), "{was}");
    let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    let info = host.info("shop", &id);
    assert_eq!((&info["grants"], &info["trust"]), (&json!(true), &json!("restorable")));
    assert_eq!(info["verification"]["comparison"], "dumped-again");

    // What comes back is no loss in the plan; what does not is one.
    host.sql("shop", "delete from sales.orders");
    let plan = host.dokku(&["backups:import", "shop", "--id", &id, "--dry-run"]).expect(0).stderr;
    assert!(!plan.contains("to reader") && !plan.contains("the owner of"), "{plan}");
    let plan = host.dokku(&["backups:import", "shop", "--id", &without, "--dry-run"]).expect(0).stderr;
    assert!(plan.contains("to reader") && plan.contains("the owner of"), "{plan}");
    let run = host.dokku(&["--force", "backups:import", "shop", "--id", &id]).expect(0);
    assert!(!run.stderr.contains("not given back"), "{}", run.stderr);
    assert_eq!(granted(&host), was);
    assert_eq!(host.sql("shop", "select count(*) from sales.orders"), "7");

    // As differences, too; and the safety backup of a restore has them like any other.
    host.set("shop", "storage", "delta");
    host.export("shop");
    let delta = host.export("shop");
    host.dokku(&["--force", "backups:import", "shop", "--id", &without]).expect(0);
    assert!(!granted(&host).contains("reader="));
    host.dokku(&["--force", "backups:import", "shop", "--id", &delta]).expect(0);
    assert_eq!(granted(&host), was);

    // A role that is gone fails nothing: it is told, and the others get theirs.
    host.dokku(&["--force", "backups:import", "shop", "--id", &without, "--no-backup"]).expect(0);
    host.sql("shop", "drop owned by reader; drop role reader");
    let run = host.dokku(&["--force", "backups:import", "shop", "--id", &id]).expect(0);
    assert!(
        run.stderr.contains("not given back") && run.stderr.contains("reader, which this server does not have"),
        "{}",
        run.stderr
    );
    let restores = host.info("shop", &id)["restores"].clone();
    let told = restores.as_array().and_then(|restores| restores.last()).map(|last| last["not_given"].to_string());
    assert!(told.is_some_and(|told| told.contains("reader, which this server does not have")), "{restores}");
    let now = granted(&host);
    assert!(!now.contains("reader") && now.contains("Odd, one") && now.contains("orders|app"), "{now}");
    // In a fork there is none of them.
    let run = host.dokku(&["backups:fork", "shop", "copy", "--id", &id]).expect(0);
    assert!(run.code == Some(0), "{run:?}");
    assert_eq!(host.digest("copy"), host.digest("shop"));
}

#[test]
fn row_073_privileges_of_a_dump_made_elsewhere_are_nobodys_word() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.set("shop", "dump", "direct");
    host.set("shop", "grants", "on");
    host.sql("shop", ROLES);
    let id = host.export("shop");
    let file = host.dir().join("foreign.dump");
    std::fs::write(&file, host.dokku(&["backups:download", "shop", "--id", &id]).expect(0).stdout).expect("write");
    host.give(&file);
    host.sql("shop", "revoke all on items from \"Odd, one\"");
    let run = host.dokku(&["--force", "backups:import", "shop", "--file", file.to_str().expect("a path")]).expect(0);
    let taken = host.list("shop").into_iter().find(|backup| backup["source"] == "imported").expect("it");
    assert_eq!(taken["grants"], json!(false), "{}", run.stderr);
    let now = granted(&host);
    assert!(!now.contains("Odd, one") && !now.contains("reader="), "{now}");
}
