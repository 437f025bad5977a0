//! Making one backup: options, facts, the pipe that stores a dump, the record.

mod facts;
mod options;
mod run;

pub use facts::Facts;
pub use options::{Stored, recipients};
pub use run::{Wanted, dump, free_id, safety_backup};
