//! The mission, row by row, from the command line: what is created, listed and looked at.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::support::{Host, SHOP, finish};

/// Every field of one backup for programs; none may ever be absent.
const FIELDS: &str = "id datastore service status reason trust source schedules label created_at started_at finished_at \
expires_at keep deleted_at deleted_by file path size sha256 compression encrypted_to image image_version server_version \
dump_tool_version database tables apps copy verification restores presence created_by";

fn assert_whole(object: &Value) {
    for field in FIELDS.split_whitespace() {
        assert!(object.get(field).is_some(), "{field} is absent: {object}");
    }
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_else(|| panic!("{field} is no text: {object}"))
}

#[test]
fn row_001_014_the_artifact_is_a_standard_archive_on_this_host() {
    let (host, id) = Host::with_backup();
    assert_eq!(host.calls("postgres:export"), 1, "not the datastore's own export");
    let dump = host.folder("shop").join(format!("{id}.dump"));
    assert!(fs::read(&dump).expect("the dump").starts_with(b"PGDMP"));
    let mut command = host.command("bash");
    command.args(["-c", ". $DOKKU_SANDBOX_DIR/sandbox/facts; \"$SANDBOX_PG_BIN/pg_restore\" --list \"$1\"", "-"]);
    let list = finish({
        command.arg(&dump);
        command
    });
    let list = list.expect(0).out();
    for entry in ["TABLE DATA public items", "TABLE DATA public orders", "VIEW public sold"] {
        assert!(list.contains(entry), "{entry} is missing: {list}");
    }
    // Restored by hand, with nothing of ours.
    host.database("hand", "");
    let mut command = host.dokku_command(&["postgres:import", "hand"]);
    command.stdin(fs::File::open(&dump).expect("the dump"));
    finish(command).expect(0);
    assert_eq!(host.fingerprint("hand"), host.fingerprint("shop"));
}

#[test]
fn row_003_004_in_progress_is_visible_while_it_runs() {
    let (host, first) = Host::with_backup();
    host.fault("postgres:export/delay=2");
    let mut run = host.start(&["backups:export", "shop"]);
    host.worker("shop");
    let row = host.list("shop").remove(0);
    assert_whole(&row);
    assert_eq!(text(&row, "status"), "in-progress");
    for field in ["finished_at", "size", "sha256", "trust"] {
        assert!(row[field].is_null(), "{field}: {row}");
    }
    let table = host.dokku(&["backups:list", "shop"]).expect(0).out();
    let line = table.lines().find(|line| line.contains(text(&row, "id"))).expect("a row").to_owned();
    assert!(line.contains("In progress"), "{line}");
    let only = host.dokku(&["backups:list", "shop", "--status", "in-progress", "--format", "json"]).expect(0).json();
    assert_eq!(only["backups"].as_array().expect("an array").len(), 1);
    assert!(run.is_running(), "it was over before it was looked at");
    let run = run.wait().expect(0);
    host.fault("");
    assert_eq!(run.out(), format!("{}\n", text(&row, "id")), "stdout carries the id and nothing else");
    assert!(run.stderr.contains("-----> Backing up shop"), "{}", run.stderr);
    assert_eq!(host.info("shop", &run.id())["status"], "success");
    host.check("shop", &[first, run.id()], true);
}

#[test]
fn row_004_013_exit_codes_chain() {
    let host = Host::up();
    host.database("shop", SHOP);
    let mut command = host.command("bash");
    command.args(["-c", "dokku backups:export shop >/dev/null && dokku backups:list shop >/dev/null && echo chained"]);
    assert_eq!(finish(command).expect(0).out(), "chained\n");
    let mut command = host.command("bash");
    command.args(["-c", "dokku backups:export nope && echo chained"]);
    assert_eq!(finish(command).expect(4).out(), "");
}

#[test]
fn row_005_006_the_name_is_the_time_to_the_second() {
    let host = Host::up();
    host.database("shop", SHOP);
    let id = host.export("shop");
    let shape = |c: char| if c.is_ascii_digit() { '9' } else { c };
    assert_eq!(id.chars().map(shape).collect::<String>(), "shop-9999-99-99-99-99-99");
    let info = host.info("shop", &id);
    let created: String = text(&info, "created_at").chars().map(|c| if "T:Z".contains(c) { '-' } else { c }).collect();
    assert_eq!(id, format!("shop-{}", created.trim_end_matches('-')));
    assert_eq!(text(&info, "file"), format!("{id}.dump"));
    // Any zone and fraction: the name is UTC, to the second.
    let run = host.dokku(&["backups:export", "shop", "--at", "2026-04-08T16:30:00.75+02:00"]).expect(0);
    assert_eq!(run.out(), "shop-2026-04-08-14-30-00\n");
    let info = host.info("shop", &run.id());
    assert_eq!(text(&info, "created_at"), "2026-04-08T14:30:00Z");
    assert!(!text(&info, "started_at").starts_with("2026-04-08"), "when work began is another matter");
    let again = host.dokku(&["backups:export", "shop", "--at", "2026-04-08T14:30:00Z"]).expect(9);
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);
    for wrong in ["yesterday", "2026-04-08", "2026-02-30T00:00:00Z", "2026-04-08T14:30:60Z", "1969-12-31T23:59:59Z", ""]
    {
        let run = host.dokku(&["backups:export", "shop", "--at", wrong]);
        assert!(matches!(run.code, Some(1 | 2)) && run.stdout.is_empty(), "{wrong:?}: {run:?}");
    }
    host.check("shop", &[id, run.id()], true);
}

#[test]
fn row_007_a_deletion_under_way_is_in_progress() {
    let (host, id) = Host::with_backup();
    host.export("shop");
    let record = host.folder("shop").join(format!("{id}.toml"));
    let marked = || fs::read_to_string(&record).is_ok_and(|text| text.contains("deleted_at"));
    // Killed a little later each time, until its record says deleted and its dump is still there.
    let mut at = 0;
    while !marked() {
        at += 1;
        let kill = format!("abort={at}");
        host.dokku_with("DOKKU_BACKUPS_POINTS", &kill, &["backups:delete", "shop", "--id", &id]);
        assert!(at < 200, "it was never killed in between");
    }
    assert!(host.folder("shop").join(format!("{id}.dump")).exists(), "gone before it was said");
    let status = || host.list("shop").into_iter().find(|row| row["id"] == *id).expect("a row")["status"].clone();
    assert_ne!(status(), "in-progress", "nobody works on it");
    let lock = fs::File::options().write(true).open(host.folder("shop").join(".lock")).expect("the lock");
    let whole = nix::libc::flock { l_type: 1, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 };
    nix::fcntl::fcntl(&lock, nix::fcntl::FcntlArg::F_OFD_SETLK(&whole)).expect("the lock is free");
    assert_eq!(status(), "in-progress");
    drop(lock);
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert!(!host.folder("shop").join(format!("{id}.dump")).exists());
    host.check("shop", &[], true);
}

#[test]
fn row_008_009_a_failure_keeps_its_reason_and_its_log() {
    let (host, first) = Host::with_backup();
    host.fault("postgres:export/broken=900");
    let run = host.dokku(&["backups:export", "shop"]).expect(1);
    host.fault("");
    assert!(run.stdout.is_empty(), "an id of a failed backup: {run:?}");
    let row = host.list("shop").remove(0);
    assert_eq!((text(&row, "status"), &row["trust"]), ("failed", &Value::Null));
    assert!(text(&row, "reason").contains("PQgetResult() failed"), "{row}");
    let info = host.dokku(&["backups:info", "shop", "--last"]).expect(0).out();
    assert!(info.lines().any(|line| line.contains("Error:") && line.contains("PQgetResult")), "{info}");
    let logs = host.dokku(&["backups:logs", "shop", "--id", text(&row, "id")]).expect(0).out();
    assert!(logs.contains("Dumping the contents of table"), "{logs}");
    let failed = host.dokku(&["backups:list", "shop", "--status", "failed"]).expect(0).out();
    assert!(failed.contains(text(&row, "id")) && !failed.contains(&first), "{failed}");
    host.check("shop", &[first], true);
}

#[test]
fn row_010_a_run_that_died_is_shown_as_failed_at_once() {
    let (host, first) = Host::with_backup();
    host.fault("postgres:export/hang");
    let run = host.start(&["backups:export", "shop"]);
    host.signal("shop", Signal::SIGKILL);
    run.wait().expect(137);
    host.fault("");
    let row = host.list("shop").remove(0);
    assert_eq!(text(&row, "status"), "failed");
    assert!(text(&row, "reason").contains("abandoned"), "{row}");
    let next = host.export("shop");
    let settled = host.list("shop").into_iter().find(|other| other["id"] == row["id"]).expect("it stays");
    assert_eq!((text(&settled, "status"), &settled["reason"]), ("failed", &row["reason"]));
    host.check("shop", &[first, next], true);
}

#[test]
fn row_011_012_a_service_that_is_not_up_leaves_no_row() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.dokku(&["postgres:stop", "shop"]).expect(0);
    let run = host.dokku(&["backups:export", "shop"]).expect(1);
    assert!(run.stderr.contains(" !     start it with:\n           dokku postgres:start shop\n"), "{}", run.stderr);
    assert_eq!(host.dokku(&["backups:list", "shop"]).expect(0).out(), "No backups\n");
    assert_eq!(host.list("shop"), Vec::<Value>::new());
    host.dokku(&["backups:export", "nope"]).expect(4);
    host.dokku(&["postgres:start", "shop"]).expect(0);
    let id = host.export("shop");
    host.check("shop", &[id], true);
}

#[test]
fn row_015_the_commit_of_every_linked_app() {
    let host = Host::up();
    host.database("shop", SHOP);
    let alone = host.export("shop");
    assert_eq!(host.info("shop", &alone)["apps"], serde_json::json!([]));
    for app in ["web", "idle"] {
        host.dokku(&["apps:create", app]).expect(0);
        host.dokku(&["postgres:link", "shop", app]).expect(0);
    }
    let sha = host.dokku(&["sandbox:deploy", "web", "file=1"]).expect(0).id();
    let mut parse = host.command("git");
    parse.args(["-c", "safe.directory=*", "--git-dir"]).arg(Path::new(host.var("DOKKU_ROOT")).join("web"));
    parse.args(["rev-parse", "HEAD"]);
    assert_eq!(finish(parse).expect(0).out().trim(), sha);
    let both = host.export("shop");
    let info = host.info("shop", &both);
    let app = |name: &str| {
        let apps = info["apps"].as_array().expect("apps");
        apps.iter().find(|app| app["app"] == name).unwrap_or_else(|| panic!("{name} is missing: {info}")).clone()
    };
    let web = app("web");
    assert_eq!((text(&web, "git_sha"), text(&web, "deploy_branch")), (sha.as_str(), "master"));
    assert_eq!((text(&web, "deploy_source"), text(&web, "deploy_source_metadata")), ("git-push", sha.as_str()));
    assert!(text(&web, "git_last_updated_at").ends_with('Z'));
    let idle = app("idle");
    for field in ["git_sha", "git_last_updated_at", "deploy_source", "deploy_source_metadata"] {
        assert!(idle[field].is_null(), "{field} of an app that was never deployed: {idle}");
    }
    let shown = host.dokku(&["backups:info", "shop", "--id", &both]).expect(0).out();
    assert!(shown.contains(&format!("web: {sha} (master)")) && shown.contains("idle: never deployed"), "{shown}");
    host.check("shop", &[alone, both], true);
}

#[test]
fn row_015_an_app_deployed_from_an_archive() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.dokku(&["apps:create", "web"]).expect(0);
    host.dokku(&["postgres:link", "shop", "web"]).expect(0);
    let mut tar = host.command("bash");
    tar.args(["-c", "cd $DOKKU_SANDBOX_DIR/tmp && echo 1 >file && tar -cf app.tar file && chmod 644 app.tar"]);
    finish(tar).expect(0);
    let url = format!("file://{}/tmp/app.tar", host.dir().display());
    host.dokku(&["git:from-archive", "web", &url]).expect(0);
    let id = host.export("shop");
    let app = host.info("shop", &id)["apps"][0].clone();
    assert_eq!((text(&app, "deploy_source"), text(&app, "deploy_source_metadata")), ("tar", url.as_str()));
}

#[test]
fn row_015_a_fact_that_cannot_be_had_is_noted_and_fails_nothing() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.dokku(&["apps:create", "web"]).expect(0);
    host.dokku(&["postgres:link", "shop", "web"]).expect(0);
    host.dokku(&["sandbox:deploy", "web"]).expect(0);
    for fault in ["git:report/fail=broken", "git:report/out=rubbish", "git:report/die"] {
        host.fault(fault);
        let run = host.dokku(&["backups:export", "shop", "--at", &host.moment()]).expect(0);
        let info = host.info("shop", &run.id());
        assert_eq!(text(&info, "status"), "success");
        assert!(info["apps"][0]["deploy_branch"].is_null(), "{info}");
        assert_eq!(text(&info["apps"][0], "deploy_source"), "git-push", "the other facts are lost with it: {info}");
        let note = info["notes"][0].as_str().unwrap_or_default();
        assert!(note.contains("web: git:report"), "{fault}: {info}");
        assert!(run.stderr.contains(note), "{fault}: {}", run.stderr);
        host.check("shop", &[run.id()], true);
    }
}

#[test]
fn row_016_image_and_versions() {
    let (host, id) = Host::with_backup();
    let info = host.info("shop", &id);
    assert_eq!((text(&info, "image"), text(&info, "database")), ("postgres", "shop"));
    let version = text(&info, "image_version");
    assert!(!version.is_empty());
    let server = host.sql("shop", "show server_version");
    assert_eq!((text(&info, "server_version"), text(&info, "dump_tool_version")), (server.as_str(), server.as_str()));
}

#[test]
fn row_018_several_services_and_all() {
    let host = Host::up();
    for name in ["one", "two", "three"] {
        host.dokku(&["postgres:create", name]).expect(0);
    }
    let run = host.dokku(&["backups:export", "two", "one", "--label", "before the sale"]).expect(0);
    let out = run.out();
    let ids: Vec<&str> = out.lines().collect();
    assert!(ids.len() == 2 && ids[0].starts_with("two-") && ids[1].starts_with("one-"), "{ids:?}");
    assert_eq!(text(&host.info("one", ids[1]), "label"), "before the sale");
    let run = host.dokku(&["backups:export", "--all", "--format", "json"]).expect(0);
    let all = run.json();
    let all = all["backups"].as_array().expect("an array");
    all.iter().for_each(assert_whole);
    assert_eq!(all.iter().map(|b| text(b, "service")).collect::<Vec<_>>(), ["one", "three", "two"]);
    // One that fails does not stop the next, and the exit code says partly.
    host.dokku(&["postgres:stop", "three"]).expect(0);
    let run = host.dokku(&["backups:export", "--all"]).expect(3);
    assert_eq!(run.out().lines().count(), 2, "{run:?}");
    assert!(run.stderr.contains("1 of 3 services"), "{}", run.stderr);
    host.dokku(&["backups:export", "three", "nope"]).expect(4);
    host.dokku(&["backups:export"]).expect(2);
    host.dokku(&["backups:export", "--all", "one"]).expect(2);
    for (words, code) in [("a".repeat(200), 0), ("a".repeat(201), 2), ("two\nlines".to_owned(), 2)] {
        host.dokku(&["backups:export", "one", "--label", &words]).expect(code);
    }
    for service in ["one", "two", "three"] {
        host.check(service, &[], true);
    }
}

#[test]
fn row_020_newest_first() {
    let (host, _) = Host::with_backup();
    let times = ["2022-05-01T00:00:00Z", "2024-05-01T00:00:00Z", "2023-05-01T00:00:00Z", "2019-05-01T00:00:00Z"];
    for at in times {
        host.dokku(&["backups:export", "shop", "--at", at]).expect(0);
    }
    let mut command = host.command("bash");
    command.args(["-c", "dokku --quiet backups:list shop | head -3"]);
    let head = finish(command).expect(0).out();
    let names: Vec<&str> = head.lines().map(|line| line.split_whitespace().next().unwrap_or("")).collect();
    assert_eq!(names, ["Name", "shop-2024-05-01-00-00-00", "shop-2023-05-01-00-00-00"]);
    let created: Vec<String> = host.list("shop").iter().map(|b| text(b, "created_at").to_owned()).collect();
    assert!(created.is_sorted_by(|a, b| a > b) && created.len() == 5, "{created:?}");
    assert_eq!(host.dokku(&["backups:info", "shop", "--latest", "--format", "json"]).expect(0).json()["id"], names[1]);
}

#[test]
fn row_021_the_columns_to_the_letter() {
    let (host, id) = Host::with_backup();
    let out = host.dokku(&["backups:list", "shop", "--verbose"]).expect(0).out();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "=====> shop postgres backups");
    let columns = |line: &str| {
        let cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
        cells.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        columns(lines[1]),
        ["Name", "Source", "Status", "Trust", "Schedule", "Size", "Restore status", "Created"]
    );
    let finished = text(&host.info("shop", &id), "finished_at")[..19].replace('T', " ");
    let size = fs::metadata(host.folder("shop").join(format!("{id}.dump"))).expect("the dump").len();
    assert_eq!(
        columns(lines[2]),
        [
            id.as_str(),
            "manual",
            &format!("{finished} UTC"),
            "Created, not restore-verified",
            "-",
            &format!("{:.1} KiB", size as f64 / 1024.0),
            "none",
            "2020-01-01 00:00:00 UTC",
        ]
    );
    let header = lines[1].find("Trust").expect("Trust");
    assert_eq!(lines[2].find("Created, not"), Some(header), "not in columns");
}

#[test]
fn row_022_all_services_also_those_that_are_gone() {
    let host = Host::up();
    for name in ["zoo", "ark"] {
        host.database(name, SHOP);
    }
    let (zoo, ark) = (host.export("zoo"), host.export("ark"));
    host.dokku(&["postgres:destroy", "zoo", "--force", "--skip-backup-check"]).expect(0);
    let out = host.dokku(&["backups:list"]).expect(0).out();
    let at = |what: &str| out.find(what).unwrap_or_else(|| panic!("{what} is missing: {out}"));
    assert!(at("=====> ark") < at(&ark) && at(&ark) < at("=====> zoo") && at("=====> zoo") < at(&zoo), "{out}");
    assert_eq!(
        host.dokku(&["backups:list", "--format", "json"]).expect(0).json()["backups"].as_array().map(Vec::len),
        Some(2)
    );
    assert!(host.dokku(&["backups:list", "zoo"]).expect(0).out().contains(&zoo));
    assert_eq!(text(&host.info("zoo", &zoo), "trust"), "created");
    host.dokku(&["backups:export", "zoo"]).expect(4);
}

#[test]
fn row_023_024_verbose_and_empty() {
    let host = Host::up();
    assert_eq!(host.dokku(&["backups:list"]).expect(0).out(), "No backups\n");
    assert_eq!(host.dokku(&["backups:list", "--format", "json"]).expect(0).json()["total"], 0);
    host.database("shop", SHOP);
    assert_eq!(host.dokku(&["backups:list", "shop"]).expect(0).out(), "No backups\n");
    host.dokku(&["apps:create", "web"]).expect(0);
    host.dokku(&["postgres:link", "shop", "web"]).expect(0);
    let sha = host.dokku(&["sandbox:deploy", "web"]).expect(0).id();
    let id = host.export("shop");
    let info = host.info("shop", &id);
    let out = host.dokku(&["backups:list", "shop", "--verbose"]).expect(0).out();
    let value = |label: &str| {
        let found = out.lines().find_map(|line| line.trim_start().strip_prefix(&format!("{label}:")));
        found.unwrap_or_else(|| panic!("{label} is missing: {out}")).trim()
    };
    assert_eq!(value("Path"), host.folder("shop").join(format!("{id}.dump")).display().to_string());
    assert_eq!(value("SHA-256"), text(&info, "sha256"));
    assert!(value("Git SHA").contains(&sha));
    assert_eq!(value("Image"), format!("postgres:{}", text(&info, "image_version")));
    assert_eq!(value("Server version"), text(&info, "server_version"));
    assert_eq!(value("Expires"), "never");
    value("Started");
    value("Finished");
    host.fault("postgres:export/broken=900");
    host.dokku(&["backups:export", "shop"]).expect(1);
    host.fault("");
    let out = host.dokku(&["backups:list", "shop", "--verbose"]).expect(0).out();
    assert!(out.lines().any(|line| line.trim_start().starts_with("Error:") && line.contains("PQgetResult")), "{out}");
}

#[test]
fn row_026_logs_can_be_followed() {
    let (host, first) = Host::with_backup();
    let whole = host.dokku(&["backups:logs", "shop", "--id", &first]).expect(0).out();
    assert!(whole.contains("began") && whole.contains("success: sha256"), "{whole}");
    host.fault("postgres:export/delay=2@2");
    let run = host.start(&["backups:export", "shop"]);
    host.worker("shop");
    let mut tail = host.start(&["backups:logs", "shop", "--last", "--tail"]);
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(tail.is_running(), "it did not follow");
    let id = run.wait().expect(0).id();
    let followed = tail.wait().expect(0).out();
    assert_eq!(followed, host.dokku(&["backups:logs", "shop", "--id", &id]).expect(0).out());
    assert!(followed.contains("success: sha256"), "{followed}");
    assert_eq!(whole, host.dokku(&["backups:logs", "shop", "--id", &first, "--tail"]).expect(0).out());
}

#[test]
fn row_027_a_missing_artifact_keeps_its_record() {
    let (host, id) = Host::with_backup();
    fs::remove_file(host.folder("shop").join(format!("{id}.dump"))).expect("the dump");
    let out = host.dokku(&["backups:list", "shop"]).expect(0).out();
    assert!(out.contains(&id) && out.contains(" Missing "), "{out}");
    let info = host.info("shop", &id);
    assert_eq!(
        (text(&info, "trust"), text(&info, "presence"), text(&info, "status")),
        ("missing", "missing", "success")
    );
    let before = host.fingerprint("shop");
    let run = host.dokku(&["backups:import", "shop", "--id", &id, "--force"]).expect(4);
    assert!(run.stderr.contains("missing"), "{}", run.stderr);
    assert_eq!(host.fingerprint("shop"), before);
    let told = host.dokku(&["backups:sync", "shop"]).expect(0).out();
    assert!(told.contains(&format!("artifact missing: {id}")), "{told}");
    host.check("shop", &[id], true);
}

#[test]
fn row_028_programs_read_what_people_read() {
    let host = Host::up();
    host.database("shop", SHOP);
    let made = host.dokku(&["backups:export", "shop", "--format", "json"]).expect(0).json();
    assert_whole(&made);
    let id = text(&made, "id");
    let listed = host.dokku(&["backups:list", "shop", "--format", "json"]).expect(0).json();
    assert_whole(&listed["backups"][0]);
    assert!(listed["backups"][0]["tables"].is_null(), "tables are for --verbose");
    assert_eq!(host.info("shop", id), made, "info and export differ");
    let mut inner = made.clone();
    inner.as_object_mut().expect("an object").remove("schema");
    assert_eq!(host.list("shop"), [inner], "list and export differ");
    let tables = made["tables"].as_array().expect("tables");
    let rows: Vec<_> = tables.iter().map(|t| (text(t, "schema"), text(t, "name"), t["rows"].as_u64())).collect();
    assert_eq!(rows, [("public", "empty", Some(0)), ("public", "items", Some(500)), ("public", "orders", Some(200))]);
    assert_eq!(made["size"].as_u64(), fs::metadata(text(&made, "path")).ok().map(|meta| meta.len()));
    let restored =
        host.dokku(&["backups:import", "shop", "--id", id, "--force", "--no-backup", "--format", "json"]).expect(0);
    assert_whole(&restored.json());
    assert_eq!(text(&restored.json()["restores"][0], "status"), "success");
    let gone = host.dokku(&["backups:delete", "shop", "--id", id, "--force", "--format", "json"]).expect(0).json();
    let gone = &gone["backups"][0];
    assert_whole(gone);
    assert!(!gone["deleted_at"].is_null() && gone["trust"].is_null() && gone["presence"] == "deleted", "{gone}");
    // Errors too, on stderr: stdout carries data only.
    for (args, kind, code) in [
        (vec!["backups:info", "shop", "--id", "shop-2001-01-01-00-00-00", "--format", "json"], "not-found", 4),
        (vec!["backups:info", "shop", "--format", "json"], "usage", 2),
        (vec!["backups:export", "nope", "--format=json"], "not-found", 4),
    ] {
        let run = host.dokku(&args).expect(code);
        assert!(run.stdout.is_empty(), "{run:?}");
        let error = run.error();
        assert_eq!((error["kind"].as_str(), error["exit_code"].as_i64()), (Some(kind), Some(code.into())), "{error}");
        assert!(error["message"].is_string() && error["remedies"].is_array(), "{error}");
    }
}

#[test]
fn row_029_exactly_one_selector() {
    let (host, id) = Host::with_backup();
    for verb in ["info", "logs", "import"] {
        let verb = format!("backups:{verb}");
        host.dokku(&[&verb, "shop", "--force"]).expect(2);
        host.dokku(&[&verb, "shop", "--latest", "--id", &id, "--force"]).expect(2);
        host.dokku(&[&verb, "--latest", "--force"]).expect(2);
    }
    host.dokku(&["backups:delete", "shop", "--force"]).expect(2);
    host.dokku(&["backups:delete", "shop", "--latest", "--force"]).expect(2);
    host.dokku(&["backups:info", "shop", "--id", "other-2020-01-01-00-00-00"]).expect(4);
    assert_eq!(host.calls("postgres:import"), 0);
    host.check("shop", &[id], true);
}

#[test]
fn modes_and_owners_are_as_stated() {
    let (host, id) = Host::with_backup();
    let mode = |path: &Path| fs::metadata(path).expect("a path").permissions().mode() & 0o7777;
    let folder = host.folder("shop");
    for (name, wanted) in
        [("", 0o700), (".incoming", 0o700), (".trash", 0o700), (".lock", 0o600), ("index.toml", 0o600)]
    {
        assert_eq!(mode(&folder.join(name)), wanted, "{name}");
    }
    for (ending, wanted) in [("dump", 0o400), ("toml", 0o600), ("log", 0o600)] {
        assert_eq!(mode(&folder.join(format!("{id}.{ending}"))), wanted, "{ending}");
    }
}
