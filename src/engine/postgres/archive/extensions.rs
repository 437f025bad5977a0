//! The extensions of an archive and what in it is theirs. `pg_dump` writes the rows that users added to tables of an
//! extension, but not those tables, and does not say whose they are: it is told where it is certain, and only there.

use std::collections::HashSet;

use super::encoding;
use super::entry::Entry;
use crate::engine::postgres::sql::Cursor;

/// Extensions with tables in a schema that they make themselves and that is not called as they are.
const SCHEMAS: [(&str, &str); 1] = [("pg_cron", "cron")];

/// An extension that the archive makes.
#[derive(Debug)]
struct Made {
    id: i32,
    name: String,
    /// The schema that it is made in, where that is said.
    schema: Option<String>,
}

/// What has gone by of an archive's table of contents.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    made: Vec<Made>,
    /// Numbers of all entries so far.
    seen: HashSet<i32>,
}

impl Extensions {
    /// Takes the next entry. Returns the extension that it makes, or is about, or whose rows or sequence it is of.
    pub(super) fn take(&mut self, entry: &Entry) -> Option<&str> {
        self.seen.insert(entry.id);
        match entry.kind.as_slice() {
            b"EXTENSION" => {
                let schema = schema_of(entry.sql());
                self.made.push(Made { id: entry.id, name: encoding::text(&entry.tag, None), schema });
                self.made.last().map(|made| made.name.as_str())
            }
            b"TABLE DATA" | b"SEQUENCE SET" if !entry.needs.iter().any(|id| self.seen.contains(id)) => {
                self.owner(&encoding::text(&entry.namespace, None))
            }
            _ => self.made.iter().find(|made| entry.needs.contains(&made.id)).map(|made| made.name.as_str()),
        }
    }

    /// Whose a table in `schema` is that nothing in the archive makes.
    fn owner(&self, schema: &str) -> Option<&str> {
        let is_its_own = |made: &&Made| made.name == schema || SCHEMAS.contains(&(made.name.as_str(), schema));
        let lives_there = |made: &&Made| made.schema.as_deref() == Some(schema);
        let mut there = self.made.iter().filter(lives_there);
        let alone = there.next().filter(|_| there.next().is_none() && schema != "public");
        let only = self.made.first().filter(|_| self.made.len() == 1);
        self.made.iter().find(is_its_own).or(alone).or(only).map(|made| made.name.as_str())
    }
}

/// The schema in `CREATE EXTENSION ... WITH SCHEMA s`.
fn schema_of(definition: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(definition, false);
    while !cursor.is_at_end() {
        if cursor.words("with schema") {
            return cursor.name();
        }
        cursor.take();
    }
    None
}
