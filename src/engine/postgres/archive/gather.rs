//! One archive out of a dump in several files: `pg_dump -Ft` (a tar file) and `-Fd` (a folder). Its table of contents,
//! `toc.dat`, is that of an archive but for one field of each entry, the name of the file with its data
//! (`pg_backup_tar.c`, `pg_backup_directory.c`); the data become blocks behind it, in the order of the entries. Nothing is
//! judged here: what comes out is read and judged like any other archive.

use std::collections::VecDeque;
use std::io::{self, Read};

use super::source::Source;
use super::{ArchiveError, header};
use crate::engine::Parts;
use crate::error::{Failure, Kind, Result};

/// The part that names all others.
pub const INDEX: &str = "toc.dat";
/// The list of large objects of an archive that has one.
const LIST: &str = "blobs.toc";
/// What `pg_dump` writes into a tar file for people; it repeats the rest.
const SCRIPT: &str = "restore.sql";
/// The longest table of contents, and the longest list of large objects: 256 MiB.
const LONGEST: u64 = 256 << 20;
/// The longest of its texts.
const TEXT: usize = 64 << 20;
/// How a part may be packed in a folder, by the ending of its name (`compress_io.c`).
const PACKED: [(&str, Unpack); 4] = [
    ("", |part| Ok(part)),
    (".gz", |part| Ok(Box::new(flate2::read::MultiGzDecoder::new(part)))),
    (".lz4", |part| Ok(Box::new(lz4_flex::frame::FrameDecoder::new(part)))),
    (".zst", |part| Ok(Box::new(zstd::stream::read::Decoder::new(part)?))),
];
/// Bytes of a block that are written at once.
const PIECE: usize = 64 << 10;
/// The most entries.
const ENTRIES: i32 = 2_000_000;
/// `BLK_DATA` and `BLK_BLOBS` of `pg_backup_archiver.h`.
const DATA: u8 = 1;
const LARGE_OBJECTS: u8 = 3;

type Bytes = Box<dyn Read + Send>;
type Unpack = fn(Bytes) -> io::Result<Bytes>;

/// The archive that `parts` make. Fails as `damaged` where they do not fit each other.
pub fn gather(mut parts: Parts) -> Result<impl Read + Send> {
    let (out, entries) = {
        let index: Box<dyn Read> = match &mut parts {
            Parts::InOrder(parts) => Box::new(parts),
            Parts::ByName(parts) => parts.open(INDEX)?.ok_or_else(|| missing(INDEX))?,
        };
        contents(&mut Source::keeping(index.take(LONGEST))).map_err(|error| match error {
            ArchiveError::Io(error) => error.into(),
            error => Failure::new(Kind::Damaged, format!("{INDEX} is damaged")).because(error),
        })?
    };
    Ok(Gathered { parts, entries, objects: VecDeque::new(), current: None, state: State::Between, out, sent: 0 })
}

/// An entry with data.
struct Entry {
    id: i32,
    /// The part with its data; of large objects the list of them.
    part: String,
    is_list: bool,
}

/// The head of the archive to be: header and table of contents as they are written in a custom-format archive.
fn contents<R: Read>(source: &mut Source<R>) -> Result<(Vec<u8>, VecDeque<Entry>), ArchiveError> {
    let format = header::read_of_parts(source)?;
    // As it is, but for the type of the archive and its compression, which is none.
    source.take_kept();
    let mut out = header::without_compression(format);
    let count = {
        for _ in 0..7 {
            source.int()?; // when it was made
        }
        for _ in 0..3 {
            source.string(TEXT)?; // database and versions
        }
        source.int_in(0..=ENTRIES, "number of entries")?
    };
    out.extend(source.take_kept());
    let mut entries = VecDeque::new();
    for _ in 0..count {
        let id = source.int()?;
        let has_data = source.int()? == 1;
        for _ in 0..3 {
            source.string(TEXT)?; // two object numbers, name
        }
        let is_list = source.string(TEXT)?.as_deref() == Some(b"BLOBS");
        if format >= (1, 11, 0) {
            source.int()?; // section
        }
        // Definition, how to drop it, COPY, schema, tablespace, and the table access method.
        for _ in 0..if format >= (1, 14, 0) { 6 } else { 5 } {
            source.string(TEXT)?;
        }
        if format >= (1, 16, 0) {
            source.int()?; // kind of relation
        }
        source.string(TEXT)?; // owner
        source.string(TEXT)?; // with OIDs
        while source.string(TEXT)?.is_some() {} // dependencies
        out.extend(source.take_kept());
        let part = source.string(TEXT)?.unwrap_or_default();
        source.take_kept();
        // Where its block is: not said, or none.
        out.push(if has_data { 1 } else { 3 });
        out.extend([0; 8]);
        if has_data {
            let part = String::from_utf8(part).ok().filter(|part| is_plain(part));
            entries.push_back(Entry { id, part: part.ok_or_else(|| source.odd("an impossible file name"))?, is_list });
        }
    }
    if !source.fill()?.is_empty() {
        return Err(source.odd("bytes follow the end of the table of contents"));
    }
    Ok((out, entries))
}

/// Whether it is the name of a file, and no way to another place.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.len() < 256 && !name.starts_with('.') && !name.contains(['/', '\0'])
}

fn missing(part: &str) -> Failure {
    Failure::new(Kind::Damaged, format!("the part {part} of the dump is not there"))
}

/// Where the writing stands.
enum State {
    Between,
    /// In the data of an entry.
    Data,
    /// Between large objects whose list has this name.
    Objects(String),
    /// In the data of one of those.
    Object(String),
    Done,
}

/// The archive, piece by piece.
struct Gathered {
    parts: Parts,
    entries: VecDeque<Entry>,
    /// Large objects that are still to come, by name: number and part.
    objects: VecDeque<(i32, String)>,
    /// The part that is open, where parts are opened by name.
    current: Option<Bytes>,
    state: State,
    out: Vec<u8>,
    sent: usize,
}

impl Read for Gathered {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.sent == self.out.len() {
            if matches!(self.state, State::Done) {
                return Ok(0);
            }
            self.sent = 0;
            self.out.clear();
            self.more()?;
        }
        let count = into.len().min(self.out.len() - self.sent);
        into[..count].copy_from_slice(&self.out[self.sent..self.sent + count]);
        self.sent += count;
        Ok(count)
    }
}

impl Gathered {
    fn more(&mut self) -> Result<()> {
        self.state = match std::mem::replace(&mut self.state, State::Done) {
            State::Between => match self.entries.pop_front() {
                Some(entry) => self.begin(entry)?,
                None => {
                    self.nothing_left()?;
                    State::Done
                }
            },
            State::Data if self.piece()? => State::Data,
            State::Data => State::Between,
            State::Objects(list) => self.object(list)?,
            State::Object(list) if self.piece()? => State::Object(list),
            State::Object(list) => State::Objects(list),
            State::Done => State::Done,
        };
        Ok(())
    }

    fn begin(&mut self, entry: Entry) -> Result<State> {
        self.out.push(if entry.is_list { LARGE_OBJECTS } else { DATA });
        self.int(entry.id);
        if !entry.is_list {
            self.go_to(&entry.part)?;
            return Ok(State::Data);
        }
        if let Parts::ByName(parts) = &self.parts {
            let mut list = String::new();
            let whole = parts.open(&entry.part)?.ok_or_else(|| missing(&entry.part))?.take(LONGEST);
            { whole }.read_to_string(&mut list)?;
            self.objects = list.lines().map(object).collect::<Option<_>>().ok_or_else(|| odd(&entry.part))?;
        }
        Ok(State::Objects(entry.part))
    }

    /// Goes to the next large object of `list`, or behind the last.
    fn object(&mut self, list: String) -> Result<State> {
        let next = match &mut self.parts {
            // They come before their list, whose name is another one than the entry's before PostgreSQL 17.
            Parts::InOrder(parts) => match parts.advance()? {
                Some(name) if name == list || name == LIST => None,
                Some(name) => Some(number(&name).ok_or_else(|| odd(&name))?),
                None => return Err(missing(&list)),
            },
            Parts::ByName(_) => match self.objects.pop_front() {
                Some((number, part)) => {
                    self.go_to(&part)?;
                    Some(number)
                }
                None => None,
            },
        };
        self.int(next.unwrap_or(0));
        Ok(if next.is_some() { State::Object(list) } else { State::Between })
    }

    /// Makes `part` the one that is read.
    fn go_to(&mut self, part: &str) -> Result<()> {
        match &mut self.parts {
            Parts::InOrder(parts) => match parts.advance()? {
                Some(name) if name == part => Ok(()),
                Some(name) => Err(Failure::new(Kind::Damaged, format!("{name} comes where {part} should come"))
                    .hint("a folder of pg_dump -Fd in a tar file: unpack it, and name the folder: --file FOLDER")),
                None => Err(missing(part)),
            },
            Parts::ByName(parts) => {
                for (ending, unpack) in PACKED {
                    if let Some(file) = parts.open(&format!("{part}{ending}"))? {
                        self.current = Some(unpack(file)?);
                        return Ok(());
                    }
                }
                Err(missing(part))
            }
        }
    }

    /// Writes a piece of the part that is read; false behind its end, which is written then.
    fn piece(&mut self) -> Result<bool> {
        let mut bytes = vec![0; PIECE];
        let count = loop {
            let read = match (&mut self.parts, &mut self.current) {
                (Parts::InOrder(parts), _) => parts.read(&mut bytes),
                (Parts::ByName(_), Some(part)) => part.read(&mut bytes),
                (Parts::ByName(_), None) => Ok(0),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Failures of the source itself pass as they are; the others are of what unpacks it.
                Err(error) if error.get_ref().is_some_and(|inner| inner.is::<Failure>()) => return Err(error.into()),
                Err(error) => return Err(Failure::new(Kind::Damaged, "a part of the dump is damaged").because(error)),
                Ok(count) => break count,
            }
        };
        self.int(i32::try_from(count).unwrap_or(0));
        self.out.extend_from_slice(&bytes[..count]);
        Ok(count > 0)
    }

    /// Refuses parts that belong to nothing.
    fn nothing_left(&mut self) -> Result<()> {
        if let Parts::InOrder(parts) = &mut self.parts {
            while let Some(name) = parts.advance()? {
                if name != SCRIPT {
                    return Err(odd(&name));
                }
            }
        }
        Ok(())
    }

    fn int(&mut self, value: i32) {
        self.out.push(u8::from(value < 0));
        self.out.extend(value.unsigned_abs().to_le_bytes());
    }
}

fn odd(part: &str) -> Failure {
    Failure::new(Kind::Damaged, format!("the part {part} of the dump is not one of its table of contents"))
}

/// A line of a list of large objects: `16403 blob_16403.dat`.
fn object(line: &str) -> Option<(i32, String)> {
    let (number, part) = line.split_once(' ')?;
    is_plain(part).then(|| Some((oid(number)?, part.to_owned())))?
}

/// The number in the name `blob_16403.dat`.
fn number(part: &str) -> Option<i32> {
    oid(part.strip_prefix("blob_")?.strip_suffix(".dat")?)
}

/// An OID as an archive has it: C's `int` of the same bits.
fn oid(digits: &str) -> Option<i32> {
    digits.parse::<u32>().ok().filter(|oid| *oid != 0).map(u32::cast_signed)
}
