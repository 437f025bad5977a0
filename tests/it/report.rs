//! `backups:report SERVICE`: "am I safe?" on one screen, for people and for programs.

use serde_json::Value;

use super::support::Host;
use super::support::proxy::{ALWAYS, Act, Proxy};
use super::support::s3::S3;

const ROWS: &str = "create table t(id int primary key); insert into t select generate_series(1, 300);";

/// What stands behind `Backups LABEL:` in a report.
#[track_caller]
fn line(text: &str, label: &str) -> String {
    let start = format!("       Backups {label}:");
    let line = text.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no {label}: {text}"));
    line[start.len()..].trim().to_owned()
}

fn report(host: &Host) -> (String, Value) {
    let text = host.dokku(&["backups:report", "shop"]).expect(0).out();
    (text, host.dokku(&["backups:report", "shop", "--format", "json"]).expect(0).json())
}

#[test]
fn one_screen_says_whether_a_service_is_safe() {
    let host = Host::up();
    host.database("shop", ROWS);
    let (text, json) = report(&host);
    assert_eq!(text.lines().next(), Some("=====> shop backups information"));
    assert_eq!(line(&text, "verdict"), "warning");
    assert_eq!((line(&text, "newest good"), line(&text, "newest restorable")), ("none".into(), "none".into()));
    assert!(line(&text, "destroy").starts_with("refused by the gate"), "{text}");
    assert_eq!(line(&text, "warning"), "there is no good backup; that is an alarm after a day");
    assert_eq!((&json["verdict"], &json["destroy"]), (&"warning".into(), &"refused".into()));
    for none in ["newest_good", "newest_restorable", "next_due_at", "copies"] {
        assert!(json.get(none).is_some_and(Value::is_null), "{none}: {json}");
    }
    // What is printed as the remedy is what mends it.
    let remedy = line(&text, "remedy");
    assert_eq!(json["findings"][0]["remedies"], serde_json::json!([{ "command": remedy, "note": null }]));
    let words: Vec<&str> = remedy.trim_start_matches("dokku ").split(' ').collect();
    let id = host.dokku(&words).expect(0).id();
    let (text, json) = report(&host);
    assert_eq!((line(&text, "verdict"), &json["verdict"]), ("ok".into(), &"ok".into()));
    assert_eq!(line(&text, "newest good"), format!("{id}, 0 minutes old, Restorable"));
    assert_eq!(line(&text, "destroy"), "allowed");
    assert_eq!(
        (&json["newest_good"]["id"], &json["newest_restorable"]["id"]),
        (&id.clone().into(), &id.clone().into())
    );
    assert!(!text.contains("remedy"), "{text}");
    // A newer one that nobody verified: the gate would refuse, and the older proof is still named.
    let newer = host.export("shop");
    let (text, json) = report(&host);
    assert_eq!(line(&text, "verdict"), "warning");
    assert_eq!(line(&text, "remedy"), format!("dokku backups:verify shop --id {newer}"));
    assert_eq!((json["newest_good"]["id"].as_str(), &json["destroy"]), (Some(&*newer), &"refused".into()));
    assert_eq!(json["newest_restorable"]["id"], Value::from(id));
    host.dokku(&["postgres:destroy", "shop", "--force"]).expect(7);
    host.dokku(&["backups:set", "shop", "gate", "off"]).expect(0);
    assert_eq!(line(&report(&host).0, "destroy"), "allowed");
    // What is set stands below it.
    assert_eq!(
        (line(&report(&host).0, "computed gate"), &report(&host).1["properties"]["gate"]["own"]),
        ("off".into(), &false.into())
    );
}

#[test]
fn every_service_is_reported_also_those_nobody_backed_up() {
    let host = Host::up();
    host.database("shop", ROWS);
    host.database("blog", ROWS);
    host.export("shop");
    let all = host.dokku(&["backups:report", "--format", "json"]).expect(0).json();
    let all = all["services"].as_array().expect("services").clone();
    let names: Vec<&Value> = all.iter().map(|report| &report["service"]).collect();
    assert_eq!(names, ["blog", "shop"]);
    assert_eq!(all[0]["findings"][0]["code"], "no-backup");
    let text = host.dokku(&["backups:report"]).expect(0).out();
    let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("=====>")).collect();
    assert_eq!(heads, ["=====> blog backups information", "=====> shop backups information"]);
}

#[test]
fn the_next_run_and_the_copies_are_told() {
    let proxy = Proxy::before(&S3::shared().endpoint);
    let (host, bucket) = Host::with_bucket_by(&proxy.endpoint);
    host.dokku(&["backups:schedule", "shop", "daily", "--at", "03:30"]).expect(0);
    let id = host.export("shop");
    let (text, json) = report(&host);
    let schedules = host.dokku(&["backups:schedules", "shop", "--format", "json"]).expect(0).json();
    assert!(schedules["schedules"][0]["next_run"]["due_at"].is_string());
    assert_eq!(json["next_due_at"], schedules["schedules"][0]["next_run"]["due_at"]);
    let day = json["next_due_at"].as_str().expect("a time").split('T').next().expect("a day").to_owned();
    assert_eq!(line(&text, "next scheduled"), format!("{day} 03:30:00 UTC"));
    let uri = format!("{}/postgres/shop/{id}.dump", bucket.uri());
    assert_eq!(line(&text, "off-site"), format!("stored {uri}"));
    assert_eq!(json["copies"]["latest"]["uri"], Value::from(uri.clone()));
    assert_eq!(json["copies"]["newest_stored"]["id"], Value::from(id));
    let page = host.dokku(&["backups:report", "shop", "--format", "html"]).expect(0).out();
    assert!(page.contains(&format!("stored {uri}")) && page.contains(&format!("{day} 03:30:00")), "{page}");
    // A copy that cannot be made is the newest word, and the older one is still named.
    proxy.on("PUT", ".dump", ALWAYS, Act::Status(403, "AccessDenied"));
    let newer = host.dokku(&["backups:export", "shop"]).expect(3).id();
    let (text, json) = report(&host);
    assert!(line(&text, "off-site").starts_with("failed ") && line(&text, "off-site").contains(&newer), "{text}");
    assert!(json["copies"]["latest"]["reason"].is_string(), "{json}");
    assert_ne!(json["copies"]["newest_stored"]["id"], Value::from(newer));
}

/// The report says of the gate what the gate does: backups of a former service are none of this one.
#[test]
fn the_gate_is_reported_as_it_decides() {
    let host = Host::up();
    host.database("shop", ROWS);
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
    assert_eq!(line(&report(&host).0, "destroy"), "allowed");
    host.dokku(&["postgres:destroy", "shop", "--force"]).expect(0);
    host.database("shop", ROWS);
    assert_eq!(report(&host).1["destroy"], "refused");
    host.dokku(&["postgres:destroy", "shop", "--force"]).expect(7);
}
