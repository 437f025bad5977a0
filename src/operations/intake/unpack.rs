//! What comes in is what its bytes say: layers of encryption and compression are taken off, then the dump itself is
//! recognised. The name decides only where the bytes leave it open.

use std::io::{self, Cursor, Read};

use crate::codec::{Identities, decode};
use crate::domain::{Compression, DumpFormat, StoredAs};
use crate::engine::Engine;
use crate::engine::file_kind::{FileKind, HEAD, sniff};
use crate::error::{Failure, Kind, Result};
use crate::stream::Heard;
use crate::ui::bytes;

/// Layers taken off: encryption, then compression.
const LAYERS: usize = 2;

/// A stream of bytes from somewhere.
pub type Bytes = Box<dyn Read + Send>;

/// A dump without its layers.
pub struct Unpacked {
    /// The dump itself, which fails when it goes beyond its limit.
    pub dump: Bytes,
    /// How it is written.
    pub format: DumpFormat,
}

/// Takes the layers off `source`, called `name`, whose dump may have `limit` bytes and is one that `engine` recognises.
pub fn unpack(
    engine: &dyn Engine,
    source: Bytes,
    name: &str,
    identities: &dyn Fn() -> Result<Identities>,
    limit: u64,
) -> Result<Unpacked> {
    let mut source: Bytes = Box::new(Heard(source));
    for _ in 0..=LAYERS {
        let mut head = Vec::with_capacity(HEAD);
        (&mut source).take(HEAD as u64).read_to_end(&mut head)?;
        let layer = |compression, encrypted| StoredAs { compression, encrypted, ..StoredAs::UNCHANGED };
        let form = match sniff(&head) {
            FileKind::Gzip => layer(Compression::Gzip, false),
            FileKind::Zstd => layer(Compression::Zstd, false),
            FileKind::Age => layer(Compression::None, true),
            _ => {
                let format = engine.recognise(&head, name)?;
                let inner = Box::new(Cursor::new(head).chain(source));
                return Ok(Unpacked { dump: Box::new(Limited { inner, left: limit, limit }), format });
            }
        };
        source = Box::new(Cursor::new(head).chain(source));
        let keys = if form.encrypted { identities()? } else { Identities::none() };
        source = Box::new(decode(source, form, &keys)?);
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
