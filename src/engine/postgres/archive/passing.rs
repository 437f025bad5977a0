//! An archive as it is given to a `pg_restore` of a role without privileges: byte for byte what it was, but for the
//! definitions in the table of contents that the role does not get. `pg_restore` passes over an entry whose definition is
//! empty (`_tocEntryRequired` in `pg_backup_archiver.c`).

use std::io::{self, Read};

use super::entry::{self, Entry};
use super::judge::{Fate, Judge};
use super::skipping::Skipping;
use super::source::{Long, Source};
use super::{ArchiveError, header};

/// Bytes of a number: a sign, and four of 32 bits.
const INT: usize = 5;

/// What whoever restores is given.
#[derive(Debug, Clone, Copy)]
enum What {
    /// A role without privileges, which gets what it may do; what is on no list where `programs` says so.
    Role { programs: bool },
    /// The superuser, who gets all.
    Everything,
}

/// What is read next.
enum Next {
    Header,
    Entries { left: i32, format: (u8, u8, u8), judge: Option<Box<Judge>> },
    Data,
}

/// An archive on its way to `pg_restore`.
pub(in super::super) struct Passing<R> {
    source: Source<R>,
    what: What,
    skipping: Skipping,
    next: Next,
    ready: Vec<u8>,
    from: usize,
}

impl<R: Read> Passing<R> {
    /// Of the archive that `inner` gives, for a role without privileges; with what is on no list where `programs` allows it,
    /// without the extensions `skipped`.
    pub(in super::super) fn as_role(inner: R, programs: bool, skipped: Vec<String>) -> Self {
        Self::with(inner, What::Role { programs }, skipped)
    }

    /// All of it, without the extensions `skipped` and the rows in their tables.
    pub(in super::super) fn without(inner: R, skipped: Vec<String>) -> Self {
        Self::with(inner, What::Everything, skipped)
    }

    fn with(inner: R, what: What, skipped: Vec<String>) -> Self {
        let (source, skipping) = (Source::keeping(inner), Skipping::of(skipped));
        Passing { source, what, skipping, next: Next::Header, ready: Vec::new(), from: 0 }
    }

    /// Makes more bytes ready; none at the end.
    fn more(&mut self) -> Result<(), ArchiveError> {
        self.ready.clear();
        self.from = 0;
        match &mut self.next {
            Next::Header => {
                let format = header::read(&mut self.source)?.format;
                let left = self.source.int_in(0..=i32::MAX, "number of entries")?;
                self.ready = self.source.take_kept();
                let judge = match self.what {
                    What::Role { programs } => Some(Box::new(Judge::passing(format, programs))),
                    What::Everything => None,
                };
                self.next = Next::Entries { left, format, judge };
            }
            Next::Entries { left: 0, .. } => {
                self.source.keep_no_more();
                self.next = Next::Data;
            }
            Next::Entries { left, format, judge } => {
                let entry = entry::read(&mut self.source, *format)?;
                *left -= 1;
                let fate = match judge {
                    Some(judge) => judge.take(&entry).map_err(|words| self.source.odd(words))?,
                    None => Fate::Kept,
                };
                let fate = self.skipping.take(&entry).unwrap_or(fate);
                write(&mut self.ready, &entry, &fate);
            }
            Next::Data => {
                let bytes = self.source.fill()?;
                self.ready.extend_from_slice(bytes);
                let count = bytes.len();
                self.source.consume(count);
            }
        }
        Ok(())
    }
}

/// Writes an entry. Where its data lie is not said any more: they have moved, and in a pipe nobody looks.
pub(super) fn write(into: &mut Vec<u8>, entry: &Entry, fate: &Fate) {
    let [start, section, rest] = &entry.written;
    let from = into.len();
    into.extend_from_slice(start);
    if *fate == Fate::NoData {
        // Behind its number: whether data belong to it. pg_restore passes over data that no entry wants.
        into[from + INT..from + 2 * INT].fill(0);
    }
    let kind = match fate {
        Fate::Schema(_) => b"SCHEMA IF NOT EXISTS",
        _ => entry.kind.as_slice(),
    };
    string(into, Some(kind));
    into.extend_from_slice(section);
    match fate {
        Fate::Instead(definition) | Fate::Schema(definition) => string(into, Some(definition)),
        Fate::Kept | Fate::NoData => match &entry.definition {
            Long::Text(definition) => string(into, Some(definition)),
            Long::Nothing | Long::Beyond(_) => string(into, None),
        },
    }
    into.extend_from_slice(rest);
    if *fate == Fate::NoData {
        let place = into.len() - 9;
        into[place..].copy_from_slice(&[3, 0, 0, 0, 0, 0, 0, 0, 0]);
    } else if matches!(entry.data, entry::Data::At(_)) {
        let place = into.len() - 9;
        into[place..].copy_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}

pub(super) fn string(into: &mut Vec<u8>, text: Option<&[u8]>) {
    // No text is longer than what was read with a length of this size.
    let length = text.map_or(1, |text| u32::try_from(text.len()).unwrap_or(u32::MAX));
    into.push(u8::from(text.is_none()));
    into.extend_from_slice(&length.to_le_bytes());
    into.extend_from_slice(text.unwrap_or_default());
}

impl<R: Read> Read for Passing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.from == self.ready.len() {
            self.more().map_err(|error| match error {
                ArchiveError::Io(error) => error,
                other => io::Error::other(other.to_string()),
            })?;
            if self.ready.is_empty()
                && matches!(self.next, Next::Data)
                && self.source.fill().is_ok_and(<[u8]>::is_empty)
            {
                return Ok(0);
            }
        }
        let count = into.len().min(self.ready.len() - self.from);
        into[..count].copy_from_slice(&self.ready[self.from..self.from + count]);
        self.from += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{self, Added, FIXTURES, fixture};
    use super::super::{Summary, read};
    use super::*;
    use crate::domain::{Need, Stage};

    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = into.len().min(self.1).min(self.0.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn passed(archive: &[u8], programs: bool) -> Vec<u8> {
        let through = |step| {
            let mut out = Vec::new();
            Passing::as_role(Slow(archive, step), programs, Vec::new()).read_to_end(&mut out).unwrap();
            out
        };
        let once = through(1 << 20);
        assert!(through(7) == once);
        once
    }

    /// `gzip.dump` with entries of a kind and a definition each.
    fn with(entries: &[(&str, &str)]) -> Vec<u8> {
        fixtures::with(
            &entries.iter().map(|(kind, sql)| Added { kind, sql, section: 2, needs: &[] }).collect::<Vec<_>>(),
        )
    }

    fn summary(archive: &[u8]) -> Summary {
        read(archive).unwrap()
    }

    #[test]
    fn what_pg_dump_writes_comes_through_with_all_its_data() {
        for name in FIXTURES {
            let bytes = fixture(name);
            let (before, after) = (summary(&bytes), summary(&passed(&bytes, false)));
            assert!(before.code.refused.is_empty() && before.code.unlisted.is_empty(), "{name}: {:?}", before.code);
            assert!(before.code.privileged.iter().all(|item| item.danger.is_none()), "{name}: {:?}", before.code);
            assert_eq!(before.tables, after.tables, "{name}");
            assert_eq!(
                (before.large_objects, before.data_bytes, before.entries),
                (after.large_objects, after.data_bytes, after.entries)
            );
            assert!(after.code.privileged.is_empty(), "{name}: {:?}", after.code);
            assert!(passed(&passed(&bytes, false), false) == passed(&bytes, false), "{name}");
        }
    }

    #[test]
    fn attack_401_404_hostile_entries_are_named_by_number_and_do_not_pass() {
        let hostile = [
            ("FUNCTION", "DROP DATABASE shop WITH (FORCE)"),
            ("TABLE", "CREATE TABLE x (a int); COMMIT; ALTER ROLE postgres PASSWORD 'x';"),
            ("SEARCHPATH", "SELECT evil();"),
            ("TABLE DATA", "ALTER ROLE postgres SUPERUSER"),
            ("COMMENT", "COMMENT ON TABLE t IS 'a"),
            ("FUNCTION", "CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS ''; SET ROLE postgres; END"),
        ];
        for (kind, sql) in hostile {
            if kind == "TABLE DATA" {
                assert!(read(&with(&[(kind, sql)])[..]).is_err(), "an entry for data that has none");
                continue;
            }
            let bytes = with(&[(kind, sql)]);
            let code = summary(&bytes).code;
            assert!(code.refused.iter().any(|what| what.starts_with("entry 100000: ")), "{sql}: {code:?}");
            let clean = summary(&passed(&bytes, true)).code;
            assert!(clean.refused.is_empty() && clean.privileged.is_empty(), "{sql}: {clean:?}");
        }
        let unlisted = [
            ("FUNCTION", "CREATE TABLE x (a int);", Need::Nothing),
            ("NO SUCH KIND", "CREATE TABLE x (a int);", Need::Nothing),
            ("VIEW", "CREATE VIEW v AS SELECT 1; COPY (SELECT 1) TO PROGRAM 'id'; SELECT 1", Need::Programs),
            ("SEQUENCE SET", "SELECT pg_catalog.setval('a', pg_read_file('/x'))", Need::Nothing),
            ("RULE", "COPY t FROM '/etc/passwd'", Need::ServerFiles),
        ];
        for (kind, sql, needs) in unlisted {
            let bytes = with(&[(kind, sql)]);
            let code = summary(&bytes).code;
            assert!(
                code.unlisted.iter().any(|one| one.needs == needs && one.what.starts_with("entry ")),
                "{sql}: {code:?}"
            );
            assert!(summary(&passed(&bytes, false)).code.unlisted.is_empty(), "{sql}");
            assert_eq!(summary(&passed(&bytes, true)).code.unlisted, code.unlisted, "{sql}");
        }
    }

    #[test]
    fn what_a_superuser_makes_is_taken_out_and_asked_for() {
        let bytes = with(&[
            ("EXTENSION", "CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA other;\n\n\n"),
            ("COMMENT", "COMMENT ON EXTENSION pgcrypto IS 'x';\n"),
            ("FUNCTION", "CREATE FUNCTION public.c() RETURNS int LANGUAGE c AS 'lib', 'x';\n"),
            ("COMMENT", "COMMENT ON FUNCTION public.c() IS 'x';\n"),
            (
                "EVENT TRIGGER",
                "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f();\nALTER EVENT TRIGGER e DISABLE;\n",
            ),
            ("ACL", "GRANT ALL ON TABLE a TO b; DROP DATABASE shop;"),
        ]);
        let code = summary(&bytes).code;
        let added: Vec<_> = code.privileged.iter().filter(|item| item.place.len() == "entry 100000".len()).collect();
        let items: Vec<_> = added.iter().map(|item| (item.item.as_str(), item.stage)).collect();
        assert_eq!(
            items,
            [
                ("schema:other", Stage::Before),
                ("extension:pgcrypto", Stage::Before),
                ("extension:pgcrypto", Stage::After),
                ("function:public.c", Stage::Before),
                ("function:public.c", Stage::After),
                ("event-trigger:e", Stage::After),
                ("event-trigger:e", Stage::After),
            ]
        );
        let clean = summary(&passed(&bytes, true)).code;
        assert!(clean.privileged.is_empty() && clean.unlisted.is_empty() && clean.refused.is_empty(), "{clean:?}");
    }

    #[test]
    #[ignore = "needs pg_restore of PostgreSQL 15 or later"]
    #[allow(clippy::disallowed_methods)]
    fn pg_restore_passes_over_what_is_empty() {
        use std::io::Write;
        use std::process::{Command, Stdio};
        let script = |bytes: &[u8]| {
            let mut child = Command::new("pg_restore")
                .args(["-f", "-", "--no-owner", "--no-acl"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut stdin = child.stdin.take().unwrap();
            let bytes = bytes.to_vec();
            let feed = std::thread::spawn(move || stdin.write_all(&bytes));
            let output = child.wait_with_output().unwrap();
            let _ = feed.join();
            assert!(output.status.success());
            let sql = |line: &&str| !line.starts_with("--") && !line.starts_with('\\') && !line.is_empty();
            String::from_utf8_lossy(&output.stdout).lines().filter(sql).map(str::to_owned).collect::<Vec<_>>()
        };
        for name in FIXTURES {
            let bytes = fixture(name);
            let left_out = |line: &String| line.contains(" EXTENSION ") || line.starts_with("CREATE SCHEMA");
            let (before, after) = (script(&bytes), script(&passed(&bytes, false)));
            let without = |lines: Vec<String>| lines.into_iter().filter(|line| !left_out(line)).collect::<Vec<_>>();
            assert!(!after.iter().any(|line| line.contains("CREATE EXTENSION")));
            assert_eq!(without(before), without(after), "{name}");
        }
        let evil = with(&[
            ("FUNCTION", "SELECT evil()"),
            ("FUNCTION", "CREATE FUNCTION good() RETURNS int AS '' LANGUAGE sql"),
        ]);
        assert!(script(&evil).concat().contains("evil"));
        let after = script(&passed(&evil, false)).concat();
        assert!(!after.contains("evil") && after.contains("good()"), "{after}");
    }
}
