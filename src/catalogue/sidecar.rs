//! The record as it travels with its dump: the same document, read with more suspicion, because others can write there.

use sha2::{Digest, Sha256};

use super::document::{Decoded, decode, encode, hex};
use super::names;
use crate::domain::{Backup, BackupId, Service, id_of_file};
use crate::error::Result;

/// A record that was found elsewhere.
#[derive(Debug)]
pub enum Sidecar {
    /// Whole, ours, and about the backup it is named after.
    Whole(Box<Backup>),
    /// Not to be followed; why.
    Strange(String),
}

impl Sidecar {
    /// Reads the record of `id` of `service`.
    pub fn read(bytes: &[u8], service: &Service, id: &BackupId) -> Sidecar {
        let strange = |why: &str| Sidecar::Strange(why.to_owned());
        match decode::<Box<Backup>>(bytes) {
            Ok(Decoded::Whole(backup)) => {
                let about = &backup.id == id && backup.service == service.name && backup.datastore == service.datastore;
                // It names a file that will be opened and written: one beside it, and its own.
                let own = |file: &String| !file.contains('/') && id_of_file(file).as_ref() == Some(id);
                if !about || id.service() != &service.name {
                    return strange("it is the record of another backup");
                }
                if !backup.file.as_ref().is_none_or(own) {
                    return strange("it names a file that is not its own");
                }
                Sidecar::Whole(backup)
            }
            Ok(Decoded::Newer(format, _)) => {
                Sidecar::Strange(format!("it was written by a newer dokku-backups (format {format})"))
            }
            Err(broken) => Sidecar::Strange(format!("it is {broken}")),
        }
    }

    /// The record's bytes, to be put beside the copy.
    pub fn write(backup: &Backup) -> Result<Vec<u8>> {
        encode(backup)
    }

    /// Hash over what the copy's record is to say. Tables never change and are left out, so that a summary is enough;
    /// the copy's own state is left out because it is about this very hash.
    pub fn fingerprint(backup: &Backup) -> Result<String> {
        let mut bare = backup.clone();
        bare.tables.clear();
        bare.destination = None;
        Ok(hex(&Sha256::digest(encode(&bare)?)))
    }
}

/// Name of the record's file beside the dump.
pub fn sidecar_name(id: &BackupId) -> String {
    names::record(id)
}
