//! The data blocks, from the end of the table of contents to the end of the file (`pg_backup_custom.c`).

use std::io::Read;

use sha2::{Digest, Sha256};

use super::decode::Decoder;
use super::entry::DEFINITION;
use super::error::DamageKind;
use super::header::Header;
use super::judge;
use super::row_sum::Total;
use super::rows::Rows;
use super::source::Source;
use super::toc::{Content, DataEntry, Toc};
use super::unpacked::Unpacked;
use super::{ArchiveError, TableRows};
use crate::engine::postgres::utf8::Utf8;

/// `BLK_DATA` and `BLK_BLOBS` of `pg_backup_archiver.h`.
const DATA: u8 = 1;
const LARGE_OBJECTS: u8 = 3;

/// What the blocks held.
#[derive(Default)]
pub(super) struct Found {
    pub(super) tables: Vec<TableRows>,
    pub(super) large_objects: u64,
    /// The sum of the SHA-256 of each, its number (4 bytes, the least significant first) before its bytes.
    pub(super) large_object_sum: Total,
    /// Whether rows are not UTF-8, of an archive whose encoding says nothing about them.
    pub(super) is_not_utf8: bool,
    /// Bytes after decompression.
    pub(super) bytes: u64,
}

/// Reads every block the table of contents announces, in its order, and nothing after them. `pg_dump` writes them so, and
/// `pg_restore` needs them so when it reads from a pipe.
pub(super) fn read<R: Read>(
    source: &mut Source<R>,
    header: &Header,
    toc: &Toc,
    mut unpacked: Option<&mut Unpacked<'_>>,
) -> Result<Found, ArchiveError> {
    let mut decoder = Decoder::new(header.compression);
    let mut found = Found::default();
    for (index, entry) in toc.data.iter().enumerate() {
        frame(source, toc, index, entry)
            .and_then(|()| found.block(source, &mut decoder, entry, toc, unpacked.as_deref_mut()))
            .map_err(|error| error.within(entry.id, &entry.content.words()))?;
    }
    let announced = toc.large_objects.len() as u64;
    let blocks = toc.data.iter().any(|entry| matches!(entry.content, Content::LargeObjects));
    if blocks && announced > 0 && announced != found.large_objects {
        let words = format!("{} large objects where {announced} are announced", found.large_objects);
        return Err(source.odd(words));
    }
    if source.fill()?.is_empty() {
        return Ok(found);
    }
    let words = "bytes follow the end of the dump";
    Err(ArchiveError::damaged(DamageKind::Trailing, source.position(), words))
}

/// The frame of a block: its type and the number of the entry it belongs to.
fn frame<R: Read>(source: &mut Source<R>, toc: &Toc, index: usize, entry: &DataEntry) -> Result<(), ArchiveError> {
    let at = source.position();
    let wrong = |words: String| ArchiveError::damaged(DamageKind::WrongBlock, at, words);
    if source.fill()?.is_empty() {
        let missing = toc.data.len() - index;
        return Err(ArchiveError::damaged(
            DamageKind::Cut,
            at,
            format!("the dump ends too early, {missing} data blocks are missing"),
        ));
    }
    let kind = source.byte()?;
    let id = source.int()?;
    if id != entry.id {
        return Err(wrong(match toc.data.iter().position(|other| other.id == id) {
            Some(before) if before < index => format!("the data block of entry {id} comes twice"),
            Some(_) => format!("the data block of entry {id} comes too early"),
            None if toc.ids.contains(&id) => format!("a data block for entry {id}, which has no data"),
            None => format!("a data block for an unknown entry {id}"),
        }));
    }
    let expected = entry.content.block();
    if kind != expected {
        return Err(wrong(format!("a data block of type {kind} instead of {expected}")));
    }
    match entry.at {
        Some(announced) if announced != at => Err(wrong(format!("a data block that should be at byte {announced}"))),
        _ => Ok(()),
    }
}

impl Content {
    /// The type of its block.
    fn block(&self) -> u8 {
        match self {
            Content::LargeObjects => LARGE_OBJECTS,
            Content::Table { .. } | Content::LargeObjectComments => DATA,
        }
    }
}

impl Found {
    fn block<R: Read>(
        &mut self,
        source: &mut Source<R>,
        decoder: &mut Decoder,
        entry: &DataEntry,
        toc: &Toc,
        mut unpacked: Option<&mut Unpacked<'_>>,
    ) -> Result<(), ArchiveError> {
        if let Some(unpacked) = &mut unpacked {
            unpacked.block(entry.content.block(), entry.id);
        }
        let announced = &toc.large_objects;
        match &entry.content {
            Content::Table { schema, name, rows } => {
                let mut rows = Rows::new(*rows);
                let mut utf8 = toc.encoding.as_deref().filter(|name| *name == "SQL_ASCII").map(|_| Utf8::default());
                self.bytes += decoder.block(source, &mut |bytes| {
                    rows.feed(bytes);
                    unpacked.iter_mut().for_each(|unpacked| unpacked.feed(bytes));
                    utf8.iter_mut().for_each(|utf8| utf8.feed(bytes));
                })?;
                self.is_not_utf8 |= utf8.is_some_and(|utf8| utf8.is_wrong());
                let odd = |words| ArchiveError::damaged(DamageKind::Rows, source.position(), words);
                let (rows, digest) = rows.finish().map_err(odd)?;
                self.tables.push(TableRows { schema: schema.clone(), name: name.clone(), rows, digest });
            }
            Content::LargeObjectComments => {
                let mut text = Vec::new();
                self.bytes += decoder.block(source, &mut |bytes| {
                    let room = DEFINITION - text.len();
                    text.extend_from_slice(&bytes[..bytes.len().min(room)]);
                    unpacked.iter_mut().for_each(|unpacked| unpacked.feed(bytes));
                })?;
                if !judge::comments_on_large_objects(&text) {
                    return Err(source.odd("comments on large objects that are something else"));
                }
            }
            // Each has its OID before it; 0 ends them. OIDs above 2^31 read as negative numbers.
            Content::LargeObjects => loop {
                let oid = source.int()?.cast_unsigned();
                if oid == 0 {
                    break;
                }
                if let Some(unpacked) = &mut unpacked {
                    unpacked.int(oid.cast_signed());
                }
                if !announced.is_empty() && announced.binary_search(&oid).is_err() {
                    return Err(source.odd(format!("a large object {oid} that nothing creates")));
                }
                let mut hash = Sha256::new_with_prefix(oid.to_le_bytes());
                self.bytes += decoder.block(source, &mut |bytes| {
                    hash.update(bytes);
                    unpacked.iter_mut().for_each(|unpacked| unpacked.feed(bytes));
                })?;
                if let Some(unpacked) = &mut unpacked {
                    unpacked.end()?;
                }
                self.large_object_sum.add(&hash.finalize());
                self.large_objects += 1;
            },
        }
        // Large objects end with the number 0 as other data with the length 0.
        unpacked.map_or(Ok(()), Unpacked::end)
    }
}
