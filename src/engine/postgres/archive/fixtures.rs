//! Archives that `pg_dump` wrote, for tests: tests/archive.d/make.sh.

use super::entry;
use super::header;
use super::judge::Fate;
use super::passing::{string, write};
use super::source::Source;

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

/// An entry that `pg_dump` did not write, of an object `public.x`.
pub(super) struct Added<'a> {
    pub(super) kind: &'a str,
    pub(super) sql: &'a str,
    pub(super) section: u8,
    /// Numbers of the entries that it needs.
    pub(super) needs: &'a [&'a str],
}

/// `gzip.dump`, which is of format 1.14, with these entries at the end of its table of contents, numbered from 100,000 on.
pub(super) fn with(entries: &[Added]) -> Vec<u8> {
    let bytes = fixture("gzip");
    let mut source = Source::keeping(&bytes[..]);
    let format = header::read(&mut source).unwrap().format;
    let mut out = source.take_kept();
    let count = source.int().unwrap();
    source.take_kept();
    out.push(0);
    out.extend_from_slice(&(count.unsigned_abs() + u32::try_from(entries.len()).unwrap()).to_le_bytes());
    for _ in 0..count {
        let entry = entry::read(&mut source, format).unwrap();
        write(&mut out, &entry, &Fate::Kept);
    }
    for (number, Added { kind, sql, section, needs }) in entries.iter().enumerate() {
        out.push(0);
        out.extend_from_slice(&(100_000 + u32::try_from(number).unwrap()).to_le_bytes());
        out.extend_from_slice(&[0; 5]);
        ["0", "0", "x", kind].iter().for_each(|text| string(&mut out, Some(text.as_bytes())));
        out.extend_from_slice(&[0, *section, 0, 0, 0]);
        string(&mut out, Some(sql.as_bytes()));
        for text in [Some(""), None, Some("public"), None, None, Some("postgres"), Some("false")] {
            string(&mut out, text.map(str::as_bytes));
        }
        needs.iter().for_each(|id| string(&mut out, Some(id.as_bytes())));
        string(&mut out, None);
        out.extend_from_slice(&[3, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
    let mut rest = Vec::new();
    while !source.fill().unwrap().is_empty() {
        rest.extend_from_slice(source.fill().unwrap());
        let count = source.fill().unwrap().len();
        source.consume(count);
    }
    [out, rest].concat()
}
