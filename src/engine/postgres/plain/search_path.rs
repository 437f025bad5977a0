//! Where names without a schema are found: as the server looks for them, along the `search_path`, in schemas that are there.

use std::collections::HashSet;

use super::super::sql::Cursor;

/// The schema that every database has, and where everything goes when nothing else is said.
const PUBLIC: &str = "public";
/// More schemas than this are not told apart.
const MOST: usize = 100_000;

/// The `search_path` so far, and the schemas that the dump has made.
#[derive(Debug)]
pub(super) struct SearchPath {
    path: Vec<String>,
    made: HashSet<String>,
}

impl Default for SearchPath {
    fn default() -> Self {
        SearchPath { path: vec![PUBLIC.to_owned()], made: HashSet::new() }
    }
}

impl SearchPath {
    /// Takes a statement that may set the path or make a schema; false when it does neither.
    pub(super) fn statement(&mut self, cursor: &Cursor<'_>) -> bool {
        let mut cursor = cursor.clone();
        if cursor.words("create schema") {
            cursor.words("if not exists");
            let named = cursor.name().filter(|_| self.made.len() < MOST);
            self.made.extend(named);
        } else if cursor.words("reset search_path") {
            *self = SearchPath { made: std::mem::take(&mut self.made), ..SearchPath::default() };
        } else if cursor.words("select") {
            return self.called(cursor);
        } else if cursor.words("set") {
            cursor.one_of(&["session", "local"]);
            if cursor.words("schema") {
                self.path = cursor.text().map(|schema| super::lossy(&schema)).into_iter().collect();
            } else if cursor.words("search_path") {
                if !cursor.words("to") {
                    cursor.operator("=");
                }
                self.set(cursor);
            } else {
                return false;
            }
        } else {
            return false;
        }
        true
    }

    fn set(&mut self, mut cursor: Cursor<'_>) {
        if cursor.words("default") {
            self.path = SearchPath::default().path;
            return;
        }
        self.path.clear();
        while let Some(schema) = cursor.text().map(|text| super::lossy(&text)).or_else(|| cursor.name()) {
            self.path.push(schema);
            if !cursor.sign(b',') {
                break;
            }
        }
    }

    /// `SELECT pg_catalog.set_config('search_path', 'a, "B"', false)`.
    fn called(&mut self, mut cursor: Cursor<'_>) -> bool {
        let named = cursor.qualified().is_some_and(|called| called.name == "set_config") && cursor.sign(b'(');
        let setting = cursor.text().filter(|_| named);
        if !setting.is_some_and(|setting| setting.eq_ignore_ascii_case(b"search_path")) || !cursor.sign(b',') {
            return false;
        }
        let value = cursor.text().unwrap_or_default();
        self.set(Cursor::new(&value, false));
        true
    }

    /// Whether the server looks there at all. `$user` names a schema that a restore has none of; `pg_catalog` holds the
    /// system's own.
    fn is_looked_at(&self, schema: &str) -> bool {
        schema == PUBLIC || self.made.contains(schema)
    }

    /// The schemas in which a name is looked for, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.path.iter().map(String::as_str).filter(|schema| self.is_looked_at(schema))
    }

    /// The schema in which something new is made.
    pub(super) fn first(&self) -> &str {
        self.all().next().unwrap_or(PUBLIC)
    }
}
