//! The rights of SSH keys: where they are kept, and the log of every decision that rests on them. The decision itself is
//! `domain`'s.

mod audit;
mod store;

pub use audit::{Decision, can_note, note};
pub use store::{change, look};
