//! SQL in UTF-16, as PowerShell's `>` writes it, read as UTF-8.

use std::io::{self, Read};

use super::unpack::Bytes;
use crate::error::{Failure, Kind};

/// Bytes that are looked at at once; even.
const PIECE: usize = 32 << 10;

/// Reads UTF-16 with its mark at the beginning as UTF-8 without one.
pub(super) struct Utf16 {
    source: Bytes,
    big_endian: Option<bool>,
    /// The first half of a character that needs two units.
    high: Option<u16>,
    out: Vec<u8>,
    sent: usize,
    over: bool,
}

impl Utf16 {
    pub(super) fn new(source: Bytes) -> Utf16 {
        Utf16 { source, big_endian: None, high: None, out: Vec::new(), sent: 0, over: false }
    }

    fn more(&mut self) -> io::Result<()> {
        let mut piece = Vec::with_capacity(PIECE);
        (&mut self.source).take(PIECE as u64).read_to_end(&mut piece)?;
        self.over = piece.is_empty();
        if piece.len() % 2 != 0 || (self.over && self.high.is_some()) {
            return Err(damaged());
        }
        let mut pairs = piece.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
        let big_endian = match self.big_endian {
            Some(known) => known,
            None => pairs.next() == Some([0xfe, 0xff]),
        };
        self.big_endian = Some(big_endian);
        for pair in pairs {
            let unit = if big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
            if self.high.is_none() && (0xd800..0xdc00).contains(&unit) {
                self.high = Some(unit);
                continue;
            }
            let units = self.high.take().into_iter().chain([unit]);
            for character in char::decode_utf16(units) {
                let character = character.map_err(|_| damaged())?;
                self.out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        Ok(())
    }
}

fn damaged() -> io::Error {
    Failure::new(Kind::Damaged, "the text is no UTF-16, though it begins like that").into()
}

impl Read for Utf16 {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.sent == self.out.len() && !self.over {
            self.out.clear();
            self.sent = 0;
            self.more()?;
        }
        let count = into.len().min(self.out.len() - self.sent);
        into[..count].copy_from_slice(&self.out[self.sent..self.sent + count]);
        self.sent += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: Vec<u8>) -> io::Result<String> {
        let mut text = String::new();
        Utf16::new(Box::new(io::Cursor::new(bytes))).read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn report_122_both_orders_and_every_character() {
        let text = "-- é \u{1f418}\n".repeat(5000) + "end";
        let units = || [0xfeff].into_iter().chain(text.encode_utf16());
        assert_eq!(read(units().flat_map(u16::to_le_bytes).collect()).unwrap(), text);
        assert_eq!(read(units().flat_map(u16::to_be_bytes).collect()).unwrap(), text);
        assert_eq!(read(vec![0xff, 0xfe]).unwrap(), "");
        for cut in [vec![0xff, 0xfe, b'a'], vec![0xff, 0xfe, 0x3d, 0xd8], vec![0xff, 0xfe, 0x18, 0xdc, b'a', 0]] {
            assert!(read(cut).is_err());
        }
    }
}
