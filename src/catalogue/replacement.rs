//! A dump that is being stored in another form: its two files, and which of them counts after a crash. It is the one that
//! the record names; the other one is ours and goes.

use super::LockedCatalogue;
use super::names::{self, dumped_id};
use super::record::{self, Found};
use crate::domain::BackupId;
use crate::error::Result;

/// Largest note read.
const LARGEST: u64 = 4 << 10;

impl LockedCatalogue {
    /// Notes that the dump of `id` is about to lie in the file `new` and not in `old` any more.
    pub(super) fn note_replacement(&self, id: &BackupId, new: &str, old: &str) -> Result<()> {
        let note = format!("{new}\n{old}\n");
        Ok(self.incoming.replace(&names::replacement(id), &self.incoming, note.as_bytes())?)
    }

    /// Removes the file that the record of `id` does not name, and then the note.
    pub(super) fn end_replacement(&self, id: &BackupId) -> Result<()> {
        let name = names::replacement(id);
        let note = self.incoming.read(&name)?.read_whole(LARGEST)?;
        let note = String::from_utf8_lossy(&note).into_owned();
        let record = record::read(&self.dir, &names::record(id), id, self.service.datastore, self.dir.seals())?;
        // Of a record that cannot be read it is not known which one counts: both stay, and so does the note.
        let Found::Whole(backup) = record else { return Ok(()) };
        for file in note.lines().filter(|file| dumped_id(file).as_ref() == Some(id)) {
            if backup.file.as_deref() != Some(file) && self.dir.entry(file)?.is_some_and(|entry| entry.regular) {
                self.dir.remove(file)?;
            }
        }
        self.dir.sync()?;
        Ok(self.incoming.remove(&name)?)
    }

    /// Ends what a dead run had begun to store in another form.
    pub(super) fn end_replacements(&self) -> Result<()> {
        for name in self.incoming.names()? {
            if let Some(id) = names::id_of(&name, "replacement") {
                self.end_replacement(&id)?;
            }
        }
        Ok(())
    }
}
