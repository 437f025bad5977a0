//! The one dump in a tar file: what backups by datastore plugins, and people, wrap a dump in. A file in it is the dump, or
//! several are its parts; whatever else lies there is passed over, and named.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::unpack::{Bytes, PassedOver};
use crate::domain::shown;
use crate::engine::file_kind::{FileKind, HEAD, sniff};
use crate::engine::{Engine, InOrder, Parts};
use crate::error::{Failure, Kind, Result};
use crate::stream::pass;

/// Pieces that are read ahead.
const AHEAD: usize = 4;

/// What comes out of a tar file, in its order.
enum Item {
    /// A member: its path, and why it can be no dump, where that is so.
    Member(String, Option<&'static str>),
    /// Bytes of the last one.
    Bytes(Vec<u8>),
}

/// The members of a tar file, read by a thread of their own: the library lends them, one inside the other.
struct Members {
    items: Receiver<io::Result<Item>>,
    /// Bytes of the member at hand that came already.
    at_hand: Vec<u8>,
    sent: usize,
    /// The member that is next, where it came already.
    next: Option<(String, Option<&'static str>)>,
    over: bool,
}

impl Members {
    fn of(source: Bytes) -> Members {
        let (to, items) = sync_channel(AHEAD);
        std::thread::spawn(move || {
            let failed = Arc::new(Mutex::new(None));
            let mut archive = ::tar::Archive::new(Own { source, failed: Arc::clone(&failed) });
            let walk = || -> Result<()> {
                for member in archive.entries()? {
                    let mut member = member?;
                    let path = String::from_utf8_lossy(&member.path_bytes()).into_owned();
                    let why = why_not(member.header().entry_type());
                    to.send(Ok(Item::Member(path, why))).map_err(|_| unheard())?;
                    pass(&mut member, &mut |piece| to.send(Ok(Item::Bytes(piece.to_vec()))).map_err(|_| unheard()))?;
                }
                // What follows the end belongs to nothing, but it has to come for the source to be proven whole.
                pass(&mut archive.into_inner(), &mut |_| Ok(())).map(|_| ())
            };
            if let Err(error) = walk() {
                // The library wraps what went wrong with the source; everything else it says is about the tar file.
                let own = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
                let told = || Failure::new(Kind::Damaged, "the tar file is damaged").because(error.reason());
                let _ = to.send(Err(own.unwrap_or_else(told).into()));
            }
        });
        Members { items, at_hand: Vec::new(), sent: 0, next: None, over: false }
    }

    /// Goes to the next member.
    fn advance(&mut self) -> Result<Option<(String, Option<&'static str>)>> {
        while self.next.is_none() && !self.over {
            self.fetch()?;
        }
        self.at_hand.clear();
        self.sent = 0;
        Ok(self.next.take())
    }

    /// The first bytes of the member at hand, which are not passed over by that.
    fn head(&mut self) -> Result<&[u8]> {
        let mut head = Vec::new();
        while head.len() < HEAD && self.next.is_none() && !self.over {
            self.sent = 0;
            self.at_hand.clear();
            self.fetch()?;
            head.extend_from_slice(&self.at_hand);
        }
        self.at_hand = head;
        self.sent = 0;
        Ok(&self.at_hand)
    }

    fn fetch(&mut self) -> io::Result<()> {
        match self.items.recv() {
            Ok(Ok(Item::Bytes(bytes))) => (self.at_hand, self.sent) = (bytes, 0),
            Ok(Ok(Item::Member(path, why))) => self.next = Some((path, why)),
            Ok(Err(error)) => return Err(error),
            Err(_) => self.over = true,
        }
        Ok(())
    }
}

impl Read for Members {
    /// Reads the member at hand.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.sent == self.at_hand.len() {
            if self.next.is_some() || self.over {
                return Ok(0);
            }
            self.fetch()?;
        }
        let count = into.len().min(self.at_hand.len() - self.sent);
        into[..count].copy_from_slice(&self.at_hand[self.sent..self.sent + count]);
        self.sent += count;
        Ok(count)
    }
}

/// The source, whose failures are kept aside.
struct Own {
    source: Bytes,
    failed: Arc<Mutex<Option<Failure>>>,
}

impl Read for Own {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.source.read(into).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => {
                *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.into());
                io::Error::other("the source failed")
            }
        })
    }
}

/// Ends a thread that works for nobody; nobody hears it either.
fn unheard() -> Failure {
    Failure::new(Kind::Io, "nobody reads this any more")
}

fn why_not(kind: ::tar::EntryType) -> Option<&'static str> {
    match kind {
        kind if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() => None,
        kind if kind.is_dir() => Some("a folder"),
        kind if kind.is_symlink() || kind.is_hard_link() => Some("a link"),
        _ => Some("no file"),
    }
}

/// The name at the end of a path.
fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The dump in `source`, a tar file called `called`: a stream that fails where a second one follows.
pub(super) fn dump_in(engine: &'static dyn Engine, source: Bytes, called: &str, passed: &PassedOver) -> Result<Bytes> {
    let mut rest = Rest { members: Members::of(source), engine, called: called.to_owned(), passed: passed.clone() };
    while let Some((path, why)) = rest.members.advance()? {
        if why.is_none() && engine.index() == Some(name(&path)) {
            return engine.gather(Parts::InOrder(Box::new(rest)));
        }
        if rest.is_dump(&path, why)? {
            return Ok(Box::new(One { rest, over: false }));
        }
    }
    Err(Failure::new(Kind::Damaged, format!("there is no dump in {called}: {}", passed.words())))
}

/// What is left of a tar file.
struct Rest {
    members: Members,
    engine: &'static dyn Engine,
    called: String,
    passed: PassedOver,
}

impl Rest {
    /// Whether the member at hand is a dump; where it is not, that is noted.
    fn is_dump(&mut self, path: &str, why: Option<&'static str>) -> Result<bool> {
        if let Some(why) = why {
            // A folder holds nothing by itself.
            if why != "a folder" {
                self.passed.note(path, why);
            }
            return Ok(false);
        }
        let head = self.members.head()?;
        let kind = sniff(head);
        // A tar file in a tar file is nobody's dump.
        let is_packed = kind.may_hold_a_dump() && kind != FileKind::Tar;
        let is_dump = is_packed || self.engine.recognise(head, name(path)).is_ok();
        if !is_dump {
            self.passed.note(path, &kind.to_string());
        }
        Ok(is_dump)
    }
}

impl Read for Rest {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.members.read(into)
    }
}

impl InOrder for Rest {
    fn advance(&mut self) -> Result<Option<String>> {
        loop {
            match self.members.advance()? {
                Some((_, Some("a folder"))) => {}
                Some((path, Some(why))) => self.passed.note(&path, why),
                Some((path, None)) => return Ok(Some(name(&path).to_owned())),
                None => return Ok(None),
            }
        }
    }
}

impl std::fmt::Debug for Rest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.called)
    }
}

/// The one member that is the dump, and behind it the proof that it was the only one.
struct One {
    rest: Rest,
    over: bool,
}

impl Read for One {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.rest.read(into)?;
        if count > 0 || into.is_empty() || self.over {
            return Ok(count);
        }
        while let Some((path, why)) = self.rest.members.advance()? {
            if self.rest.is_dump(&path, why)? {
                let called = &self.rest.called;
                let text = format!("there are several dumps in {called}, one of them {}", shown(&path));
                return Err(Failure::new(Kind::Damaged, text)
                    .hint("take in one at a time: tar -xOf FILE NAME | dokku backups:import SERVICE --file -")
                    .into());
            }
        }
        self.over = true;
        Ok(0)
    }
}
