//! What holds for dumps and for throw-away servers.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dokku_backups::domain::{BackupId, Consent, Origin, Service};
use dokku_backups::engine::{Bound, Compared, Dump, Owner, Scratch};
use dokku_backups::error::{Kind, Remedy};
use dokku_backups::sys::stdin::Input;

use super::{Asked, Fixture, HOW, LIMIT};

/// Nothing but the whole dump is accepted: not cut at any of its bytes, not with one more, not twice.
pub fn an_export_is_proven_to_its_exact_end(fixture: &dyn Fixture) {
    let (engine, whole) = (fixture.engine(), fixture.export());
    let format = engine.exported();
    let inspect = |bytes: &[u8]| engine.inspect(format, &mut &bytes[..]);
    let content = inspect(&whole).expect("the whole dump");
    assert_eq!(content.format, format);
    assert!(content.rows() > 1, "a dump of next to nothing shows nothing: {content:?}");
    for end in 0..whole.len() {
        let failure = inspect(&whole[..end]).expect_err("a dump that is cut");
        assert_eq!(failure.kind, Kind::Damaged, "cut at {end} of {}: {}", whole.len(), failure.reason());
    }
    for more in [&b"\0"[..], b"\n", b"x", &whole[whole.len() - 1..], &whole] {
        let failure = inspect(&[&whole[..], more].concat()).expect_err("a dump with something behind it");
        assert_eq!(failure.kind, Kind::Damaged, "{} bytes more: {}", more.len(), failure.reason());
    }
    println!("{}: cut at each of {} bytes", engine.label(), whole.len());
}

/// Unpacked it is the same dump, in bytes that equal data makes equal: no cut of it passes, on either side.
pub fn an_unpacked_dump_is_the_same_dump(fixture: &dyn Fixture) {
    let (engine, export) = (fixture.engine(), fixture.export());
    let unpack = |bytes: &[u8]| {
        let mut unpacked = Vec::new();
        engine.unpack(&mut &bytes[..], &mut unpacked).map(|content| (content, unpacked))
    };
    let (content, unpacked) = unpack(&export).expect("a whole dump");
    assert_eq!(content, fixture.content(&export));
    let again = fixture.content(&unpacked);
    assert_eq!(
        (&again.tables, &again.objects, again.data_bytes),
        (&content.tables, &content.objects, content.data_bytes)
    );
    assert!(unpack(&unpacked).expect("the unpacked dump").1 == unpacked, "unpacked twice it is another one");
    for end in (0..export.len()).step_by(13) {
        assert_eq!(unpack(&export[..end]).expect_err("a dump that is cut").kind, Kind::Damaged, "cut at {end}");
    }
    // It restores, and is all that the export is.
    let removed = Arc::new(AtomicUsize::new(0));
    let bound = Bound { bytes: 4 << 30, words: "4 GiB".to_owned(), remedy: Remedy::note("give it more") };
    let mut scratch = start(fixture, &id(fixture, 1), "/conformance", &removed);
    let compared = scratch.restore_and_compare(&fixture.docker(), fixture.dump(&unpacked), &bound, HOW);
    let Compared { tables, rows, .. } = compared.expect("an answer about the dump").expect("it comes back as it was");
    assert_eq!((tables, rows), (content.tables.len() as u64, content.rows()));
}

/// The dump program of the service itself gives the same format with the same rows, and its end is proof.
pub fn a_direct_dump_holds_what_the_export_does(fixture: &dyn Fixture) {
    let mut bytes = Vec::new();
    fixture.live().dump(LIMIT, false).expect("a dump").read_to_end(&mut bytes).expect("its end");
    let (direct, export) = (fixture.content(&bytes), fixture.content(&fixture.export()));
    assert_eq!((direct.format, &direct.tables), (export.format, &export.tables));
    assert!(direct.rows() > 1, "nothing was dumped");
}

/// What programs elsewhere write is told by its bytes; of anything else it is said what it is, and what to do.
pub fn a_dump_is_recognised_and_anything_else_refused(fixture: &dyn Fixture) {
    let engine = fixture.engine();
    let known: Vec<_> = engine.formats().iter().map(|format| format.format).collect();
    assert_eq!(engine.exported(), known[0]);
    let samples = fixture.samples();
    assert_eq!(samples[0].2, engine.exported(), "the first sample is what the export writes");
    for (name, bytes, format) in samples {
        let head = &bytes[..bytes.len().min(4096)];
        assert_eq!(engine.recognise(head, name).expect(name), format, "{name}");
        assert!(known.contains(&format), "{name}");
        assert_eq!(engine.inspect(format, &mut &bytes[..]).expect(name).format, format, "{name}");
    }
    let mut tar = vec![b'a'; 512];
    tar[257..262].copy_from_slice(b"ustar");
    let others: [(&[u8], &str); 9] = [
        (b"", "an empty file"),
        (b"BZh91AY", "a bzip2 file"),
        (b"PK\x03\x04\x14", "a zip file"),
        (b"\xfd7zXZ\0\0", "an xz file"),
        (b"\x7fELF\x02\x01", "a Linux program"),
        (b"\x89PNG\r\n", "a PNG picture"),
        (b"<!doctype html><p>404", "a web page"),
        (&tar, "a tar file"),
        (b"\x00\x01\x02\x03", "unknown data"),
    ];
    for (bytes, kind) in others {
        let failure = engine.recognise(bytes, "shop.backup").expect_err(kind);
        assert_eq!(failure.kind, Kind::Damaged, "{kind}");
        let said = failure.reason();
        assert!(said.contains("shop.backup") && said.contains(kind) && said.contains(engine.label()), "{said}");
        assert!(!failure.remedies.is_empty(), "{said}: and now?");
    }
}

/// A throw-away server for a backup of the fixture's service, on a host called `root`; counts its removals.
fn start(fixture: &dyn Fixture, id: &BackupId, root: &str, removed: &Arc<AtomicUsize>) -> Box<dyn Scratch> {
    let owner = Owner { root: root.to_owned(), service: fixture.service(), backup: id.clone() };
    let removed = Arc::clone(removed);
    let count = Box::new(move || {
        removed.fetch_add(1, Ordering::SeqCst);
    });
    fixture
        .engine()
        .disposable(&fixture.docker(), &fixture.image(), &owner, "512m", &|| None, count)
        .expect("a throw-away server")
}

fn id(fixture: &dyn Fixture, second: u32) -> BackupId {
    format!("{}-2026-04-08-14-30-{second:02}", fixture.service().name).parse().expect("an id")
}

/// What comes back is compared with what the dump holds, and the live data has no part in it.
pub fn a_test_restore_compares(fixture: &dyn Fixture) {
    let (before, whole) = (fixture.data(), fixture.export());
    let content = fixture.content(&whole);
    fixture.remove_a_row();
    let (live, less) = (fixture.data(), fixture.export());
    assert_ne!(live, before);
    let bound = || Bound { bytes: 4 << 30, words: "4 GiB".to_owned(), remedy: Remedy::note("give it more") };
    let (docker, removed) = (fixture.docker(), Arc::new(AtomicUsize::new(0)));
    let restore = |second, dump: Dump| {
        let mut scratch = start(fixture, &id(fixture, second), "/conformance", &removed);
        scratch.restore_and_compare(&docker, dump, &bound(), HOW).expect("an answer about the dump")
    };
    let Compared { tables, rows, .. } = restore(1, fixture.dump(&whole)).expect("it comes back as it was");
    assert_eq!((tables, rows), (content.tables.len() as u64, content.rows()));
    // The same promises of the dump, and one row less in it.
    let input = Input::Stream(Box::new(std::io::Cursor::new(less)));
    let missing = Dump::proven(input, content.clone(), Origin::Own, Consent::default());
    let why = restore(2, missing).expect_err("a row is missing");
    assert!(!why.reason().is_empty());
    // One whose bytes end before they should.
    let half = Input::Stream(Box::new(std::io::Cursor::new(whole[..whole.len() / 2].to_vec())));
    restore(3, Dump::proven(half, content, Origin::Own, Consent::default())).expect_err("it is cut");
    assert_eq!(removed.load(Ordering::SeqCst), 3, "what was started is removed");
    assert_eq!(fixture.scratches(), "");
    assert_eq!(fixture.data(), live, "the live data was touched");
}

/// Of what killed runs have left, only that goes which is this host's, and on whose backup nobody works.
pub fn a_sweep_removes_only_what_nobody_works_on(fixture: &dyn Fixture) {
    let (engine, docker, removed) = (fixture.engine(), fixture.docker(), Arc::new(AtomicUsize::new(0)));
    let (ours, busy) = (id(fixture, 1), id(fixture, 2));
    for id in [&ours, &busy] {
        // A run that is killed drops nothing.
        std::mem::forget(start(fixture, id, "/conformance", &removed));
    }
    let sweep = |root: &str, worked_on: &dyn Fn(&Service, &BackupId) -> bool| {
        engine.sweep(&docker, root, worked_on).expect("a sweep")
    };
    let both = fixture.scratches();
    assert_eq!(sweep("/another-host", &|_, _| false), 0, "another host's");
    assert_eq!(sweep("/conformance", &|_, _| true), 0, "somebody works on them");
    assert_eq!(fixture.scratches(), both);
    let service = fixture.service();
    let is_busy = |whose: &Service, id: &BackupId| {
        assert_eq!(*whose, service);
        *id == busy
    };
    assert_eq!(sweep("/conformance", &is_busy), 1);
    assert_ne!(fixture.scratches(), "", "the one that is worked on is gone");
    assert_eq!(sweep("/conformance", &is_busy), 0, "swept twice");
    assert_eq!(sweep("/conformance", &|_, _| false), 1);
    assert_eq!(fixture.scratches(), "");
    assert_eq!(removed.load(Ordering::SeqCst), 0);
}

/// Nobody writes into an idle service, it has its data, and it can take its own dump; asking changes nothing.
pub fn an_idle_service_is_told_as_it_is(fixture: &dyn Fixture) {
    let (before, live) = (fixture.data(), fixture.live());
    assert_eq!(live.moment().expect("an answer").writers, None);
    assert!(live.has_data().expect("an answer"));
    live.outlook(Some(&fixture.content(&fixture.export())), &Consent::default()).expect("its own dump");
    let now = chrono::Utc::now();
    live.end_dumps(now - chrono::TimeDelta::seconds(60)..now).expect("nothing to end");
    assert_eq!((fixture.data(), fixture.left()), (before, String::new()));
    fixture.lose();
    assert!(!live.has_data().expect("an answer"));
}

/// A dump that no disk can hold is refused, and the service is as it was.
pub fn what_cannot_fit_is_refused_before_anything_is_touched(fixture: &dyn Fixture) {
    let before = fixture.data();
    let mut content = fixture.content(&fixture.export());
    content.data_bytes = u64::MAX / 2;
    let failure = fixture.live().has_room(&content).expect_err("it has no such room");
    assert_eq!(failure.kind, Kind::NoSpace, "{}", failure.reason());
    assert!(!failure.remedies.is_empty());
    assert_eq!((fixture.data(), fixture.left()), (before, String::new()));
}
