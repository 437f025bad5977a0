//! Signals: INT, TERM and HUP are noted and looked at by whoever waits; SIGXFSZ becomes an ordinary write error.
//!
//! Handlers, not masks: a child inherits a blocked mask and would be deaf, handlers are reset at exec.
#![allow(unsafe_code)]

use std::io;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use super::cancel;
use super::child::interrupted;
use crate::error::Result;

static RECEIVED: AtomicI32 = AtomicI32::new(0);

extern "C" fn note(signal: libc::c_int) {
    // The first one counts: it decides the exit code.
    let _ = RECEIVED.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
}

/// Installs the handlers, once, in `main`.
pub fn install() -> io::Result<()> {
    // No SA_RESTART: a blocked wait is to notice.
    let noting = SigAction::new(SigHandler::Handler(note), SaFlags::empty(), SigSet::empty());
    let ignoring = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        // SAFETY: the handler only stores a number in an atomic.
        unsafe { sigaction(signal, &noting) }?;
    }
    // SAFETY: ignoring runs no code. Without it `ulimit -f` kills silently; with it the write answers EFBIG.
    unsafe { sigaction(Signal::SIGXFSZ, &ignoring) }?;
    Ok(())
}

/// Fails once a signal has come, or a request to end. To be asked at every turn of a loop that may take long.
pub fn obey() -> Result<()> {
    received().map_or(Ok(()), |signal| Err(interrupted(signal)))
}

/// The first signal that came, if one did. A request to end is obeyed like a TERM.
pub fn received() -> Option<i32> {
    match RECEIVED.load(Ordering::SeqCst) {
        0 => cancel::requested().then_some(libc::SIGTERM),
        signal => Some(signal),
    }
}
