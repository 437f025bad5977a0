//! What comes in is what its bytes say: layers of encryption and compression are taken off, then the dump itself is
//! recognised. The name decides only where the bytes leave it open.

use std::io::{self, Cursor, Read};

use crate::codec::{Identities, decode};
use crate::domain::{Compression, DumpFormat, Form};
use crate::engine::postgres::archive::{Looks, looks_like};
use crate::error::{Failure, Kind, Result};
use crate::stream::Heard;
use crate::ui::bytes;

/// Bytes looked at: enough for what stands deepest, a tar file's mark.
const HEAD: usize = 4096;
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

/// Takes the layers off `source`, called `name`, whose dump may have `limit` bytes.
pub fn unpack(source: Bytes, name: &str, identities: &dyn Fn() -> Result<Identities>, limit: u64) -> Result<Unpacked> {
    let mut source: Bytes = Box::new(Heard(source));
    for _ in 0..=LAYERS {
        let mut head = Vec::with_capacity(HEAD);
        (&mut source).take(HEAD as u64).read_to_end(&mut head)?;
        let looks = looks_like(&head);
        source = Box::new(Cursor::new(head).chain(source));
        let layer = |compression, encrypted| Form { compression, encrypted, ..Form::PLAIN };
        let form = match looks {
            Looks::Gzip => layer(Compression::Gzip, false),
            Looks::Zstd => layer(Compression::Zstd, false),
            Looks::Age => layer(Compression::None, true),
            other => {
                let format = recognise(other, name)?;
                return Ok(Unpacked { dump: Box::new(Limited { inner: source, left: limit, limit }), format });
            }
        };
        let keys = if form.encrypted { identities()? } else { Identities::none() };
        source = Box::new(decode(source, form, &keys)?);
    }
    Err(Failure::new(Kind::Damaged, format!("{name} is packed more than {LAYERS} times")))
}

fn recognise(looks: Looks, name: &str) -> Result<DumpFormat> {
    let lower = name.to_ascii_lowercase();
    let named_sql = [".sql", ".sql.gz", ".sql.zst", ".sql.age"].iter().any(|ending| lower.ends_with(ending));
    let failure = Failure::new(Kind::Damaged, format!("{name} is no dump of PostgreSQL: it looks like {looks}"));
    match looks {
        Looks::Archive => Ok(DumpFormat::Custom),
        Looks::PlainSql => Ok(DumpFormat::Plain),
        Looks::Text | Looks::Unknown if named_sql => Ok(DumpFormat::Plain),
        Looks::Tar => Err(failure.hint("when it is a dump of pg_dump -Ft: pg_restore -f dump.sql FILE")),
        Looks::DumpToc => Err(failure.hint("of the whole folder: pg_restore -f dump.sql FOLDER")),
        Looks::Lz4 | Looks::Bzip2 | Looks::Xz | Looks::Zip => {
            Err(failure.hint("unpack it first; gzip and zstd are unpacked here"))
        }
        Looks::CrlfMangled => Err(failure.hint("transfer it again, in binary and without a terminal (ssh without -t)")),
        _ => Err(failure),
    }
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
