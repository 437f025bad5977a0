//! What `psql` is given of a plain dump: every statement that may run and all data, but neither what a restore leaves
//! out nor any meta-command. Lines keep their numbers, so that an error names the line of the dump.

use std::io::{self, Read};

use super::super::sql::Class;
use super::lexer::{Event, LONGEST, Lexer};
use super::meta::Meta;

/// Bytes fetched at once.
const BUFFER: usize = 64 * 1024;
/// An INSERT longer than this is passed on before its end is known.
const HELD: usize = 2 * 1024 * 1024;

/// What whoever restores is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// A role without privileges, which gets what it may do.
    Role,
    /// The same, which gets more than that: the server has to hold.
    Everything,
}

/// A plain dump as it is restored.
#[derive(Debug)]
pub struct PsqlInput<R> {
    inner: R,
    lexer: Lexer,
    buffer: Box<[u8]>,
    /// What is on no list is passed on.
    programs: bool,
    what: What,
    ready: Vec<u8>,
    from: usize,
    /// Since the last statement's end; and where in it a meta-command began.
    held: Vec<u8>,
    meta: usize,
    /// The beginning of this statement was passed on already, or was left out.
    begun: bool,
    overlong: bool,
    /// The rows that come belong to a COPY that was left out.
    without_data: bool,
    ended: bool,
}

impl<R: Read> PsqlInput<R> {
    /// Of the dump that `inner` gives, for a role without privileges; with what is on no list where `programs` allows it.
    pub fn as_role(inner: R, programs: bool) -> Self {
        Self::with(inner, programs, What::Role)
    }

    /// All of it but what every restore leaves out: for tests of what holds when the lists do not.
    pub fn unjudged(inner: R) -> Self {
        Self::with(inner, true, What::Everything)
    }

    fn with(inner: R, programs: bool, what: What) -> Self {
        let buffer = vec![0; BUFFER].into_boxed_slice();
        let (lexer, ready, held) = (Lexer::default(), Vec::new(), Vec::new());
        let (begun, overlong, without_data, ended) = (false, false, false, false);
        PsqlInput {
            inner,
            lexer,
            buffer,
            programs,
            what,
            ready,
            from: 0,
            held,
            meta: 0,
            begun,
            overlong,
            without_data,
            ended,
        }
    }

    fn more(&mut self) -> io::Result<()> {
        let count = self.inner.read(&mut self.buffer)?;
        self.ready.clear();
        self.from = 0;
        if count == 0 {
            self.ended = true;
            self.lexer.end_line();
            self.settle()?;
            self.lexer.end_statement();
            self.settle()?;
            self.pass();
            return Ok(());
        }
        let buffer = std::mem::take(&mut self.buffer);
        self.lexer.zero(&buffer[..count]);
        let mut bytes = &buffer[..count];
        let mut done = Ok(());
        while !bytes.is_empty() && done.is_ok() {
            (bytes, done) = self.step(bytes);
        }
        self.buffer = buffer;
        match self.lexer.failure() {
            Some(failure) => Err(io::Error::other(failure.to_string())),
            None => done,
        }
    }

    fn step<'a>(&mut self, bytes: &'a [u8]) -> (&'a [u8], io::Result<()>) {
        let (data, meta) = (self.lexer.is_in_data(), self.lexer.is_in_meta());
        let rest = self.lexer.step(bytes);
        let piece = &bytes[..bytes.len() - rest.len()];
        if data && self.without_data {
            self.pass();
            blank(piece, &mut self.ready);
            return (rest, Ok(()));
        }
        if data {
            self.pass();
            self.ready.extend_from_slice(piece);
            return (rest, Ok(()));
        }
        if !meta && self.lexer.is_in_meta() {
            self.meta = self.held.len();
        }
        self.held.extend_from_slice(piece);
        let done = self.settle();
        (rest, done)
    }

    /// Decides on what is held, where something has just ended.
    fn settle(&mut self) -> io::Result<()> {
        match self.lexer.event() {
            Some(Event::Statement(class, instead)) => self.statement(&class, instead)?,
            Some(Event::Meta(Meta::Refused)) if self.what == What::Everything => {}
            Some(Event::Meta(meta)) => {
                self.held.truncate(self.meta);
                if let Meta::Encoding(name) = meta {
                    self.held.extend_from_slice(format!("SET client_encoding TO '{name}';").as_bytes());
                }
                self.held.push(b'\n');
            }
            None if self.held.len() > HELD && !self.lexer.is_in_meta() => self.overflow(),
            None => {}
        }
        Ok(())
    }

    fn statement(&mut self, class: &Class, instead: Option<String>) -> io::Result<()> {
        let given = match class {
            Class::Allowed => true,
            Class::LeftOut => false,
            Class::Refused(_) | Class::Privileged(_) => self.what == What::Everything,
            Class::Unlisted(_) => self.programs,
        };
        let (begun, overlong) = (std::mem::take(&mut self.begun), std::mem::take(&mut self.overlong));
        if begun && !given {
            return Err(io::Error::other("an INSERT goes on with a query behind its values"));
        }
        self.without_data = !given;
        if !given || overlong {
            let held = std::mem::take(&mut self.held);
            blank(&held, &mut self.ready);
        } else if let Some(instead) = instead {
            let held = std::mem::take(&mut self.held);
            blank(&held, &mut self.ready);
            self.ready.extend_from_slice(instead.as_bytes());
        } else {
            self.pass();
        }
        Ok(())
    }

    /// More is held than is kept: values go on, all else waits for its end, and is dropped when it is absurd.
    fn overflow(&mut self) {
        if self.lexer.is_in_values() {
            self.begun = true;
            self.pass();
        } else if self.lexer.is_outside_statements() {
            self.pass();
        } else if self.held.len() > LONGEST || self.overlong {
            self.overlong = true;
            let held = std::mem::take(&mut self.held);
            blank(&held, &mut self.ready);
        }
    }

    fn pass(&mut self) {
        self.ready.append(&mut self.held);
    }
}

/// Only the line ends of what is left out.
fn blank(bytes: &[u8], into: &mut Vec<u8>) {
    into.extend(std::iter::repeat_n(b'\n', memchr::memchr_iter(b'\n', bytes).count()));
}

impl<R: Read> Read for PsqlInput<R> {
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
            PsqlInput::as_role(Slow(text.as_bytes(), step), programs).read_to_string(&mut out).unwrap();
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
                    COPY a (x) FROM stdin;\n\\\\! id\n1\n\\.\n\nGRANT ALL ON a TO b;\nTRUNCATE b;\n\\unrestrict k\n";
        let expected =
            "-- a\n\nCREATE TABLE a (x int);\n\n\n\nCOPY a (x) FROM stdin;\n\\\\! id\n1\n\\.\n\n\n\nTRUNCATE b;\n\n";
        let out = given(dump, false);
        assert_eq!(out.lines().count(), dump.lines().count(), "{out}");
        assert_eq!(
            out.replace("\n\n", "\n").replace("\n\n", "\n"),
            expected.replace("\n\n", "\n").replace("\n\n", "\n")
        );
        let sub = "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;\nGRANT x TO y;\nTRUNCATE a";
        assert!(!given(sub, false).contains("GRANT") && given(sub, false).contains("SELECT 2; END;"));
    }

    #[test]
    fn fault_046_no_meta_command_reaches_psql() {
        for dump in ["TRUNCATE a \\! id\n;", "\\! id", "\\copy a from program 'id'\n", "TRUNCATE a;\\o |id\n"] {
            for programs in [false, true] {
                assert!(!given(dump, programs).contains('\\'), "{dump}");
            }
        }
        assert_eq!(given("\\restrict a\n\\! id\n", true), "\n\n");
        assert_eq!(given("\\encoding latin-1\n", false), "SET client_encoding TO 'LATIN1';\n");
    }

    #[test]
    fn attack_402_404_what_is_not_allowed_is_not_given_nor_its_rows() {
        let dump = "BEGIN;\nCREATE SCHEMA s;\nCOPY a FROM '/etc/passwd';\nDO $$ COMMIT $$;\nCREATE EXTENSION hstore;\n\
                    COMMIT;\nSET ROLE postgres;\nTRUNCATE a;\n";
        let lines = |programs: bool| given(dump, programs).lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines(false), ["", "CREATE SCHEMA IF NOT EXISTS \"s\";", "", "", "", "", "", "TRUNCATE a;"]);
        assert_eq!(lines(true)[2..5], ["COPY a FROM '/etc/passwd';", "DO $$ COMMIT $$;", ""]);
        let mut all = String::new();
        PsqlInput::unjudged(dump.as_bytes()).read_to_string(&mut all).unwrap();
        assert!(all.contains("CREATE EXTENSION hstore;") && all.contains("SET ROLE postgres;"), "{all}");
        let binary = "COPY a FROM STDIN BINARY;\n\\! id\n\\.\nTRUNCATE a;\n";
        assert_eq!(given(binary, true), "\n\n\nTRUNCATE a;\n");
    }

    #[test]
    fn long_statements_are_streamed_or_dropped() {
        let values = format!("INSERT INTO a VALUES (1){};\nTRUNCATE a;\n", ",(2)".repeat(1 << 20));
        let mut out = String::new();
        PsqlInput::as_role(values.as_bytes(), false).read_to_string(&mut out).unwrap();
        assert!(out == values);
        let query = values.replace(";\nTRUNCATE", " UNION SELECT 1;\nTRUNCATE");
        assert!(PsqlInput::as_role(query.as_bytes(), false).read_to_string(&mut out).is_err());
        let long = format!("CREATE VIEW v AS SELECT '{}';\nTRUNCATE a;\n", "x".repeat(LONGEST));
        let mut out = String::new();
        PsqlInput::as_role(long.as_bytes(), true).read_to_string(&mut out).unwrap();
        assert_eq!(out, "\nTRUNCATE a;\n");
    }
}
