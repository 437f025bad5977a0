//! The strongest comparison there is: the restored database is dumped again by its own server, and what that holds is held
//! against what the backup holds: every object by its definition, every table by its rows, every large object.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use super::outlook::major_of;
use super::server::{Server, WRITTEN_BY};
use crate::domain::{Comparison, Session};
use crate::engine::{Compared, Content, Object};
use crate::error::{Failure, Kind, Result};
use crate::sys::stdin::Input;

/// Differences that are named.
const NAMED: usize = 3;

/// What a second dump is compared with, and how it is to be made.
#[derive(Debug)]
pub struct Before<'a> {
    /// All that the first dump holds.
    pub content: &'a Content,
    /// A backup that this host made: all of it was restored, and by what it was written is known.
    pub is_own: bool,
    /// The settings by which its values were written.
    pub session: &'a Session,
}

impl Server {
    /// Dumps `database` again and compares. Fails as `damaged`, naming the first differences.
    pub fn compare_again(&self, database: &str, before: &Before<'_>, limit: Duration) -> Result<Compared> {
        // A record may be a stranger's: nothing but these is set.
        let known = before.session.iter().filter(|(name, _)| WRITTEN_BY.contains(&name.as_str()));
        let options = known.map(|(name, value)| format!(" -c {name}={}", escaped(value)));
        let options = format!("PGOPTIONS=-c statement_timeout=0 -c lock_timeout=0{}", options.collect::<String>());
        let mut args = vec!["env", &options, "pg_dump", "--format=custom", "--compress=0", "--no-owner", "--no-acl"];
        args.extend(["--no-password", "--username=postgres"]);
        // Names and values in the encoding of the first dump: else their bytes would be others.
        let encoding = before.content.encoding.as_deref().map(|encoding| format!("--encoding={encoding}"));
        args.extend(encoding.as_deref());
        args.extend(["--dbname", database]);
        let mut again = self.docker().pour(self.container(), &args, Input::Nothing, limit)?;
        let after = super::inspect(&mut again).map_err(|failure| match failure.kind {
            Kind::Damaged => {
                Failure::new(Kind::Damaged, "what was restored could not be dumped again").because(failure.reason())
            }
            _ => failure,
        })?;
        let found = Found::between(before, &after);
        if !found.differences.is_empty() {
            return Err(Failure::new(Kind::Damaged, "dumped again, what was restored is not what the dump holds")
                .because(found.words()));
        }
        // Made elsewhere, and tables without their rows: nothing of them was shown.
        let tables = before.content.objects.iter().any(|object| object.kind == "TABLE");
        if !before.is_own && before.content.tables.is_empty() && tables {
            return Ok(Compared {
                tables: 0,
                rows: 0,
                how: Comparison::Nothing,
                not_compared: found.unclear,
                not_given: Vec::new(),
            });
        }
        let how = if found.unclear.is_empty() { Comparison::DumpedAgain } else { Comparison::Rows };
        let (tables, rows) = (before.content.tables.len() as u64, before.content.rows());
        Ok(Compared { tables, rows, how, not_compared: found.unclear, not_given: Vec::new() })
    }
}

/// A value as it stands in `PGOPTIONS`, where blanks part words.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace(' ', "\\ ")
}

/// What two dumps differ in.
#[derive(Debug, Default)]
pub struct Found {
    /// What is not equal, a line each.
    pub differences: Vec<String>,
    /// Tables of which only the number of rows can be compared.
    pub unclear: Vec<String>,
}

impl Found {
    /// Compares all that two dumps hold.
    pub fn between(before: &Before<'_>, after: &Content) -> Found {
        let mut found = Found::default();
        found.tables(before, after);
        let content = before.content;
        if content.large_objects != after.large_objects {
            let (here, there) = (after.large_objects, content.large_objects);
            found.differences.push(format!("{here} large objects, the dump holds {there}"));
        } else if content.large_object_digest != after.large_object_digest {
            found.differences.push("a large object has another content".to_owned());
        }
        // Another version writes other definitions, whatever they mean.
        let is_comparable = before.is_own || major_of(&content.server_version) == major_of(&after.server_version);
        if is_comparable {
            found.objects(before, &after.objects);
        } else {
            found.unclear.push("the definitions, which are of another version of the server".to_owned());
        }
        found
    }

    fn tables(&mut self, before: &Before<'_>, after: &Content) {
        let columns = |content: &Content| -> HashMap<(String, String), [u8; 32]> {
            let data = content.objects.iter().filter(|object| object.kind == TABLE_DATA);
            data.map(|object| ((object.schema.clone(), object.name.clone()), object.definition)).collect()
        };
        let (then, now) = (columns(before.content), columns(after));
        let mut there: HashMap<_, _> =
            after.tables.iter().map(|table| ((table.schema.clone(), table.name.clone()), table)).collect();
        for table in &before.content.tables {
            let key = (table.schema.clone(), table.name.clone());
            let name = format!("{}.{}", table.schema, table.name);
            let Some(other) = there.remove(&key) else {
                self.differences.push(format!("{name} is not there"));
                continue;
            };
            if other.rows != table.rows {
                self.differences.push(format!("{name} has {} rows, the dump holds {}", other.rows, table.rows));
                continue;
            }
            match (&table.digest, &other.digest) {
                (Some(one), Some(two)) if one == two => {}
                // Columns in another order, as a table that inherits gets them, or INSERTs: rows read differently.
                (Some(_), Some(_)) if before.is_own && then.get(&key) == now.get(&key) => {
                    self.differences.push(format!("rows of {name} are not those of the dump"));
                }
                // By which settings the values of a dump made elsewhere were written nobody knows.
                _ => self.unclear.push(name),
            }
        }
        if before.is_own {
            self.differences.extend(there.into_keys().map(|(schema, name)| format!("{schema}.{name} was not there")));
        }
    }

    fn objects(&mut self, before: &Before<'_>, after: &[Object]) {
        let mut there: HashMap<[&str; 3], Vec<&[u8; 32]>> = HashMap::new();
        for object in after.iter().filter(|object| object.kind != TABLE_DATA) {
            there.entry(key(object)).or_default().push(&object.definition);
        }
        let is_made = |object: &&Object| object.kind != TABLE_DATA && (before.is_own || !object.left_out);
        for object in before.content.objects.iter().filter(is_made) {
            let Entry::Occupied(mut same) = there.entry(key(object)) else {
                self.differences.push(format!("{} is not there", words(object)));
                continue;
            };
            // Several may share a name: operators, for instance.
            match same.get().iter().position(|definition| **definition == object.definition) {
                Some(place) => drop(same.get_mut().swap_remove(place)),
                None => {
                    same.get_mut().pop();
                    self.differences.push(format!("{} is defined otherwise", words(object)));
                }
            }
            if same.get().is_empty() {
                same.remove();
            }
        }
        if before.is_own {
            let added = after.iter().filter(|object| there.contains_key(&key(object)));
            self.differences.extend(added.map(|object| format!("{} was not there", words(object))));
        }
    }

    fn words(&self) -> String {
        let named = self.differences.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
        match self.differences.len().saturating_sub(NAMED) {
            0 => named,
            more => format!("{named} and {more} more"),
        }
    }
}

const TABLE_DATA: &str = "TABLE DATA";

fn key(object: &Object) -> [&str; 3] {
    [&object.kind, &object.schema, &object.name]
}

/// `table public.users`.
fn words(object: &Object) -> String {
    let kind = object.kind.to_lowercase();
    match object.schema.as_str() {
        "" => format!("{kind} {}", object.name),
        schema => format!("{kind} {schema}.{}", object.name),
    }
}
