//! What each document takes for granted, and what must be true when all of it was done.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::blocks::{Doc, Part};
use super::{Scene, play};
use crate::support::fixture::ITEMS;
use crate::support::s3::S3;
use crate::support::{Host, Run};

/// The backup that the documents speak of.
const TIME: &str = "2026-04-08T14:30:00Z";
const ID: &str = "my-db-2026-04-08-14-30-00";

/// A host with the service of all documents.
fn host() -> Host {
    let host = Host::up();
    host.database("my-db", ITEMS);
    host
}

fn count(host: &Host, service: &str) -> String {
    host.sql(service, "select count(*) from items")
}

/// A document that explains and runs nothing.
pub fn nothing_to_run(doc: &Doc) {
    assert!(!doc.parts.iter().any(|part| matches!(part, Part::Commands { not_run: None, .. })), "{}", doc.path);
}

pub fn readme(doc: &Doc) {
    let host = host();
    let run = play(&host, doc, &Scene::default()).expect(0);
    assert!(run.out().contains("Restorable"), "{run:?}");
    assert_eq!(count(&host, "my-db"), "500");
}

pub fn off_site(doc: &Doc) {
    let (host, s3) = (host(), S3::shared());
    host.allow_private();
    let bucket = s3.bucket();
    let work = host.dir().join("work");
    fs::create_dir(&work).expect("folder");
    fs::write(work.join("secret-file"), &s3.secret).expect("secret");
    let lost = "command dokku backups:export my-db
command dokku postgres:connect my-db <<<'delete from items where id > 10' >/dev/null";
    let instead = vec![
        ("age1...", "\"$(age-keygen -y backups.key)\"".to_owned()),
        ("https://s3.example.com", s3.endpoint.clone()),
        ("KEY-ID", s3.key_id.clone()),
        ("s3://bucket/prefix", bucket.uri()),
    ];
    let here = vec![("a backup is made, then rows are lost", lost.to_owned())];
    play(&host, doc, &Scene { instead, first: String::new(), here }).expect(0);
    assert_eq!(count(&host, "my-db"), "500");
    // What was set holds from then on: encrypted here, and stored there.
    let id = host.export("my-db");
    let info = host.info("my-db", &id);
    assert!(info["encrypted_to"][0].as_str().is_some_and(|key| key.starts_with("age1")), "{info}");
    assert_eq!(host.copy_state("my-db", &id), "stored");
    assert!(bucket.objects().iter().any(|(key, _)| *key == bucket.key("my-db", &format!("{id}.dump.age"))));
}

pub fn restores(doc: &Doc) {
    let host = host();
    play(&host, doc, &Scene::default()).expect(0);
    assert_eq!(host.info("my-db", &host.export("my-db"))["grants"], true);
}

pub fn storage(doc: &Doc) {
    let host = host();
    play(&host, doc, &Scene::default()).expect(0);
    let listed = host.list("my-db");
    assert_eq!(listed[0]["archive"]["base"], listed[1]["id"], "{listed:?}");
}

pub fn by_hand(doc: &Doc) {
    let host = host();
    host.dokku(&["backups:export", "my-db", "--at", TIME]).expect(0);
    host.sql("my-db", "delete from items where id > 10");
    let bin = host.psql("my-db", "postgres", "select setting from pg_config where name = 'BINDIR'");
    let (sockets, port) =
        (host.psql("my-db", "postgres", "show unix_socket_directories"), host.psql("my-db", "postgres", "show port"));
    // The last part wants any server: this one, from outside its container.
    let first = format!("export PATH=\"$PATH:{bin}\" PGHOST={sockets} PGPORT={port} PGUSER=postgres");
    let database = host.sql("my-db", "select current_database()");
    let version = host.info("my-db", ID)["image_version"].as_str().expect("a version").to_owned();
    let instead = vec![
        ("/var/lib/dokku", host.var("DOKKU_LIB_ROOT").to_owned()),
        ("\"my_db", format!("\"{database}")),
        ("17.11", version),
        ("--no-login NAME", "--no-login old_owner".to_owned()),
    ];
    let sql = host.dir().join("elsewhere.sql");
    let text = "create table public.items(id int primary key, name text);\nALTER TABLE public.items OWNER TO old_owner;\n\
                COPY public.items (id, name) FROM stdin;\n1\tone\n2\ttwo\n\\.\nCOPY public.items TO PROGRAM 'cat >/dev/null';\n";
    fs::write(&sql, text).expect("a dump");
    let taken = format!(
        "$in_container dropdb -U postgres restored\n\
         backup=$(command dokku backups:import my-db --file {} --no-restore --allow-programs)",
        sql.display()
    );
    let here = vec![("the backup is one in SQL", taken)];
    let run = play(&host, doc, &Scene { instead, first, here }).expect(0);
    assert!(run.out().contains("TABLE DATA public items") && run.out().contains("whole"), "{run:?}");
    let out = run.out();
    let sums: Vec<&str> = out.lines().take(2).collect();
    let recorded = sums[0].rsplit('"').nth(1).expect("a hash");
    assert!(sums[1].starts_with(recorded), "{sums:?}");
    for service in ["my-db", "my-db-restored"] {
        assert_eq!(count(&host, service), "500", "{service}");
    }
    assert_eq!(host.psql("my-db", "restored", "select count(*) from items"), "2");
    assert_eq!(host.psql("my-db", &format!("{database}_before"), "select count(*) from items"), "10");
}

pub fn disaster_drill(doc: &Doc) {
    let host = host();
    // The new host has a key of its own.
    let lost = "command dokku postgres:destroy my-db --force --skip-backup-check
rm -r \"$DOKKU_LIB_ROOT\"/data/backups/postgres \"$DOKKU_LIB_ROOT\"/config/backups/host-key
command dokku plugin:install";
    let owner =
        nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(host.owner())).ok().flatten().expect("a user").name;
    let instead = vec![("/var/lib/dokku", host.var("DOKKU_LIB_ROOT").to_owned()), ("dokku:dokku", format!("{owner}:"))];
    let scene = Scene { instead, first: String::new(), here: vec![("the server is lost", lost.to_owned())] };
    play(&host, doc, &scene).expect(0);
    assert_eq!(count(&host, "my-db"), "500");
    let records = host.list("my-db");
    let restored = records.iter().find(|record| !record["restores"].as_array().expect("restores").is_empty());
    assert_eq!(restored.expect("a restored one")["trust"], "restorable");
    let ids: Vec<String> = records.iter().map(|record| record["id"].as_str().expect("id").to_owned()).collect();
    host.check("my-db", &ids, true);
}

/// The risky step of a document is this program: it takes rows away and leaves a trace.
fn risky_step(host: &Host) -> String {
    let work = host.dir().join("work");
    fs::create_dir_all(&work).expect("work");
    let step = work.join("migrate");
    fs::write(&step, "#!/bin/sh\necho 'delete from items where id > 10' | dokku postgres:connect my-db >migrated\n")
        .expect("step");
    fs::set_permissions(&step, fs::Permissions::from_mode(0o755)).expect("mode");
    work.join("migrated").display().to_string()
}

pub fn three_in_the_morning(doc: &Doc) {
    let host = host();
    host.dokku(&["backups:export", "my-db", "--verify"]).expect(0);
    let lost = "echo 'delete from items where id > 10' | command dokku postgres:connect my-db >/dev/null".to_owned();
    let scene = Scene { here: vec![("rows are lost", lost)], ..Scene::default() };
    play(&host, doc, &scene).expect(0);
    assert_eq!(count(&host, "my-db"), "500");
}

pub fn every_day(doc: &Doc) {
    let host = host();
    let trace = risky_step(&host);
    let run: Run = play(&host, doc, &Scene::default()).expect(0);
    assert!(fs::exists(&trace).expect("trace"), "{run:?}");
    assert_eq!(count(&host, "my-db"), "500", "the way back was taken");
    assert!(fs::read_to_string(host.dir().join("work/status.html")).expect("page").starts_with("<!DOCTYPE html>"));
    // A backup that fails, or does not restore, stops the pipeline before the risky step.
    for fault in ["postgres:export/broken=100", "docker:exec:pg_restore/exit=1"] {
        fs::remove_file(&trace).expect("trace");
        host.fault(fault);
        let run = play(&host, doc, &Scene::default());
        host.fault("");
        assert!(run.code != Some(0) && !fs::exists(&trace).expect("trace"), "{fault}: {run:?}");
        fs::write(&trace, "").expect("trace");
    }
    assert_eq!(count(&host, "my-db"), "500");
}

pub fn platforms(doc: &Doc) {
    let host = host();
    let folder = host.dir().join("before");
    fs::create_dir(&folder).expect("folder");
    for open in [host.dir(), &folder] {
        fs::set_permissions(open, fs::Permissions::from_mode(0o755)).expect("mode");
    }
    let old = host.dokku(&["postgres:export", "my-db"]).expect(0).stdout;
    fs::write(folder.join("my-db-2025-11-01-02-03-04.dump"), old).expect("an old dump");
    let lost = "command dokku postgres:connect my-db <<<'delete from items where id > 10' >/dev/null";
    let instead = vec![("/var/backups/platform", folder.display().to_string())];
    let scene = Scene { instead, first: String::new(), here: vec![("rows are lost", lost.to_owned())] };
    let run = play(&host, doc, &scene).expect(0);
    assert_eq!(count(&host, "my-db"), "500", "{run:?}");
    let records = host.list("my-db");
    let record = |id: &str| records.iter().find(|record| record["id"] == id).unwrap_or_else(|| panic!("no {id}"));
    assert_eq!(record(ID)["restores"][0]["status"], "success");
    assert!(!record(ID)["deleted_at"].is_null());
    assert_eq!(record("my-db-2025-11-01-02-03-04")["source"], "imported");
}

pub fn practice_run(doc: &Doc) {
    let host = host();
    host.dokku(&["apps:create", "my-app"]).expect(0);
    let sha = host.dokku(&["sandbox:deploy", "my-app", "app.rb=1"]).expect(0).out().trim().to_owned();
    host.dokku(&["postgres:link", "my-db", "my-app"]).expect(0);
    host.dokku(&["backups:export", "my-db", "--at", TIME]).expect(0);
    host.sql("my-db", "delete from items where id > 10");
    let repository = format!("{}/my-app", host.var("DOKKU_ROOT"));
    let instead = vec![("https://example.org/my-app.git", repository), ("8bc88414c6a1", sha[..12].to_owned())];
    let run = play(&host, doc, &Scene { instead, first: String::new(), here: Vec::new() }).expect(0);
    assert!(run.out().contains(&sha), "{run:?}");
    assert_eq!(count(&host, "my-db"), "500");
    assert_eq!(host.info("my-db", ID)["restores"].as_array().map(Vec::len), Some(3), "fork, reset, import");
    assert!(!host.dokku(&["postgres:list"]).expect(0).out().contains("practice-db"));
}

pub fn rights(doc: &Doc) {
    let host = host();
    let run = play(&host, doc, &Scene::default()).expect(0);
    assert!(run.out().contains("read, create") || run.out().contains("create"), "{run:?}");
    assert_eq!(
        host.dokku(&["backups:report", "--global", "--format", "json"]).expect(0).json()["rights"]["state"],
        "off"
    );
}

pub fn schedules(doc: &Doc) {
    let host = host();
    play(&host, doc, &Scene::default()).expect(0);
    let all = host.dokku(&["backups:schedules", "my-db", "--format", "json"]).expect(0).json();
    assert_eq!(all["schedules"].as_array().map(Vec::len), Some(3), "{all}");
}
