//! A dump that is whole and yet looks wrong: it shrank to a fraction of the last ones, or lost its tables.

use super::{Archive, Backup, StoredAs, TableRows};

/// Dumps smaller than this vary too much in proportion to mean anything: 64 KiB.
const SMALL: u64 = 64 << 10;

/// A dump with fewer than one byte in this many of the last good one's is suspicious.
const FRACTION: u64 = 4;

/// Tables that are named where several are gone.
const NAMED: usize = 3;

/// Says, with the figures and the names, why `size` bytes in this form with these `tables` (`count` of
/// them in all, where a record names only the first) look wrong after `last`, the
/// newest good backup before. Sizes of different forms tell nothing of each other.
pub fn suspicion(last: &Backup, form: StoredAs, size: u64, tables: &[TableRows], count: u64) -> Option<String> {
    let before = last.size.unwrap_or(0);
    let had = last.table_count();
    if count == 0 && had > 0 {
        return Some(format!("no table holds data any more; {} had {had}", last.id));
    }
    // Where not all are named, which of them are gone cannot be told.
    let all_named = count == tables.len() as u64 && had == last.tables.len() as u64;
    let fewer = || {
        (had >= 4 && count < had / 2)
            .then(|| format!("{} with data; {} had {had}", super::count(count, "table"), last.id))
    };
    let lost = if all_named { gone(last, tables) } else { fewer() };
    let comparable = last.form() == form && !form.is_delta();
    lost.or_else(|| shrunk(last, comparable.then_some((before, size))))
}

/// Says that the archive of a backup which was stored in segments has shrunk; of differences the file tells nothing.
pub fn archive_suspicion(last: &Backup, archive: &Archive) -> Option<String> {
    shrunk(last, last.archive.as_ref().map(|before| (before.size, archive.size)))
}

fn shrunk(last: &Backup, sizes: Option<(u64, u64)>) -> Option<String> {
    let (before, size) = sizes.filter(|(before, size)| *before > SMALL && *size < before / FRACTION)?;
    Some(format!("{size} bytes; {} had {before}", last.id))
}

/// Whether nothing is left in `backup` of what `last` held: all tables are gone, or all rows. Such a database may be new,
/// or the wrong one; no restore shows which.
pub fn is_emptied(last: &Backup, backup: &Backup) -> bool {
    last.row_count() > 0 && backup.row_count() == 0 || last.table_count() > 0 && backup.table_count() == 0
}

/// The tables of `last` that are there no more. As many others in their place are no comfort: that is what the dump of
/// another database looks like.
fn gone(last: &Backup, tables: &[TableRows]) -> Option<String> {
    let name = |table: &TableRows| format!("{}.{}", table.schema, table.name);
    let there: std::collections::BTreeSet<(&str, &str)> =
        tables.iter().map(|table| (table.schema.as_str(), table.name.as_str())).collect();
    let lost: Vec<String> = last
        .tables
        .iter()
        .filter(|table| !there.contains(&(table.schema.as_str(), table.name.as_str())))
        .map(name)
        .collect();
    let (shown, more) =
        (lost.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "), lost.len().checked_sub(NAMED));
    match (lost.len(), more.filter(|more| *more > 0)) {
        (0, _) => None,
        (1, _) => Some(format!("the table {shown} is gone; {} had it", last.id)),
        (count, None) => Some(format!("{count} tables are gone: {shown}; {} had them", last.id)),
        (count, Some(more)) => Some(format!("{count} tables are gone: {shown} and {more} more; {} had them", last.id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{BackupId, Datastore, Source};

    fn tables(names: &[&str]) -> Vec<TableRows> {
        let table =
            |name: &&str| TableRows { schema: "public".to_owned(), name: (*name).to_owned(), rows: 1, digest: None };
        names.iter().map(table).collect()
    }

    #[test]
    fn attack_411_tables_count_by_name() {
        let at = "2026-04-08T14:30:00Z".parse().unwrap();
        let id = BackupId::new("db".parse().unwrap(), at).unwrap();
        let mut last = Backup::draft(id, Datastore::Postgres, Source::Manual, at, "root");
        last.tables = tables(&["a", "b", "c", "d", "e"]);
        let why = |names: &[&str]| {
            suspicion(&last, StoredAs::UNCHANGED, 1, &tables(names), names.len() as u64).unwrap_or_default()
        };
        assert_eq!(why(&["a", "b", "c", "d", "e", "f"]), "");
        let had = |text: &str| format!("{text}; {} had ", last.id);
        assert_eq!(why(&["a", "b", "c", "e", "x", "y"]), had("the table public.d is gone") + "it");
        assert_eq!(why(&["c", "d", "e"]), had("2 tables are gone: public.a, public.b") + "them");
        assert_eq!(why(&["v"]), had("5 tables are gone: public.a, public.b, public.c and 2 more") + "them");
        assert_eq!(why(&[]), had("no table holds data any more") + "5");
    }
}
