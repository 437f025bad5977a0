//! What lies behind the segments of a stored file, and how it is found from the end of the file:
//!
//! ```text
//! segments     a zstd frame each
//! anchors      a skippable frame of zstd; in it a zstd frame, which leans on the anchors of the base
//! index        a skippable frame; in it a zstd frame of text
//! end          a skippable frame of 36 bytes: the lengths of the two before it, 14 decimal digits each
//! ```
//!
//! `unzstd` passes over skippable frames. The text:
//!
//! ```text
//! dokku-backups archive 1
//! archive 313452189 0a1b...            its length and its SHA-256
//! base my-db-2026-04-08-14-30-00 7 ... the earlier backup, how many are before it in its chain, and its archive's SHA-256
//! anchors 75176                        their length, unpacked
//! 1048576 36270 0 0                    a segment: its length, that of its frame, and the stretch of the base: from, length
//! ```

use std::io::{Read, SeekFrom};

use super::{MOST_PREFIX, SEGMENT};
use crate::domain::BackupId;
use crate::error::{Failure, Kind, Result};
use crate::sys::file::Anywhere;

/// The first line.
const FORMAT: &str = "dokku-backups archive 1";
/// What a skippable frame begins with; its length follows, four bytes, the least significant first.
const SKIPPABLE: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];
const HEAD: usize = 8;
/// Digits of a length at the end.
const DIGITS: usize = 14;
const END: usize = HEAD + 2 * DIGITS;
/// The longest index that is read, unpacked: of 1 TB.
const LONGEST: u64 = 64 << 20;

/// The archive that a delta leans on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The backup that has it.
    pub id: BackupId,
    /// How many backups the chain has before the delta.
    pub position: u32,
    /// SHA-256 of the archive, lower-case hex.
    pub sha256: String,
}

/// One segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    /// Where it begins in the archive.
    pub(super) at: u64,
    /// Its length.
    pub(super) length: u32,
    /// Where its frame begins in the file.
    pub(super) frame_at: u64,
    /// The frame's length.
    pub(super) frame: u32,
    /// Where its stretch of the base begins.
    pub(super) from: u64,
    /// The stretch's length.
    pub(super) prefix: u32,
}

/// What a stored file is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Bytes of the archive.
    pub size: u64,
    /// Its SHA-256, lower-case hex.
    pub sha256: String,
    /// What it leans on; none of a whole.
    pub base: Option<Base>,
    pub(super) segments: Vec<Segment>,
    /// Bytes of the anchors, unpacked; and where their frame lies, and how long it is.
    pub(super) anchors: (u64, u64, u64),
}

impl Index {
    /// Reads the index of `file`. Fails as `damaged` where it is none that this program writes.
    pub fn read(file: &mut dyn Anywhere) -> Result<Index> {
        let wrong = || Failure::new(Kind::Damaged, "its index is not one");
        let size = file.seek(SeekFrom::End(0))?;
        let Some(end_at) = size.checked_sub(END as u64) else { return Err(wrong()) };
        let end = piece(file, end_at, END)?;
        let digits = |from: usize| std::str::from_utf8(&end[from..from + DIGITS]).ok()?.parse::<u64>().ok();
        let lengths = digits(HEAD).zip(digits(HEAD + DIGITS));
        let Some((anchors, index)) = lengths.filter(|_| end[..4] == SKIPPABLE) else { return Err(wrong()) };
        let before = |end: u64, length: u64| end.checked_sub(length)?.checked_sub(HEAD as u64);
        let index_at = before(end_at, index).ok_or_else(wrong)?;
        let anchors_at = before(index_at, anchors).ok_or_else(wrong)?;
        if index > LONGEST {
            return Err(wrong());
        }
        let packed = piece(file, index_at + HEAD as u64, usize::try_from(index).unwrap_or_default())?;
        let mut text = String::new();
        let unpacked = zstd::stream::read::Decoder::new(&packed[..])?.take(LONGEST).read_to_string(&mut text);
        unpacked.map_err(|_| wrong())?;
        let index = parse(&text, anchors_at + HEAD as u64, anchors).ok_or_else(wrong)?;
        let last = index.segments.last();
        let frames_end = last.map_or(0, |last| last.frame_at + u64::from(last.frame));
        if frames_end == anchors_at { Ok(index) } else { Err(wrong()) }
    }

    /// What is written behind the segments; `anchors` are packed.
    pub(super) fn tail(&self, anchors: &[u8]) -> Result<Vec<u8>> {
        let packed = zstd::bulk::compress(self.text().as_bytes(), super::LEVEL)?;
        let mut bytes = Vec::new();
        skippable(&mut bytes, anchors);
        skippable(&mut bytes, &packed);
        let lengths = format!("{:0width$}{:0width$}", anchors.len(), packed.len(), width = DIGITS);
        skippable(&mut bytes, lengths.as_bytes());
        Ok(bytes)
    }

    fn text(&self) -> String {
        let mut lines = vec![FORMAT.to_owned(), format!("archive {} {}", self.size, self.sha256)];
        lines.extend(self.base.iter().map(|base| format!("base {} {} {}", base.id, base.position, base.sha256)));
        lines.push(format!("anchors {}", self.anchors.0));
        let line = |s: &Segment| format!("{} {} {} {}", s.length, s.frame, s.from, s.prefix);
        lines.extend(self.segments.iter().map(line));
        lines.push(String::new());
        lines.join("\n")
    }

    /// The segment that has the byte `at` of the archive; behind the last one where there is none.
    pub(super) fn segment_of(&self, at: u64) -> usize {
        self.segments.partition_point(|segment| segment.at + u64::from(segment.length) <= at)
    }
}

fn skippable(into: &mut Vec<u8>, bytes: &[u8]) {
    into.extend_from_slice(&SKIPPABLE);
    into.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    into.extend_from_slice(bytes);
}

fn parse(text: &str, anchors_at: u64, anchors_frame: u64) -> Option<Index> {
    let mut lines = text.strip_suffix('\n')?.split('\n').peekable();
    if lines.next()? != FORMAT {
        return None;
    }
    let (size, sha256) = lines.next()?.strip_prefix("archive ")?.split_once(' ')?;
    let (size, sha256) = (size.parse().ok()?, hash(sha256)?);
    let base = match lines.peek()?.strip_prefix("base ") {
        Some(base) => {
            lines.next();
            let mut words = base.split(' ');
            let (id, position) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            Some(Base { id, position, sha256: hash(words.next()?)? })
        }
        None => None,
    };
    let unpacked = lines.next()?.strip_prefix("anchors ")?.parse().ok()?;
    let (mut segments, mut at, mut frame_at) = (Vec::new(), 0u64, 0u64);
    for line in lines {
        let mut numbers = line.split(' ').map(|number| number.parse::<u64>().ok());
        let mut next = |most: u64| numbers.next()?.filter(|number| *number <= most);
        let length = u32::try_from(next(SEGMENT as u64)?).ok()?;
        // What cannot be packed grows a little.
        let frame = u32::try_from(next(2 * SEGMENT as u64)?).ok()?;
        let (from, prefix) = (next(u64::MAX / 2)?, u32::try_from(next(MOST_PREFIX as u64)?).ok()?);
        if length == 0 || (prefix > 0 && base.is_none()) || numbers.next().is_some() {
            return None;
        }
        segments.push(Segment { at, length, frame_at, frame, from, prefix });
        at += u64::from(length);
        frame_at += u64::from(frame);
    }
    (at == size).then_some(Index { size, sha256, base, segments, anchors: (unpacked, anchors_at, anchors_frame) })
}

fn hash(word: &str) -> Option<String> {
    (word.len() == 64 && word.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))).then(|| word.to_owned())
}

/// The `length` bytes of `file` at `at`; fails as `damaged` where there are fewer.
pub(super) fn piece(file: &mut dyn Anywhere, at: u64, length: usize) -> Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::with_capacity(length);
    file.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() == length { Ok(bytes) } else { Err(Failure::new(Kind::Damaged, "it is cut short")) }
}
