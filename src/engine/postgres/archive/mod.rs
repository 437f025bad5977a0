//! Reads a custom-format archive of `pg_dump` (`pg_dump -Fc`) once, as it streams by, and proves it whole.
//!
//! `pg_restore --list` looks at the table of contents only and accepts a dump that was cut to a fraction; this reader
//! goes to the exact last byte: header, table of contents, every data block through its decompressor, every table's
//! rows. It keeps nothing but names and numbers, so memory does not grow with the data.
//!
//! An archive is accepted when it is exactly what `pg_dump` writes: values that it never writes are damage, even where
//! `pg_restore` would shrug. Cuts, appended bytes, CR LF translation, missing, repeated or foreign blocks, altered gzip
//! data and altered names of tables with COPY data do not pass. The format has no checksum of its own, so some
//! alterations pass here as they pass `pg_restore`: a letter inside a definition or another name; and, where the data is
//! not compressed or compressed with lz4 or zstd (`pg_dump` uses them without their checksums), a character inside a
//! value, or a line end in a table of one column.
//!
//! The format is PostgreSQL's `src/bin/pg_dump/pg_backup_archiver.c`, `pg_backup_custom.c` and `compress_*.c`:
//! versions 1.10 (PostgreSQL 8.0) to 1.16 (PostgreSQL 17 and 18, the newest there is).

mod blocks;
mod chunks;
pub(super) mod copy;
mod decode;
mod dump_kind;
mod encoding;
mod entry;
mod error;
mod extensions;
#[cfg(test)]
mod fixtures;
pub(super) mod gather;
mod grants;
mod header;
mod inserts;
mod judge;
mod kinds;
pub(super) mod lots;
mod objects;
mod passing;
mod row_sum;
mod rows;
mod skipping;
mod source;
mod toc;
mod unpacked;

use std::io::{Read, Write};

pub use dump_kind::{DumpKind, sniff};
pub use error::{ArchiveError, Damage, DamageKind, EntryName};

pub(super) use encoding::known as known_encoding;
pub(super) use passing::Passing;

/// Text of which the encoding is not known; two names never become one.
pub(super) fn text(bytes: &[u8]) -> String {
    encoding::text(bytes, None)
}

use crate::domain::ForeignCode;
use crate::engine::{ExtensionTable, Grant, Object};
use source::Source;
use unpacked::Unpacked;

/// The newest archive format this reader knows: PostgreSQL 17 and 18 write 1.16.
pub const NEWEST: (u8, u8, u8) = (1, 16, 0);

/// What an archive says about itself and what was found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Version of the archive format, e.g. `(1, 14, 0)`: not the version of PostgreSQL.
    pub format: (u8, u8, u8),
    /// How the data blocks are compressed.
    pub compression: Compression,
    /// When `pg_dump` started, in its own local time (the archive does not hold the zone).
    pub created: Option<chrono::NaiveDateTime>,
    /// Name of the dumped database.
    pub database: String,
    /// Version of the server, as it calls itself: `15.18 (Debian 15.18-0+deb12u1)`.
    pub server_version: String,
    /// Version of `pg_dump`, in the same style.
    pub dump_tool_version: String,
    /// Client encoding of the dump, PostgreSQL's name: `UTF8`.
    pub encoding: Option<String>,
    /// Every table that has data in the archive (a `TABLE DATA` entry), in the archive's order, also with 0 rows.
    /// Tables without data entries are not listed: partitioned parents, views, foreign tables, everything in a
    /// `--schema-only` dump, and what `--exclude-table-data` left out. Materialized views are refreshed, not copied.
    pub tables: Vec<TableRows>,
    /// Names of the extensions that the archive creates.
    pub extensions: Vec<String>,
    /// Tables with data that an extension makes.
    pub extension_tables: Vec<ExtensionTable>,
    /// Large objects whose content is in the archive.
    pub large_objects: u64,
    /// What they are: the sum of the SHA-256 of each, its number before its content.
    pub large_object_digest: String,
    /// Whether it holds rows that are not UTF-8, its encoding being `SQL_ASCII`, which is none.
    pub is_not_utf8: bool,
    /// The objects that its entries make.
    pub objects: Vec<Object>,
    /// Owners and privileges, each with what says them again.
    pub grants: Vec<Grant>,
    /// Entries of the table of contents, of any kind.
    pub entries: usize,
    /// What in its definitions is more than objects of the database.
    pub code: ForeignCode,
    /// Length of the archive in bytes.
    pub archive_bytes: u64,
    /// Bytes of all data blocks after decompression: COPY text (or INSERT statements) and large objects.
    pub data_bytes: u64,
}

/// A table and the rows the archive holds for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRows {
    /// Schema of the table.
    pub schema: String,
    /// Name of the table, not quoted. Bytes that are not UTF-8 read `\xNN` (LATIN1 dumps are translated).
    pub name: String,
    /// Rows: lines of COPY text, or tuples of INSERT statements when the dump was made with `--inserts`.
    pub rows: u64,
    /// What the rows are, whatever their order: the sum of the SHA-256 of each line of COPY text, modulo 2^256, in hex. None
    /// of INSERTs.
    pub digest: Option<String>,
}

/// Compression of the data blocks; the header and the table of contents are never compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// As it is.
    None,
    /// One zlib stream for each block.
    Gzip,
    /// One LZ4 frame for each block.
    Lz4,
    /// One zstd frame for each block.
    Zstd,
}

/// Reads `source` to its end and returns what is in it, or why it is not a whole archive.
///
/// `source` need not be seekable. Its own errors come back unchanged as [`ArchiveError::Io`].
pub fn read(source: impl Read) -> Result<Summary, ArchiveError> {
    judged(&mut Source::new(source), None)
}

/// Reads like [`read`], and writes the archive into `unpacked` with its data as it is once decompressed.
pub fn unpack(source: impl Read, unpacked: &mut dyn Write) -> Result<Summary, ArchiveError> {
    judged(&mut Source::copying(source), Some(&mut Unpacked::new(unpacked)))
}

fn judged<R: Read>(source: &mut Source<R>, unpacked: Option<&mut Unpacked<'_>>) -> Result<Summary, ArchiveError> {
    match whole(source, unpacked) {
        Err(ArchiveError::Damaged(_)) if sniff(source.head()) == DumpKind::CrlfMangled => {
            Err(ArchiveError::NotAnArchive(DumpKind::CrlfMangled))
        }
        other => other,
    }
}

/// Takes the header and the table of contents out of `source`, and perhaps a little of what follows: for a client that is
/// to see the definitions alone, before `source` goes to another one behind the same bytes.
pub fn head(source: &mut dyn Read) -> Result<Vec<u8>, ArchiveError> {
    let mut kept = Kept { source, bytes: Vec::new() };
    let mut reader = Source::new(&mut kept);
    let header = header::read(&mut reader)?;
    toc::read(&mut reader, header.format, None)?;
    drop(reader);
    Ok(kept.bytes)
}

/// A reader that keeps what passes.
struct Kept<'a> {
    source: &'a mut dyn Read,
    bytes: Vec<u8>,
}

impl Read for Kept<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(into)?;
        self.bytes.extend_from_slice(&into[..count]);
        Ok(count)
    }
}

fn whole<R: Read>(source: &mut Source<R>, mut unpacked: Option<&mut Unpacked<'_>>) -> Result<Summary, ArchiveError> {
    let header = header::read(source)?;
    if let Some(unpacked) = &mut unpacked {
        unpacked.header(source.take_copied(), header.format)?;
    }
    let toc = toc::read(source, header.format, unpacked.as_deref_mut())?;
    source.copy_no_more();
    let data = blocks::read(source, &header, &toc, unpacked)?;
    Ok(Summary {
        format: header.format,
        compression: header.compression,
        created: header.created,
        database: encoding::text(&header.database, toc.encoding.as_deref()),
        server_version: encoding::text(&header.server_version, None),
        dump_tool_version: encoding::text(&header.dump_tool_version, None),
        encoding: toc.encoding,
        tables: data.tables,
        extensions: toc.extensions,
        extension_tables: toc.extension_tables,
        large_objects: data.large_objects,
        large_object_digest: data.large_object_sum.hex(),
        is_not_utf8: data.is_not_utf8,
        objects: toc.objects,
        grants: toc.grants.kept,
        entries: toc.entries,
        code: toc.code,
        archive_bytes: source.position(),
        data_bytes: data.bytes,
    })
}
