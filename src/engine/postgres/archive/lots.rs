//! What of an archive can be built at the same time once its rows are there: indexes, and the constraints that are indexes.
//! `pg_restore --jobs` finds that out for itself, but only from a file that it can seek in.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::entry::{self, Data, Entry, NEEDS};
use super::judge::Fate;
use super::kinds::{Kind, kind};
use super::source::{Long, Source};
use super::{ArchiveError, copy, header, passing};

/// The section of what comes after the rows; known from 1.11 on.
const POST_DATA: i32 = 4;

/// Entries that one client builds, by their numbers.
pub(in super::super) type Lot = HashSet<i32>;

/// How the work is shared.
#[derive(Debug)]
pub(in super::super) struct Dealt {
    /// What is built at the same time; fewer than two where there is too little of it.
    pub(in super::super) lots: Vec<Lot>,
    /// How many indexes all entries that come after the rows make, at least: those of the lots, and one or more that are left
    /// to the last client, so that there is something by which each can be held to its word.
    pub(in super::super) indexes: usize,
}

/// What one client does in one go: entries of one table that would be in each other's way.
#[derive(Debug, Default)]
struct Unit {
    entries: Vec<i32>,
    weight: u64,
}

/// Deals out what can be built at the same time to at most `clients`, as evenly as `rows` (of a table, by schema and name)
/// tells. `head` is what [`head`](super::head) has taken out of an archive.
///
/// An entry is dealt out when it needs nothing of what comes after the rows. What locks a table, or takes a second lock on
/// it, is in one lot: two clients cannot wait for each other.
pub(in super::super) fn deal(
    head: &[u8],
    clients: usize,
    rows: &dyn Fn(&str, &str) -> u64,
) -> Result<Dealt, ArchiveError> {
    let mut tables: HashMap<i32, u64> = HashMap::new();
    let mut later: HashSet<i32> = HashSet::new();
    let mut making: Vec<Entry> = Vec::new();
    let (mut source, format, count) = entries(Source::new(head))?;
    for _ in 0..count {
        let entry = entry::read(&mut source, format)?;
        if entry.kind == b"TABLE" {
            let rows = rows(&super::text(&entry.namespace), &super::text(&entry.tag));
            tables.insert(entry.id, rows.max(1));
        }
        if entry.section == Some(POST_DATA) {
            later.insert(entry.id);
            making.extend(makes_an_index(&entry).then_some(entry));
        }
    }
    let mut alone: HashMap<i32, Unit> = HashMap::new();
    let mut units: Vec<Unit> = Vec::new();
    for entry in &making {
        let table = entry.needs.iter().find_map(|id| Some((*id, *tables.get(id)?)));
        let is_known = entry.needs.len() < NEEDS && matches!(entry.definition, Long::Text(_));
        let waits = entry.needs.iter().any(|id| later.contains(id));
        let Some((table, rows)) = table.filter(|_| is_known && !waits) else { continue };
        if locks(entry) {
            let unit = alone.entry(table).or_default();
            unit.entries.push(entry.id);
            unit.weight = unit.weight.saturating_add(rows);
        } else {
            units.push(Unit { entries: vec![entry.id], weight: rows });
        }
    }
    units.extend(alone.into_values());
    units.sort_by_key(|unit| (Reverse(unit.weight), unit.entries.first().copied()));
    if units.iter().map(|unit| unit.entries.len()).sum::<usize>() == making.len() {
        units.pop(); // The lightest is left to the last client.
    }
    Ok(Dealt { lots: shared(units, clients), indexes: making.len() })
}

/// Whether it makes one index, and so can be counted afterwards.
fn makes_an_index(entry: &Entry) -> bool {
    match entry.kind.as_slice() {
        b"INDEX" => true,
        b"CONSTRAINT" => is_one(entry.sql()).unwrap_or(false),
        _ => false,
    }
}

/// Whether a constraint is an index: `ALTER TABLE ONLY public.a\n    ADD CONSTRAINT a_pkey PRIMARY KEY (id);`. None where that
/// is not what `pg_dump` writes.
fn is_one(sql: &[u8]) -> Option<bool> {
    let mut rest = sql.strip_prefix(b"ALTER TABLE ")?;
    rest = rest.strip_prefix(b"ONLY ").unwrap_or(rest);
    copy::identifier(&mut rest)?;
    if let Some(name) = rest.strip_prefix(b".") {
        rest = name;
        copy::identifier(&mut rest)?;
    }
    rest = rest.trim_ascii_start().strip_prefix(b"ADD CONSTRAINT ")?;
    copy::identifier(&mut rest)?;
    Some([&b" PRIMARY KEY"[..], b" UNIQUE", b" EXCLUDE"].iter().any(|kind| rest.starts_with(kind)))
}

/// Whether it locks its table against everybody, at once or in its second statement.
fn locks(entry: &Entry) -> bool {
    let sql = entry.sql().trim_ascii_end();
    entry.kind == b"CONSTRAINT" || memchr::memmem::find(sql, b";\n").is_some()
}

/// The heaviest come first: each goes to whoever has least.
fn shared(units: Vec<Unit>, clients: usize) -> Vec<Lot> {
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
        // How texts are written has to be known; data are of another section, and are not asked for.
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
    let (mut source, format, count) = entries(Source::keeping(head))?;
    let mut out = source.take_kept();
    for _ in 0..count {
        let entry = entry::read(&mut source, format)?;
        let fate = if is_kept(&entry) { Fate::Kept } else { Fate::Instead(Vec::new()) };
        passing::write(&mut out, &entry, &fate);
    }
    Ok(out)
}

type Entries<'a> = (Source<&'a [u8]>, (u8, u8, u8), i32);

/// `source` at its first entry, in which format it is, and how many entries there are.
fn entries(mut source: Source<&[u8]>) -> Result<Entries<'_>, ArchiveError> {
    let format = header::read(&mut source)?.format;
    let count = source.int_in(0..=i32::MAX, "number of entries")?;
    Ok((source, format, count))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{self, Added, FIXTURES, fixture};
    use super::super::head;
    use super::*;

    fn ids(head: &[u8]) -> Vec<(i32, String, bool)> {
        let (mut source, format, count) = entries(Source::new(head)).unwrap();
        let entries = (0..count).map(|_| entry::read(&mut source, format).unwrap());
        entries.map(|entry| (entry.id, super::super::text(&entry.kind), entry.sql().is_empty())).collect()
    }

    /// Two tables, with what is built after their rows: numbered from 100,000 on.
    const BUILT: [Added; 9] = {
        const fn of(
            kind: &'static str,
            sql: &'static str,
            section: u8,
            needs: &'static [&'static str],
        ) -> Added<'static> {
            Added { kind, sql, section, needs }
        }
        let (a, b): (&[&str], &[&str]) = (&["100000"], &["100001"]);
        [
            of("TABLE", "CREATE TABLE public.a (id int);\n", 2, &[]),
            of("TABLE", "CREATE TABLE public.b (id int);\n", 2, &[]),
            of("CONSTRAINT", "ALTER TABLE ONLY public.a\n    ADD CONSTRAINT p PRIMARY KEY (id);\n", 4, a),
            of("INDEX", "CREATE INDEX i ON public.a USING btree (id);\n", 4, a),
            of("INDEX", "CREATE INDEX j ON public.a USING btree (id);\n\nALTER TABLE public.a CLUSTER ON j;\n", 4, a),
            of("INDEX", "CREATE INDEX k ON public.b USING btree (id);\n", 4, b),
            of("FUNCTION", "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS '';\n", 4, a),
            of("INDEX", "CREATE INDEX l ON public.b USING btree (public.f());\n", 4, &["100001", "100006"]),
            of(
                "FK CONSTRAINT",
                "ALTER TABLE ONLY public.b\n    ADD CONSTRAINT r FOREIGN KEY (id) REFERENCES a;\n",
                4,
                b,
            ),
        ]
    };

    #[test]
    fn every_entry_is_made_once() {
        let odd = fixtures::with(&BUILT);
        for (name, bytes) in FIXTURES.map(|name| (name, fixture(name))).iter().chain([&("odd", odd)]) {
            let head = head(&mut &bytes[..]).unwrap();
            for clients in 1..5 {
                let Dealt { lots, .. } = deal(&head, clients, &|_, _| 7).unwrap();
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
                }
            }
        }
    }

    #[test]
    fn what_is_in_each_others_way_is_one_clients_and_something_is_left_to_the_last() {
        let dealt = |built: &[Added]| {
            let bytes = fixtures::with(built);
            let Dealt { lots, indexes } = deal(&head(&mut &bytes[..]).unwrap(), 9, &|_, _| 7).unwrap();
            let added = |lot: &Lot| {
                let mut ids: Vec<i32> = lot.iter().map(|id| id - 100_000).filter(|id| *id >= 0).collect();
                ids.sort_unstable();
                ids
            };
            let mut lots: Vec<_> = lots.iter().map(added).filter(|lot| !lot.is_empty()).collect();
            lots.sort();
            (lots, indexes)
        };
        let (none, own) = dealt(&[]);
        assert!(none.is_empty());
        // The function comes after the rows, and so does what needs it.
        assert_eq!(dealt(&BUILT), (vec![vec![2, 4], vec![3], vec![5]], own + 5));
        // Where all could be dealt out the lightest is not.
        let (lots, indexes) = dealt(&BUILT[..6]);
        assert_eq!((lots.iter().map(Vec::len).sum::<usize>(), indexes), (3, own + 4));
    }

    #[test]
    fn the_work_is_shared_evenly() {
        let unit = |weight: u64, entries: &[i32]| Unit { entries: entries.to_vec(), weight };
        let lots = shared(vec![unit(9, &[2, 3]), unit(5, &[4]), unit(3, &[5]), unit(1, &[1])], 2);
        assert_eq!(lots, [Lot::from([2, 3]), Lot::from([4, 5, 1])]);
        assert_eq!(shared(vec![unit(1, &[1])], 4).len(), 1);
        assert!(shared(Vec::new(), 4).is_empty());
    }

    #[test]
    fn constraints_that_are_indexes_are_known_by_their_place() {
        let add =
            |table: &str, rest: &str| is_one(format!("ALTER TABLE {table}\n    ADD CONSTRAINT {rest};\n").as_bytes());
        assert_eq!(add("ONLY public.a", "a_pkey PRIMARY KEY (id)"), Some(true));
        assert_eq!(add("ONLY a", "\"x \"\" UNIQUE\" UNIQUE NULLS NOT DISTINCT (b)"), Some(true));
        assert_eq!(add("\"S p\".a", "e EXCLUDE USING gist (r WITH &&)"), Some(true));
        assert_eq!(add("public.a", "\"x UNIQUE y\" NOT NULL b NOT VALID"), Some(false));
        assert_eq!(is_one(b"ALTER DOMAIN public.d\n    ADD CONSTRAINT c CHECK (VALUE > 0);\n"), None);
    }
}
