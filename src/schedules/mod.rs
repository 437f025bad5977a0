//! The schedules of every service, what is remembered of their runs, and who works on them: below
//! `config/backups/<postgres:service>/`, and `config/backups/.tick/` for what belongs to the scheduler itself.

mod document;
mod slots;
mod store;

pub use slots::{Looked, Slots, last_tick};
pub use store::Store;
