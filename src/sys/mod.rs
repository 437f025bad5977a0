//! The only layer that touches processes, files, locks, the clock and signals.
//!
//! Every operation that could fail or be interrupted passes one of `points`, so that tests can break each of them.
#![allow(clippy::disallowed_methods)]

pub mod ask;
mod calls;
pub mod cancel;
pub mod child;
pub mod clock;
pub mod detach;
pub mod dir;
pub mod disk;
pub mod docker;
pub mod feed;
pub mod fetch;
pub mod file;
pub mod http;
pub mod incoming;
pub mod line;
pub mod lock;
pub mod logfile;
pub mod outfile;
pub mod output;
pub mod patience;
pub mod points;
pub mod pour;
pub mod random;
pub mod reach;
pub mod ring;
pub mod secret;
pub mod signals;
pub mod user;
