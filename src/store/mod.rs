//! The store that copies go to: objects by key, and nothing of backups and their records. What each kind of store
//! promises is written here once, and `tests/it/conformance.rs` asks it of every one.
//!
//! Credentials are only ever those that were handed in. No message carries them.

mod choose;
mod folder;
mod s3;

use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use choose::open;

use chrono::{DateTime, Utc};

use crate::domain::Destination;
use crate::error::{Failure, Kind, Result};
use crate::sys::random;
use crate::sys::reach::Reach;

/// How often a place is tried that does not show what was written there.
const TRIES: usize = 3;

/// What an object is made of: read on whatever thread the store likes.
pub type Source = Box<dyn Read + Send>;

/// A store at one destination. Keys are relative to that: steps between slashes, `postgres/shop/NAME`. Cheap to open;
/// nothing is asked of it before the first call. Whatever cannot be answered is a failure, never an empty answer: what
/// is told to be missing is taken for lost.
pub trait Store: fmt::Debug + Send + Sync {
    /// Where it is.
    fn destination(&self) -> &Destination;

    /// Makes a new object of everything that comes from `source`, carrying the word `mark`, durable when it returns. It
    /// is seen whole or not at all, whatever happens, and nothing is ever replaced. `about` is the size to expect in
    /// bytes, where it is known. What a failure leaves behind, [`Store::abort_leftovers`] finds.
    fn put_stream(&self, key: &str, source: Source, about: Option<u64>, mark: &str, cancel: &Cancel) -> Result<Put>;

    /// Writes a small object whole, in place of what is there only if `replace` says so; whether it was written.
    fn put_small(&self, key: &str, bytes: Vec<u8>, replace: bool) -> Result<bool>;

    /// The first `size` bytes of an object, in order and in bounded memory. An object that has fewer ends in an error.
    fn read<'a>(&'a self, key: &str, size: u64) -> Result<Box<dyn Read + Send + 'a>>;

    /// What there is of an object; `None` where there is none.
    fn head(&self, key: &str) -> Result<Option<Object>>;

    /// Every object whose key begins with `prefix`, in no order.
    fn list(&self, prefix: &str) -> Result<Vec<Object>>;

    /// Removes an object; one that is not there is not an error.
    fn delete(&self, key: &str) -> Result<Removal>;

    /// Removes what puts that never ended have left of keys below `prefix` that are `ours`; how many there were.
    /// Nothing may be writing to those keys.
    fn abort_leftovers(&self, prefix: &str, ours: &dyn Fn(&str) -> bool) -> Result<usize>;

    /// Makes of the place what it has to be before anything is put there; once, when somebody chooses it. Nothing is to
    /// lie below `forbidden`.
    fn prepare(&self, forbidden: &[&Path]) -> Result<()> {
        let _ = forbidden;
        Ok(())
    }

    /// What whoever relies on this place should know, where the backups themselves lie below `data_root`: why it
    /// protects from less than it seems to. Asks nothing of another machine.
    fn caution(&self, data_root: &Path) -> Option<String> {
        let _ = data_root;
        None
    }

    /// All of a small object, of at most `limit` bytes; `None` where there is none.
    fn get_small(&self, key: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let Some(object) = self.head(key)? else { return Ok(None) };
        if object.size > limit {
            return Err(Failure::new(Kind::Damaged, format!("{key} is larger than {limit} bytes")));
        }
        let mut bytes = Vec::new();
        self.read(key, object.size)?.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Whether the store itself keeps the object `key`, which is there, from being replaced by one that has to be new: of
    /// two that put at once one wins. It is replaced where that is not so.
    fn refuses_to_replace(&self, key: &str) -> Result<bool> {
        let _ = key;
        Ok(true)
    }

    /// Shows that the store takes, gives and lists objects; what it does not do of what makes copies safer, in words. The
    /// object `name` must be this host's alone: it stays where the store lets it not be removed.
    fn probe(&self, name: &str) -> Result<Vec<String>> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_once(name) {
                // Somebody else on this host may be trying the same.
                Err(failure) if failure.kind == Kind::Damaged && tries < TRIES => {}
                Err(mut failure) if failure.kind == Kind::Damaged => {
                    failure.kind = Kind::Io;
                    return Err(failure);
                }
                tried => return tried,
            }
        }
    }

    /// One try of [`Store::probe`]; damaged where it does not show what was written.
    fn try_once(&self, name: &str) -> Result<Vec<String>> {
        let word = random::word()?;
        let words = format!("{name}: written to see that it can be, and deleted at once ({word})\n").into_bytes();
        self.put_small(name, words.clone(), true)?;
        let read = self.get_small(name, 4096);
        let listed = self.list(name);
        let refuses = self.refuses_to_replace(name);
        let removal = self.delete(name)?;
        let to = self.destination();
        let wrong = |what: &str| Failure::new(Kind::Damaged, format!("{to} {what}"));
        if read?.as_ref() != Some(&words) {
            return Err(wrong("did not give back what was written"));
        }
        if !listed?.iter().any(|object| object.key == name) {
            return Err(wrong("does not list what was written"));
        }
        let mut lacks = Vec::new();
        if removal == Removal::Refused {
            let stays = "copies of deleted backups stay there until somebody else removes them";
            lacks.push(format!(
                "nothing can be removed at {to} with this key: {stays}, and so does {name}, written to try it"
            ));
        }
        if !refuses? {
            let why = "its server does not know If-None-Match";
            let least = "let only one host copy to this prefix";
            lacks.push(format!(
                "{to} lets an object be replaced by another that is put at the same moment ({why}): {least}"
            ));
        }
        Ok(lacks)
    }
}

/// What became of an object that was to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Removal {
    /// It is not there any more.
    Gone,
    /// It is there, and who comes with this key may not remove it.
    Refused,
}

/// An object as the store tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// The word that its upload carried; not told by lists.
    pub mark: Option<String>,
    /// What the store calls these bytes, without quotes: another word is another object. `None` where it has no such word.
    pub etag: Option<String>,
    /// Until when the store keeps these bytes whoever wants them gone (S3's Object Lock); not told by lists.
    pub kept_until: Option<DateTime<Utc>>,
}

/// How an upload ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The object is there, of this size by the store's own word, and is what was sent.
    Done(u64),
    /// An object of this size is there: from an earlier time, or from ourselves when the answer was lost. Whether it
    /// holds the same bytes only reading it tells. Nothing was replaced.
    There(u64),
}

/// Calls an upload off from elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// From now on the upload ends as soon as it can, and takes back what it did.
    pub fn now(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn is_called(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

fn called_off() -> Failure {
    Failure::new(Kind::Io, "the upload was called off")
}

/// Words that are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the words.
    pub fn new(words: impl Into<String>) -> Secret {
        Secret(words.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("********")
    }
}

/// Where a store is and how to be let in. What the kind of store does not need is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its address.
    pub destination: Destination,
    /// Address of an S3 store; AWS itself without one. Plain http only where it says `http://`.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: String,
    /// Public half of the key.
    pub key_id: Secret,
    /// Secret half.
    pub secret: Secret,
    /// How long an answer may take, if not as long as usual.
    pub patience: Duration,
    /// Which addresses it may have.
    pub reach: Reach,
}
