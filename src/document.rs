//! A TOML document that knows when it is whole: it begins with `format = 1` and ends with a comment line that holds the
//! sha256 of every byte above it. Above that line may stand the mark of the host that wrote it.

mod lines;
mod seal;

use std::fmt;
use std::io::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::error::Result;

pub use lines::{LinesWriter, read_lines};
pub use seal::{HostKey, Purpose, Seal};

/// The format this program writes.
pub const FORMAT: u32 = 1;
const CHECKSUM: &str = "# sha256 ";

/// What a document turned out to be.
#[derive(Debug)]
pub enum Decoded<T> {
    /// Whole, and of our format.
    Whole(T),
    /// Whole, written by a newer program: to be shown as far as understood, never rewritten.
    Newer(u32, toml::Table),
}

/// Why bytes are no document of ours.
#[derive(Debug, PartialEq, Eq)]
pub enum Broken {
    /// The checksum line is missing or does not fit.
    Checksum,
    /// Not the shape it should have.
    Shape(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Checksum => f.write_str("cut short or changed (its checksum does not fit)"),
            Broken::Shape(why) => write!(f, "not understood: {why}"),
        }
    }
}

impl std::error::Error for Broken {}

/// The document's bytes.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    finish(body(value)?, None)
}

/// The same with the mark of the host that has `key`.
pub fn encode_sealed<T: Serialize>(value: &T, purpose: Purpose, key: &HostKey) -> Result<Vec<u8>> {
    sealed(body(value)?, purpose, key)
}

/// The document of these lines, the first of which says the format, with the mark of the host that has `key`.
pub fn sealed(lines: Vec<u8>, purpose: Purpose, key: &HostKey) -> Result<Vec<u8>> {
    finish(lines, Some((purpose, key)))
}

fn body<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let body = toml::to_string(value).map_err(|e| {
        crate::error::Failure::new(crate::error::Kind::Catalogue, "could not write a record").because(e)
    })?;
    Ok(format!("format = {FORMAT}\n{body}").into_bytes())
}

fn finish(mut bytes: Vec<u8>, seal: Option<(Purpose, &HostKey)>) -> Result<Vec<u8>> {
    let mut sum = Sha256::new_with_prefix(&bytes);
    if let Some((purpose, key)) = seal {
        let line = key.line(purpose, &sum.clone().finalize());
        sum.update(&line);
        bytes.extend(line.into_bytes());
    }
    writeln!(bytes, "{CHECKSUM}{}", hex(&sum.finalize()))?;
    Ok(bytes)
}

/// Reads a document, refusing anything cut, changed or unknown.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<Decoded<T>, Broken> {
    read(whole(bytes, Purpose::Record, None)?.0)
}

/// The same, and whose mark it bears. `key` is this host's.
pub fn decode_sealed<T: DeserializeOwned>(
    bytes: &[u8],
    purpose: Purpose,
    key: Option<&HostKey>,
) -> Result<(Decoded<T>, Seal), Broken> {
    let (body, seal) = whole(bytes, purpose, key)?;
    Ok((read(body)?, seal))
}

/// What stands above the checksum, when that fits; and whose mark is on it.
fn whole<'a>(bytes: &'a [u8], purpose: Purpose, key: Option<&HostKey>) -> Result<(&'a str, Seal), Broken> {
    let text = std::str::from_utf8(bytes).map_err(|_| Broken::Checksum)?;
    let (above, last) = last_line(text);
    let sum = last.strip_prefix(CHECKSUM).and_then(|l| l.strip_suffix('\n')).ok_or(Broken::Checksum)?;
    let (body, line) = match last_line(above) {
        (body, line) if line.starts_with(seal::MARK) => (body, line),
        _ => (above, ""),
    };
    let mut hash = Sha256::new_with_prefix(body);
    let digest = hash.clone().finalize();
    hash.update(line);
    if sum != hex(&hash.finalize()) {
        return Err(Broken::Checksum);
    }
    Ok((body, seal::judge(line, purpose, &digest, key)))
}

/// The text above the last line, and that line.
fn last_line(text: &str) -> (&str, &str) {
    text.split_at(text.trim_end_matches('\n').rfind('\n').map_or(0, |at| at + 1))
}

fn read<T: DeserializeOwned>(body: &str) -> Result<Decoded<T>, Broken> {
    let (first, rest) = body.split_once('\n').ok_or(Broken::Checksum)?;
    let format: u32 = first
        .strip_prefix("format = ")
        .and_then(|n| n.parse().ok())
        .ok_or_else(|| Broken::Shape("no format line".into()))?;
    if format > FORMAT {
        let table = toml::from_str(rest).map_err(|e| Broken::Shape(e.message().to_owned()))?;
        return Ok(Decoded::Newer(format, table));
    }
    toml::from_str(rest).map(Decoded::Whole).map_err(|e| Broken::Shape(e.message().to_owned()))
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |four: u8| char::from(b"0123456789abcdef"[usize::from(four)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        a: u32,
    }

    #[test]
    fn fault_050_a_document_cut_anywhere_is_refused() {
        let bytes = encode(&Sample { a: 7 }).unwrap();
        assert!(matches!(decode::<Sample>(&bytes), Ok(Decoded::Whole(Sample { a: 7 }))));
        for cut in 0..bytes.len() {
            assert!(decode::<Sample>(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(decode::<Sample>(&changed).is_err(), "changed at {at}");
        }
    }

    #[test]
    fn attack_407_only_the_key_makes_the_mark() {
        let (ours, other) = (HostKey::parse(&"ab".repeat(32)).unwrap(), HostKey::parse(&"cd".repeat(32)).unwrap());
        let seal = |bytes: &[u8], purpose, key| match decode_sealed::<Sample>(bytes, purpose, key) {
            Ok((Decoded::Whole(Sample { a: 7 }), seal)) => Some(seal),
            _ => None,
        };
        let bytes = encode_sealed(&Sample { a: 7 }, Purpose::Record, &ours).unwrap();
        assert!(matches!(decode::<Sample>(&bytes), Ok(Decoded::Whole(Sample { a: 7 }))), "who knows no marks reads it");
        assert_eq!(seal(&bytes, Purpose::Record, Some(&ours)), Some(Seal::Ours));
        assert_eq!(seal(&bytes, Purpose::Index, Some(&ours)), Some(Seal::False), "a mark is for one use");
        assert_eq!(seal(&bytes, Purpose::Record, Some(&other)), Some(Seal::Other(ours.id())));
        assert_eq!(seal(&bytes, Purpose::Record, None), Some(Seal::Other(ours.id())));
        let bare = encode(&Sample { a: 7 }).unwrap();
        assert_eq!(seal(&bare, Purpose::Record, Some(&ours)), Some(Seal::Missing));
        for cut in 0..bytes.len() {
            assert!(decode::<Sample>(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        // Another body below a mark of ours, and the checksum made to fit.
        let text = String::from_utf8(bytes).unwrap().replace("a = 7", "a = 7 ");
        let (above, _) = last_line(&text);
        let forged = format!("{above}{CHECKSUM}{}\n", hex(&Sha256::digest(above)));
        assert_eq!(seal(forged.as_bytes(), Purpose::Record, Some(&ours)), Some(Seal::False));
    }

    #[test]
    fn fault_052_newer_formats_are_told_apart() {
        let body = b"format = 2\na = 7\nnovel = true\n";
        let text = format!("{}{CHECKSUM}{}\n", String::from_utf8_lossy(body), hex(&Sha256::digest(body)));
        assert!(matches!(decode::<Sample>(text.as_bytes()), Ok(Decoded::Newer(2, _))));
    }
}
