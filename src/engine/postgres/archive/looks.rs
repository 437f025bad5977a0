//! What a file that should be an archive looks like, from its first bytes.

use std::fmt;

use memchr::memmem;

use super::header::MAGIC;

/// What some bytes look like. 512 or more of them are needed to tell a tar file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Looks {
    /// Nothing at all.
    Empty,
    /// A custom-format archive of `pg_dump`, as far as its first bytes tell.
    Archive,
    /// An archive of a `pg_dump` before 8.0.
    AncientArchive,
    /// An archive that went through a terminal or a text-mode transfer: LF became CR LF.
    CrlfMangled,
    /// Text, and then an archive.
    BannerBeforeArchive,
    /// The `toc.dat` of a directory or tar dump.
    DumpToc,
    /// SQL, of `pg_dump` or `pg_dumpall`.
    PlainSql,
    /// SQL of MySQL or MariaDB.
    MysqlDump,
    /// A Redis snapshot.
    RedisSnapshot,
    /// A tar file; `pg_dump -Ft` writes them.
    Tar,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
    /// An LZ4 frame.
    Lz4,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// A zip file.
    Zip,
    /// Encrypted with age.
    Age,
    /// A Linux program.
    Elf,
    /// A JPEG picture.
    Jpeg,
    /// A PNG picture.
    Png,
    /// A web page.
    Html,
    /// Some other text.
    Text,
    /// Anything else.
    Unknown,
}

/// Fixed beginnings; the longer of two comes first.
const BEGINNINGS: [(&[u8], Looks); 15] = [
    (b"\x1f\x8b", Looks::Gzip),
    (b"\x28\xb5\x2f\xfd", Looks::Zstd),
    (b"\x04\x22\x4d\x18", Looks::Lz4),
    (b"BZh", Looks::Bzip2),
    (b"\xfd7zXZ\0", Looks::Xz),
    (b"PK\x03\x04", Looks::Zip),
    (b"PK\x05\x06", Looks::Zip),
    (b"\x7fELF", Looks::Elf),
    (b"\xff\xd8\xff", Looks::Jpeg),
    (b"\x89PNG", Looks::Png),
    (b"age-encryption.org/", Looks::Age),
    (b"-----BEGIN AGE ENCRYPTED FILE", Looks::Age),
    (b"REDIS", Looks::RedisSnapshot),
    (b"-- MySQL dump", Looks::MysqlDump),
    (b"-- MariaDB dump", Looks::MysqlDump),
];

/// Words with which SQL begins.
const SQL: [&str; 12] = [
    "--",
    "/*",
    "SET ",
    "CREATE ",
    "INSERT ",
    "DROP ",
    "ALTER ",
    "BEGIN",
    "SELECT ",
    "COPY ",
    "\\connect ",
    "\\restrict ",
];

/// What the first bytes of a file or stream look like; 4096 of them are enough.
pub fn looks_like(head: &[u8]) -> Looks {
    if head.is_empty() {
        return Looks::Empty;
    }
    if let Some(after) = head.strip_prefix(MAGIC) {
        return archive(head, after);
    }
    if let Some((_, looks)) = BEGINNINGS.iter().find(|(beginning, _)| head.starts_with(beginning)) {
        return *looks;
    }
    if head.get(257..262) == Some(b"ustar") {
        return Looks::Tar;
    }
    if memmem::find(head, MAGIC).is_some() {
        return Looks::BannerBeforeArchive;
    }
    text(head)
}

/// After the magic: three bytes of version, two sizes, and the type, which is 3 or 5 in a `toc.dat`.
fn archive(head: &[u8], after: &[u8]) -> Looks {
    let mut ends = memchr::memchr_iter(b'\n', head).peekable();
    let several = memchr::memchr_iter(b'\n', head).nth(1).is_some();
    if several && ends.all(|at| head[at - 1] == b'\r') {
        return Looks::CrlfMangled;
    }
    match after {
        [1, ..10, ..] | [0, ..] => Looks::AncientArchive,
        [_, _, _, _, _, 3 | 5, ..] => Looks::DumpToc,
        _ => Looks::Archive,
    }
}

fn text(head: &[u8]) -> Looks {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character may be cut at the end.
        Err(error) if head.len() - error.valid_up_to() < 4 => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return Looks::Unknown,
    };
    if valid.is_empty() || valid.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\x1b')) {
        return Looks::Unknown;
    }
    let start = valid.trim_start();
    let is = |word: &str| start.get(..word.len()).is_some_and(|there| there.eq_ignore_ascii_case(word));
    if is("<!doctype") || is("<html") {
        return Looks::Html;
    }
    if SQL.into_iter().any(is) { Looks::PlainSql } else { Looks::Text }
}

impl fmt::Display for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "an empty file",
            Self::Archive => "a PostgreSQL archive",
            Self::AncientArchive => "an archive of PostgreSQL before 8.0",
            Self::CrlfMangled => "an archive whose line ends a terminal or a text-mode transfer has changed (CR LF)",
            Self::BannerBeforeArchive => "an archive with other text before it",
            Self::DumpToc => "the table of contents of a directory or tar dump, without its data",
            Self::PlainSql => "plain SQL",
            Self::MysqlDump => "a MySQL or MariaDB dump",
            Self::RedisSnapshot => "a Redis snapshot",
            Self::Tar => "a tar file",
            Self::Gzip => "a gzip file",
            Self::Zstd => "a zstd file",
            Self::Lz4 => "an lz4 file",
            Self::Bzip2 => "a bzip2 file",
            Self::Xz => "an xz file",
            Self::Zip => "a zip file",
            Self::Age => "a file encrypted with age",
            Self::Elf => "a Linux program",
            Self::Jpeg => "a JPEG picture",
            Self::Png => "a PNG picture",
            Self::Html => "a web page",
            Self::Text => "some text",
            Self::Unknown => "unknown data",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_recognised() {
        let cases: [(&[u8], Looks); 14] = [
            (b"", Looks::Empty),
            (b"PGDMP\x01\x0e\x00\x04\x08\x01", Looks::Archive),
            (b"PGDMP\x01\x0a\x00\x04\x08\x01", Looks::Archive),
            (b"PGDMP\x01\x0d\x0a\x00\x04\x08\x01\x0d\x0a", Looks::CrlfMangled),
            (b"PGDMP\x01\x08\x00\x04\x08\x01", Looks::AncientArchive),
            (b"PGDMP\x01\x0e\x00\x04\x08\x03", Looks::DumpToc),
            (b"\x00\x04PGDMP", Looks::BannerBeforeArchive),
            (b"Welcome!\nPGDMP\x01\x0e", Looks::BannerBeforeArchive),
            (b"--\n-- PostgreSQL database dump\n--\n", Looks::PlainSql),
            (b"\x1f\x8b\x08", Looks::Gzip),
            (b"\x7fELF\x02", Looks::Elf),
            (b"hello there", Looks::Text),
            ("h\u{e9}".as_bytes().split_last().unwrap().1, Looks::Text),
            (b"\x00\x01\x02", Looks::Unknown),
        ];
        for (head, looks) in cases {
            assert_eq!(looks_like(head), looks, "{head:?}");
        }
        let mut tar = vec![b'a'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        assert_eq!(looks_like(&tar), Looks::Tar);
    }
}
