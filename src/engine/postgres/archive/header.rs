//! The header: magic, versions, compression, creation time, names (`ReadHead` in `pg_backup_archiver.c`).

use std::io::Read;

use chrono::{NaiveDate, NaiveDateTime};

use super::source::Source;
use super::{ArchiveError, Compression, DumpKind, NEWEST, sniff};

pub(super) const MAGIC: &[u8] = b"PGDMP";
/// The oldest format read: 1.10, of PostgreSQL 8.0.
const OLDEST: (u8, u8, u8) = (1, 10, 0);
/// `archCustom`, `archTar` (also written into a directory's `toc.dat`) and `archDirectory` of `pg_backup.h`.
const CUSTOM: u8 = 1;
const TAR: u8 = 3;
const DIRECTORY: u8 = 5;
/// The longest name or version text; PostgreSQL's names end at 63 bytes.
const NAME: usize = 4096;

pub(super) struct Header {
    pub(super) format: (u8, u8, u8),
    pub(super) compression: Compression,
    pub(super) created: Option<NaiveDateTime>,
    pub(super) database: Vec<u8>,
    pub(super) server_version: Vec<u8>,
    pub(super) dump_tool_version: Vec<u8>,
}

pub(super) fn read<R: Read>(source: &mut Source<R>) -> Result<Header, ArchiveError> {
    magic(source)?;
    let format = version(source)?;
    sizes(source)?;
    match source.byte()? {
        CUSTOM => {}
        TAR | DIRECTORY => return Err(ArchiveError::NotAnArchive(DumpKind::DumpToc)),
        other => return Err(source.odd(format!("an unknown archive type {other}"))),
    }
    let compression = compression(source, format)?;
    let created = created(source)?;
    let database = source.string(NAME)?.unwrap_or_default();
    let server_version = source.string(NAME)?.unwrap_or_default();
    let dump_tool_version = source.string(NAME)?.unwrap_or_default();
    Ok(Header { format, compression, created, database, server_version, dump_tool_version })
}

/// Reads the same of the `toc.dat` of a dump in several files, up to its compression, and says the format's version.
pub(super) fn read_of_parts<R: Read>(source: &mut Source<R>) -> Result<(u8, u8, u8), ArchiveError> {
    magic(source)?;
    let format = version(source)?;
    sizes(source)?;
    if !matches!(source.byte()?, TAR | DIRECTORY) {
        return Err(source.odd("a table of contents that is none of a tar file or a folder"));
    }
    compression(source, format)?;
    Ok(format)
}

/// What [`read`] expects up to there in an archive of this format, uncompressed.
pub(super) fn without_compression(format: (u8, u8, u8)) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend([format.0, format.1, format.2, 4, 8, CUSTOM]);
    // A number, or since 1.15 a byte.
    bytes.extend(vec![0; if format < (1, 15, 0) { 5 } else { 1 }]);
    bytes
}

fn magic<R: Read>(source: &mut Source<R>) -> Result<(), ArchiveError> {
    let head = source.peek(MAGIC.len())?;
    if head.starts_with(MAGIC) {
        source.consume(MAGIC.len());
        return Ok(());
    }
    if !head.is_empty() && MAGIC.starts_with(head) {
        return Err(source.cut());
    }
    let looks = sniff(source.peek(4096)?);
    Err(ArchiveError::NotAnArchive(looks))
}

fn version<R: Read>(source: &mut Source<R>) -> Result<(u8, u8, u8), ArchiveError> {
    let found = (source.byte()?, source.byte()?, source.byte()?);
    if found == (1, 13, 10) && sniff(source.head()) == DumpKind::CrlfMangled {
        return Err(ArchiveError::NotAnArchive(DumpKind::CrlfMangled));
    }
    if found > NEWEST {
        return Err(ArchiveError::TooNew { found, newest: NEWEST });
    }
    if found < OLDEST {
        return Err(ArchiveError::NotAnArchive(DumpKind::AncientArchive));
    }
    if found.2 != 0 {
        return Err(source.odd(format!("an unknown archive version {}.{}.{}", found.0, found.1, found.2)));
    }
    Ok(found)
}

/// Integers are of 4 bytes and file positions of 8 on every platform that PostgreSQL supports.
fn sizes<R: Read>(source: &mut Source<R>) -> Result<(), ArchiveError> {
    match (source.byte()?, source.byte()?) {
        (4, 8) => Ok(()),
        (int, position) => Err(source.odd(format!("unknown number sizes {int} and {position}"))),
    }
}

fn compression<R: Read>(source: &mut Source<R>, format: (u8, u8, u8)) -> Result<Compression, ArchiveError> {
    if format < (1, 15, 0) {
        // Until then a level of zlib: -1 is zlib's own choice, 0 is none.
        return match source.int_in(-1..=9, "compression level")? {
            0 => Ok(Compression::None),
            _ => Ok(Compression::Gzip),
        };
    }
    match source.byte()? {
        0 => Ok(Compression::None),
        1 => Ok(Compression::Gzip),
        2 => Ok(Compression::Lz4),
        3 => Ok(Compression::Zstd),
        other => Err(source.odd(format!("an unknown compression {other}"))),
    }
}

/// C's `struct tm`: months from 0, years from 1900.
fn created<R: Read>(source: &mut Source<R>) -> Result<Option<NaiveDateTime>, ArchiveError> {
    let second = source.int_in(0..=60, "second")?;
    let minute = source.int_in(0..=59, "minute")?;
    let hour = source.int_in(0..=23, "hour")?;
    let day = source.int_in(1..=31, "day")?;
    let month = source.int_in(0..=11, "month")?;
    let year = source.int_in(70..=8099, "year")?;
    source.int_in(-1..=1, "daylight saving flag")?;
    let Some(date) = NaiveDate::from_ymd_opt(year + 1900, month.unsigned_abs() + 1, day.unsigned_abs()) else {
        return Err(source.odd("an impossible date"));
    };
    Ok(date.and_hms_opt(hour.unsigned_abs(), minute.unsigned_abs(), second.unsigned_abs().min(59)))
}
