//! Runs of schedules that do not go as they should: many at once (row 40), services that are stopped, gone or busy
//! (row 78), state that is lost (row 79), processes that die, callers who may not.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::AsFd;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{Signal, kill};
use serde_json::Value;

use super::support::{Host, Running, SHOP, wait_for};

const MADE: &str = "2027-01-10T02:00:00Z";

fn with_shop(schedule: &str) -> Host {
    let host = Host::up();
    host.database("shop", SHOP);
    host.schedule(MADE, &format!("shop {schedule}"));
    host
}

fn field<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_else(|| panic!("{key} is no text: {object}"))
}

/// The last run of the first schedule of `shop`.
fn last_run(host: &Host, clock: &str) -> Value {
    host.schedules(clock, "shop")[0]["last_run"].clone()
}

/// Takes the lock that whoever changes a service's catalogue holds.
fn hold(path: &Path) -> fs::File {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).expect("a lock");
    let whole = nix::libc::flock { l_type: nix::libc::F_WRLCK as i16, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 };
    fcntl(file.as_fd(), FcntlArg::F_OFD_SETLK(&whole)).expect("nobody has it");
    file
}

#[test]
fn with_nothing_due_nobody_is_asked_anything() {
    let host = with_shop("daily");
    let calls = |host: &Host| -> BTreeMap<String, u64> {
        let all = fs::read_dir(host.dir().join("run/calls")).expect("calls").flatten();
        let each =
            all.map(|entry| (entry.file_name().into_string().expect("name"), entry.metadata().expect("size").len()));
        each.filter(|(name, _)| name != "backups:tick").collect()
    };
    let before = calls(&host);
    for clock in ["2027-01-10T02:00:00Z", "2027-01-10T02:59:59Z"] {
        let run = host.cron(clock);
        assert_eq!((run.code, run.out(), run.stderr.as_str()), (Some(0), String::new(), ""));
        let stamp = host.settings_of("shop").parent().expect("root").join(".tick/last");
        assert_eq!(fs::read_to_string(stamp).expect("a stamp"), format!("{clock}\n"));
    }
    assert_eq!(calls(&host), before);
    assert_eq!(host.scheduler_log(), "");
    assert!(host.list("shop").is_empty());
}

#[test]
fn fault_078_a_stopped_or_destroyed_service_has_failed_runs_that_stay() {
    let host = with_shop("hourly");
    host.dokku(&["postgres:create", "fresh"]).expect(0);
    host.schedule(MADE, "fresh hourly");
    host.dokku(&["postgres:stop", "shop"]).expect(0);
    host.dokku(&["postgres:destroy", "fresh", "--force", "--skip-backup-check"]).expect(0);
    assert_eq!(host.cron("2027-01-10T03:00:05Z").code, Some(3));
    for (service, reason) in [("shop", "not running"), ("fresh", "does not exist")] {
        let list = host.list(service);
        let [failed] = list.as_slice() else { panic!("not one record: {list:?}") };
        assert_eq!(
            (field(failed, "status"), field(failed, "source"), field(failed, "created_by")),
            ("failed", "schedule", "scheduler")
        );
        assert!(
            field(failed, "reason").contains(reason) && failed["schedules"] == serde_json::json!(["hourly"]),
            "{failed}"
        );
        let run = &host.schedules("2027-01-10T03:01:00Z", service)[0]["last_run"];
        assert_eq!((field(run, "status"), &run["id"]), ("failed", &failed["id"]));
        assert!(field(run, "reason").contains(reason), "{run}");
        let report = host.dokku(&["backups:schedules", service]).expect(0).out();
        assert!(report.contains(&format!("Ended:       failed {}: ", field(failed, "id"))), "{report}");
        assert!(host.scheduler_log().contains(&format!("{service} (hourly): ")), "{}", host.scheduler_log());
    }
    // Once an hour, not once a minute; and well again when it is up.
    assert_eq!(host.cron("2027-01-10T03:01:05Z").code, Some(0));
    host.dokku(&["postgres:start", "shop"]).expect(0);
    host.cron("2027-01-10T04:00:05Z");
    let list = host.list("shop");
    assert_eq!((list.len(), field(&list[0], "status")), (2, "success"), "{list:?}");
    assert_eq!(field(&last_run(&host, "2027-01-10T04:01:00Z"), "status"), "success");
    host.check("shop", &[field(&list[0], "id").to_owned()], true);
    // The schedule of the one that is gone can be taken away, also before it had any record.
    host.dokku(&["backups:unschedule", "fresh", "--all"]).expect(0);
    assert_eq!(host.cron("2027-01-10T05:00:05Z").code, Some(0));
    host.dokku(&["backups:schedule", "fresh", "daily"]).expect(4);
}

#[test]
fn fault_079_lost_or_broken_state_costs_one_run_at_most() {
    let host = with_shop("daily");
    host.cron("2027-01-10T03:00:05Z");
    let path = host.settings_of("shop").join("runs.toml");
    for (number, break_it) in [1usize, 2, 3].into_iter().zip(["rm", "cut", "fifo"]) {
        let bytes = fs::read(&path).expect("state");
        fs::remove_file(&path).expect("state");
        match break_it {
            "cut" => host.put(&path, &bytes[..bytes.len() - 3], 0o600),
            "fifo" => nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o600)).expect("a fifo"),
            _ => {}
        }
        for minute in 1..4 {
            host.cron(&format!("2027-01-10T{:02}:{minute:02}:05Z", 3 + number));
        }
        if break_it == "fifo" {
            // Something that is no file of ours is not replaced; without a claim nothing is run.
            assert_eq!(host.list("shop").len(), number, "{}", host.scheduler_log());
            fs::remove_file(&path).expect("the fifo");
            host.cron("2027-01-10T08:00:05Z");
        }
        assert_eq!(host.list("shop").len(), number + 1, "after {break_it}: {}", host.scheduler_log());
    }
    host.cron("2027-01-11T03:00:05Z");
    assert_eq!(host.list("shop").len(), 5);
}

#[test]
fn a_busy_service_is_tried_again_and_then_given_up() {
    let host = with_shop("daily");
    host.cron("2027-01-10T03:00:05Z");
    let lock = host.folder("shop").join(".lock");
    let held = hold(&lock);
    for clock in ["2027-01-11T03:00:05Z", "2027-01-11T03:01:05Z", "2027-01-11T03:59:05Z"] {
        assert_eq!(host.cron(clock).code, Some(0));
        assert_eq!(field(&last_run(&host, clock), "status"), "waiting");
    }
    drop(held);
    host.cron("2027-01-11T03:59:35Z");
    let run = last_run(&host, "2027-01-11T04:00:00Z");
    assert_eq!((field(&run, "status"), field(&run, "due_at")), ("success", "2027-01-11T03:00:00Z"));
    assert_eq!(host.list("shop").len(), 2);
    // An hour is too long.
    let held = hold(&lock);
    for clock in ["2027-01-12T03:00:05Z", "2027-01-12T03:30:05Z", "2027-01-12T04:00:05Z", "2027-01-12T04:01:05Z"] {
        host.cron(clock);
    }
    let run = last_run(&host, "2027-01-12T04:02:00Z");
    assert!(field(&run, "status") == "failed" && field(&run, "reason").contains("busy for too long"), "{run}");
    drop(held);
    host.cron("2027-01-12T05:00:05Z");
    let list = host.list("shop");
    assert_eq!((list.len(), field(&list[0], "status")), (3, "failed"), "recorded when that became possible");
    assert!(field(&list[0], "reason").contains("busy for too long"), "{}", list[0]);
    assert_eq!(last_run(&host, "2027-01-12T05:00:30Z")["id"], list[0]["id"]);
    assert_eq!(host.cron("2027-01-12T05:01:05Z").code, Some(0));
    assert_eq!(host.list("shop").len(), 3);
}

#[test]
fn fault_022_a_tick_that_is_killed_anywhere_neither_repeats_nor_loses_a_run() {
    let host = with_shop("daily");
    host.cron("2027-01-10T03:00:05Z");
    let plan = host.dir().join("tmp/points");
    host.put(&plan, b"", 0o666);
    let count = format!("count={}", plan.display());
    super::support::finish(host.cron_command("2027-01-11T03:00:05Z", &[("DOKKU_BACKUPS_POINTS", &count)]));
    let points = fs::read_to_string(&plan).expect("points").lines().count();
    assert!(points > 60, "{points} points");
    let mut day: DateTime<Utc> = "2027-01-12T03:00:05Z".parse().expect("a time");
    let (mut records, mut statuses) = (host.list("shop").len(), BTreeMap::new());
    for at in (1..=points).step_by(points / 12) {
        for plan in [format!("abort={at}"), format!("panic={at}")] {
            let exports = host.calls("postgres:export");
            let clock = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
            super::support::finish(host.cron_command(&clock(day), &[("DOKKU_BACKUPS_POINTS", &plan)]));
            let started = host.calls("postgres:export") - exports;
            for minute in 1..=2 {
                host.cron(&clock(day + TimeDelta::minutes(minute)));
            }
            let list = host.list("shop");
            assert_eq!(list.len(), records + 1, "{plan}: {} {}", host.scheduler_log(), list[0]);
            assert!(host.calls("postgres:export") - exports <= 1 + usize::from(started == 0), "{plan}: run twice");
            let run = last_run(&host, &clock(day + TimeDelta::minutes(3)));
            assert_eq!((&run["id"], &run["status"]), (&list[0]["id"], &list[0]["status"]), "{plan}: {run} {}", list[0]);
            *statuses.entry(field(&list[0], "status").to_owned()).or_insert(0) += 1;
            records += 1;
            day += TimeDelta::days(1);
        }
    }
    assert!(statuses["success"] > 0 && statuses["failed"] > 0, "{statuses:?}");
    // What the last one killed had started may still be at work.
    host.wait_until("its workers", || host.strays().is_empty());
    host.dokku(&["backups:sync", "shop"]).expect(0);
    host.check("shop", &[], true);
}

#[test]
fn a_run_that_died_is_shown_as_abandoned_at_once() {
    for fault in ["postgres:export/delay=20", "postgres:info/delay=20"] {
        let host = with_shop("daily");
        host.fault(fault);
        let running = Running::start(host.cron_command("2027-01-10T03:00:05Z", &[]));
        let state = host.settings_of("shop").join("runs.toml");
        wait_for("a claim", || fs::read_to_string(&state).ok().filter(|text| text.contains("running")));
        if fault.starts_with("postgres:export") {
            host.worker("shop");
        }
        assert_eq!(field(&last_run(&host, "2027-01-10T03:00:30Z"), "status"), "in-progress");
        // Another tick leaves it alone.
        assert_eq!(host.cron("2027-01-10T03:01:05Z").code, Some(0));
        assert_eq!(host.calls("postgres:export"), 1);
        let words = fs::read_to_string(host.settings_of("shop").join(".run")).expect("the lock");
        let pid = words.trim_start_matches("pid ").trim().parse().expect("a pid");
        kill(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL).expect("kill");
        running.wait();
        host.fault("");
        let run = last_run(&host, "2027-01-10T03:01:30Z");
        assert!(field(&run, "status") == "failed" && field(&run, "reason").contains("abandoned"), "{run}");
        host.cron("2027-01-10T03:02:05Z");
        let list = host.list("shop");
        let [failed] = list.as_slice() else { panic!("{fault}: not one record: {list:?}") };
        assert!(field(failed, "reason").contains("abandoned") && field(failed, "source") == "schedule", "{failed}");
        assert_eq!(last_run(&host, "2027-01-10T03:02:30Z")["id"], failed["id"]);
        for entry in fs::read_dir("/proc").expect("/proc").flatten() {
            // What the killed tick had started sleeps on by itself.
            let environ = fs::read(entry.path().join("environ")).unwrap_or_default();
            let mine = format!("DOKKU_SANDBOX_INSIDE={}\0", host.dir().display());
            let line = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
            if line.starts_with("sleep\0") && String::from_utf8_lossy(&environ).contains(&mine) {
                let pid = entry.file_name().to_string_lossy().parse().expect("a pid");
                let _ = kill(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
    }
}

/// Services of which only settings exist; the commands that would ask them answer for all of them alike.
fn stand_ins(host: &Host, count: usize, minute: u32) {
    let dump = host.dir().join("tmp/dump");
    host.put(&dump, &host.dokku(&["postgres:export", "shop"]).expect(0).stdout, 0o644);
    for number in 0..count {
        let folder = host.settings_of(&format!("s{number:03}"));
        fs::create_dir_all(&folder).expect("a folder");
        host.give(&folder);
        let body = format!(
            "[[schedules]]\nfrequency = \"hourly\"\nminute = {minute}\ntimezone = \"UTC\"\nretention_days = 2\n\
             created_at = \"2020-01-01T00:00:00Z\"\ncreated_by = \"test\"\n"
        );
        host.write_document(&folder.join("schedules.toml"), &body);
    }
    let info = "Status:%20running%0AVersion:%20postgres:17.11";
    host.fault(&format!("postgres:export/file={} postgres:info/out={info}", dump.display()));
}

#[test]
fn fault_040_overlapping_ticks_run_each_of_many_services_once_and_only_so_many_at_a_time() {
    const COUNT: usize = 80;
    let host = Host::up();
    host.database("shop", SHOP);
    stand_ins(&host, COUNT, (Utc::now().minute() + 30) % 60);
    let before = host.calls("postgres:export");
    // The trouble of some is none of the others'.
    host.put(&host.settings_of("s005").join("schedules.toml"), b"nonsense", 0o600);
    let data = host.data_root().join("postgres");
    fs::create_dir_all(&data).expect("a folder");
    fs::set_permissions(&data, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("modes");
    host.give(&data);
    host.put(&data.join("s009"), b"no folder", 0o600);
    host.dokku(&["backups:set", "--global", "parallel-runs", "3"]).expect(0);
    let ticks: Vec<_> = (0..5).map(|_| Running::start(host.cron_command("", &[]))).collect();
    for tick in ticks {
        tick.wait();
    }
    let good = COUNT - 2;
    assert_eq!(host.calls("postgres:export") - before, good, "{}", host.scheduler_log());
    fs::remove_file(data.join("s009")).expect("mended");
    let all = host.dokku(&["backups:list", "--format", "json"]).expect(0).json();
    let made: BTreeMap<_, _> =
        all["backups"].as_array().expect("array").iter().map(|b| (field(b, "service"), field(b, "status"))).collect();
    assert_eq!((made.len(), all["backups"].as_array().map(Vec::len)), (good, Some(good)), "{}", host.scheduler_log());
    assert!(made.values().all(|status| *status == "success"), "{made:?}");
    let runs = host.dokku(&["backups:schedules", "--format", "json"]).expect(3).json();
    let mut times: Vec<(String, i32)> = Vec::new();
    for schedule in runs["schedules"].as_array().expect("array") {
        let run = &schedule["last_run"];
        if field(schedule, "service") == "s009" {
            assert!(field(run, "status") == "failed" && field(run, "reason").contains("s009"), "{schedule}");
            continue;
        }
        assert_eq!(field(run, "status"), "success", "{schedule}");
        times.extend([(field(run, "started_at").to_owned(), 1), (field(run, "finished_at").to_owned(), -1)]);
    }
    times.sort();
    let (mut now, mut most) = (0, 0);
    for (_, step) in times {
        now += step;
        most = most.max(now);
    }
    assert!((2..=3).contains(&most), "{most} at a time");
    // Each has had its run; the one that failed is recorded as soon as it can be.
    host.cron("");
    assert_eq!(host.calls("postgres:export") - before, good);
    assert_eq!(host.list("s009").len(), 1, "the failed run is in the list now");
}

#[test]
fn the_scheduler_speaks_for_the_host_and_a_refusal_is_a_failed_run() {
    let host = with_shop("hourly");
    host.dokku(&["apps:create", "web"]).expect(0);
    host.dokku(&["postgres:link", "shop", "web"]).expect(0);
    // As dokku-acl asks: root may everything, an empty name and `default` may nothing.
    let acl = "#!/bin/sh\n[ \"$1\" = root ] && [ -z \"$NAME\" -o \"$NAME\" = default ] && exit 0\n\
               echo \" !     User $2 does not have permissions to run $3\" >&2\nexit 1\n";
    host.add_trigger("acl", "user-auth", acl);
    host.add_trigger(
        "acl",
        "user-auth-service",
        "#!/bin/sh\n[ \"$1\" = root ] || exit 1\nshift 3\nprintf '%s\\n' \"$@\"\n",
    );
    assert_eq!(host.cron("2027-01-10T03:00:05Z").code, Some(0), "{}", host.scheduler_log());
    let list = host.list("shop");
    assert_eq!((field(&list[0], "status"), field(&list[0], "created_by")), ("success", "scheduler"));
    assert_eq!((&list[0]["apps"][0]["app"], &list[0]["notes"]), (&"web".into(), &serde_json::json!([])), "{}", list[0]);
    // One that refuses even that: a failed run that says so, and not silence.
    host.add_trigger(
        "acl",
        "user-auth",
        "#!/bin/sh\ncase $3 in postgres:*) echo ' !     not tonight' >&2; exit 1 ;; esac\n",
    );
    assert_eq!(host.cron("2027-01-10T04:00:05Z").code, Some(3));
    let failed = &host.list("shop")[0];
    assert!(field(failed, "status") == "failed" && field(failed, "reason").contains("not tonight"), "{failed}");
    // Whoever may not export may not have it done for them either.
    let run = host.dokku_env(&[("NAME", "alice")], &["backups:schedule", "shop", "daily"]).expect(7);
    assert!(run.stderr.contains("postgres:export"), "{run:?}");
    assert_eq!(host.schedules(MADE, "shop").len(), 1);
}

#[test]
fn nobody_ticks_over_ssh_and_nobody_sees_schedules_of_hidden_services() {
    let host = with_shop("hourly");
    for key in [("NAME", "alice"), ("FINGERPRINT", "SHA256:x")] {
        let run = host.dokku_env(&[key, ("DOKKU_BACKUPS_CLOCK", "2027-01-10T03:00:05Z")], &["backups:tick"]).expect(7);
        assert!(run.stderr.contains("backups:export"), "{run:?}");
    }
    assert!(host.list("shop").is_empty());
    host.hide("shop");
    assert_eq!(host.dokku(&["backups:schedules"]).expect(0).out(), "No schedules\n");
    for line in [
        ["backups:schedules", "shop"].as_slice(),
        &["backups:schedule", "shop", "daily"],
        &["backups:unschedule", "shop", "--all"],
    ] {
        assert!(host.dokku(line).expect(4).stderr.contains("shop does not exist"));
    }
}
