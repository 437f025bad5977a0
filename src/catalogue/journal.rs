//! The restore journal: written before a restore begins to change its target, removed when the target is known to be
//! whole again. As long as it lies there, it names the backup that undoes what was begun.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Folder;
use super::document::{Decoded, Purpose, decode_sealed};
use super::names::JOURNAL;
use crate::domain::{BackupId, OwnWay, Replacement, ServiceName, Swap};
use crate::error::{Failure, Kind, Result};
use crate::sys::dir::Dir;

/// An open restore.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// The same of a datastore that has a way of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnWay>,
    /// The first restore into this target that had not ended well when this one began. It is open again when this one
    /// is taken back: the data is then what that one left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<Journal>>,
}

impl Journal {
    /// How the data is replaced; none for a restore in place.
    pub fn replacement(&self) -> Option<Replacement> {
        let own = || self.own.clone().map(Replacement::Own);
        self.swap.clone().map(Replacement::Databases).or_else(own)
    }

    /// Whether the dump was poured into the live data itself.
    fn is_in_place(&self) -> bool {
        self.swap.is_none() && self.own.is_none()
    }

    /// Notes how the data is replaced. Each way has a field of its own, so that journals of every version can be read.
    pub fn set_replacement(&mut self, to: &Replacement) {
        (self.swap, self.own) = match to {
            Replacement::Databases(swap) => (Some(swap.clone()), None),
            Replacement::Own(way) => (None, Some(way.clone())),
        };
    }

    /// The open journal in a service's folder.
    pub fn read(dir: &Folder) -> Result<Option<Journal>> {
        let bytes = match dir.read(JOURNAL).and_then(|file| file.read_whole(1 << 20)) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Failure::new(Kind::Catalogue, "the restore journal could not be read").because(e)),
        };
        let path = dir.path().join(JOURNAL);
        match decode_sealed(&bytes, Purpose::Journal, dir.seals().key()) {
            // It says what is renamed and what is restored to undo it: only this host's is followed.
            Ok((Decoded::Whole(_), seal)) if dir.seals().stranger(&seal).is_some() => {
                let text = format!("the restore journal {} does not bear this host's mark", path.display());
                Err(Failure::new(Kind::Catalogue, text).remedy(
                    "it is not followed; when it came from another host",
                    format!("sudo rm {}", path.display()),
                ))
            }
            Ok((Decoded::Whole(journal), _)) => Ok(Some(journal)),
            Ok((Decoded::Newer(format, _), _)) => Err(Failure::new(
                Kind::Catalogue,
                format!("{} was written by a newer dokku-backups (format {format})", path.display()),
            )
            .remedy("update the plugin", "dokku plugin:update backups")),
            Err(broken) => {
                Err(Failure::new(Kind::Catalogue, format!("the restore journal {} is {broken}", path.display()))
                    .hint("a restore may have been interrupted; remove the file, then restore a good backup"))
            }
        }
    }

    /// Opens the journal; durable when it returns. Where another is open, the data before the first of them is what
    /// counts: what was saved since may be a backup of half-restored data.
    pub fn open(mut self, dir: &Folder, draft_dir: &Dir) -> Result<Journal> {
        if let Some(mut open) = Journal::read(dir)? {
            let first = open.before.take().unwrap_or_else(|| Box::new(open));
            if self.is_in_place() && first.safety_backup.is_some() {
                self.safety_backup.clone_from(&first.safety_backup);
            }
            self.before = Some(first);
        }
        self.write(dir, draft_dir)?;
        Ok(self)
    }

    /// Writes it anew, with what was learnt since it was opened; durable when it returns.
    pub fn write(&self, dir: &Folder, draft_dir: &Dir) -> Result<()> {
        Ok(dir.replace(JOURNAL, draft_dir, &dir.write(Purpose::Journal, self)?)?)
    }

    /// Closes it: the target is whole.
    pub fn close(dir: &Dir) -> Result<()> {
        dir.remove(JOURNAL)?;
        Ok(dir.sync()?)
    }

    /// Closes it when the target is as it was when this restore began; one that was open then is open again.
    pub fn take_back(dir: &Folder, draft_dir: &Dir) -> Result<()> {
        match Journal::read(dir)?.and_then(|journal| journal.before) {
            Some(before) => before.write(dir, draft_dir),
            None => Journal::close(dir),
        }
    }

    /// The command that makes the target whole again. Without a safety backup there is no way back: then it finishes
    /// what was begun, and never takes "the latest" backup, which may be one of half-restored data.
    pub fn undo(&self) -> String {
        let target = &self.target;
        match (&self.safety_backup, &self.id) {
            (Some(id), _) => format!("dokku backups:import {target} --id {id} --no-backup --force"),
            (None, Some(id)) if id.service() == target => {
                format!("dokku backups:import {target} --id {id} --no-backup --force")
            }
            (None, Some(id)) => {
                let source = id.service();
                format!("dokku backups:import {target} --from-service {source} --id {id} --no-backup --force")
            }
            (None, None) => format!("dokku backups:sync {target}"),
        }
    }

    /// What is being restored, in words.
    pub fn what(&self) -> String {
        self.id.as_ref().map_or_else(|| "a reset".to_owned(), |id| format!("a restore of {id}"))
    }

    /// The command that acts on it.
    pub fn remedy(&self) -> String {
        // Where data takes other data's place, the live data is whole either way; any changing command settles it.
        if self.is_in_place() { self.undo() } else { format!("dokku backups:sync {}", self.target) }
    }
}
