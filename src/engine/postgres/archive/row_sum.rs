//! What the rows of a table are, whatever their order: the sum, modulo 2^256, of the SHA-256 of each row's line of COPY text.
//! Two tables with the same sum and as many rows hold the same rows.

use std::fmt::Write;

use memchr::memchr;
use sha2::{Digest, Sha256};

/// The sum of a table whose lines come in pieces.
#[derive(Clone, Default)]
pub(super) struct RowSum {
    total: Total,
    /// The line that is not at its end yet.
    open: Sha256,
    length: u64,
    /// Its first two bytes, as far as they have come.
    start: [u8; 2],
    /// The end marker has passed; what follows is no row.
    over: bool,
}

impl RowSum {
    /// Takes the next bytes of COPY text.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while !self.over {
            let Some(end) = memchr(b'\n', bytes) else {
                self.keep(bytes);
                return;
            };
            let line = &bytes[..end];
            bytes = &bytes[end + 1..];
            if self.length == 0 {
                if line == b"\\." {
                    self.over = true;
                } else {
                    self.total.add(&Sha256::digest(line));
                }
                continue;
            }
            self.keep(line);
            if self.length == 2 && self.start == *b"\\." {
                self.over = true;
            } else {
                self.total.add(&self.open.finalize_reset());
            }
            self.length = 0;
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let from = usize::try_from(self.length.min(2)).unwrap_or(2);
        for (place, byte) in self.start.iter_mut().skip(from).zip(bytes) {
            *place = *byte;
        }
        self.length += bytes.len() as u64;
        self.open.update(bytes);
    }

    /// The sum so far.
    pub(super) fn total(&self) -> &Total {
        &self.total
    }
}

/// A sum of hashes; the least significant word first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Total([u64; 4]);

impl Total {
    /// Adds a SHA-256, read as a number whose first byte is the most significant one.
    pub(super) fn add(&mut self, hash: &[u8]) {
        let mut carry = false;
        for (word, bytes) in self.0.iter_mut().zip(hash.rchunks_exact(8)) {
            let other = u64::from_be_bytes(bytes.try_into().unwrap_or_default());
            let (sum, first) = word.overflowing_add(other);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            *word = sum;
            carry = first || second;
        }
    }

    /// 64 hex digits.
    pub(super) fn hex(self) -> String {
        self.0.iter().rev().fold(String::with_capacity(64), |mut text, word| {
            let _ = write!(text, "{word:016x}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(text: &[u8], step: usize) -> String {
        let mut sum = RowSum::default();
        text.chunks(step).for_each(|piece| sum.feed(piece));
        sum.total().hex()
    }

    #[test]
    fn order_and_pieces_do_not_matter_and_everything_else_does() {
        let whole = sum(b"1\ta\n\\N\t\\\\.\n\n3\tc\n\\.\n\n\n", 1000);
        for step in 1..25 {
            assert_eq!(sum(b"1\ta\n\\N\t\\\\.\n\n3\tc\n\\.\n\n\n", step), whole, "{step}");
            assert_eq!(sum(b"3\tc\n\n\\N\t\\\\.\n1\ta\n\\.\n\n\n", step), whole, "{step}");
            assert_ne!(sum(b"3\tc\n\n\\N\t\\\\.\n1\tb\n\\.\n\n\n", step), whole, "{step}");
            assert_ne!(sum(b"3\tc\n\\N\t\\\\.\n1\ta\n\\.\n\n\n", step), whole, "{step}");
            assert_eq!(sum(b"\\.\n\n\n", step), "0".repeat(64), "{step}");
        }
        // As anybody can count it: sha256sum of the one line without its end.
        assert_eq!(sum(b"abc\n\\.\n\n\n", 2), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn sums_carry() {
        let mut total = Total([u64::MAX, u64::MAX, 0, 0]);
        total.add(&[[0; 31].as_slice(), &[1]].concat());
        assert_eq!(total, Total([0, 0, 1, 0]));
        total.add(&[0xff; 32]);
        assert_eq!(total, Total([u64::MAX, u64::MAX, 0, 0]));
    }
}
