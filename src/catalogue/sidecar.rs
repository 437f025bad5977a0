//! The record as it travels with its dump: the same document, read with more suspicion, because others can write there.

use super::Seals;
use super::document::{Decoded, Purpose, decode_sealed};
use super::names;
use crate::domain::{Backup, BackupId, Service, Stranger};

/// A record that was found elsewhere.
#[derive(Debug)]
pub enum Sidecar {
    /// Whole, and about the backup it is named after. With the reason why it is a stranger's, and then all it claims: see
    /// `Backup::of_stranger`.
    Whole(Box<Backup>, Option<Stranger>),
    /// Not to be followed; why.
    Strange(String),
}

impl Sidecar {
    /// Reads the record of `id` of `service`.
    pub fn read(bytes: &[u8], service: &Service, id: &BackupId, seals: &Seals) -> Sidecar {
        let strange = |why: &str| Sidecar::Strange(why.to_owned());
        match decode_sealed::<Box<Backup>>(bytes, Purpose::Record, seals.key()) {
            Ok((Decoded::Whole(backup), seal)) => {
                let about = &backup.id == id && backup.service == service.name && backup.datastore == service.datastore;
                if !about || id.service() != &service.name {
                    return strange("it is the record of another backup");
                }
                // It names a file that will be opened and written: one beside it, and its own.
                if backup.file.as_ref().is_some_and(|file| !backup.is_own_file(file)) {
                    return strange("it names a file that is not its own");
                }
                if let Some(wrong) = backup.wrong_word() {
                    return Sidecar::Strange(format!("it holds a word that is not followed: {wrong}"));
                }
                let stranger = seals.elsewhere().stranger(&seal);
                Sidecar::Whole(backup, stranger)
            }
            Ok((Decoded::Newer(format, _), _)) => {
                Sidecar::Strange(format!("it was written by a newer dokku-backups (format {format})"))
            }
            Err(broken) => Sidecar::Strange(format!("it is {broken}")),
        }
    }
}

/// Name of the record's file beside the dump.
pub fn sidecar_name(id: &BackupId) -> String {
    names::record(id)
}
