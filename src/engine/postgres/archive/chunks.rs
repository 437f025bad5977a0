//! The content of one data block: pieces, each with its length before it, until a length of zero.

use std::io::{self, Read};

use super::ArchiveError;
use super::source::Source;

pub(super) struct Chunks<'a, R> {
    source: &'a mut Source<R>,
    /// Bytes left of the present piece.
    left: usize,
    ended: bool,
    /// Why [`Read::read`] failed, for [`Chunks::because`].
    fault: Option<ArchiveError>,
}

impl<'a, R: Read> Chunks<'a, R> {
    pub(super) fn new(source: &'a mut Source<R>) -> Self {
        Self { source, left: 0, ended: false, fault: None }
    }

    /// The bytes at hand; empty only at the end of the block.
    pub(super) fn fill(&mut self) -> Result<&[u8], ArchiveError> {
        if self.left == 0 && !self.ended {
            let length = self.source.int_in(0..=i32::MAX, "piece length")?;
            self.left = usize::try_from(length).unwrap_or_default();
            self.ended = length == 0;
        }
        if self.ended {
            return Ok(&[]);
        }
        if self.source.fill()?.is_empty() {
            return Err(self.source.cut());
        }
        let bytes = self.source.fill()?;
        Ok(&bytes[..bytes.len().min(self.left)])
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.left -= count;
        self.source.consume(count);
    }

    pub(super) fn position(&self) -> u64 {
        self.source.position()
    }

    /// The fault of this reader behind a decoder's complaint, if it had one.
    pub(super) fn because(&mut self) -> Option<ArchiveError> {
        self.fault.take()
    }
}

/// For decoders that pull. The end of the block is an error here, because a decoder that knows where its data ends never
/// asks for more: one decoder takes a missing end for a regular one otherwise.
impl<R: Read> Read for Chunks<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let bytes = match self.fill() {
            Ok([]) => return Err(io::Error::other("compressed data without an end")),
            Ok(bytes) => bytes,
            Err(fault) => {
                self.fault = Some(fault);
                return Err(io::Error::other("the archive ends or is odd here"));
            }
        };
        let count = bytes.len().min(into.len());
        into[..count].copy_from_slice(&bytes[..count]);
        self.consume(count);
        Ok(count)
    }
}
