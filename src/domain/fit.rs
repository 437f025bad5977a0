//! A record has a size. What stands in it comes from dumps, servers and programs, and whoever wrote those may have written
//! a million names: a record keeps the first of them and says how many more there are.

use super::{Backup, MoreTables};
use crate::error::{LONGEST, shortened};

/// Tables that a record names.
pub const MOST_TABLES: usize = 5_000;
/// Longest name of a table or a schema, in bytes; servers allow some 64.
const LONGEST_NAME: usize = 256;
/// Things that reach beyond the database.
const MOST_PROGRAMS: usize = 100;
/// Notes.
const MOST_NOTES: usize = 50;
/// Settings of the session that made it.
const MOST_SETTINGS: usize = 10;
/// Roles that a restore made.
const MOST_ROLES: usize = 200;
/// Apps.
const MOST_APPS: usize = 200;
/// Restores; the newest stay.
const MOST_RESTORES: usize = 500;

impl Backup {
    /// Takes out what is beyond the bounds of a record.
    pub fn fit(&mut self) {
        if self.tables.len() > MOST_TABLES {
            let beyond = self.tables.split_off(MOST_TABLES);
            let more = self.more_tables.get_or_insert(MoreTables { tables: 0, rows: 0 });
            more.tables += beyond.len() as u64;
            more.rows = beyond.iter().fold(more.rows, |rows, table| rows.saturating_add(table.rows));
        }
        // Few are known; a stranger's record may hold more.
        while self.session.len() > MOST_SETTINGS {
            self.session.pop_last();
        }
        self.session.values_mut().for_each(|value| shorten(value, LONGEST_NAME));
        for name in self.tables.iter_mut().flat_map(|table| [&mut table.schema, &mut table.name]) {
            shorten(name, LONGEST_NAME);
        }
        few(&mut self.programs, MOST_PROGRAMS);
        few(&mut self.notes, MOST_NOTES);
        self.apps.truncate(MOST_APPS);
        let old = self.restores.len().saturating_sub(MOST_RESTORES);
        self.restores.drain(..old);
        for list in self.restores.iter_mut().flat_map(|restore| [&mut restore.roles, &mut restore.not_given]) {
            few(list, MOST_ROLES);
        }
        let words = [
            &mut self.reason,
            &mut self.label,
            &mut self.suspicious,
            &mut self.damage,
            &mut self.image,
            &mut self.image_version,
            &mut self.server_version,
            &mut self.dump_tool_version,
            &mut self.database,
        ];
        let ends = self.restores.iter_mut().map(|restore| &mut restore.reason);
        let shown = self.verification.iter_mut().map(|verification| &mut verification.reason);
        let copies = self.destination.iter_mut().map(|copy| &mut copy.reason);
        let code = self.apps.iter_mut().flat_map(|app| [&mut app.deploy_branch, &mut app.deploy_source_metadata]);
        let all = words.into_iter().chain(ends).chain(shown).chain(copies).chain(code);
        all.flatten().for_each(|word| shorten(word, LONGEST));
    }

    /// Tables with data in the dump.
    pub fn table_count(&self) -> u64 {
        self.tables.len() as u64 + self.more_tables.as_ref().map_or(0, |more| more.tables)
    }

    /// Rows in the dump.
    pub fn row_count(&self) -> u64 {
        let more = self.more_tables.as_ref().map_or(0, |more| more.rows);
        self.tables.iter().fold(more, |rows, table| rows.saturating_add(table.rows))
    }
}

fn few(list: &mut Vec<String>, most: usize) {
    let beyond = list.len().saturating_sub(most);
    if beyond > 0 {
        list.truncate(most - 1);
        list.push(format!("... and {} more", beyond + 1));
    }
    list.iter_mut().for_each(|word| shorten(word, LONGEST));
}

fn shorten(word: &mut String, most: usize) {
    if word.len() > most {
        *word = shortened(word, most);
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::{BackupId, Datastore, Source, TableRows};

    use super::*;

    #[test]
    fn attack_409_a_record_has_a_size() {
        let id: BackupId = "db-2026-04-08-14-30-00".parse().unwrap();
        let mut backup = Backup::draft(id.clone(), Datastore::Postgres, Source::Manual, id.at(), "a");
        let table = |n: usize| TableRows {
            schema: "public".to_owned(),
            name: format!("t{n}").repeat(100),
            rows: 2,
            digest: None,
        };
        backup.tables = (0..MOST_TABLES + 7).map(table).collect();
        backup.programs = (0..1_000).map(|n| format!("line {n}")).collect();
        backup.reason = Some("é".repeat(70_000));
        backup.fit();
        let once = backup.clone();
        backup.fit();
        assert_eq!(backup, once);
        assert_eq!((backup.tables.len(), backup.table_count()), (MOST_TABLES, MOST_TABLES as u64 + 7));
        assert_eq!(backup.row_count(), 2 * (MOST_TABLES as u64 + 7));
        assert_eq!(backup.programs.len(), MOST_PROGRAMS);
        assert_eq!(backup.programs.last().unwrap(), "... and 901 more");
        assert!(backup.reason.unwrap().len() <= LONGEST);
        assert!(backup.tables.iter().all(|table| table.name.len() <= LONGEST_NAME));
    }
}
