//! What `psql` is given of a plain dump: every statement and all data, but neither what a restore leaves out nor any
//! meta-command. Lines keep their numbers, so that an error names the line of the dump.

use std::io::{self, Read};

use super::NoteKind;
use super::lexer::{Event, Lexer};

/// Bytes fetched at once.
const BUFFER: usize = 64 * 1024;
/// A statement longer than this is passed on before its end is known: none of those that are left out is so long.
const HELD: usize = 2 * 1024 * 1024;

/// A plain dump as it is restored.
#[derive(Debug)]
pub struct Given<R> {
    inner: R,
    lexer: Lexer,
    buffer: Box<[u8]>,
    /// Meta-commands are passed on.
    programs: bool,
    ready: Vec<u8>,
    from: usize,
    /// Since the last statement's end; and where in it a meta-command began.
    held: Vec<u8>,
    meta: usize,
    ended: bool,
}

impl<R: Read> Given<R> {
    /// Of the dump that `inner` gives; with the meta-commands in it where `programs` allows them.
    pub fn new(inner: R, programs: bool) -> Self {
        let buffer = vec![0; BUFFER].into_boxed_slice();
        let (lexer, ready, held) = (Lexer::default(), Vec::new(), Vec::new());
        Given { inner, lexer, buffer, programs, ready, from: 0, held, meta: 0, ended: false }
    }

    fn more(&mut self) -> io::Result<()> {
        let count = self.inner.read(&mut self.buffer)?;
        self.ready.clear();
        self.from = 0;
        if count == 0 {
            self.ended = true;
            self.lexer.end_line();
            self.settle();
            self.lexer.end_statement();
            self.settle();
            self.pass();
            return Ok(());
        }
        let buffer = std::mem::take(&mut self.buffer);
        let mut bytes = &buffer[..count];
        while !bytes.is_empty() {
            bytes = self.step(bytes);
        }
        self.buffer = buffer;
        Ok(())
    }

    fn step<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (data, meta) = (self.lexer.is_in_data(), self.lexer.is_in_meta());
        let rest = self.lexer.step(bytes);
        let piece = &bytes[..bytes.len() - rest.len()];
        if data {
            self.pass();
            self.ready.extend_from_slice(piece);
            return rest;
        }
        if !meta && self.lexer.is_in_meta() {
            self.meta = self.held.len();
        }
        self.held.extend_from_slice(piece);
        self.settle();
        rest
    }

    /// Decides on what is held, where something has just ended.
    fn settle(&mut self) {
        match self.lexer.event() {
            Some(Event::Statement { left_out: true }) => {
                let lines = memchr::memchr_iter(b'\n', &self.held).count();
                self.held.clear();
                self.ready.extend(std::iter::repeat_n(b'\n', lines));
            }
            Some(Event::Statement { left_out: false }) => self.pass(),
            Some(Event::Meta(kind)) if !self.programs || matches!(kind, NoteKind::Restrict | NoteKind::Connect) => {
                self.held.truncate(self.meta);
                self.held.push(b'\n');
            }
            Some(Event::Meta(_)) => {}
            None if self.held.len() > HELD && !self.lexer.is_in_meta() => self.pass(),
            None => {}
        }
    }

    fn pass(&mut self) {
        self.ready.append(&mut self.held);
    }
}

impl<R: Read> Read for Given<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.from == self.ready.len() && !self.ended {
            self.more()?;
        }
        let count = into.len().min(self.ready.len() - self.from);
        into[..count].copy_from_slice(&self.ready[self.from..self.from + count]);
        self.from += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str, programs: bool) -> String {
        let whole = |step: usize| {
            let mut out = String::new();
            Given::new(Slow(text.as_bytes(), step), programs).read_to_string(&mut out).unwrap();
            out
        };
        let once = whole(1 << 20);
        assert_eq!(whole(1), once);
        once
    }

    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = into.len().min(self.1).min(self.0.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn statements_and_data_are_given_and_lines_keep_their_numbers() {
        let dump = "-- a\n\\restrict k\nCREATE TABLE a (x int);\nALTER TABLE a\n  OWNER TO b;\n\\connect d\n\
                    COPY a (x) FROM stdin;\n\\\\! id\n1\n\\.\n\nGRANT ALL ON a TO b;\nSELECT 1;\n\\unrestrict k\n";
        let expected =
            "-- a\n\nCREATE TABLE a (x int);\n\n\n\nCOPY a (x) FROM stdin;\n\\\\! id\n1\n\\.\n\n\n\nSELECT 1;\n\n";
        let out = given(dump, false);
        assert_eq!(out.lines().count(), dump.lines().count(), "{out}");
        assert_eq!(
            out.replace("\n\n", "\n").replace("\n\n", "\n"),
            expected.replace("\n\n", "\n").replace("\n\n", "\n")
        );
        let sub = "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;\nGRANT x TO y;\nSELECT 1";
        assert!(!given(sub, false).contains("GRANT") && given(sub, false).contains("SELECT 2; END;"));
    }

    #[test]
    fn fault_046_no_meta_command_reaches_psql() {
        for dump in ["SELECT 1 \\! id\n;", "\\! id", "\\copy a from program 'id'\n", "SELECT 1;\\o |id\n"] {
            assert!(!given(dump, false).contains('\\'), "{dump}");
            assert!(!given(&format!("{dump}\n"), true).is_empty());
        }
        assert_eq!(given("\\restrict a\n\\! id\n", true), "\n\\! id\n");
    }
}
