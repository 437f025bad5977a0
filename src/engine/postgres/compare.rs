//! Does the database hold what the archive holds? Every table and its rows, as counted in the archive itself.

use super::quote::{ident, literal};
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
            let counts: Vec<Count> = rows.lines().filter_map(Count::parse).collect();
            if counts.len() != piece.tables.len() {
                return Err(Failure::new(Kind::Damaged, "the restored database could not be counted"));
            }
            for (table, count) in piece.tables.iter().zip(counts).filter(|(table, count)| !count.fits(table.rows)) {
                let (schema, name, rows) = (&table.schema, &table.name, count.rows);
                differences.push(format!("{schema}.{name} has {rows} rows, the dump holds {}", table.rows));
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

/// What one table was found to hold.
struct Count {
    rows: u64,
    /// Part of an extension: it fills the table itself, and the dump holds only what was added.
    of_extension: bool,
}

impl Count {
    fn parse(line: &str) -> Option<Count> {
        let mut columns = line.split('\t').skip(1);
        Some(Count { rows: columns.next()?.parse().ok()?, of_extension: columns.next() == Some("t") })
    }

    fn fits(&self, dumped: u64) -> bool {
        self.rows == dumped || (self.of_extension && self.rows > dumped)
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
            let name = format!("{}.{}", ident(&table.schema), ident(&table.name));
            let count = format!(
                "SELECT {taken} AS n, count(*), EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass \
                 AND objid = {}::regclass AND deptype = 'e') FROM ONLY {name}",
                literal(&name)
            );
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
    fn an_extension_fills_its_own_tables() {
        assert!(Count::parse("0\t8500\tt").unwrap().fits(2));
        assert!(!Count::parse("0\t1\tt").unwrap().fits(2));
        assert!(!Count::parse("0\t8500\tf").unwrap().fits(2));
        assert!(Count::parse("0\t2").unwrap().fits(2));
    }

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
