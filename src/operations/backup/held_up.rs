//! A dump of which nothing comes: what it waits for, asked of the server itself and said while it waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use crate::engine::Live;
use crate::ui::Ui;

/// After so long without a byte the server is asked.
const QUIET: Duration = Duration::from_secs(10);

/// How long nothing may come before the server is asked, where a dump may stand still for `idle`.
pub fn quiet(idle: Duration) -> Duration {
    QUIET.min(idle / 3)
}

/// Until `ended` is: whenever `moved` has stood still for `quiet`, says what the dump waits for, once for each thing.
/// Returns what it said last.
pub fn tell(ui: Ui, live: &dyn Live, moved: &AtomicU64, ended: &Receiver<()>, quiet: Duration) -> Option<String> {
    let (mut before, mut told) = (moved.load(Ordering::Relaxed), None);
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(quiet) {
        let now = moved.load(Ordering::Relaxed);
        if now == before
            && let Ok(Some(words)) = live.waits_for()
            && told.as_ref() != Some(&words)
        {
            ui.warn(&format!("the dump waits for {words}"));
            told = Some(words);
        }
        before = now;
    }
    told
}
