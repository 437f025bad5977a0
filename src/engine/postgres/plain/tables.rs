//! The tables a plain dump fills, and how many rows each must have in the end, as far as that can be counted: rows of
//! COPY blocks, tuples of INSERT statements. A table that anything else fills or empties is left out.

use std::collections::HashMap;

use super::super::archive::TableRows;
use super::names::{Name, after, name, perhaps};

/// Whether a table's rows are those that were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    Counted,
    Unknown,
    /// It has none itself: what is put into it lies in its partitions.
    InPartitions,
}

#[derive(Debug, Default)]
pub(super) struct Tables {
    list: Vec<(TableRows, Rows)>,
    places: HashMap<(String, String), usize>,
    /// Where tables without a schema go: the first schema of the `search_path`.
    schema: Option<String>,
    /// Something may have changed any table.
    unknown: bool,
}

impl Tables {
    /// Adds rows to a table; none says that it is there.
    pub(super) fn add(&mut self, name: Name, rows: u64) {
        let (table, known) = self.place(name);
        table.rows += rows;
        let spread = *known == Rows::InPartitions && rows > 0;
        self.unknown |= spread;
    }

    /// From now on nobody knows how many rows the table has.
    fn forget(&mut self, name: Option<Name>) {
        match name {
            Some(name) => self.place(name).1 = Rows::Unknown,
            None => self.unknown = true,
        }
    }

    fn place(&mut self, name: Name) -> &mut (TableRows, Rows) {
        let schema = name.schema.or_else(|| self.schema.clone()).unwrap_or_else(|| "public".to_owned());
        let place = *self.places.entry((schema.clone(), name.table.clone())).or_insert_with(|| {
            self.list.push((TableRows { schema, name: name.table, rows: 0 }, Rows::Counted));
            self.list.len() - 1
        });
        &mut self.list[place]
    }

    /// Takes a statement that is no COPY, without its `;`; `tuples` are those of its VALUES.
    pub(super) fn statement(&mut self, text: &[u8], tuples: Option<u64>) {
        let read = |rest: &[u8]| name(rest).map(|(name, _)| name);
        if let Some(rest) = after(text, "INSERT INTO") {
            match (read(rest), tuples) {
                (Some(name), Some(rows)) => self.add(name, rows),
                (name, _) => self.forget(name),
            }
        } else if let Some(rest) = created_table(text) {
            match name(rest) {
                // `CREATE TABLE ... AS SELECT` fills it; a list of columns does not.
                Some((name, rest)) if is_partitioned(rest) => self.place(name).1 = Rows::InPartitions,
                Some((name, rest)) if rest.trim_ascii_start().starts_with(b"(") => self.add(name, 0),
                Some((name, rest)) if after(rest, "PARTITION OF").is_some() => self.add(name, 0),
                Some((name, _)) => self.forget(Some(name)),
                None => self.forget(None),
            }
        } else if let Some(rest) = after(text, "SET search_path") {
            let value = after(rest, "TO").or_else(|| rest.trim_ascii_start().strip_prefix(b"="));
            self.schema = value.and_then(read).filter(|name| name.schema.is_none()).map(|name| name.table);
        } else {
            self.changed(text);
        }
    }

    /// Statements after which rows are not where they were counted.
    fn changed(&mut self, text: &[u8]) {
        let read = |rest: &[u8]| name(perhaps(rest, "ONLY")).map(|(name, _)| name);
        if let Some(rest) = after(text, "DELETE FROM").or_else(|| after(text, "MERGE INTO")) {
            self.forget(read(rest));
        } else if let Some(rest) = after(text, "TRUNCATE") {
            let rest = perhaps(rest, "TABLE");
            let several = rest.contains(&b',') || after(rest, "CASCADE").is_some();
            self.forget(if several { None } else { read(rest) });
        } else if let Some(rest) = after(text, "DROP TABLE") {
            let rest = perhaps(rest, "IF EXISTS");
            // A drop before anything was made, as `--clean` writes it, changes nothing.
            let known = read(rest).filter(|name| !rest.contains(&b',') && self.is_known(name));
            if known.is_some() || (rest.contains(&b',') && !self.list.is_empty()) {
                self.forget(known);
            }
        } else if let Some(rest) = after(text, "ALTER TABLE") {
            let rest = perhaps(perhaps(rest, "IF EXISTS"), "ONLY");
            if let Some((name, rest)) = name(rest)
                && (after(rest, "RENAME TO").is_some() || after(rest, "SET SCHEMA").is_some())
            {
                self.forget(Some(name));
            }
        } else if ["WITH", "DO", "CALL"].iter().any(|word| after(text, word).is_some()) {
            self.forget(None);
        }
    }

    fn is_known(&self, name: &Name) -> bool {
        let schema = name.schema.clone().or_else(|| self.schema.clone()).unwrap_or_else(|| "public".to_owned());
        self.places.contains_key(&(schema, name.table.clone()))
    }

    /// The tables whose rows are known.
    pub(super) fn counted(self) -> Vec<TableRows> {
        let unknown = self.unknown;
        self.list.into_iter().filter(|(_, known)| *known == Rows::Counted && !unknown).map(|(table, _)| table).collect()
    }

    /// From now on nobody knows how many rows the table of a COPY has that is not text.
    pub(super) fn copied_otherwise(&mut self, name: Name) {
        self.forget(Some(name));
    }
}

fn created_table(text: &[u8]) -> Option<&[u8]> {
    let rest = after(text, "CREATE")?;
    let rest = after(perhaps(rest, "UNLOGGED"), "TABLE")?;
    Some(perhaps(rest, "IF NOT EXISTS"))
}

fn is_partitioned(definition: &[u8]) -> bool {
    memchr::memmem::find(&definition.to_ascii_uppercase(), b"PARTITION BY").is_some()
}

#[cfg(test)]
mod tests {
    fn counted(text: &str) -> Vec<(String, u64)> {
        let summary = super::super::read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        summary.tables.into_iter().map(|table| (format!("{}.{}", table.schema, table.name), table.rows)).collect()
    }

    #[test]
    fn rows_of_inserts_are_tuples() {
        let text = "set search_path to shop, public; create table A (x int check (x in (1, 2)), y text);
            insert into a values (1, 'a;(b)'), (2, 'VALUES (3)') on conflict (x) do nothing; insert into a default values;
            create rule r as on delete to a do (insert into b values (1); select 1);
            create function f() returns int language sql begin atomic insert into a values (1); select 2; end;
            insert into shop.\"A\"(x) values ((1 + 2) * 3);";
        assert_eq!(counted(text), [("shop.a".to_owned(), 3), ("shop.A".to_owned(), 1)]);
    }

    #[test]
    fn what_cannot_be_counted_is_not_claimed() {
        let start =
            "create table a (x int); create table b (x int); insert into a values (1); insert into b values (1);";
        assert_eq!(counted(start).len(), 2);
        for more in
            ["delete from a", "insert into a select 1", "truncate a", "alter table a rename to c", "drop table a"]
        {
            assert_eq!(counted(&format!("{start}{more};")), [("public.b".to_owned(), 1)], "{more}");
        }
        for more in ["truncate a, b", "do $$ begin end $$", "with x as (select 1) insert into a select * from x"] {
            assert_eq!(counted(&format!("{start}{more};")), [], "{more}");
        }
        assert_eq!(counted("create table p (x int) partition by range (x); insert into p values (1);"), []);
        assert_eq!(counted("copy a from stdin with (format csv);\n\"x\ny\"\n\\.\n"), []);
        assert_eq!(counted("create table a as select 1;"), []);
    }
}
