//! What is an alarm and what is a way back (ux 302 to 306, 309).

use serde_json::{Value, json};

use super::support::{Host, SHOP};

/// A day and a bit from now: a new service has had its time.
fn later() -> String {
    (chrono::Utc::now() + chrono::TimeDelta::hours(25)).to_rfc3339()
}

fn check(host: &Host, service: &str) -> (Value, Vec<Value>) {
    let run = host.dokku_at("", &later(), &["backups:check", service, "--format", "json"]);
    let answer = run.json()["services"][0].clone();
    let codes = answer["findings"].as_array().expect("findings").iter();
    let codes = codes.filter(|finding| finding["level"] != "ok").map(|finding| finding["code"].clone()).collect();
    (answer, codes)
}

#[test]
fn ux_302_what_a_restore_replaced_is_no_way_back_to_what_it_put_there() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
    host.dokku(&["postgres:create", "moved"]).expect(0);
    host.dokku(&["--force", "backups:import", "moved", "--from-service", "shop", "--latest"]).expect(0);
    let safety = host.list("moved")[0]["id"].as_str().expect("a safety backup").to_owned();
    host.dokku(&["backups:verify", "moved", "--id", &safety]);
    let (answer, codes) = check(&host, "moved");
    assert!(answer["verdict"] == "failing" && codes.contains(&json!("no-backup")), "{answer}");
    assert_eq!((&answer["newest_good"], &answer["newest_restorable"]), (&Value::Null, &Value::Null));
    let run = host.dokku(&["--force", "postgres:destroy", "moved"]).expect(7);
    assert!(run.stderr.contains("moved has no good backup"), "{}", run.stderr);
    host.dokku(&["backups:export", "moved", "--verify"]).expect(0);
    assert!(check(&host, "moved").1.is_empty());
    // Nor is an older one of its own, whatever was shown of it.
    host.dokku(&["--force", "backups:import", "moved", "--from-service", "shop", "--latest", "--no-backup"]).expect(0);
    let (answer, codes) = check(&host, "moved");
    assert!(codes.contains(&json!("no-backup")), "{answer}");
    assert!(answer.to_string().contains("came from elsewhere, and no good backup is younger"), "{answer}");
    host.dokku(&["--force", "postgres:destroy", "moved"]).expect(7);
    host.dokku(&["backups:export", "moved", "--verify"]).expect(0);
    host.dokku(&["--force", "postgres:destroy", "moved"]).expect(0);
    // A restore of its own backup puts there what that backup holds.
    host.sql("shop", "truncate items cascade");
    host.dokku(&["--force", "backups:import", "shop", "--latest"]).expect(0);
    host.dokku(&["--force", "postgres:destroy", "shop"]).expect(0);
}

#[test]
fn ux_303_after_a_rescue_nothing_is_an_alarm_and_every_remedy_mends() {
    let host = Host::up();
    host.database("shop", SHOP);
    let good = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    host.sql("shop", "truncate items cascade");
    host.dokku(&["--force", "backups:import", "shop", "--latest"]).expect(0);
    let safety = host.list("shop")[0].clone();
    assert_eq!(safety["source"], "safety");
    let (answer, codes) = check(&host, "shop");
    assert!(codes.is_empty() && answer["newest_good"]["id"] == json!(good), "{answer}");
    // One that somebody made of a broken state is an alarm, and the remedy names it.
    host.sql("shop", "truncate items cascade");
    let broken = host.export("shop");
    let (answer, codes) = check(&host, "shop");
    assert!(codes.contains(&json!("suspicious")), "{answer}");
    let found = answer["findings"].as_array().expect("findings").iter().find(|f| f["code"] == "suspicious").cloned();
    let command = found.expect("suspicious")["remedies"][0]["command"].as_str().expect("a command").to_owned();
    assert!(command.contains(&broken), "{command}");
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    host.dokku(&words).expect(0);
    assert!(!check(&host, "shop").1.contains(&json!("suspicious")));
}

#[test]
fn ux_304_latest_is_one_backup_for_every_verb_the_gate_and_check() {
    let host = Host::up();
    host.database("shop", SHOP);
    let good = host.export("shop");
    host.sql("shop", "delete from orders where id > 100");
    host.dokku(&["--force", "backups:import", "shop", "--latest"]).expect(0);
    host.sql("shop", "truncate items cascade");
    let doubtful = host.export("shop");
    host.dokku_with("DOKKU_SANDBOX_FAULT", "postgres:export/broken=100", &["backups:export", "shop"]).expect(1);
    let failed = host.list("shop")[0]["id"].as_str().expect("an id").to_owned();
    let id = |words: &[&str]| host.dokku(&[words, &["--format", "json"]].concat()).expect(0).json()["id"].clone();
    for verb in ["info", "logs", "verify"] {
        assert_eq!(id(&[&format!("backups:{verb}"), "shop", "--latest"]), json!(good), "{verb}");
    }
    let file = host.dir().join("out.dump");
    let words = ["backups:download", "shop", "--latest", "-o", file.to_str().expect("a path")];
    assert_eq!(id(&words), json!(good));
    assert_eq!(id(&["backups:fork", "shop", "--latest", "copy"]), json!(good));
    assert_eq!(id(&["--force", "backups:import", "shop", "--latest", "--no-backup"]), json!(good));
    assert_eq!(check(&host, "shop").0["newest_good"]["id"], json!(good));
    let report = host.dokku(&["backups:report", "shop", "--format", "json"]).expect(0).json();
    assert_eq!(report["newest_good"]["id"], json!(good), "{report}");
    let gate = host.dokku(&["--force", "postgres:destroy", "shop"]).expect(0);
    assert!(gate.stderr.contains(&good), "{}", gate.stderr);
    // What is looked for after a failure has a word of its own.
    assert_eq!(id(&["backups:info", "shop", "--last"]), json!(failed));
    assert_eq!(id(&["backups:logs", "shop", "--last"]), json!(failed));
    assert_ne!(doubtful, good);
    let help = host.dokku(&["backups:help"]).expect(0).out();
    assert_eq!(help.matches("--latest is the newest good backup, the same for every command").count(), 1, "{help}");
}

#[test]
fn ux_305_a_backup_cannot_be_named_by_a_time_to_come() {
    let host = Host::up();
    host.database("shop", SHOP);
    for ahead in ["2099-01-01T00:00:00Z", &later()] {
        let run = host.dokku(&["backups:export", "shop", "--at", ahead]).expect(2);
        assert!(run.stderr.contains("which has not come: by this host's clock it is"), "{}", run.stderr);
    }
    assert!(host.list("shop").is_empty());
    let soon = (chrono::Utc::now() + chrono::TimeDelta::minutes(2)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    host.dokku(&["backups:export", "shop", "--at", &soon]).expect(0);
}

#[test]
fn ux_306_settings_end_with_the_service_they_were_made_for() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.dokku(&["backups:set", "shop", "gate", "off"]).expect(0);
    host.dokku(&["backups:set", "shop", "verify-memory", "2g"]).expect(0);
    host.dokku(&["backups:set", "shop", "encrypt", "off-site"]).expect(0);
    host.export("shop");
    let run = host.dokku(&["--force", "postgres:destroy", "shop"]).expect(0);
    assert!(run.stderr.contains("gate of shop is unset with it"), "{}", run.stderr);
    let run = host.dokku(&["postgres:create", "shop"]).expect(0);
    // What kept backups are opened by stays, and is said.
    assert!(run.stderr.contains("set for a former shop, and for this one too: encrypt"), "{}", run.stderr);
    let settings = host.dokku(&["backups:report", "shop", "--format", "json"]).expect(0).json()["properties"].clone();
    assert_eq!((&settings["gate"]["own"], &settings["gate"]["computed"]), (&Value::Null, &json!(true)));
    assert!(settings["verify_memory"]["own"].is_null() && settings["encrypt"]["own"] == "off-site", "{settings}");
    host.dokku(&["--force", "postgres:destroy", "shop"]).expect(7);
}

#[test]
fn ux_309_what_somebody_means_is_no_alarm() {
    let host = Host::up();
    host.database("shop", SHOP);
    // A new service has a day.
    let fresh = host.dokku(&["backups:check", "shop", "--format", "json"]).expect(0).json();
    assert_eq!(fresh["services"][0]["verdict"], "warning", "{fresh}");
    let (answer, codes) = check(&host, "shop");
    assert!(answer["verdict"] == "failing" && codes.contains(&json!("no-backup")), "{answer}");
    // A service that nobody looks after says why, and alarms nobody.
    host.dokku(&["backups:set", "shop", "check", "off", "practice", "database"]).expect(0);
    let (answer, codes) = check(&host, "shop");
    assert!(codes.is_empty() && answer["verdict"] == "ok", "{answer}");
    assert_eq!(answer["findings"][0]["code"], "check-off");
    let text = host.dokku_at("", &later(), &["backups:check", "shop"]).expect(0).out();
    assert!(text.contains("check is switched off for it, because: practice database"), "{text}");
    assert!(text.contains("there is no good backup"), "{text}");
    for wrong in ["maybe", "offline"] {
        host.dokku(&["backups:set", "shop", "check", wrong]).expect(2);
    }
    host.dokku(&["backups:set", "shop", "check"]).expect(0);
    // What somebody cancelled, he meant.
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
    host.fault("postgres:export/hang");
    host.dokku(&["backups:export", "shop", "--detach"]).expect(0);
    host.dokku(&["backups:cancel", "shop"]).expect(0);
    host.fault("");
    assert_eq!(host.list("shop")[0]["status"], "failed");
    let (answer, codes) = check(&host, "shop");
    assert!(!codes.contains(&json!("last-failed")), "{answer}");
    host.dokku_with("DOKKU_SANDBOX_FAULT", "postgres:export/broken=100", &["backups:export", "shop"]).expect(1);
    assert!(check(&host, "shop").1.contains(&json!("last-failed")));
}

#[test]
fn ux_336_words_and_silence_as_in_dokkus_own_plugins() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.database("blog", SHOP);
    for service in ["shop", "blog"] {
        host.dokku(&["backups:export", service, "--verify"]).expect(0);
    }
    let set = host.dokku(&["backups:set", "shop", "retention", "30"]).expect(0);
    assert!(set.stderr.starts_with("=====> Setting retention of shop to 30"), "{}", set.stderr);
    assert!(host.dokku(&["backups:help"]).expect(0).out().contains("Additional commands:"));
    // What a monitor mails: nothing while all is well, then only what is not.
    let well = host.dokku(&["--quiet", "backups:check"]).expect(0);
    assert_eq!((well.out().as_str(), well.stderr.as_str()), ("", ""));
    host.dokku(&["backups:export", "shop"]).expect(0);
    let wrong = host.dokku(&["--quiet", "backups:check"]).expect(0).out();
    assert!(wrong.contains("=====> shop: warning") && !wrong.contains("blog"), "{wrong}");
    assert!(!wrong.contains("no-schedule"), "what is well: {wrong}");
    assert!(host.dokku(&["backups:check"]).expect(0).out().contains("blog: ok"));
}
