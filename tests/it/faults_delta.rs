//! Differences, killed, starved and fed garbage at every step of making, re-basing and removing them.

use std::fs;

use super::delta::{archive, differing, nights};
use super::faults_kills::{Scene, fails_with, killed_with, untouched};
use super::support::faults::Mounted;
use super::support::{Host, truth};

const DELTA: &[[&str; 2]] = &[["storage", "delta"]];

/// What is listed as good can be read through everything it leans on.
fn all_can_be_read(scene: &Scene) {
    let (host, service) = (scene.host, scene.service);
    for backup in host.list(service).iter().filter(|backup| backup["status"] == "success") {
        if backup["deleted_at"].is_null() {
            let id = backup["id"].as_str().expect("an id");
            let bytes =
                host.dokku(&["backups:download", service, "--id", id, "--compression", "none"]).expect(0).stdout;
            assert_eq!(backup["archive"]["sha256"], truth::hex(&bytes), "{id}");
        }
    }
}

#[test]
fn row_071_fault_022_a_delta_killed_at_every_point() {
    killed_with(DELTA, &["backups:export", "{}"], |_, _| (), untouched, all_can_be_read);
}

#[test]
fn row_071_fault_022_the_deletion_of_a_base_killed_at_every_point() {
    killed_with(DELTA, &["backups:delete", "{}", "--id", "{first}"], |_, _| (), untouched, all_can_be_read);
}

#[test]
fn row_071_fault_019_a_delta_with_eio_at_every_point() {
    fails_with(DELTA, &["backups:export", "{}"], false);
}

#[test]
fn row_071_fault_019_the_deletion_of_a_base_with_eio_at_every_point() {
    fails_with(DELTA, &["backups:delete", "{}", "--id", "{id}"], true);
}

#[test]
fn row_071_fault_020_a_full_disk_loses_no_link() {
    let host = Host::up();
    let Some(_disk) = Mounted::tmpfs(&host, "size=40m") else { return };
    host.database(
        "shop",
        "create table items as select g id, md5(g::text) || md5((g * 3)::text) || md5((g * 5)::text) note from generate_series(1, 90000) g",
    );
    host.set("shop", "storage", "delta");
    let first = host.export("shop");
    host.sql("shop", "update items set note = md5(random()::text) where id % 300 = 1");
    let second = host.export("shop");
    let size = host.info("shop", &first)["size"].as_u64().expect("a size");
    // Room for the deletion, and not for another whole in the place of the second.
    let ballast = host.data_root().join("ballast");
    let free = 40 << 20;
    host.put(&ballast, &vec![0; usize::try_from(free - 2 * size - (8 << 20)).expect("room")], 0o600);
    let run = host.dokku(&["backups:delete", "shop", "--id", &first, "--format", "json"]).expect(1);
    assert!(run.error()["kind"] == "no-space" && run.stderr.contains("leans on it"), "{}", run.stderr);
    assert!(host.info("shop", &first)["deleted_at"].is_null());
    assert_eq!(archive(&host, &second)["files"], 2);
    host.check("shop", &[first.clone(), second.clone()], true);
    // Both together need no room.
    host.dokku(&["--force", "backups:delete", "shop", "--id", &first, "--id", &second]).expect(0);
    fs::remove_file(&ballast).expect("the ballast");
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
}

#[test]
fn row_071_fault_a_whole_that_changes_while_something_leans_on_it_gives_no_backup() {
    let host = differing();
    let (ids, _) = nights(&host, 1..3);
    // Shorter than its record says: nothing is read of it, and the next stands for itself.
    let whole = host.stored("shop", &ids[0]);
    let bytes = fs::read(&whole).expect("the file");
    for wrong in [&bytes[..bytes.len() - 1], &bytes[..100], b""] {
        host.put(&whole, wrong, 0o400);
        let run = host.dokku(&["backups:export", "shop"]).expect(0);
        assert!(archive(&host, &run.id())["base"].is_null(), "{}", run.stderr);
        host.dokku(&["backups:delete", "shop", "--id", &run.id(), "--force"]).expect(0);
    }
    host.put(&whole, &bytes, 0o400);
    host.dokku(&["backups:verify", "shop", "--id", &ids[1]]).expect(0);
    // What leans on something damaged is not given another base, and what it leans on is not deleted.
    host.put(&whole, &bytes[..100], 0o400);
    let run = host.dokku(&["--force", "backups:delete", "shop", "--id", &ids[0]]).expect(7);
    assert!(run.stderr.contains("cannot be given another base"), "{}", run.stderr);
    host.dokku(&["--force", "backups:delete", "shop", "--id", &ids[0], "--id", &ids[1]]).expect(0);
}
