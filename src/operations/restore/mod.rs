//! From a backup to a live database: proven, planned, filled beside it, exchanged, recorded.

mod chosen;
mod code;
mod history;
mod plan;
mod replace;
mod way_back;

pub use chosen::prove_chosen;
pub use code::{redeploy, show_redeploy};
pub use history::{begin_restore, note};
pub use plan::show_plan;
pub use replace::{in_place, replace};
pub use way_back::way_back;
