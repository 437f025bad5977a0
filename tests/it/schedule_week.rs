//! A week of the scheduler, driven by the line that stands in the crontab (rows 61, 63, 68; faults 34 and 36).
//!
//! Monday 22 to Sunday 28 March 2027 in Berlin, where the clocks go forward on that Sunday at 02:00. The host is down
//! from Tuesday 05:10 to Saturday 13:20 local time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::support::{Host, SHOP};

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn text(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// By hand from the calendar, in UTC, an hour behind Berlin until Sunday 01:00 UTC: what must lie on the disk, by the
/// minute in which it was made.
fn expected(down: &std::ops::Range<DateTime<Utc>>) -> BTreeMap<String, Vec<&'static str>> {
    let mut all = BTreeMap::new();
    let mut at = utc("2027-03-21T23:00:00Z");
    while at < utc("2027-03-28T22:00:00Z") {
        // On the hour; the daily one at 02:30 Berlin is half past one. On Sunday there is no 02:30: it is due at 03:00,
        // which is 01:00 UTC, together with the weekly one.
        let (hour, sunday) = (at.format("%H:%M").to_string(), at >= utc("2027-03-28T00:00:00Z"));
        let what: &[&str] = match hour.as_str() {
            "01:00" if sunday => &["hourly", "daily", "weekly"],
            "01:30" if !sunday => &["daily"],
            _ if hour.ends_with(":00") => &["hourly"],
            _ => &[],
        };
        if !what.is_empty() && !down.contains(&at) {
            all.insert(text(at)[..16].to_owned(), what.to_vec());
        }
        at += TimeDelta::minutes(30);
    }
    // Up again on Saturday at 12:20 UTC: everything missed meanwhile, once, in one backup. No weekly one was missed.
    all.insert("2027-03-27T12:20".to_owned(), vec!["hourly", "daily"]);
    all
}

#[test]
fn fault_034_036_row_063_068_a_week_with_an_outage_leaves_exactly_what_the_rules_say() {
    let host = Host::up();
    host.database("shop", SHOP);
    let made = "2027-03-21T22:59:30Z";
    host.schedule(made, "shop hourly --timezone Europe/Berlin");
    host.schedule(made, "shop daily --at 02:30 --timezone Europe/Berlin --retention 10");
    host.schedule(made, "shop weekly --day sun --at 03:00 --timezone Europe/Berlin --retention 40");
    let down = utc("2027-03-23T04:10:00Z")..utc("2027-03-27T12:20:00Z");
    // Cron runs every minute; those between are asked for around the interesting ones only.
    let mut at = utc("2027-03-21T23:00:00Z");
    while at < utc("2027-03-28T22:00:00Z") {
        if !down.contains(&at) {
            let run = host.cron(&text(at + TimeDelta::seconds(1)));
            assert_eq!((run.code, run.out(), run.stderr.as_str()), (Some(0), String::new(), ""), "{at}");
        }
        at += if at == down.start - TimeDelta::minutes(10) { TimeDelta::minutes(10) } else { TimeDelta::minutes(30) };
        if down.contains(&at) {
            // The first minutes after the outage: one run, and nothing in the next.
            assert_eq!(host.cron(&text(down.end)).code, Some(0));
            assert_eq!(host.cron(&text(down.end + TimeDelta::minutes(1))).code, Some(0));
            at = utc("2027-03-27T12:30:00Z");
        }
    }
    let list = host.list("shop");
    let shown = list.iter().map(|backup| {
        let field = |key: &str| backup[key].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            (field("status"), field("source"), field("created_by")),
            ("success".into(), "schedule".into(), "scheduler".into())
        );
        let schedules: Vec<String> = serde_json::from_value(backup["schedules"].clone()).expect("names");
        let days = if schedules.iter().any(|s| s == "weekly") {
            40
        } else if schedules.iter().any(|s| s == "daily") {
            10
        } else {
            2
        };
        let (created, expires) = (utc(&field("created_at")), utc(&field("expires_at")));
        assert_eq!(expires - created, TimeDelta::days(days), "kept as long as the longest of them says: {backup}");
        (field("created_at")[..16].to_owned(), schedules)
    });
    let shown: BTreeMap<String, Vec<String>> = shown.collect();
    assert_eq!(shown.len(), list.len(), "two in one minute");
    let expected = expected(&down);
    let expected: BTreeMap<String, Vec<String>> =
        expected.into_iter().map(|(at, names)| (at, names.into_iter().map(str::to_owned).collect())).collect();
    assert_eq!(shown, expected);
    let ids: Vec<String> = list.iter().map(|backup| backup["id"].as_str().expect("id").to_owned()).collect();
    host.check("shop", &ids, true);
    let log = host.scheduler_log();
    let (verified, made): (Vec<&str>, Vec<&str>) = log.lines().partition(|line| line.ends_with(" is verified"));
    assert_eq!(made.len(), list.len(), "a line a backup: {log}");
    let days: BTreeSet<&str> = made.iter().map(|line| &line[..17]).collect();
    assert_eq!(verified.iter().map(|line| &line[..17]).collect::<BTreeSet<_>>(), days, "one a day: {log}");
    assert_eq!(verified.len(), days.len(), "one a day: {log}");
    let next: Vec<_> = host
        .schedules("2027-03-28T22:00:30Z", "shop")
        .iter()
        .map(|s| s["next_run"]["due_at_local"].as_str().expect("next").to_owned())
        .collect();
    assert_eq!(next, ["2027-03-29T01:00:00+02:00", "2027-03-29T02:30:00+02:00", "2027-04-04T03:00:00+02:00"]);
}
