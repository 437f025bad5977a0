//! The one place where a long read listens: before each piece it asks whether a signal has come or somebody has asked this
//! run to end. Every loop of ours over bytes reads through here; what must not stop half-way does not.

use std::io::{self, Read};

use crate::error::Result;
use crate::sys::signals;

/// The next piece of `source`, none at its end; fails once this run is to end.
pub(super) fn next(source: &mut dyn Read, piece: &mut [u8]) -> Result<usize> {
    loop {
        signals::obey()?;
        match source.read(piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return Ok(read?),
        }
    }
}

/// A reader that listens: for whatever reads by itself, such as a decoder, which may swallow much before it gives a byte.
pub struct Heard<R>(pub R);

impl<R: Read> Read for Heard<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Ok(next(&mut self.0, into)?)
    }
}

impl<R> std::fmt::Debug for Heard<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Heard")
    }
}
