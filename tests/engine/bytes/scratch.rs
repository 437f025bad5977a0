//! A throw-away server: a folder that says whose it is.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use dokku_backups::domain::{BackupId, Comparison, Service};
use dokku_backups::engine::{Bound, Compared, Dump, Owner, RestoreOptions, Scratch, Shown};
use dokku_backups::error::{Failure, Kind, Result};
use dokku_backups::sys::docker::Docker;

use super::engine::{Flaw, lines, opened};
use super::live::read;

/// The file that says whose it is: host, service, backup.
const OWNER: &str = "owner";

/// One of them; dropping it removes it.
pub struct Folder {
    folder: PathBuf,
    flaw: Option<Flaw>,
    removed: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Folder {
    /// Makes one below `root`.
    pub fn start(
        root: &Path,
        owner: &Owner,
        flaw: Option<Flaw>,
        removed: Box<dyn FnOnce() + Send + Sync>,
    ) -> Result<Folder> {
        let folder = root.join(format!("scratch.{}", owner.backup));
        fs::create_dir(&folder)?;
        let words = format!("{}\n{}\n{}", owner.root, owner.service.full_name(), owner.backup);
        fs::write(folder.join(OWNER), words)?;
        Ok(Folder { folder, flaw, removed: Some(removed) })
    }

    /// Removes those below `root` that are the host's and on which nobody works.
    pub fn sweep(
        root: &Path,
        host: &str,
        flaw: Option<Flaw>,
        is_worked_on: &dyn Fn(&Service, &BackupId) -> bool,
    ) -> Result<usize> {
        let mut removed = 0;
        for entry in fs::read_dir(root)?.flatten() {
            let Ok(words) = fs::read_to_string(entry.path().join(OWNER)) else { continue };
            let words: Vec<&str> = words.lines().collect();
            let [whose, service, backup] = words[..] else { continue };
            let (Some(service), Ok(backup)) = (Service::from_full_name(service), backup.parse()) else { continue };
            let is_ours = whose == host || flaw == Some(Flaw::SweepsOthers);
            if is_ours && !is_worked_on(&service, &backup) {
                fs::remove_dir_all(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

impl Scratch for Folder {
    fn restore_and_compare(&mut self, _: &Docker, dump: Dump, _: &Bound, _: RestoreOptions) -> Result<Shown> {
        let expected = dump.content().rows();
        let bytes = read(dump)?;
        let data = match opened(&bytes) {
            Ok(data) => data,
            Err(failure) => return Ok(Err(failure)),
        };
        fs::write(self.folder.join("data"), data)?;
        let rows = lines(&fs::read(self.folder.join("data"))?);
        if rows != expected && self.flaw != Some(Flaw::ComparesNothing) {
            return Ok(Err(Failure::new(Kind::Damaged, format!("{rows} lines came back, the dump has {expected}"))));
        }
        Ok(Ok(Compared { tables: 1, rows, how: Comparison::Rows, not_compared: Vec::new(), not_given: Vec::new() }))
    }

    fn note(&self) -> Option<String> {
        None
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
        self.removed.take().into_iter().for_each(|removed| removed());
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.folder.fmt(f)
    }
}
