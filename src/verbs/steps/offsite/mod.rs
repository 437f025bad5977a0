//! Copies of backups elsewhere: made beside the dump, caught up on later, fetched back, removed, and found again.

mod catch_up;
mod copying;
mod fetch;
mod reach;
mod rebuild;
mod remove;
mod sealing;
mod store;

pub use catch_up::{Eagerness, catch_up, is_copy_due, not_copied, refresh, upload_pending};
pub use copying::{Copying, copy_later};
pub use fetch::{fetch, fetch_now};
pub use reach::{Reached, probe_name};
pub use rebuild::{Rebuilt, Strangers, rebuild, services_elsewhere};
pub use remove::remove_copy;
pub use store::{has_own_key, place};
