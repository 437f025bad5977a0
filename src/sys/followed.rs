//! How far a stream has been read.

use std::io::{self, Read};

struct Followed<R, F> {
    source: R,
    passed: F,
}

impl<R: Read, F: FnMut(usize)> Read for Followed<R, F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(into)?;
        (self.passed)(count);
        Ok(count)
    }
}

/// The same stream; `passed` is told how many bytes each reading took.
pub fn followed<R: Read, F: FnMut(usize)>(source: R, passed: F) -> impl Read {
    Followed { source, passed }
}
