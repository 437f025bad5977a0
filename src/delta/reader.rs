//! Reading an archive back, through everything it leans on.

use std::fmt;
use std::io::{self, Cursor, Read};

use zstd::zstd_safe::DCtx;

use super::index::piece;
use super::{Base, Index};
use crate::error::{Failure, Kind, Result};
use crate::sys::file::Anywhere;

/// The longest anchors, unpacked: all there may be, eight bytes each.
const LONGEST_ANCHORS: u64 = 8 << 20;

/// Bytes that were read and are not moved away yet, at most: 1 MiB.
const LEFT_BEHIND: usize = 1 << 20;

/// A stored archive and all that it leans on. Reading gives the archive from its first byte on; what is damaged fails, and
/// that the end was reached is no proof: the hash of what was read is.
pub struct Reader {
    file: Box<dyn Anywhere>,
    index: Index,
    base: Option<Box<Reader>>,
    /// Unpacked bytes; those before `start` are not needed any more. Where that is in the archive.
    window: Vec<u8>,
    start: usize,
    from: u64,
    /// The segment behind them.
    next: usize,
    /// How far it was read.
    read: u64,
}

impl Reader {
    /// Opens `file`, whose `index` was read; `base` is what it leans on.
    pub fn open(file: Box<dyn Anywhere>, index: Index, base: Option<Reader>) -> Result<Reader> {
        if index.base.as_ref().map(|base| &base.sha256) != base.as_ref().map(|base| &base.index.sha256) {
            return Err(Failure::new(Kind::Damaged, "it does not lean on this archive"));
        }
        Ok(Reader { file, index, base: base.map(Box::new), window: Vec::new(), start: 0, from: 0, next: 0, read: 0 })
    }

    /// Bytes of the archive.
    pub fn size(&self) -> u64 {
        self.index.size
    }

    /// Its SHA-256, as its index says.
    pub fn sha256(&self) -> &str {
        &self.index.sha256
    }

    /// What it leans on.
    pub fn base(&self) -> Option<&Base> {
        self.index.base.as_ref()
    }

    /// Back to the first byte.
    pub fn rewind(&mut self) {
        self.read = 0;
    }

    /// The `length` bytes at `from`, fewer where the archive ends.
    pub(super) fn stretch(&mut self, from: u64, length: usize) -> Result<&[u8]> {
        let to = (from + length as u64).min(self.index.size);
        if from < self.from || from > self.end() {
            self.next = self.index.segment_of(from);
            self.window.clear();
            self.start = 0;
            self.from = self.index.segments.get(self.next).map_or(self.index.size, |segment| segment.at);
        } else {
            self.start += usize::try_from(from - self.from).unwrap_or_default();
            self.from = from;
            // Moving what is left costs as much as unpacking it: not each time.
            if self.start >= LEFT_BEHIND {
                self.window.drain(..self.start);
                self.start = 0;
            }
        }
        while self.end() < to {
            self.unpack_next()?;
        }
        let at = self.start + usize::try_from(from.min(to) - self.from).unwrap_or_default();
        let to = self.start + usize::try_from(to - self.from).unwrap_or_default();
        Ok(&self.window[at..to])
    }

    /// Where what is at hand ends in the archive.
    fn end(&self) -> u64 {
        self.from + (self.window.len() - self.start) as u64
    }

    /// Unpacks the segment behind what is at hand.
    fn unpack_next(&mut self) -> Result<()> {
        let wrong = |why: &str| Failure::new(Kind::Damaged, "a segment does not unpack").because(why.to_owned());
        let Some(segment) = self.index.segments.get(self.next) else { return Err(wrong("there is none")) };
        let frame = piece(self.file.as_mut(), segment.frame_at, segment.frame as usize)?;
        let prefix = match &mut self.base {
            Some(base) if segment.prefix > 0 => base.stretch(segment.from, segment.prefix as usize)?,
            _ => &[],
        };
        if prefix.len() != segment.prefix as usize {
            return Err(wrong("what it leans on is shorter"));
        }
        let before = self.window.len();
        unpack(&frame, prefix, segment.length as usize, &mut self.window).map_err(|why| wrong(&why))?;
        if self.window.len() - before != segment.length as usize {
            return Err(wrong("it is of another length"));
        }
        self.next += 1;
        Ok(())
    }

    /// The anchors, as they are written.
    pub(super) fn anchors(&mut self) -> Result<Vec<u8>> {
        let (unpacked, at, frame) = self.index.anchors;
        if unpacked > LONGEST_ANCHORS || frame > 2 * LONGEST_ANCHORS {
            return Err(Failure::new(Kind::Damaged, "its anchors are not ones"));
        }
        let before = match &mut self.base {
            Some(base) => base.anchors()?,
            None => Vec::new(),
        };
        let frame = piece(self.file.as_mut(), at, usize::try_from(frame).unwrap_or_default())?;
        let mut anchors = Vec::new();
        let done = unpack(&frame, &before, usize::try_from(unpacked).unwrap_or_default(), &mut anchors);
        done.map_err(|why| Failure::new(Kind::Damaged, "its anchors do not unpack").because(why))?;
        Ok(anchors)
    }
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let at = self.read;
        let end = self.end();
        // To the end of what is at hand, else as far as the next segment goes.
        let length = if (self.from..end).contains(&at) { end - at } else { 1 };
        let wanted = into.len().min(usize::try_from(length).unwrap_or(usize::MAX));
        let bytes = self.stretch(at, wanted)?;
        let at_hand = bytes.len();
        into[..at_hand].copy_from_slice(bytes);
        self.read += at_hand as u64;
        Ok(at_hand)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("size", &self.index.size).field("base", &self.index.base).finish()
    }
}

/// Unpacks the one frame that `frame` is behind `into`: `length` bytes at most.
fn unpack(frame: &[u8], prefix: &[u8], length: usize, into: &mut Vec<u8>) -> Result<(), String> {
    let before = into.len();
    let mut context = DCtx::create();
    if !prefix.is_empty() {
        context.ref_prefix(prefix).map_err(words)?;
    }
    into.reserve_exact(length);
    let mut out = Cursor::new(&mut *into);
    out.set_position(before as u64);
    let done = context.decompress(&mut out, frame);
    into.truncate(before + done.unwrap_or(0));
    done.map(|_| ()).map_err(words)
}

fn words(code: usize) -> String {
    zstd::zstd_safe::get_error_name(code).to_owned()
}
