//! Writes custom-format archives of every version and compression, right and wrong ones, as `pg_dump` would.

use std::io::Write;

/// How an archive is written.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// 10 to 16.
    pub minor: u8,
    /// 0 none, 1 gzip, 2 lz4, 3 zstd.
    pub compression: u8,
    /// Whether the table of contents names the positions of the blocks.
    pub seekable: bool,
    /// Bytes of each piece of a block.
    pub piece: usize,
}

/// An entry with its data.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    pub id: i32,
    pub kind: &'static str,
    pub namespace: String,
    pub tag: String,
    pub definition: String,
    pub copy: Option<String>,
    pub data: Option<Block>,
}

/// A data block.
#[derive(Debug, Clone)]
pub enum Block {
    Rows(Vec<u8>),
    /// OIDs and contents.
    LargeObjects(Vec<(u32, Vec<u8>)>),
}

impl Entry {
    pub fn new(id: i32, kind: &'static str, tag: &str, definition: &str) -> Self {
        Self { id, kind, tag: tag.into(), definition: definition.into(), ..Self::default() }
    }

    /// Data of a table of so many columns; the rows are without the end marker.
    pub fn table(id: i32, schema: &str, name: &str, columns: usize, rows: &[u8]) -> Self {
        let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let list = (0..columns).map(|column| format!("c{column}")).collect::<Vec<_>>().join(", ");
        let list = if columns == 0 { list } else { format!("({list})") };
        Self {
            namespace: schema.into(),
            copy: Some(format!("COPY {}.{} {list} FROM stdin;\n", quote(schema), quote(name))),
            data: Some(Block::Rows([rows, b"\\.\n\n\n"].concat())),
            ..Self::new(id, "TABLE DATA", name, "")
        }
    }
}

/// The entries every archive begins with.
pub fn beginning() -> Vec<Entry> {
    vec![
        Entry::new(9001, "ENCODING", "ENCODING", "SET client_encoding = 'UTF8';\n"),
        Entry::new(9002, "STDSTRINGS", "STDSTRINGS", "SET standard_conforming_strings = 'on';\n"),
        Entry::new(9003, "EXTENSION", "hstore", "CREATE EXTENSION hstore;\n"),
    ]
}

/// A whole archive.
pub fn archive(form: Form, entries: &[Entry]) -> Vec<u8> {
    let header = header(form);
    let blocks: Vec<Vec<u8>> = entries.iter().map(|entry| block(form, entry)).collect();
    let toc = toc(form, entries, &vec![0; entries.len()]);
    let mut position = (header.len() + toc.len()) as u64;
    let mut positions = Vec::new();
    for block in &blocks {
        positions.push(position);
        position += block.len() as u64;
    }
    [header, self::toc(form, entries, &positions), blocks.concat()].concat()
}

fn int(into: &mut Vec<u8>, value: i64) {
    into.push(u8::from(value < 0));
    into.extend_from_slice(&(value.unsigned_abs() as u32).to_le_bytes());
}

fn string(into: &mut Vec<u8>, text: Option<&str>) {
    let Some(text) = text else { return int(into, -1) };
    int(into, text.len() as i64);
    into.extend_from_slice(text.as_bytes());
}

fn header(form: Form) -> Vec<u8> {
    let mut bytes = b"PGDMP".to_vec();
    bytes.extend_from_slice(&[1, form.minor, 0, 4, 8, 1]);
    match form.minor {
        15.. => bytes.push(form.compression),
        _ => int(&mut bytes, if form.compression == 0 { 0 } else { -1 }),
    }
    for value in [7, 6, 5, 4, 3, 126, 0] {
        int(&mut bytes, value);
    }
    for text in ["shop", "17.5", "17.5 (Debian)"] {
        string(&mut bytes, Some(text));
    }
    bytes
}

fn toc(form: Form, entries: &[Entry], positions: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    int(&mut bytes, entries.len() as i64);
    for (entry, position) in entries.iter().zip(positions) {
        let section = if entry.data.is_some() { 3 } else { 2 };
        int(&mut bytes, entry.id.into());
        int(&mut bytes, entry.data.is_some().into());
        for text in ["1259", "16384", &entry.tag, entry.kind] {
            string(&mut bytes, Some(text));
        }
        if form.minor >= 11 {
            int(&mut bytes, section);
        }
        string(&mut bytes, Some(&entry.definition));
        string(&mut bytes, Some(""));
        string(&mut bytes, entry.copy.as_deref());
        string(&mut bytes, Some(&entry.namespace));
        string(&mut bytes, None);
        if form.minor >= 14 {
            string(&mut bytes, Some("heap"));
        }
        if form.minor >= 16 {
            int(&mut bytes, b'r'.into());
        }
        for text in [Some("owner"), Some("false"), Some("217"), None] {
            string(&mut bytes, text);
        }
        let (state, position) = match (&entry.data, form.seekable) {
            (None, _) => (3, 0),
            (Some(_), false) => (1, 0),
            (Some(_), true) => (2, *position),
        };
        bytes.push(state);
        bytes.extend_from_slice(&position.to_le_bytes());
    }
    bytes
}

fn block(form: Form, entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    match &entry.data {
        None => {}
        Some(Block::Rows(rows)) => {
            bytes.push(1);
            int(&mut bytes, entry.id.into());
            pieces(&mut bytes, form, rows);
        }
        Some(Block::LargeObjects(objects)) => {
            bytes.push(3);
            int(&mut bytes, entry.id.into());
            for (oid, content) in objects {
                int(&mut bytes, (*oid as i32).into());
                pieces(&mut bytes, form, content);
            }
            int(&mut bytes, 0);
        }
    }
    bytes
}

fn pieces(into: &mut Vec<u8>, form: Form, data: &[u8]) {
    for piece in compress(form.compression, data).chunks(form.piece.max(1)) {
        int(into, piece.len() as i64);
        into.extend_from_slice(piece);
    }
    int(into, 0);
}

fn compress(compression: u8, data: &[u8]) -> Vec<u8> {
    match compression {
        0 => data.to_vec(),
        1 => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(data).unwrap();
            encoder.finish().unwrap()
        }
        2 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(data).unwrap();
            encoder.finish().unwrap()
        }
        _ => zstd::bulk::compress(data, 3).expect("zstd"),
    }
}
