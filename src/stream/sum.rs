//! Size and sha256 of the bytes that went past.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::heard;
use crate::error::Result;

/// What went through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Bytes.
    pub size: u64,
    /// Their sha256, lower-case hex, as `sha256sum` prints it.
    pub sha256: String,
}

/// The sum in the making.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    hash: Sha256,
    size: u64,
}

impl Sum {
    /// Adds the next bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// What was added so far.
    pub fn passed(self) -> Passed {
        let sha256 = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Passed { size: self.size, sha256 }
    }
}

/// A reader that sums what is read through it, listens like `Heard`, and tells `seen` how many bytes came.
pub struct Summed<R, F> {
    source: R,
    seen: F,
    sum: Sum,
}

impl<R: Read, F: FnMut(usize)> Summed<R, F> {
    /// Sums what is read from `source`.
    pub fn new(source: R, seen: F) -> Self {
        Summed { source, seen, sum: Sum::default() }
    }

    /// Reads what nobody has asked for, and returns the sum of it all.
    pub fn whole(mut self) -> Result<Passed> {
        super::pass(&mut self, &mut |_| Ok(()))?;
        Ok(self.sum.passed())
    }
}

impl<R: Read, F: FnMut(usize)> Read for Summed<R, F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = heard::next(&mut self.source, into)?;
        self.sum.add(&into[..count]);
        (self.seen)(count);
        Ok(count)
    }
}

impl<R, F> std::fmt::Debug for Summed<R, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Summed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_that_of_the_whole_file() {
        let bytes = b"abc".repeat(100_000);
        let mut seen = 0;
        let mut summed = Summed::new(&bytes[..], |count| seen += count);
        summed.read_exact(&mut [0; 10]).unwrap();
        let passed = summed.whole().unwrap();
        let mut sum = Sum::default();
        sum.add(&bytes);
        assert_eq!((&passed, passed.size, seen), (&sum.passed(), 300_000, 300_000));
        let mut abc = Sum::default();
        abc.add(b"abc");
        assert_eq!(abc.passed().sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
