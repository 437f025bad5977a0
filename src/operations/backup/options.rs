//! The form that a new backup gets: what was asked for on the line, else what is set.

use crate::codec::Recipients;
use crate::domain::{Compression, Place, Service, StoredAs};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::keys::recipients;
use crate::properties::{COMPRESSION, DUMP};

/// How a new dump is stored.
#[derive(Debug, Clone, Default)]
pub struct DumpOptions {
    /// How it is compressed.
    pub compression: Compression,
    /// Whom it is encrypted to; nobody where it is not.
    pub recipients: Recipients,
    /// The service's own dump program is started, rather than the plugin's export.
    pub direct: bool,
}

impl DumpOptions {
    /// How a dump of `service` is stored on this host. Fails before anything is begun when what is set does not work.
    pub fn locally(context: &Context, service: &Service, compression: Option<Compression>) -> Result<DumpOptions> {
        let set = context.properties().computed(service, &COMPRESSION)?;
        let set =
            set.parse().map_err(|why| Failure::new(Kind::Config, format!("compression cannot be {set:?}: {why}")));
        let compression = compression.map_or(set, Ok)?;
        let direct = context.properties().computed(service, &DUMP)? == "direct";
        Ok(DumpOptions { compression, recipients: recipients(context, service, Place::Local)?, direct })
    }

    /// The form of its file.
    pub fn form(&self) -> StoredAs {
        StoredAs { compression: self.compression, encrypted: !self.recipients.is_empty(), ..StoredAs::UNCHANGED }
    }
}
