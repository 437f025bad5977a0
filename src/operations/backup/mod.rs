//! Making one backup: options, facts, the pipe that stores a dump, the record.

mod facts;
mod held_up;
mod lean;
mod options;
mod run;
mod segments;
mod store;

pub use facts::Facts;
pub use options::{DumpOptions, Segments};
pub use run::{Wanted, dump, free_id, safety_backup};
pub use segments::reads_back;
pub use store::{Incoming, store_dump};
