//! A platform's worker and its page: what they rely on beside the schemas.

use serde_json::{Value, json};

use super::support::{Host, Run, SHOP};

const AT: &str = "2026-04-08T14:30:00Z";

/// Every remedy of an answer.
fn remedies(value: &Value) -> Vec<&Value> {
    let own = value["remedies"].as_array().into_iter().flatten();
    let inner = match value {
        Value::Array(all) => all.iter().collect::<Vec<_>>(),
        Value::Object(all) => all.values().collect(),
        _ => Vec::new(),
    };
    own.chain(inner.into_iter().flat_map(remedies)).collect()
}

/// A whole command of this host: nothing is left to be filled in, nothing but one command stands in it.
#[track_caller]
fn is_whole(command: &str) {
    const PROGRAMS: [&str; 9] = ["dokku", "sudo", "df", "ls", "dmesg", "findmnt", "docker", "rm", "timedatectl"];
    let first = command.split(' ').next().expect("a program");
    assert!(PROGRAMS.contains(&first), "{command}");
    let is_placeholder = |word: &str| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c == '-');
    assert!(!command.split(' ').any(is_placeholder), "{command} is not whole");
    assert!(!command.contains("; ") && !command.contains("...") && !command.contains(": "), "{command}");
}

#[test]
fn ux_331_a_remedy_is_a_command_that_can_be_pasted() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.database("blog", SHOP);
    let failing = |words: &[&str]| -> (Run, Value) {
        let text = host.dokku(words);
        let error = host.dokku(&[words, &["--format", "json"]].concat()).error();
        (text, error)
    };
    let (text, error) = failing(&["backups:info", "shop", "--latest"]);
    let command = "dokku backups:export shop";
    assert_eq!(error["remedies"], json!([{ "command": command, "note": "make one with" }]));
    assert!(text.stderr.contains(&format!(" !     make one with:\n           {command}\n")), "{}", text.stderr);
    // The whole command stands alone on its line, so that it can be pasted and run.
    let line = text.stderr.lines().find(|line| line.trim() == command).expect("its own line");
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    let id = host.dokku(&words).expect(0).id();
    // All that is wrong at once: findings with several things to do.
    host.dokku_with("DOKKU_SANDBOX_FAULT", "postgres:export/broken=100", &["backups:export", "shop"]).expect(1);
    std::fs::remove_file(host.folder("shop").join(format!("{id}.dump"))).expect("the dump");
    let report = host.dokku(&["backups:check", "--format", "json"]).expect(1);
    let (answer, text) = (report.json(), host.dokku(&["backups:check"]).expect(1).out());
    let all = remedies(&answer);
    assert!(all.len() >= 5, "{answer}");
    for remedy in all {
        assert!(remedy["command"].is_string() || remedy["note"].is_string(), "{remedy}");
        if let Some(command) = remedy["command"].as_str() {
            is_whole(command);
            assert!(text.lines().any(|line| line.trim() == command), "{command} has no line of its own: {text}");
        }
    }
    let (_, error) = failing(&["backups:import", "shop", "--id", &id, "--force"]);
    remedies(&error).iter().filter_map(|remedy| remedy["command"].as_str()).for_each(is_whole);
    // On the page each can be marked with one touch.
    let page = host.dokku(&["backups:report", "--format", "html"]).expect(0).out();
    assert!(page.contains("<code class=\"command\">dokku backups:export shop</code>"), "{page}");
}

#[test]
fn ux_327_what_exists_already_is_a_kind_of_its_own() {
    let host = Host::up();
    host.database("shop", SHOP);
    let id = host.dokku(&["backups:export", "shop", "--at", AT]).expect(0).id();
    let again = host.dokku(&["backups:export", "shop", "--at", AT, "--format", "json"]).expect(9);
    assert_eq!((again.error()["kind"].clone(), again.error()["exit_code"].clone()), (json!("exists"), json!(9)));
    assert!(again.stdout.is_empty());
    // The backup stands in it, as `info` shows it: a job that was delivered twice knows what it needs.
    let mut shown = host.info("shop", &id);
    shown.as_object_mut().expect("an object").remove("schema");
    assert_eq!(again.error()["backup"], shown);
    // A misspelt option is another kind.
    let wrong = host.dokku(&["backups:export", "shop", "--att", AT, "--format", "json"]).expect(2);
    assert_eq!((&wrong.error()["kind"], &wrong.error()["backup"]), (&json!("usage"), &Value::Null));
    // One that failed keeps its name, and says so.
    host.dokku_with(
        "DOKKU_SANDBOX_FAULT",
        "postgres:export/broken=100",
        &["backups:export", "shop", "--at", "2026-04-08T14:30:01Z"],
    )
    .expect(1);
    let failed = host.dokku(&["backups:export", "shop", "--at", "2026-04-08T14:30:01Z", "--format", "json"]).expect(9);
    assert_eq!(failed.error()["backup"]["status"], "failed");
    let fork = host.dokku(&["backups:fork", "shop", "--latest", "shop", "--format", "json"]).expect(9);
    assert_eq!(fork.error()["kind"], "exists");
}

#[test]
fn ux_329_no_state_is_mistaken_for_a_lost_backup() {
    let host = Host::up();
    host.database("shop", SHOP);
    let (kept, deleted, lost) = (host.export("shop"), host.export("shop"), host.export("shop"));
    host.dokku(&["backups:delete", "shop", "--id", &deleted, "--force"]).expect(0);
    std::fs::remove_file(host.folder("shop").join(format!("{lost}.dump"))).expect("the dump");
    host.dokku_with("DOKKU_SANDBOX_FAULT", "postgres:export/broken=100", &["backups:export", "shop"]).expect(1);
    let failed = host.list("shop")[0]["id"].as_str().expect("an id").to_owned();
    host.fault("postgres:export/hang");
    let running = host.dokku(&["backups:export", "shop", "--detach"]).expect(0).id();
    let state = |id: &str| {
        let info = host.info("shop", id);
        (info["status"].clone(), info["presence"].clone(), info["trust"].clone())
    };
    assert_eq!(state(&kept), (json!("success"), json!("here"), json!("created")));
    assert_eq!(state(&deleted), (json!("success"), json!("deleted"), Value::Null));
    assert_eq!(state(&lost), (json!("success"), json!("missing"), json!("missing")));
    assert_eq!(state(&failed), (json!("failed"), json!("none"), Value::Null));
    assert_eq!(state(&running), (json!("in-progress"), json!("pending"), Value::Null));
    host.dokku(&["backups:cancel", "shop"]).expect(0);
    host.fault("");
}

#[test]
fn ux_330_who_is_at_work_is_told_in_fields() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.fault("postgres:export/hang");
    let id = host.dokku(&["backups:export", "shop", "--detach"]).expect(0).id();
    let busy = host.dokku(&["backups:export", "shop", "--format", "json"]).expect(5).error();
    assert_eq!((&busy["kind"], &busy["at_work"]["operation"]), (&json!("busy"), &json!("export")), "{busy}");
    assert_eq!(busy["at_work"]["id"], id.as_str());
    assert!(busy["at_work"]["pid"].as_u64().is_some_and(|pid| pid > 1), "{busy}");
    let since = busy["at_work"]["started_at"].as_str().expect("a time");
    assert!(chrono::DateTime::parse_from_rfc3339(since).is_ok(), "{since}");
    host.dokku(&["backups:cancel", "shop"]).expect(0);
    host.fault("");
}

#[test]
fn ux_330_how_far_it_has_come_is_told_in_fields() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.sql("shop", "create table big as select i, md5(i::text) as t from generate_series(1, 20000) i");
    let whole = host.export("shop");
    let size = host.info("shop", &whole)["size"].as_u64().expect("a size");
    assert_eq!(host.info("shop", &whole)["at_work"], Value::Null);
    // It stays where the dump stopped; the size to expect is that of the last one.
    host.fault("postgres:export/stall=100000");
    let id = host.dokku(&["backups:export", "shop", "--detach"]).expect(0).id();
    let expected = json!({"phase": "receive", "bytes": 100_000, "of": size});
    host.wait_until("it has come so far", || host.info("shop", &id)["at_work"]["progress"] == expected);
    let work = host.info("shop", &id)["at_work"].clone();
    assert_eq!((&work["operation"], &work["id"]), (&json!("export"), &json!(id)), "{work}");
    let busy = host.dokku(&["backups:export", "shop", "--format", "json"]).expect(5).error();
    assert_eq!(busy["at_work"]["progress"], expected, "{busy}");
    let told = host.dokku(&["backups:info", "shop", "--id", &id]).expect(0).out();
    let told = told.lines().find(|line| line.contains("At work:")).expect("who is at work").to_owned();
    assert!(told.contains("export since ") && told.contains(", received 97.7 KiB of about "), "{told}");
    let alone = host.dokku(&["backups:info", "shop", "--id", &id, "--at-work"]).expect(0).out();
    assert!(told.ends_with(alone.trim()), "{alone}: {told}");
    host.dokku(&["backups:cancel", "shop"]).expect(0);
    assert_eq!(host.info("shop", &id)["at_work"], Value::Null);
    // A verification has a lock of its own, and so has its progress.
    host.fault("docker:exec:pg_restore/delay=3");
    host.dokku(&["backups:verify", "shop", "--id", &whole, "--detach"]).expect(0);
    host.wait_until("it has come so far", || host.info("shop", &whole)["at_work"]["progress"]["phase"] == "fill");
    assert_eq!(host.info("shop", &whole)["at_work"]["operation"], "verify");
    host.dokku(&["backups:info", "shop", "--id", &whole, "--wait", "60"]).expect(0);
    host.fault("");
    assert_eq!(host.info("shop", &whole)["at_work"], Value::Null);
}

#[test]
fn ux_334_a_label_is_refused_with_its_reason_and_an_empty_one_is_none() {
    let host = Host::up();
    host.database("shop", SHOP);
    let refused = |label: &str, reason: &str| {
        let words = ["backups:export", "shop", "--label", label];
        let text = host.dokku(&words).expect(2);
        assert!(text.stderr.contains(reason), "{}", text.stderr);
        let error = host.dokku(&[&words[..], &["--format", "json"]].concat()).expect(2).error();
        let message = error["message"].as_str().expect("a message").to_owned();
        assert!(message.contains(reason) && message.contains("--label"), "{message}");
    };
    for length in [201, 210, 256, 5000] {
        refused(&"x".repeat(length), "a label has at most 200 characters");
    }
    // What turns the direction of reading, joins or hides: none of it is seen.
    for hidden in
        ["\u{202e}", "\u{2066}", "\u{200b}", "\u{200f}", "\u{feff}", "\u{ad}", "\u{e0041}", "\t", "\n", "\u{7f}"]
    {
        refused(&format!("before{hidden}after"), "a label has no characters that cannot be seen");
    }
    assert!(host.list("shop").is_empty());
    for none in ["", "   "] {
        let run = host.dokku(&["backups:export", "shop", "--label", none, "--format", "json"]).expect(0);
        assert_eq!(run.json()["label"], Value::Null);
    }
    let odd = "é 字 ok, 'quoted' \"too\" $(not run)";
    let run = host.dokku(&["backups:export", "shop", "--label", odd, "--format", "json"]).expect(0);
    assert_eq!(run.json()["label"], odd);
}

#[test]
fn ux_332_every_verb_answers_programs_and_every_long_one_can_go_on_by_itself() {
    let host = Host::up();
    host.database("shop", SHOP);
    let json = |words: &[&str]| host.dokku(&[words, &["--format", "json"]].concat()).expect(0).json();
    let set = json(&["backups:set", "shop", "gate", "off"]);
    assert_eq!((&set["service"], &set["properties"]), (&json!("shop"), &json!(["gate"])));
    assert_eq!(set["settings"]["gate"], json!({"computed": false, "own": false, "global": null}), "{set}");
    let secret =
        host.dokku_stdin(b"s3cret\n", &["backups:set", "--global", "destination-secret", "-", "--format", "json"]);
    assert!(!secret.out().contains("s3cret") && secret.expect(0).json()["service"].is_null());
    assert_eq!(json(&["backups:set", "shop", "gate"])["settings"]["gate"]["own"], Value::Null);
    let error = host.dokku(&["backups:set", "shop", "nothing", "--format", "json"]).expect(2).error();
    assert_eq!(error["kind"], "usage");
    let granted = json(&["backups:grant", "admin", "read,create", "shop"]);
    let expected = json!({"schema": 1, "key": "admin", "service": "shop", "rights": ["backups.read", "backups.create"], "enabled": true});
    assert_eq!(granted, expected);
    assert_eq!(json(&["backups:grant", "admin", "read", "shop"])["rights"], json!([]), "it had that already");
    assert_eq!(json(&["backups:revoke", "admin", "create", "shop"])["rights"], json!(["backups.create"]));
    assert_eq!(json(&["backups:revoke", "--all"])["enabled"], false);
    // What takes long goes on by itself, and says what to ask for.
    let id = host.export("shop");
    let digest = host.digest("shop");
    let forked = json(&["backups:fork", "shop", "--id", &id, "copy", "--detach"]);
    assert_eq!(forked["id"], json!(id));
    host.dokku(&["backups:info", "shop", "--id", &id, "--wait", "60"]).expect(0);
    assert_eq!(host.digest("copy"), digest);
    host.sql("copy", "create table more(x int)");
    host.dokku(&["backups:reset", "copy", "--detach"]).expect(7);
    let safety = json(&["--force", "backups:reset", "copy", "--detach"])["id"].as_str().expect("an id").to_owned();
    host.dokku(&["backups:info", "copy", "--id", &safety, "--wait", "60"]).expect(0);
    host.dokku(&["backups:sync", "copy", "--wait", "60"]).expect(0);
    assert_eq!(host.digest("copy"), digest);
    let synced = json(&["backups:sync", "shop", "--detach"]);
    assert_eq!(synced["services"], json!(["shop"]));
    let log = synced["log"].as_str().expect("a path").to_owned();
    assert!(std::path::Path::new(&log).is_absolute());
    host.check_settled("shop", "a sync that went on by itself");
}
