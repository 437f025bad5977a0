//! Whose the records of a folder are to be: those from before there was a key get this host's mark once, and a stranger's
//! when a person says so.

use super::document::Seal;
use super::names;
use super::record::{self, Found};
use super::{Folder, Journal, LockedCatalogue, Root, Seals};
use crate::domain::{Backup, BackupId, Source, Stranger};
use crate::error::Result;
use crate::sys::dir::Dir;

impl LockedCatalogue {
    /// Puts this host's mark on every document in the folder, all of them from before there was a key, and writes down
    /// that this was done. Where another host's mark is found they are none of ours, and stay as they are.
    pub(super) fn mark_all(mut self, root: &Root) -> Result<LockedCatalogue> {
        let records = self.unmarked(&self.dir, "toml")?;
        let drafts = self.unmarked(&self.incoming, "draft")?;
        if let (Some(records), Some(drafts)) = (records, drafts) {
            for mut backup in records {
                // Made anew from a dump by a release that did not ask whose it was.
                if backup.adopted {
                    let imported = backup.source == Source::Imported;
                    backup.foreign = Some(if imported { Stranger::Adopted } else { Stranger::Lost });
                }
                self.save(&backup)?;
            }
            for draft in &drafts {
                self.incoming.replace(&names::draft(&draft.id), &self.incoming, &self.document(draft)?)?;
            }
            if let Ok(Some(journal)) = Journal::read(&self.dir) {
                journal.write(&self.dir, &self.incoming)?;
            }
        } else {
            log::warn!("{} holds records of another host; none of them is taken for ours", self.dir.path().display());
        }
        root.is_marked(&self.service)?;
        let seals = Seals::elsewhere(self.dir.seals());
        self.dir = Folder::new(self.dir.again()?, seals);
        Ok(self)
    }

    /// What is whole in `dir` and bears no mark; `None` where something bears another host's.
    fn unmarked(&self, dir: &Dir, ending: &str) -> Result<Option<Vec<Backup>>> {
        let mut found = Vec::new();
        for name in dir.names()? {
            let Some(id) = names::id_of(&name, ending).filter(|id| id.service() == &self.service.name) else {
                continue;
            };
            match record::claimed(dir, &name, &id, self.service.datastore, self.dir.seals())? {
                (_, Seal::Other(_) | Seal::False) => return Ok(None),
                (Found::Whole(backup), Seal::Missing) => found.push(*backup),
                _ => {}
            }
        }
        Ok(Some(found))
    }

    /// Makes the record of a stranger this host's own, with all that it says but for where its copy is; returns from whom.
    /// `None` where it is no stranger's. The index follows with `reindex`.
    pub fn take_over(&self, id: &BackupId) -> Result<Option<Stranger>> {
        let Some(why) = self.record(id)?.foreign else { return Ok(None) };
        let name = names::record(id);
        let (found, seal) = record::claimed(&self.dir, &name, id, self.service.datastore, self.dir.seals())?;
        let Found::Whole(mut backup) = found else { return Ok(None) };
        if seal != Seal::Ours {
            backup.destination = None;
        }
        backup.foreign = None;
        self.save(&backup)?;
        Ok(Some(why))
    }
}
