//! From a backup to a live database: proven, planned, filled beside it, exchanged, recorded.

mod accept;
mod chosen;
mod code;
mod history;
mod newest_restore_point;
mod plan;
mod replace;

pub use accept::{Accepted, accept};
pub use chosen::prove_chosen;
pub use code::{redeploy, show_redeploy};
pub use history::{Shown, history_entry, with_history};
pub use newest_restore_point::newest_restore_point;
pub use plan::{show_outlook, show_plan};
pub use replace::{in_place, replace};
