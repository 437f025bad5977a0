//! The rows of one COPY block in a plain dump: lines until one that is `\.`.

use memchr::{memchr, memchr_iter};

use super::super::archive::TableRows;
use super::super::archive::copy;

/// A COPY block being read.
#[derive(Debug)]
pub(super) struct CopyBlock {
    pub(super) table: TableRows,
    /// Columns of each row, when `pg_dump` wrote the statement.
    columns: Option<u64>,
    tabs: u64,
    /// The start of the present line, up to three bytes, and its length.
    start: [u8; 3],
    length: usize,
}

impl CopyBlock {
    /// Of a statement without its `;` that reads `COPY table ... FROM stdin`.
    pub(super) fn new(statement: &[u8]) -> Self {
        let (table, columns) = match copy::parse(&[statement, b";\n"].concat()) {
            Some(copy) => (name(copy.schema.unwrap_or_default(), copy.table), Some(copy.columns)),
            None => {
                let words = statement.get(4..).unwrap_or_default().trim_ascii();
                let end = words.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'(');
                (name(Vec::new(), words[..end.unwrap_or(words.len())].to_vec()), None)
            }
        };
        Self { table, columns, tabs: 0, start: [0; 3], length: 0 }
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
            self.table.rows += 1;
        }
    }

    /// Whether every row can have as many columns as the statement names.
    pub(super) fn adds_up(&self) -> bool {
        self.columns.is_none_or(|columns| self.table.rows.checked_mul(columns.saturating_sub(1)) == Some(self.tabs))
    }
}

fn name(schema: Vec<u8>, table: Vec<u8>) -> TableRows {
    TableRows { schema: super::lossy(&schema), name: super::lossy(&table), rows: 0 }
}
