//! Archives with entries of an enemy's: a true archive of PostgreSQL 15 (format 1.14) gets more entries in its table of
//! contents, each with any SQL under any kind.

/// An entry to be added.
pub struct Crafted<'a> {
    /// What it says it is: `FUNCTION`, `SEARCHPATH`, ...
    pub kind: &'a str,
    /// Its name.
    pub tag: &'a str,
    /// Its SQL.
    pub sql: &'a str,
    /// 2 before the data, 4 after.
    pub section: i32,
}

/// An entry of `kind` before the data, called `crafted`.
pub fn entry<'a>(kind: &'a str, sql: &'a str) -> Crafted<'a> {
    Crafted { kind, tag: "crafted", sql, section: 2 }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn int(&mut self) -> i32 {
        let value = i32::from_le_bytes(self.bytes[self.at + 1..self.at + 5].try_into().expect("4 bytes"));
        let negative = self.bytes[self.at] == 1;
        self.at += 5;
        if negative { -value } else { value }
    }

    fn string(&mut self) -> Option<&[u8]> {
        let length = usize::try_from(self.int()).ok()?;
        self.at += length;
        Some(&self.bytes[self.at - length..self.at])
    }
}

fn int(out: &mut Vec<u8>, value: i32) {
    out.push(u8::from(value < 0));
    out.extend(value.unsigned_abs().to_le_bytes());
}

fn string(out: &mut Vec<u8>, text: Option<&str>) {
    let Some(text) = text else { return int(out, -1) };
    int(out, i32::try_from(text.len()).expect("a length"));
    out.extend(text.as_bytes());
}

/// `archive` with `more` at the end of its table of contents.
pub fn with_entries(archive: &[u8], more: &[Crafted]) -> Vec<u8> {
    assert_eq!(&archive[..8], b"PGDMP\x01\x0e\x00", "an archive of format 1.14");
    let mut cursor = Cursor { bytes: archive, at: 11 };
    for _ in 0..8 {
        cursor.int();
    }
    for _ in 0..3 {
        cursor.string();
    }
    let (counted, count) = (cursor.at, cursor.int());
    let (first, mut highest) = (cursor.at, 0);
    for _ in 0..count {
        highest = highest.max(cursor.int());
        cursor.int();
        for _ in 0..4 {
            cursor.string(); // two object numbers, name, kind
        }
        cursor.int();
        for _ in 0..8 {
            cursor.string(); // definition, drop, copy, schema, tablespace, access method, owner, oids
        }
        while cursor.string().is_some() {}
        cursor.at += 9;
    }
    let mut out = archive[..counted].to_vec();
    int(&mut out, count + i32::try_from(more.len()).expect("a few"));
    out.extend(&archive[first..cursor.at]);
    for (crafted, id) in more.iter().zip(highest + 1..) {
        int(&mut out, id);
        int(&mut out, 0);
        for text in ["0", "0", crafted.tag, crafted.kind] {
            string(&mut out, Some(text));
        }
        int(&mut out, crafted.section);
        for text in
            [Some(crafted.sql), Some(""), None, Some("public"), None, None, Some("postgres"), Some("false"), None]
        {
            string(&mut out, text);
        }
        out.push(3);
        out.extend([0; 8]);
    }
    out.extend(&archive[cursor.at..]);
    out
}
