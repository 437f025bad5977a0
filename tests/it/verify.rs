//! Verification: what it says, in which words, what it leaves, and what it never calls `Restorable`.

use std::fs;

use nix::sys::signal::Signal;

use super::support::fixture::ITEMS;
use super::support::{Host, Run, send, wait};

const FAULT: &str = "DOKKU_SANDBOX_FAULT";

fn list(host: &Host) -> String {
    host.dokku(&["backups:list", "shop"]).expect(0).out()
}

/// `backups:verify shop --id ID` with a fault whose calls are counted from here on.
fn verify_with(host: &Host, id: &str, fault: &str) -> Run {
    for entry in fs::read_dir(host.dir().join("run/calls")).expect("calls").flatten() {
        if entry.file_name().to_string_lossy().starts_with("docker:") {
            fs::remove_file(entry.path()).expect("calls");
        }
    }
    host.dokku_with(FAULT, fault, &["backups:verify", "shop", "--id", id])
}

#[test]
fn row_030_to_036_labels_words_and_evidence() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    assert!(list(&host).contains(" Created "), "{}", list(&host));
    assert_eq!(host.trust("shop", &id), "created");
    let run = host.dokku(&["backups:verify", "shop", "--latest"]).expect(0);
    assert_eq!(run.out(), format!("{id}: Restorable\n"));
    let info = host.info("shop", &id);
    assert_eq!(info["trust"], "restorable");
    let evidence = &info["verification"];
    assert_eq!((&evidence["tables"], &evidence["rows"]), (&1.into(), &500.into()));
    assert_eq!(evidence["sha256"], info["sha256"]);
    assert_eq!(evidence["image"], format!("postgres:{}", info["image_version"].as_str().unwrap_or_default()));
    assert!(evidence["reason"].is_null() && evidence["verified_at"].is_string(), "{evidence}");
    assert!(list(&host).contains(" Restorable "), "{}", list(&host));

    let second = host.dokku(&["backups:export", "shop", "--verify", "--format", "json"]).expect(0).json();
    assert_eq!(second["trust"], "restorable");
    let all = host.dokku(&["backups:verify", "shop", "--all", "--format", "json"]).expect(0).json();
    let words: Vec<_> =
        all["backups"].as_array().expect("array").iter().map(|b| b["trust"].as_str().unwrap_or("")).collect();
    assert_eq!(words, ["restorable", "restorable"]);

    // Evidence is for these bytes and no others.
    let mut bytes = fs::read(host.dump_file("shop", &id)).expect("dump");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    host.overwrite("shop", &id, &bytes);
    let run = host.dokku(&["backups:verify", "shop", "--id", &id]).expect(6);
    assert!(run.stderr.contains("is damaged"), "{}", run.stderr);
    assert_eq!(host.trust("shop", &id), "damaged");
    assert!(list(&host).contains(" Damaged "), "{}", list(&host));
    let run = host.dokku(&["backups:verify", "shop", "--all"]).expect(6);
    assert!(run.out().contains(second["id"].as_str().expect("id")), "the good one was verified: {}", run.out());
    assert!(run.stderr.contains("1 of 2 backups"), "{}", run.stderr);

    fs::remove_file(host.dump_file("shop", &id)).expect("dump");
    assert_eq!(host.trust("shop", &id), "missing");
    assert!(list(&host).contains(" Missing "), "{}", list(&host));
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(4);
    host.dokku(&["backups:verify", "shop"]).expect(2);
    host.dokku(&["backups:verify", "shop", "--latest", "--all"]).expect(2);
    assert_eq!(host.disposables(), "");
}

#[test]
fn row_036_an_empty_database_verifies_as_empty() {
    let host = Host::up();
    host.dokku(&["postgres:create", "shop"]).expect(0);
    let run = host.dokku(&["backups:export", "shop", "--verify", "--format", "json"]).expect(0).json();
    assert_eq!(run["trust"], "restorable");
    assert_eq!((&run["verification"]["tables"], &run["verification"]["rows"]), (&0.into(), &0.into()));
    // Large objects count too; that a missing one is seen is shown in `likeness`.
    host.sql("shop", "select lo_from_bytea(0, '\\x0102')");
    let with_object = host.export("shop");
    host.dokku(&["backups:verify", "shop", "--latest"]).expect(0);
    assert_eq!(host.info("shop", &with_object)["verification"]["comparison"], "dumped-again");
}

#[test]
fn row_033_validating_is_visible_and_the_dump_is_in_use() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    let other = host.export("shop");
    let child =
        host.start_dokku(&["backups:verify", "shop", "--id", &id], &[(FAULT, "docker:exec:pg_restore/delay=15")]);
    host.wait_until("validating", || host.trust("shop", &id) == "validating");
    assert!(list(&host).contains(" Validating "), "{}", list(&host));
    host.wait_until("a disposable database", || !host.disposables().is_empty());
    let filter = ["ps", "--all", "--filter", "label=dokku-backups.disposable", "--format", "{{.ID}}"];
    let container = host.docker(&filter).expect(0).out().trim().to_owned();
    let limits = ["inspect", "-f", "{{.HostConfig.NetworkMode}} {{.HostConfig.Memory}}", &container];
    assert_eq!(host.docker(&limits).expect(0).out().trim(), "none 1073741824", "row 37: no network, bounded memory");
    let run = host.dokku(&["backups:delete", "shop", "--id", &id]).expect(5);
    assert!(run.stderr.contains("in use"), "{}", run.stderr);
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(5);
    // Reading one dump keeps nobody from making or removing another.
    host.dokku(&["backups:delete", "shop", "--id", &other]).expect(0);
    wait(child).expect(0);
    assert_eq!(host.trust("shop", &id), "restorable");
    assert_eq!(host.disposables(), "");
    host.check("shop", &[id], true);
}

#[test]
fn fault_066_each_step_of_verification_fails_or_hangs() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    host.dokku(&["backups:set", "shop", "restore-timeout", "8"]).expect(0);
    // What says nothing about the backup leaves its record as it was.
    let says_nothing = [
        ("docker:run/exit=1", 1, "docker run"),
        ("docker:exec:pg_isready/exit=1", 1, "did not come up"),
        ("docker:exec:pg_isready/hang", 1, "nothing came"),
        ("docker:exec:pg_restore/die", 1, "verify-memory"),
        ("docker:exec:psql/exit=2@2", 1, "psql"),
        ("docker:exec:psql/hang@3", 1, "nothing came"),
        ("docker:ps/exit=1", 1, "docker ps"),
    ];
    let record = host.folder("shop").join(format!("{id}.toml"));
    let before = fs::read(&record).expect("record");
    for (fault, code, words) in says_nothing {
        let run = verify_with(&host, &id, fault).expect(code);
        assert!(run.stderr.contains(words), "{fault}: {}", run.stderr);
        assert_eq!(fs::read(&record).expect("record"), before, "{fault} changed the record");
        assert_eq!(host.disposables(), "", "{fault}");
    }
    let says_no = [
        ("docker:exec:pg_restore/exit=1", "pg_restore"),
        ("docker:exec:pg_restore/hang", "nothing came for 8 seconds"),
        ("docker:exec:pg_dump/exit=1", "pg_dump"),
        ("docker:exec:pg_dump/hang", "nothing came for 8 seconds"),
        ("docker:exec:pg_dump/out=nothing", "could not be dumped again"),
    ];
    for (fault, words) in says_no {
        let run = verify_with(&host, &id, fault).expect(6);
        let info = host.info("shop", &id);
        assert_eq!(info["trust"], "verification-failed", "{fault}: {}", run.stderr);
        let reason = info["verification"]["reason"].as_str().unwrap_or_default().to_owned();
        assert!(reason.contains(words) && run.stderr.contains(words), "{fault}: {reason} / {}", run.stderr);
        assert!(list(&host).contains(" Broken "), "{}", list(&host));
        assert_eq!(host.disposables(), "", "{fault}");
    }
    // The last word counts; and what could not be removed is removed by the next verification.
    verify_with(&host, &id, "docker:rm/exit=1").expect(0);
    assert_eq!(host.trust("shop", &id), "restorable");
    assert_ne!(host.disposables(), "", "the fault did nothing");
    let run = host.dokku(&["backups:verify", "shop", "--latest"]).expect(0);
    assert!(run.stderr.contains("removed 1 disposable"), "{}", run.stderr);
    assert_eq!(host.disposables(), "");
    host.check("shop", &[id], true);
}

#[test]
fn fault_067_what_only_looks_like_ours_is_never_touched() {
    let host = Host::up();
    host.database("shop", ITEMS);
    host.database("dokku-backups-shop", "create table theirs(a int)");
    let id = host.export("shop");
    let run_theirs = |name: &str, label: &str| {
        let trust = "POSTGRES_HOST_AUTH_METHOD=trust";
        let image = format!("postgres:{}", host.info("shop", &id)["image_version"].as_str().expect("version"));
        host.docker(&["run", "--detach", "--name", name, "--label", label, "--env", trust, &image]).expect(0);
    };
    run_theirs(&format!("dokku-backups.{id}.1"), "purpose=theirs");
    run_theirs("elsewhere", "dokku-backups.disposable=/another/host/backups");
    let names = || host.docker(&["ps", "--format", "{{.Names}}"]).expect(0).out();
    let before = names();
    // A verification killed half-way: the next one removes what it left, and only that.
    let args = ["backups:verify", "shop", "--id", &id];
    let child = host.start_binary(&args, &[(FAULT, "docker:exec:pg_restore/delay=5")]);
    host.wait_until("pg_restore", || names() != before);
    send(&child, Signal::SIGKILL);
    wait(child);
    assert_ne!(names(), before);
    let run = host.dokku(&args).expect(0);
    assert!(run.stderr.contains("removed 1 disposable"), "{}", run.stderr);
    assert_eq!(names(), before);
    // Somebody's container has the very name ours would get: the verification fails, theirs stays.
    let script = "name=dokku-backups.$1.$$
      docker run --detach --name $name --env POSTGRES_HOST_AUTH_METHOD=trust postgres:$2 >/dev/null
      exec \"$3\" backups:verify shop --id $1";
    let version = host.info("shop", &id)["image_version"].as_str().expect("version").to_owned();
    let mut command = host.command("/bin/sh");
    command.args(["-c", script, "sh", &id, &version, env!("CARGO_BIN_EXE_dokku-backups")]);
    let run = super::support::finish(command).expect(1);
    assert!(run.stderr.contains("already in use"), "{}", run.stderr);
    assert_eq!(names().lines().count(), before.lines().count() + 1, "{}", names());
    assert_eq!(host.trust("shop", &id), "restorable", "it said nothing about the backup");
    assert_eq!(host.sql("dokku-backups-shop", "select count(*) from theirs"), "0");
}

#[test]
fn row_050_a_signal_ends_a_verification_and_its_database() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130), (Signal::SIGHUP, 129)] {
        let args = ["backups:verify", "shop", "--id", &id];
        let child = host.start_binary(&args, &[(FAULT, "docker:exec:pg_restore/delay=20")]);
        let calls = host.dir().join("run/calls/docker:exec:pg_restore");
        host.wait_until("pg_restore", || calls.exists());
        send(&child, signal);
        wait(child).expect(code);
        fs::remove_file(calls).expect("calls");
        assert_eq!(host.disposables(), "");
        assert_eq!(host.trust("shop", &id), "created");
    }
}

#[test]
fn fault_047_what_the_image_or_the_cluster_lacks_is_named_and_never_restorable() {
    let host = Host::up();
    host.database(
        "shop",
        "create role app; create table notes(owner text); alter table notes enable row level security;
      create policy mine on notes to app using (owner = current_user); insert into notes values ('me');",
    );
    let id = host.export("shop");
    // A role that is not there is made (report 113); the same dump goes where the role is.
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    host.sql("shop", "delete from notes");
    host.dokku(&["backups:import", "shop", "--id", &id, "--no-backup", "--force"]).expect(0);
    assert_eq!(host.sql("shop", "select count(*) from notes"), "1");

    host.dokku(&["postgres:create", "plain"]).expect(0);
    if host.try_psql("plain", "plain", "create extension hstore").code != Some(0) {
        super::support::lack::left_out("contrib", "PostgreSQL's extensions are not installed");
        return;
    }
    host.sql("shop", "drop policy mine on notes; create extension hstore; create table h(a hstore);");
    let id = host.export("shop");
    let run = verify_with(&host, &id, "docker:exec:psql/out=plpgsql@4").expect(6);
    assert!(run.stderr.contains("lacks the extensions hstore"), "{}", run.stderr);
    assert_eq!(host.trust("shop", &id), "verification-failed");
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
}

#[test]
fn fault_046_endless_sql_is_bounded_and_harms_nothing() {
    let host = Host::up();
    host.database(
        "shop",
        "create function endless(int) returns boolean language plpgsql as $f$ begin
        if current_database() <> 'shop' or current_setting('autovacuum') = 'off' then loop perform 1; end loop; end if; return true; end $f$;
      create table t(a int check (endless(a))); insert into t values (1);",
    );
    let before = host.digest("shop");
    let id = host.export("shop");
    host.dokku(&["backups:set", "shop", "restore-timeout", "8"]).expect(0);
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(6);
    assert_eq!(host.trust("shop", &id), "verification-failed");
    assert_eq!(host.disposables(), "");
    let run = host.dokku(&["backups:import", "shop", "--id", &id, "--no-backup", "--force"]).expect(1);
    assert!(run.stderr.contains("is as it was"), "{}", run.stderr);
    assert_eq!(host.digest("shop"), before);
    host.check_settled("shop", "endless");
    let busy = "select count(*) from pg_stat_activity where application_name = 'pg_restore'";
    assert_eq!(host.psql("shop", "postgres", busy), "0", "it goes on inside");
}

#[test]
fn fault_007_a_mangled_or_cut_dump_whose_record_fits_is_never_restorable_and_never_poured() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    let good = fs::read(host.dump_file("shop", &id)).expect("dump");
    host.sql("shop", "create table after_it(a int)");
    let before = host.digest("shop");
    let mut mangled = Vec::new();
    for byte in &good {
        mangled.extend_from_slice(if *byte == b'\n' { b"\r\n" } else { std::slice::from_ref(byte) });
    }
    assert_ne!(mangled, good);
    host.forge("shop", &id, &mangled);
    assert_eq!(host.trust("shop", &id), "created", "the record was forged well");
    host.dokku(&["backups:import", "shop", "--id", &id, "--no-backup", "--force"]).expect(6);
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(6);
    assert_eq!(host.trust("shop", &id), "damaged");
    for cut in (0..16).map(|part| good.len() * part / 16).chain([1, 5, good.len() - 1]) {
        host.forge("shop", &id, &good[..cut]);
        let args = ["backups:import", "shop", "--id", &id, "--no-backup", "--force"];
        let run = super::support::finish(host.alone(&args)).expect(6);
        assert!(run.stderr.contains("is damaged"), "cut at {cut}: {}", run.stderr);
    }
    host.forge("shop", &id, &[&good[..], b"\n"].concat());
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(6);
    assert_ne!(host.trust("shop", &id), "restorable");
    assert_eq!(host.digest("shop"), before);
    host.check_settled("shop", "cut dumps");
}

/// One database of everything that dumps have stumbled over.
fn everything() -> String {
    let columns: Vec<String> = (1..=1600).map(|n| format!("c{n} int")).collect();
    let ones = vec!["1"; 1600].join(",");
    format!(
        "create table wide({}); insert into wide values ({ones});
        create schema \"We\"\"ird ; -- \"; create table \"We\"\"ird ; -- \".\"a\tb$1 'q' %s\"(\"select\" int, \"\u{00e4}\u{1f418}\" text);
        insert into \"We\"\"ird ; -- \".\"a\tb$1 'q' %s\" values (1, E'tab\\t nl\\n bs\\\\ \\\\.'), (2, null), (3, '');
        create table parts(k int, v text) partition by range (k);
        create table parts_a partition of parts for values from (0) to (100);
        create table parts_b partition of parts for values from (100) to (200) partition by list (v);
        create table parts_b_x partition of parts_b for values in ('x');
        insert into parts select g, 'y' from generate_series(0, 99) g; insert into parts values (150, 'x');
        create table parent(a int); create table child(b int) inherits (parent);
        insert into parent values (1); insert into child values (2, 2), (3, 3);
        create materialized view summed as select sum(a) from parent; create view shown as select * from child;
        create table huge(v text, b bytea); alter table huge alter v set storage external;
        insert into huge values (repeat('x', 20000000), decode(repeat('00ff', 500000), 'hex'));
        select lo_from_bytea(0, decode(repeat('ab', 100000), 'hex')), lo_from_bytea(0, ''), lo_create(4242);
        create unlogged table quick(a int); insert into quick values (1); create table nothing(); create table empty(a int);
        create type mood as enum ('sad', 'ok'); create domain positive as int check (value > 0);
        create table kinds(id int generated always as identity, m mood, p positive, twice int generated always as (p * 2) stored,
          arr int[], j jsonb, r int4range, primary key (id));
        insert into kinds(m, p, arr, j, r) values ('ok', 3, '{{1,NULL,3}}', '{{\"a\": [1]}}', '[1,5)'), (null, 1, null, 'null', 'empty');
        create table a(id int primary key, b int); create table b(id int primary key references a, a int references a);
        insert into a values (1, 1); insert into b values (1, 1); alter table a add foreign key (b) references b;
        create function noted() returns trigger language plpgsql as $f$ begin raise exception 'no more'; end $f$;
        create trigger no_more before insert on empty execute function noted();
        create sequence tickets increment 5; select nextval('tickets'), nextval('tickets');
        create rule quiet as on delete to kinds do instead nothing;",
        columns.join(", ")
    )
}

#[test]
fn fault_049_whatever_a_database_holds_comes_back_equal() {
    let host = Host::up();
    host.dokku(&["postgres:create", "shop"]).expect(0);
    host.psql("shop", "shop", &everything());
    let before = host.digest("shop");
    let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    assert_eq!(host.trust("shop", &id), "restorable");
    host.dokku(&["backups:import", "shop", "--id", &id, "--no-backup", "--force"]).expect(0);
    assert_eq!(host.digest("shop"), before);

    // Another encoding, another locale.
    let owner =
        "drop database shop; create database shop template template0 encoding latin1 lc_collate 'C' lc_ctype 'C'";
    for statement in owner.split("; ") {
        host.psql("shop", "postgres", statement);
    }
    let latin =
        "set client_encoding = utf8; create table \"gr\u{00fc}n\"(\"\u{00df}\" text); insert into \"gr\u{00fc}n\"
      values ('\u{00e4}\u{00f6}\u{00fc}'), (repeat('\u{00e9}', 1000));";
    host.psql("shop", "shop", latin);
    let before = host.digest("shop");
    let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    host.psql("shop", "shop", "drop table \"gr\u{00fc}n\"");
    host.dokku(&["backups:import", "shop", "--id", &id, "--no-backup", "--force"]).expect(0);
    assert_eq!(host.digest("shop"), before);
    let shape = "select pg_encoding_to_char(encoding), datcollate from pg_database where datname = 'shop'";
    assert_eq!(host.psql("shop", "postgres", shape), "LATIN1|C");
}

#[test]
fn fault_049_two_thousand_tables() {
    let host = Host::up();
    let make = "do $d$ begin for n in 1..2000 loop
        execute format('create table %I (a int)', 'a_table_with_quite_a_long_name_' || n);
        if n % 100 = 0 then execute format('insert into %I values (1), (2)', 'a_table_with_quite_a_long_name_' || n); end if;
      end loop; end $d$;";
    host.dokku(&["postgres:create", "shop"]).expect(0);
    host.psql("shop", "shop", make);
    let run = host.dokku(&["backups:export", "shop", "--verify", "--format", "json"]).expect(0).json();
    assert_eq!(run["trust"], "restorable");
    assert_eq!((&run["verification"]["tables"], &run["verification"]["rows"]), (&2000.into(), &40.into()));
}
