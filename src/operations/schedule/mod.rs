//! What is due, run once, and told to whoever wants to know.

mod chat;
mod crontab;
mod notify;
mod run;

pub use crontab::renew_crontab;
pub use notify::{notification_failures, notify, notify_verification, try_address};
pub use run::{RunOutcome, run_due};
