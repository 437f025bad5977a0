//! Which of PostgreSQL's formats a dump made elsewhere is in, or what to do with it instead.

use super::archive::{DumpKind, sniff};
use crate::domain::DumpFormat;
use crate::engine::FileKind;
use crate::error::{Failure, Kind, Result};

/// Endings of the names of SQL in an encoding that its first bytes do not tell.
const SQL_NAMES: [&str; 4] = [".sql", ".sql.gz", ".sql.zst", ".sql.age"];

/// How a file called `name` that begins with `head` is written.
pub fn recognise(head: &[u8], name: &str) -> Result<DumpFormat> {
    let lower = name.to_ascii_lowercase();
    let is_named_sql = SQL_NAMES.iter().any(|ending| lower.ends_with(ending));
    let kind = sniff(head);
    let failure = Failure::new(Kind::Damaged, format!("{name} is no dump of PostgreSQL: it looks like {kind}"));
    match kind {
        DumpKind::Archive => Ok(DumpFormat::Custom),
        DumpKind::PlainSql => Ok(DumpFormat::Plain),
        DumpKind::Other(FileKind::Text | FileKind::Unknown) if is_named_sql => Ok(DumpFormat::Plain),
        DumpKind::DumpToc => {
            Err(failure.hint("name the folder in which it lies, or the tar file that it came in: --file FOLDER"))
        }
        DumpKind::CrlfMangled => {
            Err(failure.hint("transfer it again, in binary and without a terminal (ssh without -t)"))
        }
        DumpKind::Other(kind) if kind.way_out().is_some() => Err(failure.hint(kind.way_out().unwrap_or_default())),
        DumpKind::AncientArchive | DumpKind::BannerBeforeArchive | DumpKind::Other(_) => {
            Err(failure.hint("make another, in a format that is taken: pg_dump -Fc DATABASE"))
        }
    }
}
