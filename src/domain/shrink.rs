//! A dump that is whole and yet looks wrong: it shrank to a fraction of the last ones, or lost its tables.

use super::{Backup, Form};

/// Dumps smaller than this vary too much in proportion to mean anything: 64 KiB.
const SMALL: u64 = 64 << 10;

/// A dump with fewer than one byte in this many of the last good one's is suspicious.
const FRACTION: u64 = 4;

/// Says, with the figures, why `size` bytes in this form and `tables` tables look wrong after `last`, the newest good
/// backup before. Sizes of different forms tell nothing of each other.
pub fn suspicion(last: &Backup, form: Form, size: u64, tables: u64) -> Option<String> {
    let before = last.size.unwrap_or(0);
    let tables_before = last.table_count();
    if tables == 0 && tables_before > 0 {
        return Some(format!("no table holds data any more; {} had {tables_before}", last.id));
    }
    if tables_before >= 4 && tables < tables_before / 2 {
        return Some(format!("{tables} tables with data; {} had {tables_before}", last.id));
    }
    (last.form() == form && before > SMALL && size < before / FRACTION)
        .then(|| format!("{size} bytes; {} had {before}", last.id))
}
