//! The import that replaces: afterwards the database equals the backup, until the exchange it is untouched, and whatever
//! goes wrong it is one of the two, whole.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::support::fixture::ITEMS;
use super::support::{Host, Run, finish, send, wait};

const FAULT: &str = "DOKKU_SANDBOX_FAULT";

fn import(host: &Host, id: &str, more: &[&str]) -> Run {
    host.dokku(&[&["backups:import", "shop", "--id", id, "--force", "--no-backup"], more].concat())
}

/// The same with a fault whose calls are counted from here on.
fn import_with(host: &Host, id: &str, fault: &str, more: &[&str]) -> Run {
    for entry in fs::read_dir(host.dir().join("run/calls")).expect("calls").flatten() {
        fs::remove_file(entry.path()).expect("calls");
    }
    host.dokku_with(FAULT, fault, &[&["backups:import", "shop", "--id", id, "--force", "--no-backup"], more].concat())
}

#[test]
fn fault_048_what_was_made_after_the_backup_is_gone() {
    let host = Host::up();
    host.database("shop", ITEMS);
    host.sql("shop", "create view cheap as select * from items; create sequence s; select nextval('s');");
    let before = host.digest("shop");
    let id = host.export("shop");
    host.sql(
        "shop",
        "create table later(a int); create view v as select * from items; create schema extra;
      create table extra.t(a int); create function f() returns int language sql as 'select 1'; select setval('s', 50);
      insert into items values (501, 'new'); delete from items where id < 5; update items set name = 'x' where id = 9;
      create sequence later_s; create type kind as enum ('a'); select lo_create(77); drop view cheap;
      create materialized view m as select 1; alter table items add column extra int;",
    );
    assert_ne!(host.digest("shop"), before);
    let run = import(&host, &id, &["--format", "json"]).expect(0);
    assert_eq!(host.digest("shop"), before, "row 42: the database equals the backup");
    assert_eq!(host.psql("shop", "shop", "select count(*) from pg_type where typname = 'kind'"), "0");
    let history = &run.json()["restores"][0];
    assert_eq!((&history["status"], &history["target"]), (&"success".into(), &"shop".into()), "row 49");
    assert!(history["started_by"].is_string() && history["finished_at"].is_string() && history["reason"].is_null());
    host.check_settled("shop", "an import");
    // Twice is the same.
    import(&host, &id, &[]).expect(0);
    assert_eq!(host.digest("shop"), before);
    host.check("shop", &[id], true);
}

const DATABASE: &str = "select pg_encoding_to_char(encoding), datcollate, datctype, pg_get_userbyid(datdba), datconnlimit,
  datistemplate, datallowconn, datacl, shobj_description(oid, 'pg_database'), (select string_agg(coalesce(r.rolname, '*') ||
  array_to_string(s.setconfig, ' & '), ' | ' order by r.rolname) from pg_db_role_setting s left join pg_roles r on
  r.oid = s.setrole where s.setdatabase = d.oid) from pg_database d where datname = 'shop'";

#[test]
fn row_042_what_belongs_to_the_database_itself_carries_over() {
    let host = Host::up();
    host.database("shop", ITEMS);
    for statement in [
        "create role \"Own'er\"",
        "create role reader",
        "alter database shop owner to \"Own'er\"",
        "alter database shop connection limit 17",
        "comment on database shop is 'it''s \"ours\"'",
        "alter database shop set search_path to \"$user\", \"We\"\"ird, one\", public",
        "alter role reader in database shop set search_path to ''",
        "alter database shop set my.own to 'a=b, ''c'' \"d\"'",
        "alter database shop set default_transaction_read_only to on",
        "alter database shop set work_mem to '5MB'",
        "alter database shop set timezone to 'Europe/Paris'",
        "alter role reader in database shop set statement_timeout to '5s'",
        "revoke all on database shop from public",
        "grant connect on database shop to reader with grant option",
        "grant temporary on database shop to public",
    ] {
        host.psql("shop", "postgres", statement);
    }
    let id = host.export("shop");
    let before = host.psql("shop", "postgres", DATABASE);
    import(&host, &id, &[]).expect(0);
    assert_eq!(host.psql("shop", "postgres", DATABASE), before);
    // Nobody may do anything: that is not the same as nothing being said.
    host.psql("shop", "postgres", "revoke all on database shop from public, reader, \"Own'er\"");
    host.psql("shop", "postgres", "alter database shop is_template true");
    let before = host.psql("shop", "postgres", DATABASE);
    assert!(before.contains("|{}|") && before.contains("|t|"), "{before}");
    import(&host, &id, &[]).expect(0);
    assert_eq!(host.psql("shop", "postgres", DATABASE), before);
    host.check_settled("shop", "a template");
}

#[test]
fn fault_068_a_connected_client_is_ended_and_back_at_once() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    host.sql("shop", "delete from items where id > 10");
    // One holds a transaction with a lock; one asks again and again, each time over a new connection.
    let mut holder = host.psql_command("shop", "shop");
    let mut holder = holder.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("psql");
    let mut hands = holder.stdin.take().expect("stdin");
    hands.write_all(b"begin; lock table items; update items set name = 'held'; select 'held';\n").expect("psql");
    let mut line = String::new();
    BufReader::new(holder.stdout.as_mut().expect("stdout")).read_line(&mut line).expect("psql");
    assert_eq!(line.trim(), "held");
    let stopped = std::sync::atomic::AtomicBool::new(false);
    let longest = std::thread::scope(|scope| {
        let poller = scope.spawn(|| {
            let (mut last, mut longest, mut answers) = (Instant::now(), Duration::ZERO, 0);
            while !stopped.load(std::sync::atomic::Ordering::SeqCst) {
                if host.try_psql("shop", "shop", "select 1").code == Some(0) {
                    longest = longest.max(last.elapsed());
                    last = Instant::now();
                    answers += 1;
                }
            }
            (longest, answers)
        });
        import(&host, &id, &[]).expect(0);
        std::thread::sleep(Duration::from_millis(500));
        stopped.store(true, std::sync::atomic::Ordering::SeqCst);
        poller.join().expect("the poller")
    });
    println!("longest time between two answers: {:?}; {} answers", longest.0, longest.1);
    // A client that asks takes its time too; on a busy machine more.
    assert!(longest.0 < Duration::from_secs(3), "{longest:?}");
    let _ = hands.write_all(b"select 1;\n");
    drop(hands);
    let run = wait(holder);
    assert_ne!(run.code, Some(0), "the client was not ended");
    assert!(run.stderr.contains("terminating connection"), "{}", run.stderr);
    assert_eq!(host.psql("shop", "shop", "select count(*), min(name) from items"), "500|item 1");
}

#[test]
fn fault_064_065_a_restore_that_fails_midway_leaves_all_as_it_was() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    host.sql("shop", "create table later(a int)");
    let before = host.digest("shop");
    for (fault, code, words) in [
        ("docker:exec:pg_restore/exit=1", 1, "pg_restore"),
        ("docker:exec:pg_restore/exit=137", 1, "killed by SIGKILL"),
        ("docker:exec:pg_restore/die", 1, "killed by SIGKILL"),
        // Fault 65: it says that all is well, and nothing is there.
        ("docker:exec:pg_restore/exit=0", 6, "items"),
        (
            "docker:exec:psql/out=Filesystem%0A/dev/x%20100%2090%2010%20-@3",
            1,
            "a second database beside the live one needs",
        ),
        ("docker:exec:psql/out=90400@1", 7, "use an image of 15 or newer"),
        ("docker:exec:psql/exit=2@4", 1, "psql"),
        ("docker:exec:psql/out=COPY%20499@7", 6, "public.items has 499 rows, the dump holds 500"),
    ] {
        let run = import_with(&host, &id, fault, &[]).expect(code);
        assert!(run.stderr.contains(words), "{fault}: {}", run.stderr);
        assert_eq!(host.digest("shop"), before, "{fault}");
        host.check_settled("shop", fault);
    }
    // A real failure midway: the dump's last table does not fit the server any more.
    host.sql(
        "shop",
        "create function here() returns boolean language sql as $f$ select current_database() = 'shop' $f$;
      create table z(a int check (here())); insert into z values (1);",
    );
    let broken = host.export("shop");
    host.sql("shop", "drop table z; drop function here;");
    let run = import(&host, &broken, &[]).expect(1);
    assert!(run.stderr.contains("violates check constraint"), "{}", run.stderr);
    assert!(run.stderr.contains("is as it was"), "{}", run.stderr);
    assert_eq!(host.digest("shop"), before);
    let info = host.info("shop", &broken);
    assert_eq!(info["restores"][0]["status"], "failed");
    assert!(info["restores"][0]["reason"].as_str().unwrap_or("").contains("check constraint"), "{info}");
    host.check("shop", &[id, broken], true);
}

#[test]
fn fault_047_a_dump_of_a_newer_server_is_refused_before_anything() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    let before = host.digest("shop");
    let mut bytes = fs::read(host.dump_file("shop", &id)).expect("dump");
    let version = host.info("shop", &id)["server_version"].as_str().expect("version").to_owned();
    let newer = version.replacen(version.split('.').next().expect("major"), "99", 1);
    let at = bytes.windows(version.len()).position(|part| part == version.as_bytes()).expect("the version");
    bytes[at..at + version.len()].copy_from_slice(newer.as_bytes());
    host.forge("shop", &id, &bytes);
    let run = host.dokku(&["backups:import", "shop", "--id", &id, "--force"]).expect(7);
    assert!(run.stderr.contains("the dump is from PostgreSQL 99"), "{}", run.stderr);
    assert_eq!(host.digest("shop"), before);
    host.check_settled("shop", "a newer dump");
}

fn last_restore(host: &Host, id: &str) -> serde_json::Value {
    host.info("shop", id)["restores"].as_array().and_then(|all| all.last()).expect("a restore").clone()
}

#[test]
fn fault_063_without_a_safety_backup_nothing_is_started() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    host.sql("shop", "delete from items");
    let before = host.digest("shop");
    for more in [&["--force"][..], &["--force", "--in-place"]] {
        let args = [&["backups:import", "shop", "--id", &id], more].concat();
        let run = host.dokku_with(FAULT, "postgres:export/broken=900", &args).expect(7);
        assert!(run.stderr.contains("the safety backup failed; nothing was restored"), "{}", run.stderr);
        assert!(run.stderr.contains("--no-backup"), "{}", run.stderr);
        assert_eq!(host.digest("shop"), before);
        // Who waits for a detached one has to find it: the attempt stands in the history.
        let last = last_restore(&host, &id);
        let reason = last["reason"].as_str().unwrap_or_default();
        assert!(last["status"] == "failed" && reason.contains("nothing was restored"), "{last}");
        assert!(last["safety_backup"].is_null(), "{last}");
    }
    host.dokku_with(FAULT, "postgres:export/broken=900", &["backups:reset", "shop", "--force"]).expect(7);
    assert_eq!(host.digest("shop"), before);
    let count = host.list("shop").len();
    import(&host, &id, &[]).expect(0);
    assert_eq!(host.list("shop").len(), count, "--no-backup made one");
    // Row 43: by default there is one, and it holds what was there before.
    host.sql("shop", "delete from items");
    host.dokku(&["backups:import", "shop", "--id", &id, "--force"]).expect(0);
    let safety = last_restore(&host, &id)["safety_backup"].as_str().expect("a safety backup").to_owned();
    assert_eq!(host.info("shop", &safety)["source"], "safety");
    import(&host, &safety, &[]).expect(0);
    assert_eq!(host.digest("shop"), before);
}

#[test]
fn row_041_plan_confirmation_and_trust() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    host.sql("shop", "create table later(a int)");
    let before = host.digest("shop");
    let args = ["backups:import", "shop", "--id", &id, "--no-backup"];
    host.dokku(&args).expect(7);
    host.dokku_stdin(b"shops\n", &args).expect(7);
    host.dokku_stdin(b"", &args).expect(7);
    assert_eq!(host.digest("shop"), before);
    host.dokku(&["backups:import", "shop", "--force"]).expect(2);
    host.dokku(&["backups:import", "shop", "--latest", "--id", &id, "--force"]).expect(2);
    let run = host.dokku_stdin(b"shop\n", &args).expect(0);
    for words in
        ["Plan: restore", &id, "500 rows", "Created, not restore-verified", "versions: postgres:", "is replaced"]
    {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    assert_ne!(host.digest("shop"), before);
    let before = host.digest("shop");
    // Known not to restore: only by force.
    host.dokku_with(FAULT, "docker:exec:pg_restore/exit=1", &["backups:verify", "shop", "--id", &id]).expect(6);
    let run = host.dokku_stdin(b"shop\n", &args).expect(7);
    assert!(run.stderr.contains("Restore verification failed"), "{}", run.stderr);
    import(&host, &id, &[]).expect(0);
    // Damaged bytes: not even by force.
    let mut bytes = fs::read(host.dump_file("shop", &id)).expect("dump");
    *bytes.last_mut().expect("a byte") ^= 1;
    host.overwrite("shop", &id, &bytes);
    import(&host, &id, &[]).expect(6);
    let run = host.dokku_stdin(b"shop\n", &args).expect(7);
    assert!(run.stderr.contains("Artifact damaged"), "{}", run.stderr);
    for more in [&["--in-place"][..], &[]] {
        import(&host, &id, more).expect(6);
    }
    assert_eq!(host.digest("shop"), before);
    fs::remove_file(host.dump_file("shop", &id)).expect("dump");
    import(&host, &id, &[]).expect(4);
    host.check_settled("shop", "refusals");
}

#[test]
fn fault_064_in_place_says_what_undoes_it_and_that_works() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    host.sql("shop", "create table later(a int); insert into later values (7);");
    let before = host.digest("shop");
    // The stock import merges: what is not in the backup stays.
    import(&host, &id, &["--in-place"]).expect(0);
    assert!(host.digest("shop").contains("later"));
    let args = ["backups:import", "shop", "--id", &id, "--force", "--in-place"];
    let run = host.dokku_with(FAULT, "postgres:import/short-import=3300", &args).expect(8);
    let undo = |run: &Run| -> Vec<String> {
        let at = run.stderr.find("dokku backups:import").unwrap_or_else(|| panic!("no command: {}", run.stderr));
        run.stderr[at..].lines().next().expect("a line").split(' ').skip(1).map(str::to_owned).collect()
    };
    let command = undo(&run);
    assert_ne!(host.digest("shop"), before, "the fault did nothing");
    assert!(host.folder("shop").join(".restore.toml").exists(), "no journal");
    assert_eq!(host.info("shop", &id)["restores"][1]["status"], "failed");
    // Any other command says it again, and an undo that fails does not forget it.
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    host.dokku_with(FAULT, "docker:exec:pg_restore/exit=1", &words).expect(1);
    let run = host.dokku(&["backups:sync", "shop"]);
    assert_eq!(undo(&run), command, "{}", run.stderr);
    // Nor one that is killed while it fills.
    let child = host.start_binary(&words, &[(FAULT, "docker:exec:pg_restore/delay=5")]);
    host.wait_until("filling", || !host.left_databases("shop").is_empty());
    send(&child, Signal::SIGKILL);
    wait(child);
    host.dokku(&["backups:sync", "shop"]);
    assert_eq!(host.left_databases("shop"), "");
    let run = host.dokku(&["backups:sync", "shop"]);
    assert_eq!(undo(&run), command, "{}", run.stderr);
    host.dokku(&words).expect(0);
    assert_eq!(host.digest("shop"), before);
    host.check_settled("shop", "the undo");
    host.check("shop", &[id], true);
}

#[test]
fn row_050_signals_while_filling_leave_the_live_database() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    host.sql("shop", "create table later(a int)");
    let before = host.digest("shop");
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130), (Signal::SIGHUP, 129)] {
        let args = ["backups:import", "shop", "--id", &id, "--force", "--no-backup"];
        let child = host.start_binary(&args, &[(FAULT, "docker:exec:pg_restore/delay=20")]);
        host.wait_until("filling", || !host.left_databases("shop").is_empty());
        send(&child, signal);
        let run = wait(child).expect(code);
        assert!(run.stderr.contains("is as it was"), "{}", run.stderr);
        assert_eq!(host.digest("shop"), before);
        host.check_settled("shop", "a signal");
    }
    host.check("shop", &[id], true);
}

#[test]
fn fault_026_signals_during_the_exchange_do_not_stop_it() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let full = host.digest("shop");
    let id = host.export("shop");
    host.sql("shop", "delete from items");
    // Every psql takes its time; the exchange is the one after the comparison and the settings.
    let args = ["backups:import", "shop", "--id", &id, "--force", "--no-backup"];
    let mut child = host.start_binary(&args, &[(FAULT, "docker:exec:psql/delay=0.5")]);
    let mut lines = BufReader::new(child.stderr.take().expect("stderr"));
    let mut line = String::new();
    while !line.contains("Exchanging") {
        line.clear();
        assert_ne!(lines.read_line(&mut line).expect("stderr"), 0, "it never came to the exchange");
    }
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        send(&child, signal);
        std::thread::sleep(Duration::from_millis(100));
    }
    let code = child.wait().expect("it ends").code();
    assert_eq!(code, Some(0), "what was begun was not finished");
    assert_eq!(host.digest("shop"), full);
    host.check_settled("shop", "the exchange");
}

#[test]
fn fault_030_what_a_killed_import_left_in_the_container_is_ended() {
    let host = Host::up();
    let slowly = "create function slow(int) returns boolean language plpgsql as $f$ begin
        if current_database() <> 'shop' then perform pg_sleep(0.05); end if; return true; end $f$;
      create table big(a int check (slow(a))); insert into big select generate_series(1, 1000);";
    host.database("shop", slowly);
    let id = host.export("shop");
    let before = host.digest("shop");
    let args = ["backups:import", "shop", "--id", &id, "--force", "--no-backup"];
    let child = host.start_binary(&args, &[]);
    let inside = "select count(*) from pg_stat_activity where application_name = 'pg_restore'";
    host.wait_until("pg_restore", || host.psql("shop", "postgres", inside) != "0");
    send(&child, Signal::SIGKILL);
    wait(child);
    host.dokku(&["backups:list", "shop"]).expect(0);
    host.dokku(&["backups:export", "shop"]).expect(0);
    assert_eq!(host.psql("shop", "postgres", inside), "0", "it goes on inside");
    host.check_settled("shop", "the next command");
    let now = host.digest("shop");
    assert_eq!(now, before);
}

#[test]
fn fault_038_a_foreign_restore_makes_a_dump_suspicious_and_import_is_exclusive() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    // Somebody else restores: a session by that name is all one can see of it.
    let mut foreign = host.psql_command("shop", "shop");
    let mut foreign = foreign.env("PGAPPNAME", "x").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("psql");
    let mut hands = foreign.stdin.take().expect("stdin");
    hands.write_all(b"set application_name = 'pg_restore';\n").expect("psql");
    let seen = "select count(*) from pg_stat_activity where application_name = 'pg_restore'";
    host.wait_until("the foreign restore", || host.psql("shop", "postgres", seen) == "1");
    let run = host.dokku(&["backups:export", "shop", "--format", "json"]).expect(0);
    assert!(run.stderr.contains("suspicious: 1 pg_restore"), "{}", run.stderr);
    drop(hands);
    foreign.wait().expect("psql");
    let args = ["backups:import", "shop", "--id", &id, "--force", "--no-backup"];
    let child = host.start_binary(&args, &[(FAULT, "docker:exec:pg_restore/delay=3")]);
    host.wait_until("filling", || !host.left_databases("shop").is_empty());
    host.dokku(&["backups:export", "shop"]).expect(5);
    host.dokku(&["backups:import", "shop", "--id", &id, "--force"]).expect(5);
    host.dokku(&["backups:reset", "shop", "--force"]).expect(5);
    wait(child).expect(0);
}

#[test]
fn row_044_into_another_service_and_the_way_back() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    let full = host.digest("shop");
    host.database("till", "create table theirs(a int)");
    // Theirs look like ours; nothing of ours touches them.
    host.psql("till", "postgres", "create database dokku_backups_new_20200101000000000");
    let theirs = host.digest("till");
    let args = ["backups:import", "till", "--from-service", "shop", "--id", &id, "--force"];
    host.dokku(&args).expect(0);
    assert_eq!(host.digest("till"), full);
    assert_eq!(host.digest("shop"), full);
    assert_eq!(host.left_databases("till"), "dokku_backups_new_20200101000000000");
    let history = host.info("shop", &id)["restores"][0].clone();
    assert_eq!((&history["target"], &history["status"]), (&"till".into(), &"success".into()));
    let safety = history["safety_backup"].as_str().expect("safety").to_owned();
    assert!(safety.starts_with("till-"), "{safety}");
    host.dokku(&["backups:import", "till", "--id", &safety, "--force", "--no-backup"]).expect(0);
    assert_eq!(host.digest("till"), theirs);
    host.dokku(&["backups:import", "till", "--from-service", "nosuch", "--latest", "--force"]).expect(4);
    host.dokku(&["backups:import", "nosuch", "--from-service", "shop", "--latest", "--force"]).expect(4);
    host.dokku(&["postgres:stop", "till"]).expect(0);
    let run = finish(host.dokku_command(&args)).expect(1);
    assert!(run.stderr.contains("dokku postgres:start till"), "{}", run.stderr);
}

#[test]
fn row_045_code_and_data_together() {
    let host = Host::up();
    host.database("shop", ITEMS);
    for app in ["web", "idle", "odd"] {
        host.dokku(&["apps:create", app]).expect(0);
        host.dokku(&["postgres:link", "shop", app]).expect(0);
    }
    let deploy = |app: &str, what: &str| host.dokku(&["sandbox:deploy", app, what]).expect(0).out().trim().to_owned();
    let first = deploy("web", "app.txt=one");
    let odd = deploy("odd", "app.txt=odd");
    let id = host.export("shop");
    let second = deploy("web", "app.txt=two");
    assert_ne!(first, second);
    // Drift is told, with what brings the code back.
    let run = import(&host, &id, &[]).expect(0);
    let short = |sha: &str| sha[..10].to_owned();
    assert!(
        run.stderr.contains(&format!("web ran {} then, runs {} now", short(&first), short(&second))),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("web runs other code") && run.stderr.contains(&format!("{first}:refs/heads/")));
    assert!(!run.stderr.contains("odd runs other code"), "{}", run.stderr);
    // With --with-code it is brought back.
    let run = import(&host, &id, &["--with-code"]).expect(0);
    assert!(run.stderr.contains(&format!("web: {first} is deployed again")), "{}", run.stderr);
    assert!(run.stderr.contains("idle: no commit is recorded"), "{}", run.stderr);
    assert!(run.stderr.contains(&format!("odd: runs {odd} already")), "{}", run.stderr);
    let mut show = host.command("git");
    show.args(["-c", "safe.directory=*", "-C", &format!("{}/web", host.var("DOKKU_ROOT")), "show", "HEAD:app.txt"]);
    assert_eq!(finish(show).out().trim(), "one");
    // A commit the host does not have: the data is restored, the code is not, and both are said.
    host.edit_record("shop", &id, |line| line.replace(&first, &"0123456789".repeat(4)));
    host.sql("shop", "delete from items");
    let run = import(&host, &id, &["--with-code"]).expect(3);
    assert!(run.stderr.contains("the data is restored, but 1 app could not be redeployed"), "{}", run.stderr);
    assert!(run.stderr.contains("does not have that commit") && run.stderr.contains("git push"), "{}", run.stderr);
    assert_eq!(host.sql("shop", "select count(*) from items"), "500");
}

#[test]
fn fault_068_a_drop_that_was_cut_off_does_not_stop_what_follows() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let full = host.digest("shop");
    let id = host.export("shop");
    host.sql("shop", "delete from items");
    // Killed after the exchange, and the server died while it dropped the old one: it is marked invalid.
    let args = ["backups:import", "shop", "--id", &id, "--force", "--no-backup"];
    let child = host.start_binary(&args, &[(FAULT, "docker:exec:psql/delay=0.3")]);
    host.wait_until("the exchange", || host.left_databases("shop").starts_with("dokku_backups_old"));
    send(&child, Signal::SIGKILL);
    wait(child);
    let mark = "update pg_database set datconnlimit = -2 where datname like 'dokku_backups_old%'";
    host.psql("shop", "postgres", mark);
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert_eq!(host.digest("shop"), full);
    host.check_settled("shop", "an invalid database");
    let history = host.info("shop", &id)["restores"].clone();
    assert_eq!(history[0]["status"], "success", "{history}");
}
