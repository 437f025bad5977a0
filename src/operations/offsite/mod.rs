//! Copies at the destination: made, fetched, rebuilt, removed.

mod catch_up;
mod copying;
mod fetch;
mod others;
mod reach;
mod rebuild;
mod remove;
mod sealing;
mod store;
mod watch;

pub use catch_up::{Eagerness, catch_up, is_copy_due, not_copied, refresh, upload_pending};
pub use copying::{Copying, copy_later, is_own_record, put_off, put_record, sweep};
use copying::{clear, same_bytes};
pub use fetch::{fetch, fetch_now};
pub use others::{beside_others, other_hosts, shared};
pub use reach::{Reached, caution, probe_name};
pub use rebuild::{Rebuilt, Strangers, rebuild, services_elsewhere};
pub use remove::{remove_copy, remove_former};
pub use sealing::{Sealing, Sent};
pub use store::{global_store, has_own_key, place, place_of, store_of, store_with};
pub use watch::{Watched, make_way, watch, watch_now_and_then};
