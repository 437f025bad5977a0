//! Decompression of one data block into a sink, in constant memory.

use std::io::Read;

use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{Decoder as ZstdFrame, Operation};

use super::chunks::Chunks;
use super::error::DamageKind;
use super::source::Source;
use super::{ArchiveError, Compression};

/// Bytes handed to the sink at once; they stay in the processor's cache.
const WINDOW: usize = 64 * 1024;
/// The first bytes of an LZ4 frame (LZ4_Frame_format.md).
const LZ4_MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];

/// The decompressor of an archive, reused from block to block.
pub(super) struct Decoder {
    compression: Compression,
    window: Vec<u8>,
    zlib: Decompress,
    /// Made when it is first needed.
    zstd: Option<ZstdFrame<'static>>,
}

impl Decoder {
    pub(super) fn new(compression: Compression) -> Self {
        Self { compression, window: vec![0; WINDOW], zlib: Decompress::new(true), zstd: None }
    }

    /// Reads one block to its end and returns the number of bytes given to `sink`.
    pub(super) fn block<R: Read>(
        &mut self,
        source: &mut Source<R>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<u64, ArchiveError> {
        let mut chunks = Chunks::new(source);
        let bytes = match self.compression {
            Compression::None => self.none(&mut chunks, sink),
            Compression::Gzip => self.gzip(&mut chunks, sink),
            Compression::Lz4 => self.lz4(&mut chunks, sink),
            Compression::Zstd => self.zstd(&mut chunks, sink),
        }?;
        if chunks.fill()?.is_empty() {
            return Ok(bytes);
        }
        Err(broken(&chunks, "bytes follow the end of the compressed data"))
    }

    /// `pg_dump` writes a piece for each row; they are gathered to windows before anyone looks at them.
    fn none<R: Read>(&mut self, chunks: &mut Chunks<R>, sink: &mut dyn FnMut(&[u8])) -> Result<u64, ArchiveError> {
        let (mut held, mut total) = (0, 0);
        loop {
            let bytes = chunks.fill()?;
            let count = bytes.len().min(WINDOW - held);
            self.window[held..held + count].copy_from_slice(&bytes[..count]);
            chunks.consume(count);
            held += count;
            total += count as u64;
            if held == WINDOW || count == 0 {
                sink(&self.window[..held]);
                held = 0;
            }
            if count == 0 {
                return Ok(total);
            }
        }
    }

    fn gzip<R: Read>(&mut self, chunks: &mut Chunks<R>, sink: &mut dyn FnMut(&[u8])) -> Result<u64, ArchiveError> {
        self.zlib.reset(true);
        loop {
            let bytes = chunks.fill()?;
            let (taken, given) = (self.zlib.total_in(), self.zlib.total_out());
            let status = self.zlib.decompress(bytes, &mut self.window, FlushDecompress::None);
            let taken = usize::try_from(self.zlib.total_in() - taken).unwrap_or(0);
            let given = usize::try_from(self.zlib.total_out() - given).unwrap_or(0);
            chunks.consume(taken);
            sink(&self.window[..given]);
            match status {
                Ok(Status::StreamEnd) => return Ok(self.zlib.total_out()),
                Ok(_) if taken > 0 || given > 0 => {}
                Ok(_) => return Err(broken(chunks, "the gzip data has no end")),
                Err(_) => return Err(broken(chunks, "the gzip data is altered")),
            }
        }
    }

    fn lz4<R: Read>(&mut self, chunks: &mut Chunks<R>, sink: &mut dyn FnMut(&[u8])) -> Result<u64, ArchiveError> {
        let mut magic = [0; 4];
        if chunks.read_exact(&mut magic).is_err() || magic != LZ4_MAGIC {
            return Err(chunks.because().unwrap_or_else(|| broken(chunks, "the lz4 data has no beginning")));
        }
        let mut frame = lz4_flex::frame::FrameDecoder::new(magic.chain(&mut *chunks));
        let done = drain(&mut frame, &mut self.window, sink);
        done.map_err(|()| chunks.because().unwrap_or_else(|| broken(chunks, "the lz4 data is altered")))
    }

    fn zstd<R: Read>(&mut self, chunks: &mut Chunks<R>, sink: &mut dyn FnMut(&[u8])) -> Result<u64, ArchiveError> {
        let frame = match &mut self.zstd {
            Some(frame) => frame,
            none => none.insert(ZstdFrame::new()?),
        };
        frame.reinit()?;
        let mut total = 0;
        loop {
            let bytes = chunks.fill()?;
            let ended = bytes.is_empty();
            let Ok(done) = frame.run_on_buffers(bytes, &mut self.window) else {
                return Err(broken(chunks, "the zstd data is altered"));
            };
            chunks.consume(done.bytes_read);
            sink(&self.window[..done.bytes_written]);
            total += done.bytes_written as u64;
            match done.remaining {
                // The frame has ended, its checksum included where it has one.
                0 => return Ok(total),
                _ if ended && done.bytes_written == 0 => return Err(broken(chunks, "the zstd data has no end")),
                _ => {}
            }
        }
    }
}

/// Reads a decoder to its end; its complaint says less than the place does.
fn drain(decoder: &mut dyn Read, window: &mut [u8], sink: &mut dyn FnMut(&[u8])) -> Result<u64, ()> {
    let mut total = 0;
    loop {
        match decoder.read(window) {
            Ok(0) => return Ok(total),
            Ok(count) => {
                sink(&window[..count]);
                total += count as u64;
            }
            Err(_) => return Err(()),
        }
    }
}

fn broken<R: Read>(chunks: &Chunks<R>, words: &str) -> ArchiveError {
    ArchiveError::damaged(DamageKind::Compression, chunks.position(), words)
}
