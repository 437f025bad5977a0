//! What a machine may lack. A test that cannot do its work there fails, unless the lack was allowed by name:
//! `DOKKU_BACKUPS_TEST_WITHOUT="root mount"`. So nothing is left out unseen, and a run says what it did not try.

use std::collections::BTreeSet;

/// The variable with the names that are allowed, between blanks.
const ALLOWED: &str = "DOKKU_BACKUPS_TEST_WITHOUT";

/// All there are; a name that is none of these is a mistake.
const NAMES: [&str; 11] =
    ["chromium", "contrib", "mount", "node", "pg_cron", "postgis", "rclone", "root", "ssh", "strace", "terminals"];

/// Says that the rest of a test is left out because the machine lacks `name`; panics where that was not allowed.
#[track_caller]
pub fn left_out(name: &str, why: &str) {
    let text = std::env::var(ALLOWED).unwrap_or_default();
    let allowed: BTreeSet<&str> = text.split_whitespace().collect();
    let unknown: Vec<_> = allowed.iter().filter(|name| !NAMES.contains(name)).collect();
    assert!(unknown.is_empty(), "{ALLOWED} names {unknown:?}; there are only {NAMES:?}");
    assert!(NAMES.contains(&name), "{name}: a lack without a name in {NAMES:?}");
    assert!(allowed.contains(name), "cannot be tested here: {why}\nto leave it out: {ALLOWED}={name}");
    eprintln!("left out, {name}: {why}");
}

/// Whether we are root. Where we are not, the test is left out.
#[track_caller]
pub fn is_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        left_out("root", "only root may mount and become somebody else");
    }
    root
}
