//! A look at the folder itself rather than at the backups in it: leftovers of dead runs, modes and owners.

use super::in_use::is_worked_on;
use super::names::{self, INCOMING, TRASH};
use crate::domain::ServiceName;
use crate::error::Result;
use crate::sys::dir::{Dir, Entry};
use crate::sys::user;

/// What is not as it must be in the folder of one service.
#[derive(Debug, Default)]
pub struct Audit {
    /// Drafts and dumps on their way out that nobody works on.
    pub left: Vec<String>,
    /// Names of ours, relative to the folder, that others may write or that belong to somebody else.
    pub open: Vec<String>,
}

impl Audit {
    /// Looks at the folder of `service`.
    pub fn of(dir: &Dir, service: &ServiceName) -> Result<Audit> {
        let mut audit = Audit::default();
        let worked_on = is_worked_on(dir)?;
        for inner in [INCOMING, TRASH] {
            let names = match dir.enter(inner) {
                Ok(inner) => inner.names()?,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                Err(e) => return Err(e.into()),
            };
            // A lock on one dump lies there too, for as long as somebody holds it.
            let left = names.into_iter().filter(|name| !worked_on && !name.ends_with(".use"));
            audit.left.extend(left.map(|name| format!("{inner}/{name}")));
        }
        // Asked again: a run may have begun while the folder was read.
        if is_worked_on(dir)? {
            audit.left.clear();
        }
        if is_open(&dir.itself()?) {
            audit.open.push(".".to_owned());
        }
        for name in dir.names()?.into_iter().filter(|name| names::is_ours(name, service)) {
            if dir.entry(&name)?.is_some_and(|entry| is_open(&entry)) {
                audit.open.push(name);
            }
        }
        Ok(audit)
    }
}

fn is_open(entry: &Entry) -> bool {
    entry.mode & 0o077 != 0 || entry.uid != user::effective_uid()
}
