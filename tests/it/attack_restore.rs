//! As the enemy would: dumps whose SQL reaches for everything outside the database that is being filled. Each is tried
//! with the lists as they are, and with the lists switched off, when the server's roles alone must hold.

use std::fs;

use super::support::craft::{Crafted, entry, with_entries};
use super::support::{Host, Run, SHOP};

/// Everything of the server that a restore into `shop` has no business with.
const WORLD: &str = "
select 'role ' || rolname || ' ' || rolsuper || rolcreaterole || rolcreatedb || rolcanlogin || rolreplication || rolbypassrls
  || coalesce(rolpassword, '') || coalesce(shobj_description(oid, 'pg_authid'), '') from pg_authid
union all select 'member ' || roleid::regrole || ' ' || member::regrole from pg_auth_members
union all select 'database ' || datname || ' ' || pg_get_userbyid(datdba) || ' ' || datallowconn || datconnlimit || datistemplate
  || coalesce(datacl::text, '') from pg_database where not (datname = 'shop' and $REPLACED)
union all select 'setting ' || setdatabase || ' ' || setrole::regrole || ' ' || array_to_string(setconfig, ',') from pg_db_role_setting
union all select 'file ' || name || '=' || coalesce(setting, '') from pg_file_settings
union all select 'tablespace ' || spcname from pg_tablespace
union all select 'prepared ' || gid from pg_prepared_xacts
union all select 'subscription ' || subname from pg_subscription
union all select 'slot ' || slot_name from pg_replication_slots order by 1";

/// SQL that reaches outside. `PATH` is a file that must not appear.
const HOSTILE: &[&str] = &[
    "DROP DATABASE shop WITH (FORCE)",
    "ALTER DATABASE shop RENAME TO gone",
    "ALTER DATABASE shop ALLOW_CONNECTIONS false",
    "ALTER DATABASE shop SET default_transaction_read_only = on",
    "ALTER DATABASE postgres SET default_transaction_read_only = on",
    "ALTER ROLE postgres PASSWORD 'stolen'",
    "ALTER ROLE postgres SET default_transaction_read_only = on",
    "ALTER ROLE ALL SET statement_timeout = 1",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "CREATE ROLE evil SUPERUSER LOGIN",
    "CREATE DATABASE evil",
    "CREATE TABLESPACE evil LOCATION '/tmp'",
    "ALTER SYSTEM SET archive_command = 'id'",
    "GRANT pg_execute_server_program TO CURRENT_USER",
    "GRANT postgres TO CURRENT_USER",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "RESET SESSION AUTHORIZATION; ALTER ROLE postgres PASSWORD 'stolen'",
    "COPY (SELECT 1) TO PROGRAM 'touch PATH'",
    "COPY (SELECT 1) TO 'PATH'",
    "SELECT lo_export(lo_from_bytea(0, 'x'), 'PATH')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_reload_conf()",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shop'",
    "CREATE EXTENSION file_fdw",
    "CREATE EXTENSION dblink",
    "LOAD '/tmp/evil.so'",
    "CREATE FUNCTION c_system(cstring) RETURNS int AS 'libc.so.6', 'system' LANGUAGE C",
    "CREATE EVENT TRIGGER evil ON ddl_command_start EXECUTE FUNCTION f()",
    "CREATE SUBSCRIPTION evil CONNECTION 'host=localhost' PUBLICATION p WITH (connect = false)",
    "SELECT pg_create_physical_replication_slot('evil')",
    "COMMIT; ALTER ROLE postgres PASSWORD 'stolen'; BEGIN",
    "PREPARE TRANSACTION 'evil'",
    "COMMENT ON ROLE postgres IS 'evil'",
    "REASSIGN OWNED BY postgres TO CURRENT_USER",
    "DROP OWNED BY postgres",
];

/// Beginnings of those that plain dumps of `pg_dump` hold too, and that no restore passes on.
const LEFT_OUT: [&str; 5] =
    ["DROP DATABASE", "ALTER DATABASE", "CREATE DATABASE", "GRANT ", "SET SESSION AUTHORIZATION"];

fn world(host: &Host, replaced: bool) -> String {
    host.psql("shop", "postgres", &WORLD.replace("$REPLACED", &replaced.to_string()))
}

/// Imports `dump` into `shop`, the lists on or off.
fn import(host: &Host, name: &str, dump: &[u8], lists: bool) -> Run {
    let path = host.file(name, dump);
    let path = path.to_str().expect("a path");
    let args = ["backups:import", "shop", "--file", path, "--no-backup", "--force"];
    if lists { host.dokku(&args) } else { host.dokku_with("DOKKU_BACKUPS_POINTS", "lists=off", &args) }
}

struct Victim {
    host: Host,
    marker: std::path::PathBuf,
    base: Vec<u8>,
    world: String,
    data: String,
}

impl Victim {
    fn up() -> Victim {
        let host = Host::up();
        host.database("shop", SHOP);
        let marker = host.dir().join("marker");
        let (base, world, data) = (host.pg_dump("shop", &["-Fc"]), world(&host, false), host.digest("shop"));
        Victim { host, marker, base, world, data }
    }

    fn sql(&self, sql: &str) -> String {
        sql.replace("PATH", &self.marker.display().to_string())
    }

    /// Nothing outside changed, and the live data is the old data.
    #[track_caller]
    fn is_unhurt(&self, what: &str) {
        assert!(!self.marker.exists(), "{what}: a program or a file of the server");
        assert_eq!(world(&self.host, false), self.world, "{what}");
        assert_eq!(self.host.digest("shop"), self.data, "{what}");
        self.host.check_settled("shop", what);
    }

    /// Nothing outside changed; the dump itself may be in place.
    #[track_caller]
    fn is_only_replaced(&self, what: &str) {
        assert!(!self.marker.exists(), "{what}: a program or a file of the server");
        let without =
            |world: &str| world.lines().filter(|l| !l.starts_with("database shop ")).collect::<Vec<_>>().join("\n");
        assert_eq!(without(&world(&self.host, true)), without(&self.world), "{what}");
        let open = "select datallowconn and datconnlimit = -1 from pg_database where datname = 'shop'";
        assert_eq!(self.host.psql("shop", "postgres", open), "t", "{what}");
        self.host.check_settled("shop", what);
    }
}

#[test]
fn attack_401_402_403_404_an_archive_entry_that_reaches_outside_is_refused_by_list_and_by_server() {
    let victim = Victim::up();
    for (number, sql) in HOSTILE.iter().enumerate() {
        let sql = victim.sql(sql);
        let dump = with_entries(&victim.base, &[entry("FUNCTION", &sql)]);
        let run = import(&victim.host, "a.dump", &dump, true);
        assert_eq!(run.code, Some(7), "{sql}: {}", run.stderr);
        assert!(run.stderr.contains("entry "), "it is named by its entry: {}", run.stderr);
        victim.is_only_replaced(&sql);
        assert_eq!(victim.host.digest("shop"), victim.data, "{sql}");
        let run = import(&victim.host, "a.dump", &dump, false);
        if run.code == Some(0) {
            victim.is_only_replaced(&sql);
            // The next one needs the old data again.
            let back = victim.host.file("back.dump", &victim.base);
            let args = ["backups:import", "shop", "--file", back.to_str().expect("a path"), "--no-backup", "--force"];
            victim.host.dokku(&args).expect(0);
        } else {
            // 7: what only a superuser makes is not made unasked, lists or not.
            assert!(matches!(run.code, Some(1 | 7)), "{number} {sql}: {}", run.stderr);
            assert!(run.stderr.contains("is as it was"), "{sql}: {}", run.stderr);
        }
        victim.is_only_replaced(&sql);
        assert_eq!(victim.host.digest("shop"), victim.data, "{sql}");
    }
}

/// Planning a query runs functions that an index, a constraint or statistics were made with.
#[test]
fn attack_401_no_query_of_a_superuser_plans_with_functions_of_the_dump() {
    let victim = Victim::up();
    let made = "CREATE FUNCTION public.really() RETURNS int LANGUAGE plpgsql AS $$ begin
        if current_setting('is_superuser') = 'on' then execute 'create role pwned'; end if; return 1; end $$;
        CREATE FUNCTION public.evil(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ begin perform public.really(); return true; end $$;
        CREATE TABLE public.parent (x int); CREATE TABLE public.t (x int) INHERITS (public.parent); INSERT INTO public.t VALUES (1), (2);\n";
    for planned in [
        "CREATE INDEX i ON public.t (x) WHERE public.evil(1);",
        "CREATE INDEX i ON public.t ((public.evil(1)), x);",
        "ALTER TABLE public.t ADD CHECK (public.evil(1) OR x > 0);",
        "CREATE STATISTICS public.s ON (public.evil(1)), x FROM public.t; ANALYZE public.t;",
    ] {
        let sql = format!("{made}{planned}\n");
        let run = import(&victim.host, "planned.sql", sql.as_bytes(), false);
        assert!(matches!(run.code, Some(0 | 7)), "{planned}: {}", run.stderr);
        let id = victim.host.list("shop")[0]["id"].as_str().expect("an id").to_owned();
        victim.host.dokku(&["backups:verify", "shop", "--id", &id]);
        let pwned = victim.host.sql("shop", "select count(*) from pg_roles where rolname = 'pwned'");
        assert_eq!(pwned, "0", "{planned}");
    }
}

#[test]
fn attack_402_403_404_405_plain_sql_that_reaches_outside_is_refused_by_list_and_by_server() {
    let victim = Victim::up();
    let plain = String::from_utf8(victim.host.pg_dump("shop", &["-Fp"])).expect("text");
    let last = "--\n-- PostgreSQL database dump complete";
    for sql in HOSTILE {
        let sql = victim.sql(sql);
        let dump = plain.replacen(last, &format!("{sql};\n{last}"), 1);
        let run = import(&victim.host, "a.sql", dump.as_bytes(), true);
        // What pg_dump itself writes about the database and about roles is left out; all else is named by its line.
        if LEFT_OUT.iter().any(|words| sql.starts_with(words)) {
            assert_eq!(run.code, Some(0), "{sql}: {}", run.stderr);
        } else {
            assert!(run.code == Some(7) && run.stderr.contains("line "), "{sql}: {}", run.stderr);
        }
        victim.is_only_replaced(&sql);
        let run = import(&victim.host, "a.sql", dump.as_bytes(), false);
        assert!(matches!(run.code, Some(0 | 1 | 7)), "{sql}: {}", run.stderr);
        victim.is_only_replaced(&sql);
        assert_eq!(victim.host.digest("shop"), victim.data, "{sql}");
    }
}

#[test]
fn attack_404_code_that_runs_during_the_restore_reaches_nothing_outside() {
    let victim = Victim::up();
    let list: Vec<String> = HOSTILE.iter().map(|sql| format!("$q${}$q$", victim.sql(sql))).collect();
    let evil = format!(
        "create schema trap; create table trap.log(n int);
         create function trap.evil(int) returns boolean language plpgsql immutable as $f$ declare s text; begin
           if current_database() in ('shop', 'maker') then return true; end if;
           foreach s in array array[{}] loop begin execute s; exception when others then null; end; end loop;
           return true; end $f$;
         create function trap.fire() returns trigger language plpgsql as $f$ begin perform trap.evil(1); return new; end $f$;
         create function trap.definer() returns boolean language sql security definer as 'select trap.evil(2)';
         create table trap.checked(x int check (trap.evil(x)));
         create table trap.indexed(x int); create index on trap.indexed ((trap.evil(x)));
         create table trap.partial(x int); create index on trap.partial (x) where trap.evil(x);
         create table trap.generated(x int, y boolean generated always as (trap.evil(x)) stored);
         create table trap.defaulted(x int, y boolean default trap.evil(3));
         create domain trap.kind as int check (trap.evil(value)); create table trap.domained(x trap.kind);
         create table trap.fired(x int); create trigger t before insert on trap.fired for each row execute function trap.fire();
         alter table trap.fired enable always trigger t;
         create table trap.ruled(x int); create rule r as on insert to trap.ruled do also select trap.evil(new.x);
         create materialized view trap.seen as select trap.evil(x), trap.definer() from trap.indexed;
         create statistics trap.stats on (trap.evil(x)), x from trap.indexed;
         create table trap.parent(x int) partition by list ((trap.evil(x)));
         create table trap.child partition of trap.parent for values in (true);",
        list.join(",")
    );
    victim.host.dokku(&["postgres:create", "maker"]).expect(0);
    victim.host.psql("maker", "maker", &evil);
    for table in ["checked", "indexed", "partial", "generated", "defaulted", "domained", "fired", "ruled", "parent"] {
        victim.host.psql("maker", "maker", &format!("insert into trap.{table} values (1)"));
    }
    victim.host.psql("maker", "maker", "refresh materialized view trap.seen");
    let bytes = victim.host.pg_dump("maker", &["-Fc"]);
    assert!(!victim.marker.exists(), "the maker's own database is not the point");
    for (lists, name) in [(true, "on"), (false, "off")] {
        let run = import(&victim.host, "evil.dump", &bytes, lists);
        assert!(matches!(run.code, Some(0 | 1)), "{name}: {}", run.stderr);
        victim.is_only_replaced(name);
        if run.code == Some(0) {
            assert!(
                run.stderr.contains("it brings") && run.stderr.contains("function"),
                "the plan names it: {}",
                run.stderr
            );
        }
    }
}

#[test]
fn attack_404_the_fixed_search_path_keeps_a_dumps_operators_from_our_questions() {
    let victim = Victim::up();
    let marker = victim.marker.display();
    let sql = format!(
        "create function public.steal(name, text) returns boolean language plpgsql as $f$ begin
           copy (select 1) to program 'touch {marker}'; return true; exception when others then return true; end $f$;
         create operator public.= (leftarg = name, rightarg = text, function = public.steal);
         create function public.count() returns bigint language plpgsql as $f$ begin
           copy (select 1) to program 'touch {marker}'; return 1; end $f$;
         create table public.pg_class(oid oid, relkind text); create table public.pg_namespace(nspname text);"
    );
    victim.host.dokku(&["postgres:create", "maker"]).expect(0);
    victim.host.psql("maker", "maker", &sql);
    let bytes = victim.host.pg_dump("maker", &["-Fc"]);
    import(&victim.host, "names.dump", &bytes, true).expect(0);
    victim.is_only_replaced("names");
}

#[test]
fn attack_404_data_for_a_view_is_not_counted_by_a_superuser() {
    let victim = Victim::up();
    let marker = victim.marker.display();
    // A table of the dump becomes a view by a rule, after its data came in; counting it would run the function.
    let function = format!(
        "CREATE FUNCTION public.run() RETURNS int LANGUAGE plpgsql AS $f$ begin copy (select 1) to program 'touch {marker}'; \
         return 1; exception when others then return 1; end $f$;"
    );
    victim.host.dokku(&["postgres:create", "maker"]).expect(0);
    victim.host.psql("maker", "maker", "create table t(a int); insert into t values (1)");
    let base = victim.host.pg_dump("maker", &["-Fc"]);
    let later = |sql| Crafted { section: 4, ..entry("RULE", sql) };
    let swapped = "DROP TABLE public.t; CREATE VIEW public.t AS SELECT public.run() AS a;";
    let dump = with_entries(&base, &[entry("FUNCTION", &function), later(swapped)]);
    let run = import(&victim.host, "view.dump", &dump, false);
    assert_eq!(run.code, Some(6), "{}", run.stderr);
    assert!(run.stderr.contains("public.t is not a table there"), "{}", run.stderr);
    victim.is_unhurt("a view");
}

#[test]
fn attack_406_another_services_backup_is_a_foreign_dump() {
    let victim = Victim::up();
    let marker = victim.marker.display();
    victim.host.dokku(&["postgres:create", "maker"]).expect(0);
    let sql = format!(
        "create view v as select 1 as a;
         create or replace function pg_catalog.pg_get_viewdef(oid) returns text language sql as
         $f$ select $q$ SELECT 1 AS a; COPY (SELECT 1) TO PROGRAM 'touch {marker}'; SELECT 1;$q$::text $f$;"
    );
    victim.host.psql("maker", "maker", &sql);
    let id = victim.host.export("maker");
    let args = ["backups:import", "shop", "--from-service", "maker", "--id", &id, "--no-backup", "--force"];
    let run = victim.host.dokku(&args).expect(7);
    assert!(run.stderr.contains("PROGRAM"), "{}", run.stderr);
    victim.host.dokku(&["backups:fork", "maker", "--id", &id, "forked"]).expect(7);
    assert_eq!(victim.host.dokku(&["postgres:exists", "forked"]).code, Some(1));
    let run = victim.host.dokku_with("DOKKU_BACKUPS_POINTS", "lists=off", &args).expect(1);
    assert!(run.stderr.contains("pg_execute_server_program"), "the server refuses it: {}", run.stderr);
    victim.is_unhurt("another service's");
}

#[test]
fn attack_401_row_044_what_honest_services_have_goes_into_another_service_and_belongs_to_the_usual_owner() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.psql(
        "shop",
        "shop",
        "create extension hstore; create extension pgcrypto; create extension \"uuid-ossp\"; create extension citext;
         create schema ext; create extension pg_trgm schema ext; create extension unaccent;
         comment on extension hstore is 'ours';
         create type mood as enum ('a', 'b'); create domain positive as int check (value > 0);
         create table odd(id uuid default uuid_generate_v4() primary key, m mood, p positive, h hstore, e citext,
           g int generated always as (p * 2) stored, n int generated by default as identity);
         insert into odd(m, p, h, e) select 'a', g, 'k=>v', 'X' from generate_series(1, 50) g;
         create index on odd using gin ((e::text) ext.gin_trgm_ops);
         create table parts(a int, b text) partition by range (a); create table parts_1 partition of parts for values from (0) to (100);
         insert into parts select g, 'x' from generate_series(1, 99) g;
         create function touched() returns trigger language plpgsql as $f$ begin new.b := upper(new.b); return new; end $f$;
         create trigger up before insert on parts_1 for each row execute function touched();
         alter table odd enable row level security; create policy everyone on odd using (true);
         create materialized view totals as select count(*) from odd; create view cheap as select * from odd where p < 5;
         create collation german (provider = icu, locale = 'de-DE'); create table words(w text collate german); insert into words values ('ä');
         create aggregate total(int) (sfunc = int4pl, stype = int, initcond = '0');
         create publication chosen for table odd; create publication every for all tables;
         create rule shout as on update to words do instead nothing; create sequence counting start 7; select nextval('counting');
         create statistics two on a, b from parts; create procedure nothing() language sql as 'select 1';
         create operator === (leftarg = int, rightarg = int, function = int4eq);
         create text search configuration plain (copy = simple); create cast (mood as int) with inout;
         select lo_from_bytea(4711, 'large'); comment on large object 4711 is 'an object';",
    );
    let before = host.digest("shop");
    let id = host.export("shop");
    host.dokku(&["postgres:create", "target"]).expect(0);
    host.dokku(&["backups:import", "target", "--from-service", "shop", "--id", &id, "--no-backup", "--force"])
        .expect(0);
    assert_eq!(host.digest("target"), before);
    let strange = "select distinct pg_get_userbyid(relowner) from pg_class union select pg_get_userbyid(proowner) from pg_proc
      union select pg_get_userbyid(typowner) from pg_type union select pg_get_userbyid(lomowner) from pg_largeobject_metadata
      union select pg_get_userbyid(extowner) from pg_extension union select pg_get_userbyid(pubowner) from pg_publication";
    assert_eq!(host.psql("target", "target", strange), "postgres");
    let public = "select nspowner::regrole, coalesce(nspacl::text, '') from pg_namespace where nspname = 'public'";
    assert_eq!(host.psql("target", "target", public), host.psql("shop", "shop", public));
    assert_eq!(host.psql("target", "postgres", "select count(*) from pg_roles where rolname like 'dokku%'"), "0");
    let acl =
        "select datname from pg_database where has_database_privilege('pg_monitor', datname, 'CONNECT') order by 1";
    assert!(host.psql("target", "postgres", acl).contains("target"), "others may connect as before");
    // And into a fork.
    host.dokku(&["backups:fork", "shop", "--id", &id, "forked"]).expect(0);
    assert_eq!(host.digest("forked"), before);
    let again = host.export("forked");
    host.dokku(&["backups:verify", "forked", "--id", &again]).expect(0);
}

#[test]
fn attack_404_the_stock_import_takes_no_foreign_dump() {
    let victim = Victim::up();
    let path = victim.host.file("a.dump", &victim.base);
    let args =
        ["backups:import", "shop", "--file", path.to_str().expect("a path"), "--no-backup", "--in-place", "--force"];
    let run = victim.host.dokku(&args).expect(7);
    assert!(run.stderr.contains("leave out --in-place"), "{}", run.stderr);
    victim.is_unhurt("in place");
}

#[test]
fn attack_401_423_a_live_database_that_is_gone_is_brought_back_by_one_command() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.psql("shop", "postgres", "alter database shop set work_mem to '5MB'");
    let before = host.digest("shop");
    let id = host.export("shop");
    // With no restore under way.
    host.psql("shop", "postgres", "drop database shop with (force)");
    let run = host.dokku(&["backups:import", "shop", "--id", &id, "--force"]).expect(0);
    assert!(run.stderr.contains("there is nothing to save"), "{}", run.stderr);
    assert_eq!(host.digest("shop"), before);
    host.check_settled("shop", "dropped");
    host.psql("shop", "postgres", "alter database shop set work_mem to '5MB'");
    // In the middle of one that was killed: what the journal knows of the database comes back too.
    let args = ["backups:import", "shop", "--id", &id, "--force"];
    let points = host.count_points(&args);
    let states = [
        "drop database shop with (force)",
        "alter database shop rename to hidden",
        "drop database shop with (force); create database shop",
    ];
    let mut lost = 0;
    for state in states {
        for at in (1..=points).rev().step_by(5) {
            host.at_point(&format!("abort={at}"), &args);
            let open = host.folder("shop").join(".restore.toml").exists() || !host.left_databases("shop").is_empty();
            let ended = host.info("shop", &id)["restores"].as_array().and_then(|all| all.last().cloned());
            if !open || ended.is_some_and(|restore| restore["status"] == "success") {
                host.dokku(&["backups:sync", "shop"]).expect(0);
                continue;
            }
            for statement in state.split("; ") {
                host.psql("shop", "postgres", statement);
            }
            lost += 1;
            let run = host.dokku(&["backups:sync", "shop"]);
            // What was exchanged and then renamed gets its name back: that one is finished.
            let said = run.stderr.contains("is finished now");
            assert!(!said || state.contains("hidden"), "{state} {at}: {}", run.stderr);
            // The old one may have been still there, under the name it has after the exchange: then it is back.
            if !state.contains("hidden") && !run.stderr.contains("as it was") {
                assert!(run.stderr.contains("backups:import shop --id"), "{state} {at}: {}", run.stderr);
                assert_eq!(
                    run.code,
                    Some(if state.contains("create") { 0 } else { 8 }),
                    "{state} {at}: {}",
                    run.stderr
                );
                host.dokku(&["backups:import", "shop", "--id", &id, "--no-backup", "--force"]).expect(0);
                if !state.contains("create") {
                    let memory = "select setconfig from pg_db_role_setting";
                    assert_eq!(host.psql("shop", "postgres", memory), "{work_mem=5MB}", "{state} {at}");
                }
            }
            assert_eq!(host.digest("shop"), before, "{state} {at}");
            host.psql("shop", "postgres", "drop database if exists hidden");
            host.psql("shop", "postgres", "alter database shop set work_mem to '5MB'");
            host.check_settled("shop", state);
        }
    }
    assert!(lost > 5, "only {lost} states were tried");
}

#[test]
fn attack_404_consent_by_name_makes_what_only_a_superuser_can() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.dokku(&["postgres:create", "maker"]).expect(0);
    host.psql(
        "maker",
        "maker",
        "create extension file_fdw; create table t(a int); create function f() returns event_trigger language plpgsql as
         $f$ begin end $f$; create event trigger audit on ddl_command_end execute function f();",
    );
    let dump = host.pg_dump("maker", &["-Fc"]);
    let path = host.file("a.dump", &dump);
    let args = ["backups:import", "shop", "--file", path.to_str().expect("a path"), "--no-backup", "--force"];
    let run = host.dokku(&args).expect(7);
    let wanted = "--as-superuser extension:file_fdw --as-superuser event-trigger:audit";
    assert!(run.stderr.contains(wanted), "{}", run.stderr);
    host.dokku(&[&args[..], &["--as-superuser", "extension:file_fdw"]].concat()).expect(7);
    host.dokku(&[&args[..], &["--allow-programs"]].concat()).expect(7);
    host.dokku(&[&args[..], &["--as-superuser", "extension:file_fdw,event-trigger:audit"]].concat()).expect(0);
    assert_eq!(host.sql("shop", "select count(*) from pg_event_trigger"), "1");
    fs::remove_file(path).expect("the file");
}

#[test]
fn attack_404_405_sql_that_the_server_reads_otherwise_than_it_looks_is_refused_by_line() {
    let victim = Victim::up();
    let atomic = "CREATE TABLE t(\"by\" int); CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT by case FROM t; END;";
    for sql in [
        // From PostgreSQL 14 on `case` is a label here, and the body ends at the first END.
        format!("{atomic} ALTER ROLE postgres PASSWORD 'stolen'; SELECT 1 AS end;"),
        format!("{atomic} COMMIT; SELECT 1 AS end;"),
        // A setting that a function changes decides where these strings end.
        "COMMENT ON TABLE t IS '\\' '; DO $x$ begin end $x$; --';".to_owned(),
        "SELECT pg_catalog.set_config('search_path', 'a\\', false); SELECT 1; --', false);".to_owned(),
    ] {
        let run = import(&victim.host, "odd.sql", format!("CREATE TABLE t(x int);\n{sql}\n").as_bytes(), true);
        assert_eq!(run.code, Some(7), "{sql}: {}", run.stderr);
        victim.is_unhurt(&sql);
    }
    let wide = b"CREATE TABLE t(x int);\nCOMMENT ON TABLE t IS E'\x83\\'; DO $x$ begin end $x$; --';\n".to_vec();
    assert_eq!(import(&victim.host, "wide.sql", &wide, true).code, Some(7));
    // Strings behind strings, thousands of them, are read without falling into each other.
    let many = format!("CREATE VIEW v AS SELECT {};", "U&'' ".repeat(20_000));
    let run = import(&victim.host, "many.sql", many.as_bytes(), true);
    assert!(matches!(run.code, Some(1 | 6 | 7)), "{:?} {}", run.code, run.stderr);
    let path = "SELECT pg_catalog.set_config('search_path', 'A\\',E', false); DO $x$ begin end $x$; --');";
    for (kind, sql) in [("SEARCHPATH", path), ("STDSTRINGS", "SET standard_conforming_strings = 'off';\n")] {
        let run = import(&victim.host, "odd.dump", &with_entries(&victim.base, &[entry(kind, sql)]), true);
        assert!(matches!(run.code, Some(6 | 7)), "{kind}: {}", run.stderr);
    }
    victim.is_unhurt("odd strings");
}

#[test]
fn attack_404_an_extension_in_a_schema_of_the_systems_takes_it_from_nobody() {
    let victim = Victim::up();
    let sql = "CREATE EXTENSION hstore WITH SCHEMA information_schema;\nDROP VIEW information_schema.tables CASCADE;\n";
    let run = import(&victim.host, "schema.sql", sql.as_bytes(), true);
    assert_ne!(run.code, Some(0), "{}", run.stderr);
    let sql = "CREATE EXTENSION hstore WITH SCHEMA information_schema;\n";
    import(&victim.host, "schema.sql", sql.as_bytes(), true);
    let owner = "select nspowner::regrole from pg_namespace where nspname = 'information_schema'";
    assert_eq!(victim.host.psql("shop", "shop", owner), "postgres");
    victim.is_only_replaced("a schema of the system's");
}

#[test]
fn attack_401_a_dump_that_takes_all_locks_of_the_server_is_ended_from_outside() {
    let victim = Victim::up();
    victim.host.dokku(&["backups:set", "shop", "restore-timeout", "6"]).expect(0);
    let sql = "CREATE FUNCTION g() RETURNS int LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..10000000 LOOP BEGIN \
               PERFORM pg_advisory_lock(i); EXCEPTION WHEN OTHERS THEN EXIT; END; END LOOP; PERFORM pg_sleep(600); RETURN 1; \
               END $$;\nCREATE TABLE t (x int DEFAULT g());\nINSERT INTO t VALUES (DEFAULT);\n";
    let began = std::time::Instant::now();
    let run = import(&victim.host, "locks.sql", sql.as_bytes(), true);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(began.elapsed().as_secs() < 120, "{:?}", began.elapsed());
    victim.host.dokku(&["backups:sync", "shop"]).expect(0);
    victim.is_unhurt("locks");
}

#[test]
fn attack_404_until_the_exchange_nothing_of_a_foreign_dump_belongs_to_a_superuser() {
    let victim = Victim::up();
    let sql = "CREATE TABLE t(x int);\nCREATE FUNCTION own() RETURNS int LANGUAGE sql AS 'select 1';\nINSERT INTO t VALUES (1);\n";
    let path = victim.host.file("own.sql", sql.as_bytes());
    let args = ["backups:import", "shop", "--file", path.to_str().expect("a path"), "--no-backup", "--force"];
    // Killed at the exchange: what is filled is there, and still the role's.
    let fault = "docker:exec:psql/delay=1";
    let child = victim.host.start_dokku(&args, &[("DOKKU_SANDBOX_FAULT", fault)]);
    let left = "select datname from pg_database where datname like 'dokku_backups_new%'";
    let owners =
        "select count(*) from pg_class c join pg_roles r on r.oid = c.relowner where c.relname = 't' and r.rolsuper";
    let mut looked = 0;
    victim.host.wait_until("the exchange", || {
        let fresh = victim.host.psql("shop", "postgres", left);
        if fresh.is_empty() {
            return looked > 0;
        }
        let run = victim.host.try_psql("shop", fresh.trim(), owners);
        if run.code == Some(0) {
            looked += 1;
            assert_eq!(run.out().trim(), "0", "a superuser owns it before the exchange");
        }
        false
    });
    super::support::wait(child).expect(0);
    assert_eq!(
        victim.host.psql("shop", "shop", "select pg_get_userbyid(relowner) from pg_class where relname = 't'"),
        "postgres"
    );
    victim.is_only_replaced("owners");
}
