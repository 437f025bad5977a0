//! The reader of PostgreSQL archives against real ones (`tests/archive.d/make.sh` makes them), against written ones of
//! every version and compression, and against everything that can happen to them on the way.

#[path = "../archive.d/writer.rs"]
mod writer;
#[path = "../archive.d/written.rs"]
mod written;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};

use dokku_backups::engine::FileKind;
use dokku_backups::engine::postgres::archive::{
    self, ArchiveError, Compression, Damage, DamageKind, DumpKind, Summary, TableRows,
};
use dokku_backups::engine::postgres::plain;

type Rows = BTreeMap<(String, String), u64>;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/archive.d/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn fixtures() -> Vec<&'static str> {
    vec![
        "data-only.dump",
        "gzip.dump",
        "inserts.dump",
        "latin1.dump",
        "none.dump",
        "nothing.dump",
        "root.dump",
        "rows-per-insert.dump",
        "schema-only.dump",
        "seekable.dump",
        "wide.dump",
    ]
}

/// What the server itself counted when the fixture was made.
fn counted(name: &str) -> Rows {
    let rows = String::from_utf8(fixture("rows.tsv")).unwrap();
    let fields = rows.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    fields.filter(|f| f[0] == name).map(|f| ((f[1].into(), f[2].into()), f[3].parse().unwrap())).collect()
}

fn rows(tables: &[TableRows]) -> Rows {
    let rows: Rows = tables.iter().map(|t| ((t.schema.clone(), t.name.clone()), t.rows)).collect();
    assert_eq!(rows.len(), tables.len(), "a table is there twice");
    rows
}

fn damage(result: Result<Summary, ArchiveError>) -> Damage {
    match result {
        Err(ArchiveError::Damaged(damage)) => damage,
        other => panic!("{other:?}"),
    }
}

/// Delivers as many bytes at a time as asked, and an interruption now and then.
struct Slow<'a>(&'a [u8], usize, bool);

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.2 = !self.2;
        if self.2 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let count = self.1.min(into.len());
        self.0.read(&mut into[..count])
    }
}

#[test]
fn rows_are_those_that_the_server_counts() {
    for name in fixtures() {
        let bytes = fixture(name);
        let summary = archive::read(&bytes[..]).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(rows(&summary.tables), counted(name), "{name}");
        assert_eq!(summary.archive_bytes, bytes.len() as u64);
        assert_eq!(summary.format, (1, 14, 0));
        assert!(summary.server_version.starts_with("15.") && summary.dump_tool_version.starts_with("15."));
        assert!(summary.created.is_some());
        for step in [1, 7, 4096] {
            assert_eq!(archive::read(Slow(&bytes, step, false)).unwrap(), summary, "{name}");
        }
    }
}

#[test]
fn what_an_archive_says_of_itself_is_reported() {
    let summary = archive::read(&fixture("gzip.dump")[..]).unwrap();
    assert_eq!(summary.database, "shop");
    assert_eq!(summary.compression, Compression::Gzip);
    assert_eq!(summary.encoding.as_deref(), Some("UTF8"));
    assert_eq!(summary.extensions, ["hstore", "pg_trgm"]);
    assert_eq!(summary.large_objects, 3);
    let uncompressed = archive::read(&fixture("none.dump")[..]).unwrap();
    assert_eq!(uncompressed.compression, Compression::None);
    assert_eq!(uncompressed.data_bytes, summary.data_bytes);
    assert_eq!((uncompressed.entries, uncompressed.tables), (summary.entries, summary.tables));
    let schema_only = archive::read(&fixture("schema-only.dump")[..]).unwrap();
    assert_eq!((schema_only.tables.len(), schema_only.data_bytes, schema_only.large_objects), (0, 0, 0));
    assert_eq!(archive::read(&fixture("latin1.dump")[..]).unwrap().encoding.as_deref(), Some("LATIN1"));
}

#[test]
fn fault_042_empty_one_byte_and_every_cut() {
    assert!(matches!(archive::read(io::empty()), Err(ArchiveError::NotAnArchive(DumpKind::Other(FileKind::Empty)))));
    for length in 1..5 {
        assert_eq!(damage(archive::read(&b"PGDMP"[..length])).kind, DamageKind::Cut);
    }
    for name in fixtures() {
        let bytes = fixture(name);
        // Every byte of the small ones.
        for length in (1..bytes.len()).step_by(bytes.len() / 19_000 * 7 + 1) {
            let damage = damage(archive::read(&bytes[..length]));
            assert_eq!(damage.kind, DamageKind::Cut, "{name} cut to {length}: {damage}");
            assert!(damage.offset <= length as u64);
        }
    }
}

#[test]
fn fault_002_a_cut_names_the_table() {
    let bytes = fixture("none.dump");
    let within = memchr::memmem::find(&bytes, b"user 30").unwrap();
    let message = archive::read(&bytes[..within]).unwrap_err().to_string();
    assert!(message.starts_with("the dump ends too early, at byte "), "{message}");
    assert!(message.contains(" in table public.users (entry "), "{message}");
}

#[test]
fn fault_006_what_is_not_an_archive_is_named() {
    let gzip = fixture("gzip.dump");
    let banner = [b"Welcome to the host\n", &gzip[..]].concat();
    let mut tar = vec![0; 1024];
    tar[..7].copy_from_slice(b"toc.dat");
    tar[257..262].copy_from_slice(b"ustar");
    let mut directory = gzip.clone();
    directory[10] = 3;
    let cases: [(&[u8], DumpKind); 9] = [
        (&banner, DumpKind::BannerBeforeArchive),
        (&fixture("shop.sql"), DumpKind::PlainSql),
        (&tar, DumpKind::Other(FileKind::Tar)),
        (&directory, DumpKind::DumpToc),
        (b"\x1f\x8b\x08\x00", DumpKind::Other(FileKind::Gzip)),
        (b"\x28\xb5\x2f\xfd\x00", DumpKind::Other(FileKind::Zstd)),
        (b"\x7fELF\x02\x01", DumpKind::Other(FileKind::Elf)),
        (b"PK\x03\x04\x14", DumpKind::Other(FileKind::Zip)),
        (b"\xff\xd8\xff\xe0", DumpKind::Other(FileKind::Jpeg)),
    ];
    for (bytes, expected) in cases {
        match archive::read(bytes) {
            Err(ArchiveError::NotAnArchive(looks)) => assert_eq!(looks, expected),
            other => panic!("{expected:?}: {other:?}"),
        }
    }
}

#[test]
fn fault_007_line_ends_changed_by_a_terminal() {
    for name in fixtures() {
        let mangled: Vec<u8> = fixture(name)
            .iter()
            .flat_map(|byte| if *byte == b'\n' { &b"\r\n"[..] } else { std::slice::from_ref(byte) }.to_vec())
            .collect();
        let error = archive::read(&mangled[..]).unwrap_err();
        assert!(matches!(error, ArchiveError::NotAnArchive(DumpKind::CrlfMangled)), "{name}: {error}");
    }
}

#[test]
fn fault_047_a_newer_server_is_told_from_the_header() {
    let mut bytes = fixture("gzip.dump");
    bytes[6] = 17;
    let error = archive::read(&bytes[..]).unwrap_err();
    assert!(matches!(error, ArchiveError::TooNew { found: (1, 17, 0), newest: (1, 16, 0) }));
    assert_eq!(error.to_string(), "the dump is of a newer PostgreSQL: archive version 1.17, newest known is 1.16");
}

#[test]
fn appended_bytes_are_damage() {
    for name in fixtures() {
        let bytes = fixture(name);
        for extra in [&b"\n"[..], b"\0", b"PGDMP", &bytes] {
            let appended = [&bytes, extra].concat();
            assert_eq!(damage(archive::read(&appended[..])).kind, DamageKind::Trailing, "{name}");
        }
    }
}

#[test]
fn errors_of_the_source_come_back_unchanged() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::TimedOut, "pg_dump stalled"))
        }
    }
    let bytes = fixture("gzip.dump");
    for length in (0..bytes.len()).step_by(97) {
        match archive::read((&bytes[..length]).chain(Fails)) {
            Err(ArchiveError::Io(error)) => assert_eq!(error.to_string(), "pg_dump stalled"),
            other => panic!("{length}: {other:?}"),
        }
    }
    assert!(matches!(plain::read((&b"SELECT 1"[..]).chain(Fails)), Err(ArchiveError::Io(_))));
}

/// A small generator of numbers, the same in every run.
fn numbers(mut seed: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    }
}

/// Flips bits and returns the altered archives that are still accepted.
fn flipped(name: &str, flips: usize) -> Vec<Vec<u8>> {
    let bytes = fixture(name);
    let whole = archive::read(&bytes[..]).unwrap();
    let mut next = numbers(0x9e37_79b9_7f4a_7c15);
    let mut accepted = Vec::new();
    for _ in 0..flips {
        let mut altered = bytes.clone();
        altered[next(bytes.len())] ^= 1 << next(8);
        if let Ok(summary) = archive::read(&altered[..]) {
            // In a table of one column a line end more or less is told by nothing, unless it is compressed.
            let told = |table: &&TableRows| whole.compression != Compression::None || table.name != "one";
            let counts = |summary: &Summary| summary.tables.iter().filter(told).map(|t| t.rows).collect::<Vec<_>>();
            assert_eq!(counts(&summary), counts(&whole), "{name}");
            // A name is held against the COPY statement; an encoding may turn into another one.
            if !["inserts", "rows-per-insert", "latin1", "root"].contains(&name.trim_end_matches(".dump")) {
                let names = |summary: &Summary| summary.tables.iter().map(|t| t.name.clone()).collect::<Vec<_>>();
                assert_eq!(names(&summary), names(&whole), "{name}");
            }
            assert_eq!(summary.large_objects, whole.large_objects);
            assert_eq!((summary.data_bytes, summary.entries), (whole.data_bytes, whole.entries));
            accepted.push(altered);
        }
    }
    accepted
}

#[test]
fn fault_043_20_000_bit_flips_change_no_figure() {
    for name in fixtures() {
        let accepted = flipped(name, 20_000 / fixtures().len());
        assert!(accepted.iter().all(|altered| altered.len() == fixture(name).len()));
    }
}

#[test]
fn no_flip_inside_gzip_data_changes_anything() {
    let bytes = fixture("data-only.dump");
    let whole = archive::read(&bytes[..]).unwrap();
    let first = memchr::memmem::find(&bytes, b"\x78\x9c").or(memchr::memmem::find(&bytes, b"\x78\x01")).unwrap();
    let mut accepted = 0;
    for at in first..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[at] ^= 1 << bit;
            if let Ok(summary) = archive::read(&altered[..]) {
                assert_eq!(summary, whole, "bit {bit} of byte {at}");
                accepted += 1;
            }
        }
    }
    // Only the few bits that fill the last byte of a zlib stream say nothing.
    assert!(accepted < 8 * (whole.tables.len() + 3), "{accepted}");
}

/// Whether `pg_restore` reads it to its end.
fn pg_restore_accepts(archive: &[u8]) -> Result<(), String> {
    let mut child = Command::new("pg_restore")
        .args(["-f", "/dev/null"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(archive);
    let output = child.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(words) }
}

#[test]
#[ignore = "needs pg_restore, and a minute"]
fn what_is_accepted_after_a_flip_pg_restore_accepts_too() {
    for name in fixtures() {
        for altered in flipped(name, 2_000).iter().take(150) {
            assert_eq!(pg_restore_accepts(altered), Ok(()), "{name}");
        }
    }
}

#[test]
fn a_length_that_never_comes_allocates_nothing() {
    let mut bytes = fixture("nothing.dump");
    let name = memchr::memmem::find(&bytes, b"SET client_encoding").unwrap();
    bytes[name - 4..name].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    assert!(archive::read(&bytes[..]).is_err());
}

#[test]
fn plain_dumps_have_the_same_rows() {
    let bytes = fixture("shop.sql");
    let summary = plain::read(&bytes[..]).unwrap();
    assert_eq!(rows(&summary.tables), counted("shop.sql"));
    assert!(summary.complete && summary.code.refused.is_empty());
    assert_eq!(summary.encoding.as_deref(), Some("UTF8"));
    assert!(summary.server_version.unwrap().starts_with("15."));
    let end = memchr::memmem::rfind(&bytes, b"dump complete\n").unwrap() + 13;
    let start = memchr::memmem::find(&bytes, b"database dump\n").unwrap() + 13;
    for length in start..end {
        assert!(plain::read(&bytes[..length]).is_err(), "cut to {length}");
    }
}
