//! The mark of this host on a document. Whoever can write where documents lie can write whole ones; only who has the key
//! can write one that bears this mark.

use std::fmt;

use sha2::{Digest, Sha256};

use super::hex;

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;
/// Hex digits of a host's id: enough to tell hosts apart, and it proves nothing.
const ID: usize = 16;
/// What the line with the mark begins with.
pub(super) const MARK: &str = "# hmac-sha256 ";

/// What a document is for: a mark for one use is none for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The record of a backup, finished or not.
    Record,
    /// The index over records.
    Index,
    /// The journal of a restore.
    Journal,
}

impl Purpose {
    fn name(self) -> &'static [u8] {
        match self {
            Purpose::Record => b"record",
            Purpose::Index => b"index",
            Purpose::Journal => b"journal",
        }
    }
}

/// Whose mark a document bears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seal {
    /// This host's: every byte is as this host wrote it.
    Ours,
    /// Another host's, as far as it can be told: its id.
    Other(String),
    /// This host's name and not its mark: changed, or made up.
    False,
    /// None.
    Missing,
}

/// The key of this host: 32 random bytes. It is never shown and never leaves the host.
#[derive(Clone)]
pub struct HostKey([u8; 32]);

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostKey(...)")
    }
}

impl HostKey {
    /// The key spelled in 64 hex digits.
    pub fn parse(text: &str) -> Option<HostKey> {
        let mut key = [0; 32];
        if text.len() != 64 || !text.bytes().all(|c| c.is_ascii_hexdigit()) {
            return None;
        }
        for (at, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
        }
        // All zeroes is what a torn write leaves.
        key.iter().any(|byte| *byte != 0).then_some(HostKey(key))
    }

    /// The name of this host in its marks. It tells nothing of the key.
    pub fn id(&self) -> String {
        hex(&hmac(&self.0, &[b"host"])[..ID / 2])
    }

    /// The mark for a document with this hash.
    fn mark(&self, purpose: Purpose, digest: &[u8]) -> [u8; 32] {
        hmac(&self.0, &[purpose.name(), b"\0", digest])
    }

    /// The line that is put below a document with this hash.
    pub(super) fn line(&self, purpose: Purpose, digest: &[u8]) -> String {
        format!("{MARK}{} {}\n", self.id(), hex(&self.mark(purpose, digest)))
    }
}

/// Whose mark `line` is, below a document with this hash. `key` is this host's.
pub(super) fn judge(line: &str, purpose: Purpose, digest: &[u8], key: Option<&HostKey>) -> Seal {
    let is_hex = |word: &str, length| word.len() == length && word.bytes().all(|c| c.is_ascii_hexdigit());
    let words = line.strip_prefix(MARK).and_then(|rest| rest.trim_end_matches('\n').split_once(' '));
    let Some((host, mark)) = words.filter(|(host, mark)| is_hex(host, ID) && is_hex(mark, 64)) else {
        return Seal::Missing;
    };
    match key {
        Some(key) if key.id() == host => {
            let right = hex(&key.mark(purpose, digest));
            if is_same(mark.as_bytes(), right.as_bytes()) { Seal::Ours } else { Seal::False }
        }
        _ => Seal::Other(host.to_owned()),
    }
}

/// Compares in a time that does not depend on where the two differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let differs = one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b));
    one.len() == other.len() && std::hint::black_box(differs) == 0
}

/// HMAC-SHA256 (RFC 2104) of `parts`, one after the other.
fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let hashed = |pad: u8, parts: &[&[u8]]| {
        let mut sum = Sha256::new_with_prefix(block.map(|byte| byte ^ pad));
        parts.iter().for_each(|part| sum.update(part));
        sum.finalize()
    };
    let inner = hashed(0x36, parts);
    hashed(0x5c, &[&inner]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, cases 1, 2, 3, 4, 6 and 7.
    #[test]
    fn hmac_is_the_standards() {
        let counted: Vec<u8> = (1..=25).collect();
        let cases: [(&[u8], &[u8], &str); 6] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (&counted, &[0xcd; 50], "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                &[0xaa; 131],
                b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ];
        for (key, text, right) in cases {
            assert_eq!(hex(&hmac(key, &[text])), right);
            let (one, two) = text.split_at(text.len() / 2);
            assert_eq!(hex(&hmac(key, &[one, two])), right, "in parts");
        }
    }

    #[test]
    fn a_key_is_64_digits_and_is_never_shown() {
        let text = "01".repeat(32);
        let key = HostKey::parse(&text).unwrap();
        assert!(!format!("{key:?} {}", key.id()).contains(&text[..16]), "{key:?}");
        for bad in ["", &"00".repeat(32), &text[1..], &format!("{text}0"), &"+1".repeat(32), &"é".repeat(32)] {
            assert!(HostKey::parse(bad).is_none(), "{bad}");
        }
    }
}
