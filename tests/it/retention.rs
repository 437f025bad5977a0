//! Retention from the command line: what goes, what stays and why (rows 14, 71 to 74), and what is kept by hand.

use std::fs;

use serde_json::Value;

use super::support::fixture::FEW;
use super::support::{Host, Run};

/// Noon of a day: 1 is the first of March.
pub fn noon(day: u32) -> String {
    let (year, month, day) = match day {
        1..=31 => (2026, 3, day),
        32..=61 => (2026, 4, day - 31),
        62..=92 => (2026, 5, day - 61),
        other => (2027, 1 + (other - 93) / 28, 1 + (other - 93) % 28),
    };
    format!("{year}-{month:02}-{day:02}T12:00:00Z")
}

impl Host {
    /// A command as if it were noon of `day`. Retention comes in the evening: each command has the clock to itself, and
    /// one that began at the same noon would look at backups from its future.
    pub fn on(&self, day: u32, args: &[&str]) -> Run {
        let evening = args[0] == "backups:prune";
        let clock = if evening { noon(day).replace("T12", "T18") } else { noon(day) };
        self.dokku_at("", &clock, args)
    }

    /// Exports on a day and returns the id.
    pub fn export_on(&self, day: u32, service: &str) -> String {
        self.on(day, &["backups:export", service]).expect(0).id()
    }

    /// Makes a backup one of a schedule that expires on a day.
    pub fn expires_on(&self, service: &str, id: &str, day: u32) {
        self.edit_record(service, id, |line| match line {
            "source = \"manual\"" => {
                format!("source = \"schedule\"\nschedules = [\"daily\"]\nexpires_at = \"{}\"", noon(day))
            }
            _ => line.to_owned(),
        });
    }

    /// What the dry run says on a day: id, action and reason.
    pub fn planned(&self, day: u32, service: &str) -> Vec<(String, String, String)> {
        decisions(&self.on(day, &["backups:prune", service, "--dry-run", "--format", "json"]).json())
    }

    /// Ids whose dumps lie there, oldest first.
    pub fn dump_ids(&self, service: &str) -> Vec<String> {
        self.dumps(service).into_keys().map(|name| name.trim_end_matches(".dump").to_owned()).collect()
    }
}

/// Id, action and reason of everything in the answer.
pub fn decisions(answer: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let of = |service: &Value| service["decisions"].as_array().expect("decisions").clone();
    let all = answer["services"].as_array().expect("an array").iter().flat_map(of);
    all.map(|d| (text(&d["id"]), text(&d["action"]), text(&d["reason"]))).collect()
}

fn reason<'a>(plan: &'a [(String, String, String)], id: &str) -> &'a str {
    &plan.iter().find(|(of, _, _)| of == id).unwrap_or_else(|| panic!("{id} is not in {plan:?}")).2
}

#[test]
fn fault_071_a_policy_that_would_remove_everything_is_refused() {
    let host = Host::up();
    for service in ["old", "new"] {
        host.database(service, FEW);
    }
    let old = [host.export_on(1, "old"), host.export_on(2, "old"), host.export_on(3, "old")];
    let new = [host.export_on(1, "new"), host.export_on(20, "new")];
    host.dokku(&["backups:set", "--global", "retention", "5"]).expect(0);
    let run = host.on(21, &["backups:prune", "old"]).expect(7);
    let words = "a retention of 5 days would remove every good backup of old (3)";
    assert!(run.stderr.contains(words) && run.stderr.contains(&old[2]), "{}", run.stderr);
    assert!(run.stderr.contains("dokku backups:export old"), "{}", run.stderr);
    host.on(21, &["backups:prune", "old", "--dry-run"]).expect(7);
    assert_eq!(host.dump_ids("old"), old);
    // The others go on, and each is told by itself.
    let run = host.on(21, &["backups:prune", "--format", "json"]).expect(3);
    let answer = run.json();
    assert_eq!((&answer["services"][0]["service"], &answer["services"][0]["error"]), (&"new".into(), &Value::Null));
    assert_eq!(answer["services"][1]["error"]["kind"], "refused", "{answer}");
    assert_eq!(answer["services"][1]["error"]["exit_code"], 7);
    assert_eq!((host.dump_ids("old"), host.dump_ids("new")), (old.to_vec(), new[1..].to_vec()));
    // A service of its own mind, a kept one, and a fresh one are reasons not to refuse.
    host.dokku(&["backups:set", "old", "retention", "none"]).expect(0);
    host.on(21, &["backups:prune"]).expect(0);
    host.dokku(&["backups:set", "old", "retention"]).expect(0);
    host.dokku(&["backups:keep", "old", "--id", &old[0]]).expect(0);
    host.on(21, &["backups:prune", "old"]).expect(0);
    assert_eq!(host.dump_ids("old"), old);
    let fresh = host.export_on(22, "old");
    host.on(22, &["backups:prune", "old"]).expect(0);
    assert_eq!(host.dump_ids("old"), [old[0].clone(), fresh.clone()]);
    host.check("old", &[old[0].clone(), fresh], true);
}

#[test]
fn fault_072_backups_that_stopped_or_fail_stay() {
    let host = Host::up();
    host.database("db", FEW);
    let ids: Vec<String> = (1..=4).map(|day| host.export_on(day, "db")).collect();
    ids.iter().zip(7..).for_each(|(id, day)| host.expires_on("db", id, day));
    // Two months later nothing has gone, and the plan says why.
    let run = host.on(60, &["backups:prune", "db"]).expect(0);
    assert!(run.stderr.contains("Nothing to remove") && run.stdout.is_empty(), "{run:?}");
    assert_eq!(host.dump_ids("db"), ids);
    let plan = host.planned(60, "db");
    assert!(plan.iter().all(|(_, action, _)| action == "keep"), "{plan:?}");
    assert_eq!(reason(&plan, &ids[3]), "expired 2026-03-10 12:00:00 UTC, but it is the newest good backup");
    assert!(reason(&plan, &ids[0]).ends_with("no newer good backup is there that has not expired too"), "{plan:?}");
    // While backups fail nothing goes either, fresh good ones or not.
    let fifth = host.export_on(61, "db");
    host.fault("postgres:export/exit=1");
    host.on(62, &["backups:export", "db"]).expect(1);
    host.fault("");
    let failed = host.list("db")[0]["id"].as_str().expect("id").to_owned();
    let plan = host.planned(62, "db");
    assert!(reason(&plan, &ids[0]).ends_with(&format!("backups are failing: {failed}")), "{plan:?}");
    host.on(62, &["backups:prune", "db"]).expect(0);
    assert_eq!(host.dump_ids("db"), [&ids[..], std::slice::from_ref(&fifth)].concat());
    // They succeed again: what expired goes now.
    let sixth = host.export_on(63, "db");
    let run = host.on(63, &["backups:prune", "db"]).expect(0);
    ids.iter().for_each(|id| assert!(run.out().contains(&format!("{id}  remove")), "{}", run.out()));
    assert_eq!(host.dump_ids("db"), [fifth.clone(), sixth.clone()]);
    for id in &ids {
        let info = host.info("db", id);
        assert_eq!(info["deleted_by"], "retention");
        assert!(info["deleted_at"].as_str().expect("a time").starts_with("2026-05-02T18:00"), "{info}");
    }
    let log = host.dokku(&["backups:logs", "db", "--id", &ids[0]]).expect(0).out();
    assert!(log.contains("removed by retention (expired 2026-03-07 12:00:00 UTC), asked for by"), "{log}");
    host.check("db", &[fifth, sixth], true);
}

#[test]
fn fault_073_the_newest_verified_one_stays() {
    let host = Host::up();
    host.database("db", FEW);
    let ids: Vec<String> = [1, 2, 3, 20].map(|day| host.export_on(day, "db")).to_vec();
    for id in &ids[..2] {
        host.dokku(&["backups:verify", "db", "--id", id]).expect(0);
    }
    host.dokku(&["backups:set", "db", "retention", "5"]).expect(0);
    let plan = host.planned(21, "db");
    assert!(reason(&plan, &ids[1]).ends_with("it is the newest verified backup"), "{plan:?}");
    host.on(21, &["backups:prune", "db"]).expect(0);
    assert_eq!(host.dump_ids("db"), [ids[1].clone(), ids[3].clone()], "unverified and older verified ones go");
    assert_eq!(host.trust("db", &ids[1]), "restorable");
    // A newer one is verified: the older is not needed any more.
    host.dokku(&["backups:verify", "db", "--latest"]).expect(0);
    host.on(21, &["backups:prune", "db"]).expect(0);
    assert_eq!(host.dump_ids("db"), ids[3..]);
    host.check("db", &ids[3..], true);
}

#[test]
fn fault_014_a_suspicious_one_stands_in_for_nothing_until_it_is_verified() {
    let host = Host::up();
    host.database("db", FEW);
    let old = host.export_on(1, "db");
    host.sql("db", "drop table items;");
    let shrunk = host.export_on(20, "db");
    assert!(host.info("db", &shrunk)["suspicious"].is_string());
    host.dokku(&["backups:set", "db", "retention", "5"]).expect(0);
    // As if there were only the old one: the policy is refused.
    host.on(21, &["backups:prune", "db"]).expect(7);
    assert_eq!(host.dump_ids("db"), [old.clone(), shrunk.clone()]);
    // Verified, it is still one in which nothing is left: somebody has to say that this is meant.
    host.dokku(&["backups:verify", "db", "--id", &shrunk]).expect(0);
    host.on(21, &["backups:prune", "db"]).expect(7);
    host.dokku(&["backups:verify", "db", "--id", &shrunk, "--meant"]).expect(0);
    host.on(21, &["backups:prune", "db"]).expect(0);
    assert_eq!(host.dump_ids("db"), [shrunk]);
}

#[test]
fn fault_074_a_new_service_of_the_same_name_does_not_eat_the_old_ones_backups() {
    let host = Host::up();
    host.dokku(&["backups:set", "--global", "gate", "off"]).expect(0);
    host.dokku(&["backups:set", "--global", "retention", "5"]).expect(0);
    host.database("db", FEW);
    let old = [host.export_on(1, "db"), host.export_on(2, "db")];
    host.expires_on("db", &old[0], 3);
    host.on(10, &["postgres:destroy", "db", "--force"]).expect(0);
    // Without a service nothing ever goes.
    host.on(60, &["backups:prune"]).expect(0);
    let plan = host.planned(60, "db");
    assert!(plan.iter().all(|(_, _, why)| why.contains("destroyed; only backups:delete removes it")), "{plan:?}");
    host.on(30, &["postgres:create", "db"]).expect(0);
    host.sql("db", FEW);
    // The old ones are listed, no reason to refuse, and no stand-in for the new service's.
    let new: Vec<String> = [31, 32, 60].map(|day| host.export_on(day, "db")).to_vec();
    assert_eq!(host.list("db").len(), 5);
    host.on(61, &["backups:prune", "db"]).expect(0);
    assert_eq!(host.dump_ids("db"), [old[0].clone(), old[1].clone(), new[2].clone()]);
    let plan = host.planned(61, "db");
    assert!(reason(&plan, &old[0]).contains("was destroyed at 2026-03-30"), "{plan:?}");
    // Nor do they let the new service be destroyed: they are not its data.
    host.dokku(&["backups:set", "db", "gate", "on"]).expect(0);
    host.dokku(&["backups:verify", "db", "--id", &old[1]]).expect(0);
    let run = host.dokku(&["postgres:destroy", "db", "--force"]).expect(7);
    assert!(run.stderr.contains(&format!("{}, is not Restorable", new[2])), "{}", run.stderr);
    // By hand they go.
    host.dokku(&["backups:delete", "db", "--id", &old[0]]).expect(0);
    assert_eq!(host.dump_ids("db"), [old[1].clone(), new[2].clone()]);
    host.check("db", &[old[1].clone(), new[2].clone()], true);
    // Where the plugin was not asked at the destruction, the new service's first moment tells them apart.
    let marker = std::path::Path::new(host.var("DOKKU_LIB_ROOT")).join("config/backups/postgres:db/destroyed-at");
    let written = fs::read_to_string(&marker).expect("the time of destruction");
    assert!(written.starts_with("2026-03-30T12:00"), "{written}");
    fs::write(&marker, "yesterday").expect("marker");
    let run = host.on(61, &["backups:prune", "db"]).expect(1);
    assert!(run.stderr.contains("destroyed-at is no RFC 3339 time"), "{}", run.stderr);
}

#[test]
fn keep_exempts_for_ever_and_release_ends_it() {
    let host = Host::up();
    host.database("db", FEW);
    let ids: Vec<String> = [1, 2, 20].map(|day| host.export_on(day, "db")).to_vec();
    host.dokku(&["backups:set", "db", "retention", "5"]).expect(0);
    let run = host.dokku(&["backups:keep", "db", "--id", &ids[0], "--format", "json"]).expect(0);
    assert_eq!((&run.json()["keep"], &run.json()["id"]), (&true.into(), &ids[0].clone().into()));
    assert_eq!(run.json(), host.info("db", &ids[0]), "the same object everywhere");
    host.dokku(&["backups:keep", "db", "--id", &ids[0]]).expect(0);
    assert_eq!(host.info("db", &ids[0])["keep"], true);
    let list = host.dokku(&["backups:list", "db"]).expect(0).out();
    let kept: Vec<&str> = list.lines().filter(|line| line.ends_with(" kept")).collect();
    assert!(kept.len() == 1 && kept[0].starts_with(&ids[0]), "{list}");
    let info = host.dokku(&["backups:info", "db", "--id", &ids[0]]).expect(0).out();
    assert!(info.contains("Kept for ever:"), "{info}");
    host.export_on(60, "db");
    host.on(60, &["backups:prune", "db"]).expect(0);
    assert_eq!(host.dump_ids("db").len(), 2);
    assert_eq!(host.dump_ids("db")[0], ids[0]);
    let plan = host.planned(60, "db");
    assert_eq!(reason(&plan, &ids[0]), "kept for ever");
    host.dokku(&["backups:keep", "db", "--id", &ids[0], "--release"]).expect(0);
    let log = host.dokku(&["backups:logs", "db", "--id", &ids[0]]).expect(0).out();
    assert!(log.contains("kept for ever, asked for by") && log.contains("released to retention"), "{log}");
    host.on(60, &["backups:prune", "db"]).expect(0);
    assert_eq!(host.dump_ids("db").len(), 1);
    // What is not there cannot be kept.
    host.dokku(&["backups:keep", "db", "--id", &ids[0]]).expect(4);
    host.dokku(&["backups:keep", "db", "--id", "db-2020-01-01-00-00-00"]).expect(4);
    host.dokku(&["backups:keep", "db"]).expect(2);
    host.dokku(&["backups:keep", "nosuch", "--id", &ids[0]]).expect(4);
}

#[test]
fn the_dry_run_says_what_is_then_done_and_does_nothing() {
    let host = Host::up();
    host.database("db", FEW);
    host.database("other", FEW);
    for day in [1, 2, 3, 20, 21] {
        host.export_on(day, "db");
        host.export_on(day, "other");
    }
    host.dokku(&["backups:set", "db", "retention", "10"]).expect(0);
    let before = host.files_of("db");
    let dry = host.on(22, &["backups:prune", "--dry-run", "--format", "json"]).expect(0).json();
    let table = host.on(22, &["backups:prune", "db", "--dry-run"]).expect(0).out();
    assert_eq!(host.files_of("db"), before, "a dry run changed something");
    assert_eq!(table.lines().next(), Some("=====> db postgres retention"));
    assert_eq!(table.lines().filter(|line| line.contains("  remove  ")).count(), 3, "{table}");
    assert_eq!(table.lines().filter(|line| line.contains("  keep    ")).count(), 2, "{table}");
    let done = host.on(22, &["backups:prune", "--format", "json"]).expect(0).json();
    assert_eq!((&dry["services"][0]["dry_run"], &done["services"][0]["dry_run"]), (&true.into(), &false.into()));
    for (dry, done) in
        dry["services"].as_array().expect("array").iter().zip(done["services"].as_array().expect("array"))
    {
        for field in ["datastore", "service", "decisions", "freed", "error"] {
            assert_eq!(dry[field], done[field], "{field}");
        }
        let keys: Vec<&str> = dry["decisions"][0].as_object().expect("object").keys().map(String::as_str).collect();
        assert_eq!(keys, ["action", "expires_at", "id", "reason", "size"]);
    }
    let sizes: u64 =
        dry["services"][0]["decisions"].as_array().expect("array")[2..].iter().filter_map(|d| d["size"].as_u64()).sum();
    assert_eq!(dry["services"][0]["freed"], sizes);
    assert!(sizes > 0 && dry["services"][1]["freed"] == 0);
    assert_eq!(dry["services"][1]["decisions"][0]["expires_at"], Value::Null);
    let expires = dry["services"][0]["decisions"][0]["expires_at"].as_str().expect("a time");
    assert!(expires.starts_with("2026-03-31T12:00:0"), "{expires}");
    let gone: Vec<String> = decisions(&done).into_iter().filter(|d| d.1 == "remove").map(|d| d.0).collect();
    assert_eq!(gone.len(), 3);
    gone.iter().for_each(|id| assert_eq!(host.info("db", id)["deleted_by"], "retention"));
    assert_eq!((host.dump_ids("db").len(), host.dump_ids("other").len()), (2, 5));
    let again = host.on(22, &["backups:prune", "--format", "json"]).expect(0).json();
    assert!(decisions(&again).iter().all(|decision| decision.1 == "keep"), "{again}");
}

#[test]
fn failed_records_go_after_a_month_and_deleted_ones_are_forgotten_after_a_year() {
    let host = Host::up();
    host.database("db", FEW);
    host.fault("postgres:export/exit=1");
    host.on(1, &["backups:export", "db"]).expect(1);
    host.fault("");
    let failed = host.list("db")[0]["id"].as_str().expect("id").to_owned();
    // It says that backups are failing: no age makes that go away.
    host.on(40, &["backups:prune", "db"]).expect(0);
    assert!(host.info("db", &failed)["deleted_at"].is_null());
    let good = host.export_on(41, "db");
    let deleted = host.export_on(42, "db");
    host.on(42, &["backups:delete", "db", "--id", &deleted]).expect(0);
    let run = host.on(42, &["backups:prune", "db"]).expect(0);
    assert!(run.out().contains("remove-record") && run.out().contains(&failed), "{}", run.out());
    assert_eq!(host.info("db", &failed)["deleted_by"], "retention");
    assert_eq!(host.list("db").len(), 3);
    // A year and a bit later.
    assert!(host.planned(93, "db").iter().all(|decision| decision.1 == "keep"));
    let later = "2027-05-01T12:00:00Z";
    let run = host.dokku_at("", later, &["backups:prune", "db"]).expect(0);
    assert_eq!(run.out().matches("  forget  ").count(), 2, "{}", run.out());
    assert_eq!(host.list("db").iter().map(|b| b["id"].clone()).collect::<Vec<_>>(), [good.as_str()]);
    let names: Vec<String> = fs::read_dir(host.folder("db"))
        .expect("folder")
        .flatten()
        .map(|entry| entry.file_name().into_string().expect("name"))
        .collect();
    assert!(!names.iter().any(|name| name.contains(&failed) || name.contains(&deleted)), "{names:?}");
    host.check("db", &[good], true);
    host.dokku_at("", later, &["backups:sync", "db"]).expect(0);
    assert_eq!(host.list("db").len(), 1);
}

#[test]
fn what_is_in_use_stays() {
    let host = Host::up();
    host.database("db", FEW);
    let ids: Vec<String> = [1, 2, 20].map(|day| host.export_on(day, "db")).to_vec();
    host.dokku(&["backups:fork", "db", "--id", &ids[0], "practice"]).expect(0);
    host.dokku(&["backups:set", "db", "retention", "5"]).expect(0);
    // One is where a fork goes back to; the other is being verified.
    host.fault("docker:run/delay=4");
    let verify = host.start(&["backups:verify", "db", "--id", &ids[1]]);
    host.wait_until("a verification", || host.trust("db", &ids[1]) == "validating");
    let plan = host.planned(21, "db");
    assert!(reason(&plan, &ids[0]).starts_with("in use: practice was forked from it"), "{plan:?}");
    assert_eq!(reason(&plan, &ids[1]), "in use: verify");
    host.on(21, &["backups:prune", "db"]).expect(0);
    assert_eq!(host.dump_ids("db"), ids);
    verify.wait().expect(0);
    host.fault("");
    host.dokku(&["backups:set", "--global", "gate", "off"]).expect(0);
    host.dokku(&["postgres:destroy", "practice", "--force"]).expect(0);
    host.on(21, &["backups:prune", "db"]).expect(0);
    assert_eq!(host.dump_ids("db"), ids[1..], "the newest verified and the newest good");
}

#[test]
fn the_property_takes_days_and_nothing_else() {
    let host = Host::up();
    host.database("db", FEW);
    for good in ["1", "30", "3650", "none"] {
        host.dokku(&["backups:set", "db", "retention", good]).expect(0);
        let report = host.dokku(&["backups:report", "db", "--format", "json"]).expect(0).json();
        let days = good.parse::<u64>().map_or_else(|_| Value::from(good), Value::from);
        assert_eq!(report["properties"]["retention"]["computed"], days);
    }
    for bad in ["0", "3651", "-1", "7d", "a week", "1.5", "99999999999999999999"] {
        let run = host.dokku(&["backups:set", "db", "retention", "--", bad]);
        assert_eq!(run.code, Some(2), "{bad}: {run:?}");
        assert!(run.stderr.contains("a number of days from 1 to 3650, or none"), "{bad}: {}", run.stderr);
    }
    host.dokku(&["backups:prune", "nosuch"]).expect(4);
    host.dokku(&["backups:prune", "../db"]).expect(2);
    host.dokku(&["backups:prune", "db"]).expect(0);
}
