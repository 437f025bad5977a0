//! Any bytes: no panic, no hang, no allocation beyond what came; what is accepted was read to its end.
//!
//! ```sh
//! mkdir -p fuzz/corpus/read && cp tests/archive.d/*.dump tests/archive.d/*.sql fuzz/corpus/read/
//! cargo +nightly fuzz run read -- -max_total_time=300 -rss_limit_mb=1024
//! ```
#![no_main]

use dokku_backups::engine::postgres::{archive, plain};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = archive::looks_like(bytes);
    if let Ok(summary) = archive::read(bytes) {
        assert_eq!(summary.archive_bytes, bytes.len() as u64);
        assert!(archive::read(&bytes[..bytes.len() - 1]).is_err());
    }
    if let Ok(summary) = plain::read(bytes) {
        assert_eq!(summary.bytes, bytes.len() as u64);
    }
});
