//! The order of steps: what a verb does, told once. May meet every layer below; knows nothing of command lines, and prints
//! no data, only what a person is told meanwhile.

pub mod access;
pub mod addresses;
pub mod backup;
mod context;
pub mod detach;
pub mod health;
pub mod image;
pub mod intake;
pub mod jobs;
pub mod keys;
pub mod locked_pair;
pub mod offsite;
pub mod proof;
pub mod rebase;
pub mod recover;
pub mod restore;
pub mod retention;
mod rule;
pub mod schedule;
pub mod select;
pub mod verify;
mod watched;

pub use context::Context;
pub use rule::{Part, Rule, To};
