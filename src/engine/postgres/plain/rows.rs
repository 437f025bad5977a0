//! The rows of one COPY block in a plain dump: lines until one that is `\.`.

use memchr::{memchr, memchr_iter};

use super::super::archive::copy;
use super::super::sql::{Copy, Qualified as Name};

/// A COPY block being read.
#[derive(Debug)]
pub(super) struct CopyBlock {
    /// The table as the statement names it.
    pub(super) name: Option<Name>,
    /// Lines so far.
    pub(super) rows: u64,
    /// Whether a line is a row: not in CSV, where a value may hold line ends.
    pub(super) lines_are_rows: bool,
    /// Columns of each row, when `pg_dump` wrote the statement.
    columns: Option<u64>,
    tabs: u64,
    /// The start of the present line, up to three bytes, and its length.
    start: [u8; 3],
    length: usize,
}

impl CopyBlock {
    /// Of a statement without its `;`, and what it says.
    pub(super) fn new(statement: &[u8], said: &Copy) -> Self {
        let (name, columns) = match copy::parse(&[statement, b";\n"].concat()) {
            Some(copy) => {
                let (schema, table) = (copy.schema.map(|schema| super::lossy(&schema)), super::lossy(&copy.table));
                (Some(Name { schema, name: table }), Some(copy.columns))
            }
            None => (said.table.clone(), None),
        };
        Self { name, rows: 0, lines_are_rows: said.is_plain, columns, tabs: 0, start: [0; 3], length: 0 }
    }

    /// Takes bytes up to the end of the block; says what is left when it ended.
    pub(super) fn feed<'a>(&mut self, mut bytes: &'a [u8]) -> Option<&'a [u8]> {
        loop {
            let end = memchr(b'\n', bytes);
            let line = &bytes[..end.unwrap_or(bytes.len())];
            for (place, byte) in self.start.iter_mut().skip(self.length).zip(line) {
                *place = *byte;
            }
            self.length += line.len();
            self.tabs += memchr_iter(b'\t', line).count() as u64;
            bytes = &bytes[end? + 1..];
            let ended = matches!((self.length, self.start), (2, [b'\\', b'.', _]) | (3, [b'\\', b'.', b'\r']));
            self.length = 0;
            if ended {
                return Some(bytes);
            }
            self.rows += 1;
        }
    }

    /// Whether every row can have as many columns as the statement names.
    pub(super) fn adds_up(&self) -> bool {
        self.columns.is_none_or(|columns| self.rows.checked_mul(columns.saturating_sub(1)) == Some(self.tabs))
    }

    /// The table's name for messages.
    pub(super) fn words(&self) -> String {
        match &self.name {
            Some(Name { schema: Some(schema), name: table }) => format!("{schema}.{table}"),
            Some(Name { schema: None, name: table }) => table.clone(),
            None => "a table".to_owned(),
        }
    }
}
