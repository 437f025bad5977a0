//! Bytes go through once: counted, hashed, kept, and read by the engine at the same time, in constant memory. What is
//! hashed is always the stored bytes, what the engine reads always the dump itself.

mod follow;
mod heard;
mod held;
mod sum;
mod tap;

use std::io::{self, Read, Write};

pub use follow::{Follower, Leader, exactly, follow};
pub use heard::Heard;
pub use held::HeldBack;
pub use sum::{Passed, Sum, Summed};
pub use tap::Tap;

use crate::error::{Failure, Kind, Result};
use crate::sys::signals;

/// Size of one piece: large enough to keep system calls rare, small enough for five of them to fit the memory goal.
const PIECE: usize = 256 << 10;

/// Passes everything from `source` to `keep`, while `inspect` reads the same bytes on a thread of its own. Returns how
/// many they were, and what the inspector answers.
///
/// The source's failure comes first: what a cut stream looked like to the inspector does not matter. When the inspector
/// ends before the stream does, no more is read; its answer then says why. A signal or a request to end stops both.
pub fn pour<T: Send>(
    source: &mut dyn Read,
    keep: &mut dyn FnMut(&[u8]) -> Result<()>,
    inspect: impl FnOnce(Tap) -> T + Send,
) -> Result<(u64, T)> {
    std::thread::scope(|scope| {
        let (mut feed, tap) = tap::channel(PIECE);
        let inspector = std::thread::Builder::new().spawn_scoped(scope, move || inspect(tap))?;
        let passed = pump(source, keep, &mut feed);
        // Without this the inspector would wait for more for ever.
        drop(feed);
        let answer = inspector.join().map_err(|_| Failure::new(Kind::Io, "the archive reader stopped unexpectedly"));
        let passed = passed?;
        // An inspector that was stopped by it may take that for something else.
        signals::obey()?;
        Ok((passed, answer?))
    })
}

/// Passes everything that `make` writes, on a thread of its own, to `take` on this one, in pieces; returns what `make`
/// answers. What `take` refuses stops `make`, and comes first.
pub fn through<T: Send>(
    make: impl FnOnce(&mut (dyn Write + Send)) -> T + Send,
    take: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<T> {
    std::thread::scope(|scope| {
        let (feed, mut tap) = tap::channel(PIECE);
        let maker = std::thread::Builder::new().spawn_scoped(scope, move || {
            let mut feed = feed;
            let made = make(&mut feed);
            // What is left in its buffer; where nobody reads any more, the other end says why.
            let _ = feed.flush();
            made
        })?;
        let passed = pass(&mut tap, take);
        // Without this the maker would wait for a reader for ever.
        drop(tap);
        let made = maker.join().map_err(|_| Failure::new(Kind::Io, "the dump reader stopped unexpectedly"));
        passed?;
        made
    })
}

/// Passes everything from `source` to `keep`; returns how many bytes they were. Fails once this run is to end.
pub fn pass(source: &mut dyn Read, keep: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<u64> {
    let (mut piece, mut size) = (vec![0; PIECE], 0);
    loop {
        let read = heard::next(source, &mut piece)?;
        if read == 0 {
            return Ok(size);
        }
        keep(&piece[..read])?;
        size += read as u64;
    }
}

fn pump(source: &mut dyn Read, keep: &mut dyn FnMut(&[u8]) -> Result<()>, feed: &mut tap::Feed) -> Result<u64> {
    let mut size = 0u64;
    loop {
        let mut piece = feed.empty();
        let read = heard::next(source, &mut piece)?;
        if read == 0 {
            break;
        }
        keep(&piece[..read])?;
        size += read as u64;
        if !feed.send(piece, read) {
            break;
        }
    }
    Ok(size)
}

/// A writer that hands each piece to a closure, whose failure comes out of the other end whole.
pub struct Sink<F>(pub F);

impl<F: FnMut(&[u8]) -> Result<()>> Write for Sink<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.0)(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<F> std::fmt::Debug for Sink<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sink")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_arrives_everywhere() {
        let bytes: Vec<u8> = (0..3_000_000u32).map(|n| n as u8).collect();
        let mut kept = Vec::new();
        let mut keep = |piece: &[u8]| {
            kept.extend_from_slice(piece);
            Ok(())
        };
        let read_all = |mut tap: Tap| {
            let mut seen = Vec::new();
            tap.read_to_end(&mut seen).map(|_| seen)
        };
        let (passed, seen) = pour(&mut &bytes[..], &mut keep, read_all).unwrap();
        assert_eq!(passed, 3_000_000);
        assert_eq!(kept, bytes);
        assert_eq!(seen.unwrap(), bytes);
    }

    #[test]
    fn an_inspector_that_gives_up_stops_the_stream() {
        let mut endless = std::io::repeat(7);
        let (passed, answer) = pour(&mut endless, &mut |_| Ok(()), |_| "enough").unwrap();
        assert_eq!(answer, "enough");
        assert!(passed < 64 << 20);
    }
}
