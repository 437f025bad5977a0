//! Reading one record, whatever state it is in.

use chrono::{DateTime, Utc};

use super::document::{Decoded, Purpose, Seal, decode_sealed};
use super::{Folder, Seals, names};
use crate::domain::{Backup, BackupId, Datastore, Outcome, Source};
use crate::error::{Failure, Kind, Result};
use crate::sys::dir::Dir;
use crate::sys::file::is_device_error;

/// Largest record read: 64 MiB holds the row counts of some 500,000 tables.
const LARGEST: u64 = 64 << 20;

/// A record as it was found.
#[derive(Debug)]
pub enum Found {
    /// Whole and ours.
    Whole(Box<Backup>),
    /// Written by a newer program: what we understand of it.
    Newer(Box<Backup>),
    /// Cut, changed, not a regular file, or about something else; why.
    Broken(String),
    /// The disk did not give it; why.
    Unreadable(String),
    /// Not there.
    Absent,
}

/// Reads the record of `id` from the file `name` in `dir`. Of a stranger's only as much as may be used.
pub fn read(dir: &Dir, name: &str, id: &BackupId, datastore: Datastore, seals: &Seals) -> Result<Found> {
    let (found, seal) = claimed(dir, name, id, datastore, seals)?;
    Ok(match (found, seals.stranger(&seal)) {
        (Found::Whole(backup), Some(why)) => Found::Whole(Box::new(backup.of_stranger(why))),
        (Found::Newer(backup), Some(why)) => Found::Newer(Box::new(backup.of_stranger(why))),
        (found, _) => found,
    })
}

/// The same with all that it claims, whoever wrote it; and whose mark it bears.
pub fn claimed(dir: &Dir, name: &str, id: &BackupId, datastore: Datastore, seals: &Seals) -> Result<(Found, Seal)> {
    let without = |found| Ok((found, Seal::Missing));
    let bytes = match dir.read(name).and_then(|file| file.read_whole(LARGEST)) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return without(Found::Absent),
        // Trouble with the disk says nothing about the record.
        Err(e) if is_device_error(&e) => return without(Found::Unreadable(e.to_string())),
        Err(e) => return without(Found::Broken(e.to_string())),
    };
    match decode_sealed::<Box<Backup>>(&bytes, Purpose::Record, seals.key()) {
        Ok((Decoded::Whole(backup), seal)) => {
            let about = &backup.id == id && &backup.service == id.service() && backup.datastore == datastore;
            Ok(match backup.wrong_word() {
                _ if !about => (Found::Broken(format!("the record of {}", backup.id)), seal),
                Some(wrong) => (Found::Broken(format!("not followed: {wrong}")), seal),
                None => (Found::Whole(backup), seal),
            })
        }
        Ok((Decoded::Newer(format, table), seal)) => {
            Ok((Found::Newer(Box::new(understood(id, datastore, format, &table))), seal))
        }
        Err(broken) => without(Found::Broken(broken.to_string())),
    }
}

/// The failure of a record that the disk does not give.
pub fn unreadable(path: &std::path::Path, why: &str) -> Failure {
    Failure::new(Kind::Io, format!("the record {} could not be read: {why}", path.display()))
        .remedy("nothing was changed; see what the disk says", "dmesg")
}

/// Reads a record that must be there and may be changed.
pub fn for_change(dir: &Folder, id: &BackupId, datastore: Datastore) -> Result<Backup> {
    let path = dir.path().join(names::record(id));
    match read(dir, &names::record(id), id, datastore, dir.seals())? {
        Found::Whole(backup) => Ok(*backup),
        Found::Newer(_) => Err(Failure::new(Kind::Catalogue, format!("{id} was recorded by a newer dokku-backups"))
            .remedy("update the plugin", "dokku plugin:update backups")),
        Found::Broken(why) => Err(Failure::new(Kind::Catalogue, format!("the record {} is {why}", path.display()))
            .remedy("make it anew from the dump", format!("dokku backups:sync {}", id.service()))),
        Found::Unreadable(why) => Err(unreadable(&path, &why)),
        Found::Absent => Err(Failure::new(Kind::NotFound, format!("there is no backup {id}"))),
    }
}

/// A record of which only the name is known.
pub fn bare(id: &BackupId, datastore: Datastore, status: Outcome) -> Backup {
    Backup { status, ..Backup::draft(id.clone(), datastore, Source::Manual, id.at(), "unknown") }
}

/// As much of a newer program's record as has kept its name and shape.
fn understood(id: &BackupId, datastore: Datastore, format: u32, table: &toml::Table) -> Backup {
    let text = |key: &str| table.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let time = |key: &str| text(key).and_then(|t| t.parse::<DateTime<Utc>>().ok());
    let status = if text("status").as_deref() == Some("success") { Outcome::Success } else { Outcome::Failed };
    let mut backup = bare(id, datastore, status);
    backup.reason = text("reason");
    backup.label = text("label");
    backup.file = text("file").filter(|file| backup.is_own_file(file));
    backup.size = table.get("size").and_then(toml::Value::as_integer).and_then(|n| u64::try_from(n).ok());
    backup.sha256 = text("sha256");
    backup.deleted_at = time("deleted_at");
    backup.finished_at = time("finished_at").unwrap_or(backup.created_at);
    backup.actor = text("actor").unwrap_or(backup.actor);
    backup.notes.push(format!("recorded by a newer dokku-backups (format {format}); shown as far as understood"));
    backup
}
