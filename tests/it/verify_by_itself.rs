//! Backups of services with schedules are verified by themselves: when, which, and what becomes of it.

use std::fs;

use chrono::{DateTime, TimeDelta, Utc};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::schemas::fits;
use super::support::{Host, Monitor, Run, SHOP};

const NIGHT: &str = "2026-01-05T03:00:10Z"; // a Monday

/// A host whose service `shop` is backed up daily at 03:00 from then on.
fn scheduled() -> Host {
    let host = Host::up();
    host.database("shop", SHOP);
    host.schedule("2026-01-05T00:00:00Z", "shop daily --at 03:00");
    host
}

fn tick(host: &Host, time: &str) -> Run {
    host.dokku_at("", time, &["backups:tick"])
}

fn trusts(host: &Host) -> Vec<String> {
    let list = host.list("shop");
    let own = list.iter().filter(|backup| backup["source"] != "safety");
    own.map(|backup| backup["trust"].as_str().unwrap_or_default().to_owned()).collect()
}

/// What `check` finds that is worth a word.
fn findings(host: &Host, time: &str) -> Vec<Value> {
    let run = host.dokku_at("", time, &["backups:check", "shop", "--format", "json"]);
    let all = run.json()["services"][0]["findings"].as_array().expect("findings").clone();
    all.into_iter().filter(|finding| finding["level"] != "ok").collect()
}

fn export(host: &Host, time: &str) {
    host.dokku_at("", time, &["backups:export", "shop"]).expect(0);
}

#[test]
fn ux_307_row_101_the_nights_backup_is_verified_by_itself() {
    let host = scheduled();
    tick(&host, "2026-01-05T02:59:10Z").expect(0);
    assert_eq!(host.calls("docker:run"), 0, "nothing was due");
    let run = tick(&host, NIGHT).expect(0);
    assert!(run.stderr.contains(" is verified"), "{}", run.stderr);
    assert_eq!(trusts(&host), ["restorable"]);
    assert!(findings(&host, "2026-01-05T03:02:00Z").is_empty());
    // The gate has what it wants without anybody having typed anything; what came since is said, and may wait a day.
    export(&host, "2026-01-05T10:00:00Z");
    let started = host.calls("docker:run");
    tick(&host, "2026-01-05T10:01:00Z").expect(0);
    tick(&host, "2026-01-05T23:59:00Z").expect(0);
    assert_eq!((trusts(&host), host.calls("docker:run")), (vec!["created".into(), "restorable".into()], started));
    assert!(findings(&host, "2026-01-05T23:59:30Z").is_empty());
    // A new day: the newest, whoever made it, and only that one.
    tick(&host, "2026-01-06T00:00:10Z").expect(0);
    assert_eq!(trusts(&host), ["restorable", "restorable"]);
    // The day's verification is done; the night's backup waits for the next.
    tick(&host, "2026-01-06T03:00:10Z").expect(0);
    assert_eq!(trusts(&host), ["created", "restorable", "restorable"]);
    let run = host.dokku_at("", "2026-01-06T04:00:00Z", &["backups:report", "shop", "--backups-computed-verify"]);
    assert_eq!(run.expect(0).out().trim(), "daily");
}

#[test]
fn row_101_every_weekly_and_off() {
    let host = scheduled();
    for wrong in ["on", "hourly", "1"] {
        let run = host.dokku(&["backups:set", "shop", "verify", wrong]).expect(2);
        assert!(run.stderr.contains("every, daily, weekly or off"), "{}", run.stderr);
    }
    host.dokku(&["backups:set", "shop", "verify", "off"]).expect(0);
    tick(&host, NIGHT).expect(0);
    assert_eq!(trusts(&host), ["created"]);
    // Left to people, it is worth a word at once.
    assert_eq!(findings(&host, "2026-01-05T03:01:00Z")[0]["code"], "unverified");
    host.dokku(&["backups:set", "--global", "verify", "every"]).expect(0);
    host.dokku(&["backups:set", "shop", "verify"]).expect(0);
    tick(&host, "2026-01-05T03:02:10Z").expect(0);
    export(&host, "2026-01-05T10:00:00Z");
    tick(&host, "2026-01-05T10:05:00Z").expect(0);
    assert_eq!(trusts(&host), ["restorable", "restorable"]);
    host.dokku(&["backups:set", "shop", "verify", "weekly"]).expect(0);
    for day in 6..=11 {
        tick(&host, &format!("2026-01-{day:02}T03:00:10Z")).expect(0);
    }
    assert_eq!(trusts(&host)[..6], ["created"; 6]);
    assert!(findings(&host, "2026-01-11T03:01:00Z").is_empty());
    tick(&host, "2026-01-12T00:00:10Z").expect(0);
    assert_eq!(trusts(&host)[..2], ["restorable", "created"]);
    // Without a schedule it is by hand again.
    host.dokku(&["backups:set", "shop", "verify", "every"]).expect(0);
    host.dokku(&["backups:unschedule", "shop", "--all"]).expect(0);
    export(&host, "2026-01-12T10:00:00Z");
    tick(&host, "2026-01-12T12:05:00Z").expect(0);
    assert_eq!(trusts(&host)[0], "created");
}

#[test]
fn row_101_one_that_does_not_restore_is_told_once_and_one_that_could_not_be_tried_is_tried_again() {
    let host = scheduled();
    host.allow_private();
    let alarm = Monitor::answering("HTTP/1.1 204 No Content\r\n\r\n");
    host.dokku(&["backups:set", "shop", "notify-url", &alarm.address]).expect(0);
    alarm.take();
    // Nothing is shown where no container can be started: an hour later again, and nobody is woken for it at once.
    host.fault("docker:run/exit=1");
    let run = tick(&host, NIGHT).expect(0);
    assert!(run.stderr.contains("docker run"), "{}", run.stderr);
    let tried = host.calls("docker:run");
    tick(&host, "2026-01-05T03:01:10Z").expect(0);
    tick(&host, "2026-01-05T03:59:10Z").expect(0);
    assert_eq!((trusts(&host)[0].as_str(), host.calls("docker:run")), ("created", tried));
    assert!(findings(&host, "2026-01-06T03:00:00Z").is_empty() && alarm.seen().is_empty());
    // After a day that is worth a word.
    tick(&host, "2026-01-06T03:00:10Z").expect(0);
    let found = findings(&host, "2026-01-06T06:00:00Z");
    assert_eq!(found[0]["code"], "unverified", "{found:?}");
    assert!(found[0]["message"].as_str().expect("words").contains("though verify is daily"), "{found:?}");
    host.fault("");
    tick(&host, "2026-01-06T07:01:10Z").expect(0);
    assert_eq!(trusts(&host), ["restorable", "created"]);
    // One whose bytes are not its own.
    host.fault("docker:run/exit=1");
    tick(&host, "2026-01-07T03:00:10Z").expect(0);
    host.fault("");
    let id = host.list("shop")[0]["id"].as_str().expect("an id").to_owned();
    let mut bytes = fs::read(host.dump_file("shop", &id)).expect("the dump");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    host.overwrite("shop", &id, &bytes);
    let run = tick(&host, "2026-01-07T05:00:10Z").expect(0);
    let [(line, body)] = &alarm.take()[..] else { panic!("one document: {}", run.stderr) };
    assert_eq!(line, "POST /ping/token");
    let document: Value = serde_json::from_str(body).expect("JSON");
    fits("notification-verification", &document);
    assert_eq!((&document["event"], &document["id"]), (&"verification-failed".into(), &id.as_str().into()));
    assert_eq!(document["error"]["kind"], "damaged");
    assert_eq!(trusts(&host)[0], "damaged");
    // Once; the next newest good one was shown to restore before.
    tick(&host, "2026-01-07T06:30:10Z").expect(0);
    assert!(alarm.seen().is_empty());
}

#[test]
fn fault_022_row_101_a_tick_killed_while_it_verifies_leaves_nothing_and_the_next_one_verifies() {
    let host = scheduled();
    // Two at a time would need the memory of two.
    host.database("blog", SHOP);
    host.schedule("2026-01-05T00:00:00Z", "blog daily --at 03:00");
    host.fault("docker:exec:pg_restore/delay=20");
    let mut command = host.alone(&["backups:tick"]);
    command.env("DOKKU_BACKUPS_CLOCK", NIGHT);
    let child = command.spawn().expect("the binary");
    host.wait_until("a verification", || host.disposables().lines().count() == 1);
    host.wait_until("its filling", || host.calls("docker:exec:pg_restore") == 1);
    // Another minute comes by meanwhile.
    tick(&host, "2026-01-05T03:01:10Z").expect(0);
    assert_eq!(host.disposables().lines().count(), 1);
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a pid")), Signal::SIGKILL).expect("kill");
    let _ = { child }.wait();
    host.fault("");
    tick(&host, "2026-01-05T03:02:10Z").expect(0);
    assert_eq!(host.disposables(), "");
    for service in ["blog", "shop"] {
        assert_eq!(host.list(service)[0]["trust"], "restorable", "{service}");
    }
    // What is noted of it may be lost or nonsense: one look more.
    let noted = host.settings_of("shop").with_file_name(".tick/verifications");
    let lines = fs::read_to_string(&noted).expect("the notes");
    assert_eq!(lines.lines().count(), 2, "{lines}");
    for wrong in ["", "postgres:shop\n", "postgres:shop 2999-01-01T00:00:00Z 2999-01-01T00:00:00Z\n", "\0\0 x y\n"] {
        fs::write(&noted, wrong).expect("the notes");
        tick(&host, "2026-01-05T03:03:10Z").expect(0);
        assert_eq!(fs::read_to_string(&noted).expect("the notes").lines().count(), 2, "{wrong:?}");
    }
}

#[test]
fn fault_064_row_101_killed_in_every_state_the_next_tick_verifies() {
    let host = scheduled();
    host.dokku(&["backups:set", "shop", "verify", "every"]).expect(0);
    let mut now: DateTime<Utc> = "2026-01-05T10:00:00Z".parse().expect("a time");
    let noted = host.settings_of("shop").with_file_name(".tick/verifications");
    for state in 0.. {
        now += TimeDelta::minutes(2);
        export(&host, &now.to_rfc3339());
        let _ = fs::remove_file(&noted);
        let plan = format!("change={state}:{}", host.folder("shop").display());
        let run = host.alone_at(&plan, &(now + TimeDelta::seconds(10)).to_rfc3339(), &["backups:tick"]);
        if run.code == Some(0) {
            assert!(state > 5, "it was killed nowhere: {}", run.stderr);
            break;
        }
        let run = host.alone_at("", &(now + TimeDelta::minutes(1)).to_rfc3339(), &["backups:tick"]).expect(0);
        assert_eq!(trusts(&host)[0], "restorable", "state {state}: {}", run.stderr);
        assert_eq!(host.disposables(), "", "state {state}");
    }
}
