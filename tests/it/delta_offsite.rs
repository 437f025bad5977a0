//! Differences at a destination: they travel as they are, and come back as whole chains (row 71).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::delta::{archive, differing, nights};
use super::support::Host;

/// A folder of the sandbox's user that copies go to, set for all services.
pub(super) fn with_disk(host: &Host) -> PathBuf {
    fs::set_permissions(host.dir(), fs::Permissions::from_mode(0o755)).expect("modes");
    let path = host.dir().join("disk");
    fs::create_dir(&path).expect("a folder");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("modes");
    host.give(&path);
    host.set_destination(&format!("file://{}", path.display())).expect(0);
    path
}

/// Dumps in the folder, by their names.
fn dumps(disk: &Path) -> Vec<String> {
    let names = fs::read_dir(disk.join("postgres/shop")).expect("the folder").flatten();
    let names = names.map(|entry| entry.file_name().display().to_string());
    let mut names: Vec<String> = names.filter(|name| name.contains(".dump") && !name.starts_with('.')).collect();
    names.sort();
    names
}

#[test]
fn row_071_a_new_host_rebuilds_the_chain() {
    let host = differing();
    let disk = with_disk(&host);
    let (ids, data) = nights(&host, 1..4);
    assert_eq!(
        dumps(&disk),
        [format!("{}.dump.zst", ids[0]), format!("{}.dump.delta", ids[1]), format!("{}.dump.delta", ids[2])]
    );
    let fresh = Host::up();
    fresh.set_destination(&format!("file://{}", disk.display())).expect(0);
    fresh.dokku(&["backups:sync", "--take-over"]).expect(0);
    fresh.database("shop", "");
    assert!(fresh.list("shop").iter().all(|backup| backup["presence"] == "remote"));
    fresh.dokku(&["backups:import", "shop", "--id", &ids[2], "--force", "--no-backup"]).expect(0);
    assert_eq!(fresh.digest("shop"), data[2]);
    // What it leans on came with it.
    assert!(fresh.list("shop").iter().all(|backup| backup["presence"] == "both"), "{:?}", fresh.list("shop"));
    // One link is there only: it is fetched for those that lean on it.
    fs::remove_file(fresh.stored("shop", &ids[0])).expect("the whole");
    fresh.dokku(&["backups:verify", "shop", "--id", &ids[2]]).expect(0);
    assert_eq!(fresh.info("shop", &ids[0])["presence"], "both");
    // Neither here nor there.
    fs::remove_file(fresh.stored("shop", &ids[0])).expect("the whole");
    fs::remove_file(disk.join(format!("postgres/shop/{}.dump.zst", ids[0]))).expect("the copy");
    fresh.dokku(&["backups:verify", "shop", "--id", &ids[1]]).expect(4);
    assert_eq!(fresh.trust("shop", &ids[0]), "missing");
    assert_eq!(fresh.trust("shop", &ids[2]), "damaged");
}

#[test]
fn row_071_a_damaged_link_is_healed_by_its_copy() {
    let host = differing();
    with_disk(&host);
    let (ids, data) = nights(&host, 1..4);
    let whole = host.stored("shop", &ids[0]);
    let mut bytes = fs::read(&whole).expect("the file");
    bytes[5000] ^= 4;
    host.put(&whole, &bytes, 0o400);
    host.dokku(&["backups:verify", "shop", "--id", &ids[2]]).expect(6);
    assert_eq!(host.trust("shop", &ids[1]), "damaged");
    fs::remove_file(&whole).expect("the bad one");
    host.dokku(&["--force", "backups:import", "shop", "--id", &ids[2]]).expect(0);
    assert_eq!(host.digest("shop"), data[2]);
    assert_eq!(host.trust("shop", &ids[1]), "created");
}

#[test]
fn row_071_copies_are_replaced_before_what_they_leant_on_goes() {
    let host = differing();
    let disk = with_disk(&host);
    let (ids, data) = nights(&host, 1..4);
    host.dokku(&["backups:delete", "shop", "--id", &ids[0]]).expect(0);
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert_eq!(dumps(&disk), [format!("{}.dump.zst", ids[1]), format!("{}.dump.delta", ids[2])]);
    assert_eq!(
        (host.copy_state("shop", &ids[0]), host.copy_state("shop", &ids[1])),
        ("deleted".to_owned(), "stored".to_owned())
    );
    // The disk is away: here it is done, there nothing goes that something leans on.
    let away = host.dir().join("away");
    fs::rename(&disk, &away).expect("away");
    host.dokku(&["backups:delete", "shop", "--id", &ids[1]]).expect(3);
    assert!(archive(&host, &ids[2])["base"].is_null());
    fs::rename(&away, &disk).expect("back");
    assert_eq!(dumps(&disk), [format!("{}.dump.zst", ids[1]), format!("{}.dump.delta", ids[2])]);
    host.dokku(&["backups:sync", "shop"]).expect(0);
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert_eq!(dumps(&disk), [format!("{}.dump.zst", ids[2])]);
    let fresh = Host::up();
    fresh.set_destination(&format!("file://{}", disk.display())).expect(0);
    fresh.dokku(&["backups:sync", "--take-over"]).expect(0);
    fresh.database("shop", "");
    fresh.dokku(&["backups:import", "shop", "--id", &ids[2], "--force", "--no-backup"]).expect(0);
    assert_eq!(fresh.digest("shop"), data[2]);
}

#[test]
fn row_071_what_was_stored_anew_and_then_deleted_leaves_nothing_at_the_destination() {
    let host = differing();
    let disk = with_disk(&host);
    let (ids, _) = nights(&host, 1..4);
    let away = host.dir().join("away");
    fs::rename(&disk, &away).expect("away");
    // Stored anew, its copy still that of the file before; and then it goes itself.
    host.dokku(&["backups:delete", "shop", "--id", &ids[0]]).expect(3);
    host.dokku(&["backups:delete", "shop", "--id", &ids[1], "--id", &ids[2], "--force"]).expect(3);
    fs::rename(&away, &disk).expect("back");
    host.dokku(&["backups:sync", "shop"]).expect(0);
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert_eq!(dumps(&disk), Vec::<String>::new());
    assert!(ids.iter().all(|id| host.copy_state("shop", id) == "deleted"), "{:?}", host.list("shop"));
}
