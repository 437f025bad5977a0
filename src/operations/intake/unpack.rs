//! What comes in is what its bytes say: layers of encryption, compression and the like are taken off, then the dump itself
//! is recognised. The name decides only where the bytes leave it open.

use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, PoisonError};

use super::tar::dump_in;
use super::utf16::Utf16;
use crate::codec::{Identities, decode};
use crate::domain::{Compression, DumpFormat, StoredAs, shown};
use crate::engine::Engine;
use crate::engine::file_kind::{FileKind, HEAD, sniff};
use crate::error::{Failure, Kind, Result};
use crate::stream::Heard;
use crate::ui::bytes;

/// Layers taken off, of a tar file and again of what is in it: encryption, then compression.
const LAYERS: usize = 2;
/// Files that are named when they are passed over.
const NAMED: usize = 20;

/// A stream of bytes from somewhere.
pub type Bytes = Box<dyn Read + Send>;

/// A dump without its layers.
pub struct Unpacked {
    /// The dump itself, which fails when it goes beyond its limit.
    pub dump: Bytes,
    /// How it is written.
    pub format: DumpFormat,
    /// What came with it and is not taken, once the dump was read.
    pub passed_over: PassedOver,
}

/// Notes on what comes with a dump, and on what was done to read it.
#[derive(Debug, Clone, Default)]
pub struct PassedOver(Arc<Mutex<Vec<String>>>);

impl PassedOver {
    /// That `path` was passed over, which is `what`.
    pub(super) fn note(&self, path: &str, what: &str) {
        self.say(format!("{} was passed over: it is {what}", shown(path)));
    }

    pub(super) fn say(&self, words: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(words);
    }

    /// All of it, in lines; of many the first.
    pub fn lines(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let beyond = lines.len().saturating_sub(NAMED);
        let more = (beyond > 0).then(|| format!("and {beyond} more were passed over"));
        lines.iter().take(NAMED).cloned().chain(more).collect()
    }

    pub(super) fn words(&self) -> String {
        let lines = self.lines();
        if lines.is_empty() { "it is empty".to_owned() } else { lines.join("; ") }
    }
}

/// Takes the layers off `source`, called `name`, whose dump may have `limit` bytes and is one that `engine` recognises.
pub fn unpack(
    engine: &'static dyn Engine,
    source: Bytes,
    name: &str,
    identities: &dyn Fn() -> Result<Identities>,
    limit: u64,
) -> Result<Unpacked> {
    if name.contains(".dump.delta") {
        return Err(Failure::new(Kind::Damaged, format!("{name} holds only the differences from another backup"))
            .remedy("take it out as a whole where it was made", "dokku backups:download SERVICE --id ID > FILE")
            .remedy("where that host is gone, from its destination", "dokku backups:sync SERVICE")
            .hint("or put it together by hand: docs/by-hand.md"));
    }
    let (mut source, passed_over): (Bytes, _) = (Box::new(Heard(source)), PassedOver::default());
    let (mut layers, mut was_text, mut was_tar) = (0, false, false);
    while layers <= LAYERS {
        let mut head = Vec::with_capacity(HEAD);
        (&mut source).take(HEAD as u64).read_to_end(&mut head)?;
        let layer = |compression, encrypted| StoredAs { compression, encrypted, ..StoredAs::UNCHANGED };
        let form = match sniff(&head) {
            FileKind::Gzip => layer(Compression::Gzip, false),
            FileKind::Zstd => layer(Compression::Zstd, false),
            FileKind::Age => layer(Compression::None, true),
            FileKind::Tar if was_tar => {
                return Err(Failure::new(Kind::Damaged, format!("in {name} is a tar file in a tar file")));
            }
            FileKind::Tar => {
                (was_tar, layers) = (true, 0);
                source = dump_in(engine, Box::new(Cursor::new(head).chain(source)), name, &passed_over)?;
                continue;
            }
            FileKind::Utf16 if !was_text => {
                passed_over.say(format!("{name} was in UTF-16 and is kept in UTF-8"));
                source = Box::new(Utf16::new(Box::new(Cursor::new(head).chain(source))));
                was_text = true;
                continue;
            }
            _ => {
                let format = engine.recognise(&head, name)?;
                if was_text && format != DumpFormat::Plain {
                    let text = format!("{name} is an archive that was rewritten as text");
                    return Err(Failure::new(Kind::Damaged, text)
                        .hint("PowerShell's > does that, and its bytes are lost: dump again, with -f FILE"));
                }
                let inner = Box::new(Cursor::new(head).chain(source));
                let dump = Box::new(Limited { inner, left: limit, limit });
                return Ok(Unpacked { dump, format, passed_over });
            }
        };
        source = Box::new(Cursor::new(head).chain(source));
        let keys = if form.encrypted { identities()? } else { Identities::none() };
        source = Box::new(decode(source, form, &keys)?);
        layers += 1;
    }
    Err(Failure::new(Kind::Damaged, format!("{name} is packed more than {LAYERS} times")))
}

/// Bounds what comes out: a few bytes may unpack to more than the disk holds.
struct Limited {
    inner: Bytes,
    left: u64,
    limit: u64,
}

impl Read for Limited {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => {
                let text = format!("the dump is larger than {}, which is all it may take", bytes(self.limit));
                return Err(Failure::new(Kind::NoSpace, text)
                    .hint("make room, or allow more: dokku backups:set SERVICE import-limit 50g")
                    .into());
            }
        }
        Ok(count)
    }
}

impl std::fmt::Debug for Unpacked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a dump in {} format", self.format.name())
    }
}
