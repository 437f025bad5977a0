//! The tables a plain dump fills, and how many rows each must have in the end, as far as that can be counted: rows of
//! COPY blocks, tuples of INSERT statements. A table that anything else fills or empties is left out.

use std::collections::HashMap;

use super::super::archive::TableRows;
use super::super::sql::{Cursor, Qualified as Name, Token};
use super::search_path::SearchPath;

/// Whether a table's rows are those that were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    Counted,
    Unknown,
    /// It has none itself: what is put into it lies in its partitions.
    InPartitions,
}

/// More tables than this are not a database that we restore.
const MOST: usize = 200_000;

#[derive(Debug, Default)]
pub(super) struct Tables {
    list: Vec<(TableRows, Rows)>,
    places: HashMap<(String, String), usize>,
    path: SearchPath,
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

    /// The table that is meant by `name`; a new one where there is none so far.
    fn place(&mut self, name: Name) -> &mut (TableRows, Rows) {
        let schema =
            name.schema.clone().or_else(|| self.found(&name.name)).unwrap_or_else(|| self.path.first().to_owned());
        self.place_in(schema, name)
    }

    /// The schema in which the server finds a table of this name.
    fn found(&self, name: &str) -> Option<String> {
        let known =
            |schema: &&str| self.places.contains_key(&(clipped((*schema).to_owned()), clipped(name.to_owned())));
        self.path.all().find(known).map(str::to_owned)
    }

    fn place_in(&mut self, schema: String, name: Name) -> &mut (TableRows, Rows) {
        let (schema, name) = (clipped(schema), Name { name: clipped(name.name), schema: None });
        let place = *self.places.entry((schema.clone(), name.name.clone())).or_insert_with(|| {
            self.list.push((TableRows { schema, name: name.name, rows: 0, digest: None }, Rows::Counted));
            self.list.len() - 1
        });
        &mut self.list[place]
    }

    /// Takes a statement that is not a COPY, without its `;`; `tuples` are those of its VALUES. False when there are too
    /// many tables.
    pub(super) fn statement(&mut self, text: &[u8], tuples: Option<u64>, backslashes: bool) -> bool {
        let mut cursor = Cursor::new(text, backslashes);
        if cursor.words("insert into") {
            match (cursor.qualified(), tuples) {
                (Some(name), Some(rows)) => self.add(name, rows),
                (name, _) => self.forget(name),
            }
        } else if created_table(&mut cursor) {
            self.created(cursor);
        } else if !self.path.statement(&cursor) {
            self.changed(cursor);
        }
        self.list.len() <= MOST
    }

    /// `CREATE TABLE ... AS SELECT` fills it; a list of columns does not.
    fn created(&mut self, mut cursor: Cursor<'_>) {
        let Some(mut name) = cursor.qualified() else { return self.forget(None) };
        // Made where new tables go, whatever others there are by its name.
        name.schema.get_or_insert_with(|| self.path.first().to_owned());
        if cursor.clone().has_outside("partition") && is_partitioned(cursor.clone()) {
            self.place(name).1 = Rows::InPartitions;
        } else if matches!(cursor.peek(), Some(Token::Sign(b'('))) && !cursor.has_outside("as")
            || cursor.words("partition of")
        {
            self.add(name, 0);
        } else {
            self.forget(Some(name));
        }
    }

    /// Statements after which rows are not where they were counted.
    fn changed(&mut self, mut cursor: Cursor<'_>) {
        let read = |cursor: &mut Cursor<'_>| {
            cursor.words("only");
            cursor.qualified()
        };
        if cursor.words("delete from") || cursor.words("merge into") {
            let name = read(&mut cursor);
            self.forget(name);
        } else if cursor.words("truncate") {
            cursor.words("table");
            self.emptied(cursor);
        } else if cursor.words("drop table") {
            cursor.words("if exists");
            // A drop before anything was made, as `--clean` writes it, changes nothing.
            let several = cursor.has_sign_outside(b',');
            let known = read(&mut cursor).filter(|name| !several && self.is_known(name));
            if known.is_some() || (several && !self.list.is_empty()) {
                self.forget(known);
            }
        } else if cursor.words("alter table") {
            cursor.words("if exists");
            let name = read(&mut cursor);
            if name.is_some() && (cursor.words("rename to") || cursor.words("set schema")) {
                self.forget(name);
            }
        } else if cursor.one_of(&["with", "do", "call"]).is_some() {
            self.forget(None);
        }
    }

    /// `TRUNCATE a, b`: those made in this dump have no rows so far. With CASCADE others have none either.
    fn emptied(&mut self, mut cursor: Cursor<'_>) {
        if cursor.has_outside("cascade") {
            return self.forget(None);
        }
        loop {
            cursor.words("only");
            let Some(name) = cursor.qualified() else { return self.forget(None) };
            cursor.operator("*");
            if self.is_known(&name) {
                self.place(name).0.rows = 0;
            } else {
                self.forget(Some(name));
            }
            if !cursor.sign(b',') {
                return;
            }
        }
    }

    fn is_known(&self, name: &Name) -> bool {
        let schema = name.schema.clone().or_else(|| self.found(&name.name));
        schema.is_some_and(|schema| self.places.contains_key(&(clipped(schema), clipped(name.name.clone()))))
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

fn created_table(cursor: &mut Cursor<'_>) -> bool {
    let mut ahead = cursor.clone();
    if !ahead.words("create") {
        return false;
    }
    ahead.words("unlogged");
    if !ahead.words("table") {
        return false;
    }
    ahead.words("if not exists");
    *cursor = ahead;
    true
}

fn is_partitioned(mut cursor: Cursor<'_>) -> bool {
    while !cursor.is_at_end() {
        if cursor.words("partition by") {
            return true;
        }
        cursor.outer();
    }
    false
}

/// As the server does with names that are too long: their first 63 bytes, in whole characters.
fn clipped(mut name: String) -> String {
    const LONGEST: usize = 63;
    if name.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
        name.truncate(end);
        name.shrink_to_fit();
    }
    name
}

#[cfg(test)]
mod tests {
    fn counted(text: &str) -> Vec<(String, u64)> {
        let summary = super::super::read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        summary.tables.into_iter().map(|table| (format!("{}.{}", table.schema, table.name), table.rows)).collect()
    }

    #[test]
    fn rows_of_inserts_are_tuples() {
        let text = "create schema shop; set search_path to shop, public; create table A (x int check (x in (1, 2)), y text);
            insert into a values (1, 'a;(b)'), (2, 'VALUES (3)') on conflict (x) do nothing; insert into a default values;
            create rule r as on delete to a do (insert into b values (1); select 1);
            create function f() returns int language sql begin atomic insert into a values (1); select 2; end;
            insert into shop.\"A\"(x) values ((1 + 2) * 3);";
        assert_eq!(counted(text), [("shop.a".to_owned(), 3), ("shop.A".to_owned(), 1)]);
    }

    #[test]
    fn report_104_names_are_found_where_the_server_finds_them() {
        let table = "create table a (x int); insert into a values (1);";
        for (path, schema) in [
            ("set search_path to \"$user\", nowhere, public", "public"),
            ("set search_path = s", "s"),
            ("create schema \"S\"; set local search_path to \"S\", s", "S"),
            ("select pg_catalog.set_config('search_path', 'nowhere, \"s\"', false)", "s"),
            ("select set_config('search_path', '', false); set schema 's'", "s"),
            ("set search_path to s; reset search_path", "public"),
            ("set search_path to s; set search_path to default", "public"),
            // Where there is one already, it is meant.
            ("create table public.a (x int); set search_path to s, public; drop table if exists s.a", "s"),
        ] {
            let found = counted(&format!("create schema s; {path}; {table}"));
            assert!(found.contains(&(format!("{schema}.a"), 1)), "{path}: {found:?}");
        }
        let later = "create table a (x int); create schema s; set search_path to s, public; insert into a values (1)";
        assert_eq!(counted(later), [("public.a".to_owned(), 1)]);
    }

    #[test]
    fn what_cannot_be_counted_is_not_claimed() {
        let start =
            "create table a (x int); create table b (x int); insert into a values (1); insert into b values (1);";
        assert_eq!(counted(start).len(), 2);
        for more in ["delete from a", "insert into a select 1", "alter table a rename to c", "drop table a"] {
            assert_eq!(counted(&format!("{start}{more};")), [("public.b".to_owned(), 1)], "{more}");
        }
        for more in ["truncate a cascade", "do $$ begin end $$", "with x as (select 1) insert into a select * from x"] {
            assert_eq!(counted(&format!("{start}{more};")), [], "{more}");
        }
        assert_eq!(counted("create table p (x int) partition by range (x); insert into p values (1);"), []);
        assert_eq!(counted("copy a from stdin with (format csv);\n\"x\ny\"\n\\.\n"), []);
        assert_eq!(counted("create table a as select 1;"), []);
    }
}
