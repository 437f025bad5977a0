//! Places in an archive that are known again by what lies before them, wherever they have moved to: by them a segment
//! finds the stretch of the base that it is most like.

use std::collections::HashMap;

/// On average one anchor in so many bytes, as a power of two: 32 KiB.
const RARITY: u32 = 15;
/// Bytes between two of them at least.
const APART: u64 = 4 << 10;
/// So many are kept at most; beyond, every other one is let go, by what it is.
const MOST: usize = 1 << 19;

/// Random words, one for each byte (SplitMix64).
const GEAR: [u64; 256] = {
    let (mut table, mut state, mut at) = ([0; 256], 0x646f_6b6b_755f_6261_u64, 0);
    while at < 256 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        table[at] = word ^ (word >> 31);
        at += 1;
    }
    table
};

/// What lies before an anchor, in short.
pub(super) type Word = u32;

/// Finds anchors in bytes that go past: the last 64 bytes decide.
#[derive(Debug, Default)]
pub(super) struct Finder {
    hash: u64,
    at: u64,
    last: u64,
}

impl Finder {
    /// Calls `found` with the place behind each anchor in `bytes`, from the start of all that has gone past, and its word.
    pub(super) fn feed(&mut self, bytes: &[u8], mut found: impl FnMut(u64, Word)) {
        let (mut hash, start) = (self.hash, self.at);
        for (index, byte) in bytes.iter().enumerate() {
            hash = (hash << 1).wrapping_add(GEAR[usize::from(*byte)]);
            if hash >> (64 - RARITY) == 0 {
                let at = start + index as u64 + 1;
                if at >= self.last + APART {
                    self.last = at;
                    // The upper bits are nothing but zeros.
                    found(at, (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as Word);
                }
            }
        }
        (self.hash, self.at) = (hash, start + bytes.len() as u64);
    }
}

/// The anchors of one archive, in their order.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    found: Vec<(u64, Word)>,
    thinned: u32,
}

impl Anchors {
    /// Adds the next one.
    pub(super) fn add(&mut self, at: u64, word: Word) {
        if word.trailing_zeros() < self.thinned {
            return;
        }
        self.found.push((at, word));
        while self.found.len() > MOST {
            self.thinned += 1;
            let thinned = self.thinned;
            self.found.retain(|(_, word)| word.trailing_zeros() >= thinned);
        }
    }

    /// Eight bytes each: how far it is from the one before, and its word. Equal stretches of two archives give equal bytes.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut before = 0;
        let pair = |(at, word): &(u64, Word)| {
            let gap = u32::try_from(at - before).unwrap_or(u32::MAX);
            before += u64::from(gap);
            [gap.to_le_bytes(), word.to_le_bytes()].concat()
        };
        self.found.iter().flat_map(pair).collect()
    }

    /// Where each word that is there once lies.
    pub(super) fn places(bytes: &[u8]) -> HashMap<Word, u64> {
        let (mut at, mut places) = (0, HashMap::with_capacity(bytes.len() / 8));
        for pair in bytes.chunks_exact(8) {
            let (gap, word) = pair.split_at(4);
            at += u64::from(word_of(gap));
            places.entry(word_of(word)).and_modify(|place| *place = u64::MAX).or_insert(at);
        }
        places.retain(|_, place| *place != u64::MAX);
        places
    }
}

fn word_of(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// The stretch of the base that a segment of `length` bytes is most like: at most `most` bytes long, around the most of
/// `hits`, each a place in the segment and the place in the base where the same lies. None where there is none.
pub(super) fn stretch(hits: &mut [(u64, u64)], length: u64, most: u64, size: u64) -> Option<(u64, u64)> {
    /// Bytes more on either side: a row that was changed lies between two that were not.
    const MARGIN: u64 = 32 << 10;
    hits.sort_unstable_by_key(|(_, there)| *there);
    let (mut best, mut first) = (0..0, 0);
    for last in 0..hits.len() {
        while hits[last].1 - hits[first].1 > most - 2 * MARGIN {
            first += 1;
        }
        if last + 1 - first > best.len() {
            best = first..last + 1;
        }
    }
    let (first, last) = (hits.get(best.start)?, hits.get(best.end.checked_sub(1)?)?);
    let from = first.1.saturating_sub(first.0 + MARGIN);
    let to = (last.1 + length.saturating_sub(last.0) + MARGIN).min(size);
    if to - from <= most {
        return Some((from, to));
    }
    // Too wide with both ends: what is around the hits counts most.
    let from = from.max(last.1.saturating_sub(most - MARGIN));
    Some((from, to.min(from + most)))
}
