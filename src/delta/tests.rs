use std::io::{Cursor, Read, Write};

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::error::Result;

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base_word(reader: &Reader, position: u32) -> Base {
    Base { id: "db-2026-04-08-14-30-00".parse().unwrap(), position, sha256: reader.sha256().to_owned() }
}

fn open(file: &[u8], base: Option<Reader>) -> Result<Reader> {
    let mut stored = Box::new(Cursor::new(file.to_vec()));
    let index = Index::read(stored.as_mut())?;
    Reader::open(stored, index, base)
}

/// The chain whose files these are, each leaning on the one before.
fn open_all(files: &[Vec<u8>]) -> Result<Reader> {
    let mut reader = None;
    for file in files {
        reader = Some(open(file, reader)?);
    }
    Ok(reader.unwrap())
}

fn store(bytes: &[u8], base: Option<Reader>, piece: usize) -> Vec<u8> {
    let base = base.map(|reader| {
        let word = base_word(&reader, 1);
        (reader, word)
    });
    let mut maker = Maker::new(Vec::new(), base).unwrap();
    bytes.chunks(piece.max(1)).for_each(|piece| maker.write_all(piece).unwrap());
    maker.finish(&hash(bytes)).unwrap()
}

fn read(mut reader: Reader) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Rows as a table has them, of which each has an own number.
fn rows(range: std::ops::Range<u64>, version: impl Fn(u64) -> u64) -> Vec<u8> {
    let row =
        |n: u64| format!("{n}\t{}\t{}\n", hash(&[n.to_le_bytes(), version(n).to_le_bytes()].concat()), version(n));
    range.map(row).collect::<String>().into_bytes()
}

#[test]
fn a_whole_is_what_unzstd_reads_and_leans_on_nothing() {
    for length in [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT + 17] {
        let bytes: Vec<u8> = rows(0..40_000, |_| 0).into_iter().cycle().take(length).collect();
        let file = store(&bytes, None, 100_000);
        let mut unpacked = Vec::new();
        zstd::stream::read::Decoder::new(&file[..]).unwrap().read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, bytes, "{length}");
        assert_eq!(read(open(&file, None).unwrap()).unwrap(), bytes, "{length}");
    }
}

#[test]
fn a_delta_holds_what_changed_and_little_else() {
    let before = rows(0..60_000, |_| 0);
    // One row in a hundred is another one, some are gone, and some are new; a table comes before it all.
    let mut after = rows(1_000_000..1_005_000, |_| 0);
    after.extend(rows(300..60_000, |n| u64::from(n % 100 == 7)));
    after.extend(rows(60_000..60_300, |_| 0));
    let whole = store(&before, None, 70_000);
    let delta = store(&after, Some(open(&whole, None).unwrap()), 70_000);
    let new = rows(1_000_000..1_005_000, |_| 0).len() + 900 * 75;
    assert!(delta.len() < new, "{} of {}", delta.len(), whole.len());
    let base = open(&whole, None).unwrap();
    assert_eq!(read(open(&delta, Some(base)).unwrap()).unwrap(), after);
}

#[test]
fn four_hundred_nights_in_a_row_come_back_each() {
    let (mut files, mut archives): (Vec<Vec<u8>>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
    let chain = |at: usize| {
        let mut chain = vec![at];
        while let Some(last) = chain.last().copied().filter(|last| last % 255 != 0) {
            let step = [64, 16, 4, 1].into_iter().find(|step| last % 255 % step == 0).unwrap();
            chain.push(last - step);
        }
        chain.reverse();
        chain
    };
    for night in 0..400usize {
        let seed = night as u64;
        let archive = rows(seed * 3..2_000 + seed * 7, |n| if n % 50 == seed % 50 { seed } else { n % 50 });
        let base = (night % 255 != 0).then(|| {
            let base = chain(night)[chain(night).len() - 2];
            open_all(&chain(base).into_iter().map(|at| files[at].clone()).collect::<Vec<_>>()).unwrap()
        });
        files.push(store(&archive, base, 50_000));
        archives.push(archive);
        let read_back: Vec<Vec<u8>> = chain(night).into_iter().map(|at| files[at].clone()).collect();
        assert!(read_back.len() <= 12);
        assert!(read(open_all(&read_back).unwrap()).unwrap() == archives[night], "{night}");
    }
    let stored: usize = files.iter().map(Vec::len).sum();
    let alone: usize = archives.iter().map(|archive| store(archive, None, 50_000).len()).sum();
    assert!(stored * 4 < alone, "{stored} {alone}");
}

/// A chain of `depth` files, and the archive of the last.
fn chain(depth: u64) -> (Vec<Vec<u8>>, Vec<u8>) {
    let (mut files, mut last) = (Vec::new(), Vec::new());
    for night in 0..depth {
        last = rows(0..400 + night * 10, |n| if n % 40 == night { night } else { 0 });
        let base = if night == 0 { None } else { Some(open_all(&files).unwrap()) };
        files.push(store(&last, base, 9_000));
    }
    (files, last)
}

#[test]
fn fault_flipped_bits_at_every_depth_never_give_a_wrong_byte() {
    let flips: usize = std::env::var("DELTA_FLIPS").ok().and_then(|flips| flips.parse().ok()).unwrap_or(1_500);
    let (files, archive) = chain(4);
    let (mut state, mut refused) = (0x1234_5678_9abc_def1_u64, 0);
    for at in 0..files.len() {
        for _ in 0..flips {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let mut flipped = files.clone();
            let byte = usize::try_from(state >> 8).unwrap() % flipped[at].len();
            flipped[at][byte] ^= 1 << (state % 8);
            match open_all(&flipped).and_then(read) {
                Ok(read) => assert!(read == archive, "file {at}, byte {byte}"),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > flips, "{refused}");
}

#[test]
fn fault_a_cut_file_is_never_read() {
    let (files, _) = chain(3);
    for at in 0..files.len() {
        for length in (0..files[at].len()).step_by(7) {
            let mut cut = files.clone();
            cut[at].truncate(length);
            assert!(open_all(&cut).and_then(read).is_err(), "file {at} cut to {length}");
        }
    }
}

#[test]
fn what_it_does_not_lean_on_is_refused() {
    let (files, _) = chain(3);
    assert!(open(&files[2], None).is_err());
    assert!(open(&files[2], Some(open(&files[0], None).unwrap())).is_err());
    assert!(open(&files[0], Some(open(&files[0], None).unwrap())).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn anything_comes_back_whatever_it_leans_on(
        before in prop::collection::vec(any::<u8>(), 0..5_000),
        edits in prop::collection::vec((any::<usize>(), prop::collection::vec(any::<u8>(), 0..200), 0usize..300), 0..8),
        times in 1usize..400,
        piece in 1usize..300_000,
    ) {
        let before = before.repeat(times);
        let mut after = before.clone();
        for (at, new, gone) in edits {
            let at = at % (after.len() + 1);
            let to = (at + gone).min(after.len());
            after.splice(at..to, new);
        }
        let whole = store(&before, None, piece);
        let delta = store(&after, Some(open(&whole, None).unwrap()), piece);
        prop_assert!(read(open(&delta, Some(open(&whole, None).unwrap())).unwrap()).unwrap() == after);
        // Read from elsewhere than where it stood.
        let mut reader = open(&delta, Some(open(&whole, None).unwrap())).unwrap();
        for from in [after.len() / 2, 0, after.len() / 3, after.len()] {
            let length = 1000.min(after.len() - from);
            prop_assert!(reader.stretch(from as u64, length).unwrap() == &after[from..from + length]);
        }
    }
}
