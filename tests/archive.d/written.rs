//! Archives that [`writer`](super::writer) writes: every version and compression, what no real `pg_dump` would write, and
//! generated ones.

use dokku_backups::engine::postgres::archive;
use dokku_backups::engine::postgres::plain;
use proptest::prelude::*;

use super::writer::{self, Block, Entry, Form};
use super::{fixture, pg_restore_accepts};

fn forms() -> Vec<Form> {
    let mut forms = Vec::new();
    for minor in 10..=16 {
        for compression in if minor < 15 { 0..2 } else { 0..4 } {
            for seekable in [false, true] {
                forms.push(Form { minor, compression, seekable, piece: 4096 });
            }
        }
    }
    forms
}

fn shop(minor: u8) -> Vec<Entry> {
    let objects = vec![(16_400, b"hello".to_vec()), (4_000_000_000, vec![]), (0x8000_0000, vec![0; 9000])];
    let metadata = Entry::new(50, "BLOB METADATA", "16400..2147483648", "16400\n4000000000\n2147483648\n");
    let single = |id, oid: &str| Entry::new(id, "BLOB", oid, "SELECT lo_create();\n");
    let mut entries = writer::beginning();
    entries.extend(match minor {
        16.. => vec![metadata],
        12.. => vec![single(50, "16400"), single(51, "4000000000"), single(52, "2147483648")],
        _ => vec![],
    });
    entries.extend([
        Entry::new(100, "TABLE", "users", "CREATE TABLE public.users (a int, b text);\n"),
        Entry::table(101, "public", "users", 2, b"1\ta\n2\t\\N\n3\tc\\n\\\\.\n"),
        Entry::table(102, "public", "Odd \"one\".", 1, b"\n\n"),
        Entry::table(103, "public", "long", 1, &b"0123456789abcdef\n".repeat(20_000)),
        Entry { data: Some(Block::LargeObjects(objects)), ..Entry::new(104, "BLOBS", "BLOBS", "") },
        Entry::table(105, "public", "none", 3, b""),
    ]);
    entries
}

#[test]
fn every_version_and_compression_is_read() {
    for form in forms() {
        let bytes = writer::archive(form, &shop(form.minor));
        let summary = archive::read(&bytes[..]).unwrap_or_else(|error| panic!("{form:?}: {error}"));
        let counts: Vec<_> = summary.tables.iter().map(|table| table.rows).collect();
        assert_eq!((counts, summary.large_objects), (vec![3, 2, 20_000, 0], 3), "{form:?}");
        assert_eq!(summary.format, (1, form.minor, 0));
        assert_eq!(summary.created.unwrap().to_string(), "2026-04-04 05:06:07");
    }
}

#[test]
fn every_cut_of_every_version_and_compression_is_found() {
    for mut form in forms() {
        form.piece = 50;
        let entries = shop(form.minor);
        let bytes = writer::archive(form, &entries.into_iter().filter(|entry| entry.tag != "long").collect::<Vec<_>>());
        for length in (0..bytes.len()).filter(|length| length % 7 == 0 || bytes.len() - length < 600) {
            assert!(archive::read(&bytes[..length]).is_err(), "{form:?} cut to {length}");
        }
    }
}

/// Compressed data that end too early inside whole pieces: `pg_restore` does not notice with lz4 and zstd.
#[test]
fn compressed_data_without_their_end_are_damage() {
    for compression in 1..4 {
        let form = Form { minor: 16, compression, seekable: false, piece: usize::MAX };
        let mut entries = writer::beginning();
        entries.push(Entry::table(7, "public", "a", 1, &b"some rows that compress\n".repeat(9000)));
        let bytes = writer::archive(form, &entries);
        let block = bytes.len() - 5 - compressed_length(&bytes);
        for lost in 1..compressed_length(&bytes) {
            let kept = compressed_length(&bytes) - lost;
            let length = [&[0][..], &(kept as u32).to_le_bytes()].concat();
            let cut = [&bytes[..block - 5], &length, &bytes[block..block + kept], &[0; 5]].concat();
            assert!(archive::read(&cut[..]).is_err(), "compression {compression}, {lost} lost");
        }
    }
}

/// Length of the only piece of the last block, which begins after the last entry's 9 bytes of position.
fn compressed_length(bytes: &[u8]) -> usize {
    let toc_end = bytes.windows(14).position(|w| w[..9] == [1, 0, 0, 0, 0, 0, 0, 0, 0] && w[9..14] == [1, 0, 7, 0, 0]);
    let at = toc_end.unwrap() + 9 + 1 + 5 + 1;
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

#[test]
fn blocks_that_do_not_belong_are_damage() {
    let form = Form { minor: 14, compression: 0, seekable: false, piece: 100 };
    let table = |id| Entry::table(id, "public", "a", 1, b"1\n2\n");
    let without = |entries: &[Entry]| writer::archive(form, entries);
    let entries = [writer::beginning(), vec![table(1), table(2)]].concat();
    let whole = without(&entries);
    let block = (whole.len() - without(&writer::beginning()).len() - 2 * toc_length(&table(1), form)) / 2;
    let (toc, data) = whole.split_at(whole.len() - 2 * block);
    let (first, second) = data.split_at(block);
    let mut unknown = first.to_vec();
    unknown[2] = 77;
    let mut large = first.to_vec();
    large[0] = 3;
    let cases: [(Vec<&[u8]>, &str); 7] = [
        (vec![first], "1 data blocks are missing"),
        (vec![], "2 data blocks are missing"),
        (vec![second, first], "comes too early"),
        (vec![first, first], "comes twice"),
        (vec![first, second, second], "bytes follow"),
        (vec![&unknown, second], "unknown entry 77"),
        (vec![&large, second], "of type 3 instead of 1"),
    ];
    for (blocks, words) in cases {
        let bytes = [toc, &blocks.concat()].concat();
        let message = archive::read(&bytes[..]).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
}

fn toc_length(entry: &Entry, form: Form) -> usize {
    let empty = Entry { data: None, ..entry.clone() };
    writer::archive(form, &[empty.clone(), empty.clone()]).len() - writer::archive(form, &[empty]).len()
}

#[test]
fn wrong_positions_in_a_seekable_archive_are_damage() {
    let bytes = fixture("seekable.dump");
    let name = memchr::memmem::find(&bytes, b"shop").unwrap();
    let longer = [&bytes[..name - 4], &[5, 0, 0, 0], b"shops", &bytes[name + 4..]].concat();
    let message = archive::read(&longer[..]).unwrap_err().to_string();
    assert!(message.contains("a data block that should be at byte "), "{message}");
}

#[test]
fn fault_045_a_bomb_takes_time_only() {
    let form = Form { minor: 14, compression: 1, seekable: false, piece: 4096 };
    let rows = vec![b'\n'; 64 * 1024 * 1024];
    let mut entries = writer::beginning();
    entries.push(Entry::table(7, "public", "a", 1, &rows));
    let bytes = writer::archive(form, &entries);
    assert!(bytes.len() < 1024 * 1024);
    assert_eq!(archive::read(&bytes[..]).unwrap().tables[0].rows, rows.len() as u64);
}

#[test]
fn fault_049_10_000_tables() {
    let form = Form { minor: 16, compression: 1, seekable: false, piece: 4096 };
    let table = |id| Entry::table(id, "public", &format!("t{id}"), 2, b"1\t2\n");
    let entries: Vec<_> = (1..=10_000).map(table).collect();
    let summary = archive::read(&writer::archive(form, &entries)[..]).unwrap();
    assert_eq!((summary.tables.len(), summary.entries), (10_000, 10_000));
    assert!(summary.tables.iter().all(|table| table.rows == 1));
}

#[test]
#[ignore = "needs pg_restore of PostgreSQL 12 to 15"]
fn what_is_written_here_pg_restore_accepts_too() {
    for form in forms().into_iter().filter(|form| form.minor <= 14) {
        assert_eq!(pg_restore_accepts(&writer::archive(form, &shop(form.minor))), Ok(()), "{form:?}");
    }
}

/// A value as COPY writes it.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![Just(r"\N".to_owned()), "([a-zé.;'\"( ]|\\\\n|\\\\t|\\\\\\\\|\\\\\\\\\\.){0,12}"]
}

fn table() -> impl Strategy<Value = (String, usize, Vec<Vec<String>>)> {
    ("[a-zA-Z\" .é]{1,12}", 0_usize..5).prop_flat_map(|(name, columns)| {
        let row = prop::collection::vec(value(), columns..=columns);
        (Just(name), Just(columns), prop::collection::vec(row, 0..20))
    })
}

fn form() -> impl Strategy<Value = Form> {
    (0..forms().len(), 1_usize..200).prop_map(|(index, piece)| Form { piece, ..forms()[index] })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_archives_are_counted(form in form(), tables in prop::collection::vec(table(), 0..6), cut in any::<prop::sample::Index>()) {
        let mut entries = writer::beginning();
        for (id, (name, columns, rows)) in (1..).zip(&tables) {
            let data: String = rows.iter().map(|row| row.join("\t") + "\n").collect();
            entries.push(Entry::table(id, "public", name, *columns, data.as_bytes()));
        }
        let bytes = writer::archive(form, &entries);
        let summary = archive::read(&bytes[..]).unwrap();
        let counts: Vec<_> = summary.tables.iter().map(|table| (table.name.clone(), table.rows)).collect();
        let expected: Vec<_> = tables.iter().map(|(name, _, rows)| (name.clone(), rows.len() as u64)).collect();
        prop_assert_eq!(counts, expected);
        prop_assert!(archive::read(&bytes[..cut.index(bytes.len())]).is_err());
    }

    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let headed = [&b"PGDMP\x01\x0e\x00\x04\x08\x01"[..], &bytes].concat();
        prop_assert!(archive::read(&headed[..]).is_err());
        prop_assert!(archive::read(&bytes[..]).is_err());
        let _ = plain::read(&bytes[..]);
    }
}
