//! Storing an archive: segment by segment, as it comes.

use std::collections::HashMap;
use std::io::{self, Write};

use zstd::zstd_safe::{CCtx, CParameter, compress_bound, get_error_name};

use super::anchors::{Anchors, Finder, Word, stretch};
use super::index::Segment;
use super::{Base, Index, LEVEL, MOST_PREFIX, Reader, SEGMENT, WINDOW_LOG};
use crate::error::Result;

/// Writes the stored form of what is written to it into `W`.
#[derive(Debug)]
pub struct Maker<W> {
    sink: W,
    base: Option<Leaning>,
    /// The segment that is being filled.
    segment: Vec<u8>,
    /// Anchors in it: places in the archive, and their words.
    here: Vec<(u64, Word)>,
    frame: Vec<u8>,
    finder: Finder,
    anchors: Anchors,
    segments: Vec<Segment>,
    at: u64,
    written: u64,
}

/// What a delta leans on.
#[derive(Debug)]
struct Leaning {
    archive: Reader,
    word: Base,
    places: HashMap<Word, u64>,
    anchors: Vec<u8>,
    /// Where the last stretch ended.
    last: u64,
}

impl<W: Write> Maker<W> {
    /// Stores into `sink`: as a delta where there is a `base`, which is opened at its first byte, and what is to be written
    /// of it.
    pub fn new(sink: W, base: Option<(Reader, Base)>) -> Result<Maker<W>> {
        let lean = |(mut archive, word): (Reader, Base)| -> Result<Leaning> {
            let anchors = archive.anchors()?;
            Ok(Leaning { places: Anchors::places(&anchors), archive, word, anchors, last: 0 })
        };
        Ok(Maker {
            sink,
            base: base.map(lean).transpose()?,
            segment: Vec::with_capacity(SEGMENT),
            here: Vec::new(),
            frame: Vec::with_capacity(compress_bound(SEGMENT)),
            finder: Finder::default(),
            anchors: Anchors::default(),
            segments: Vec::new(),
            at: 0,
            written: 0,
        })
    }

    /// Ends the file, whose archive has this hash; what is dropped before that stays without an index. Gives the sink back.
    pub fn finish(mut self, sha256: &str) -> Result<W> {
        self.end_segment()?;
        let bytes = self.anchors.to_bytes();
        let before: &[u8] = self.base.as_ref().map_or(&[], |base| &base.anchors);
        let mut packed = Vec::with_capacity(compress_bound(bytes.len()));
        // As far back as it takes: the base's anchors and these.
        compress(&bytes, before, 24, &mut packed)?;
        let index = Index {
            size: self.at,
            sha256: sha256.to_owned(),
            base: self.base.map(|base| base.word),
            segments: self.segments,
            anchors: (bytes.len() as u64, 0, 0),
        };
        self.sink.write_all(&index.tail(&packed)?)?;
        Ok(self.sink)
    }

    fn end_segment(&mut self) -> Result<()> {
        if self.segment.is_empty() {
            return Ok(());
        }
        let length = self.segment.len();
        let (from, prefix) = match &mut self.base {
            Some(base) => base.stretch(self.at, length as u64, &self.here)?,
            None => (0, &[][..]),
        };
        self.frame.clear();
        compress(&self.segment, prefix, WINDOW_LOG, &mut self.frame)?;
        let (frame, prefix) = (self.frame.len(), prefix.len());
        self.sink.write_all(&self.frame)?;
        let short = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        self.segments.push(Segment {
            at: self.at,
            length: short(length),
            frame_at: self.written,
            frame: short(frame),
            from,
            prefix: short(prefix),
        });
        self.at += length as u64;
        self.written += frame as u64;
        self.segment.clear();
        self.here.clear();
        Ok(())
    }
}

impl Leaning {
    /// The stretch that the segment at `at` with the anchors `here` leans on, and where it begins.
    fn stretch(&mut self, at: u64, length: u64, here: &[(u64, Word)]) -> Result<(u64, &[u8])> {
        let hit = |(place, word): &(u64, Word)| Some((place - at, *self.places.get(word)?));
        let mut hits: Vec<(u64, u64)> = here.iter().filter_map(hit).collect();
        let (size, most) = (self.archive.size(), MOST_PREFIX as u64);
        // Nothing is known again: rows that are new, most likely behind those of the last segment and much like them.
        let beside = || {
            let from = self.last.saturating_sub(most / 2);
            (from, (from + most).min(size))
        };
        let (from, to) = stretch(&mut hits, length, most, size).unwrap_or_else(beside);
        self.last = to;
        let bytes = self.archive.stretch(from, usize::try_from(to.saturating_sub(from)).unwrap_or_default())?;
        Ok((from, bytes))
    }
}

impl<W: Write> Write for Maker<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(SEGMENT - self.segment.len());
        let bytes = &bytes[..count];
        let (here, anchors) = (&mut self.here, &mut self.anchors);
        self.finder.feed(bytes, |at, word| {
            here.push((at, word));
            anchors.add(at, word);
        });
        self.segment.extend_from_slice(bytes);
        if self.segment.len() == SEGMENT {
            self.end_segment()?;
        }
        Ok(count)
    }

    /// Does nothing: a segment ends when it is full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One frame of `bytes`, with its length and its checksum, leaning on `prefix`.
fn compress(bytes: &[u8], prefix: &[u8], window: u32, into: &mut Vec<u8>) -> Result<()> {
    let mut context = CCtx::create();
    let mut done = || {
        context.set_parameter(CParameter::CompressionLevel(LEVEL))?;
        context.set_parameter(CParameter::WindowLog(window))?;
        context.set_parameter(CParameter::ContentSizeFlag(true))?;
        context.set_parameter(CParameter::ChecksumFlag(true))?;
        if !prefix.is_empty() {
            // Of a smaller table zstd looks at the end of the prefix alone.
            context.set_parameter(CParameter::HashLog(19))?;
            context.ref_prefix(prefix)?;
        }
        context.compress2(into, bytes)
    };
    match done() {
        Ok(_) => Ok(()),
        Err(code) => Err(io::Error::other(get_error_name(code)).into()),
    }
}
