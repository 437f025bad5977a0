//! A TOML document that knows when it is whole: it begins with `format = 1` and ends with a comment line that holds the
//! sha256 of every byte above it.

use std::fmt;
use std::io::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::error::Result;

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
    let body = toml::to_string(value).map_err(|e| {
        crate::error::Failure::new(crate::error::Kind::Catalogue, "could not write a record").because(e)
    })?;
    let mut bytes = format!("format = {FORMAT}\n{body}").into_bytes();
    let sum = hex(&Sha256::digest(&bytes));
    writeln!(bytes, "{CHECKSUM}{sum}")?;
    Ok(bytes)
}

/// Reads a document, refusing anything cut, changed or unknown.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<Decoded<T>, Broken> {
    let text = std::str::from_utf8(bytes).map_err(|_| Broken::Checksum)?;
    let body_end = text.trim_end_matches('\n').rfind('\n').map_or(0, |at| at + 1);
    let (body, last) = text.split_at(body_end);
    let sum = last.strip_prefix(CHECKSUM).and_then(|l| l.strip_suffix('\n')).ok_or(Broken::Checksum)?;
    if sum != hex(&Sha256::digest(body.as_bytes())) {
        return Err(Broken::Checksum);
    }
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
    fn fault_052_newer_formats_are_told_apart() {
        let body = b"format = 2\na = 7\nnovel = true\n";
        let text = format!("{}{CHECKSUM}{}\n", String::from_utf8_lossy(body), hex(&Sha256::digest(body)));
        assert!(matches!(decode::<Sample>(text.as_bytes()), Ok(Decoded::Newer(2, _))));
    }
}
