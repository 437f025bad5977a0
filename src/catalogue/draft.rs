//! A backup in the making. The types are the order of writes: only a `Draft` that was made durable and moved to its
//! place becomes `Sealed`, and only something sealed becomes a record of success.

use std::io::Write;

use super::{LockedCatalogue, names};
use crate::domain::{Backup, Listed, Outcome, Status};
use crate::error::{Failure, Kind, Result};
use crate::sys::file::NamedFile;

/// A dump that is being written, and the record it will have.
#[derive(Debug)]
pub struct Draft {
    /// What is known so far.
    pub record: Backup,
    file: NamedFile,
    written: u64,
    flushed: u64,
}

/// Dirty bytes after which writing out begins, so that the final fsync has little left to wait for: 32 MiB.
const WRITE_OUT: u64 = 32 << 20;

/// A dump that is durable and in its place, but not yet recorded.
#[derive(Debug)]
pub struct Sealed {
    record: Backup,
}

impl Draft {
    pub(super) fn new(record: Backup, file: NamedFile) -> Draft {
        Draft { record, file, written: 0, flushed: 0 }
    }

    /// The row that others see meanwhile.
    pub fn listed(&self) -> Listed {
        let row = Listed::finished(self.record.clone(), false, true);
        Listed { status: Status::InProgress, ..row }
    }

    /// Takes the next bytes of the stored dump.
    pub fn keep(&mut self, piece: &[u8]) -> Result<()> {
        self.file.write_all(piece)?;
        self.written += piece.len() as u64;
        if self.written - self.flushed >= WRITE_OUT {
            self.file.start_writeback(self.flushed, self.written - self.flushed);
            self.flushed = self.written;
        }
        Ok(())
    }

    /// Name of the file that the dump will have.
    pub fn file_name(&self) -> String {
        names::dump_of(&self.record)
    }

    /// The same file, opened for reading along while it grows.
    pub fn read_along(&self, catalogue: &LockedCatalogue) -> Result<NamedFile> {
        Ok(catalogue.incoming.read(&self.file_name())?)
    }

    /// Makes the bytes durable, `size` of them with the hash `sha256`, and moves them to their place, replacing nothing.
    /// When this fails the dump is no good and is thrown away: a failed fsync is never asked again.
    pub fn seal(mut self, catalogue: &LockedCatalogue, size: u64, sha256: String) -> Result<Sealed> {
        let note = self.make_durable(catalogue, size)?;
        self.record.notes.extend(note);
        self.record.status = Outcome::Success;
        self.record.reason = None;
        self.record.file = Some(names::dump_of(&self.record));
        self.record.size = Some(size);
        self.record.sha256 = Some(sha256);
        Ok(Sealed { record: self.record })
    }

    /// Puts this in the place of the dump that lies in the file `old`, another form of the same: durable first, then in its
    /// own place, then in the record, and only then the old one goes. A note says what is under way, so that whoever comes
    /// after a crash knows which of the two counts.
    pub fn replace(mut self, catalogue: &LockedCatalogue, size: u64, sha256: String, old: &str) -> Result<Backup> {
        let (id, new) = (self.record.id.clone(), self.file_name());
        catalogue.note_replacement(&id, &new, old)?;
        let note = self.make_durable(catalogue, size)?;
        self.record.notes.extend(note);
        self.record.size = Some(size);
        self.record.sha256 = Some(sha256);
        catalogue.save(&self.record)?;
        catalogue.end_replacement(&id)?;
        catalogue.reindex()?;
        Ok(self.record)
    }

    fn make_durable(&mut self, catalogue: &LockedCatalogue, size: u64) -> Result<Option<String>> {
        self.file.sync()?;
        let written = self.file.size()?;
        if written != size {
            let text = format!("{} holds {written} bytes of {size}", self.file.path().display());
            return Err(Failure::new(Kind::Io, text));
        }
        let name = names::dump_of(&self.record);
        catalogue.incoming.move_new(&name, &catalogue.dir, &name)?;
        // The bytes are safe; whether the *name* would survive a power cut is then unknown, and that is said.
        Ok(catalogue.dir.sync().err().map(|e| format!("durability unknown: {e}")))
    }
}

impl Sealed {
    /// The record so far; facts may still be added.
    pub fn record_mut(&mut self) -> &mut Backup {
        &mut self.record
    }

    /// Writes the record and the index. When the record cannot be written the dump stays, and the next run adopts it.
    pub fn record(mut self, catalogue: &LockedCatalogue) -> Result<Backup> {
        self.record.finished_at = catalogue.clock.now();
        let lies = format!(
            "the dump itself is whole and lies at {}",
            catalogue.dir.path().join(names::dump_of(&self.record)).display()
        );
        catalogue.save(&self.record).map_err(|e| {
            e.hint(lies)
                .remedy("once that is mended, record it with", format!("dokku backups:sync {}", self.record.service))
        })?;
        // The record is durable: from here on the backup exists. An index that could not be written is only slower, and
        // a draft that could not be removed is removed by the next run, which sees the record beside it.
        for beside in [catalogue.reindex(), catalogue.forget_draft(&self.record.id)] {
            if let Err(failure) = beside {
                log::warn!("{}", failure.reason());
            }
        }
        Ok(self.record)
    }
}
