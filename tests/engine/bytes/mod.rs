//! A datastore that is no more than a file, and an engine that passes its bytes through: shows that nothing outside an
//! engine's folder has to know how a datastore is dumped, restored or put in place. A restore replaces a file here, as it
//! does in Redis; nothing is renamed away first.

mod engine;
mod live;
mod scratch;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use dokku_backups::domain::{Datastore, DumpFormat, Service};
use dokku_backups::engine::Engine;
use dokku_backups::sys::docker::Docker;

use super::{Fixture, promises, replacing};
use engine::{Bytes, Flaw, sealed};

/// A host with one service: a file of words, one a line.
pub struct Words {
    folder: PathBuf,
    engine: &'static Bytes,
    // Removed last.
    _dir: tempfile::TempDir,
}

/// Starts it.
pub fn up() -> Words {
    broken(None)
}

/// The same with an engine that breaks a promise.
fn broken(flaw: Option<Flaw>) -> Words {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("words");
    fs::create_dir(&folder).expect("a folder");
    let lines: Vec<String> = (1..=40).map(|n| format!("word {n}\n")).collect();
    fs::write(folder.join(live::DATA), lines.concat()).expect("data");
    // An engine lives as long as the program.
    let engine = Box::leak(Box::new(Bytes { root: dir.path().to_owned(), flaw }));
    Words { folder, engine, _dir: dir }
}

/// Names in a folder, but for those that are to be there.
fn names_but(folder: &Path, those: &[&str]) -> String {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| !those.contains(&name.as_str()));
    names.sort();
    names.join(" ")
}

impl Fixture for Words {
    fn engine(&self) -> &'static dyn Engine {
        self.engine
    }

    /// The list of datastores is closed where it was compiled; this engine does not look at it.
    fn service(&self) -> Service {
        Service { datastore: Datastore::ALL[0], name: "words".parse().expect("a name") }
    }

    fn database(&self) -> Option<String> {
        None
    }

    fn docker(&self) -> Docker {
        Docker::find("true", &"/usr/bin:/bin".into(), Vec::new()).expect("true")
    }

    fn image(&self) -> String {
        "none".to_owned()
    }

    fn data(&self) -> String {
        fs::read_to_string(self.folder.join(live::DATA)).unwrap_or_else(|error| error.to_string())
    }

    fn nothing(&self) -> String {
        String::new()
    }

    fn remove_a_row(&self) {
        let data = self.data();
        let less: String = data.split_inclusive('\n').skip(1).collect();
        fs::write(self.folder.join(live::DATA), less).expect("data");
    }

    fn lose(&self) {
        fs::remove_file(self.folder.join(live::DATA)).expect("data");
    }

    fn export(&self) -> Vec<u8> {
        sealed(self.data().as_bytes())
    }

    fn samples(&self) -> Vec<(&'static str, Vec<u8>, DumpFormat)> {
        vec![("words.dump", self.export(), DumpFormat::Custom)]
    }

    fn left(&self) -> String {
        names_but(&self.folder, &[live::DATA])
    }

    fn scratches(&self) -> String {
        names_but(&self.engine.root, &["words"])
    }
}

/// A promise of the suite, asked of one engine.
type Promise = fn(&dyn Fixture);

/// An engine that breaks a promise does not pass.
#[test]
fn a_broken_promise_is_noticed() {
    let cases: [(Flaw, Promise); 6] = [
        (Flaw::TakesCuts, promises::an_export_is_proven_to_its_exact_end),
        (Flaw::FillsLive, replacing::a_replacement_shows_only_once_it_is_committed),
        (Flaw::LeavesMade, replacing::whatever_step_was_the_last_the_next_run_settles_it),
        (Flaw::SettlesBlindly, replacing::whatever_step_was_the_last_the_next_run_settles_it),
        (Flaw::SweepsOthers, promises::a_sweep_removes_only_what_nobody_works_on),
        (Flaw::ComparesNothing, promises::a_test_restore_compares),
    ];
    for (flaw, promise) in cases {
        let words = broken(Some(flaw));
        let noticed = catch_unwind(AssertUnwindSafe(|| promise(&words))).is_err();
        assert!(noticed, "{flaw:?} passes");
    }
}
