//! `backups:report SERVICE`: "am I safe?" on one screen, for people and for programs.

use serde_json::Value;

use super::support::Host;

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
    assert_eq!(line(&text, "verdict"), "failing");
    assert_eq!((line(&text, "newest good"), line(&text, "newest restorable")), ("none".into(), "none".into()));
    assert!(line(&text, "destroy").starts_with("refused by the gate"), "{text}");
    assert_eq!(line(&text, "failing"), "there is no good backup");
    assert_eq!((&json["verdict"], &json["destroy"]), (&"failing".into(), &"refused".into()));
    for none in ["newest_good", "newest_restorable", "next_due", "offsite"] {
        assert!(json.get(none).is_some_and(Value::is_null), "{none}: {json}");
    }
    // What is printed as the remedy is what mends it.
    let remedy = line(&text, "remedy");
    assert_eq!(json["findings"][0]["remedy"], remedy.trim_start_matches("-> "));
    let words: Vec<&str> = remedy.trim_start_matches("-> dokku ").split(' ').collect();
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
    assert_eq!(line(&text, "remedy"), format!("-> dokku backups:verify shop --id {newer}"));
    assert_eq!((json["newest_good"]["id"].as_str(), &json["destroy"]), (Some(&*newer), &"refused".into()));
    assert_eq!(json["newest_restorable"]["id"], Value::from(id));
    host.dokku(&["postgres:destroy", "shop", "--force"]).expect(7);
    host.dokku(&["backups:set", "shop", "gate", "off"]).expect(0);
    assert_eq!(line(&report(&host).0, "destroy"), "allowed");
    // What is set stands below it.
    assert_eq!((line(&report(&host).0, "computed gate"), &report(&host).1["gate"]), ("off".into(), &"off".into()));
}

#[test]
fn every_service_is_reported_also_those_nobody_backed_up() {
    let host = Host::up();
    host.database("shop", ROWS);
    host.database("blog", ROWS);
    host.export("shop");
    let all = host.dokku(&["backups:report", "--format", "json"]).expect(0).json();
    let names: Vec<&String> = all.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["blog", "shop"]);
    assert_eq!(all["blog"]["findings"][0]["code"], "no-backup");
    let text = host.dokku(&["backups:report"]).expect(0).out();
    let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("=====>")).collect();
    assert_eq!(heads, ["=====> blog backups information", "=====> shop backups information"]);
}
