//! The scheduler's signs to the outside: heartbeat and notification, and what `check` says when the scheduler itself is silent.

use serde_json::Value;

use super::schemas::fits;
use super::support::{Host, Monitor, Run};

const ROWS: &str = "create table t(id int primary key); insert into t select generate_series(1, 300);";
const FAULT: (&str, &str) = ("DOKKU_SANDBOX_FAULT", "postgres:export/broken=100");

/// A host whose service `shop` has a daily schedule since the new year.
fn scheduled() -> Host {
    let host = Host::up();
    host.database("shop", ROWS);
    host.allow_private();
    at(&host, "2026-01-01T00:00:00Z", &[], &["backups:schedule", "shop", "daily", "--at", "03:00"]).expect(0);
    host
}

fn at(host: &Host, time: &str, more: &[(&str, &str)], args: &[&str]) -> Run {
    host.dokku_env(&[&[("DOKKU_BACKUPS_CLOCK", time)], more].concat(), args)
}

fn tick(host: &Host, day: u32, more: &[(&str, &str)]) -> Run {
    at(host, &format!("2026-01-{day:02}T03:00:10Z"), more, &["backups:tick"])
}

fn untold(host: &Host, day: u32) -> Vec<Value> {
    let time = format!("2026-01-{day:02}T03:02:00Z");
    let report = at(host, &time, &[], &["backups:check", "--format", "json"]).json();
    let findings = report["services"][0]["findings"].as_array().expect("findings").clone();
    findings.into_iter().filter(|finding| finding["code"] == "notification-failed").collect()
}

#[test]
fn row_067_a_heartbeat_after_success_and_a_document_after_failure() {
    let host = scheduled();
    let (alive, alarm) = (
        Monitor::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        Monitor::answering("HTTP/1.1 204 No Content\r\n\r\n"),
    );
    host.dokku(&["backups:set", "shop", "heartbeat-url", &alive.address]).expect(0);
    host.dokku(&["backups:set", "--global", "notify-url", &alarm.address]).expect(0);
    // That it works is seen when it is set.
    let tried = alarm.take();
    assert!(tried[0].1.contains("\"event\":\"test\"") && tried.len() == 1, "{tried:?}");
    host.dokku(&["backups:set", "shop", "heartbeat-url", "ftp://x/y"]).expect(2);
    tick(&host, 2, &[]).expect(0);
    assert_eq!(alive.seen(), [("GET /ping/token".to_owned(), String::new())]);
    assert!(alarm.seen().is_empty());
    tick(&host, 3, &[FAULT]).expect(3);
    assert_eq!(alive.seen().len(), 1, "no sign of life after a failure");
    let [(line, body)] = &alarm.seen()[..] else { panic!("one document: {:?}", alarm.seen()) };
    assert_eq!(line, "POST /ping/token");
    let document: Value = serde_json::from_str(body).expect("JSON");
    fits("notification", &document);
    assert_eq!((&document["event"], &document["service"]), (&"backup-failed".into(), &"shop".into()));
    assert_eq!(document["schedules"], serde_json::json!(["daily"]));
    assert_eq!(document["error"]["kind"], "child");
    let on = document["host"].as_str().expect("a host");
    assert!(
        document["text"].as_str().expect("words").starts_with(&format!("backup of shop on {on} failed: ")),
        "{document}"
    );
    assert!(untold(&host, 3).is_empty());
    // By hand nobody is told: whoever runs it sees how it ends.
    host.export("shop");
    assert_eq!((alive.seen().len(), alarm.seen().len()), (1, 1));
}

#[test]
fn fault_080_an_address_that_is_down_slow_or_redirecting() {
    let host = scheduled();
    // Nobody listens there; a port that was free a moment ago may be another test's by now.
    let closed = "127.0.0.1:1";
    let wrong = [
        (format!("http://{closed}/secret-token"), "could not be asked"),
        (
            Monitor::answering("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n").address,
            "redirects are not followed",
        ),
        (Monitor::answering("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n").address, "500"),
        (Monitor::answering("garbage\r\n\r\n").address, "could not be asked"),
        (Monitor::answering("").address, "could not be asked"),
    ];
    for (day, (url, why)) in (2..).zip(&wrong) {
        host.dokku(&["backups:set", "shop", "heartbeat-url", url]).expect(0);
        let run = tick(&host, day, &[]).expect(0);
        assert!(!run.stderr.contains("token"), "{}", run.stderr);
        assert_eq!(host.list("shop")[0]["status"], "success", "{url}");
        let told = untold(&host, day);
        assert_eq!(told.len(), 1, "{url}");
        assert!(told[0]["message"].as_str().expect("text").contains(why), "{told:?}");
        assert_eq!(told[0]["level"], "warning");
    }
    let good = Monitor::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    host.dokku(&["backups:set", "shop", "heartbeat-url", &good.address]).expect(0);
    tick(&host, 20, &[]).expect(0);
    assert!(untold(&host, 20).is_empty());
}

#[test]
fn report_127_an_address_for_notices_is_tried_when_it_is_set() {
    let host = scheduled();
    let good = Monitor::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let run = host.dokku(&["backups:set", "shop", "notify-url", &good.address]).expect(0);
    assert!(run.stderr.contains("a test notice was taken there"), "{}", run.stderr);
    let [(line, body)] = &good.seen()[..] else { panic!("one document: {:?}", good.seen()) };
    let document: Value = serde_json::from_str(body).expect("JSON");
    fits("notification-test", &document);
    assert_eq!((line.as_str(), &document["event"]), ("POST /ping/token", &"test".into()));
    assert!(document["text"].as_str().expect("words").contains("of shop fails"), "{document}");
    // One that does not take it is set all the same, and that is said; it is tried for all services, too.
    let bad = Monitor::answering("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    for whom in ["shop", "--global"] {
        let run = host.dokku(&["backups:set", whom, "notify-url", &bad.address]).expect(0);
        assert!(run.stderr.contains("a test notice did not arrive: 127.0.0.1 answered 404"), "{}", run.stderr);
        assert!(!run.stderr.contains("token"), "{}", run.stderr);
    }
    assert_eq!(bad.seen().len(), 2);
    // Clearing it, and other settings, send nothing.
    host.dokku(&["backups:set", "shop", "notify-url"]).expect(0);
    host.dokku(&["backups:set", "shop", "verify-memory", "2g"]).expect(0);
    assert_eq!(bad.seen().len(), 2);
}

#[test]
fn fault_077_a_silent_scheduler_and_a_missed_promise() {
    let host = scheduled();
    let check = |time: &str| {
        let run = at(&host, time, &[], &["backups:check", "--format", "json"]);
        let report = run.json();
        let of = |list: &Value| {
            let codes = list.as_array().expect("findings").iter().filter(|f| f["level"] == "failing");
            codes.map(|f| f["code"].as_str().expect("code").to_owned()).collect::<Vec<_>>()
        };
        (run.code, of(&report["host"]["findings"]), of(&report["services"][0]["findings"]))
    };
    // A new schedule has time until the first tick; then its silence counts.
    assert_eq!(check("2026-01-01T00:01:00Z"), (Some(1), vec![], vec!["no-backup".to_owned()]));
    assert_eq!(check("2026-01-01T01:00:00Z").1, ["scheduler"]);
    tick(&host, 2, &[]).expect(0);
    assert_eq!(check("2026-01-02T03:01:00Z"), (Some(0), vec![], vec![]));
    // The entry is gone: nothing runs any more. First the tick is missed, then the backup.
    assert_eq!(check("2026-01-02T03:20:00Z"), (Some(1), vec!["scheduler".to_owned()], vec![]));
    let late = check("2026-01-03T05:01:00Z");
    assert_eq!(late, (Some(1), vec!["scheduler".to_owned()], vec!["stale".to_owned()]));
    // One tick mends both.
    at(&host, "2026-01-03T05:02:00Z", &[], &["backups:tick"]).expect(0);
    assert_eq!(check("2026-01-03T05:03:00Z"), (Some(0), vec![], vec![]));
}
