//! The form that a new backup gets: what was asked for on the line, else what is set.

use crate::codec::{Identities, Recipients};
use crate::domain::{Backup, Compression, Place, Service, StoredAs};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::keys::recipients;
use crate::properties::{COMPRESSION, DUMP, GRANTS};

/// How a new dump is stored.
#[derive(Debug, Clone, Default)]
pub struct DumpOptions {
    /// How it is compressed.
    pub compression: Compression,
    /// Whom it is encrypted to; nobody where it is not.
    pub recipients: Recipients,
    /// The service's own dump program is started, rather than the plugin's export.
    pub direct: bool,
    /// Owners and privileges are in it.
    pub grants: bool,
    /// It is stored in segments, which may lean on another backup.
    pub segments: Option<Segments>,
}

/// What a dump that is stored in segments leans on, and is read back with.
#[derive(Debug, Clone)]
pub struct Segments {
    /// The record of the backup that it leans on; none of a whole.
    pub base: Option<Backup>,
    /// How many backups its chain has before it.
    pub position: u32,
    /// About how many bytes its file may take; none where nothing is known.
    pub about: Option<u64>,
    /// What opens the base, and the dump itself; none where nothing does.
    pub identities: Option<Identities>,
    /// Why it is a whole although differences were asked for, where somebody ought to hear of that.
    pub note: Option<String>,
}

impl DumpOptions {
    /// How a dump of `service` is stored on this host. Fails before anything is begun when what is set does not work.
    pub fn locally(context: &Context, service: &Service, compression: Option<Compression>) -> Result<DumpOptions> {
        let set = context.properties().computed(service, &COMPRESSION)?;
        let set =
            set.parse().map_err(|why| Failure::new(Kind::Config, format!("compression cannot be {set:?}: {why}")));
        let compression = compression.map_or(set, Ok)?;
        let direct = context.properties().computed(service, &DUMP)? == "direct";
        let grants = direct && context.properties().computed(service, &GRANTS)? == "on";
        let recipients = recipients(context, service, Place::Local)?;
        Ok(DumpOptions { compression, recipients, direct, grants, segments: None })
    }

    /// The form of its file.
    pub fn form(&self) -> StoredAs {
        StoredAs { compression: self.compression, encrypted: !self.recipients.is_empty(), ..StoredAs::UNCHANGED }
    }
}
