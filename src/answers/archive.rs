//! What a backup that is stored in segments holds, and what it leans on.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{BackupId, Listed};

/// The archive in a stored file.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Archive")]
pub struct ArchiveJson<'a> {
    /// Its size in bytes: the dump with its data unpacked. `size` beside it is that of the stored file.
    size: u64,
    /// Hash of its bytes, lower-case hex; null where backups or their copies are encrypted.
    sha256: Option<&'a str>,
    /// The backup that the file leans on; null of a whole.
    base: Option<&'a BackupId>,
    /// How many backups were made in its chain before it.
    position: u32,
    /// Files that are opened to read it, its own among them.
    files: u32,
    /// Backups that lean on it, also by way of others.
    leaning: u32,
}

impl<'a> ArchiveJson<'a> {
    /// That of `listed`, once it is known.
    pub fn of(listed: &'a Listed) -> Option<ArchiveJson<'a>> {
        let archive = listed.backup.archive.as_ref().filter(|archive| archive.size > 0)?;
        Some(ArchiveJson {
            size: archive.size,
            sha256: (!archive.sealed).then_some(&archive.sha256),
            base: archive.base.as_ref(),
            position: archive.position,
            files: listed.chain.files,
            leaning: listed.chain.leaning,
        })
    }
}
