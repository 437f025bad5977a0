//! The COPY statement of table data: `COPY public.users (id, "Name") FROM stdin;`.
//!
//! It repeats the table's name, so a flipped bit in either is seen, and it tells how many columns each row has.

/// What a COPY statement says.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Copy {
    /// Not quoted; dumps until 2018 (CVE-2018-1058) do not name the schema.
    pub(in super::super) schema: Option<Vec<u8>>,
    pub(in super::super) table: Vec<u8>,
    /// Columns of each row; 0 for a table without columns.
    pub(in super::super) columns: u64,
}

/// Takes a statement apart; `None` when it is not one that `pg_dump` writes.
pub(in super::super) fn parse(statement: &[u8]) -> Option<Copy> {
    let mut rest = statement.strip_prefix(b"COPY ")?;
    let mut table = identifier(&mut rest)?;
    let mut schema = None;
    if let Some(after) = rest.strip_prefix(b".") {
        rest = after;
        schema = Some(std::mem::replace(&mut table, identifier(&mut rest)?));
    }
    rest = rest.strip_prefix(b" ")?;
    let mut columns = 0;
    if let Some(after) = rest.strip_prefix(b"(") {
        rest = after;
        loop {
            identifier(&mut rest)?;
            columns += 1;
            match rest {
                [b',', b' ', after @ ..] => rest = after,
                [b')', after @ ..] => break rest = after,
                _ => return None,
            }
        }
    }
    match rest {
        b" FROM stdin;\n" => {}
        b" WITH OIDS FROM stdin;\n" => columns += 1,
        _ => return None,
    }
    Some(Copy { schema, table, columns })
}

/// An identifier as `quote_identifier` writes it: plain, or in double quotes that are doubled inside.
pub(super) fn identifier(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let Some(quoted) = rest.strip_prefix(b"\"") else {
        let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_';
        let end = rest.iter().position(|byte| !plain(byte)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        *rest = after;
        return (!name.is_empty()).then(|| name.to_vec());
    };
    let mut name = Vec::new();
    let mut from = quoted;
    loop {
        let end = memchr::memchr(b'"', from)?;
        name.extend_from_slice(&from[..end]);
        from = &from[end + 1..];
        match from.strip_prefix(b"\"") {
            Some(after) => {
                name.push(b'"');
                from = after;
            }
            None => {
                *rest = from;
                return Some(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(schema: Option<&str>, table: &str, columns: u64) -> Option<Copy> {
        Some(Copy { schema: schema.map(Into::into), table: table.into(), columns })
    }

    #[test]
    fn statements_of_pg_dump_are_understood() {
        assert_eq!(parse(b"COPY public.users (id, name) FROM stdin;\n"), copy(Some("public"), "users", 2));
        assert_eq!(parse(b"COPY users (id) WITH OIDS FROM stdin;\n"), copy(None, "users", 2));
        assert_eq!(parse(b"COPY public.nothing  FROM stdin;\n"), copy(Some("public"), "nothing", 0));
        let odd = "COPY \"S p\".\"a\"\"b (.\" (\"x, y\", z) FROM stdin;\n";
        assert_eq!(parse(odd.as_bytes()), copy(Some("S p"), "a\"b (.", 2));
    }

    #[test]
    fn anything_else_is_not() {
        for wrong in ["", "COPY ", "COPY a", "COPY a (", "COPY a (b FROM stdin;\n", "COPY \"a (b) FROM stdin;\n"] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(parse(b"COPY a.b (c) FROM stdio;\n"), None);
        assert_eq!(parse(b"COPY a.b (c) FROM PROGRAM 'id';\n"), None);
    }
}
