//! Two hosts with the same bucket, prefix and service name, production and staging: neither takes the other's backups for its
//! own (report 102). Against a real S3 server.

use serde_json::{Value, json};

use super::support::Host;
use super::support::fixture::COUNT;
use super::support::s3::Bucket;

/// Production, with one verified backup that was copied; its place; and staging, whose copies go there too.
fn two() -> (Host, Bucket, Host, String) {
    let (production, bucket) = Host::with_bucket();
    let id = production.dokku(&["backups:export", "shop", "--at", "2026-04-08T14:30:00Z", "--verify"]).expect(0).id();
    assert_eq!(production.copy_state("shop", &id), "stored");
    let staging = Host::up();
    staging.database("shop", "create table items(id int); insert into items values (1), (2)");
    staging.store_access(&bucket.s3.endpoint, &bucket.s3.key_id, &bucket.s3.secret);
    (production, bucket, staging, id)
}

fn findings(host: &Host, code: &str) -> Vec<Value> {
    let report = host.dokku(&["backups:check", "shop", "--format", "json"]).json();
    let all = report["services"][0]["findings"].as_array().expect("findings").clone();
    all.into_iter().filter(|finding| finding["code"] == code).collect()
}

#[test]
fn report_102_two_hosts_that_share_a_place_are_told_so() {
    let (production, bucket, staging, id) = two();
    let run = staging.set_destination(&bucket.uri()).expect(0);
    let host = production.key().id().to_owned();
    assert!(run.stderr.contains(&format!("another host, {host}, has backups")), "{}", run.stderr);
    assert!(run.stderr.contains(&id) && run.stderr.contains("a prefix of its own"), "{}", run.stderr);
    // Setting it once more, and a place that nobody else has, say nothing.
    assert!(!staging.set_destination(&bucket.uri()).expect(0).stderr.contains("another host"));
    let aside = format!("{}/aside", bucket.uri());
    assert!(!staging.set_destination(&aside).expect(0).stderr.contains("another host"));
    staging.set_destination(&bucket.uri()).expect(0);
    assert!(findings(&staging, "destination-shared").is_empty(), "nothing was looked at yet");
    staging.dokku(&["backups:sync", "shop"]).expect(0);
    let [finding] = &findings(&staging, "destination-shared")[..] else {
        panic!("{:?}", findings(&staging, "destination-shared"))
    };
    assert!(finding["message"].as_str().is_some_and(|words| words.contains(&host)), "{finding}");
    // Production has none but its own.
    production.dokku(&["backups:sync", "shop"]).expect(0);
    assert!(findings(&production, "destination-shared").is_empty());
}

#[test]
fn report_102_what_another_host_made_is_never_meant_counted_or_removed() {
    let (production, bucket, staging, theirs) = two();
    staging.set_destination(&bucket.uri()).expect(0);
    staging.dokku(&["backups:sync", "shop"]).expect(0);
    let before = bucket.objects();
    let info = staging.info("shop", &theirs);
    let host = production.key().id().to_owned();
    assert_eq!((&info["origin"], &info["trust"]), (&json!("foreign"), &json!("created")), "{info}");
    assert!(info["origin_reason"].as_str().is_some_and(|why| why.contains(&host)), "{info}");
    // Neither the newest nor a reason to destroy anything.
    staging.dokku(&["backups:import", "shop", "--latest", "--force"]).expect(4);
    staging.dokku(&["backups:verify", "shop", "--latest"]).expect(4);
    staging.dokku(&["postgres:destroy", "shop", "--force"]).expect(7);
    let report = staging.dokku(&["backups:report", "shop", "--format", "json"]).expect(0).json();
    assert_eq!((&report["newest_good"], &report["newest_restorable"]), (&Value::Null, &Value::Null), "{report}");
    assert_eq!(staging.sql("shop", COUNT), "2");
    // With one of its own, older by its name, that is the one.
    let own = staging.dokku(&["backups:export", "shop", "--at", "2026-04-01T00:00:00Z", "--verify"]).expect(0).id();
    let run = staging.dokku(&["--force", "backups:import", "shop", "--latest", "--no-backup"]).expect(0);
    assert!(run.stderr.contains(&own), "{}", run.stderr);
    assert_eq!(staging.sql("shop", COUNT), "2");
    // Deleted here, expired here, looked after here: there it stays as it was.
    staging.dokku(&["backups:set", "shop", "retention", "1"]).expect(0);
    staging.dokku_at("", "2031-01-01T00:00:00Z", &["backups:prune", "shop"]);
    staging.dokku(&["backups:delete", "shop", "--id", &theirs, "--force"]);
    staging.dokku(&["backups:sync", "shop"]).expect(0);
    staging.dokku_at("", "2031-01-02T00:00:00Z", &["backups:tick"]);
    let after = bucket.objects();
    assert!(before.iter().all(|object| after.contains(object)), "{before:?} {after:?}");
    production.dokku(&["backups:sync", "shop"]).expect(0);
    assert_eq!(
        (production.trust("shop", &theirs).as_str(), production.copy_state("shop", &theirs).as_str()),
        ("restorable", "stored")
    );
}

#[test]
fn report_102_a_backup_of_the_same_second_overwrites_nothing() {
    let (production, bucket, staging, theirs) = two();
    staging.set_destination(&bucket.uri()).expect(0);
    let before: Vec<_> = bucket.objects().into_iter().map(|(key, _)| (key.clone(), bucket.get(&key))).collect();
    let run = staging.dokku(&["backups:export", "shop", "--at", "2026-04-08T14:30:00Z"]);
    assert_eq!(run.code, Some(3), "it was not copied, and that is said: {}", run.stderr);
    assert_eq!(run.id(), theirs, "the same name");
    for (key, bytes) in &before {
        assert!(&bucket.get(key) == bytes, "{key} was overwritten");
    }
    // It is good here all the same; removed here it removes nothing there.
    staging.dokku(&["backups:export", "shop"]).expect(0);
    staging.dokku(&["backups:delete", "shop", "--id", &theirs, "--force"]);
    for (key, bytes) in &before {
        assert!(&bucket.get(key) == bytes, "{key} was removed");
    }
    assert_eq!(production.dokku(&["backups:check", "shop", "--read"]).expect(0).code, Some(0));
}

#[test]
fn report_102_after_a_loss_one_step_takes_over_and_says_from_whom() {
    let (production, bucket, fresh, id) = two();
    let lost = production.key().id().to_owned();
    drop(production);
    fresh.set_destination(&bucket.uri()).expect(0);
    // Killed anywhere in that step: done again it is done.
    let (_, points) = fresh.points("2026-05-01T00:00:00Z", &["backups:sync", "nobody", "--take-over"]);
    let mut taken = 0;
    for at in (1..=points.len() + 60).step_by(6) {
        fresh.dokku_at(&format!("abort={at}"), "2026-05-01T00:00:00Z", &["backups:sync", "shop", "--take-over"]);
        taken += usize::from(fresh.list("shop").iter().any(|backup| backup["origin"] == "own"));
    }
    let report = fresh.dokku(&["backups:sync", "shop", "--take-over", "--format", "json"]).expect(0).json();
    if taken == 0 {
        assert_eq!(
            report["services"][0]["taken_over"],
            json!([{"id": id, "from": format!("the host {lost}")}]),
            "{report}"
        );
    }
    let log = fresh.dokku(&["backups:logs", "shop", "--id", &id]).expect(0).out();
    assert!(log.contains(&format!("taken over from the host {lost}")), "{log}");
    assert_eq!((&fresh.info("shop", &id)["origin"], fresh.trust("shop", &id).as_str()), (&json!("own"), "restorable"));
    assert!(findings(&fresh, "destination-shared").is_empty());
    fresh.dokku(&["--force", "backups:import", "shop", "--latest", "--no-backup"]).expect(0);
    assert_eq!(fresh.sql("shop", COUNT), "500");
}
