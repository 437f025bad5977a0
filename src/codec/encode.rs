//! A writer that stores a dump in its form. Only `finish` ends a stream: what is dropped before that stays cut, so that
//! a failed run can never leave something that looks whole.

use std::io::{self, Write};

use age::stream::StreamWriter;
use flate2::write::GzEncoder;

use super::Recipients;
use crate::domain::Compression;
use crate::error::Result;

/// Beyond this level zstd costs far more time than it saves room, and an archive is compressed already.
const ZSTD_LEVEL: i32 = 3;
/// gzip's own default.
const GZIP_LEVEL: u32 = 6;

/// Compresses and encrypts what is written to it, into `W`.
pub struct Encoder<W: Write>(Packer<W>);

enum Packer<W: Write> {
    None(Sealer<W>),
    Gzip(GzEncoder<Sealer<W>>),
    Zstd(zstd::stream::write::Encoder<'static, Sealer<W>>),
    Finished,
}

enum Sealer<W: Write> {
    Plain(W),
    Age(Box<StreamWriter<W>>),
    /// Nothing reaches the sink any more.
    Shut,
}

impl<W: Write> Encoder<W> {
    /// Stores into `sink`, encrypted when there are `recipients`.
    pub fn new(sink: W, compression: Compression, recipients: &Recipients) -> Result<Encoder<W>> {
        let sealer = match recipients.encryptor()? {
            None => Sealer::Plain(sink),
            Some(encryptor) => Sealer::Age(Box::new(encryptor.wrap_output(sink)?)),
        };
        Ok(Encoder(match compression {
            Compression::None => Packer::None(sealer),
            Compression::Gzip => Packer::Gzip(GzEncoder::new(sealer, flate2::Compression::new(GZIP_LEVEL))),
            Compression::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(sealer, ZSTD_LEVEL)?;
                // Without it `unzstd` would not notice a changed byte.
                encoder.include_checksum(true)?;
                Packer::Zstd(encoder)
            }
        }))
    }

    /// Ends the stream and gives the sink back: it holds a whole stored dump now.
    pub fn finish(mut self) -> io::Result<W> {
        let sealer = match std::mem::replace(&mut self.0, Packer::Finished) {
            Packer::None(sealer) => sealer,
            Packer::Gzip(encoder) => finish_gzip(encoder)?,
            Packer::Zstd(encoder) => encoder.finish()?,
            Packer::Finished => Sealer::Shut,
        };
        match sealer {
            Sealer::Plain(sink) => Ok(sink),
            Sealer::Age(writer) => writer.finish(),
            Sealer::Shut => Err(io::Error::other("the stream has ended before")),
        }
    }
}

fn finish_gzip<W: Write>(mut encoder: GzEncoder<Sealer<W>>) -> io::Result<Sealer<W>> {
    match encoder.try_finish() {
        Ok(()) => encoder.finish(),
        Err(error) => {
            // It would try once more when it is dropped.
            *encoder.get_mut() = Sealer::Shut;
            Err(error)
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Packer::None(sealer) => sealer.write(bytes),
            Packer::Gzip(encoder) => encoder.write(bytes),
            Packer::Zstd(encoder) => encoder.write(bytes),
            Packer::Finished => Err(io::Error::other("the stream has ended before")),
        }
    }

    /// Does nothing: a flush inside a stream only makes it longer.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Drop for Encoder<W> {
    fn drop(&mut self) {
        // A gzip encoder ends its stream when it is dropped; a dump that failed half-way would look whole.
        if let Packer::Gzip(encoder) = &mut self.0 {
            *encoder.get_mut() = Sealer::Shut;
        }
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sealer::Plain(sink) => sink.write(bytes),
            Sealer::Age(writer) => writer.write(bytes),
            Sealer::Shut => Err(io::Error::other("the stream was given up")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> std::fmt::Debug for Encoder<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encoder")
    }
}
