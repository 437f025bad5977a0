//! Where a statement ends: not at a `;` inside parentheses, as in rules, nor at one inside the body of an SQL function
//! (`BEGIN ATOMIC ... END`), exactly where `psql` does not end it either (`src/fe_utils/psqlscan.l`). On the way it
//! counts the tuples of an INSERT.

/// The longest word that matters, and one more.
const WORD: usize = 10;
/// Words at a statement's start that can tell a function with a body.
const START: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Nesting {
    parentheses: u32,
    begins: u32,
    /// The word being read in capitals, cut at [`WORD`].
    word: [u8; WORD],
    length: usize,
    /// Words so far, and what the first of them mean here: `C`reate, `O`r, `R`eplace, `F`unction, `P`rocedure.
    words: usize,
    start: [u8; START],
    insert: bool,
    /// Tuples since VALUES, and whether they still are.
    tuples: Option<u64>,
    counting: bool,
    query: bool,
}

impl Nesting {
    /// Takes a piece of a word outside quotes and comments.
    pub(super) fn word(&mut self, piece: &[u8]) {
        for byte in piece.iter().take(WORD - self.length.min(WORD)) {
            self.word[self.length] = byte.to_ascii_uppercase();
            self.length += 1;
        }
        if piece.len() > WORD {
            self.length = WORD;
        }
    }

    /// The word being read, if it is one letter: it may say what a string is.
    pub(super) fn letter(&self) -> Option<u8> {
        (self.length == 1).then_some(self.word[0])
    }

    /// Takes a parenthesis.
    pub(super) fn parenthesis(&mut self, byte: u8) {
        match byte {
            b'(' => {
                if self.parentheses == 0 && self.counting {
                    self.tuples = self.tuples.map(|tuples| tuples + 1);
                }
                self.parentheses = self.parentheses.saturating_add(1);
            }
            _ => self.parentheses = self.parentheses.saturating_sub(1),
        }
    }

    pub(super) fn end_of_word(&mut self) {
        let word = &self.word[..self.length];
        if self.words < START {
            self.start[self.words] = match word {
                b"CREATE" | b"OR" | b"REPLACE" | b"FUNCTION" | b"PROCEDURE" => word[0],
                _ => 0,
            };
            self.insert |= self.words == 0 && word == b"INSERT";
        }
        self.words += 1;
        if self.parentheses == 0 {
            self.counting = word == b"VALUES" && self.tuples.is_none();
            if self.counting {
                self.tuples = Some(0);
            }
            self.query |= matches!(word, b"SELECT" | b"WITH" | b"TABLE" | b"UNION" | b"INTERSECT" | b"EXCEPT");
            if self.has_body() {
                match word {
                    b"BEGIN" => self.begins += 1,
                    b"CASE" if self.begins > 0 => self.begins += 1,
                    b"END" => self.begins = self.begins.saturating_sub(1),
                    _ => {}
                }
            }
        }
        self.length = 0;
    }

    fn has_body(&self) -> bool {
        matches!(self.start, [b'C', b'F' | b'P', ..] | [b'C', b'O', b'R', b'F' | b'P'])
    }

    /// Whether a `;` ends the statement here.
    pub(super) fn is_outermost(&self) -> bool {
        self.parentheses == 0 && self.begins == 0
    }

    /// Whether the statement begins with INSERT.
    pub(super) fn is_insert(&self) -> bool {
        self.insert
    }

    /// Whether it has VALUES, and no query beside them so far.
    pub(super) fn has_values(&self) -> bool {
        self.tuples.is_some() && !self.query
    }

    /// How many rows it inserts, where it has VALUES.
    pub(super) fn tuples(&self) -> Option<u64> {
        self.tuples.map(|tuples| tuples.max(1))
    }
}
