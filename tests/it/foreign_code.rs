//! Foreign dumps are code: what in them reaches beyond the database, and what a server cannot take.

use std::fs;

use super::support::{Host, SHOP};

const WHOLE: &str = "--\n-- PostgreSQL database dump complete\n--\n";

fn sql(body: &str) -> Vec<u8> {
    format!("--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE public.a (x integer);\n{body}\n{WHOLE}").into_bytes()
}

#[test]
fn row_055_fault_046_sql_that_reaches_beyond_the_database_is_refused_by_line() {
    let host = Host::up();
    host.database("shop", SHOP);
    let before = host.digest("shop");
    let marker = host.dir().join("marker");
    let touch = format!("touch {}", marker.display());
    // What lets each of them pass; nothing lets a command for psql, or what changes the server.
    let (never, programs, superuser) = ("no option lets that pass", "--allow-programs", "--as-superuser");
    let cases = [
        (format!("\\! {touch}"), never),
        (format!("SELECT 1 \\! {touch}"), never),
        (format!("\\copy a from program '{touch}'"), never),
        (format!("\\o |{touch}"), never),
        (format!("SELECT 1 \\g |{touch}"), never),
        (format!("\\set x `{touch}`"), never),
        (format!("\\restrict `{touch}`"), never),
        ("\\i /etc/passwd".to_owned(), never),
        ("SELECT 'drop table a' \\gexec".to_owned(), never),
        ("ALTER SYSTEM SET archive_command = 'id';".to_owned(), never),
        ("SET ROLE postgres;".to_owned(), never),
        ("COMMIT; DROP TABLE a; PREPARE TRANSACTION 'x';".to_owned(), never),
        (format!("COPY a FROM PROGRAM '{touch}';"), programs),
        (format!("copy(select 1)to/**/program '{touch}';"), programs),
        ("COPY a FROM '/etc/passwd';".to_owned(), programs),
        ("SELECT lo_import('/etc/passwd');".to_owned(), programs),
        ("DO $$ begin perform 1; end $$;".to_owned(), programs),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS 'import os';".to_owned(), superuser),
        ("CREATE FUNCTION f() RETURNS int AS 'libc', 'system' LANGUAGE C;".to_owned(), superuser),
        ("CREATE EXTENSION file_fdw;".to_owned(), superuser),
    ];
    for (body, words) in &cases {
        let run = host.import_file("shop", "a.sql", &sql(body), &["--no-backup", "--format", "json"]).expect(7);
        let message = run.error()["message"].as_str().unwrap_or_default().to_owned();
        assert!(message.contains("line 6"), "{body}: {message}");
        assert!(run.stderr.contains(words), "{body}: {}", run.stderr);
    }
    assert!(!marker.exists(), "it ran");
    assert!(host.list("shop").is_empty());
    assert_eq!(host.digest("shop"), before);
    // What pg_dump itself writes is no such thing.
    let ours = "\\restrict abc\n\\connect shop\nCOPY public.a (x) FROM stdin;\n1\n\\.\n\\unrestrict abc";
    let mut whole =
        host.import_file("shop", "a.sql", &sql(ours), &["--no-backup", "--format", "json"]).expect(0).json();
    assert_eq!(whole["programs"].take(), serde_json::json!([]));
    assert_eq!(host.sql("shop", "select count(*) from a"), "1");
}

#[test]
fn row_055_attack_404_consent_is_recorded_asked_for_at_every_restore_and_is_not_a_superusers() {
    let host = Host::up();
    host.database("shop", SHOP);
    let marker = host.dir().join("marker");
    let bytes =
        sql(&format!("DO $$ begin perform 1; end $$;\nCOPY a FROM PROGRAM 'touch {}; echo 1';", marker.display()));
    let run = host.import_file("shop", "a.sql", &bytes, &["--allow-programs", "--no-restore"]).expect(0);
    let id = run.id();
    let programs = host.info("shop", &id)["programs"].to_string();
    assert!(programs.contains("line 6") && programs.contains("line 7") && programs.contains("touch"), "{programs}");
    let before = host.digest("shop");
    host.dokku(&["backups:import", "shop", "--id", &id, "--force", "--no-backup"]).expect(7);
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(7);
    host.dokku(&["backups:fork", "shop", "--id", &id, "forked"]).expect(7);
    assert!(!marker.exists());
    assert_eq!(host.trust("shop", &id), "created", "nobody has tried it");
    assert_eq!(host.digest("shop"), before);
    // Made again from its bytes, the record still says so.
    fs::remove_file(host.folder("shop").join(format!("{id}.toml"))).expect("the record");
    host.dokku(&["backups:sync", "shop"]).expect(0);
    host.dokku(&["backups:import", "shop", "--id", &id, "--force", "--no-backup"]).expect(7);
    let run =
        host.dokku(&["backups:import", "shop", "--id", &id, "--force", "--no-backup", "--allow-programs"]).expect(0);
    assert!(run.stderr.contains("allowed:"), "the plan names it: {}", run.stderr);
    assert!(marker.exists(), "it was allowed");
    assert_eq!(host.sql("shop", "select count(*) from a"), "1");
    // A fork of it, and the way back to where the fork came from.
    host.dokku(&["backups:fork", "shop", "--id", &id, "forked", "--allow-programs"]).expect(0);
    host.dokku(&["backups:reset", "forked", "--force"]).expect(7);
    fs::remove_file(&marker).expect("the marker");
    host.dokku(&["backups:reset", "forked", "--force", "--allow-programs"]).expect(0);
    assert!(marker.exists(), "it was allowed there too");
    // What was allowed is no more than what it says: the role is still no superuser.
    let roles = sql("COPY a FROM PROGRAM 'echo 1';\nDO $$ begin create role evil superuser; end $$;");
    let run = host.import_file("shop", "b.sql", &roles, &["--allow-programs", "--no-backup"]).expect(1);
    assert!(run.stderr.contains("must be superuser"), "{}", run.stderr);
    assert_eq!(host.psql("shop", "postgres", "select count(*) from pg_roles where rolname = 'evil'"), "0");
}

#[test]
fn fault_046_reading_an_archive_never_runs_it() {
    let host = Host::up();
    host.database("shop", SHOP);
    let marker = host.dir().join("marker");
    host.psql(
        "shop",
        "shop",
        &format!(
            "create function evil(int) returns boolean language plpgsql as $f$ begin
               if current_database() <> 'shop' then copy (select 1) to program 'touch {}'; end if; return true; end $f$;
             create table trap(x int check (evil(x))); insert into trap values (1);",
            marker.display()
        ),
    );
    let dump = host.pg_dump("shop", &["-Fc"]);
    host.dokku(&["postgres:create", "target"]).expect(0);
    host.import_file("target", "a.dump", &dump, &["--no-restore"]).expect(0);
    assert!(!marker.exists(), "reading ran it");
    let path = host.file("b.dump", &dump);
    let run =
        host.dokku_stdin(b"no\n", &["backups:import", "target", "--file", path.to_str().expect("a path")]).expect(7);
    assert!(run.stderr.contains("made elsewhere: it was taken in"), "{}", run.stderr);
    assert!(!marker.exists(), "the plan ran it");
}

#[test]
fn fault_047_what_this_server_cannot_take_is_said_and_nothing_is_touched() {
    let host = Host::up();
    host.database("shop", SHOP);
    let before = host.digest("shop");
    let newer = sql("").split_off(0);
    let newer = String::from_utf8(newer).expect("text").replacen(
        "\n\nCREATE",
        "\n-- Dumped from database version 99.1\n\nCREATE",
        1,
    );
    let run = host.import_file("shop", "a.sql", newer.as_bytes(), &["--no-backup"]).expect(7);
    assert!(run.stderr.contains("from PostgreSQL 99"), "{}", run.stderr);
    let extension = sql("CREATE EXTENSION IF NOT EXISTS no_such_thing WITH SCHEMA public;");
    let agreed = ["--as-superuser", "extension:no_such_thing"];
    let run = host.import_file("shop", "a.sql", &extension, &[&agreed[..], &["--no-backup"]].concat()).expect(7);
    assert!(run.stderr.contains("lacks what the dump needs: no_such_thing"), "{}", run.stderr);
    let id = run.id();
    host.dokku(&[&["backups:verify", "shop", "--id", &id][..], &agreed].concat()).expect(6);
    // Owners and grants of a role that is not here do no harm; for a policy it is made.
    let role = "ALTER TABLE public.a OWNER TO nobody_here;\nGRANT SELECT ON public.a TO nobody_here;";
    host.import_file("shop", "a.sql", &sql(role), &["--no-backup", "--no-restore"]).expect(2);
    let id = host.import_file("shop", "a.sql", &sql(role), &["--no-restore"]).expect(0).id();
    host.dokku(&["backups:verify", "shop", "--id", &id]).expect(0);
    let policy = sql("CREATE POLICY mine ON public.a TO nobody_here USING (true);");
    let path = host.file("policy.sql", &policy);
    let words = ["--force", "backups:import", "other", "--file", path.to_str().expect("a path"), "--no-backup"];
    host.dokku(&["postgres:create", "other"]).expect(0);
    let run = host.dokku(&words).expect(0);
    assert!(run.stderr.contains("nobody_here"), "it is said that the role is made: {}", run.stderr);
    // A whole server is not a database.
    let several = sql("\\connect one\nSELECT 1;\n\\connect two\nSELECT 2;");
    let run = host.import_file("shop", "a.sql", &several, &[]).expect(6);
    assert!(run.stderr.contains("of a whole server"), "{}", run.stderr);
    assert_eq!(host.digest("shop"), before);
    host.check_settled("shop", "what it cannot take");
}

#[test]
fn fault_065_sql_that_restores_to_something_else_is_not_swapped_in() {
    let host = Host::up();
    host.database("shop", SHOP);
    let before = host.digest("shop");
    let trigger = "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ begin return null; end $$;
CREATE TRIGGER no BEFORE INSERT ON public.a FOR EACH ROW EXECUTE FUNCTION public.no();
COPY public.a (x) FROM stdin;\n1\n2\n\\.\n";
    let run = host.import_file("shop", "a.sql", &sql(trigger), &["--no-backup"]).expect(6);
    assert!(run.stderr.contains("public.a has 0 rows, the dump holds 2"), "{}", run.stderr);
    assert_eq!(host.digest("shop"), before);
    host.check_settled("shop", "other rows");
}

#[test]
fn fault_046_attack_404_sql_needs_a_psql_that_keeps_commands_out() {
    let host = Host::up();
    host.database("shop", SHOP);
    // Where only the server knows what is quoted our reading proves nothing: that takes consent.
    let unclear = sql("CREATE TABLE public.paths (p text);\nINSERT INTO public.paths VALUES ('C:\\');");
    let run = host.import_file("shop", "a.sql", &unclear, &["--no-backup"]).expect(7);
    assert!(run.stderr.contains("line 7: from here on only the server can tell"), "{}", run.stderr);
    host.import_file("shop", "a.sql", &unclear, &["--no-backup", "--allow-programs"]).expect(0);
    assert_eq!(host.sql("shop", "select p from paths"), "C:\\");
    // A psql from before August 2025 does not know its own fence: it answers with an error, and gets no SQL of strangers.
    let id =
        host.import_file("shop", "b.sql", &sql("INSERT INTO public.a VALUES (1);"), &["--no-restore"]).expect(0).id();
    let args = ["backups:import", "shop", "--id", &id, "--no-backup", "--force"];
    let old = |call: usize| {
        host.fault(&format!("docker:exec:psql/exit=1@{call}"));
        let _ = fs::remove_file(host.dir().join("run/calls/docker:exec:psql"));
        let run = host.dokku(&args);
        host.fault("");
        run
    };
    let tried: Vec<_> = (1..=14).map(old).collect();
    let refused: Vec<_> = tried.iter().filter(|run| run.code == Some(7)).collect();
    assert_eq!(refused.len(), 1, "{tried:#?}");
    assert!(refused[0].stderr.contains("the psql of this image is from before August 2025"), "{}", refused[0].stderr);
    host.dokku(&args).expect(0);
    host.check_settled("shop", "without a fence");
}
