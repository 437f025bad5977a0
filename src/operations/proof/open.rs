//! Opening what is stored: a file, or an archive through everything it leans on.

use std::io;

use crate::catalogue::Folder;
use crate::codec::{Identities, anywhere};
use crate::delta::{Base, Index, Reader};
use crate::domain::{Backup, BackupId, MOST_FILES, StoredAs};
use crate::error::{Failure, Kind, Result};
use crate::sys::dir::Dir;
use crate::sys::file::{Anywhere, NamedFile};

/// Opens the stored file of `backup`.
pub fn open_dump(dir: &Dir, backup: &Backup) -> Result<NamedFile> {
    dir.read(backup.file.as_deref().unwrap_or_default()).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::new(Kind::NotFound, format!("the file of {} is missing", backup.id)).because(error)
        }
        _ => Failure::from(error),
    })
}

/// Opens the archive of `backup` with all that it leans on, each file by what `identities` open. Fails as `damaged` where
/// one of them is not what the others say.
pub fn open_archive(dir: &Folder, backup: &Backup, identities: &Identities) -> Result<Reader> {
    archive_in(dir, backup, open_dump(dir, backup)?, backup.form(), identities)
}

/// The same of a `file` that is still a draft, or has no record yet.
pub fn archive_in(
    dir: &Folder,
    backup: &Backup,
    file: NamedFile,
    form: StoredAs,
    identities: &Identities,
) -> Result<Reader> {
    let mut opened = vec![open_one(file, form, identities)?];
    // Files first, readers then: the last one stands for itself.
    while let Some(base) = opened.last().and_then(|(_, index)| index.base.clone()) {
        let link = || -> Result<(Box<dyn Anywhere>, Index)> {
            let found = dir.record(&base.id, backup.datastore)?;
            if opened.len() >= MOST_FILES as usize || found.deleted_at.is_some() {
                return Err(Failure::new(Kind::Damaged, "which nothing can lean on"));
            }
            open_one(open_dump(dir, &found)?, found.form(), identities)
        };
        opened.push(link().map_err(|failure| missing(&base.id, failure))?);
    }
    let mut reader = None;
    for (stored, index) in opened.into_iter().rev() {
        reader = Some(Reader::open(stored, index, reader)?);
    }
    reader.ok_or_else(|| Failure::new(Kind::Damaged, "nothing was opened"))
}

/// The archive of `base`, opened, for one at `position` in its chain to lean on; and what that one says of it.
pub fn lean_on(dir: &Folder, base: &Backup, position: u32, identities: &Identities) -> Result<(Reader, Base)> {
    let reader = open_archive(dir, base, identities)?;
    let sha256 = reader.sha256().to_owned();
    Ok((reader, Base { id: base.id.clone(), position, sha256 }))
}

fn open_one(file: NamedFile, form: StoredAs, identities: &Identities) -> Result<(Box<dyn Anywhere>, Index)> {
    let mut stored = anywhere(file, form, identities)?;
    let index = Index::read(stored.as_mut())?;
    Ok((stored, index))
}

/// A backup cannot be read without the one that it leans on: that is damage of its own.
fn missing(base: &BackupId, failure: Failure) -> Failure {
    match failure.kind {
        Kind::NotFound | Kind::Damaged => {
            Failure::new(Kind::Damaged, format!("it leans on {base}")).because(failure.reason())
        }
        _ => failure,
    }
}
