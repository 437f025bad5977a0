//! What a file is by its first bytes, whatever datastore it is meant for. Dumps of a datastore that its own engine knows
//! better are told by that engine ([`super::Engine::recognise`]).

use std::fmt;

/// Bytes to look at: enough for what stands deepest, a tar file's mark.
pub const HEAD: usize = 4096;

/// What some bytes are. 512 or more of them are needed to tell a tar file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// Nothing at all.
    Empty,
    /// SQL of MySQL or MariaDB.
    MysqlDump,
    /// A Redis snapshot.
    RedisSnapshot,
    /// A tar file.
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
    /// 7-Zip.
    SevenZip,
    /// RAR.
    Rar,
    /// The `.Z` of `compress`.
    Compress,
    /// Encrypted with OpenPGP, in text form.
    OpenPgp,
    /// Encrypted with `openssl enc`.
    OpenSsl,
    /// A database file of SQLite.
    Sqlite,
    /// An archive of MongoDB's dump program.
    MongoArchive,
    /// Text in UTF-16, with its mark at the beginning.
    Utf16,
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
const BEGINNINGS: [(&[u8], FileKind); 26] = [
    (b"\x1f\x8b", FileKind::Gzip),
    (b"\x28\xb5\x2f\xfd", FileKind::Zstd),
    (b"\x04\x22\x4d\x18", FileKind::Lz4),
    (b"BZh", FileKind::Bzip2),
    (b"\xfd7zXZ\0", FileKind::Xz),
    (b"PK\x03\x04", FileKind::Zip),
    (b"PK\x05\x06", FileKind::Zip),
    (b"\x7fELF", FileKind::Elf),
    (b"\xff\xd8\xff", FileKind::Jpeg),
    (b"\x89PNG", FileKind::Png),
    (b"age-encryption.org/", FileKind::Age),
    (b"-----BEGIN AGE ENCRYPTED FILE", FileKind::Age),
    (b"REDIS", FileKind::RedisSnapshot),
    (b"7z\xbc\xaf\x27\x1c", FileKind::SevenZip),
    (b"Rar!\x1a\x07", FileKind::Rar),
    (b"\x1f\x9d", FileKind::Compress),
    (b"-----BEGIN PGP MESSAGE", FileKind::OpenPgp),
    (b"Salted__", FileKind::OpenSsl),
    (b"SQLite format 3\0", FileKind::Sqlite),
    (b"\x6d\xe2\x99\x81", FileKind::MongoArchive),
    (b"\xff\xfe", FileKind::Utf16),
    (b"\xfe\xff", FileKind::Utf16),
    // What MariaDB's programs put before everything else, against their own old clients.
    (b"/*M!999999", FileKind::MysqlDump),
    (b"-- phpMyAdmin", FileKind::MysqlDump),
    (b"-- MySQL dump", FileKind::MysqlDump),
    (b"-- MariaDB dump", FileKind::MysqlDump),
];

/// What a file or stream is that begins with `head`; [`HEAD`] bytes are enough.
pub fn sniff(head: &[u8]) -> FileKind {
    if head.is_empty() {
        return FileKind::Empty;
    }
    if let Some((_, kind)) = BEGINNINGS.iter().find(|(beginning, _)| head.starts_with(beginning)) {
        return *kind;
    }
    if head.get(257..262) == Some(b"ustar") {
        return FileKind::Tar;
    }
    match text(head) {
        None => FileKind::Unknown,
        Some(text) if begins(text, "<!doctype") || begins(text, "<html") => FileKind::Html,
        Some(_) => FileKind::Text,
    }
}

/// The text that `head` is, from its first word on; `None` where it is not text in UTF-8. Its last character may be cut.
pub fn text(head: &[u8]) -> Option<&str> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if head.len() - error.valid_up_to() < 4 => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return None,
    };
    let is_text = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\x1b');
    (!valid.is_empty() && valid.chars().all(is_text)).then(|| valid.trim_start())
}

/// Whether `text` begins with `word`, in capitals or not.
pub fn begins(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|there| there.eq_ignore_ascii_case(word))
}

impl FileKind {
    /// Whether it is no dump itself but may hold one that is unpacked on the way in.
    pub fn may_hold_a_dump(self) -> bool {
        matches!(self, Self::Gzip | Self::Zstd | Self::Age | Self::Tar | Self::Utf16)
    }

    /// What to do with one that is brought as a dump; none where nothing helps.
    pub fn way_out(self) -> Option<&'static str> {
        Some(match self {
            Self::Bzip2 => "unpack it on the way: bzip2 -dc FILE | dokku backups:import SERVICE --file -",
            Self::Xz => "unpack it on the way: xz -dc FILE | dokku backups:import SERVICE --file -",
            Self::Lz4 => "unpack it on the way: lz4 -dc FILE | dokku backups:import SERVICE --file -",
            Self::Compress => "unpack it on the way: uncompress -c FILE | dokku backups:import SERVICE --file -",
            Self::Zip => "unpack it on the way: unzip -p FILE | dokku backups:import SERVICE --file -",
            Self::SevenZip => "unpack it on the way: 7z x -so FILE | dokku backups:import SERVICE --file -",
            Self::Rar => "unpack it on the way: unrar p -inul FILE | dokku backups:import SERVICE --file -",
            Self::OpenPgp => "open it on the way: gpg --decrypt FILE | dokku backups:import SERVICE --file -",
            Self::OpenSsl => {
                "open it on the way, as it was closed: openssl enc -d ... | dokku backups:import SERVICE --file -"
            }
            Self::MysqlDump | Self::Sqlite => "another database's data: pgloader is a program that converts them",
            _ => return None,
        })
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "an empty file",
            Self::MysqlDump => "a MySQL or MariaDB dump",
            Self::RedisSnapshot => "a Redis snapshot",
            Self::Tar => "a tar file",
            Self::Gzip => "a gzip file",
            Self::Zstd => "a zstd file",
            Self::Lz4 => "an lz4 file",
            Self::Bzip2 => "a bzip2 file",
            Self::Xz => "an xz file",
            Self::Zip => "a zip file",
            Self::SevenZip => "a 7-Zip file",
            Self::Rar => "a RAR file",
            Self::Compress => "a file of compress",
            Self::OpenPgp => "a message encrypted with OpenPGP",
            Self::OpenSsl => "a file encrypted with openssl",
            Self::Sqlite => "a database of SQLite",
            Self::MongoArchive => "a dump of MongoDB",
            Self::Utf16 => "text in UTF-16",
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
        let cases: [(&[u8], FileKind); 8] = [
            (b"", FileKind::Empty),
            (b"\x1f\x8b\x08", FileKind::Gzip),
            (b"\x7fELF\x02", FileKind::Elf),
            (b"hello there", FileKind::Text),
            (b"\xef\xbb\xbf <!DOCTYPE html>", FileKind::Html),
            ("h\u{e9}".as_bytes().split_last().unwrap().1, FileKind::Text),
            (b"\x00\x01\x02", FileKind::Unknown),
            (b"age-encryption.org/v1\n", FileKind::Age),
        ];
        for (head, kind) in cases {
            assert_eq!(sniff(head), kind, "{head:?}");
        }
        let mut tar = vec![b'a'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        assert_eq!(sniff(&tar), FileKind::Tar);
    }
}
