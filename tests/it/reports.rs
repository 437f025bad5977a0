//! What people run into with dumps, servers and plans (reports 104, 105, 111 to 116, 123 to 125).

use std::fs;
use std::path::Path;

use serde_json::json;

use nix::sys::signal::Signal;

use super::support::fixture::{COUNT, ITEMS};
use super::support::lack::left_out;
use super::support::{Host, send, wait};

fn input(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/reports").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A service `shop` of this data, and a verified backup of it.
fn verified(sql: &str) -> (Host, String) {
    let host = Host::up();
    host.database("shop", sql);
    let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    assert_eq!(host.trust("shop", &id), "restorable");
    (host, id)
}

#[test]
fn report_104_names_are_found_where_the_server_would_find_them() {
    let host = Host::up();
    host.dokku(&["postgres:create", "shop"]).expect(0);
    for (path, schema) in [
        ("\"$user\", public", "public"),
        ("\"$user\",nowhere,public", "public"),
        ("$user", "public"),
        ("S, public", "s"),
        ("'s', public", "s"),
    ] {
        let sql = format!(
            "CREATE SCHEMA s; SET search_path TO {path};\nCREATE TABLE a (x int);\nINSERT INTO a VALUES (1), (2);\n\
             SET search_path TO DEFAULT;\n"
        );
        let sql = if path == "$user" { sql.replace("TO $user", "TO public") } else { sql };
        let run = host.import_file("shop", "path.sql", sql.as_bytes(), &["--no-backup"]).expect(0);
        assert!(run.stderr.contains("1 table and 2 rows compared"), "{path}: {}", run.stderr);
        assert_eq!(host.sql("shop", &format!("select count(*) from {schema}.a")), "2", "{path}");
    }
    let min = b"SET search_path TO \"$user\", public;\nCREATE TABLE a (x int);\nINSERT INTO a VALUES (1);\n";
    host.import_file("shop", "min.sql", min, &["--no-backup"]).expect(0);
    assert_eq!(host.sql("shop", "select count(*) from public.a"), "1");
}

#[test]
fn report_105_what_ties_the_old_database_is_found_before_the_exchange() {
    let subscribed = "create table r(x int); insert into r values (1); create publication mine for table r;
        create subscription sub connection 'host=127.0.0.1 port=1 dbname=none' publication pub
          with (connect = false, slot_name = none, enabled = false, create_slot = false);";
    let (host, id) = verified(subscribed);
    // One that holds nothing anywhere else goes with its database, as often as one likes.
    for _ in 0..2 {
        host.dokku(&["--force", "backups:import", "shop", "--id", &id, "--no-backup"]).expect(0);
        assert_eq!(host.sql("shop", "select count(*) from pg_database where datname like 'dokku%'"), "0");
    }
    // What came back may have a place at the publisher: only its owner knows.
    host.sql("shop", "alter subscription sub set (slot_name = 'elsewhere')");
    let before = host.digest("shop");
    let run = host.dokku(&["--force", "backups:import", "shop", "--id", &id]).expect(7);
    assert!(run.stderr.contains("subscription sub") && run.stderr.contains("DROP SUBSCRIPTION"), "{}", run.stderr);
    assert_eq!((host.digest("shop"), host.list("shop").len()), (before, 1), "nothing was done, not even saved");
    host.check_settled("shop", "refused");
    // An active slot keeps the database as well.
    host.sql("shop", "alter subscription sub set (slot_name = none); drop subscription sub");
    host.dokku(&["--force", "backups:import", "shop", "--id", &id, "--no-backup"]).expect(0);
}

/// Earlier versions exchanged first and then could not drop: what they left has its way out.
#[test]
fn report_105_a_database_left_by_an_earlier_version_is_removed_by_the_next_command() {
    let (host, id) = verified(ITEMS);
    host.sql("shop", "create publication mine for table items");
    let args = ["backups:import", "shop", "--id", &id, "--force", "--no-backup"];
    let child = host.start_binary(&args, &[("DOKKU_SANDBOX_FAULT", "docker:exec:psql/delay=1")]);
    let old = "select datname from pg_database where datname like 'dokku_backups_old%'";
    host.wait_until("the exchange", || !host.psql("shop", "postgres", old).is_empty());
    send(&child, Signal::SIGKILL);
    wait(child);
    let left = host.psql("shop", "postgres", old);
    assert!(!left.is_empty(), "killed too late");
    host.psql("shop", "postgres", &format!("alter database {left} allow_connections true"));
    host.psql(
        "shop",
        &left,
        "create subscription sub connection 'host=127.0.0.1 port=1 dbname=none' publication pub
          with (connect = false, slot_name = 'elsewhere', enabled = false, create_slot = false)",
    );
    let dropped = host.try_psql("shop", "postgres", &format!("drop database {left}"));
    assert_ne!(dropped.code, Some(0), "PostgreSQL keeps it: {}", dropped.stderr);
    host.dokku(&["backups:sync", "shop"]).expect(0);
    host.check_settled("shop", "left by an earlier version");
    assert_eq!(host.sql("shop", COUNT), "500");
}

/// A host with a service `other` whose server could have the extension `name`; none where PostgreSQL here lacks it.
fn with_extension(name: &str) -> Option<Host> {
    let host = Host::up();
    host.dokku(&["postgres:create", "other"]).expect(0);
    if host.sql("other", &format!("select count(*) from pg_available_extensions where name = '{name}'")) == "0" {
        left_out(name, &format!("PostgreSQL here has no {name}"));
        return None;
    }
    Some(host)
}

/// A service whose server preloads pg_cron, with a job.
fn cron() -> Option<Host> {
    let host = with_extension("pg_cron")?;
    let options = "-c shared_preload_libraries=pg_cron -c cron.database_name=shop";
    host.dokku(&["postgres:create", "shop", "--config-options", options]).expect(0);
    host.sql("shop", "create extension pg_cron; select cron.schedule('nightly','0 3 * * *','select 1'); create table t(x int); insert into t values (1)");
    Some(host)
}

#[test]
fn report_111_a_preloaded_library_is_there_where_a_backup_is_tried() {
    let Some(host) = cron() else { return };
    let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    assert_eq!(host.trust("shop", &id), "restorable");
    // While the service does not run its options are known all the same.
    host.dokku(&["postgres:stop", "shop"]).expect(0);
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    host.dokku(&["postgres:start", "shop"]).expect(0);
    // An extension that is bound to a database by its name cannot be made beside that.
    let before = host.digest("shop");
    let run = host.dokku(&["--force", "backups:import", "shop", "--id", &id]).expect(7);
    assert!(run.stderr.contains("pg_cron") && run.stderr.contains("--skip-extension pg_cron"), "{}", run.stderr);
    assert_eq!((host.digest("shop"), host.list("shop").len()), (before, 1));
    let run = host
        .dokku(&["--force", "backups:import", "shop", "--id", &id, "--no-backup", "--skip-extension", "pg_cron"])
        .expect(0);
    assert!(run.stderr.contains("pg_cron is left out"), "{}", run.stderr);
    assert_eq!(
        host.sql("shop", "select count(*) from t; select count(*) from pg_extension where extname = 'pg_cron'"),
        "1\n0"
    );
    host.dokku(&["--force", "backups:import", "shop", "--id", &id, "--no-backup", "--skip-extension", "citext"])
        .expect(7);
    host.check_settled("shop", "skipped");
}

#[test]
fn report_111_settings_that_the_image_does_not_know_do_not_spoil_a_verification() {
    let (host, id) = verified(ITEMS);
    let conf = host.dir().join("var/lib/dokku/services/postgres/shop/CONFIG_OPTIONS");
    host.dokku(&["postgres:stop", "shop"]).expect(0);
    fs::write(conf, "-c shared_preload_libraries=no_such_library -c no.such=1").expect("options");
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    let log = host.dokku(&["backups:logs", "shop", "--id", &id]).expect(0).out();
    assert!(log.contains("without the service's own settings"), "{log}");
}

#[test]
fn report_111_many_locks_and_a_currency_of_its_own() {
    let host = Host::up();
    host.dokku(&["postgres:create", "shop", "--config-options", "-c max_locks_per_transaction=512"]).expect(0);
    host.sql(
        "shop",
        "do $$ begin for i in 1..4000 loop execute format('create table t%s (x int)', i); end loop; end $$",
    );
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
}

#[test]
fn report_112_no_setting_of_the_server_ends_our_own_sessions() {
    let host = Host::up();
    let options = "-c statement_timeout=150ms -c lock_timeout=50ms -c idle_in_transaction_session_timeout=50ms \
                   -c idle_session_timeout=50ms -c array_nulls=off -c session_replication_role=replica \
                   -c default_transaction_isolation=serializable";
    host.dokku(&["postgres:create", "shop", "--config-options", options]).expect(0);
    let ours = "set statement_timeout = 0; set array_nulls = on; ";
    host.psql(
        "shop",
        "shop",
        &format!(
            "{ours} create table big as select g as id, array[g, null]::int[] as a from generate_series(1, 2000000) g"
        ),
    );
    // A role's settings come before those of a database.
    let roles = "statement_timeout = '100ms'; alter role postgres set idle_session_timeout = '40ms'; \
                 alter role postgres set default_transaction_read_only = on";
    host.psql("shop", "postgres", &format!("alter role postgres set {roles}"));
    let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    host.dokku(&["--force", "backups:import", "shop", "--id", &id, "--no-backup"]).expect(0);
    assert_eq!(host.sql("shop", "set statement_timeout = 0; select count(*) from big where a[2] is null"), "2000000");
    let left = host.psql(
        "shop",
        "shop",
        "select count(*) from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase",
    );
    assert_eq!(left, "0", "nothing of ours is left at the database");
}

#[test]
fn report_113_roles_that_a_dump_names_are_made_where_they_are_missing() {
    let rls = "create role web_anon nologin; create role \"Odd \"\"Role\" nologin;
        create table todos(id int primary key, owner text); alter table todos enable row level security; alter table todos force row level security;
        create policy anon_read on todos for select to web_anon, \"Odd \"\"Role\" using (true);
        create policy mine on todos for all to current_user, public using (true) with check (owner = 'to nobody');
        insert into todos values (1,'me'),(2,'you');";
    let (host, id) = verified(rls);
    let run = host.dokku(&["backups:fork", "shop", "--id", &id, "forked"]).expect(0);
    assert!(!run.stderr.contains("ERROR"), "{}", run.stderr);
    let roles = "select string_agg(rolname || ' ' || rolcanlogin, ', ' order by 1) from pg_roles where rolname in ('web_anon', 'Odd \"Role')";
    assert_eq!(host.sql("forked", roles), "Odd \"Role false, web_anon false");
    assert!(run.stderr.contains("web_anon") && run.stderr.contains("made without a login"), "{}", run.stderr);
    // Elsewhere too: SQL of any origin, into a service that never had them.
    host.dokku(&["postgres:create", "other"]).expect(0);
    let sql = host.pg_dump("shop", &[]);
    let run = host.import_file("other", "rls.sql", &sql, &["--no-backup", "--format", "json"]).expect(0);
    assert_eq!(run.json()["restores"][0]["roles"], json!(["Odd \"Role", "web_anon"]));
    assert_eq!(host.sql("other", roles), "Odd \"Role false, web_anon false");
    let imported = run.json()["id"].as_str().expect("an id").to_owned();
    host.dokku(&["backups:verify", "other", "--id", &imported]).expect(0);
    // What fails leaves none of them.
    host.dokku(&["postgres:create", "third"]).expect(0);
    let bad = [sql.as_slice(), b"\nSELECT 1/0;\nALTER TABLE nowhere ADD x int;\n"].concat();
    let run = host.import_file("third", "bad.sql", &bad, &["--no-backup"]);
    assert_ne!(run.code, Some(0));
    assert_eq!(host.sql("third", roles), "");
    // The gate opens.
    host.dokku(&["postgres:destroy", "shop", "--force"]).expect(0);
}

#[test]
fn host_203_a_policy_to_a_role_keeps_no_backup_from_being_restorable() {
    let (host, id) = verified(&String::from_utf8_lossy(&input("i09-rls.sql")));
    assert_eq!(host.trust("shop", &id), "restorable");
    host.dokku(&["backups:fork", "shop", "--id", &id, "forked"]).expect(0);
    let policies = "select policyname, roles::text from pg_policies";
    assert_eq!(host.sql("forked", policies), host.sql("shop", policies));
    host.dokku(&["--force", "backups:import", "shop", "--id", &id]).expect(0);
    host.dokku(&["postgres:destroy", "shop", "--force"]).expect(0);
}

#[test]
fn report_114_a_schema_that_only_an_extension_needs_is_made() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let run =
        host.import_file("shop", "heroku.dump", &input("heroku.dump"), &["--no-backup", "--format", "json"]).expect(0);
    let id = run.json()["id"].as_str().expect("an id").to_owned();
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    host.check_settled("shop", "heroku");
}

#[test]
fn report_114_postgis_with_its_topology_goes_wherever_its_database_goes() {
    let Some(host) = with_extension("postgis") else { return };
    host.dokku(&["postgres:create", "shop"]).expect(0);
    let sql = "create extension postgis; create extension postgis_topology;
        create table places as select i as id, st_setsrid(st_makepoint(i % 180, i % 90), 4326) as at from generate_series(1, 500) i;
        create index on places using gist (at); select topology.createtopology('roads', 4326);
        insert into spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text) select 990001, 'own', 1, srtext, proj4text
            from spatial_ref_sys where srid = 4326";
    host.sql("shop", sql);
    let places = "select count(*), md5(string_agg(id || st_astext(at), ',' order by id)) from places;
        select count(*) from spatial_ref_sys where srid = 990001; select name from topology.topology";
    let before = host.sql("shop", places);
    let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    assert_eq!(host.trust("shop", &id), "restorable");
    assert_eq!(host.info("shop", &id)["verification"]["comparison"], "dumped-again");
    host.dokku(&["backups:fork", "shop", "--id", &id, "forked"]).expect(0);
    assert_eq!(host.sql("forked", places), before);
    host.sql("shop", "delete from places; select topology.droptopology('roads')");
    host.dokku(&["--force", "backups:import", "shop", "--id", &id]).expect(0);
    assert_eq!(host.sql("shop", places), before);
    let dump = fs::read(host.dump_file("shop", &id)).expect("the dump");
    host.import_file("other", "places.dump", &dump, &["--no-backup"]).expect(0);
    assert_eq!(host.sql("other", places), before);
}

#[test]
fn report_114_an_extension_that_the_image_lacks_is_named_and_can_be_left_out() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let supabase = input("i16-supabase.sql");
    let run = host.import_file("shop", "i16.sql", &supabase, &["--no-backup"]).expect(7);
    let said = &run.stderr;
    assert!(said.contains("pg_graphql") && said.contains("supabase_vault"), "{said}");
    let named = ["--as-superuser", "extension:pg_graphql,extension:supabase_vault,event-trigger:issue_pg_cron_access"];
    let run = host.import_file("shop", "i16.sql", &supabase, &[&["--no-backup"], &named[..]].concat()).expect(7);
    assert!(run.stderr.contains("--skip-extension pg_graphql,supabase_vault"), "{}", run.stderr);
    let id = host.list("shop")[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(host.sql("shop", COUNT), "500");
    let skip =
        ["--skip-extension", "pg_graphql,supabase_vault", "--as-superuser", "event-trigger:issue_pg_cron_access"];
    let run =
        host.dokku(&[&["--force", "backups:import", "shop", "--id", &id, "--no-backup"], &skip[..]].concat()).expect(0);
    assert!(run.stderr.contains("left out"), "{}", run.stderr);
    assert_eq!(
        host.sql("shop", "select count(*) from notes; select count(*) from pg_roles where rolname = 'authenticated'"),
        "1\n1"
    );
    host.dokku(&[&["backups:verify", "shop", "--id", &id], &skip[..]].concat()).expect(0);
    host.check_settled("shop", "supabase");
}

#[test]
fn report_115_the_servers_own_error_is_shown_with_what_it_is_about() {
    let host = Host::up();
    host.database(
        "shop",
        "create extension unaccent; create table people(id int primary key, name text);
         create function f_unaccent(text) returns text language sql immutable as $$ select unaccent('unaccent', $1) $$;
         create index people_name on people (f_unaccent(name)); insert into people values (1,'Zoë'),(2,'Ann');",
    );
    let run = host.dokku(&["backups:export", "shop", "--verify"]).expect(6);
    let said = &run.stderr;
    assert!(said.contains("ERROR:  function unaccent(unknown, text) does not exist"), "{said}");
    assert!(said.contains("people_name"), "the object it is about: {said}");
    assert!(said.contains("SET search_path"), "how to mend it in the database: {said}");
    assert!(!said.contains("make another: "), "another would be the same: {said}");
    let id = host.list("shop")[0]["id"].as_str().expect("an id").to_owned();
    let reason = host.info("shop", &id)["verification"]["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.contains("function unaccent(unknown, text) does not exist"), "{reason}");
    // Mended as it says.
    host.sql("shop", "alter function f_unaccent(text) set search_path = public, pg_catalog");
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
}

#[test]
fn report_116_an_archive_of_a_newer_tool_is_refused_before_anything() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let run = host.import_file("shop", "newer.dump", &input("newer-tool.dump"), &[]).expect(7);
    let said = &run.stderr;
    assert!(said.contains("pg_dump 16") && said.contains("PostgreSQL 15"), "{said}");
    assert!(said.contains("image") && !said.contains("unsupported version"), "{said}");
    assert_eq!(host.sql("shop", COUNT), "500");
    assert_eq!(host.list("shop").len(), 1, "no safety backup either");
    host.check_settled("shop", "newer");
}

#[test]
fn report_123_settings_of_psql_are_left_out() {
    let host = Host::up();
    host.dokku(&["postgres:create", "shop"]).expect(0);
    for (name, sql) in [
        ("b.sql", "\\set ON_ERROR_STOP on\n\\encoding UTF8\nCREATE TABLE a (x int);\nINSERT INTO a VALUES (1);"),
        ("c.sql", "CREATE TABLE a (x int);\n\\echo done\nINSERT INTO a VALUES (1);"),
        (
            "d.sql",
            "\\pset pager off\n\\timing on\n\\x off\n\\unset ECHO\nCREATE TABLE a (x int);\n\\qecho\n\\warn x\nINSERT INTO a VALUES (1);\n",
        ),
    ] {
        host.import_file("shop", name, sql.as_bytes(), &["--no-backup"]).expect(0);
        assert_eq!(host.sql("shop", "select count(*) from a"), "1", "{name}");
    }
}

#[test]
fn report_124_the_plan_says_what_will_be_lost() {
    let (host, id) = verified(ITEMS);
    host.sql(
        "shop",
        "create role app; create role reader; create table later(x int); create table \"Odd t\"(x int); insert into later values (1), (2), (3);
         create table kept_by(x int); alter table kept_by owner to app; grant select on items to reader; grant usage on schema public to reader;
         create function mine() returns int language sql as 'select 1'; alter function mine() owner to app;
         alter default privileges grant select on tables to reader; analyze;",
    );
    let run = host.dokku_stdin(b"no\n", &["backups:import", "shop", "--id", &id]);
    assert_ne!(run.code, Some(0));
    let said = &run.stderr;
    assert!(said.contains("3 tables that the backup does not hold") && said.contains("later"), "{said}");
    assert!(said.contains("2 objects of app"), "{said}");
    assert!(said.contains("3 grants to reader"), "{said}");
    // Nothing to lose, nothing said.
    host.dokku(&["--force", "backups:import", "shop", "--id", &id, "--no-backup"]).expect(0);
    let run = host.dokku_stdin(b"no\n", &["backups:import", "shop", "--id", &id]);
    assert!(!run.stderr.contains("lost:"), "{}", run.stderr);
}

#[test]
fn report_125_the_restored_database_has_statistics_before_clients_are_let_in() {
    let (host, id) = verified(ITEMS);
    host.dokku(&["--force", "backups:import", "shop", "--id", &id, "--no-backup"]).expect(0);
    assert_eq!(host.sql("shop", "select count(*) > 0 from pg_stats where tablename = 'items'; select reltuples from pg_class where relname = 'items'"), "t\n500");
}
