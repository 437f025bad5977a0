//! Counts rows while their bytes stream by.

use memchr::{memchr_iter, memmem};

use super::inserts::InsertRows;
use super::row_sum::RowSum;
use super::toc::RowForm;

/// Lines that are not rows: the end marker `\.` and two empty lines (`dumpTableData_copy` in `pg_dump.c`).
const TRAILER_LINES: u64 = 3;
/// Bytes of those lines.
const TRAILER: u64 = 5;
/// The end marker with the line end before it. COPY writes a backslash in a value as two, so no row looks like it.
const MARKER: &[u8] = b"\n\\.\n";
/// What follows the end marker.
const AFTER_MARKER: u64 = 2;

/// The rows of one table.
pub(super) enum Rows {
    Copy(Box<CopyRows>),
    Inserts(InsertRows),
}

impl Rows {
    pub(super) fn new(form: RowForm) -> Self {
        match form {
            RowForm::Copy { columns } => Self::Copy(Box::new(CopyRows::new(columns))),
            RowForm::Inserts { backslashes } => Self::Inserts(InsertRows::new(backslashes)),
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        match self {
            Self::Copy(rows) => rows.feed(bytes),
            Self::Inserts(rows) => rows.feed(bytes),
        }
    }

    /// The number of rows and what they are, where that can be told; or what is wrong with them.
    pub(super) fn finish(self) -> Result<(u64, Option<String>), &'static str> {
        match self {
            Self::Copy(rows) => {
                let sum = rows.sum.total().hex();
                rows.finish().map(|rows| (rows, Some(sum)))
            }
            Self::Inserts(rows) => rows.finish().map(|rows| (rows, None)),
        }
    }
}

/// COPY text: a line end or tab inside a value is written `\n` or `\t`, so every real line end closes a row and every
/// real tab parts two columns, in every client encoding.
pub(super) struct CopyRows {
    columns: u64,
    lines: u64,
    tabs: u64,
    /// Bytes so far, with one imagined line end before the first.
    length: u64,
    /// The last bytes so far, fewer than the marker has.
    carry: Vec<u8>,
    /// Position after the first end marker.
    marker: Option<u64>,
    finder: memmem::Finder<'static>,
    sum: RowSum,
}

impl CopyRows {
    fn new(columns: u64) -> Self {
        let finder = memmem::Finder::new(MARKER);
        Self {
            columns,
            lines: 0,
            tabs: 0,
            length: 1,
            carry: b"\n".to_vec(),
            marker: None,
            finder,
            sum: RowSum::default(),
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.sum.feed(bytes);
        self.lines += memchr_iter(b'\n', bytes).count() as u64;
        self.tabs += memchr_iter(b'\t', bytes).count() as u64;
        let overlap = MARKER.len() - 1;
        let seam = self.carry.len();
        self.carry.extend_from_slice(&bytes[..bytes.len().min(overlap)]);
        if self.marker.is_none() {
            let end = |at: usize| (at + MARKER.len()) as u64;
            let across = self.finder.find(&self.carry).map(|at| self.length - seam as u64 + end(at));
            self.marker = across.or_else(|| self.finder.find(bytes).map(|at| self.length + end(at)));
        }
        if bytes.len() > overlap {
            self.carry.clear();
            self.carry.extend_from_slice(&bytes[bytes.len() - overlap..]);
        } else {
            self.carry.drain(..self.carry.len().saturating_sub(overlap));
        }
        self.length += bytes.len() as u64;
    }

    fn finish(self) -> Result<u64, &'static str> {
        let ends = self.marker.map(|end| self.length - end) == Some(AFTER_MARKER) && self.carry.ends_with(b"\n\n");
        if !ends {
            return Err(match self.marker {
                Some(_) => "rows follow the end marker",
                None => "the rows have no end marker",
            });
        }
        let rows = self.lines - TRAILER_LINES;
        if self.columns == 0 && self.length - 1 != rows + TRAILER {
            return Err("the rows of a table without columns are not empty");
        }
        match rows.checked_mul(self.columns.saturating_sub(1)) {
            Some(tabs) if tabs == self.tabs => Ok(rows),
            _ => Err("the rows do not have as many columns as the table"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(columns: u64, data: &[u8], step: usize) -> Result<u64, &'static str> {
        let mut rows = CopyRows::new(columns);
        data.chunks(step).for_each(|piece| rows.feed(piece));
        rows.finish()
    }

    #[test]
    fn rows_are_lines_before_the_marker_however_they_are_cut() {
        for step in 1..20 {
            assert_eq!(count(2, b"\\.\n\n\n", step), Ok(0));
            assert_eq!(count(2, b"1\ta\n2\tb\\n\\\\.\n\\.\n\n\n", step), Ok(2));
            assert_eq!(count(0, b"\n\n\\.\n\n\n", step), Ok(2));
            assert_eq!(count(1, b"a.\n\\N\n\\.\n\n\n", step), Ok(2));
        }
    }

    #[test]
    fn what_does_not_add_up_is_told() {
        for step in 1..20 {
            assert!(count(2, b"", step).is_err());
            assert!(count(1, b"a\n", step).is_err());
            assert!(count(1, b"a\n\\.\n", step).is_err());
            assert!(count(1, b"a\n\\.\n\n", step).is_err());
            assert!(count(1, b"a\n\\.\n\n\n\n", step).is_err());
            assert!(count(1, b"a\n\\.\nb\n\\.\n\n\n", step).is_err());
            assert!(count(2, b"1\ta\n2b\n\\.\n\n\n", step).is_err());
            assert!(count(1, b"1\ta\n\\.\n\n\n", step).is_err());
            assert!(count(0, b"\n\x0b\n\\.\n\n\n", step).is_err());
        }
    }
}
