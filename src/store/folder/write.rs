//! Writing into the folder: under another name, made durable, then moved to its own.

use std::io::{self, Write};

use super::names::{fingerprint, mark_of, part_of};
use super::{Folder, Spot};
use crate::error::{Failure, Kind, Result};
use crate::store::{Cancel, Put, Source, called_off};
use crate::sys::dir::Dir;
use crate::sys::pour::{Stopped, pour};
use crate::sys::random;

impl Folder {
    /// Makes a new object from `source`; nothing that is there is replaced.
    pub(super) fn put_new(&self, key: &str, source: Source, mark: &str, cancel: &Cancel) -> Result<Put> {
        if mark.is_empty() || !mark.bytes().all(|c| c.is_ascii_alphanumeric()) {
            return Err(Failure::new(Kind::Config, format!("{mark:?} cannot be the word of an upload")));
        }
        let spot = self.make(key)?;
        if let Some(there) = self.look(&spot)? {
            return Ok(Put::There(there.size));
        }
        let part = part_of(spot.name, mark);
        let put = self.write(&spot, &part, source, mark, cancel).and_then(|size| match self.place(&spot, &part)? {
            true => self.confirm(key, &spot, size),
            false => self.look(&spot)?.map(|there| Put::There(there.size)).ok_or_else(|| self.lost(key)),
        });
        // Once the part is the object its word stays with it, whatever failed then.
        if !matches!(put, Ok(Put::Done(_))) && spot.dir.entry(&part).is_ok_and(|entry| entry.is_some()) {
            for left in [part, mark_of(spot.name, mark)] {
                spot.dir.remove(&left).unwrap_or_else(|error| log::warn!("{error}"));
            }
        }
        put
    }

    /// Writes the part and the word that goes with it; the size in bytes.
    fn write(&self, spot: &Spot<'_>, part: &str, mut source: Source, mark: &str, cancel: &Cancel) -> Result<u64> {
        // The word is this upload's own: by that name there is only what an earlier attempt at it has left.
        spot.dir.remove(part).map_err(|e| self.failed(e))?;
        let mut file = spot.dir.create(part, 0o600).map_err(|e| self.failed(e))?;
        let size = pour(&mut source, &mut file, &|| cancel.is_called()).map_err(|stopped| match stopped {
            Stopped::CalledOff => called_off(),
            Stopped::Reading(error) => error.into(),
            Stopped::Writing(error) => self.failed(error),
        })?;
        file.sync().map_err(|e| self.failed(e))?;
        let entry = spot.dir.entry(part).map_err(|e| self.failed(e))?.ok_or_else(|| self.lost(part))?;
        // Durable before the object is seen: one that is there without its word is taken for somebody else's.
        let word = mark_of(spot.name, mark);
        spot.dir.remove(&word).map_err(|e| self.failed(e))?;
        self.write_new(&spot.dir, &word, fingerprint(&entry).as_bytes())?;
        self.sync_names(&spot.dir)?;
        Ok(size)
    }

    /// Moves the part to its place and makes that durable; false where something lies there by now.
    fn place(&self, spot: &Spot<'_>, part: &str) -> Result<bool> {
        match spot.dir.move_new_or_link(part, spot.name) {
            Ok(()) => self.sync_names(&spot.dir).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// What was written counts only when it is there.
    fn confirm(&self, key: &str, spot: &Spot<'_>, size: u64) -> Result<Put> {
        match self.look(spot)? {
            Some(there) if there.size == size => Ok(Put::Done(size)),
            Some(there) => {
                let text = format!("{} has {} bytes, {size} were written", self.destination.uri(key), there.size);
                Err(Failure::new(Kind::Damaged, text))
            }
            None => Err(self.lost(key)),
        }
    }

    /// Writes a small object; whether it was.
    pub(super) fn put_bytes(&self, key: &str, bytes: &[u8], replace: bool) -> Result<bool> {
        let spot = self.make(key)?;
        // What is not a file was not put there by us and is not replaced.
        if self.look(&spot)?.is_some() && !replace {
            return Ok(false);
        }
        let part = part_of(spot.name, &random::word()?);
        let written = self.write_new(&spot.dir, &part, bytes).and_then(|()| match replace {
            true => spot.dir.move_over(&part, &spot.dir, spot.name).map_err(|e| self.failed(e)).map(|()| true),
            false => match spot.dir.move_new_or_link(&part, spot.name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
                moved => moved.map_err(|e| self.failed(e)).map(|()| true),
            },
        });
        if !matches!(written, Ok(true)) {
            spot.dir.remove(&part).unwrap_or_else(|error| log::warn!("{error}"));
        }
        let written = written?;
        self.sync_names(&spot.dir)?;
        Ok(written)
    }

    /// A new small file, durable but for its name; none where that fails.
    pub(super) fn write_new(&self, dir: &Dir, name: &str, bytes: &[u8]) -> Result<()> {
        let mut file = dir.create(name, 0o600).map_err(|e| self.failed(e))?;
        file.write_all(bytes).and_then(|()| file.sync()).map_err(|error| {
            dir.remove(name).unwrap_or_else(|error| log::warn!("{error}"));
            self.failed(error)
        })
    }

    /// Makes the names in `dir` durable, where its file system can.
    pub(super) fn sync_names(&self, dir: &Dir) -> Result<()> {
        match dir.sync() {
            // Some file systems of other machines have no such call for folders; their names are durable at once.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            synced => synced.map_err(|e| self.failed(e)),
        }
    }

    fn lost(&self, key: &str) -> Failure {
        Failure::new(Kind::Io, format!("{} was written, but is not there", self.destination.uri(key)))
    }
}
