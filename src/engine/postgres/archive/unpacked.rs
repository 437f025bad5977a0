//! The archive that is read, written again with its data unpacked: what `pg_dump -Fc -Z0` would have written, but for the
//! size of the pieces. `pg_restore` reads it like any other. Equal rows give equal bytes wherever they lie, so that two
//! nights' archives differ in what has changed alone.

use std::io::{self, Write};

use super::ArchiveError;
use super::entry::Data;

/// A piece is cut before one in so many lines, by how the line begins; as a power of two.
const CUT: u32 = 8;
/// Bytes at the beginning of a line that decide.
const DECIDE: usize = 8;
/// Bytes of a piece at most.
const LONGEST: usize = 128 << 10;
/// Where the header says how data is compressed: behind magic, version, two sizes and the type.
const COMPRESSION: usize = 11;
/// Bytes with which an entry ends: where its data is.
const PLACE: usize = 9;
/// The longest entry that is copied: 64 MiB.
const LONGEST_ENTRY: usize = 64 << 20;

/// Writes the archive into `out`.
pub(super) struct Unpacked<'a> {
    out: &'a mut dyn Write,
    /// Data that is not written yet, and how much of it was looked through for a place to cut.
    piece: Vec<u8>,
    looked: usize,
    /// What went wrong first; nothing is written after that.
    failed: Option<io::Error>,
}

impl<'a> Unpacked<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Unpacked { out, piece: Vec::new(), looked: 0, failed: None }
    }

    /// The header as it was read; its data is not compressed.
    pub(super) fn header(&mut self, mut bytes: Vec<u8>, format: (u8, u8, u8)) -> Result<(), ArchiveError> {
        // A number, or since 1.15 a byte.
        let length = if format < (1, 15, 0) { 5 } else { 1 };
        bytes[COMPRESSION..COMPRESSION + length].fill(0);
        Ok(self.out.write_all(&bytes)?)
    }

    /// What was read of the table of contents, up to the end of an entry whose data lies there. Where that is changes.
    pub(super) fn entry(&mut self, mut bytes: Vec<u8>, data: Data) -> Result<(), ArchiveError> {
        if bytes.len() > LONGEST_ENTRY {
            let words = "a definition is too long to be stored as differences (64 MiB); set: storage whole";
            return Err(io::Error::other(words).into());
        }
        if let Data::At(_) = data {
            let place = bytes.len() - PLACE;
            bytes[place..].fill(0);
            bytes[place] = 1;
        }
        Ok(self.out.write_all(&bytes)?)
    }

    /// The beginning of a block: its type and its entry.
    pub(super) fn block(&mut self, kind: u8, id: i32) {
        self.put(&[kind]);
        self.int(id);
    }

    pub(super) fn int(&mut self, value: i32) {
        let [a, b, c, d] = value.unsigned_abs().to_le_bytes();
        self.put(&[u8::from(value < 0), a, b, c, d]);
    }

    /// More data of a block.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(LONGEST - self.piece.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            self.cut();
        }
    }

    /// Writes every piece that ends in what is at hand.
    fn cut(&mut self) {
        let mut from = 0;
        while let Some(line) = memchr::memchr(b'\n', &self.piece[self.looked..]) {
            let behind = self.looked + line + 1;
            let Some(Ok(start)) = self.piece.get(behind..behind + DECIDE).map(<[u8; DECIDE]>::try_from) else { break };
            if u64::from_le_bytes(start).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - CUT) == 0 {
                self.write_piece(from, behind);
                from = behind;
            }
            self.looked = behind;
        }
        if from == 0 && self.piece.len() == LONGEST {
            self.write_piece(0, LONGEST);
            from = LONGEST;
        }
        self.piece.drain(..from);
        self.looked = self.looked.saturating_sub(from);
    }

    fn write_piece(&mut self, from: usize, to: usize) {
        self.int(i32::try_from(to - from).unwrap_or_default());
        if self.failed.is_none() {
            self.failed = self.out.write_all(&self.piece[from..to]).err();
        }
    }

    /// The end of a block, or of a large object in it; fails where any of it could not be written.
    pub(super) fn end(&mut self) -> Result<(), ArchiveError> {
        if !self.piece.is_empty() {
            self.write_piece(0, self.piece.len());
            self.piece.clear();
        }
        self.looked = 0;
        self.int(0);
        self.failed.take().map_or(Ok(()), |error| Err(error.into()))
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.out.write_all(bytes).err();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{FIXTURES, fixture};
    use super::super::{Compression, read, unpack};

    #[test]
    fn what_is_written_holds_what_was_read_and_is_not_packed() {
        for name in FIXTURES {
            let bytes = fixture(name);
            let mut unpacked = Vec::new();
            let summary = unpack(&bytes[..], &mut unpacked).unwrap();
            assert_eq!(summary, read(&bytes[..]).unwrap(), "{name}");
            let mut again = read(&unpacked[..]).unwrap();
            assert_eq!(again.compression, Compression::None, "{name}");
            (again.compression, again.archive_bytes) = (summary.compression, summary.archive_bytes);
            assert_eq!(again, summary, "{name}");
            let mut twice = Vec::new();
            unpack(&unpacked[..], &mut twice).unwrap();
            assert!(twice == unpacked, "{name}");
        }
    }

    #[test]
    fn a_reader_that_goes_away_is_an_error() {
        struct Full(usize);
        impl std::io::Write for Full {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let bytes = fixture("gzip");
        let mut unpacked = Vec::new();
        unpack(&bytes[..], &mut unpacked).unwrap();
        for room in (0..unpacked.len()).step_by(11) {
            assert!(unpack(&bytes[..], &mut Full(room)).is_err(), "{room}");
        }
        assert!(unpack(&bytes[..], &mut Full(unpacked.len())).is_ok());
    }
}
