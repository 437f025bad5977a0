//! Counts the rows of a dump made with `--inserts`, `--column-inserts` or `--rows-per-insert`.
//!
//! `INSERT INTO t (a, b) OVERRIDING SYSTEM VALUE VALUES (1, 'x'), (2, 'y') ON CONFLICT DO NOTHING;` is two rows: the
//! outermost parentheses after VALUES, or one row for `DEFAULT VALUES`. Quoted names and strings may hold anything.

use memchr::{memchr, memchr2};

/// The longest word that matters, and one more.
const WORD: usize = 7;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Plain,
    Text,
    Name,
    /// After a backslash in a string.
    Escaped,
}

pub(super) struct InsertRows {
    place: Place,
    backslashes: bool,
    /// The word being read, upper case only, cut at [`WORD`].
    word: [u8; WORD],
    word_length: usize,
    /// Words of the present statement outside parentheses.
    words: u64,
    depth: u32,
    /// Tuples of the present statement, once VALUES was read.
    tuples: Option<u64>,
    rows: u64,
    wrong: bool,
    /// Line ends since anything else.
    line_ends: u64,
    before: u8,
}

impl InsertRows {
    pub(super) fn new(backslashes: bool) -> Self {
        let (place, word) = (Place::Plain, [0; WORD]);
        let (word_length, words, depth, rows, line_ends) = (0, 0, 0, 0, 0);
        Self {
            place,
            backslashes,
            word,
            word_length,
            words,
            depth,
            tuples: None,
            rows,
            wrong: false,
            line_ends,
            before: 0,
        }
    }

    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            match self.place {
                Place::Plain => {
                    self.plain(byte);
                    bytes = rest;
                }
                Place::Escaped => {
                    self.place = Place::Text;
                    bytes = rest;
                }
                Place::Name => bytes = self.quoted(bytes, memchr(b'"', bytes)),
                Place::Text if self.backslashes => bytes = self.quoted(bytes, memchr2(b'\'', b'\\', bytes)),
                Place::Text => bytes = self.quoted(bytes, memchr(b'\'', bytes)),
            }
        }
    }

    /// Passes over quoted bytes up to the one found. A doubled quote ends one piece and begins the next.
    fn quoted<'a>(&mut self, bytes: &'a [u8], found: Option<usize>) -> &'a [u8] {
        let Some(at) = found else { return &[] };
        self.place = if bytes[at] == b'\\' { Place::Escaped } else { Place::Plain };
        &bytes[at + 1..]
    }

    /// What `pg_dump` writes has no comments, no dollar quotes, and no strings but plain ones and those of bits: the server
    /// would read behind them what we do not.
    fn odd(&mut self, byte: u8) {
        let prefix = match (byte, self.word_length) {
            (b'\'' | b'"' | b'&', 1..) => match self.word[0] {
                b'B' | b'X' => self.word_length > 1 || byte != b'\'',
                b'E' => self.word_length > 1 || byte != b'\'' || !self.backslashes,
                _ => true,
            },
            _ => false,
        };
        let comment = matches!([self.before, byte], [b'-', b'-'] | [b'/', b'*']);
        self.wrong |= prefix || comment || matches!(byte, b'$' | b'\\');
        self.before = byte;
    }

    fn plain(&mut self, byte: u8) {
        self.odd(byte);
        self.line_ends = if byte == b'\n' { self.line_ends + 1 } else { 0 };
        if byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii() {
            if self.word_length < WORD {
                self.word[self.word_length] = byte;
            }
            self.word_length += 1;
            return;
        }
        if self.word_length > 0 {
            self.end_of_word();
        }
        match byte {
            b'\'' => self.place = Place::Text,
            b'"' => self.place = Place::Name,
            b'(' => {
                if self.depth == 0 {
                    self.tuples = self.tuples.map(|tuples| tuples + 1);
                }
                self.depth = self.depth.saturating_add(1);
            }
            b')' if self.depth == 0 => self.wrong = true,
            b')' => self.depth -= 1,
            b';' if self.depth == 0 => self.end_of_statement(),
            _ => {}
        }
    }

    fn end_of_word(&mut self) {
        let word = &self.word[..self.word_length.min(WORD)];
        if self.depth == 0 {
            self.wrong |= self.words == 0 && word != b"INSERT";
            self.words += 1;
            let after = [&b"ON"[..], b"CONFLIC", b"DO", b"NOTHING"].contains(&word);
            self.wrong |= self.tuples.is_some() && !after;
            if word == b"VALUES" && self.word_length == word.len() && self.tuples.is_none() {
                self.tuples = Some(0);
            }
        }
        self.word_length = 0;
    }

    fn end_of_statement(&mut self) {
        match self.tuples.take() {
            Some(tuples) => self.rows += tuples.max(1),
            None => self.wrong = true,
        }
        self.words = 0;
    }

    pub(super) fn finish(self) -> Result<u64, &'static str> {
        let ended = self.place == Place::Plain && self.depth == 0 && self.words == 0 && self.word_length == 0;
        if self.wrong || !ended {
            return Err("the rows are not whole INSERT statements");
        }
        if self.line_ends < 2 {
            return Err("the rows have no end");
        }
        Ok(self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(data: &str, backslashes: bool) -> Result<u64, &'static str> {
        let whole = data.as_bytes();
        let counts: Vec<_> = (1..40)
            .map(|step| {
                let mut rows = InsertRows::new(backslashes);
                whole.chunks(step).for_each(|piece| rows.feed(piece));
                rows.finish()
            })
            .collect();
        assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
        counts[0]
    }

    #[test]
    fn statements_and_tuples_are_rows() {
        assert_eq!(count("\n\n", false), Ok(0));
        assert_eq!(count("INSERT INTO public.t VALUES (1, 'a;(''VALUES (');\n\n\n", false), Ok(1));
        assert_eq!(count("INSERT INTO \"V (\" (a, \"VALUES\") VALUES\n\t(1, 2),\n\t(3, (4));\n\n\n", false), Ok(2));
        let odd = "INSERT INTO t OVERRIDING SYSTEM VALUE VALUES (1) ON CONFLICT DO NOTHING;\n";
        assert_eq!(count(&format!("{odd}{odd}INSERT INTO t DEFAULT VALUES;\n\n\n"), false), Ok(3));
        assert_eq!(count("INSERT INTO t VALUES ('\\');\n\n\n", false), Ok(1));
        assert_eq!(count("INSERT INTO t VALUES (E'\\'');\n\n\n", true), Ok(1));
    }

    #[test]
    fn what_is_not_whole_is_told() {
        for wrong in ["", "\n", "INSERT INTO t VALUES (1)\n\n", "INSERT INTO t VALUES ('1);\n\n", "DELETE FROM t;\n\n"]
        {
            assert!(count(wrong, false).is_err(), "{wrong}");
        }
        assert!(count("INSERT INTO t (1);\n\n", false).is_err());
        assert!(count("INSERT INTO t VALUES (1));\n\n", false).is_err());
    }
}
