//! Does the database hold what the archive holds? Every table and its rows, as counted in the archive itself.

use std::collections::HashMap;

use super::quote::ident;
use super::server::Server;
use crate::domain::{Comparison, TableRows};
use crate::engine::{Compared, Content};
use crate::error::{Failure, Kind, Result};

/// Length of all statements of one call: what a program is called with is bounded.
const LONGEST: usize = 64 << 10;

impl Server {
    /// Counts everything in `database` and holds it against `content`; fails as `damaged`, naming the first differences.
    ///
    /// Only tables are counted: a view by a table's name would run whatever it is defined by, and as a superuser.
    pub fn compare(&self, database: &str, content: &Content) -> Result<Compared> {
        let there = self.tables(database)?;
        let mut differences = Vec::new();
        let mut counted = Vec::new();
        for table in &content.tables {
            match there.get(&(table.schema.clone(), table.name.clone())) {
                Some(found) => counted.push((table, found)),
                None => differences.push(format!("{}.{} is not a table there", table.schema, table.name)),
            }
        }
        let mut rest = counted.as_slice();
        while !rest.is_empty() {
            let (piece, later) = rest.split_at(fitting(rest));
            for ((table, found), rows) in piece.iter().zip(self.counts(database, piece)?) {
                if !fits(rows, table.rows, found.of_extension) {
                    let (schema, name) = (&table.schema, &table.name);
                    differences.push(format!("{schema}.{name} has {rows} rows, the dump holds {}", table.rows));
                }
            }
            rest = later;
        }
        let objects = self.value(database, "SELECT count(*) FROM pg_largeobject_metadata")?.unwrap_or_default();
        if objects.parse() != Ok(content.large_objects) {
            differences.push(format!("{objects} large objects, the dump holds {}", content.large_objects));
        }
        if differences.is_empty() {
            // The dump makes tables, and does not tell the rows of any.
            let is_own = |((schema, _), table): (&(String, String), &There)| {
                !table.of_extension && schema != "information_schema" && !schema.starts_with("pg_")
            };
            let nothing = content.tables.is_empty() && there.iter().any(is_own);
            let how = if nothing { Comparison::Nothing } else { Comparison::Rows };
            let counted = how == Comparison::Rows && !content.tables.is_empty();
            return Ok(Compared {
                not_given: Vec::new(),
                tables: content.tables.len() as u64,
                rows: content.rows(),
                how,
                not_compared: counted
                    .then(|| "definitions, and the values in the rows".to_owned())
                    .into_iter()
                    .collect(),
            });
        }
        let more = differences.len().saturating_sub(3);
        differences.truncate(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Err(Failure::new(Kind::Damaged, "what was restored is not what the dump holds")
            .because(format!("{}{more}", differences.join("; "))))
    }

    /// Every table of `database` by schema and name.
    fn tables(&self, database: &str) -> Result<HashMap<(String, String), There>> {
        let sql = "SELECT json_build_array(n.nspname, c.relname, EXISTS (SELECT FROM pg_depend d WHERE \
                   d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'), c.relkind = 'r') \
                   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')";
        let row = |line: &str| serde_json::from_str::<(String, String, bool, bool)>(line).ok();
        let rows = self.query(database, &[sql])?;
        let there = |(schema, name, of_extension, has_rows)| ((schema, name), There { of_extension, has_rows });
        Ok(rows.lines().filter_map(row).map(there).collect())
    }

    /// How many rows the tables store themselves, in their order: a partition's or a child's are counted where they are
    /// stored, as in the archive.
    ///
    /// They are copied to nowhere. A SELECT would be planned, and planning runs functions of the dump, as a superuser:
    /// those in the conditions and expressions of indexes, constraints and statistics.
    fn counts(&self, database: &str, tables: &[(&TableRows, &There)]) -> Result<Vec<u64>> {
        let asked = tables.iter().filter(|(_, there)| there.has_rows);
        let statements: Vec<String> = asked.map(|(table, _)| statement(table)).collect();
        let words: Vec<&str> = statements.iter().map(String::as_str).collect();
        let mut copied = self.copied(database, &words)?.into_iter();
        let uncounted = || Failure::new(Kind::Damaged, "the restored database could not be counted");
        let count = |(_, there): &(&TableRows, &There)| if there.has_rows { copied.next() } else { Some(0) };
        tables.iter().map(count).collect::<Option<Vec<u64>>>().ok_or_else(uncounted)
    }
}

/// A table of the database.
struct There {
    /// It is part of an extension.
    of_extension: bool,
    /// It stores rows itself; those of a partitioned one are in its partitions.
    has_rows: bool,
}

fn statement(table: &TableRows) -> String {
    format!("COPY {}.{} TO '/dev/null'", ident(&table.schema), ident(&table.name))
}

/// How many of `tables` are counted at once.
fn fitting(tables: &[(&TableRows, &There)]) -> usize {
    let mut length = 0;
    let fits = |(table, _): &&(&TableRows, &There)| {
        length += statement(table).len();
        length <= LONGEST
    };
    tables.iter().take_while(fits).count().max(1)
}

/// Whether `rows` are those of the dump. An extension fills its tables itself, and the dump holds only what was added.
fn fits(rows: u64, dumped: u64, of_extension: bool) -> bool {
    rows == dumped || (of_extension && rows > dumped)
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
        let there = There { of_extension: false, has_rows: true };
        let all: Vec<_> = tables.iter().map(|table| (table, &there)).collect();
        let (mut rest, mut counted) = (all.as_slice(), 0);
        while !rest.is_empty() {
            let (piece, later) = rest.split_at(fitting(rest));
            assert!(piece.iter().map(|(table, _)| statement(table).len()).sum::<usize>() <= LONGEST);
            (counted, rest) = (counted + piece.len(), later);
        }
        assert_eq!(counted, 10_000);
    }
}
