//! Whether the stores that copies go to still take, give, list and remove objects: `check --read`.

use std::collections::HashMap;

use crate::destination::Store;
use crate::domain::{Finding, Level, Service};
use crate::error::Result;
use crate::operations::Context;
use crate::operations::offsite::place_of;

/// The stores that were asked, each once however many services it serves.
#[derive(Debug, Default)]
pub struct Reached(HashMap<String, Option<String>>);

impl Reached {
    /// Asks the store of `service`; a finding where it does not do what a copy needs.
    pub fn ask(&mut self, context: &Context, service: &Service) -> Option<Finding> {
        let remedy = format!("dokku backups:report {service}; then set what is wrong: dokku backups:set {service}");
        let failing = |why: String| Some(Finding::new(Level::Failing, "destination", why, remedy.clone()));
        let place = match place_of(context, service) {
            Ok(place) => place?,
            Err(failure) => return failing(failure.reason()),
        };
        let bucket = place.bucket.to_string();
        let answer = self.0.entry(bucket.clone()).or_insert_with(|| {
            context.ui.step(&format!("Trying {bucket}"));
            let name = probe_name(context);
            let tried: Result<()> = Store::open(place).and_then(|store| store.probe(&name));
            tried.err().map(|failure| failure.reason())
        });
        answer.clone().and_then(|why| failing(format!("{bucket} does not work: {why}")))
    }
}

/// A name for the object that is written to see whether that works, unlike anybody else's.
pub fn probe_name(context: &Context) -> String {
    let now = context.settings.clock.now().timestamp_millis();
    format!(".dokku-backups-test-{now}-{}", std::process::id())
}
