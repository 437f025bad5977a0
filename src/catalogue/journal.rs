//! The restore journal: written before a restore begins to change its target, removed when the target is known to be
//! whole again. As long as it lies there, it names the backup that undoes what was begun.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::document::{Decoded, decode, encode};
use super::names::JOURNAL;
use crate::domain::{BackupId, ServiceName, Swap};
use crate::error::{Failure, Kind, Result};
use crate::sys::dir::Dir;

/// An open restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    /// The backup being restored; none when the target is made empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<BackupId>,
    /// The service it is poured into.
    pub target: ServiceName,
    /// When the target began to change.
    pub started_at: DateTime<Utc>,
    /// Who asked.
    pub by: String,
    /// The target as it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety_backup: Option<BackupId>,
    /// The exchange of databases; absent for a restore in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swap: Option<Swap>,
    /// A restore in place that had not ended well when this one began: its data is the target's until this one succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_before: Option<Box<Journal>>,
}

impl Journal {
    /// The open journal in a service's folder.
    pub fn read(dir: &Dir) -> Result<Option<Journal>> {
        let bytes = match dir.read(JOURNAL).and_then(|file| file.read_whole(1 << 20)) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let path = dir.path().join(JOURNAL);
        match decode(&bytes) {
            Ok(Decoded::Whole(journal)) => Ok(Some(journal)),
            Ok(Decoded::Newer(format, _)) => Err(Failure::new(
                Kind::Catalogue,
                format!("{} was written by a newer dokku-backups (format {format})", path.display()),
            )
            .hint("update the plugin: dokku plugin:update backups")),
            Err(broken) => {
                Err(Failure::new(Kind::Catalogue, format!("the restore journal {} is {broken}", path.display()))
                    .hint("a restore may have been interrupted; restore a good backup, then remove the file"))
            }
        }
    }

    /// Opens the journal; durable when it returns.
    pub fn open(&self, dir: &Dir, draft_dir: &Dir) -> Result<()> {
        Ok(dir.replace(JOURNAL, draft_dir, &encode(self)?)?)
    }

    /// Takes over what was open when this one begins: undone, this one leaves the target as it was, which was not whole.
    pub fn supersede(&mut self, before: Option<Journal>) {
        self.open_before = before
            .and_then(|before| match before.swap {
                None => Some(Journal { open_before: None, ..before }),
                Some(_) => before.open_before.map(|older| *older),
            })
            .map(Box::new);
    }

    /// Closes it: the target is whole.
    pub fn close(dir: &Dir) -> Result<()> {
        dir.remove(JOURNAL)?;
        Ok(dir.sync()?)
    }

    /// Closes it: the target is as it was before. Had it been left half restored, the journal of that is open again.
    pub fn undone(&self, dir: &Dir, draft_dir: &Dir) -> Result<()> {
        match &self.open_before {
            Some(before) => before.open(dir, draft_dir),
            None => Journal::close(dir),
        }
    }

    /// The command that puts the target back as it was.
    pub fn undo(&self) -> String {
        match &self.safety_backup {
            Some(id) => format!("dokku backups:import {} --id {id} --no-backup --force", self.target),
            None => format!("dokku backups:import {} --latest --no-backup --force", self.target),
        }
    }

    /// What is being restored, in words.
    pub fn what(&self) -> String {
        self.id.as_ref().map_or_else(|| "a reset".to_owned(), |id| format!("a restore of {id}"))
    }

    /// The command that acts on it.
    pub fn remedy(&self) -> String {
        match self.swap {
            // The live database is whole either way; any changing command settles it.
            Some(_) => format!("dokku backups:sync {}", self.target),
            None => self.undo(),
        }
    }
}
