//! What lets backups go takes the right to let them go.

use super::support::{Host, SHOP};

/// A host with five backups of a daily schedule, and keys with and without the right to delete.
fn host() -> (Host, Vec<String>) {
    let host = Host::up();
    host.database("shop", SHOP);
    host.dokku_at(
        "",
        "2026-01-01T00:00:00Z",
        &["backups:schedule", "shop", "daily", "--at", "03:00", "--retention", "60"],
    )
    .expect(0);
    for day in 2..7 {
        host.dokku_at("", &format!("2026-01-{day:02}T03:00:10Z"), &["backups:tick"]).expect(0);
    }
    host.grant("update", "read,update", "shop");
    host.grant("all", "read,update,delete", "shop");
    let ids = host.list("shop").iter().map(|backup| backup["id"].as_str().expect("an id").to_owned()).collect();
    (host, ids)
}

fn left(host: &Host) -> usize {
    host.list("shop").iter().filter(|backup| backup["deleted_at"].is_null()).count()
}

#[test]
fn attack_414_shorter_retention_and_release_take_delete() {
    let (host, ids) = host();
    host.dokku(&["backups:keep", "shop", "--id", &ids[0]]).expect(0);
    host.dokku(&["backups:set", "--global", "retention", "90"]).expect(0);
    host.dokku(&["backups:set", "shop", "retention", "30"]).expect(0);
    let refused = |words: &[&str]| {
        let run = host.as_key("update", words).expect(7);
        assert!(run.stderr.contains("backups.delete is missing"), "{words:?}: {}", run.stderr);
    };
    refused(&["backups:keep", "shop", "--id", &ids[0], "--release"]);
    refused(&["backups:set", "shop", "retention", "1"]);
    refused(&["backups:schedule", "shop", "daily", "--retention", "1"]);
    let list = |key: &str, text: &str| {
        let mut command = host.key_command(key, &["backups:set", "shop", "-"]);
        let file = host.dir().join("list");
        std::fs::write(&file, text).expect("a list");
        command.stdin(std::fs::File::open(&file).expect("the list"));
        super::support::finish(command)
    };
    let run = list("update", "gate on\nretention 5\n").expect(7);
    assert!(run.stderr.contains("backups.delete"), "{}", run.stderr);
    // Longer is no harm, and neither is what changes nothing.
    for words in [
        &["backups:set", "shop", "retention", "30"][..],
        &["backups:set", "shop", "retention", "31"],
        &["backups:set", "shop", "retention", "none"],
        &["backups:schedule", "shop", "daily", "--retention", "60"],
        &["backups:keep", "shop", "--id", &ids[1]],
    ] {
        host.as_key("update", words).expect(0);
    }
    // Without a value of its own the global one holds, which is shorter than none.
    refused(&["backups:set", "shop", "retention"]);
    refused(&["backups:set", "shop", "retention", "3650"]);
    host.as_key("all", &["backups:set", "shop", "retention"]).expect(0);
    host.as_key("all", &["backups:keep", "shop", "--id", &ids[0], "--release"]).expect(0);
    // For all services it takes the right on all of them.
    host.as_key("all", &["backups:set", "--global", "retention", "1"]).expect(7);
    host.grant("everywhere", "read,update", "");
    host.as_key("everywhere", &["backups:set", "--global", "retention", "1"]).expect(7);
    host.as_key("everywhere", &["backups:set", "--global", "retention", "91"]).expect(0);
    assert_eq!(left(&host), 5);
}

/// The same by a way round: a schedule that is made anew says less than the one that made the backups.
#[test]
fn attack_414_a_schedule_made_anew_takes_nothing_either() {
    let (host, ids) = host();
    let expiry = || host.info("shop", &ids[0])["expires_at"].clone();
    let before = expiry();
    host.as_key("update", &["backups:unschedule", "shop", "daily"]).expect(0);
    assert_eq!(expiry(), before, "what it has made keeps its expiry");
    host.as_key("update", &["backups:schedule", "shop", "daily", "--at", "03:00", "--retention", "1"]).expect(0);
    assert_eq!(expiry(), before);
    let run = host.as_key("update", &["backups:schedule", "shop", "daily"]).expect(7);
    assert!(run.stderr.contains("backups.delete is missing"), "{}", run.stderr);
    assert_eq!(expiry(), before);
    host.as_key("all", &["backups:schedule", "shop", "daily"]).expect(0);
    assert_ne!(expiry(), before);
    assert_eq!(left(&host), 5);
}
