//! Whether the stores that copies go to still take, give, list and remove objects: `check --read`.

use crate::catalogue::host_id;
use crate::domain::{Code, Finding, Level, Service};
use crate::error::{Remedy, Result};
use crate::operations::Context;
use crate::operations::offsite::place_of;
use crate::store::{self, Place};

/// The stores that were asked and what is wrong with them: each once, however many services it serves. Two services with
/// one bucket at two endpoints, or with two keys to it, have two.
#[derive(Debug, Default)]
pub struct Reached(Vec<(Place, Option<String>)>);

impl Reached {
    /// Asks the store of `service`; a finding where it does not do what a copy needs.
    pub fn ask(&mut self, context: &Context, service: &Service) -> Option<Finding> {
        let remedies = || {
            let set = format!("then set what is wrong: dokku backups:set {service} KEY VALUE");
            [Remedy::command(format!("dokku backups:report {service}")), Remedy::note(set)]
        };
        let failing = |why: String| Some(Finding::new(Level::Failing, Code::Destination, why, remedies()));
        let place = match place_of(context, service) {
            Ok(place) => place?,
            Err(failure) => return failing(failure.reason()),
        };
        let shown = place.destination.to_string();
        let known = self.0.iter().position(|(asked, _)| *asked == place);
        let at = known.unwrap_or_else(|| {
            context.ui.step(&format!("Trying {shown}"));
            let tried = probe_name(context).and_then(|name| store::open(place.clone())?.probe(&name));
            self.0.push((place, tried.err().map(|failure| failure.reason())));
            self.0.len() - 1
        });
        self.0[at].1.as_ref().and_then(|why| failing(format!("{shown} does not work: {why}")))
    }
}

/// What whoever relies on the destination of `service` should know; `None` where there is nothing, or no destination.
pub fn caution(context: &Context, service: &Service) -> Option<Finding> {
    let store = place_of(context, service).ok()?.map(store::open)?.ok()?;
    let text = store.caution(&context.settings.data_root)?;
    let remedy = Remedy::note(format!(
        "dokku backups:set {service} destination file:///FOLDER (of another disk), or s3://BUCKET/PREFIX"
    ));
    Some(Finding::new(Level::Warning, Code::DestinationSameDisk, text, remedy))
}

/// The name of the object that this host writes to see whether that works. Always the same, lest a store that lets nothing
/// be removed fills with them.
pub fn probe_name(context: &Context) -> Result<String> {
    let host = host_id(&context.settings.config_root)?;
    Ok(format!(".dokku-backups-test-{}", host.as_deref().unwrap_or("new")))
}
