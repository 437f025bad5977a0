//! Does the database hold what the archive holds? Every table and its rows, as counted in the archive itself.

use super::quote::ident;
use super::server::Server;
use crate::domain::TableRows;
use crate::engine::Content;
use crate::error::{Failure, Kind, Result};

/// Length of one statement: a program's arguments are limited to 128 KiB each on Linux.
const LONGEST: usize = 64 << 10;

/// What was compared, and found equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// Tables.
    pub tables: u64,
    /// Rows in them.
    pub rows: u64,
}

impl Server {
    /// Counts everything in `database` and holds it against `content`; fails as `damaged`, naming the first differences.
    pub fn compare(&self, database: &str, content: &Content) -> Result<Compared> {
        let mut differences = Vec::new();
        for piece in statements(&content.tables) {
            let rows = self.query(database, &[&piece.sql])?;
            let counts: Vec<u64> = rows.lines().filter_map(|line| line.split_once('\t')?.1.parse().ok()).collect();
            if counts.len() != piece.tables.len() {
                return Err(Failure::new(Kind::Damaged, "the restored database could not be counted"));
            }
            for (table, count) in piece.tables.iter().zip(counts).filter(|(table, count)| table.rows != *count) {
                differences
                    .push(format!("{}.{} has {count} rows, the dump holds {}", table.schema, table.name, table.rows));
            }
        }
        let objects = self.value(database, "SELECT count(*) FROM pg_largeobject_metadata")?.unwrap_or_default();
        if objects.parse() != Ok(content.large_objects) {
            differences.push(format!("{objects} large objects, the dump holds {}", content.large_objects));
        }
        if differences.is_empty() {
            return Ok(Compared { tables: content.tables.len() as u64, rows: content.rows() });
        }
        let more = differences.len().saturating_sub(3);
        differences.truncate(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Err(Failure::new(Kind::Damaged, "what was restored is not what the dump holds")
            .because(format!("{}{more}", differences.join("; "))))
    }
}

struct Piece<'a> {
    sql: String,
    tables: &'a [TableRows],
}

/// Statements that count the tables in order, each short enough for a command line.
fn statements(tables: &[TableRows]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = tables;
    while !rest.is_empty() {
        let mut sql = String::new();
        let mut taken = 0;
        for table in rest {
            // ONLY: a partition's or a child's rows are counted where they are stored, as in the archive.
            let count =
                format!("SELECT {taken} AS n, count(*) FROM ONLY {}.{}", ident(&table.schema), ident(&table.name));
            if taken > 0 && sql.len() + count.len() > LONGEST {
                break;
            }
            sql.push_str(if taken > 0 { " UNION ALL " } else { "" });
            sql.push_str(&count);
            taken += 1;
        }
        let (now, later) = rest.split_at(taken);
        pieces.push(Piece { sql: sql + " ORDER BY n", tables: now });
        rest = later;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_counted_once_whatever_their_number() {
        let table = |n: usize| TableRows { schema: "s".into(), name: format!("t{n}"), rows: 0 };
        let tables: Vec<_> = (0..10_000).map(table).collect();
        let pieces = statements(&tables);
        assert!(pieces.iter().all(|piece| piece.sql.len() < 128 << 10));
        let joined: Vec<_> = pieces.iter().flat_map(|piece| piece.tables).collect();
        assert_eq!(joined.len(), 10_000);
        assert!(statements(&[]).is_empty());
    }
}
