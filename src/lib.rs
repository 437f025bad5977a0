//! dokku-backups: `dokku backups:*`. Backups of Dokku datastores that are checked, listed and restored truthfully.
//!
//! Layers, imports going down only: `cli` -> `verbs` -> { `ui` | `dokku` | `engine` | `catalogue` | `codec` | `destination` | `stream` | `properties` | `schedules` | `rights` } ->
//! `settings` (the border to the environment) -> `sys` -> `domain`, `document` -> `error`.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_macros))]
#![deny(unsafe_code)]

pub mod catalogue;
pub mod cli;
pub mod codec;
pub mod destination;
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
pub mod stream;
pub mod sys;
pub mod ui;
pub mod verbs;
