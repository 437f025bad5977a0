//! Dokku's `builder-release` trigger: a backup of every linked service that asks for one, before the app's release.
//!
//! Why this trigger: it is the first thing a release does, whatever builds or schedules the app, and plugins answer it in
//! the order of their names, so ours comes before every builder. `pre-release-builder` comes too late: Dokku's own
//! `app-json` answers it by running the app's `predeploy` script, which may be the migration one wants a backup from.

use crate::dokku::Dokku;
use crate::domain::{Datastore, Service, Source};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::backup::{Wanted, dump};
use crate::operations::recover::lock_and_recover;
use crate::properties::{BEFORE_DEPLOY, folder};

/// A backup that is already running may take this long to end: 10 minutes.
const PATIENCE: u32 = 600;

/// Acts on `BUILDER APP IMAGE-TAG`. A failure stops the release; nothing of the app has changed then.
pub fn run(context: &Context, words: &[String]) -> Result<()> {
    let [_, app, ..] = words else { return Ok(()) };
    // Asked of everybody's deploys: as long as nobody wants it, no program is started.
    if !context.properties().is_used(&BEFORE_DEPLOY)? {
        return Ok(());
    }
    // Whoever set it decided; the key that deploys need not be allowed to export.
    let settings = context.settings.as_host(&context.settings.caller.actor);
    let context = &Context { settings, ..context.clone() };
    let dokku = Dokku::find(&context.settings)?;
    for datastore in Datastore::ALL {
        for service in dokku.linked_services(*datastore, app)? {
            if context.properties().computed(&service, &BEFORE_DEPLOY)? == "on" {
                back_up(context, &dokku, &service, app)?;
            }
        }
    }
    Ok(())
}

fn back_up(context: &Context, dokku: &Dokku, service: &Service, app: &str) -> Result<()> {
    let label = Some(format!("before a release of {app}"));
    let wanted = Wanted { label, ..Wanted::new(Source::BeforeDeploy) };
    let made = lock_and_recover(context, service, PATIENCE, "export")
        .and_then(|catalogue| dump(context, dokku, &catalogue, &wanted));
    made.map(|_| ()).map_err(|failure| {
        let kind = if matches!(failure.kind, Kind::Interrupted(_)) { failure.kind } else { Kind::Refused };
        Failure::new(kind, format!("{app} is not released: the backup of {service} before it failed"))
            .because(failure)
            .remedy(
                "mend that and deploy again, or go without",
                format!("dokku backups:set {} before-deploy off", folder(service)),
            )
    })
}
