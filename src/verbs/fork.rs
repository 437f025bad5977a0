//! `backups:fork`: a new service from a backup.

use std::time::Instant;

use clap::Args;

use super::args::{ConsentArg, IdentityArg, Selector};
use crate::answers::BackupJson;
use crate::catalogue::Detail;
use crate::dokku::{Dokku, State, not_running};
use crate::domain::ServiceWord;
use crate::domain::{Listed, Service};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::access::Role;
use crate::operations::detach::detach_point;
use crate::operations::image::image_of;
use crate::operations::keys::Keys;
use crate::operations::locked_pair::patience;
use crate::operations::recover::lock_and_recover;
use crate::operations::restore::{accept, history_entry, prove_chosen, replace, show_outlook, with_history};
use crate::operations::select::{choose, folder_for_reading, resolve, usable};
use crate::properties::{ORIGIN, folder};
use crate::ui::Format;

/// `backups:fork`
#[derive(Debug, Args)]
pub struct ForkArgs {
    /// The service whose backup it is.
    pub service: ServiceWord,
    /// Which backup.
    #[command(flatten)]
    pub which: Selector,
    /// The service to make.
    pub new_service: ServiceWord,
    /// What opens it.
    #[command(flatten)]
    pub identity: IdentityArg,
    /// What it may do.
    #[command(flatten)]
    pub consent: ConsentArg,
    /// Return as soon as nothing stands in its way any more.
    #[arg(long)]
    pub detach: bool,
    /// Wait this long when the service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Makes a service of the same image and version and fills it with the backup. When that fails the service is removed
/// again: it did not exist before.
pub fn run(context: &Context, args: &ForkArgs) -> Result<()> {
    let since = Instant::now();
    let dokku = Dokku::find(&context.settings)?;
    let source = resolve(context, &dokku, &args.service)?;
    let new = Service { datastore: source.datastore, name: args.new_service.name.clone() };
    if args.new_service.datastore.is_some_and(|datastore| datastore != source.datastore) {
        return Err(Failure::new(Kind::Usage, format!("{new} must be a {} service too", source.datastore)));
    }
    context.permit(&dokku, &new, Role::Other)?;
    if dokku.info(&new)?.state != State::Absent {
        return Err(Failure::new(Kind::Exists, format!("{} service {new} exists already", new.datastore)).remedy(
            "to replace its contents",
            format!("dokku backups:import {new} --from-service {source} --latest"),
        ));
    }
    if folder_for_reading(context, &source)?.is_none() {
        return Err(Failure::new(Kind::NotFound, format!("{source} has no backup to restore")));
    }
    let from = lock_and_recover(context, &source, args.wait, "fork")?;
    let chosen = choose(context, from.view(Detail::Whole)?, &source, &args.which.which())?;
    let backup = usable(&chosen)?;
    let keys = Keys::given(args.identity.path())?.allowing(args.consent.consent());
    let proven = prove_chosen(context, &from, &new, &chosen, &keys)?;
    let into = lock_and_recover(context, &new, patience(&source, &new, args.wait), "fork")?;
    into.is_about(&backup.id);
    context.ui.step(&format!("Creating the {} service {new}", new.datastore));
    let removed = |failure: Failure| match dokku.destroy(&new) {
        Ok(()) => failure.hint(format!("{new} was removed again")),
        Err(second) => failure.hint(format!("{new} could not be removed again: {}", second.reason())),
    };
    // Of a stranger's backup its word for an image is not taken; without one the datastore's own default is as good.
    let image = image_of(&dokku, &source, backup);
    let (image, version) = image.as_ref().map(|(image, version)| (image.as_str(), version.as_str())).unzip();
    if let Err(failure) = dokku.create(&new, image, version) {
        // A service that never became ready is left half-made by its plugin.
        let made = dokku.info(&new).is_ok_and(|info| info.state != State::Absent);
        return Err(if made { removed(failure) } else { failure });
    }
    let restore = history_entry(context, &into, None);
    let filled = with_history(context, &from, &into, &backup.id, restore, |restore| {
        detach_point(context, from.dir(), &Listed::finished(from.record(&backup.id)?, true, true))?;
        let info = dokku.info(&new)?;
        if let Some(failure) = not_running(&new, &info.state) {
            return Err(failure);
        }
        // Written first: a fork that did not know its origin would be emptied by a reset.
        context.properties().set(&folder(&new), ORIGIN, Some(&backup.id.to_string()))?;
        let accepted = accept(context, &new, &info, Some(proven))?;
        show_outlook(context, accepted.outlook());
        replace(context, &into, &info, accepted, Some(&backup.id), restore)
    });
    let done = filled.map_err(removed)?;
    context.ui.step(&format!("Forked {} into the new service {new}", backup.id));
    context.ui.took(since);
    match args.format {
        Format::Stdout => context.ui.data(new.name.as_str())?,
        Format::Json => context.ui.json(&BackupJson::new(&Listed::finished(done, true, true), from.dir().path()))?,
    }
    Ok(())
}
