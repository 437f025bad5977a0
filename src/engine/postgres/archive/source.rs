//! The stream, its position, and the three things the format is made of: bytes, integers and strings.
//!
//! Nothing is allocated for a length that was merely announced: strings grow with the bytes that really come.

use std::io::{ErrorKind, Read};

use super::ArchiveError;
use super::error::DamageKind::{Cut, Structure};

/// Bytes fetched at once.
const BUFFER: usize = 256 * 1024;
/// Bytes of the start that are remembered, to say what something looks like.
const HEAD: usize = 4096;
/// An integer: a sign byte and four bytes, least significant first.
const INT: usize = 5;

pub(super) struct Source<R> {
    inner: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Stream position of `buffer[0]`.
    base: u64,
    head: Vec<u8>,
    /// What was consumed since it was last taken, where that is wanted.
    kept: Option<Vec<u8>>,
    /// All that was consumed since it was last taken, where the archive is copied.
    copied: Option<Vec<u8>>,
}

/// A string that may be too long to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Long {
    Nothing,
    Text(Vec<u8>),
    /// Of so many bytes.
    Beyond(usize),
}

impl<R: Read> Source<R> {
    pub(super) fn new(inner: R) -> Self {
        let buffer = vec![0; BUFFER].into_boxed_slice();
        Self { inner, buffer, start: 0, end: 0, base: 0, head: Vec::new(), kept: None, copied: None }
    }

    /// A source that keeps what is consumed, for [`Source::take_kept`].
    pub(super) fn keeping(inner: R) -> Self {
        Self { kept: Some(Vec::new()), ..Self::new(inner) }
    }

    /// What was consumed since this was last asked; nothing, unless it is kept.
    pub(super) fn take_kept(&mut self) -> Vec<u8> {
        self.kept.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// From now on nothing is kept.
    pub(super) fn keep_no_more(&mut self) {
        self.kept = None;
    }

    /// A source that copies what is consumed, for [`Source::take_copied`].
    pub(super) fn copying(inner: R) -> Self {
        Self { copied: Some(Vec::new()), ..Self::new(inner) }
    }

    /// All that was consumed since this was last asked, also what is too long to be looked at.
    pub(super) fn take_copied(&mut self) -> Vec<u8> {
        self.copied.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// From now on nothing is copied.
    pub(super) fn copy_no_more(&mut self) {
        self.copied = None;
    }

    /// Bytes consumed so far.
    pub(super) fn position(&self) -> u64 {
        self.base + self.start as u64
    }

    /// The first bytes of the stream, as far as they have come.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The bytes at hand; empty only at the end of the stream.
    pub(super) fn fill(&mut self) -> Result<&[u8], ArchiveError> {
        if self.start == self.end {
            self.more(1)?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// At least `count` bytes without consuming them, fewer only at the end of the stream.
    pub(super) fn peek(&mut self, count: usize) -> Result<&[u8], ArchiveError> {
        if self.end - self.start < count {
            self.more(count)?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    pub(super) fn consume(&mut self, count: usize) {
        debug_assert!(count <= self.end - self.start);
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(&self.buffer[self.start..self.start + count]);
        }
        if let Some(copied) = &mut self.copied {
            copied.extend_from_slice(&self.buffer[self.start..self.start + count]);
        }
        self.start += count;
    }

    fn more(&mut self, count: usize) -> Result<(), ArchiveError> {
        self.base += self.start as u64;
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < count {
            match self.inner.read(&mut self.buffer[self.end..]) {
                Ok(0) => break,
                Ok(read) => {
                    let wanted = HEAD - self.head.len().min(HEAD);
                    self.head.extend_from_slice(&self.buffer[self.end..self.end + read.min(wanted)]);
                    self.end += read;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    pub(super) fn cut(&self) -> ArchiveError {
        let at = self.base + self.end as u64;
        ArchiveError::damaged(Cut, at, "the dump ends too early")
    }

    pub(super) fn odd(&self, words: impl Into<String>) -> ArchiveError {
        ArchiveError::damaged(Structure, self.position(), words)
    }

    pub(super) fn byte(&mut self) -> Result<u8, ArchiveError> {
        let Some(&byte) = self.fill()?.first() else { return Err(self.cut()) };
        self.consume(1);
        Ok(byte)
    }

    /// An integer. `pg_dump` writes a sign byte of 0 or 1, and no negative zero.
    pub(super) fn int(&mut self) -> Result<i32, ArchiveError> {
        let &[sign, a, b, c, d, ..] = self.peek(INT)? else { return Err(self.cut()) };
        let size = i64::from(u32::from_le_bytes([a, b, c, d]));
        let value = match (sign, size) {
            (0, _) => i32::try_from(size).ok(),
            (1, 1..) => i32::try_from(-size).ok(),
            _ => None,
        };
        let Some(value) = value else { return Err(self.odd("an impossible number")) };
        self.consume(INT);
        Ok(value)
    }

    /// An integer within bounds.
    pub(super) fn int_in(&mut self, range: std::ops::RangeInclusive<i32>, what: &str) -> Result<i32, ArchiveError> {
        let at = self.position();
        let value = self.int()?;
        if !range.contains(&value) {
            return Err(ArchiveError::damaged(Structure, at, format!("an impossible {what}: {value}")));
        }
        Ok(value)
    }

    /// A string of at most `limit` bytes, or the format's "no string".
    pub(super) fn string(&mut self, limit: usize) -> Result<Option<Vec<u8>>, ArchiveError> {
        let mut string = Vec::new();
        let Some(length) = self.string_length()? else { return Ok(None) };
        if length > limit {
            return Err(self.odd(format!("a text of {length} bytes where at most {limit} are expected")));
        }
        self.pieces(length, |piece| string.extend_from_slice(piece))?;
        Ok(Some(string))
    }

    /// A string of at most `limit` bytes; a longer one is passed over.
    pub(super) fn string_or_length(&mut self, limit: usize) -> Result<Long, ArchiveError> {
        let mut string = Vec::new();
        let Some(length) = self.string_length()? else { return Ok(Long::Nothing) };
        if length > limit {
            let kept = self.kept.take();
            self.pieces(length, |_| ())?;
            self.kept = kept;
            return Ok(Long::Beyond(length));
        }
        self.pieces(length, |piece| string.extend_from_slice(piece))?;
        Ok(Long::Text(string))
    }

    /// Passes over a string; says whether there was one.
    pub(super) fn skip_string(&mut self) -> Result<bool, ArchiveError> {
        let Some(length) = self.string_length()? else { return Ok(false) };
        self.pieces(length, |_| ())?;
        Ok(true)
    }

    fn string_length(&mut self) -> Result<Option<usize>, ArchiveError> {
        let length = self.int_in(-1..=i32::MAX, "length")?;
        Ok(usize::try_from(length).ok())
    }

    /// Hands `length` bytes on; C strings hold no NUL.
    fn pieces(&mut self, mut length: usize, mut take: impl FnMut(&[u8])) -> Result<(), ArchiveError> {
        while length > 0 {
            let piece = self.fill()?;
            if piece.is_empty() {
                return Err(self.cut());
            }
            let piece = &piece[..piece.len().min(length)];
            if memchr::memchr(0, piece).is_some() {
                return Err(self.odd("a zero byte inside a text"));
            }
            take(piece);
            let passed = piece.len();
            length -= passed;
            self.consume(passed);
        }
        Ok(())
    }
}
