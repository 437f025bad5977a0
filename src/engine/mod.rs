//! What we know of each datastore. Outside `engine::<name>` nothing names SQL, a client program, the inside of a container
//! or a table: a datastore is one folder that answers to these traits, and one line in `datastores.rs`.
//!
//! Promises: reading a dump never runs any of it; the live data is not touched before [`Live::commit`]; whatever a kill
//! leaves, [`Live::settle`] finishes or undoes, and doing that twice changes nothing. Must not know: catalogues, records,
//! settings, verbs. How a restore takes the live data's place is the engine's own affair: by a rename, by an exchange of
//! folders, with a restart of the server or without. `tests/engine` holds every engine to these promises.

mod dump;
pub mod file_kind;
mod parts;
pub mod postgres;
mod restore_options;

use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::datastores::datastores;
use crate::domain::{
    BackupId, Comparison, Consent, Datastore, DumpFormat, ForeignCode, Replacement, Service, Session, Settled,
    TableRows,
};
use crate::error::{Failure, Remedy, Result, Speech};
use crate::sys::child::Child;
use crate::sys::docker::Docker;

pub use dump::Dump;
pub use file_kind::FileKind;
pub use parts::{ByName, InOrder, Parts};
pub use restore_options::RestoreOptions;

macro_rules! engines {
    ($($name:ident $folder:ident),* $(,)?) => {
        /// The engine of a datastore.
        pub fn of(datastore: Datastore) -> &'static dyn Engine {
            match datastore {
                $(Datastore::$name => &$folder::$name,)*
            }
        }
    };
}

datastores!(engines);

/// Every engine there is.
pub fn all() -> impl Iterator<Item = &'static dyn Engine> {
    Datastore::ALL.iter().copied().map(of)
}

/// A format in which a datastore's dumps are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Its name in records, and with it its files' ending.
    pub format: DumpFormat,
    /// Dumps of it, as people call them: `plain SQL`.
    pub words: &'static str,
}

/// One datastore.
pub trait Engine: Sync + Debug {
    /// What people call it.
    fn label(&self) -> &'static str;

    /// The formats that are read; the first one is what its plugin's export writes.
    fn formats(&self) -> &'static [Format];

    /// The format of a dump made elsewhere, called `name`, that begins with `head`
    /// ([`file_kind::HEAD`] bytes, or all there are). Fails as `damaged`, with what it is and what to do with it.
    fn recognise(&self, head: &[u8], name: &str) -> Result<DumpFormat>;

    /// The file that tells what a dump in several files is made of; none where no dump is in several.
    fn index(&self) -> Option<&'static str>;

    /// One dump out of several files, as a stream. Fails as `damaged` where they do not fit each other.
    fn gather(&self, parts: Parts) -> Result<Box<dyn Read + Send>>;

    /// What may be the matter, and where to look, when nothing comes from an export any more.
    fn hung_hint(&self) -> &'static str;

    /// How its programs speak of a failure: nothing of the data in their words is kept.
    fn speech(&self) -> &'static Speech;

    /// Reads a dump to its exact end; fails as `damaged` when anything is missing, mangled or added.
    fn inspect(&self, format: DumpFormat, dump: &mut dyn Read) -> Result<Content>;

    /// Reads a dump in the format of the plugin's export like [`inspect`](Engine::inspect), and writes it into `unpacked` with
    /// its data as it is once decompressed: the same dump, in which equal data gives equal bytes.
    fn unpack(&self, dump: &mut dyn Read, unpacked: &mut dyn Write) -> Result<Content>;

    /// The running service; `database` is the name of what it holds, where that is known.
    fn attach(&self, docker: &Docker, service: &Service, database: Option<&str>) -> Box<dyn Live>;

    /// Starts a throw-away server of `image` for the verification of `owner`, set as the service's own server is in what
    /// matters for loading; `options` says what that one is started with, and is asked where it does not run. `memory` is
    /// Docker's word, and `removed` is called when nothing of it is left.
    fn disposable(
        &self,
        docker: &Docker,
        image: &str,
        owner: &Owner,
        memory: &str,
        options: &dyn Fn() -> Option<String>,
        removed: Box<dyn FnOnce() + Send + Sync>,
    ) -> Result<Box<dyn Scratch>>;

    /// Removes this datastore's throw-away servers of the host `root` on whose backup nothing works, as `is_worked_on`
    /// says. Returns how many there were.
    fn sweep(&self, docker: &Docker, root: &str, is_worked_on: &dyn Fn(&Service, &BackupId) -> bool) -> Result<usize>;

    /// The server elsewhere at `address`; refused where the datastore has none.
    fn remote(&self, address: &str) -> Result<Box<dyn Remote>>;

    /// Removes what a crash has left of a dump of a server elsewhere for `service`, whose lock is held.
    fn sweep_remote(&self, docker: &Docker, root: &str, service: &Service) -> Result<()>;
}

impl dyn Engine {
    /// The format that its plugin's export writes.
    pub fn exported(&self) -> DumpFormat {
        self.formats().first().map_or_else(DumpFormat::default, |format| format.format)
    }

    /// What dumps of this format are called.
    pub fn words(&self, format: DumpFormat) -> &'static str {
        let known = self.formats().iter().find(|known| known.format == format);
        known.map_or("unknown to it", |known| known.words)
    }
}

/// Whose a throw-away server is: what its labels say.
#[derive(Debug, Clone)]
pub struct Owner {
    /// The data root: tells our host's containers from another's.
    pub root: String,
    /// The service.
    pub service: Service,
    /// The backup that is worked on.
    pub backup: BackupId,
}

/// How much a throw-away server may write.
#[derive(Debug)]
pub struct Bound {
    /// In bytes.
    pub bytes: u64,
    /// The same for people.
    pub words: String,
    /// What to type where that is too little.
    pub remedy: Remedy,
}

/// A running service.
pub trait Live: Send + Sync + Debug {
    /// The same service, its answers not stopped by signals.
    fn uninterruptible(&self) -> Box<dyn Live>;

    /// What there is to know of the moment at which a dump is made.
    fn moment(&self) -> Result<Moment>;

    /// Starts the service's own dump program, in the format of the plugin's export and with what makes it fast; `idle` is
    /// how long nothing may come from it. Owners and privileges are in it where `grants` is set. Its end is proof.
    fn dump(&self, idle: Duration, grants: bool) -> Result<Child>;

    /// What a dump of it that has begun waits for, in words, where that is somebody else's lock.
    fn waits_for(&self) -> Result<Option<String>>;

    /// Ends what our dump that began in this time and was killed on the host has left running inside.
    fn end_dumps(&self, began: Range<DateTime<Utc>>) -> Result<()>;

    /// False where the data itself is gone: the server answers, and has none.
    fn has_data(&self) -> Result<bool>;

    /// Whether a dump of this `content` (or nothing) can take the data's place, and what that would mean. Touches nothing;
    /// refuses what the server cannot take (its version, what it lacks) and what would keep the old data from being
    /// removed afterwards. `consent` says what is left out.
    fn outlook(&self, content: Option<&Content>, consent: &Consent) -> Result<Outlook>;

    /// Refuses, as `NoSpace`, what the server has no room for beside the live data.
    fn has_room(&self, content: &Content) -> Result<()>;

    /// How the data would be replaced; touches nothing. `mark` (digits) tells this replacement from every other; a
    /// `restricted` one is filled without privileges; `roles` are missing and are made for it; `lost` is the replacement in
    /// which the data was lost, if it was.
    fn plan(&self, mark: &str, restricted: bool, roles: &[String], lost: Option<&Replacement>) -> Result<Replacement>;

    /// Makes the empty place beside the live data, and notes in `to` by what it is known again.
    fn make(&self, to: &mut Replacement) -> Result<()>;

    /// Fills it, compares it with what the dump holds, and gives it what belongs to the live data's place. Without a dump
    /// it stays as empty as that of a new service.
    fn fill(&self, to: &Replacement, dump: Option<Dump>, how: RestoreOptions) -> Result<Compared>;

    /// Puts it in the live data's place. From here on signals are not obeyed.
    fn commit(&self, to: &Replacement) -> Result<()>;

    /// Finishes a replacement that has happened and undoes any other, as the server itself answers.
    fn settle(&self, to: &Replacement) -> Result<Settled>;
}

/// What a test restore showed: what came back equal, or why it did not, with what to do about that.
pub type Shown = Result<Compared, Failure>;

/// A throw-away server; dropping it removes it.
pub trait Scratch: Send + Debug {
    /// Restores `dump` into it and compares. The outer failure says nothing about the dump, the inner one is why it does
    /// not restore.
    fn restore_and_compare(&mut self, docker: &Docker, dump: Dump, bound: &Bound, how: RestoreOptions)
    -> Result<Shown>;

    /// What is worth a line in the log: how it had to be started, for instance.
    fn note(&self) -> Option<String>;
}

/// A server elsewhere that can be dumped.
pub trait Remote: Debug {
    /// What to call it: never its password.
    fn words(&self) -> String;

    /// Whether its password stood in the address.
    fn has_password(&self) -> bool;

    /// Its host, as written.
    fn host(&self) -> &str;

    /// The same server, to be asked at these addresses alone: what its name stands for may change.
    fn at(&self, addresses: Vec<IpAddr>) -> Box<dyn Remote>;

    /// Dumps it with the programs of `image`, for `service`, whose lock is held: nothing may come for `idle`, and all of
    /// it within `total`. The end of the stream is proof.
    fn dump(
        &self,
        docker: &Docker,
        image: &str,
        root: &str,
        service: &Service,
        idle: Duration,
        total: Duration,
    ) -> Result<Box<dyn Read + Send>>;
}

/// The moment at which a dump is made.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// Why the dump is suspicious: who else writes into the data.
    pub writers: Option<String>,
    /// The settings by which values are written.
    pub session: Session,
}

/// What replacing the live data would mean beside the data itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Roles that the dump names and the server lacks: they are made, and nobody can log in by them.
    pub roles: Vec<String>,
    /// What goes with the live data and is not in the dump, a line each, with counts: `2 grants to reader`.
    pub lost: Vec<String>,
    /// What else there is to know before agreeing, a line each.
    pub notes: Vec<String>,
    /// What would be wrong afterwards, a line each: refused, unless it is forced.
    pub dangers: Vec<String>,
}

/// What was compared, and found equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Tables.
    pub tables: u64,
    /// Rows in them.
    pub rows: u64,
    /// By what they were compared.
    pub how: Comparison,
    /// What could not be compared in full, in words: tables of which the rows were counted, for instance.
    pub not_compared: Vec<String>,
    /// What of owners and privileges was not given back, in words; of a restore into a live service.
    pub not_given: Vec<String>,
}

/// What a whole dump holds, as counted in the dump itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// How it is written.
    pub format: DumpFormat,
    /// What in it needs consent when it was made elsewhere, each with its place.
    pub programs: Vec<String>,
    /// What in it is more than data. Of one's own backups it says nothing that matters.
    pub code: ForeignCode,
    /// A line of text from which on only the server can tell what is quoted.
    pub ambiguous: Option<u64>,
    /// Rows of every table that holds data.
    pub tables: Vec<TableRows>,
    /// The server's word for its version.
    pub server_version: String,
    /// The dump program's word for its version.
    pub dump_tool_version: String,
    /// Name of the database dumped.
    pub database: String,
    /// The dump's character encoding, in the datastore's word.
    pub encoding: Option<String>,
    /// Its text is in no encoding that is known, and not in UTF-8: not every server holds it as text.
    pub is_not_utf8: bool,
    /// Extensions it needs.
    pub extensions: Vec<String>,
    /// Tables in [`tables`](Self::tables) that an extension makes, the dump holding only rows that were added.
    pub extension_tables: Vec<ExtensionTable>,
    /// Large objects in it.
    pub large_objects: u64,
    /// What they are, whatever their order; none where that cannot be told.
    pub large_object_digest: Option<String>,
    /// The objects that it makes, each with a hash of its definition; empty where the dump does not tell them one by one.
    pub objects: Arc<[Object]>,
    /// Owners and privileges in it that are to be given back: whoever proves a dump takes out those that are not.
    pub grants: Arc<[Grant]>,
    /// Bytes of data once unpacked.
    pub data_bytes: u64,
}

/// An object that a dump makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// Its kind, in the datastore's words.
    pub kind: String,
    /// Its schema; empty where it has none.
    pub schema: String,
    /// Its name, as the dump has it.
    pub name: String,
    /// A hash of its definition, in a form that dumps of equal databases share.
    pub definition: [u8; 32],
    /// A restore that has no privileges does not make it as it stands.
    pub left_out: bool,
}

/// Whose something is, or who may do what with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What it is about, in words.
    pub what: String,
    /// The roles that have to be there.
    pub roles: Vec<String>,
    /// What says it again, in the datastore's language.
    pub statement: String,
}

/// A table that comes with an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionTable {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The extension's name.
    pub extension: String,
}

impl Content {
    /// What is left of it when `extensions` are left out.
    #[must_use]
    pub fn without(mut self, extensions: &[String]) -> Content {
        let left_out = |schema: &str, name: &str| {
            let of = |table: &&ExtensionTable| table.schema == schema && table.name == name;
            self.extension_tables.iter().find(of).is_some_and(|table| extensions.contains(&table.extension))
        };
        let tables = std::mem::take(&mut self.tables);
        let tables = tables.into_iter().filter(|table| !left_out(&table.schema, &table.name)).collect();
        self.tables = tables;
        self.extensions.retain(|name| !extensions.contains(name));
        self.code = self.code.without(extensions);
        self
    }

    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_datastore_has_an_engine_that_exports_something() {
        for engine in all() {
            assert!(!engine.formats().is_empty(), "{}", engine.label());
        }
    }
}
