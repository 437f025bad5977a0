//! What makes a backup the newest, and whose dump it is: not its name, not what the plugin happens to answer.

use serde_json::Value;

use super::support::{Host, Run, SHOP};

const EXPORT: &str = "postgres:export/file=";

/// The findings of `shop` with this code.
fn findings(host: &Host, code: &str) -> Vec<Value> {
    let run = host.dokku(&["backups:check", "shop", "--format", "json"]);
    let all = run.json()["services"][0]["findings"].as_array().expect("findings").clone();
    all.into_iter().filter(|finding| finding["code"] == code).collect()
}

/// What a finding's remedy says, as a command.
fn mend(host: &Host, finding: &Value) -> Run {
    let commands = finding["remedies"].as_array().expect("remedies").iter().filter_map(|r| r["command"].as_str());
    let command = commands.filter_map(|command| command.strip_prefix("dokku ")).next_back().expect("a command");
    host.dokku(&command.split(' ').collect::<Vec<_>>())
}

#[test]
fn attack_410_a_time_that_has_not_come_is_no_name() {
    let host = Host::up();
    host.database("shop", SHOP);
    for (at, words) in [
        ("2099-01-01T00:00:00Z", "which has not come"),
        ("1969-12-31T23:59:59Z", "not a time of the years 1970 to 9999"),
        ("9999-12-31T23:59:59Z", "which has not come"),
    ] {
        let run = host.dokku(&["backups:export", "shop", "--at", at]).expect(2);
        assert!(run.stderr.contains(words) && run.stderr.contains("--at"), "{}", run.stderr);
    }
    assert!(host.list("shop").is_empty());
    // Clocks that differ by a little are no reason to refuse.
    let soon = (chrono::Utc::now() + chrono::TimeDelta::minutes(3)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    host.dokku(&["backups:export", "shop", "--at", &soon]).expect(0);
    // It is not even the newest: what is made after it is.
    let newer = host.export("shop");
    let info = host.dokku(&["backups:info", "shop", "--latest", "--format", "json"]).expect(0).json();
    assert_eq!(info["id"], Value::from(newer));
    assert!(findings(&host, "future").is_empty());
}

/// A record from before that was refused: named ahead, made before the others.
#[test]
fn attack_410_a_name_ahead_of_its_time_wins_nothing() {
    let host = Host::up();
    host.database("shop", SHOP);
    let ahead = host.dokku_at("", "2099-01-01T00:00:00Z", &["backups:export", "shop"]).expect(0).id();
    host.edit_record("shop", &ahead, |line| match line.split_once(" = ") {
        Some((key @ ("started_at" | "finished_at"), _)) => format!("{key} = \"2026-01-01T03:00:00Z\""),
        _ => line.to_owned(),
    });
    host.sql("shop", "delete from orders");
    let good = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    let verb = ["backups:info", "shop", "--latest", "--format", "json"];
    assert_eq!(host.dokku(&verb).expect(0).json()["id"], Value::from(good.clone()));
    let report = host.dokku(&["backups:report", "shop", "--format", "json"]).expect(0).json();
    assert_eq!(report["newest_good"]["id"], Value::from(good.clone()), "{report}");
    assert_eq!((&report["destroy"], &report["newest_restorable"]["id"]), (&"allowed".into(), &good.clone().into()));
    // The restore takes the fresh one; what is gone stays gone.
    host.dokku(&["backups:import", "shop", "--latest", "--force", "--no-backup"]).expect(0);
    assert_eq!(host.sql("shop", "select count(*) from orders"), "0");
    let [finding] = &findings(&host, "future")[..] else { panic!("one finding: {:?}", findings(&host, "future")) };
    let message = finding["message"].as_str().expect("a message");
    assert!(message.contains(&ahead) && message.contains("2026-01-01 03:00:00"), "{message}");
    assert_eq!(finding["remedies"][0]["command"], Value::from(format!("dokku backups:delete shop --id {ahead}")));
    // The next export is compared with the fresh one, not with that.
    let next = host.export("shop");
    assert!(host.info("shop", &next)["suspicious"].is_null());
    mend(&host, finding).expect(0);
    assert!(findings(&host, "future").is_empty());
}

#[test]
fn attack_410_a_clock_that_was_years_ahead_ends_no_alarm() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.dokku_at("", "2026-01-01T00:00:00Z", &["backups:schedule", "shop", "daily", "--at", "03:00"]).expect(0);
    let ahead = host.dokku_at("", "2099-01-01T00:00:00Z", &["backups:export", "shop", "--verify"]).expect(0).id();
    // Nothing rests on it while it is alone.
    assert_eq!(findings(&host, "no-backup").len(), 1);
    host.dokku_at("", "2026-01-02T00:00:00Z", &["backups:export", "shop"]).expect(0);
    // And it does not hide that the backups have stopped.
    let stale = findings(&host, "stale");
    assert_eq!(stale.len(), 1, "{:?}", host.dokku(&["backups:check", "shop"]));
    assert_eq!(findings(&host, "no-backup"), Vec::<Value>::new());
    let [finding] = &findings(&host, "future")[..] else { panic!("one finding") };
    assert!(finding["remedies"][0]["command"] == "timedatectl", "{finding}");
    let older = host.dokku(&["backups:info", "shop", "--latest", "--format", "json"]).expect(0).json();
    assert_eq!(older["id"], Value::from("shop-2026-01-02-00-00-00"));
    // Verified long ago or not: retention does not count on it, and takes nothing because of it.
    host.dokku(&["backups:set", "shop", "retention", "1"]).expect(0);
    host.dokku(&["backups:prune", "shop"]);
    assert_eq!(host.list("shop").iter().filter(|backup| backup["deleted_at"].is_null()).count(), 2);
    let made = host.dokku_at("", "2026-01-03T00:00:00Z", &["backups:export", "shop"]).expect(0).id();
    host.dokku_at("", "2026-01-03T00:01:00Z", &["backups:verify", "shop", "--id", &ahead]).expect(0);
    // What was done last is told by what was done, not by the clock of the making.
    host.dokku(&["backups:info", "shop", "--id", &ahead, "--wait", "1"]).expect(0);
    // It happens to be the only one that was shown to restore, which is not taken away unasked.
    mend(&host, &findings(&host, "future")[0]).expect(7);
    host.dokku(&["backups:verify", "shop", "--id", &made]).expect(0);
    mend(&host, &findings(&host, "future")[0]).expect(0);
    assert!(findings(&host, "future").is_empty());
}

#[test]
fn attack_411_the_dump_of_another_database_is_not_this_services() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.database("blog", "create table posts(id int); insert into posts values (1)");
    let first = host.export("shop");
    let before = host.before("shop");
    let wrong = host.dokku(&["postgres:export", "blog"]).expect(0).stdout;
    let file = host.dir().join("tmp/blog.dump");
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    host.put(&file, &wrong, 0o644);
    host.fault(&format!("{EXPORT}{}", file.display()));
    let run = host.dokku(&["backups:export", "shop", "--format", "json"]);
    host.fault("");
    let error = run.error();
    assert_eq!((error["kind"].as_str(), run.code), (Some("damaged"), Some(6)), "{run:?}");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("database blog") && message.contains("shop is shop"), "{message}");
    host.assert_clean("shop", &before, "database blog");
    // And the next true one is a good one.
    let next = host.export("shop");
    assert!(host.info("shop", &next)["suspicious"].is_null(), "{first}");
}

#[test]
fn attack_411_a_table_that_is_gone_is_named() {
    let host = Host::up();
    host.database("shop", SHOP);
    let last = host.export("shop");
    // As many tables as before, and as many bytes.
    host.sql("shop", "drop table orders cascade; create table ledger as select * from items");
    let run = host.dokku(&["backups:export", "shop"]).expect(0);
    let why = host.info("shop", &run.id())["suspicious"].as_str().expect("suspicious").to_owned();
    assert_eq!(why, format!("the table public.orders is gone; {last} had it"));
    assert!(run.stderr.contains(&why), "{}", run.stderr);
    assert_eq!(findings(&host, "suspicious").len(), 1);
    // The same is said again until somebody has looked; verified it is what the service looks like now.
    let again = host.export("shop");
    assert!(host.info("shop", &again)["suspicious"].is_string());
    host.dokku(&["backups:verify", "shop", "--id", &again]).expect(0);
    let next = host.export("shop");
    assert!(host.info("shop", &next)["suspicious"].is_null());
    assert!(findings(&host, "suspicious").is_empty());
    // What a restore is about to replace is no alarm.
    host.sql("shop", "drop table ledger");
    host.dokku(&["backups:import", "shop", "--id", &next, "--force"]).expect(0);
    assert!(findings(&host, "suspicious").is_empty());
}
