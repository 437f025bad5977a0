//! A reader fed by another thread, through a few buffers that go round.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

use crate::sys::signals;

/// Buffers on their way at once.
const ON_THE_WAY: usize = 4;

/// The feeding end.
pub(super) struct Feed {
    full: SyncSender<(Vec<u8>, usize)>,
    used: Receiver<Vec<u8>>,
    piece: usize,
    /// What was written and is not handed over yet.
    filling: Option<(Vec<u8>, usize)>,
}

/// The reading end: what was fed, then end-of-file.
#[derive(Debug)]
pub struct Tap {
    full: Receiver<(Vec<u8>, usize)>,
    used: SyncSender<Vec<u8>>,
    current: Vec<u8>,
    from: usize,
    to: usize,
}

/// Both ends, for pieces of `piece` bytes.
pub(super) fn channel(piece: usize) -> (Feed, Tap) {
    let (full_in, full_out) = sync_channel(ON_THE_WAY);
    let (used_in, used_out) = sync_channel(ON_THE_WAY + 2);
    (
        Feed { full: full_in, used: used_out, piece, filling: None },
        Tap { full: full_out, used: used_in, current: Vec::new(), from: 0, to: 0 },
    )
}

impl Feed {
    /// A buffer to fill: one that came back, or a new one.
    pub(super) fn empty(&mut self) -> Vec<u8> {
        match self.used.try_recv() {
            Ok(buffer) => buffer,
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => vec![0; self.piece],
        }
    }

    /// Hands over the first `length` bytes; false when nobody reads any more.
    pub(super) fn send(&mut self, buffer: Vec<u8>, length: usize) -> bool {
        self.full.send((buffer, length)).is_ok()
    }
}

/// Fills whole pieces; [`Write::flush`] hands over the last one.
impl Write for Feed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (mut buffer, from) = match self.filling.take() {
            Some(filling) => filling,
            None => (self.empty(), 0),
        };
        let count = bytes.len().min(buffer.len() - from);
        buffer[from..from + count].copy_from_slice(&bytes[..count]);
        if from + count < buffer.len() {
            self.filling = Some((buffer, from + count));
        } else if !self.send(buffer, from + count) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        let Some((buffer, length)) = self.filling.take() else { return Ok(()) };
        if self.send(buffer, length) { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    }
}

impl Read for Tap {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // Whoever reads slowly holds up the feeding end: both listen.
        signals::obey()?;
        if self.from == self.to {
            let Ok((next, length)) = self.full.recv() else { return Ok(0) };
            let old = std::mem::replace(&mut self.current, next);
            if !old.is_empty() {
                let _ = self.used.try_send(old);
            }
            (self.from, self.to) = (0, length);
        }
        let count = buf.len().min(self.to - self.from);
        buf[..count].copy_from_slice(&self.current[self.from..self.from + count]);
        self.from += count;
        Ok(count)
    }
}
