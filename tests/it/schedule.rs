//! Schedules from the command line (rows 61 to 65; faults 76, 78, 79).

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::support::{Host, SHOP};

const MADE: &str = "2027-01-10T02:00:00Z";

fn with_shop() -> Host {
    let host = Host::up();
    host.database("shop", SHOP);
    host
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[test]
fn row_061_062_065_limits_defaults_and_what_a_program_is_told() {
    let host = with_shop();
    assert_eq!(host.dokku(&["backups:schedules"]).expect(0).out(), "No schedules\n");
    assert_eq!(
        host.dokku(&["backups:schedules", "--format", "json"]).expect(0).out(),
        "{\"schema\":1,\"schedules\":[]}\n"
    );
    for (frequency, longest) in [("hourly", 7), ("daily", 60), ("weekly", 120)] {
        for days in [0, longest + 1, 65_535] {
            let days = days.to_string();
            let run = host.dokku(&["backups:schedule", "shop", frequency, "--retention", &days]).expect(2);
            assert!(run.stderr.contains("--retention") && run.stderr.contains(&format!("1 to {longest}")), "{run:?}");
        }
        host.schedule(MADE, &format!("shop {frequency} --retention {longest}"));
        host.dokku(&["backups:unschedule", "shop", frequency]).expect(0);
    }
    let first = host.dokku_env(&[("DOKKU_BACKUPS_CLOCK", MADE)], &words("backups:schedule shop weekly --format json"));
    let object = first.expect(0).json();
    for field in
        "service datastore frequency minute hour day timezone retention_days created_at created_by last_run next_run"
            .split_whitespace()
    {
        assert!(object.get(field).is_some(), "{field} is absent: {object}");
    }
    host.schedule(MADE, "shop daily");
    host.schedule(MADE, "shop hourly");
    let all = host.schedules(MADE, "shop");
    let shown: Vec<_> =
        all.iter().map(|s| (s["frequency"].clone(), s["retention_days"].clone(), s["day"].clone())).collect();
    let expected: Vec<(Value, Value, Value)> =
        [("hourly", 2, Value::Null), ("daily", 6, Value::Null), ("weekly", 30, "sun".into())]
            .into_iter()
            .map(|(word, days, day)| (word.into(), days.into(), day))
            .collect();
    assert_eq!(shown, expected);
    assert_eq!(all[2]["next_run"]["due_at"], "2027-01-10T03:00:00Z");
    assert!(
        all.iter()
            .all(|s| s["last_run"].is_null() && s["timezone"] == "UTC" && s["created_by"] == all[0]["created_by"])
    );
    let report = host.dokku_env(&[("DOKKU_BACKUPS_CLOCK", MADE)], &["backups:schedules"]).expect(0).out();
    assert!(
        report.contains("=====> shop weekly schedule\n       When:        weekly on Sun at 03:00 UTC\n"),
        "{report}"
    );
}

#[test]
fn row_064_ux_323_only_retention_can_be_changed_and_expiry_follows() {
    let host = with_shop();
    host.schedule(MADE, "shop daily --at 03:30 --timezone Europe/Berlin");
    host.schedule(MADE, "shop hourly");
    assert_eq!(host.cron("2027-01-10T03:00:05Z").code, Some(0));
    assert_eq!(host.cron("2027-01-10T04:00:05Z").code, Some(0));
    let expiry = |host: &Host| -> Vec<String> {
        host.list("shop").iter().map(|backup| backup["expires_at"].as_str().expect("expiry").to_owned()).collect()
    };
    assert_eq!(expiry(&host), ["2027-01-12T04:00:05Z", "2027-01-16T03:00:05Z"]);
    let before = fs::read(host.settings_of("shop").join("schedules.toml")).expect("schedules");
    for (line, command) in [
        ("shop daily --at 03:31", "daily --at 03:31 --timezone Europe/Berlin --retention 6"),
        ("shop daily --timezone UTC", "daily --at 03:30 --timezone UTC --retention 6"),
        ("shop daily --at 04:00 --retention 9", "daily --at 04:00 --timezone Europe/Berlin --retention 9"),
        ("shop hourly --at :10", "hourly --at :10 --timezone UTC --retention 2"),
    ] {
        let line = format!("backups:schedule {line}");
        let run = host.dokku(&words(&line)).expect(7);
        assert!(run.stderr.contains("dokku backups:unschedule shop"), "{run:?}");
        assert!(run.stderr.contains(&format!("dokku backups:schedule shop {command}")), "{run:?}");
    }
    assert_eq!(fs::read(host.settings_of("shop").join("schedules.toml")).expect("schedules"), before);
    // The same timing, said or not, and another retention; the longest of those that made a backup counts.
    host.schedule(MADE, "shop daily --at 03:30 --timezone Europe/Berlin --retention 1");
    assert_eq!(expiry(&host), ["2027-01-12T04:00:05Z", "2027-01-12T03:00:05Z"]);
    let run = host.schedule("2027-01-20T00:00:00Z", "shop daily --retention 5");
    assert!(run.stderr.contains("1 backup expires at another time; 1 of them is past it already"), "{run:?}");
    host.schedule(MADE, "shop hourly --retention 7");
    assert_eq!(expiry(&host), ["2027-01-17T04:00:05Z", "2027-01-17T03:00:05Z"]);
    // What is gone counts no more; a manual backup never expires.
    host.dokku(&words("backups:unschedule shop daily")).expect(0);
    host.export("shop");
    host.schedule(MADE, "shop hourly --retention 3");
    assert!(host.list("shop").iter().any(|backup| backup["source"] == "manual" && backup["expires_at"].is_null()));
    host.check("shop", &[], true);
    // Twice is no success: there is nothing of that name.
    host.dokku(&words("backups:unschedule shop daily")).expect(4);
    host.dokku(&words("backups:unschedule shop --all")).expect(0);
    host.dokku(&words("backups:unschedule shop --all")).expect(0);
    assert!(host.schedules(MADE, "shop").is_empty());
    // Busy: neither the schedule nor any expiry has changed.
    host.schedule(MADE, "shop hourly");
    host.fault("postgres:export/delay=3");
    let export = host.start(&["backups:export", "shop"]);
    host.worker("shop");
    host.dokku(&words("backups:schedule shop hourly --retention 5")).expect(5);
    assert_eq!(host.schedules(MADE, "shop")[0]["retention_days"], 2);
    host.dokku(&words("backups:schedule shop hourly --retention 5 --wait 30")).expect(0);
    export.wait().expect(0);
}

/// What no field takes.
const NONSENSE: &[&str] = &[
    "",
    " ",
    "x",
    "-1",
    "25:00",
    "24:00",
    "03:60",
    "3:00",
    "03:0",
    ":60",
    ":5",
    "0300",
    "03:00:00",
    "+3:00",
    "٠٣:٠٠",
    "1e3",
    "99999999999999999999",
    "; rm -rf /",
    "$(id)",
    "`id`",
    "%",
    "a%b",
    "a\nb",
    "* * * * *",
    "../../etc/passwd",
    "\\",
    "'",
    "\"",
    "&& id",
    "| id",
    "> /tmp/x",
    "europe/berlin",
    "Europe/Berlin;id",
    "Mars/Olympus",
    "UTC\n* * * * * id",
    "\u{1b}[2J",
    "\u{202e}",
];

#[test]
fn fault_076_nonsense_in_any_field_is_usage_and_never_reaches_a_crontab() {
    let host = with_shop();
    host.schedule(MADE, "shop daily");
    let crontab = host.crontab();
    assert_eq!(
        host.cron_line(),
        format!("SSH_USER=root dokku backups:tick &>> {}/backups.log", host.var("DOKKU_LOGS_DIR"))
    );
    for field in ["--at", "--day", "--timezone", "--retention"] {
        for word in NONSENSE {
            let run = host.dokku(&["backups:schedule", "shop", "weekly", &format!("{field}={word}")]);
            assert_eq!(run.code, Some(2), "{field} {word:?}: {run:?}");
            assert!(run.stderr.contains(field), "{field} {word:?} is not named: {run:?}");
            assert!(!run.stderr.contains('\u{1b}') && !run.stderr.contains('\u{202e}'), "{run:?}");
        }
    }
    for word in NONSENSE.iter().filter(|word| !word.is_empty()) {
        for line in [
            ["backups:schedule", "shop", word],
            ["backups:schedule", word, "daily"],
            ["backups:unschedule", "shop", word],
        ] {
            let name = line[1] != "shop" && line[1].bytes().all(|c| c.is_ascii_alphanumeric());
            assert_eq!(host.dokku(&line).code, Some(if name { 4 } else { 2 }), "{line:?}");
        }
    }
    for line in
        ["hourly --at 03:30", "daily --at :30", "daily --day mon", "hourly --day mon", "monthly", "", "daily extra"]
    {
        host.dokku(&words(&format!("backups:schedule shop {line}"))).expect(2);
    }
    host.dokku(&["backups:unschedule", "shop"]).expect(2);
    host.dokku(&["backups:unschedule", "shop", "daily", "--all"]).expect(2);
    for word in ["0", "17", "x", "-1", "1;id"] {
        host.dokku(&["backups:set", "--global", "parallel-runs", word]).expect(2);
    }
    host.dokku(&["backups:set", "shop", "parallel-runs", "3"]).expect(2);
    assert_eq!(host.schedules(MADE, "shop").len(), 1, "something was scheduled");
    host.dokku(&["plugin:trigger", "scheduler-cron-write"]).expect(0);
    assert_eq!(host.crontab(), crontab);
}

#[test]
fn fault_076_the_line_of_the_crontab_is_always_the_same() {
    let host = with_shop();
    let crontab = host.crontab();
    // Labels, properties and names change nothing in it either; nor does a hostile path of the log.
    host.dokku(&["backups:export", "shop", "--label", "x; * * * * * id % &>> y"]).expect(0);
    assert_eq!(host.crontab(), crontab);
    for (scheduler, logs, expected) in [
        ("docker-local", "/var/log/dokku", "* * * * *;SSH_USER=root dokku backups:tick;/var/log/dokku/backups.log\n"),
        ("docker-local", "/var/log;id\n* * * * * id", "* * * * *;SSH_USER=root dokku backups:tick\n"),
        ("docker-local", "/var/%d", "* * * * *;SSH_USER=root dokku backups:tick\n"),
        ("docker-local", "relative", "* * * * *;SSH_USER=root dokku backups:tick\n"),
        ("k3s", "/var/log/dokku", ""),
        ("nomad; id", "/var/log/dokku", ""),
    ] {
        let mut command = host.binary(&["trigger:cron-entries", scheduler]);
        command.env("DOKKU_LOGS_DIR", logs);
        assert_eq!(super::support::finish(command).expect(0).out(), expected, "{scheduler} {logs:?}");
    }
    assert_eq!(super::support::finish(host.binary(&["trigger:cron-entries"])).expect(0).out(), "");
}

#[test]
fn a_crontab_that_cannot_be_written_is_said_with_the_command_and_costs_nothing_else() {
    let host = with_shop();
    let cron = Path::new(host.var("PLUGIN_PATH")).join("enabled/cron/scheduler-cron-write");
    let good = fs::read(&cron).expect("trigger");
    let _ = fs::remove_file(&cron);
    host.put(&cron, b"#!/bin/sh\necho ' !     bad minute' >&2\nexit 1\n", 0o755);
    for line in ["backups:schedule shop daily", "backups:unschedule shop daily", "backups:schedule shop hourly"] {
        let run = host.dokku(&words(line)).expect(3);
        assert!(
            run.stderr.contains("bad minute") && run.stderr.contains("dokku plugin:trigger scheduler-cron-write"),
            "{run:?}"
        );
    }
    assert_eq!(host.schedules(MADE, "shop").len(), 1);
    let install = host.dokku(&["plugin:trigger", "install"]);
    assert_eq!(install.code, Some(0), "the install trigger of every plugin after ours would be stopped: {install:?}");
    assert!(install.stderr.contains("crontab"), "{install:?}");
    host.put(&cron, &good, 0o755);
    fs::remove_file(host.dir().join("crontab")).expect("a crontab");
    host.dokku(&words("backups:unschedule shop hourly")).expect(0);
    assert!(host.crontab().contains("backups:tick"), "written again");
}

#[test]
fn schedules_that_cannot_be_read_hide_only_their_own_service() {
    let host = with_shop();
    host.dokku(&["postgres:create", "other"]).expect(0);
    host.schedule(MADE, "shop daily");
    host.schedule(MADE, "other daily");
    let path = host.settings_of("other").join("schedules.toml");
    let good = fs::read(&path).expect("schedules");
    let zone = String::from_utf8_lossy(&good)
        .lines()
        .skip(1)
        .filter(|line| !line.starts_with('#'))
        .fold(String::new(), |text, line| text + &line.replace("\"UTC\"", "\"Mars/Olympus\"") + "\n");
    for broken in ["cut", "zone"] {
        match broken {
            "cut" => host.put(&path, &good[..good.len() / 2], 0o600),
            _ => host.write_document(&path, &zone),
        }
        let run = host.dokku(&["backups:schedules", "other"]).expect(1);
        assert!(run.stderr.contains(&path.display().to_string()), "{run:?}");
        let run = host.dokku(&["backups:schedules", "--format", "json"]).expect(3);
        assert_eq!(run.json()["schedules"].as_array().map(Vec::len), Some(1), "{run:?}");
        host.dokku(&words("backups:schedule other weekly")).expect(1);
    }
    assert_eq!(host.cron("2027-01-10T03:00:05Z").code, Some(3));
    assert_eq!(host.list("shop").len(), 1, "the other service's document stopped it: {}", host.scheduler_log());
    assert!(host.scheduler_log().contains("other: ") && host.scheduler_log().contains("Mars/Olympus"));
    host.put(&path, &good, 0o600);
    assert_eq!(host.cron("2027-01-10T03:01:05Z").code, Some(0));
    assert_eq!(host.list("other").len(), 1, "caught up");
}
