//! Dumps made elsewhere, in every form and by every way in: they become backups, restore, and compare equal.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::support::faults::tree;
use super::support::{Host, Run, SHOP};

/// What foreign dumps have stumbled over: owners and grants of roles that only their own server has, bodies with
/// semicolons, names that need quotes, values that look like something else, large objects, partitions.
pub const ELSEWHERE: &str = r#"
create role app; create schema "We""ird";
create table "We""ird"."T a.b (" ("x, y" text, z int); alter table "We""ird"."T a.b (" owner to app;
insert into "We""ird"."T a.b (" values (E'tab\t nl\n bs\\ \\.', 1), ('\! id', 2), (E'it''s; "q" $$ -- /*', 3), (null, 4);
create function two() returns int language sql begin atomic select case when true then 1 end; select 2; end;
create function noted() returns trigger language plpgsql as $f$ begin perform 'alter table a owner to b;'; return new; end $f$;
create table parts(k int, v text) partition by range (k); create table parts_a partition of parts for values from (0) to (100);
insert into parts select g, md5(g::text) from generate_series(0, 99) g;
create table kinds(id int generated always as identity primary key, twice int generated always as (id * 2) stored, j jsonb);
insert into kinds(j) values ('{"a": [1]}'), (null), ('null');
create trigger notes before insert on kinds for each row execute function noted();
create rule quiet as on delete to kinds do instead (select 1; select 2);
create materialized view summed as select count(*) from parts; create view shown as select * from kinds;
select lo_from_bytea(0, decode(repeat('ab', 5000), 'hex')), lo_create(4242);
grant select on kinds to app; alter default privileges for role app grant select on tables to public;
create sequence tickets increment 5; select nextval('tickets');
"#;

impl Host {
    /// Makes a service that stands for a server elsewhere.
    pub fn elsewhere(&self, service: &str) {
        self.database(service, SHOP);
        self.psql(service, service, ELSEWHERE);
    }

    /// What `pg_dump ARGS...` says of a service's database.
    pub fn pg_dump(&self, service: &str, args: &[&str]) -> Vec<u8> {
        let container = format!("dokku.postgres.{service}");
        let all = [&["container", "exec", &container, "pg_dump", "-U", "postgres", "-d", service], args].concat();
        self.docker(&all).expect(0).stdout
    }

    /// A file in the sandbox that Dokku's user may read.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir().join(name);
        fs::write(&path, bytes).expect("a file");
        self.give(&path);
        path
    }

    /// Imports a file into `service` without asking.
    pub fn import_file(&self, service: &str, name: &str, bytes: &[u8], more: &[&str]) -> Run {
        let path = self.file(name, bytes);
        let path = path.to_str().expect("a path");
        let all = [&["--force", "backups:import", service, "--file", path], more].concat();
        self.dokku(&all)
    }
}

/// Bytes as a program packs them.
pub fn packed(program: &str, bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .arg("-c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{program}: {e}"));
    let mut stdin = child.stdin.take().expect("stdin");
    let bytes = bytes.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&bytes).expect(""));
    let output = child.wait_with_output().expect("packed");
    feeder.join().expect("feeder");
    output.stdout
}

#[test]
fn row_052_row_053_every_form_of_a_file_is_taken_in_and_restores_equal() {
    let host = Host::up();
    host.elsewhere("shop");
    host.dokku(&["postgres:create", "target"]).expect(0);
    let truth = host.digest("shop");
    let custom = host.pg_dump("shop", &["-Fc"]);
    let sql = host.pg_dump("shop", &[]);
    let forms: Vec<(&str, Vec<u8>, &str)> = vec![
        ("shop.dump", custom.clone(), "custom"),
        ("shop.dump.gz", packed("gzip", &custom), "custom"),
        // The name says something else than the bytes.
        ("shop.sql.gz", packed("zstd", &custom), "custom"),
        ("shop.sql", sql.clone(), "plain"),
        ("shop.txt", packed("gzip", &sql), "plain"),
        ("shop", packed("zstd", &sql), "plain"),
        ("inserts.sql", host.pg_dump("shop", &["--inserts"]), "plain"),
        ("rows.sql", host.pg_dump("shop", &["--column-inserts", "--rows-per-insert=7"]), "plain"),
        ("create.sql", host.pg_dump("shop", &["--create", "--clean", "--if-exists"]), "plain"),
        ("clean.sql", host.pg_dump("shop", &["--clean"]), "plain"),
    ];
    for (name, bytes, format) in forms {
        host.sql("target", "drop schema public cascade; create schema public; create table junk(x int);");
        let run = host.import_file("target", name, &bytes, &["--no-backup", "--format", "json"]).expect(0);
        let backup = run.json();
        assert_eq!(host.digest("target"), truth, "{name}");
        assert_eq!((&backup["source"], &backup["dump_format"]), (&"imported".into(), &format.into()), "{name}");
        assert_eq!(backup["label"], name);
        assert_eq!(backup["restores"][0]["status"], "success");
        let tables = backup["tables"].as_array().expect("tables");
        let rows: u64 = tables.iter().map(|table| table["rows"].as_u64().expect("rows")).sum();
        assert_eq!(rows, 500 + 200 + 4 + 100 + 3, "{name}: {tables:?}");
        let id = backup["id"].as_str().expect("an id").to_owned();
        host.dokku(&["backups:verify", "target", "--id", &id]).expect(0);
        assert_eq!(host.trust("target", &id), "restorable", "{name}");
        host.check_settled("target", name);
    }
}

#[test]
fn row_052_from_stdin_byte_for_byte_and_without_restoring() {
    let host = Host::up();
    host.dokku(&["postgres:create", "shop"]).expect(0);
    host.dokku(&["postgres:create", "target"]).expect(0);
    host.psql(
        "shop",
        "shop",
        "create table noise(b bytea); alter table noise alter b set storage external; insert into noise
         select string_agg(sha512((g * 1000 + h)::text::bytea), '') from generate_series(1, 830) g, generate_series(1, 1000) h group by g;",
    );
    let dump = host.pg_dump("shop", &["-Fc", "-Z0"]);
    assert!(dump.len() > 50_000_000, "{}", dump.len());
    let before = host.digest("target");
    let run = host.dokku_stdin(&dump, &["backups:import", "target", "--file", "-", "--no-restore"]).expect(0);
    let id = run.id();
    assert_eq!(fs::read(host.dump_file("target", &id)).expect("the dump"), dump);
    assert_eq!(host.digest("target"), before, "nothing was restored");
    host.check("target", std::slice::from_ref(&id), true);
    assert_eq!(host.info("target", &id)["label"], "stdin");
    // Restored later, forked, and taken by another service.
    host.dokku(&["backups:import", "target", "--id", &id, "--no-backup", "--force"]).expect(0);
    assert_eq!(host.digest("target"), host.digest("shop"));
    host.dokku(&["backups:fork", "target", "--id", &id, "forked"]).expect(0);
    assert_eq!(host.digest("forked"), host.digest("shop"));
}

#[test]
fn row_052_plain_sql_forks_resets_adopts_and_goes_to_another_service() {
    let host = Host::up();
    host.elsewhere("shop");
    for service in ["target", "other"] {
        host.dokku(&["postgres:create", service]).expect(0);
    }
    let (truth, sql) = (host.digest("shop"), host.pg_dump("shop", &[]));
    host.dokku(&["backups:set", "target", "compression", "zstd"]).expect(0);
    let run = host.dokku_stdin(&sql, &["backups:import", "target", "--file", "-", "--no-restore"]).expect(0);
    let id = run.id();
    assert!(host.folder("target").join(format!("{id}.sql.zst")).exists());
    host.dokku(&["backups:import", "other", "--from-service", "target", "--id", &id, "--force", "--no-backup"])
        .expect(0);
    assert_eq!(host.digest("other"), truth);
    host.dokku(&["backups:fork", "target", "--id", &id, "forked"]).expect(0);
    host.sql("forked", "drop table orders cascade");
    host.dokku(&["backups:reset", "forked", "--force"]).expect(0);
    assert_eq!(host.digest("forked"), truth);
    // The stock import knows archives only.
    host.dokku(&["backups:import", "target", "--id", &id, "--in-place", "--force", "--no-backup"]).expect(7);
    // A lost record is made again from the bytes.
    fs::remove_file(host.folder("target").join(format!("{id}.toml"))).expect("the record");
    host.dokku(&["backups:sync", "target"]).expect(0);
    let again = host.info("target", &id);
    assert_eq!(
        (&again["dump_format"], &again["adopted"], &again["status"]),
        (&"plain".into(), &true.into(), &"success".into())
    );
    host.dokku(&["backups:verify", "target", "--id", &id]).expect(0);
    host.dokku(&["backups:delete", "target", "--id", &id, "--force"]).expect(0);
    assert!(!host.folder("target").join(format!("{id}.sql.zst")).exists());
}

#[test]
fn fault_044_what_is_no_dump_is_named_and_nothing_is_recorded() {
    let host = Host::up();
    host.elsewhere("shop");
    let custom = host.pg_dump("shop", &["-Fc"]);
    let tar = host.pg_dump("shop", &["-Ft"]);
    let crlf: Vec<u8> =
        custom.iter().flat_map(|byte| if *byte == b'\n' { vec![b'\r', b'\n'] } else { vec![*byte] }).collect();
    let before = (tree(&host.folder("shop")), host.digest("shop"));
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("a", b"\x7fELF\x02\x01\x01 and more".to_vec(), "a Linux program"),
        ("a.dump", b"PK\x03\x04 and more".to_vec(), "a zip file"),
        ("a.sql", b"\xff\xd8\xff\xe0 picture".to_vec(), "a JPEG picture"),
        ("a.dump", tar[..tar.len() / 2].to_vec(), "the tar file is damaged"),
        ("a.dump", crlf, "line ends a terminal"),
        ("a.dump", b"<!DOCTYPE html><p>Sign in".to_vec(), "a web page"),
        ("a.dump", b"-- MySQL dump 10.13\n".to_vec(), "MySQL"),
        ("a.dump", b"hello there\n".to_vec(), "some text"),
        ("a.dump", Vec::new(), "an empty file"),
        ("a.gz", packed("gzip", b"\x89PNG\r\n"), "a PNG picture"),
        ("a.gz", packed("gzip", &packed("zstd", &packed("gzip", &custom))), "packed more than"),
        ("a.dump", custom[..custom.len() - 7].to_vec(), "damaged"),
        ("a.sql", host.pg_dump("shop", &[])[..3000].to_vec(), "damaged"),
        ("a.gz", packed("gzip", &custom)[..2000].to_vec(), "damaged"),
    ];
    for (name, bytes, words) in cases {
        let run = host.import_file("shop", name, &bytes, &["--format", "json"]).expect(6);
        let error = run.error();
        assert!(error["message"].as_str().unwrap_or_default().contains(words), "{words}: {error}");
        assert!(run.stdout.is_empty(), "{words}");
    }
    let run = host.dokku(&["--force", "backups:import", "shop", "--file", "/etc"]).expect(2);
    assert!(run.stderr.contains("is a folder"), "{}", run.stderr);
    host.dokku(&["--force", "backups:import", "shop", "--file", "dump"]).expect(2);
    host.dokku(&["--force", "backups:import", "shop", "--file", "/nowhere"]).expect(1);
    assert_eq!(host.list("shop"), Vec::<serde_json::Value>::new());
    assert_eq!(host.digest("shop"), before.1);
    host.assert_no_strays();
    host.check("shop", &[], true);
}

#[test]
fn fault_045_a_bomb_is_bounded_in_memory_time_and_disk() {
    let host = Host::up();
    host.dokku(&["postgres:create", "shop"]).expect(0);
    host.dokku(&["backups:set", "shop", "import-limit", "64m"]).expect(0);
    let mut sql = b"--\n-- PostgreSQL database dump\n--\n".to_vec();
    sql.resize(1 << 30, b'\n');
    for program in ["gzip", "zstd"] {
        let bomb = packed(program, &sql);
        assert!(bomb.len() < sql.len() / 900, "{program}: {}", bomb.len());
        let path = host.file("bomb", &bomb);
        let mut command = host.alone(&["backups:import", "shop", "--file", path.to_str().expect("a path"), "--force"]);
        command.args(["--format", "json"]);
        let since = std::time::Instant::now();
        // Address space is counted, not memory: 400 MiB hold the program and its threads, not the bomb.
        let limited = "ulimit -v 400000; exec \"$0\" \"$@\"";
        let mut shell = host.command("bash");
        shell.args(["-c", limited]).arg(command.get_program()).args(command.get_args());
        let run = super::support::finish(shell).expect(1);
        assert_eq!(run.error()["kind"], "no-space", "{run:?}");
        assert!(run.error()["message"].as_str().unwrap_or_default().contains("larger than 64"), "{run:?}");
        assert!(since.elapsed() < std::time::Duration::from_secs(20));
        let left: u64 = tree(&host.folder("shop")).values().map(|node| node.bytes.len() as u64).sum();
        assert!(left < 10_000, "{program}: {left} bytes are left");
    }
    host.check("shop", &[], true);
}

#[test]
fn row_052_a_file_of_dokkus_own_folders_is_refused() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.dokku(&["postgres:create", "other"]).expect(0);
    let id = host.export("shop");
    let dump = host.dump_file("shop", &id);
    let link = host.dir().join("link");
    std::os::unix::fs::symlink(&dump, &link).expect("a link");
    for path in [&dump, &link] {
        let run =
            host.dokku(&["--force", "backups:import", "other", "--file", path.to_str().expect("a path")]).expect(7);
        assert!(run.stderr.contains("Dokku's own folders"), "{}", run.stderr);
    }
    assert!(host.list("other").is_empty());
}

#[test]
fn row_052_asking_needs_stdin_and_a_no_leaves_the_dump_taken_in() {
    let host = Host::up();
    host.database("shop", SHOP);
    let (before, dump) = (host.digest("shop"), host.pg_dump("shop", &["-Fc"]));
    let run = host.dokku_stdin(&dump, &["backups:import", "shop", "--file", "-"]).expect(2);
    assert!(run.stderr.contains("--no-restore"), "{}", run.stderr);
    let path = host.file("mine.dump", &dump);
    let run =
        host.dokku_stdin(b"no\n", &["backups:import", "shop", "--file", path.to_str().expect("a path")]).expect(7);
    assert!(run.stderr.contains("made elsewhere"), "{}", run.stderr);
    let id = run.id();
    assert!(run.stderr.contains(&format!("--id {id}")), "{}", run.stderr);
    assert_eq!(host.digest("shop"), before);
    assert_eq!(host.trust("shop", &id), "created");
    for wrong in [
        &["--latest", "--file", "/x"][..],
        &["--file", "/x", "--from-service", "shop"],
        &["--latest", "--no-restore"],
        &[],
    ] {
        host.dokku(&[&["backups:import", "shop"], wrong].concat()).expect(2);
    }
}

#[test]
fn row_052_a_dump_from_elsewhere_is_no_backup_of_the_service_until_it_was_restored_there() {
    let host = Host::up();
    host.elsewhere("elsewhere");
    host.database("shop", "create table own(x int)");
    let dump = host.pg_dump("elsewhere", &["-Fc"]);
    let id = host.import_file("shop", "a.dump", &dump, &["--no-restore"]).expect(0).id();
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    // The gate wants a backup of what the service holds.
    host.dokku(&["postgres:destroy", "shop", "--force"]).expect(7);
    host.dokku(&["backups:check", "shop"]).expect(1);
    let own = host.export("shop");
    host.import_file("shop", "b.dump", &dump, &["--no-restore"]).expect(0);
    let run =
        host.dokku(&["backups:import", "shop", "--latest", "--force", "--no-backup", "--format", "json"]).expect(0);
    assert_eq!(run.json()["id"], own.as_str(), "--latest is the newest of the service's own");
    host.dokku(&["backups:import", "shop", "--id", &id, "--force", "--no-backup"]).expect(0);
    assert_eq!(host.digest("shop"), host.digest("elsewhere"));
}

#[test]
fn fault_022_killed_at_any_step_of_taking_a_dump_in() {
    let host = Host::up();
    host.elsewhere("shop");
    let (before, sql) = (host.digest("shop"), host.pg_dump("shop", &[]));
    let path = host.file("a.sql", &packed("gzip", &sql));
    let args = ["backups:import", "shop", "--file", path.to_str().expect("a path"), "--no-restore"];
    let points = host.count_points(&args);
    assert!(points > 40, "{points}");
    for point in (1..=points).step_by(3) {
        let run = host.at_point(&format!("abort={point}"), &args);
        let said = String::from_utf8_lossy(&run.stdout).trim().to_owned();
        host.dokku(&["backups:sync", "shop"]).expect(0);
        let acknowledged: Vec<String> = Some(said).filter(|id| !id.is_empty()).into_iter().collect();
        host.check("shop", &acknowledged, true);
        for backup in host.list("shop") {
            let whole = backup["status"] == "success" && backup["dump_format"] == "plain";
            assert!(whole || backup["status"] == "failed", "killed at {point}: {backup}");
        }
    }
    for point in (1..=points).step_by(3) {
        let run = host.at_point(&format!("fail={point}"), &args);
        host.dokku(&["backups:sync", "shop"]).expect(0);
        let id = run.out().trim().to_owned();
        host.check("shop", &Some(id).filter(|id| !id.is_empty()).into_iter().collect::<Vec<_>>(), true);
    }
    assert_eq!(host.digest("shop"), before);
}
