//! From a backup to a live database: proven, planned, filled beside it, exchanged, recorded.

mod code;
mod consent;
mod history;
mod plan;
mod prove;
mod replace;
mod way_back;

pub use code::{redeploy, show_redeploy};
pub use consent::object;
pub use history::{begin_restore, end_histories_without_journal, end_history, has_succeeded, note};
pub use plan::show_plan;
pub use prove::{check_bytes, damaged, is_recorded, mark_damage, open_dump, prove, read_dump, seen};
pub use replace::{in_place, lost_database, replace};
pub use way_back::way_back;
