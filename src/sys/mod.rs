//! The only layer that touches processes, files, locks, the clock and signals.
//!
//! Every operation that could fail or be interrupted passes one of `points`, so that tests can break each of them.
#![allow(clippy::disallowed_methods)]

pub mod cancel;
pub mod capture;
pub mod child;
pub mod clock;
pub mod detach;
pub mod dialogue;
pub mod dir;
pub mod disk;
pub mod docker;
pub mod failpoints;
pub mod fetch;
pub mod file;
pub mod followed;
pub mod http;
pub mod idle_timer;
pub mod incoming;
pub mod lock;
pub mod logfile;
pub mod outfile;
pub mod output;
pub mod pour;
pub mod random;
mod raw;
pub mod reach;
pub mod secret;
pub mod signals;
pub mod ssh_command;
pub mod stage;
pub mod stderr_tail;
pub mod stdin;
pub mod user;
