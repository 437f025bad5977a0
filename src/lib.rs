//! dokku-backups: `dokku backups:*`. Backups of Dokku datastores that are checked, listed and restored truthfully.
//!
//! The floors and the way of a dump through them are in `docs/architecture.md`; imports go down only, and
//! `tests/tree/architecture.rs` holds them to it.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_macros))]
#![deny(unsafe_code)]

pub mod answers;
pub mod catalogue;
pub mod cli;
pub mod codec;
mod datastores;
pub mod delta;
pub mod document;
pub mod dokku;
pub mod domain;
pub mod engine;
pub mod error;
pub mod operations;
mod properties;
pub mod rights;
pub mod schedules;
pub mod settings;
pub mod store;
pub mod stream;
pub mod sys;
pub mod ui;
pub mod verbs;
