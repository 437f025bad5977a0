//! What goes when: the plan of retention carried out.

mod expiry;
mod prune;

pub use expiry::{realign, would_hasten};
pub use prune::{Origins, Pruned, destroyed_at, prune, prune_after, prune_plan};
