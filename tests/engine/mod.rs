//! What every engine has promised, once: functions over any of them, given a host of its own with a service that holds
//! data. An engine is added with its fixture, and one line at the end of this file.
//!
//! What a kill *inside* a step leaves is tried through the plugin's command line (`truth_kills`); here the run ends between
//! steps, in the middle of the bytes, and before what was made could be noted.

mod bytes;
mod postgres;
mod promises;
mod replacing;

use std::time::Duration;

use dokku_backups::domain::{Consent, DumpFormat, Origin, Service};
use dokku_backups::engine::{Content, Dump, Engine, Live, RestoreOptions};
use dokku_backups::sys::docker::Docker;
use dokku_backups::sys::stdin::Input;

/// More than any step of these small services takes.
const LIMIT: Duration = Duration::from_secs(60);
/// Several clients, however small the dump is.
const HOW: RestoreOptions = RestoreOptions { timeout: LIMIT, jobs: 3, always: true };

/// One engine, and a host of its own with one service that is up and holds data.
pub trait Fixture {
    /// The engine.
    fn engine(&self) -> &'static dyn Engine;

    /// The service.
    fn service(&self) -> Service;

    /// The name of what it holds, as its plugin tells it.
    fn database(&self) -> Option<String>;

    /// The host's Docker.
    fn docker(&self) -> Docker;

    /// The image that a throw-away server is made of.
    fn image(&self) -> String;

    /// Everything that the service holds, in words that are equal only where the data is.
    fn data(&self) -> String;

    /// The same of a new service.
    fn nothing(&self) -> String;

    /// Removes one row; its dumps hold one less than before.
    fn remove_a_row(&self);

    /// Takes the data away as an accident would: the server is up, and has none.
    fn lose(&self);

    /// What the plugin's export gives.
    fn export(&self) -> Vec<u8>;

    /// Dumps of this data as programs elsewhere write them: name, bytes, and the format they are to be recognised as.
    fn samples(&self) -> Vec<(&'static str, Vec<u8>, DumpFormat)>;

    /// What is left in the service of a replacement, in words; empty where nothing is.
    fn left(&self) -> String;

    /// The throw-away servers that there are, in words; empty where there are none.
    fn scratches(&self) -> String;
}

/// What the tests ask of every fixture beyond what it says itself.
trait Asked: Fixture {
    fn live(&self) -> Box<dyn Live> {
        self.engine().attach(&self.docker(), &self.service(), self.database().as_deref())
    }

    /// As the next command sees the service: it knows nothing but what the journal holds.
    fn live_of_the_next_run(&self) -> Box<dyn Live> {
        self.engine().attach(&self.docker(), &self.service(), None).uninterruptible()
    }

    /// What is in these bytes; they must be a whole dump.
    #[track_caller]
    fn content(&self, bytes: &[u8]) -> Content {
        let engine = self.engine();
        engine.inspect(engine.exported(), &mut &bytes[..]).expect("a whole dump")
    }

    /// These bytes as a dump of this very service that was proven.
    #[track_caller]
    fn dump(&self, bytes: &[u8]) -> Dump {
        let input = Input::Stream(Box::new(std::io::Cursor::new(bytes.to_vec())));
        Dump::proven(input, self.content(bytes), Origin::Own, Consent::default())
    }
}

impl<F: Fixture + ?Sized> Asked for F {}

/// One test for each promise of each engine.
macro_rules! hold {
    ($($engine:ident: [$($file:ident::$promise:ident),* $(,)?]);* $(;)?) => {
        $(mod $engine {
            $(#[test]
            fn $promise() {
                super::super::$file::$promise(&super::super::$engine::up());
            })*
        })*
    };
}

macro_rules! engines {
    ($($engine:ident)*) => {
        mod held {
            hold! { $($engine: [
                promises::an_export_is_proven_to_its_exact_end,
                promises::an_unpacked_dump_is_the_same_dump,
                promises::a_direct_dump_holds_what_the_export_does,
                promises::a_dump_is_recognised_and_anything_else_refused,
                promises::a_test_restore_compares,
                promises::a_sweep_removes_only_what_nobody_works_on,
                promises::an_idle_service_is_told_as_it_is,
                promises::what_cannot_fit_is_refused_before_anything_is_touched,
                replacing::a_replacement_shows_only_once_it_is_committed,
                replacing::a_dump_made_elsewhere_is_filled_without_privileges,
                replacing::a_service_is_made_as_empty_as_a_new_one,
                replacing::whatever_step_was_the_last_the_next_run_settles_it,
                replacing::lost_data_is_put_back,
            ]);* }
        }
    };
}

// The engines, one line each.
engines! {
    postgres
    bytes
}
