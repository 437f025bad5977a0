//! One entry of the table of contents (`ReadToc` in `pg_backup_archiver.c`, `_ReadExtraToc` in `pg_backup_custom.c`).

use std::io::Read;

use super::ArchiveError;
use super::source::{Long, Source};

/// The longest text kept of an entry: a COPY statement names up to 1,600 columns of 63 bytes and quotes.
const KEPT: usize = 1024 * 1024;
/// The longest definition that is looked into.
pub(super) const DEFINITION: usize = 16 * 1024 * 1024;
/// Dependencies that are kept of an entry.
pub(super) const NEEDS: usize = 1000;
/// The highest dump id: `pg_restore` allocates two arrays of this length.
const MAX_ID: i32 = 1 << 28;
/// `SECTION_NONE` to `SECTION_POST_DATA` of `pg_backup.h`; 3 is data.
const SECTIONS: std::ops::RangeInclusive<i32> = 1..=4;

/// What is kept of an entry; the rest is checked and passed over.
pub(super) struct Entry {
    /// The archive's number of the entry, unique and greater than 0.
    pub(super) id: i32,
    /// The kind: `TABLE`, `TABLE DATA`, `EXTENSION`...
    pub(super) kind: Vec<u8>,
    /// The name, not quoted.
    pub(super) tag: Vec<u8>,
    pub(super) namespace: Vec<u8>,
    /// The defining SQL.
    pub(super) definition: Long,
    /// The COPY statement of table data.
    pub(super) copy: Option<Vec<u8>>,
    /// Whose it is.
    pub(super) owner: Vec<u8>,
    /// `SECTION_NONE` (1) to `SECTION_POST_DATA` (4), where the format has it.
    pub(super) section: Option<i32>,
    /// Whether a data block belongs to it, and where it is when the archive says so.
    pub(super) data: Data,
    /// The numbers of the entries that it needs.
    pub(super) needs: Vec<i32>,
    /// The entry as it is written, where the source keeps that: up to the kind, from there to the definition, and from
    /// behind the definition on.
    pub(super) written: [Vec<u8>; 3],
}

impl Entry {
    /// The definition; nothing where there is none or where it is too long.
    pub(super) fn sql(&self) -> &[u8] {
        match &self.definition {
            Long::Text(text) => text,
            _ => &[],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Data {
    None,
    Somewhere,
    At(u64),
}

pub(super) fn read<R: Read>(source: &mut Source<R>, format: (u8, u8, u8)) -> Result<Entry, ArchiveError> {
    let id = source.int_in(1..=MAX_ID, "entry number")?;
    let has_data = source.int_in(0..=1, "data flag")? == 1;
    number(source)?;
    number(source)?;
    let tag = source.string(KEPT)?.unwrap_or_default();
    let up_to_kind = source.take_kept();
    let kind = source.string(KEPT)?.unwrap_or_default();
    if kind.is_empty() || !kind.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(source.odd("an entry of an impossible kind"));
    }
    source.take_kept();
    let mut of_section = None;
    if format >= (1, 11, 0) {
        let section = source.int_in(SECTIONS, "section")?;
        if has_data && section != 3 {
            return Err(source.odd("an entry with data outside the data section"));
        }
        of_section = Some(section);
    }
    let up_to_definition = source.take_kept();
    let definition = source.string_or_length(DEFINITION)?;
    source.take_kept();
    source.skip_string()?; // how to drop it
    let copy = source.string(KEPT)?;
    let namespace = source.string(KEPT)?.unwrap_or_default();
    source.skip_string()?; // tablespace
    if format >= (1, 14, 0) {
        source.skip_string()?; // table access method
    }
    if format >= (1, 16, 0) {
        relkind(source)?;
    }
    let owner = source.string(KEPT)?.unwrap_or_default();
    with_oids(source)?;
    let mut needs = Vec::new();
    while let Some(other) = dependency(source)? {
        if needs.len() < NEEDS {
            needs.push(other);
        }
    }
    let data = data(source, has_data)?;
    let written = [up_to_kind, up_to_definition, source.take_kept()];
    Ok(Entry { id, kind, tag, namespace, definition, copy, owner, section: of_section, data, needs, written })
}

/// An OID, written as a decimal string for historical reasons.
fn number<R: Read>(source: &mut Source<R>) -> Result<(), ArchiveError> {
    match source.string(10)? {
        Some(digits) if decimal(&digits) => Ok(()),
        _ => Err(source.odd("an object number that is none")),
    }
}

/// One dependency, a decimal string; none at the end of the list. One that is too large for an entry is of no entry.
fn dependency<R: Read>(source: &mut Source<R>) -> Result<Option<i32>, ArchiveError> {
    match source.string(10)? {
        None => Ok(None),
        Some(digits) if decimal(&digits) => {
            Ok(Some(std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(0)))
        }
        Some(_) => Err(source.odd("a dependency that is no number")),
    }
}

fn decimal(digits: &[u8]) -> bool {
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// The letter of `pg_class.relkind`, or 0.
fn relkind<R: Read>(source: &mut Source<R>) -> Result<(), ArchiveError> {
    match u8::try_from(source.int()?) {
        Ok(letter) if letter == 0 || letter.is_ascii_alphabetic() => Ok(()),
        _ => Err(source.odd("an impossible kind of relation")),
    }
}

fn with_oids<R: Read>(source: &mut Source<R>) -> Result<(), ArchiveError> {
    match source.string(5)?.as_deref() {
        Some(b"false" | b"true") => Ok(()),
        _ => Err(source.odd("an impossible OID flag")),
    }
}

/// `K_OFFSET_POS_NOT_SET`, `K_OFFSET_POS_SET` or `K_OFFSET_NO_DATA`, and eight bytes of file position.
fn data<R: Read>(source: &mut Source<R>, has_data: bool) -> Result<Data, ArchiveError> {
    let state = source.byte()?;
    let mut position = [0; 8];
    for byte in &mut position {
        *byte = source.byte()?;
    }
    match (state, has_data, u64::from_le_bytes(position)) {
        (3, false, 0) => Ok(Data::None),
        (1, true, 0) => Ok(Data::Somewhere),
        (2, true, at) => Ok(Data::At(at)),
        _ => Err(source.odd("an impossible data position")),
    }
}
