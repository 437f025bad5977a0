//! What is to take the place of a service's data, after the service's server was asked what that would mean.

use crate::dokku::Info;
use crate::domain::{Consent, Service};
use crate::engine::{self, Dump, Live, Outlook};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;

/// A proven dump (or nothing: the state of a new service) that a server can take.
#[derive(Debug)]
pub struct Accepted {
    pub(super) dump: Option<Dump>,
    pub(super) outlook: Outlook,
    /// The server that was asked: whatever is asked next goes through the same client.
    pub(super) live: Box<dyn Live>,
}

impl Accepted {
    /// What it would mean.
    pub fn outlook(&self) -> &Outlook {
        &self.outlook
    }

    /// What is to be restored; none empties the service.
    pub fn dump(&self) -> Option<&Dump> {
        self.dump.as_ref()
    }
}

/// Asks whether `dump` can take the place of what `service` holds. Refused before anything is touched, and before anything is
/// saved.
pub fn accept(context: &Context, service: &Service, info: &Info, dump: Option<Dump>) -> Result<Accepted> {
    let live = engine::of(service.datastore).attach(&context.docker()?, service, info.database.as_deref());
    let none = Consent::default();
    let consent = dump.as_ref().map_or(&none, Dump::consent);
    let outlook = live.outlook(dump.as_ref().map(Dump::content), consent)?;
    if let Some(danger) = outlook.dangers.first().filter(|_| !context.settings.force) {
        return Err(Failure::new(Kind::Refused, danger.clone())
            .hint("nothing was done; where that is wanted all the same: --force"));
    }
    Ok(Accepted { dump, outlook, live })
}
