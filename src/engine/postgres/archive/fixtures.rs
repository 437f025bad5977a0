//! Archives that `pg_dump` wrote, for tests: tests/archive.d/make.sh.

/// All of them but the plain SQL.
pub(super) const FIXTURES: [&str; 11] = [
    "data-only",
    "gzip",
    "inserts",
    "latin1",
    "none",
    "nothing",
    "root",
    "rows-per-insert",
    "schema-only",
    "seekable",
    "wide",
];

/// The bytes of one.
#[allow(clippy::disallowed_methods)]
pub(super) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/archive.d/{name}.dump", env!("CARGO_MANIFEST_DIR"))).unwrap()
}
