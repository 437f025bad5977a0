//! A dump that comes back from elsewhere: written beside the others as a draft, moved to its place only when whole.

use std::io::Write;

use super::LockedCatalogue;
use crate::error::Result;
use crate::sys::file::NamedFile;

/// A dump on its way in.
#[derive(Debug)]
pub struct Arrival<'a> {
    catalogue: &'a LockedCatalogue,
    name: String,
    file: NamedFile,
}

impl LockedCatalogue {
    /// Begins to take in the file `name`. A draft that is never settled is removed by the next command.
    pub fn receive(&self, name: &str) -> Result<Arrival<'_>> {
        self.incoming.remove(name)?;
        let file = self.incoming.create(name, 0o400)?;
        Ok(Arrival { catalogue: self, name: name.to_owned(), file })
    }
}

impl Arrival<'_> {
    /// Takes the next bytes.
    pub fn keep(&mut self, piece: &[u8]) -> Result<()> {
        Ok(self.file.write_all(piece)?)
    }

    /// Makes the bytes durable and moves them to their place, replacing nothing.
    pub fn settle(self) -> Result<()> {
        self.file.sync()?;
        let LockedCatalogue { incoming, dir, .. } = self.catalogue;
        incoming.move_new(&self.name, dir, &self.name)?;
        Ok(dir.sync()?)
    }

    /// Throws them away: they are not what was expected.
    pub fn discard(self) -> Result<()> {
        Ok(self.catalogue.incoming.remove(&self.name)?)
    }
}
