//! The form in which a dump lies in its file: perhaps compressed, then perhaps encrypted. The file's ending says it, so
//! that the standard tools and a person know what to do; its first bytes must agree.

use serde::{Deserialize, Serialize};

/// How the stored file is compressed, beyond what the archive does inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// As the datastore wrote it.
    #[default]
    None,
    /// One gzip member: `gunzip` unpacks it.
    Gzip,
    /// One zstd frame: `unzstd` unpacks it.
    Zstd,
}

impl Compression {
    /// All there are.
    pub const ALL: [Compression; 3] = [Compression::None, Compression::Gzip, Compression::Zstd];

    /// The word on the command line, in records and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }

    /// What its files begin with; a plain dump is recognised by the engine.
    fn magic(self) -> &'static [u8] {
        match self {
            Compression::None => b"",
            Compression::Gzip => b"\x1f\x8b",
            Compression::Zstd => b"\x28\xb5\x2f\xfd",
        }
    }
}

impl std::str::FromStr for Compression {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = Compression::ALL.into_iter().find(|compression| compression.name() == word);
        known.ok_or_else(|| "it is none, gzip or zstd".to_owned())
    }
}

/// How the dump itself is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DumpFormat {
    /// The datastore's own format.
    #[default]
    Custom,
    /// SQL.
    Plain,
}

impl DumpFormat {
    /// The word in records and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            DumpFormat::Custom => "custom",
            DumpFormat::Plain => "plain",
        }
    }
}

/// Whether a file leans on that of another backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leaning {
    /// It stands for itself.
    #[default]
    Whole,
    /// It holds the differences from another backup.
    Delta,
    /// The same, after it was given another base while its first file still counted: both lie there for a moment, under
    /// names of their own.
    Rebased,
}

/// Where a copy of a dump lies; one may be encrypted and the other not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On this host.
    Local,
    /// At the destination.
    OffSite,
}

/// What encrypted files begin with: the version line of age.
const AGE: &[u8] = b"age-encryption.org/v1\n";

/// The form of a stored dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoredAs {
    /// How the dump itself is written.
    pub format: DumpFormat,
    /// How the dump is compressed.
    pub compression: Compression,
    /// Whether the result is encrypted with age.
    pub encrypted: bool,
    /// Whether it leans on another file. One that does is of zstd frames, and of the datastore's own format.
    pub leaning: Leaning,
}

impl StoredAs {
    /// As the datastore wrote it.
    pub const UNCHANGED: StoredAs = StoredAs {
        format: DumpFormat::Custom,
        compression: Compression::None,
        encrypted: false,
        leaning: Leaning::Whole,
    };

    /// All there are.
    pub fn all() -> impl Iterator<Item = StoredAs> {
        let both = [false, true].into_iter();
        let compressed = both.flat_map(|encrypted| Compression::ALL.map(move |compression| (compression, encrypted)));
        let whole = compressed.flat_map(|(compression, encrypted)| {
            let whole = StoredAs { compression, encrypted, ..StoredAs::UNCHANGED };
            [DumpFormat::Custom, DumpFormat::Plain].map(|format| StoredAs { format, ..whole })
        });
        let leaning = [Leaning::Delta, Leaning::Rebased].into_iter();
        let deltas = leaning.flat_map(|leaning| [false, true].map(|encrypted| StoredAs::delta(leaning, encrypted)));
        whole.chain(deltas)
    }

    /// Differences from another backup.
    pub fn delta(leaning: Leaning, encrypted: bool) -> StoredAs {
        StoredAs { compression: Compression::Zstd, encrypted, leaning, ..StoredAs::UNCHANGED }
    }

    /// Whether it is read through another file.
    pub fn is_delta(self) -> bool {
        self.leaning != Leaning::Whole
    }

    /// Neither compressed nor encrypted.
    pub fn is_as_written(self) -> bool {
        self.compression == Compression::None && !self.encrypted
    }

    /// The ending of its files, without the first dot.
    pub fn ending(self) -> &'static str {
        match (self.leaning, self.encrypted) {
            (Leaning::Whole, _) => {}
            (Leaning::Delta, false) => return "dump.delta",
            (Leaning::Rebased, false) => return "dump.delta2",
            (Leaning::Delta, true) => return "dump.delta.age",
            (Leaning::Rebased, true) => return "dump.delta2.age",
        }
        let plain = self.format == DumpFormat::Plain;
        let ending = |custom, sql| if plain { sql } else { custom };
        match (self.compression, self.encrypted) {
            (Compression::None, false) => ending("dump", "sql"),
            (Compression::Gzip, false) => ending("dump.gz", "sql.gz"),
            (Compression::Zstd, false) => ending("dump.zst", "sql.zst"),
            (Compression::None, true) => ending("dump.age", "sql.age"),
            (Compression::Gzip, true) => ending("dump.gz.age", "sql.gz.age"),
            (Compression::Zstd, true) => ending("dump.zst.age", "sql.zst.age"),
        }
    }

    /// The form that a file's name tells. No id and no service has a dot in its name.
    pub fn of_file(name: &str) -> Option<StoredAs> {
        let (_, ending) = name.split_once('.')?;
        StoredAs::all().find(|form| form.ending() == ending)
    }

    /// Whether a file of this form may begin with `head`, as far as that can be told without a key.
    pub fn fits(self, head: &[u8]) -> bool {
        head.starts_with(if self.encrypted { AGE } else { self.compression.magic() })
    }

    /// What the outermost layer is called in messages.
    pub fn outermost(self) -> &'static str {
        match (self.compression, self.encrypted) {
            (_, true) => "age",
            (Compression::None, false) => "plain",
            (compression, false) => compression.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_tells_its_form() {
        for form in StoredAs::all() {
            let name = format!("my-db-2026-04-08-14-30-00.{}", form.ending());
            assert_eq!(StoredAs::of_file(&name), Some(form), "{name}");
        }
        for other in ["x.dump.gz.gz", "x.dump.age.gz", "x.gz", "x", "dump", "x.toml", "x.dump.", "x.dump.GZ"] {
            assert_eq!(StoredAs::of_file(other), None, "{other}");
        }
        assert_eq!(StoredAs::all().count(), 16);
    }
}
