//! The index: the summaries of all records in one file, so that neither a list nor an export need open thousands. It is
//! read and written a line at a time; in memory are only the places of its lines.

use std::io::{self, BufReader, BufWriter, Read};

use super::Folder;
use super::document::{LinesWriter, Purpose, Seal, read_lines};
use super::names::INDEX;
use crate::domain::{Backup, BackupId};
use crate::error::Result;
use crate::sys::dir::{Dir, Entry};
use crate::sys::file::NamedFile;

/// Largest index read: 256 MiB is some 400,000 records.
const LARGEST: u64 = 256 << 20;
/// Bytes read and written at once.
const PIECE: usize = 64 << 10;
/// Its first line: a program of another version may mean something else by a summary.
const VERSION: &str = concat!("summaries of ", env!("CARGO_PKG_VERSION"));

/// Tells one generation of a record's file from the next: every change is a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    size: u64,
    modified: i128,
}

impl From<Entry> for Stamp {
    fn from(entry: Entry) -> Self {
        Stamp { inode: entry.inode, size: entry.size, modified: entry.modified }
    }
}

impl Stamp {
    fn words(self) -> String {
        format!("{:x}-{:x}-{:x}", self.inode, self.size, self.modified)
    }

    fn parse(words: &str) -> Option<Stamp> {
        let mut parts = words.splitn(3, '-');
        let mut number = || i128::from_str_radix(parts.next()?, 16).ok();
        let (inode, size) = (number()?.try_into().ok()?, number()?.try_into().ok()?);
        Some(Stamp { inode, size, modified: number()? })
    }
}

/// What a summary is about, and where it stands: `ID STAMP MARK JSON`.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The backup.
    pub id: BackupId,
    /// The generation of the record it was taken from.
    pub stamp: Stamp,
    /// It is neither deleted, nor is a restore from it in progress: recovery has nothing to do with it.
    pub settled: bool,
    at: u64,
    length: usize,
    json: usize,
}

impl Summary {
    fn new(at: u64, line: &str) -> Option<Summary> {
        let mut words = line.splitn(4, ' ');
        let (id, stamp, mark) = (words.next()?, words.next()?, words.next()?);
        let json = line.len() - words.next()?.len();
        let (id, stamp) = (id.parse().ok()?, Stamp::parse(stamp)?);
        Some(Summary { id, stamp, settled: mark == "-", at, length: line.len(), json })
    }
}

/// An index whose every byte is as this host wrote it, held open.
#[derive(Debug, Default)]
pub struct Index {
    file: Option<NamedFile>,
    summaries: Vec<Summary>,
}

/// The piece of the index that its reader has read last: whoever asks for one line nearly always asks for the next one then.
#[derive(Debug, Default)]
pub struct Window {
    at: u64,
    bytes: Vec<u8>,
}

impl Index {
    /// Opens the index. One that is missing, cut, of another version, not a regular file or without this host's mark is
    /// simply empty: the records say it all.
    pub fn read(dir: &Folder) -> Index {
        Index::whole(dir).ok().flatten().unwrap_or_default()
    }

    fn whole(dir: &Folder) -> io::Result<Option<Index>> {
        let mut file = dir.read(INDEX)?;
        let (mut summaries, mut known) = (Vec::new(), false);
        let mut take = |at, line: &str| match Summary::new(at, line) {
            Some(summary) if known => summaries.push(summary),
            Some(_) => {}
            None => known |= line == VERSION,
        };
        let lines = BufReader::with_capacity(PIECE, (&mut file).take(LARGEST));
        let seal = read_lines(lines, Purpose::Index, dir.seals().key(), &mut take)?;
        if seal != Some(Seal::Ours) {
            return Ok(None);
        }
        summaries.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok(Some(Index { file: Some(file), summaries }))
    }

    /// All of them, oldest first.
    pub fn summaries(&self) -> &[Summary] {
        &self.summaries
    }

    /// What it says of `id`.
    pub fn of(&self, id: &BackupId) -> Option<&Summary> {
        self.summaries.binary_search_by(|summary| summary.id.cmp(id)).ok().map(|at| &self.summaries[at])
    }

    /// The record's summary: all but its tables. `None` where it cannot be read.
    pub fn backup(&self, summary: &Summary, window: &mut Window) -> Option<Box<Backup>> {
        let parse = |line: &[u8]| serde_json::from_slice::<Box<Backup>>(&line[summary.json..]).ok();
        self.line(summary, window, parse).ok()?.filter(|backup| backup.id == summary.id)
    }

    /// Gives the line of `summary` to `take`.
    fn line<T>(&self, summary: &Summary, window: &mut Window, take: impl FnOnce(&[u8]) -> T) -> io::Result<T> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "the index has no file");
        let file = self.file.as_ref().ok_or_else(missing)?;
        let end = summary.at + summary.length as u64;
        if summary.at < window.at || end > window.at + window.bytes.len() as u64 {
            // Whoever goes backwards finds the lines before this one in it, whoever goes forwards those behind it.
            let backwards = summary.at < window.at;
            let at = if backwards { end.saturating_sub(PIECE as u64).min(summary.at) } else { summary.at };
            let until = if backwards { end } else { file.size()?.min(at + PIECE as u64).max(end) };
            window.bytes = file.read_at(at, usize::try_from(until - at).unwrap_or(usize::MAX))?;
            window.at = at;
        }
        let from = usize::try_from(summary.at - window.at).unwrap_or(usize::MAX);
        Ok(take(&window.bytes[from..from + summary.length]))
    }
}

/// The next index, while it is written.
#[derive(Debug)]
pub struct IndexWriter<'a> {
    lines: LinesWriter<BufWriter<&'a mut NamedFile>>,
    summaries: Vec<Summary>,
    window: Window,
}

impl IndexWriter<'_> {
    /// Adds one record's summary: all but its tables, which may be thousands. Ids come in ascending order.
    pub fn add(&mut self, stamp: Stamp, mut backup: Box<Backup>) -> io::Result<()> {
        backup.tables = Vec::new();
        let settled = backup.deleted_at.is_none() && !backup.restores.iter().any(|restore| restore.is_open());
        let json = serde_json::to_string(&backup)?;
        let line = format!("{} {} {} {json}", backup.id, stamp.words(), if settled { "-" } else { "+" });
        let at = self.lines.line(&[line.as_bytes()])?;
        let (length, json) = (line.len(), line.len() - json.len());
        self.summaries.push(Summary { id: backup.id, stamp, settled, at, length, json });
        Ok(())
    }

    /// Adds a line of the last index, whose record is unchanged.
    pub fn copy(&mut self, from: &Index, summary: &Summary) -> io::Result<()> {
        let IndexWriter { lines, window, .. } = self;
        let at = from.line(summary, window, |line| lines.line(&[line]))??;
        self.summaries.push(Summary { at, ..summary.clone() });
        Ok(())
    }
}

/// Writes the index that `fill` makes; durable when it returns.
pub fn write(dir: &Folder, draft_dir: &Dir, fill: impl FnOnce(&mut IndexWriter) -> Result<()>) -> Result<Index> {
    let key = dir.key()?;
    let summaries = dir.replace_by(INDEX, draft_dir, |file| {
        let mut lines = LinesWriter::begin(BufWriter::with_capacity(PIECE, file))?;
        lines.line(&[VERSION.as_bytes()])?;
        let mut writer = IndexWriter { lines, summaries: Vec::new(), window: Window::default() };
        fill(&mut writer)?;
        let IndexWriter { lines, summaries, .. } = writer;
        lines.finish(Purpose::Index, key)?.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(summaries)
    })?;
    Ok(Index { file: Some(dir.read(INDEX)?), summaries })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_says_what_it_is_about() {
        let stamp = Stamp { inode: 0x9e_4eee, size: 0x41b, modified: 0x18e9_f229_2ddc_8f92 };
        assert_eq!(Stamp::parse(&stamp.words()), Some(stamp));
        let line = format!("my-db-2026-04-06-14-30-00 {} - {{\"a b\": 1}}", stamp.words());
        let summary = Summary::new(40, &line).unwrap();
        assert_eq!((summary.stamp, summary.settled, summary.at, summary.length), (stamp, true, 40, line.len()));
        assert_eq!(&line[summary.json..], "{\"a b\": 1}");
        for wrong in ["", "my-db-2026-04-06-14-30-00", "my-db-2026-04-06-14-30-00 1-2 - {}", "a b c d", VERSION] {
            assert!(Summary::new(0, wrong).is_none(), "{wrong}");
        }
    }
}
