//! Making one backup: options, facts, the pipe that stores a dump, the record.

mod facts;
mod held_up;
mod options;
mod run;
mod store;

pub use facts::Facts;
pub use options::DumpOptions;
pub use run::{Wanted, dump, free_id, safety_backup};
pub use store::{Incoming, store_dump};
