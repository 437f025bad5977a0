//! Does the database hold what the archive holds? Every table and its rows, as counted in the archive itself.

use std::collections::HashMap;

use super::quote::ident;
use super::server::Server;
use crate::domain::{Comparison, TableRows};
use crate::engine::{Compared, Content};
use crate::error::{Failure, Kind, Result};

/// Length of one statement: a program's arguments are limited to 128 KiB each on Linux.
const LONGEST: usize = 64 << 10;

impl Server {
    /// Counts everything in `database` and holds it against `content`; fails as `damaged`, naming the first differences.
    ///
    /// Only tables are counted: a view by a table's name would run whatever it is defined by, and as a superuser.
    pub fn compare(&self, database: &str, content: &Content) -> Result<Compared> {
        let there = self.tables(database)?;
        let mut differences = Vec::new();
        let known = |table: &&TableRows| there.contains_key(&(table.schema.clone(), table.name.clone()));
        let (counted, absent): (Vec<&TableRows>, Vec<&TableRows>) = content.tables.iter().partition(known);
        differences.extend(absent.iter().map(|table| format!("{}.{} is not a table there", table.schema, table.name)));
        for piece in statements(&counted) {
            let rows = self.query(database, &[&piece.sql])?;
            let counts: Vec<u64> = rows.lines().filter_map(|line| line.split('\t').nth(1)?.parse().ok()).collect();
            if counts.len() != piece.tables.len() {
                return Err(Failure::new(Kind::Damaged, "the restored database could not be counted"));
            }
            for (table, rows) in piece.tables.iter().zip(counts) {
                let (schema, name) = (&table.schema, &table.name);
                let of_extension = there.get(&(schema.clone(), name.clone())) == Some(&true);
                if !fits(rows, table.rows, of_extension) {
                    differences.push(format!("{schema}.{name} has {rows} rows, the dump holds {}", table.rows));
                }
            }
        }
        let objects = self.value(database, "SELECT count(*) FROM pg_largeobject_metadata")?.unwrap_or_default();
        if objects.parse() != Ok(content.large_objects) {
            differences.push(format!("{objects} large objects, the dump holds {}", content.large_objects));
        }
        if differences.is_empty() {
            // The dump makes tables, and does not tell the rows of any.
            let is_own = |((schema, _), of_extension): (&(String, String), &bool)| {
                !of_extension && schema != "information_schema" && !schema.starts_with("pg_")
            };
            let nothing = content.tables.is_empty() && there.iter().any(is_own);
            let how = if nothing { Comparison::Nothing } else { Comparison::Rows };
            return Ok(Compared { tables: content.tables.len() as u64, rows: content.rows(), how });
        }
        let more = differences.len().saturating_sub(3);
        differences.truncate(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Err(Failure::new(Kind::Damaged, "what was restored is not what the dump holds")
            .because(format!("{}{more}", differences.join("; "))))
    }

    /// Every table of `database` by schema and name, and whether it is part of an extension.
    fn tables(&self, database: &str) -> Result<HashMap<(String, String), bool>> {
        let sql = "SELECT json_build_array(n.nspname, c.relname, EXISTS (SELECT FROM pg_depend d WHERE \
                   d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')) \
                   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')";
        let row = |line: &str| serde_json::from_str::<(String, String, bool)>(line).ok();
        let rows = self.query(database, &[sql])?;
        Ok(rows.lines().filter_map(row).map(|(schema, name, extension)| ((schema, name), extension)).collect())
    }
}

/// Whether `rows` are those of the dump. An extension fills its tables itself, and the dump holds only what was added.
fn fits(rows: u64, dumped: u64, of_extension: bool) -> bool {
    rows == dumped || (of_extension && rows > dumped)
}

struct Piece<'a> {
    sql: String,
    tables: &'a [&'a TableRows],
}

/// Statements that count the tables in order, each short enough for a command line.
fn statements<'a>(tables: &'a [&'a TableRows]) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut rest = tables;
    while !rest.is_empty() {
        let mut sql = String::new();
        let mut taken = 0;
        for table in rest {
            // ONLY: a partition's or a child's rows are counted where they are stored, as in the archive.
            let name = format!("{}.{}", ident(&table.schema), ident(&table.name));
            let count = format!("SELECT {taken} AS n, count(*) FROM ONLY {name}");
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
        assert!(fits(8500, 2, true) && fits(2, 2, false));
        assert!(!fits(1, 2, true) && !fits(8500, 2, false));
    }

    #[test]
    fn every_table_is_counted_once_whatever_their_number() {
        let table = |n: usize| TableRows { schema: "s".into(), name: format!("t{n}"), rows: 0, digest: None };
        let tables: Vec<_> = (0..10_000).map(table).collect();
        let all: Vec<&TableRows> = tables.iter().collect();
        let pieces = statements(&all);
        assert!(pieces.iter().all(|piece| piece.sql.len() < 128 << 10));
        let joined: Vec<_> = pieces.iter().flat_map(|piece| piece.tables.iter()).collect();
        assert_eq!(joined.len(), 10_000);
        assert!(statements(&[]).is_empty());
    }
}
