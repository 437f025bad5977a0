//! The stored bytes of a dump, encrypted on their way out: where only the copy is to be encrypted.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::codec::{Encoder, Recipients};
use crate::domain::Compression;
use crate::error::Result;
use crate::stream::{Passed, Sum};

/// Bytes taken from the source at once.
const PIECE: usize = 256 << 10;

/// What comes out of the encoder, until it is read.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

/// The sum of what was read from a `Sealing`, for whoever started it.
#[derive(Debug, Clone, Default)]
pub struct Sent(Arc<Mutex<Sum>>);

impl Sent {
    /// What has been read so far.
    pub fn passed(&self) -> Passed {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().passed()
    }
}

/// Reads the encrypted form of `source`.
pub struct Sealing<R> {
    source: R,
    encoder: Option<Encoder<Buffer>>,
    buffer: Buffer,
    ready: io::Cursor<Vec<u8>>,
    sent: Sent,
}

impl<R: Read> Sealing<R> {
    /// Encrypts what is read from `source` to `recipients`.
    pub fn new(source: R, recipients: &Recipients, sent: Sent) -> Result<Sealing<R>> {
        let buffer = Buffer::default();
        let encoder = Some(Encoder::new(buffer.clone(), Compression::None, recipients)?);
        Ok(Sealing { source, encoder, buffer, ready: io::Cursor::default(), sent })
    }

    /// Brings more of the encrypted form; false at its end.
    fn refill(&mut self) -> io::Result<bool> {
        let Some(encoder) = &mut self.encoder else { return Ok(false) };
        let mut piece = vec![0; PIECE];
        let read = self.source.read(&mut piece)?;
        if read > 0 {
            encoder.write_all(&piece[..read])?;
        } else if let Some(encoder) = self.encoder.take() {
            // The source's end was proven: only then does the encrypted form get its own.
            encoder.finish()?;
        }
        self.ready = io::Cursor::new(std::mem::take(&mut *self.buffer.lock()));
        Ok(true)
    }
}

impl<R: Read> Read for Sealing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.ready.read(into)?;
            if read > 0 || into.is_empty() {
                self.sent.0.lock().unwrap_or_else(PoisonError::into_inner).add(&into[..read]);
                return Ok(read);
            }
            if !self.refill()? {
                return Ok(0);
            }
        }
    }
}

impl Buffer {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Identities, decode};
    use crate::domain::StoredAs;

    #[test]
    fn what_comes_out_opens_again_and_is_what_was_counted() {
        let plain = b"some of the dump ".repeat(40_000);
        let identity = age::x25519::Identity::generate();
        let recipients = Recipients::parse(&identity.to_public().to_string()).unwrap();
        let sent = Sent::default();
        let mut sealed = Vec::new();
        Sealing::new(&plain[..], &recipients, sent.clone()).unwrap().read_to_end(&mut sealed).unwrap();
        let mut sum = Sum::default();
        sum.add(&sealed);
        assert_eq!(sent.passed(), sum.passed());
        let key = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
        let identities = Identities::parse(&key, "test").unwrap();
        let form = StoredAs { encrypted: true, ..StoredAs::UNCHANGED };
        let mut opened = Vec::new();
        decode(&sealed[..], form, &identities).unwrap().read_to_end(&mut opened).unwrap();
        assert!(opened == plain);
    }
}
