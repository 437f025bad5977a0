//! The folder of one service, and what tells this host's documents in it from those of strangers.

use std::ops::Deref;
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::document::{HostKey, Purpose, Seal, encode, encode_sealed, hex};
use super::{host_key, record};
use crate::domain::{Backup, BackupId, Datastore, Service, Stranger};
use crate::error::{Failure, Kind, Result};
use crate::sys::dir::Dir;

/// Whose a document is.
#[derive(Debug, Clone)]
pub struct Seals {
    key: Option<HostKey>,
    /// Documents from before there was a key: they get this host's mark by the next command that changes something.
    unmarked_are_ours: bool,
}

impl Seals {
    /// What holds for the documents of `service`.
    pub fn of(config: &Path, service: &Service) -> Result<Seals> {
        let key = host_key::look(config)?;
        let unmarked_are_ours = key.is_none() || host_key::is_waiting(config, service)?;
        Ok(Seals { key, unmarked_are_ours })
    }

    /// The host's key, where there is one.
    pub fn key(&self) -> Option<&HostKey> {
        self.key.as_ref()
    }

    /// Whether documents without a mark are still to get this host's.
    pub fn are_to_be_marked(&self) -> bool {
        self.unmarked_are_ours
    }

    /// The same for what comes from elsewhere: without a mark it is nobody's here.
    #[must_use]
    pub fn elsewhere(&self) -> Seals {
        Seals { unmarked_are_ours: false, ..self.clone() }
    }

    /// Why a document with this mark is a stranger's, if it is.
    pub fn stranger(&self, seal: &Seal) -> Option<Stranger> {
        match seal {
            Seal::Ours => None,
            Seal::Missing if self.unmarked_are_ours => None,
            Seal::Missing => Some(Stranger::Unmarked),
            Seal::Other(host) => Some(Stranger::OtherHost(host.clone())),
            Seal::False => Some(Stranger::FalseMark),
        }
    }
}

/// The folder of one service, held open.
#[derive(Debug)]
pub struct Folder {
    dir: Dir,
    seals: Seals,
}

impl Deref for Folder {
    type Target = Dir;

    fn deref(&self) -> &Dir {
        &self.dir
    }
}

impl Folder {
    pub(super) fn new(dir: Dir, seals: Seals) -> Folder {
        Folder { dir, seals }
    }

    /// The record of `id`, a backup of the service that has `datastore`; fails as `not-found` or `catalogue` where there is
    /// none that can be followed.
    pub fn record(&self, id: &BackupId, datastore: Datastore) -> Result<Backup> {
        record::for_change(self, id, datastore)
    }

    /// What tells whose its documents are.
    pub fn seals(&self) -> &Seals {
        &self.seals
    }

    /// The bytes of a document of this host.
    pub fn write<T: Serialize>(&self, purpose: Purpose, value: &T) -> Result<Vec<u8>> {
        encode_sealed(value, purpose, self.key()?)
    }

    /// The key that this host marks its documents with.
    pub fn key(&self) -> Result<&HostKey> {
        self.seals.key().ok_or_else(|| {
            Failure::new(Kind::Config, "this host has no key to mark its records with")
                .command("sudo dokku plugin:install")
        })
    }

    /// Hash over what the copy's record is to say, and who says it. Tables never change and are left out, so that a summary
    /// is enough; the copy's own state is left out because it is about this very hash.
    pub fn fingerprint(&self, backup: &Backup) -> Result<String> {
        let mut bare = backup.clone();
        bare.tables.clear();
        bare.destination = None;
        let host = self.seals.key().map(HostKey::id).unwrap_or_default();
        Ok(hex(&Sha256::new_with_prefix(encode(&bare)?).chain_update(host).finalize()))
    }
}
