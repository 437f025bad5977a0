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
    /// Tuples since VALUES, and whether they still are.
    tuples: Option<u64>,
    counting: bool,
}

impl Nesting {
    /// Takes a byte outside quotes and comments.
    pub(super) fn byte(&mut self, byte: u8) {
        let goes_on = byte.is_ascii_digit() || byte == b'$';
        if byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii() || (goes_on && self.length > 0) {
            if self.length < WORD {
                self.word[self.length] = byte.to_ascii_uppercase();
            }
            self.length = (self.length + 1).min(WORD);
            return;
        }
        self.end_of_word();
        match byte {
            b'(' => {
                if self.parentheses == 0 && self.counting {
                    self.tuples = self.tuples.map(|tuples| tuples + 1);
                }
                self.parentheses = self.parentheses.saturating_add(1);
            }
            b')' => self.parentheses = self.parentheses.saturating_sub(1),
            _ => {}
        }
    }

    fn end_of_word(&mut self) {
        if self.length == 0 {
            return;
        }
        let word = &self.word[..self.length];
        if self.words < START {
            self.start[self.words] = match word {
                b"CREATE" | b"OR" | b"REPLACE" | b"FUNCTION" | b"PROCEDURE" => word[0],
                _ => 0,
            };
        }
        self.words += 1;
        if self.parentheses == 0 {
            self.counting = word == b"VALUES" && self.tuples.is_none();
            if self.counting {
                self.tuples = Some(0);
            }
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

    /// Begins the next statement. Says how many rows the last one inserts, where it has VALUES.
    pub(super) fn next(&mut self) -> Option<u64> {
        let tuples = self.tuples.map(|tuples| tuples.max(1));
        *self = Nesting::default();
        tuples
    }
}
