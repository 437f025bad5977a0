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

use crate::domain::Destination;
use crate::error::{Failure, Kind, Result};
use crate::sys::reach::Reach;

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
    fn delete(&self, key: &str) -> Result<()>;

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

    /// Shows that the store takes, gives, lists and removes objects. `name` must be used by nothing else.
    fn probe(&self, name: &str) -> Result<()> {
        let words = format!("{name}: written to see that it can be, and deleted at once\n").into_bytes();
        self.put_small(name, words.clone(), true)?;
        let read = self.get_small(name, 4096);
        let listed = self.list(name);
        self.delete(name)?;
        let failed = |what: &str| Failure::new(Kind::Io, format!("{} {what}", self.destination()));
        if read?.as_ref() != Some(&words) {
            return Err(failed("did not give back what was written"));
        }
        if !listed?.iter().any(|object| object.key == name) {
            return Err(failed("does not list what was written"));
        }
        Ok(())
    }
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
