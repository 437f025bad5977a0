//! What is wrong with a service or with this host, as far as looking tells.

mod host;
mod read_bytes;
mod report;
mod service;

pub use host::host;
pub use read_bytes::{look_at_copies, read_bytes};
pub use report::{latest_offsite, report, report_global, settings};
pub use service::{Health, health};
