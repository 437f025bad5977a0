//! What of an archive can be built at the same time once its rows are there: indexes, and the constraints that are indexes.
//! `pg_restore --jobs` finds that out for itself, but only from a file that it can seek in.

use std::collections::{HashMap, HashSet};

use super::entry::{self, Data, Entry, NEEDS};
use super::judge::Fate;
use super::kinds::{Kind, kind};
use super::source::{Long, Source};
use super::{ArchiveError, header, passing};

/// The section of what comes after the rows; known from 1.11 on.
const POST_DATA: i32 = 4;

/// Entries that one client builds, by their numbers: each of them makes one index.
pub(in super::super) type Lot = HashSet<i32>;

/// What one client does in one go: entries of one table that would be in each other's way.
#[derive(Debug, Default)]
struct Unit {
    entries: Vec<i32>,
    weight: u64,
}

/// Deals out what can be built at the same time to at most `clients`, as evenly as `rows` (of a table, by schema and name)
/// tells; fewer than two lots where there is too little. `head` is what [`head`](super::head) has taken out of an archive.
///
/// An entry is dealt out when it needs nothing of what comes after the rows. What locks a table, or takes a second lock on
/// it, is in one lot: two clients cannot wait for each other.
pub(in super::super) fn lots(
    head: &[u8],
    clients: usize,
    rows: &dyn Fn(&str, &str) -> u64,
) -> Result<Vec<Lot>, ArchiveError> {
    let mut tables: HashMap<i32, u64> = HashMap::new();
    let mut later: HashSet<i32> = HashSet::new();
    let mut candidates: Vec<Entry> = Vec::new();
    each(head, |entry| {
        if entry.kind == b"TABLE" {
            let rows = rows(&super::text(&entry.namespace), &super::text(&entry.tag));
            tables.insert(entry.id, rows.max(1));
        }
        if entry.section == Some(POST_DATA) {
            later.insert(entry.id);
            if makes_an_index(&entry) {
                candidates.push(entry);
            }
        }
    })?;
    let mut alone: HashMap<i32, Unit> = HashMap::new();
    let mut units: Vec<Unit> = Vec::new();
    for entry in &candidates {
        let table = entry.needs.iter().find_map(|id| Some((*id, *tables.get(id)?)));
        let Some((table, rows)) = table.filter(|_| !entry.needs.iter().any(|id| later.contains(id))) else { continue };
        if entry.needs.len() == NEEDS || !matches!(entry.definition, Long::Text(_)) {
            continue;
        }
        let unit = match locks(entry) {
            true => alone.entry(table).or_default(),
            false => {
                units.push(Unit::default());
                units.last_mut().expect("just pushed")
            }
        };
        unit.entries.push(entry.id);
        unit.weight = unit.weight.saturating_add(rows);
    }
    units.extend(alone.into_values());
    Ok(dealt(units, clients))
}

/// Whether it makes one index, and so can be counted afterwards.
fn makes_an_index(entry: &Entry) -> bool {
    let says = |words: &[u8]| memchr::memmem::find(entry.sql(), words).is_some();
    match entry.kind.as_slice() {
        b"INDEX" => true,
        b"CONSTRAINT" => says(b" PRIMARY KEY") || says(b" UNIQUE") || says(b" EXCLUDE"),
        _ => false,
    }
}

/// Whether it locks its table against everybody, at once or in its second statement.
fn locks(entry: &Entry) -> bool {
    let sql = entry.sql().trim_ascii_end();
    entry.kind == b"CONSTRAINT" || memchr::memmem::find(sql, b";\n").is_some()
}

/// The heaviest first, each to whoever has least.
fn dealt(mut units: Vec<Unit>, clients: usize) -> Vec<Lot> {
    units.sort_by_key(|unit| (std::cmp::Reverse(unit.weight), unit.entries.first().copied()));
    let mut lots: Vec<(u64, Lot)> = vec![(0, Lot::new()); clients];
    for unit in units {
        if let Some((weight, lot)) = lots.iter_mut().min_by_key(|(weight, _)| *weight) {
            *weight = weight.saturating_add(unit.weight);
            lot.extend(unit.entries);
        }
    }
    lots.into_iter().map(|(_, lot)| lot).filter(|lot| !lot.is_empty()).collect()
}

/// `head` for a client that makes the entries of `lot` and nothing else.
pub(in super::super) fn only(head: &[u8], lot: &Lot) -> Result<Vec<u8>, ArchiveError> {
    rewritten(head, |entry| {
        // How it is written, and what no client asks for that makes no rows.
        let told = matches!(kind(&entry.kind), Kind::Encoding | Kind::Strings | Kind::SearchPath);
        told || entry.data != Data::None || lot.contains(&entry.id)
    })
}

/// `head` for a client that makes all but what is in `lots`.
pub(in super::super) fn all_but(head: &[u8], lots: &[Lot]) -> Result<Vec<u8>, ArchiveError> {
    rewritten(head, |entry| !lots.iter().any(|lot| lot.contains(&entry.id)))
}

/// What is not kept says nothing: `pg_restore` passes over it, and finds the rest where it was.
fn rewritten(head: &[u8], is_kept: impl Fn(&Entry) -> bool) -> Result<Vec<u8>, ArchiveError> {
    let mut source = Source::keeping(head);
    let format = header::read(&mut source)?.format;
    let count = source.int_in(0..=i32::MAX, "number of entries")?;
    let mut out = source.take_kept();
    for _ in 0..count {
        let entry = entry::read(&mut source, format)?;
        let fate = if is_kept(&entry) { Fate::Kept } else { Fate::Instead(Vec::new()) };
        passing::write(&mut out, &entry, &fate);
    }
    Ok(out)
}

fn each(head: &[u8], mut take: impl FnMut(Entry)) -> Result<(), ArchiveError> {
    let mut source = Source::new(head);
    let format = header::read(&mut source)?.format;
    let count = source.int_in(0..=i32::MAX, "number of entries")?;
    (0..count).try_for_each(|_| entry::read(&mut source, format).map(&mut take))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{FIXTURES, fixture};
    use super::super::head;
    use super::*;

    fn ids(head: &[u8]) -> Vec<(i32, String, bool)> {
        let mut ids = Vec::new();
        each(head, |entry| ids.push((entry.id, super::super::text(&entry.kind), entry.sql().is_empty()))).unwrap();
        ids
    }

    #[test]
    fn every_entry_is_made_once() {
        let mut dealt_out = 0;
        for name in FIXTURES {
            let bytes = fixture(name);
            let head = head(&mut &bytes[..]).unwrap();
            for clients in 1..5 {
                let lots = lots(&head, clients, &|_, _| 7).unwrap();
                assert!(lots.len() <= clients);
                let all = ids(&head);
                let rest = ids(&all_but(&head, &lots).unwrap());
                let parts: Vec<_> = lots.iter().map(|lot| ids(&only(&head, lot).unwrap())).collect();
                for (place, (id, kind, said_nothing)) in all.iter().enumerate() {
                    let of = lots.iter().filter(|lot| lot.contains(id)).count();
                    assert!(of <= 1 && (of == 0 || kind == "INDEX" || kind == "CONSTRAINT"), "{name}: {id} {kind}");
                    assert_eq!(rest[place], (*id, kind.clone(), *said_nothing || of == 1), "{name}");
                    for (part, lot) in parts.iter().zip(&lots) {
                        let told =
                            ["ENCODING", "STDSTRINGS", "SEARCHPATH", "TABLE DATA", "BLOBS"].contains(&kind.as_str());
                        assert_eq!(part[place].0, *id);
                        assert!(part[place].2 || told || lot.contains(id), "{name}: {id} {kind}");
                        assert!(!lot.contains(id) || !part[place].2, "{name}: {id} {kind}");
                    }
                    dealt_out += of;
                }
            }
        }
        assert!(dealt_out > 0, "nothing was dealt out");
    }

    #[test]
    fn the_work_is_shared_evenly() {
        let unit = |weight: u64, entries: &[i32]| Unit { entries: entries.to_vec(), weight };
        let lots = dealt(vec![unit(1, &[1]), unit(9, &[2, 3]), unit(5, &[4]), unit(3, &[5])], 2);
        assert_eq!(lots, [Lot::from([2, 3]), Lot::from([4, 5, 1])]);
        assert_eq!(dealt(vec![unit(1, &[1])], 4).len(), 1);
        assert!(dealt(Vec::new(), 4).is_empty());
    }
}
