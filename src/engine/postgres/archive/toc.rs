//! The table of contents: every entry is read and checked, those with data are kept in order.

use std::collections::HashSet;
use std::io::Read;

use super::copy::{self, Copy};
use super::entry::{self, Data, Entry};
use super::extensions::Extensions;
use super::grants::Grants;
use super::judge::{Fate, Judge};
use super::source::Source;
use super::unpacked::Unpacked;
use super::{ArchiveError, encoding, objects};
use crate::domain::ForeignCode;
use crate::engine::{ExtensionTable, Object};

/// Bytes of the longest name, in whatever encoding: 63, or 252 of a server that was built for longer ones.
const LONGEST_NAME: usize = 252;

pub(super) struct Toc {
    /// Entries of any kind.
    pub(super) entries: usize,
    /// The numbers of all of them.
    pub(super) ids: HashSet<i32>,
    /// The entries with data, in the order in which their blocks must come.
    pub(super) data: Vec<DataEntry>,
    pub(super) extensions: Vec<String>,
    found: Extensions,
    /// Tables with data that an extension makes.
    pub(super) extension_tables: Vec<ExtensionTable>,
    pub(super) encoding: Option<String>,
    /// OIDs of the large objects that entries create, ascending: each has an entry of its own (1.12 to 1.15) or a line in
    /// that of a group (1.16). Older archives, and some partial dumps, announce none.
    pub(super) large_objects: Vec<u32>,
    /// What in the definitions is more than objects of the database.
    pub(super) code: ForeignCode,
    /// The objects that the entries make.
    pub(super) objects: Vec<Object>,
    /// Owners and privileges.
    pub(super) grants: Grants,
}

/// The most entries, and the most tables with data, of an archive that is read.
const ENTRIES: i32 = 2_000_000;
const TABLES: usize = 200_000;
/// The most large objects.
const LARGE_OBJECTS: usize = 20_000_000;

pub(super) struct DataEntry {
    pub(super) id: i32,
    pub(super) content: Content,
    /// Position of its block from the start of the archive, when the archive says so.
    pub(super) at: Option<u64>,
}

/// What a data block holds.
pub(super) enum Content {
    Table {
        schema: String,
        name: String,
        rows: RowForm,
    },
    LargeObjects,
    /// SQL of PostgreSQL 8.x that comments on large objects.
    LargeObjectComments,
}

/// How rows are written.
#[derive(Clone, Copy)]
pub(super) enum RowForm {
    /// COPY text.
    Copy { columns: u64 },
    /// INSERT statements; backslashes escape when the server's strings were not standard ones.
    Inserts { backslashes: bool },
}

impl Content {
    /// For messages: `table public.users`.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Table { schema, name, .. } => format!("table {schema}.{name}"),
            Self::LargeObjects => "large objects".to_owned(),
            Self::LargeObjectComments => "comments on large objects".to_owned(),
        }
    }
}

pub(super) fn read<R: Read>(
    source: &mut Source<R>,
    format: (u8, u8, u8),
    mut unpacked: Option<&mut Unpacked<'_>>,
) -> Result<Toc, ArchiveError> {
    let count = source.int_in(0..=ENTRIES, "number of entries (more than 2,000,000 are not read)")?;
    let mut toc = Toc {
        entries: 0,
        ids: HashSet::new(),
        data: Vec::new(),
        extensions: Vec::new(),
        found: Extensions::default(),
        extension_tables: Vec::new(),
        encoding: None,
        large_objects: Vec::new(),
        code: ForeignCode::default(),
        objects: Vec::new(),
        grants: Grants::default(),
    };
    let mut judge = Judge::new(format);
    for _ in 0..count {
        let entry = entry::read(source, format)?;
        if let Some(unpacked) = &mut unpacked {
            unpacked.entry(source.take_copied(), entry.data)?;
        }
        toc.entries += 1;
        if !toc.ids.insert(entry.id) {
            return Err(source.odd(format!("entry {} is there twice", entry.id)));
        }
        let taken = judge.take(&entry).and_then(|fate| {
            toc.grants.take(&entry);
            toc.objects.extend(objects::object(&entry, fate != Fate::Kept));
            toc.take(&entry, judge.standard_strings())
        });
        match taken {
            Ok(()) => {}
            Err(words) => return Err(source.odd(words).within(entry.id, &name(&entry))),
        }
    }
    if let Some(unpacked) = unpacked {
        // Of an archive without entries.
        unpacked.entry(source.take_copied(), Data::None)?;
    }
    toc.large_objects.sort_unstable();
    toc.code = judge.finish();
    Ok(toc)
}

fn name(entry: &Entry) -> String {
    format!("{} {}", encoding::text(&entry.kind, None).to_lowercase(), encoding::text(&entry.tag, None))
}

impl Toc {
    fn take(&mut self, entry: &Entry, standard_strings: bool) -> Result<(), &'static str> {
        let extension = self.found.take(entry).map(str::to_owned);
        if let (b"TABLE DATA", Some(extension)) = (entry.kind.as_slice(), extension) {
            let (schema, name) = (self.text(&entry.namespace), self.text(&entry.tag));
            self.extension_tables.push(ExtensionTable { schema, name, extension });
        }
        match entry.kind.as_slice() {
            b"ENCODING" => {
                let encoding = encoding::named(entry.sql()).ok_or("an encoding that PostgreSQL does not know")?;
                if self.encoding.replace(encoding).is_some() {
                    return Err("a second encoding");
                }
            }
            b"EXTENSION" | b"TABLE DATA" if entry.tag.len() > LONGEST_NAME || entry.namespace.len() > LONGEST_NAME => {
                return Err("a name longer than PostgreSQL has");
            }
            b"EXTENSION" => self.extensions.push(self.text(&entry.tag)),
            b"BLOB" => self.large_objects.push(oid(&entry.tag)?),
            b"BLOB METADATA" => {
                for line in entry.sql().split_inclusive(|byte| *byte == b'\n') {
                    self.large_objects.push(oid(line.strip_suffix(b"\n").unwrap_or_default())?);
                }
            }
            _ => {}
        }
        if self.large_objects.len() > LARGE_OBJECTS {
            return Err("more than 20,000,000 large objects");
        }
        if self.data.len() > TABLES {
            return Err("more than 200,000 tables with data");
        }
        let at = match entry.data {
            Data::None if matches!(entry.kind.as_slice(), b"TABLE DATA" | b"BLOBS") => {
                return Err("an entry for data that has none");
            }
            Data::None => return Ok(()),
            Data::Somewhere => None,
            Data::At(at) => Some(at),
        };
        let content = match entry.kind.as_slice() {
            b"TABLE DATA" => Content::Table {
                schema: self.text(&entry.namespace),
                name: self.text(&entry.tag),
                rows: row_form(entry, standard_strings)?,
            },
            b"BLOBS" => Content::LargeObjects,
            b"BLOB COMMENTS" => Content::LargeObjectComments,
            _ => return Err("data of an unknown kind"),
        };
        self.data.push(DataEntry { id: entry.id, content, at });
        Ok(())
    }

    fn text(&self, bytes: &[u8]) -> String {
        encoding::text(bytes, self.encoding.as_deref())
    }
}

/// The OID of a large object, never 0.
fn oid(digits: &[u8]) -> Result<u32, &'static str> {
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    number.filter(|oid| *oid != 0).ok_or("an impossible large object")
}

fn row_form(entry: &Entry, standard_strings: bool) -> Result<RowForm, &'static str> {
    let Some(statement) = entry.copy.as_deref().filter(|statement| !statement.is_empty()) else {
        return Ok(RowForm::Inserts { backslashes: !standard_strings });
    };
    let Copy { schema, table, columns } =
        copy::parse(statement).ok_or("a COPY statement that pg_dump does not write")?;
    // Partitions may be loaded through the table they are parts of; then the statement names that one.
    let through_root = entry.sql().starts_with(b"-- load via partition root ");
    let same = table == entry.tag && schema.is_none_or(|schema| schema == entry.namespace);
    if !same && !through_root {
        return Err("a COPY statement for another table");
    }
    Ok(RowForm::Copy { columns })
}
