//! A writer that holds back the last piece until it is told that all was well: what reaches the other end before that is
//! cut, and every form of a dump tells a cut one from a whole one.

use std::io::{self, Write};

/// Bytes held back at least, where there were as many: more than any form's last words.
const HELD: usize = 64 << 10;

/// Holds back the end of what is written into `W`.
#[derive(Debug)]
pub struct HeldBack<W> {
    sink: W,
    held: Vec<u8>,
}

impl<W: Write> HeldBack<W> {
    /// Writes into `sink`.
    pub fn new(sink: W) -> Self {
        HeldBack { sink, held: Vec::new() }
    }

    /// Lets the rest go; the sink holds it all now.
    pub fn release(mut self) -> io::Result<W> {
        self.sink.write_all(&self.held)?;
        Ok(self.sink)
    }
}

impl<W: Write> Write for HeldBack<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Of what is held and what comes, the last bytes stay.
        let over = (self.held.len() + bytes.len()).saturating_sub(HELD);
        let old = over.min(self.held.len());
        self.sink.write_all(&self.held[..old])?;
        self.held.drain(..old);
        let new = over - old;
        self.sink.write_all(&bytes[..new])?;
        self.held.extend_from_slice(&bytes[new..]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_comes_only_when_released() {
        let bytes: Vec<u8> = (0..300_000u32).map(|n| n as u8).collect();
        for piece in [1000, HELD - 1, HELD, HELD + 1, 300_000] {
            let mut sink = Vec::new();
            let mut held = HeldBack::new(&mut sink);
            bytes.chunks(piece).for_each(|piece| held.write_all(piece).unwrap());
            drop(held);
            assert_eq!(sink, bytes[..300_000 - HELD], "{piece}");
            let mut held = HeldBack::new(Vec::new());
            bytes.chunks(piece).for_each(|piece| held.write_all(piece).unwrap());
            assert_eq!(held.release().unwrap(), bytes, "{piece}");
        }
        let mut short = HeldBack::new(Vec::new());
        short.write_all(b"abc").unwrap();
        assert!(short.sink.is_empty());
        assert_eq!(short.release().unwrap(), b"abc");
    }
}
