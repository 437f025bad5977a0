//! What this host did not make is a stranger (attack rows 407, 408, 419 and 420): records and dumps planted at the store
//! or copied into the folder are listed with their origin, believed in nothing, and rested on by nobody; and no word of a
//! record leads anywhere.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::support::fixture::{COUNT, ITEMS};
use super::support::s3::Bucket;
use super::support::{Host, hex};

const THEIRS: &str = "create table items(id int primary key, name text); insert into items values (1, 'planted');";
/// A dump and a record that says it was verified, as another host has them.
struct Theirs {
    host: Host,
    dump: Vec<u8>,
    /// Its id: a little ahead, as clocks may be.
    id: String,
    /// The id of another backup with the same dump, and a record without a mark.
    other: String,
}

impl Theirs {
    fn made() -> Theirs {
        let host = Host::up();
        host.database("shop", THEIRS);
        let soon = Utc::now() + TimeDelta::minutes(2);
        let at = soon.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let id = host.dokku(&["backups:export", "shop", "--verify", "--at", &at]).expect(0).id();
        let dump = fs::read(host.dump_file("shop", &id)).expect("the dump");
        let other = (soon + TimeDelta::seconds(1)).format("shop-%Y-%m-%d-%H-%M-%S").to_string();
        Theirs { host, dump, id, other }
    }

    /// The record with that host's mark.
    fn marked(&self) -> Vec<u8> {
        fs::read(self.host.folder("shop").join(format!("{}.toml", self.id))).expect("the record")
    }

    /// The record of another backup with other lines, a checksum that fits, and no mark.
    fn record(&self, id: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
        let text = String::from_utf8(self.marked()).expect("text").replace(&self.id, id);
        checked(&text, change)
    }
}

/// The document with changed lines and a checksum that fits, without a mark: all that can be done without the key.
fn checked(text: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
    let lines = text.lines().filter(|line| !line.starts_with("# "));
    let body: String = lines.map(|line| change(line) + "\n").collect();
    format!("{body}# sha256 {}\n", hex(body.as_bytes())).into_bytes()
}

fn same(line: &str) -> String {
    line.to_owned()
}

/// Two backups that somebody put at the store: one with the mark of its host, one with none.
fn plant(bucket: &Bucket, theirs: &Theirs) {
    for (id, record) in [(&theirs.id, theirs.marked()), (&theirs.other, theirs.record(&theirs.other, same))] {
        bucket.put(&bucket.key("shop", &format!("{id}.dump")), theirs.dump.clone());
        bucket.put(&bucket.key("shop", &format!("{id}.toml")), record);
    }
}

/// A host with a copied backup of its own.
fn insured() -> (Host, Bucket, String) {
    let (host, bucket) = Host::with_bucket();
    host.sql("shop", "drop schema public cascade; create schema public;");
    host.sql("shop", ITEMS);
    let id = host.export("shop");
    (host, bucket, id)
}

fn finding<'a>(report: &'a Value, code: &str) -> Option<&'a Value> {
    report["findings"].as_array().expect("findings").iter().find(|finding| finding["code"] == code)
}

#[test]
fn attack_407_what_lies_at_the_store_is_not_believed() {
    let (host, bucket, own) = insured();
    let theirs = Theirs::made();
    plant(&bucket, &theirs);
    let synced = host.dokku(&["backups:sync", "shop", "--format", "json"]).expect(0).json()["services"][0].clone();
    assert_eq!(synced["rebuilt"], json!([theirs.id, theirs.other]), "{synced}");
    assert_eq!(synced["elsewhere"], json!([theirs.other, theirs.id]), "{synced}");
    assert_eq!(synced["taken_over"], json!([]));
    for (id, why) in
        [(&theirs.id, "its record bears the mark of the host "), (&theirs.other, "its record bears no host's mark")]
    {
        let info = host.info("shop", id);
        assert_eq!((&info["origin"], &info["trust"]), (&json!("foreign"), &json!("created")), "{info}");
        assert!(info["origin_reason"].as_str().is_some_and(|words| words.starts_with(why)), "{info}");
        assert_eq!((&info["verification"], &info["presence"]), (&Value::Null, &json!("remote")), "{info}");
    }
    assert_eq!(host.info("shop", &own)["origin"], "own");
    let text = host.dokku(&["backups:info", "shop", "--id", &theirs.other]).expect(0).out();
    assert!(text.contains("elsewhere") && text.contains("bears no host's mark; not counted"), "{text}");

    // Nobody rests on it: neither the gate, nor the verdict, nor retention, nor the next export.
    let run = host.dokku(&["postgres:destroy", "shop", "--force"]).expect(7);
    assert!(run.stderr.contains(&format!("{own}, is not Restorable")), "{}", run.stderr);
    let report = host.dokku(&["backups:report", "shop", "--format", "json"]).expect(0).json();
    assert_eq!((&report["newest_good"]["id"], &report["destroy"]), (&json!(own), &json!("refused")), "{report}");
    assert_eq!(report["newest_restorable"], Value::Null, "{report}");
    assert_eq!(report["copies"]["latest"]["uri"], host.info("shop", &own)["copy"]["uri"]);
    assert!(finding(&report, "made-elsewhere").is_some() && finding(&report, "future").is_none(), "{report}");
    let latest =
        || host.dokku(&["backups:info", "shop", "--latest", "--format", "json"]).expect(0).json()["id"].clone();
    assert_eq!(latest(), json!(own), "`--latest` means what this host made");
    host.dokku(&["backups:set", "shop", "retention", "1"]).expect(0);
    let plan = host.dokku(&["backups:prune", "shop", "--dry-run", "--format", "json"]).expect(0).json().to_string();
    assert_eq!(plan.matches("made elsewhere; only backups:delete removes it").count(), 2, "{plan}");
    host.dokku(&["backups:delete", "shop", "--id", &own]).expect(7);
    let second = host.export("shop");
    assert_eq!(host.info("shop", &second)["suspicious"], Value::Null);
    host.dokku(&["backups:verify", "shop", "--all"]).expect(0);
    assert_eq!(host.trust("shop", &theirs.id), "created", "verify --all has promoted it");

    assert_eq!(latest(), json!(second));
    host.dokku(&["backups:import", "shop", "--latest", "--force", "--no-backup"]).expect(0);
    assert_eq!(host.sql("shop", COUNT), "500");
    // Its copy is not ours to write to, or to remove.
    let lies = |id: &str| bucket.objects().iter().filter(|(key, _)| key.contains(id)).count();
    assert_eq!(bucket.get(&bucket.key("shop", &format!("{}.toml", theirs.id))), theirs.marked());
    host.dokku(&["backups:delete", "shop", "--id", &theirs.other]).expect(0);
    assert_eq!((lies(&theirs.other), lies(&theirs.id)), (2, 2));

    // Tried here it counts, and stays somebody else's.
    host.dokku(&["backups:verify", "shop", "--id", &theirs.id]).expect(0);
    let info = host.info("shop", &theirs.id);
    assert_eq!((&info["origin"], &info["trust"]), (&json!("foreign"), &json!("restorable")), "{info}");
    let report = host.dokku(&["backups:report", "shop", "--format", "json"]).expect(0).json();
    assert!(finding(&report, "made-elsewhere").is_none(), "{report}");
    assert_eq!(
        bucket.get(&bucket.key("shop", &format!("{}.toml", theirs.id))),
        theirs.marked(),
        "its record was written over"
    );
    host.check("shop", &[own, second, theirs.id.clone()], true);
}

#[test]
fn attack_407_a_planted_record_never_replaces_one_of_ours() {
    let (host, bucket, own) = insured();
    let theirs = Theirs::made();
    let before = host.info("shop", &own);
    let record = theirs.record(&own, same);
    bucket.put(&bucket.key("shop", &format!("{own}.dump")), theirs.dump.clone());
    bucket.put(&bucket.key("shop", &format!("{own}.toml")), record.clone());
    // The copy is not there any more, and that is said; what lies in its place is nobody's to write over.
    let synced = host.dokku(&["backups:sync", "shop", "--format", "json"]).expect(3).json()["services"][0].clone();
    assert_eq!((&synced["rebuilt"], &synced["taken_over"]), (&json!([]), &json!([])), "{synced}");
    assert_eq!(synced["lost"], json!([{ "id": own, "state": "changed" }]), "{synced}");
    let but_for_the_copy = |mut info: Value| {
        let fields = info.as_object_mut().expect("an object");
        fields.retain(|field, _| !["copy", "presence"].contains(&field.as_str()));
        info
    };
    assert_eq!(but_for_the_copy(host.info("shop", &own)), but_for_the_copy(before));
    // Nor when the dump is only there: other bytes are not brought back.
    host.lose("shop", &own);
    host.dokku(&["backups:sync", "shop", "--take-over"]);
    host.dokku(&["backups:import", "shop", "--id", &own, "--force"]).expect(4);
    assert_eq!(host.sql("shop", COUNT), "500");
    // And where even the record is lost, the other one is a stranger's.
    fs::remove_file(host.folder("shop").join(format!("{own}.toml"))).expect("the record");
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert_eq!(host.info("shop", &own)["origin"], "foreign");
    host.dokku(&["backups:import", "shop", "--latest", "--force"]).expect(4);
}

#[test]
fn attack_407_what_this_host_made_comes_back_as_its_own() {
    let (host, bucket, own) = insured();
    host.dokku(&["backups:verify", "shop", "--id", &own]).expect(0);
    let whole = host.info("shop", &own);
    let at = |ending: &str| host.folder("shop").join(format!("{own}.{ending}"));
    // The record alone is lost: the dump beside it shows nothing, the record at the store does.
    fs::remove_file(at("toml")).expect("the record");
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert_eq!(host.info("shop", &own), whole);
    // Everything is lost.
    for gone in [at("toml"), at("dump"), at("log"), host.folder("shop").join("index.toml")] {
        fs::remove_file(gone).expect("a file");
    }
    host.dokku(&["backups:sync", "shop"]).expect(0);
    let info = host.info("shop", &own);
    assert_eq!(
        (&info["origin"], &info["trust"], &info["presence"]),
        (&json!("own"), &json!("restorable"), &json!("remote"))
    );
    assert_eq!(info["verification"], whole["verification"]);
    host.dokku(&["postgres:destroy", "shop", "--force"]).expect(0);
    // Without the store a record that is lost says nothing any more.
    bucket.delete(&bucket.key("shop", &format!("{own}.toml")));
    fs::remove_file(at("toml")).expect("the record");
    host.dokku(&["backups:sync", "shop"]).expect(0);
    let info = host.info("shop", &own);
    assert_eq!((&info["origin"], &info["trust"]), (&json!("foreign"), &json!("created")), "{info}");
    assert!(info["origin_reason"].as_str().is_some_and(|why| why.contains("its record was lost")), "{info}");
}

/// Copies every file of another host's folder into the one of `host`.
fn copy_folder(host: &Host, from: &Path) {
    let to = host.folder("shop");
    for dir in [to.parent().expect("parent").to_owned(), to.clone(), to.join(".incoming"), to.join(".trash")] {
        let _ = fs::create_dir(&dir);
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).expect("mode");
        host.give(&dir);
    }
    for entry in fs::read_dir(from).expect("folder").flatten().filter(|entry| entry.path().is_file()) {
        let mode = entry.metadata().expect("metadata").permissions().mode() & 0o777;
        host.put(&to.join(entry.file_name()), &fs::read(entry.path()).expect("a file"), mode);
    }
}

#[test]
fn attack_407_a_copied_folder_is_a_strangers_until_it_is_taken_over() {
    let (host, theirs) = (Host::up(), Theirs::made());
    let soon = (Utc::now() + TimeDelta::minutes(1)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let second_one = theirs.host.dokku(&["backups:export", "shop", "--at", &soon]).expect(0).id();
    // The journal of a restore that would have this host rename databases.
    let journal = "format = 1\ntarget = \"shop\"\nstarted_at = \"2026-04-08T14:30:00Z\"\nby = \"me\"\n";
    host.database("shop", ITEMS);
    copy_folder(&host, &theirs.host.folder("shop"));
    host.put(&host.folder("shop").join(".restore.toml"), &checked(journal, same), 0o600);
    for id in [&theirs.id, &second_one] {
        let info = host.info("shop", id);
        assert_eq!((&info["origin"], &info["trust"]), (&json!("foreign"), &json!("created")), "{info}");
    }
    let run = host.dokku(&["backups:sync", "shop"]).expect(1);
    assert!(run.stderr.contains("does not bear this host's mark"), "{}", run.stderr);
    fs::remove_file(host.folder("shop").join(".restore.toml")).expect("the journal");
    host.dokku(&["backups:sync", "shop"]).expect(0);
    let run = host.dokku(&["backups:import", "shop", "--latest", "--force"]).expect(4);
    assert!(run.stderr.contains("backups:sync shop --take-over") && run.stderr.contains("--id"), "{}", run.stderr);
    host.dokku(&["postgres:destroy", "shop", "--force"]).expect(7);
    // Said once, by root, it is this host's, with all that is recorded of it; and it says whose it was.
    let denied = host.as_key("somebody", &["backups:sync", "shop", "--take-over"]);
    assert_eq!(denied.code, Some(7), "{denied:?}");
    assert_eq!(host.info("shop", &theirs.id)["origin"], "foreign");
    let words = ["backups:sync", "shop", "--take-over", "--format", "json"];
    let synced = host.dokku(&words).expect(0).json()["services"][0].clone();
    let from = format!("the host {}", theirs.host.key().id());
    assert_eq!(synced["taken_over"][1], json!({"id": theirs.id, "from": from}), "{synced}");
    assert_eq!((&synced["elsewhere"], synced["taken_over"].as_array().map(Vec::len)), (&json!([]), Some(2)));
    let info = host.info("shop", &theirs.id);
    assert_eq!((&info["origin"], &info["trust"]), (&json!("own"), &json!("restorable")), "{info}");
    let log = host.dokku(&["backups:logs", "shop", "--id", &theirs.id]).expect(0).out();
    assert!(log.contains(&format!("taken over from {from}")), "{log}");
    assert_eq!(host.dokku(&words).expect(0).json()["services"][0]["taken_over"], json!([]), "twice");
    host.dokku(&["backups:import", "shop", "--latest", "--force"]).expect(0);
    assert_eq!(host.sql("shop", COUNT), "1");
}

#[test]
fn attack_407_an_index_from_elsewhere_is_a_strangers_too() {
    let (host, theirs) = (Host::up(), Theirs::made());
    host.database("shop", ITEMS);
    copy_folder(&host, &theirs.host.folder("shop"));
    // With the stamp that the copied record has here, the line would be believed.
    let record = host.folder("shop").join(format!("{}.toml", theirs.id));
    let meta = fs::metadata(&record).expect("the record");
    let changed = i128::from(std::os::unix::fs::MetadataExt::mtime(&meta)) * 1_000_000_000
        + i128::from(std::os::unix::fs::MetadataExt::mtime_nsec(&meta));
    let stamp = format!("{:x}-{:x}-{changed:x}", std::os::unix::fs::MetadataExt::ino(&meta), meta.len());
    let index = host.folder("shop").join("index.toml");
    let text = fs::read_to_string(&index).expect("the index");
    let (before, rest) = text.split_once(&format!("{} ", theirs.id)).expect("a summary");
    let (_, after) = rest.split_once(' ').expect("a stamp");
    host.put(&index, &checked(&format!("{before}{} {stamp} {after}", theirs.id), same), 0o600);
    let quick = host.dokku(&["backups:list", "shop", "--format", "json"]).expect(0).json();
    let quick = &quick["backups"];
    assert_eq!((&quick[0]["origin"], &quick[0]["trust"]), (&json!("foreign"), &json!("created")), "{quick}");
}

#[test]
fn attack_407_records_from_before_the_key_get_the_mark_once() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    let record = host.folder("shop").join(format!("{id}.toml"));
    let bare = checked(&fs::read_to_string(&record).expect("the record"), same);
    let was = host.info("shop", &id);
    // As a release before there were keys leaves it.
    host.forget_key();
    host.put(&record, &bare, 0o600);
    assert_eq!(host.info("shop", &id), was, "nothing was asked of it yet");
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert_eq!(host.info("shop", &id), was);
    assert!(fs::read_to_string(&record).expect("the record").contains("\n# hmac-sha256 "));
    // From then on one without a mark is a stranger's, also by the same id.
    host.put(&record, &bare, 0o600);
    let info = host.info("shop", &id);
    assert_eq!((&info["origin"], &info["trust"]), (&json!("foreign"), &json!("created")), "{info}");
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert_eq!(host.info("shop", &id)["origin"], "foreign");
    // A key that was lost does not make what has come since this host's: another mark lies beside it.
    host.dokku(&["backups:export", "shop"]).expect(0);
    host.put(&record, &bare, 0o600);
    host.forget_key();
    host.dokku(&["backups:sync", "shop"]).expect(0);
    assert!(host.list("shop").iter().all(|backup| backup["origin"] == "foreign"), "{:?}", host.list("shop"));
}

#[test]
fn attack_407_the_key_is_nowhere_but_in_its_file() {
    let (host, bucket, id) = insured();
    let file = host.config("host-key");
    let mode = fs::metadata(&file).expect("the key").permissions().mode() & 0o777;
    let text = fs::read_to_string(&file).expect("the key");
    assert_eq!((mode, text.len()), (0o600, 65));
    let key = text.trim_end();
    for args in [
        &["backups:report", "--global"][..],
        &["backups:report", "shop", "--format", "json"],
        &["--trace", "backups:sync", "shop"],
        &["backups:info", "shop", "--id", &id],
        &["backups:check"],
    ] {
        let run = host.dokku(args);
        assert!(!run.out().contains(key) && !run.stderr.contains(key), "{args:?}: {run:?}");
    }
    for (object, _) in bucket.objects() {
        assert!(!String::from_utf8_lossy(&bucket.get(&object)).contains(key), "{object}");
    }
    super::support::walk(host.dir(), &mut |path, entry| {
        let bytes = if entry.is_file() && path != file { fs::read(path).unwrap_or_default() } else { Vec::new() };
        assert!(!String::from_utf8_lossy(&bytes).contains(key), "{}", path.display());
    });
    // One that others may read, or that is no key, is not used.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("mode");
    let run = host.dokku(&["backups:export", "shop"]).expect(1);
    assert!(run.stderr.contains("chmod 600"), "{}", run.stderr);
    host.put(&file, &text.as_bytes()[..20], 0o600);
    let run = host.dokku(&["backups:export", "shop"]).expect(1);
    assert!(run.stderr.contains("holds no host key"), "{}", run.stderr);
}

#[test]
fn attack_408_a_strangers_record_names_no_image() {
    let (host, bucket, _) = insured();
    let theirs = Theirs::made();
    let named = |image: &str, version: &str| {
        let (image, version) = (image.to_owned(), version.to_owned());
        move |line: &str| match line.split(' ').next() {
            Some("image_version") => format!("image_version = \"{version}\""),
            Some("image") if !line.contains(':') => format!("image = \"{image}\""),
            _ => line.to_owned(),
        }
    };
    let put = |id: &str, record: Vec<u8>| {
        bucket.put(&bucket.key("shop", &format!("{id}.dump")), theirs.dump.clone());
        bucket.put(&bucket.key("shop", &format!("{id}.toml")), record);
    };
    put(&theirs.id, theirs.record(&theirs.id, named("evil.example.com/postgres", "15")));
    put(&theirs.other, theirs.record(&theirs.other, named("--privileged", "--volume=/:/host")));
    let synced = host.dokku(&["backups:sync", "shop", "--format", "json"]).expect(0).json()["services"][0].clone();
    assert_eq!(synced["rebuilt"], json!([theirs.id]), "{synced}");
    assert!(synced["strange"].to_string().contains("image = "), "an option is no image: {synced}");
    // The image is the live service's, and the other one does not even exist here.
    host.dokku(&["backups:verify", "shop", "--id", &theirs.id]).expect(0);
    let info = host.info("shop", &theirs.id);
    assert_eq!(info["image"], "evil.example.com/postgres");
    let tried = info["verification"]["image"].as_str().expect("an image").to_owned();
    assert!(tried.starts_with("postgres:15."), "{tried}");
    host.dokku(&["backups:fork", "shop", "--id", &theirs.id, "copy"]).expect(0);
    let made = host.dokku(&["postgres:info", "copy"]).expect(0).out();
    assert!(made.contains(&tried), "{made}");
    // Without a service there is nothing to take an image from.
    host.dokku(&["postgres:destroy", "shop", "--force", "--skip-backup-check"]).expect(0);
    let run = host.dokku(&["backups:verify", "shop", "--id", &theirs.id]).expect(1);
    assert!(run.stderr.contains("dokku postgres:create shop"), "{}", run.stderr);
}

/// Plants a record in the folder of `host`, once without a mark and once with its own, and has everything tried with it.
fn tried(host: &Host, id: &str, word: &str, change: impl Fn(&str) -> String, untouched: impl Fn(&str)) {
    let path = host.folder("shop").join(format!("{id}.toml"));
    let dump = fs::read(host.dump_file("shop", id)).ok();
    let whole = fs::read(&path).expect("the record");
    let bare = checked(&String::from_utf8_lossy(&whole), &change);
    let text = String::from_utf8_lossy(&bare).into_owned();
    let lines = text.lines().filter(|line| !line.starts_with("# "));
    let marked = host.marked(&lines.map(|line| format!("{line}\n")).collect::<String>());
    for bytes in [bare, marked] {
        for args in [
            &["backups:list", "shop", "--verbose"][..],
            &["backups:download", "shop", "--id", id],
            &["backups:verify", "shop", "--id", id],
            &["backups:import", "shop", "--id", id, "--force", "--no-backup", "--with-code"],
            &["backups:fork", "shop", "--id", id, "copy"],
            &["backups:delete", "shop", "--id", id, "--force"],
            &["backups:prune", "shop"],
        ] {
            host.put(&path, &bytes, 0o600);
            // What was made anew from the dump may have been deleted with it.
            dump.iter().for_each(|dump| host.put(&host.dump_file("shop", id), dump, 0o400));
            let run = host.dokku(args);
            untouched(&format!("{args:?}: {run:?}"));
            let listed = args[0] == "backups:list";
            assert!(!listed || run.out().contains(&format!("not followed: {word}")), "{run:?}");
            assert!(!run.out().contains('\u{1b}') && !run.stderr.contains('\u{1b}'), "{run:?}");
        }
    }
    host.put(&path, &whole, 0o600);
    dump.iter().for_each(|dump| host.put(&host.dump_file("shop", id), dump, 0o400));
    let _ = fs::remove_file(path.with_extension("toml.broken"));
}

#[test]
fn attack_419_a_record_leads_to_no_file_but_its_own() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    let bait = host.dir().join("bait");
    fs::write(&bait, "mine").expect("bait");
    fs::set_permissions(&bait, fs::Permissions::from_mode(0o666)).expect("mode");
    let marker = host.data_root().join(".dokku-backups");
    let dump = fs::read(host.dump_file("shop", &id)).expect("the dump");
    let own = format!("{id}.dump");
    for file in ["../../.dokku-backups", "../../../../../bait", bait.to_str().expect("a path"), "index.toml"] {
        let change = |line: &str| if line.starts_with("file = ") { format!("file = \"{file}\"") } else { same(line) };
        // The dump is away, so that nothing else can be meant.
        let aside = host.dir().join("aside");
        fs::rename(host.folder("shop").join(&own), &aside).expect("move away");
        tried(&host, &id, "file = ", change, |what| {
            assert_eq!(fs::read(&bait).expect("bait"), b"mine", "{file}: {what}");
            assert!(marker.is_file(), "{file}: {what}");
            assert!(!what.contains("mine") && !what.contains("This folder belongs"), "{file}: {what}");
        });
        fs::rename(&aside, host.folder("shop").join(&own)).expect("move back");
    }
    host.dokku(&["backups:import", "shop", "--id", &id, "--force"]).expect(0);
    assert_eq!(fs::read(host.dump_file("shop", &id)).expect("the dump"), dump);
    // At the store neither the file nor the copy's address leads elsewhere.
    host.check("shop", &[id], true);
}

#[test]
fn attack_420_no_word_of_a_record_is_an_option() {
    let host = Host::up();
    host.database("shop", ITEMS);
    host.dokku(&["apps:create", "web"]).expect(0);
    host.dokku(&["sandbox:deploy", "web", "app.rb=1"]).expect(0);
    host.dokku(&["postgres:link", "shop", "web"]).expect(0);
    let id = host.export("shop");
    host.dokku(&["sandbox:deploy", "web", "app.rb=2"]).expect(0);
    let output = host.dir().join("written");
    let evil = |key: &str, value: &str| {
        let line = format!("{key} = \"{value}\"");
        let begins = format!("{key} = ");
        move |old: &str| if old.starts_with(&begins) { line.clone() } else { same(old) }
    };
    let option = format!("--output={}", output.display());
    for (key, value) in [
        ("git_sha", option.as_str()),
        ("deploy_branch", option.as_str()),
        ("app", "../../web"),
        ("app", "-web"),
        ("database", "--host=elsewhere"),
        ("image_version", "\\u001B]0;x"),
        ("sha256", "../x"),
    ] {
        let word = if key == "image_version" { "image" } else { key };
        tried(&host, &id, &format!("{word} = "), evil(key, value), |what| {
            assert!(!output.exists(), "{key}: git wrote it: {what}");
        });
    }
    host.dokku(&["backups:import", "shop", "--id", &id, "--force", "--no-backup"]).expect(0);
    // Texts are for people: nothing in them is obeyed by a terminal.
    let said = "label = \"a\\u001B[31m\\u009B2Jb\\u202E\"";
    host.edit_record(
        "shop",
        &id,
        |line| if line.starts_with("actor = ") { format!("{said}\n{line}") } else { same(line) },
    );
    let run = host.dokku(&["backups:info", "shop", "--id", &id]).expect(0);
    assert!(run.out().contains("a\\u{1b}[31m\\u{9b}2Jb\\u{202e}"), "{run:?}");
}
