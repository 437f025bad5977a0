//! The last 64 KiB of what a child says on stderr: enough to explain a failure, never enough to fill the memory.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use crate::error::CUT;

/// Bytes kept.
const KEPT: usize = 64 << 10;

#[derive(Debug, Default)]
struct Kept {
    bytes: VecDeque<u8>,
    cut: bool,
}

/// Collects a stream in the background.
#[derive(Debug)]
pub struct StderrTail {
    kept: Arc<Mutex<Kept>>,
    ended: mpsc::Receiver<()>,
}

impl StderrTail {
    /// Begins to drain `source`, so that the child never blocks on it.
    pub fn drain(mut source: impl Read + Send + 'static) -> io::Result<StderrTail> {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let (end, ended) = mpsc::channel();
        let shared = Arc::clone(&kept);
        let drain = move || {
            let mut piece = [0u8; 4096];
            loop {
                match source.read(&mut piece) {
                    Ok(0) => break,
                    Ok(n) => push(&shared, &piece[..n]),
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
            let _ = end.send(());
        };
        // Unlike `spawn`, this answers with an error where there is no room for one more thread.
        std::thread::Builder::new().spawn(drain)?;
        Ok(StderrTail { kept, ended })
    }

    /// What came last, as text. Waits a moment for the stream to end; a grandchild that keeps it open cannot hold us.
    pub fn text(&self) -> String {
        let _ = self.ended.recv_timeout(Duration::from_millis(300));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(kept.bytes.make_contiguous()).into_owned();
        // Its first line is the end of one.
        if kept.cut { format!("{CUT}\n{text}") } else { text }
    }
}

fn push(kept: &Mutex<Kept>, piece: &[u8]) {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    kept.bytes.extend(piece);
    let over = kept.bytes.len().saturating_sub(KEPT);
    kept.bytes.drain(..over);
    kept.cut |= over > 0;
}
