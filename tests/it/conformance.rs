//! What every kind of store promises, asked of each of them: a promise is one function over any store, and `promises!`
//! makes a test of it for every kind.

use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use dokku_backups::domain::Private;
use dokku_backups::error::Kind;
use dokku_backups::store::{Cancel, Place, Put, Removal, Secret, Store, open};
use dokku_backups::sys::reach::Reach;
use tempfile::TempDir;

use super::support::rclone::Rclone;
use super::support::s3::{Bucket, S3};

const KEY: &str = "postgres/shop/shop-2026-04-08-14-30-00.dump";
const MARK: &str = "0123456789abcdef";

/// A store of one kind, and how to break it from outside.
struct Ground {
    place: Place,
    behind: Behind,
}

enum Behind {
    Folder(TempDir),
    Bucket(Bucket),
    /// The server is there to live as long.
    Rclone(#[allow(dead_code)] Rclone, Bucket),
}

fn place(destination: &str, endpoint: Option<String>, key_id: &str, secret: &str) -> Place {
    Place {
        destination: destination.parse().expect("a destination"),
        endpoint,
        region: "us-east-1".to_owned(),
        key_id: Secret::new(key_id),
        secret: Secret::new(secret),
        patience: Duration::from_secs(60),
        reach: Reach::new(Private::All),
    }
}

impl Ground {
    fn bucket() -> Ground {
        let s3 = S3::shared();
        let bucket = s3.bucket();
        let place = place(&bucket.uri(), Some(s3.endpoint.clone()), &s3.key_id, &s3.secret);
        Ground { place, behind: Behind::Bucket(bucket) }
    }

    /// `None` where the machine has no rclone and that was allowed.
    fn rclone() -> Option<Ground> {
        let rclone = Rclone::up()?;
        let bucket = rclone.s3.bucket();
        let place = place(&bucket.uri(), Some(rclone.s3.endpoint.clone()), &rclone.s3.key_id, &rclone.s3.secret);
        Some(Ground { place, behind: Behind::Rclone(rclone, bucket) })
    }

    fn folder() -> Ground {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(&format!("file://{}", folder.path().display()), None, "", "");
        let ground = Ground { place, behind: Behind::Folder(folder) };
        ground.store().prepare(&[]).expect("a folder can be prepared");
        ground
    }

    fn store(&self) -> Box<dyn Store> {
        open(self.place.clone()).expect("a store")
    }

    /// Whether its server lets an object be replaced by one that has to be new, when both are put at once.
    fn replaces(&self) -> bool {
        matches!(self.behind, Behind::Rclone(..))
    }

    /// The same place, reached as it must not be: with another key; without its disk.
    fn shut(&self) -> Box<dyn Store> {
        match &self.behind {
            Behind::Bucket(_) | Behind::Rclone(..) => {
                open(Place { secret: Secret::new("wrong"), ..self.place.clone() }).expect("a store")
            }
            Behind::Folder(folder) => {
                std::fs::remove_file(folder.path().join(".dokku-backups-destination")).expect("the marker");
                self.store()
            }
        }
    }

    fn path(folder: &TempDir, key: &str) -> PathBuf {
        folder.path().join(key)
    }

    /// Other bytes under a key, past the store.
    fn overwrite(&self, key: &str, bytes: &[u8]) {
        match &self.behind {
            Behind::Bucket(bucket) | Behind::Rclone(_, bucket) => {
                bucket.put(&format!("some/where/{key}"), bytes.to_vec())
            }
            Behind::Folder(folder) => std::fs::write(Ground::path(folder, key), bytes).expect("write"),
        }
    }

    /// What a put whose program died has left of `key`.
    fn leave_unfinished(&self, key: &str) {
        match &self.behind {
            Behind::Bucket(bucket) | Behind::Rclone(_, bucket) => {
                let key = format!("some/where/{key}");
                assert_eq!(bucket.ask(reqwest::Method::POST, &key, &[("uploads", "")], Vec::new()).0, 200);
            }
            Behind::Folder(folder) => {
                let path = Ground::path(folder, key);
                let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
                std::fs::write(path.with_file_name(format!(".{name}.{MARK}.part")), "half").expect("write");
            }
        }
    }

    /// How many unfinished puts there are.
    fn unfinished(&self) -> usize {
        match &self.behind {
            Behind::Bucket(bucket) | Behind::Rclone(_, bucket) => bucket.unfinished().len(),
            Behind::Folder(folder) => {
                let mut count = 0;
                super::support::walk(folder.path(), &mut |path, _| {
                    count += usize::from(path.extension().is_some_and(|ending| ending == "part"));
                });
                count
            }
        }
    }
}

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 31 % 251) as u8).collect()
}

#[track_caller]
fn put(store: &dyn Store, key: &str, bytes: &[u8]) -> Put {
    let source = Box::new(io::Cursor::new(bytes.to_vec()));
    store.put_stream(key, source, Some(bytes.len() as u64), MARK, &Cancel::default()).expect("put")
}

#[track_caller]
fn get(store: &dyn Store, key: &str, size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    store.read(key, size as u64).expect("read").read_to_end(&mut bytes).expect("all of it");
    bytes
}

fn keys(store: &dyn Store, prefix: &str) -> Vec<String> {
    let mut keys: Vec<String> = store.list(prefix).expect("list").into_iter().map(|object| object.key).collect();
    keys.sort();
    keys
}

/// Bytes that come when a test lets them, until an empty piece; an error where the other end is dropped before.
struct Given(Receiver<Vec<u8>>, Vec<u8>);

impl Read for Given {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.1.is_empty() {
            self.1 = self.0.recv().map_err(|_| io::Error::other("the dump failed"))?;
        }
        let count = into.len().min(self.1.len());
        into[..count].copy_from_slice(&self.1[..count]);
        self.1.drain(..count);
        Ok(count)
    }
}

/// Every size around the borders of parts and pieces comes back as it was, with its mark, and is listed.
fn objects_come_back(ground: &Ground) {
    let store = ground.store();
    let (kib, mib) = (1 << 10, 1 << 20);
    let sizes =
        [0, 1, 256 * kib - 1, 256 * kib, 256 * kib + 1, 5 * mib - 1, 5 * mib, 5 * mib + 1, 8 * mib, 8 * mib + 1];
    for size in sizes.into_iter().chain([11 * mib]) {
        let sent = bytes(size);
        assert_eq!(put(&*store, KEY, &sent), Put::Done(size as u64));
        let object = store.head(KEY).expect("head").expect("an object");
        assert_eq!((object.key.as_str(), object.size, object.mark.as_deref()), (KEY, size as u64, Some(MARK)));
        assert!(get(&*store, KEY, size) == sent, "{size}");
        assert!(get(&*store, KEY, size / 2) == sent[..size / 2], "the first half of {size}");
        let listed = store.list("postgres/").expect("list");
        assert_eq!(listed.iter().map(|o| (o.key.as_str(), o.size)).collect::<Vec<_>>(), [(KEY, size as u64)]);
        assert_eq!(store.delete(KEY).expect("delete"), Removal::Gone);
        assert!(store.head(KEY).expect("head").is_none() && store.list("").expect("list").is_empty(), "{size}");
        assert_eq!(store.delete(KEY).expect("one that is not there is not an error"), Removal::Gone);
    }
}

fn nothing_is_replaced(ground: &Ground) {
    let store = ground.store();
    assert_eq!(put(&*store, KEY, b"first"), Put::Done(5));
    assert_eq!(put(&*store, KEY, b"another"), Put::There(5));
    assert!(!store.put_small(KEY, b"x".to_vec(), false).expect("asked"));
    assert_eq!(get(&*store, KEY, 5), b"first");
    // A record is replaced, when that is said; another word than the upload's does not stand for it then.
    assert!(store.put_small(KEY, b"new".to_vec(), true).expect("put"));
    let object = store.head(KEY).expect("head").expect("an object");
    assert_eq!((object.size, object.mark), (3, None));
    assert!(store.put_small("postgres/shop/b.toml", b"x".to_vec(), false).expect("put"));
    assert_eq!(store.get_small("postgres/shop/b.toml", 10).expect("get").as_deref(), Some(&b"x"[..]));
    assert!(store.get_small("postgres/shop/none", 10).expect("get").is_none());
    assert_eq!(store.get_small(KEY, 2).expect_err("too large").kind, Kind::Damaged);
}

/// Of several that put at once, one has made the object, whole.
fn one_of_many_wins(ground: &Ground) {
    for round in 0..5 {
        let key = format!("postgres/shop/{round}.dump");
        let puts: Vec<Put> = std::thread::scope(|scope| {
            let one = |number: u8| {
                let (place, key) = (ground.place.clone(), key.clone());
                scope.spawn(move || {
                    let store = open(place).expect("a store");
                    let source = Box::new(io::Cursor::new(vec![number; 1000]));
                    store.put_stream(&key, source, None, &format!("{MARK}{number}"), &Cancel::default()).expect("put")
                })
            };
            let all: Vec<_> = (0..4).map(one).collect();
            all.into_iter().map(|put| put.join().expect("a put")).collect()
        });
        let done: Vec<usize> = (0..4).filter(|at| puts[*at] == Put::Done(1000)).collect();
        let there = get(&*ground.store(), &key, 1000);
        assert_eq!(done.len(), 1, "{puts:?}");
        assert!(there.iter().all(|byte| usize::from(*byte) == done[0]), "not what {} sent", done[0]);
        let mark = ground.store().head(&key).expect("head").expect("an object").mark;
        assert_eq!(mark, Some(format!("{MARK}{}", done[0])));
    }
    assert_eq!(ground.unfinished(), 0);
}

/// An object is seen whole or not at all, and a put that ends early takes back what it did.
fn half_an_object_is_never_seen(ground: &Ground) {
    let store = ground.store();
    for end in ["the dump fails", "called off", "whole"] {
        let (give, given) = channel();
        let (cancel, place) = (Cancel::default(), ground.place.clone());
        let called = cancel.clone();
        let putting = std::thread::spawn(move || {
            open(place).expect("a store").put_stream(KEY, Box::new(Given(given, Vec::new())), None, MARK, &called)
        });
        for _ in 0..80 {
            give.send(bytes(128 << 10)).expect("taken");
        }
        std::thread::sleep(Duration::from_millis(300));
        assert!(store.head(KEY).expect("head").is_none() && store.list("").expect("list").is_empty(), "{end}: seen");
        match end {
            "whole" => give.send(Vec::new()).expect("taken"),
            "called off" => {
                cancel.now();
                // It may be waiting for more of a part.
                for _ in 0..500 {
                    if putting.is_finished() || give.send(bytes(128 << 10)).is_err() {
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            _ => drop(give),
        }
        let put = putting.join().expect("it ends");
        if end == "whole" {
            assert_eq!(put.expect("put"), Put::Done(80 * (128 << 10)));
        } else {
            let failure = put.expect_err(end);
            let words = if end == "called off" { "called off" } else { "the dump failed" };
            assert!(failure.reason().contains(words), "{end}: {}", failure.reason());
            assert!(store.head(KEY).expect("head").is_none(), "{end}");
        }
        assert_eq!(ground.unfinished(), 0, "{end}");
    }
}

fn what_dead_programs_left_is_swept(ground: &Ground) {
    let store = ground.store();
    let (ours, other) = ("postgres/shop/ours.dump", "postgres/shop/other.dump");
    let elsewhere = "postgres/blog/ours.dump";
    for key in [ours, other, elsewhere] {
        ground.leave_unfinished(key);
    }
    assert!(keys(&*store, "").is_empty(), "it is seen");
    let is_ours = |key: &str| key.ends_with("ours.dump");
    assert_eq!(store.abort_leftovers("postgres/shop/", &is_ours).expect("swept"), 1);
    assert_eq!(ground.unfinished(), 2, "what is not ours, or not there, was touched");
    assert_eq!(store.abort_leftovers("postgres/shop/", &is_ours).expect("swept"), 0);
    assert_eq!(store.abort_leftovers("postgres/none/", &|_| true).expect("swept"), 0, "where nothing is");
    // A leftover of the same upload is in the way of nothing.
    ground.leave_unfinished(ours);
    assert_eq!(put(&*store, ours, b"abc"), Put::Done(3));
    store.abort_leftovers("postgres/", &|_| true).expect("swept");
    assert_eq!((ground.unfinished(), get(&*store, ours, 3)), (0, b"abc".to_vec()));
}

/// A store that cannot be asked says so, to every question: nothing is taken for empty or done.
fn what_cannot_be_answered_fails(ground: &Ground) {
    let store = ground.store();
    assert_eq!(put(&*store, KEY, b"there"), Put::Done(5));
    let shut = ground.shut();
    let source = || Box::new(io::Cursor::new(b"x".to_vec()));
    let failures = [
        shut.put_stream("postgres/shop/b", source(), None, MARK, &Cancel::default()).err(),
        shut.put_small("postgres/shop/c", Vec::new(), true).err(),
        shut.put_small("postgres/shop/d", Vec::new(), false).err(),
        shut.head(KEY).err(),
        shut.head("postgres/none/a").err(),
        shut.list("").err(),
        shut.list("postgres/none/").err(),
        shut.delete(KEY).err(),
        shut.delete("postgres/none/a").err(),
        shut.get_small(KEY, 10).err(),
        shut.read(KEY, 5).and_then(|mut read| Ok(read.read_to_end(&mut Vec::new())?)).err(),
        shut.abort_leftovers("postgres/", &|_| true).err(),
        shut.probe(".dokku-backups-test-1").err(),
    ];
    for (at, failure) in failures.into_iter().enumerate() {
        let failure = failure.unwrap_or_else(|| panic!("question {at} was answered"));
        assert!(matches!(failure.kind, Kind::Io | Kind::Config), "{at}: {failure:?}");
        let last = at == 11;
        assert!(last || !failure.remedies.is_empty(), "{at} has no next step: {failure:?}");
    }
}

fn an_object_that_is_too_short_is_an_error(ground: &Ground) {
    let store = ground.store();
    let sent = bytes(9 << 20);
    put(&*store, KEY, &sent);
    let read = |size: usize| {
        let mut bytes = Vec::new();
        store.read(KEY, size as u64).and_then(|mut read| Ok(read.read_to_end(&mut bytes)?)).map(|_| bytes.len())
    };
    assert_eq!(read(sent.len()).expect("whole"), sent.len());
    assert!(read(sent.len() + 1).is_err(), "one byte more than there is");
    ground.overwrite(KEY, &sent[..sent.len() - 1]);
    assert!(read(sent.len()).is_err(), "cut by one byte");
    ground.overwrite(KEY, &sent[..100]);
    assert!(read(sent.len()).is_err(), "cut");
    ground.overwrite(KEY, b"");
    assert!(read(1).is_err(), "emptied");
    assert_eq!(store.delete(KEY).expect("delete"), Removal::Gone);
    assert!(read(1).is_err(), "gone");
}

fn more_than_a_page_is_listed(ground: &Ground) {
    let store = ground.store();
    let all: Vec<String> = (0..1100).map(|number| format!("postgres/many/{number:04}.toml")).collect();
    for key in &all {
        assert!(store.put_small(key, b"x".to_vec(), true).expect("put"));
    }
    put(&*store, "postgres/many2/a.toml", b"x");
    put(&*store, "mysql/many/a.toml", b"x");
    assert_eq!(keys(&*store, "postgres/many/"), all);
    assert_eq!(keys(&*store, "postgres/many/10"), all[1000..1100]);
    assert_eq!(keys(&*store, "postgres/many").len(), 1101);
    assert_eq!(keys(&*store, "").len(), 1102);
    assert!(keys(&*store, "post/").is_empty() && keys(&*store, "postgres/none/").is_empty());
}

fn odd_names_are_names(ground: &Ground) {
    let store = ground.store();
    let long = "l".repeat(180);
    let names =
        ["a b", "ü-€", "a+b", "a=b&c", "it's", ".hidden", "x.part", "x.mark", "-rf", "$(id)", "a\"b", "a;b", &long];
    let mut all: Vec<String> = names.iter().map(|name| format!("postgres/odd/{name}")).collect();
    all.sort();
    for key in &all {
        assert_eq!(put(&*store, key, key.as_bytes()), Put::Done(key.len() as u64), "{key}");
    }
    assert_eq!(keys(&*store, "postgres/odd/"), all);
    for key in &all {
        assert_eq!(get(&*store, key, key.len()), key.as_bytes());
        assert_eq!(store.delete(key).expect("delete"), Removal::Gone);
    }
    assert!(keys(&*store, "").is_empty());
    for wrong in ["postgres/../x", "/x", "postgres//x", "../x", "."] {
        let small = store.put_small(wrong, b"x".to_vec(), true);
        assert!(small.is_err(), "{wrong} was written");
    }
}

fn a_probe_leaves_nothing(ground: &Ground) {
    let store = ground.store();
    put(&*store, KEY, b"x");
    let lacks = store.probe(".dokku-backups-test-1-2").expect("it works");
    // What a server cannot do is said, of the one that cannot.
    let is_without_conditions = lacks.iter().any(|lack| lack.contains("does not know If-None-Match"));
    assert_eq!(
        (lacks.len(), is_without_conditions),
        if ground.replaces() { (1, true) } else { (0, false) },
        "{lacks:?}"
    );
    assert_eq!(keys(&*store, ""), [KEY]);
    assert_eq!(ground.unfinished(), 0);
}

macro_rules! promises {
    ($($promise:ident),* $(,)?) => {
        mod s3 {
            #[test] fn one_of_many_wins() { super::one_of_many_wins(&super::Ground::bucket()); }
            $(#[test] fn $promise() { super::$promise(&super::Ground::bucket()); })*
        }
        mod folder {
            #[test] fn one_of_many_wins() { super::one_of_many_wins(&super::Ground::folder()); }
            $(#[test] fn $promise() { super::$promise(&super::Ground::folder()); })*
        }
        mod report_131_rclone {
            $(#[test] fn $promise() {
                if let Some(ground) = super::Ground::rclone() { super::$promise(&ground); }
            })*
        }
    };
}

promises!(
    objects_come_back,
    nothing_is_replaced,
    half_an_object_is_never_seen,
    what_dead_programs_left_is_swept,
    what_cannot_be_answered_fails,
    an_object_that_is_too_short_is_an_error,
    more_than_a_page_is_listed,
    odd_names_are_names,
    a_probe_leaves_nothing,
);

/// What only a folder can hold: none of it is followed, waited for, listed or removed.
#[test]
fn strange_things_in_a_folder_are_left_alone() {
    let ground = Ground::folder();
    let Behind::Folder(folder) = &ground.behind else { panic!("a folder") };
    let (store, shop) = (ground.store(), folder.path().join("postgres/shop"));
    put(&*store, KEY, b"x");
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
    assert_eq!((mode(&shop), mode(&folder.path().join(KEY))), (0o700, 0o600));
    let outside = tempfile::tempdir().expect("a folder");
    std::fs::write(outside.path().join("secret.dump"), "secret").expect("write");
    std::os::unix::fs::symlink(outside.path(), folder.path().join("postgres/blog")).expect("link");
    std::os::unix::fs::symlink(outside.path().join("secret.dump"), shop.join("link.dump")).expect("link");
    std::os::unix::fs::symlink("nowhere", shop.join("dangling.dump")).expect("link");
    nix::unistd::mkfifo(&shop.join("fifo.dump"), nix::sys::stat::Mode::from_bits_truncate(0o600)).expect("a fifo");
    std::fs::create_dir(shop.join("folder.dump")).expect("a folder");
    std::fs::create_dir_all(folder.path().join(".snapshots/postgres/shop")).expect("a folder");
    std::fs::write(folder.path().join(".snapshots/postgres/shop/old.dump"), "old").expect("write");
    std::fs::hard_link(folder.path().join(KEY), shop.join("snapshot.dump")).expect("a second name");
    assert_eq!(keys(&*store, ""), [KEY, "postgres/shop/snapshot.dump"]);
    for name in ["link.dump", "dangling.dump", "fifo.dump", "folder.dump"] {
        let key = format!("postgres/shop/{name}");
        let source = Box::new(io::Cursor::new(b"y".to_vec()));
        let put = store.put_stream(&key, source, None, MARK, &Cancel::default());
        assert_eq!(put.expect_err(name).kind, Kind::Refused, "{name}");
        assert!(store.put_small(&key, b"y".to_vec(), true).is_err(), "{name} was replaced");
        assert!(store.head(&key).is_err() && store.delete(&key).is_err() && store.read(&key, 1).is_err(), "{name}");
        assert!(std::fs::symlink_metadata(shop.join(name)).is_ok(), "{name} was removed");
    }
    assert!(store.put_small("postgres/blog/a.toml", b"y".to_vec(), true).is_err(), "through a symlink");
    assert!(store.head("postgres/blog/secret.dump").is_err() && store.list("postgres/blog/").is_err());
    assert_eq!(std::fs::read_dir(outside.path()).expect("list").count(), 1);
    assert_eq!(std::fs::read(outside.path().join("secret.dump")).expect("read"), b"secret");
    // The word of an upload is that of its very file.
    assert_eq!(store.head(KEY).expect("head").expect("an object").mark.as_deref(), Some(MARK));
    std::fs::remove_file(folder.path().join(KEY)).expect("remove");
    std::fs::write(shop.join("other"), "z").expect("write");
    std::fs::rename(shop.join("other"), folder.path().join(KEY)).expect("rename");
    assert_eq!(store.head(KEY).expect("head").expect("an object").mark, None, "somebody else's file of that name");
}
