//! `backups:sync`: compare the records with what is there, and put them right.

use std::path::PathBuf;

use super::conclude::conclude;
use crate::answers::{Lost, Synced, Syncs, TakenOver};
use crate::catalogue::{Detail, Journal, LockedCatalogue, Log};
use crate::dokku::Dokku;
use crate::domain::{BackupId, Listed, Presence, Right, Service};
use crate::domain::{ServiceWord, count};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::detach::detach_for;
use crate::operations::intake::{Adopted, adopt_from};
use crate::operations::offsite::{
    Eagerness, Rebuilt, Strangers, Watched, catch_up, rebuild, services_elsewhere, upload_pending, watch,
};
use crate::operations::recover::lock_and_recover;
use crate::operations::select::{all_known, permitted, resolve};
use crate::ui::Format;
use clap::Args;

/// `backups:sync`
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// Only this service.
    pub service: Option<ServiceWord>,
    /// Only what is due at the destination, a few copies at a time, as the scheduler does.
    #[arg(long, hide = true, requires = "service")]
    pub due: bool,
    /// Take in the dumps of the service that somebody else left in this folder: copied, hashed, read to their end.
    #[arg(long, value_name = "DIR", requires = "service", value_parser = parse_folder)]
    pub adopt: Option<PathBuf>,
    /// Make the records of other hosts this host's own, with all that they say: after the loss of the host that made them.
    /// Root only.
    #[arg(long, conflicts_with_all = ["due", "adopt"])]
    pub take_over: bool,
    /// Return as soon as nothing stands in its way any more; what is done then stands in the scheduler's log.
    #[arg(long)]
    pub detach: bool,
    /// Wait this long when a service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Recovers one service or all of them, also those that only the destination knows, and says what is lost.
pub fn run(context: &Context, args: &SyncArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let mut failures = Vec::new();
    let services = services(context, &dokku, args, &mut failures)?;
    if args.take_over {
        let one = if args.service.is_some() { services.first() } else { None };
        context.root_only(one, vec![Right::Update], "to take over records of other hosts".to_owned())?;
    }
    if args.detach {
        detach_for(context, &services)?;
    }
    let mut reports = Vec::new();
    if args.due {
        for service in &services {
            failures.extend(upload_pending(context, service)?.failures);
        }
        return conclude_all(context, &services, failures);
    }
    for service in &services {
        match one(context, service, args, &mut failures) {
            Ok(report) => reports.push(report),
            Err(failure) if matches!(failure.kind, Kind::Interrupted(_)) => return Err(failure),
            Err(failure) => failures.push(failure),
        }
    }
    match args.format {
        Format::Json => context.ui.json(&Syncs { services: reports })?,
        Format::Stdout => reports.iter().try_for_each(|report| context.ui.lines(words(report)))?,
    }
    conclude_all(context, &services, failures)
}

fn services(context: &Context, dokku: &Dokku, args: &SyncArgs, failures: &mut Vec<Failure>) -> Result<Vec<Service>> {
    // On a new host there is neither the service nor its folder: what the destination has of it is enough.
    let elsewhere = || services_elsewhere(context).and_then(|services| permitted(context, dokku, services));
    match &args.service {
        Some(word) => match resolve(context, dokku, word) {
            Err(failure) if failure.kind == Kind::NotFound => {
                let fits = |service: &Service| {
                    service.name == word.name && word.datastore.is_none_or(|datastore| datastore == service.datastore)
                };
                match elsewhere()?.into_iter().find(fits) {
                    Some(service) => Ok(vec![service]),
                    None => Err(failure),
                }
            }
            found => Ok(vec![found?]),
        },
        None => {
            let mut all = all_known(context, dokku)?;
            match elsewhere() {
                Ok(services) => all.extend(services),
                Err(failure) => failures.push(failure),
            }
            all.sort();
            all.dedup();
            Ok(all)
        }
    }
}

/// What concerns the destination fails by itself: what is here is put right all the same.
fn one(context: &Context, service: &Service, args: &SyncArgs, failures: &mut Vec<Failure>) -> Result<Synced> {
    let before: Vec<_> = match crate::operations::select::folder_for_reading(context, service)? {
        Some(dir) => crate::catalogue::View::of(&dir, service, Detail::Summary)?.backups,
        None => Vec::new(),
    };
    let catalogue = lock_and_recover(context, service, args.wait, "sync")?;
    // Whoever only sees an exit code must not take this for settled. One in place waits for the next restore.
    if let Some(journal) = Journal::read(catalogue.dir())?.filter(|journal| journal.replacement().is_some()) {
        let text = format!("{} into {service} is not settled", journal.what());
        failures
            .push(Failure::new(Kind::RestoreIncomplete, text).hint(format!("bring its data back: {}", journal.undo())));
    }
    let strangers = if args.take_over { Strangers::AreTakenOver } else { Strangers::StayStrangers };
    let failed = failures.len();
    let mut rebuilt = rebuild(context, &catalogue, strangers).or_else(|failure| match failure.kind {
        Kind::Interrupted(_) => Err(failure),
        _ => {
            failures.push(beside(service, failure));
            Ok(Rebuilt::default())
        }
    })?;
    let is_listed = failures.len() == failed;
    let taken =
        args.adopt.as_ref().map(|folder| adopt_from(context, &catalogue, folder)).transpose()?.unwrap_or_default();
    if !taken.refused.is_empty() {
        let text = format!("{} not taken in, and left where it was", count(taken.refused.len(), "dump"));
        failures.push(Failure::new(Kind::Partial, text));
    }
    if args.take_over {
        take_over(context, &catalogue, &mut rebuilt)?;
    }
    // A store that has just failed to list is not asked again.
    let watched = if is_listed { watch(context, &catalogue, true) } else { Ok(Watched::default()) };
    let watched = watched.or_else(|failure| match failure.kind {
        Kind::Interrupted(_) => Err(failure),
        _ => {
            failures.push(beside(service, failure));
            Ok(Watched::default())
        }
    })?;
    let mut report = examine(&catalogue, &before, taken)?;
    let done = catch_up(context, &catalogue, Eagerness::All)?;
    failures.extend(done.failures.into_iter().map(|failure| beside(service, failure)));
    (report.rebuilt, report.strange) = (rebuilt.recorded, rebuilt.strange);
    report.taken_over = rebuilt.taken_over.into_iter().map(TakenOver::new).collect();
    report.lost = watched.lost.into_iter().map(|(id, state)| Lost { id, state: state.into() }).collect();
    (report.uploaded, report.removed) = (done.uploaded, done.removed);
    Ok(report)
}

/// What the destination has no record of is taken over as it lies here. Whose it was is said of every one.
fn take_over(context: &Context, catalogue: &LockedCatalogue, rebuilt: &mut Rebuilt) -> Result<()> {
    for listed in catalogue.view(Detail::Summary)?.backups.iter().filter(|listed| listed.backup.is_stranger()) {
        let id = &listed.backup.id;
        match catalogue.take_over(id) {
            Ok(from) => rebuilt.taken_over.extend(from.map(|from| (id.clone(), from))),
            // One that cannot be read, or only partly, is nobody's to sign.
            Err(failure) if failure.kind == Kind::Catalogue => context.ui.warn(&failure.reason()),
            Err(failure) => return Err(failure),
        }
    }
    rebuilt.taken_over.sort_by(|(a, _), (b, _)| a.cmp(b));
    let actor = &context.settings.caller.actor;
    for (id, from) in &rebuilt.taken_over {
        let said = format!("its record was taken over from {} by {actor}", from.from_whom());
        Log::open(catalogue.dir(), id, context.settings.clock).say(&said);
    }
    catalogue.reindex()
}

/// What fails at the destination leaves what is here good.
fn beside(service: &Service, failure: Failure) -> Failure {
    if matches!(failure.kind, Kind::Partial | Kind::Interrupted(_)) {
        return failure;
    }
    let told = Failure::new(Kind::Partial, format!("the destination of {service}")).because(failure.reason());
    failure.remedies.into_iter().fold(told, Failure::hint)
}

/// A relative path would mean another folder for everybody who runs `dokku`.
fn parse_folder(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_absolute() { Ok(path) } else { Err("not an absolute path".to_owned()) }
}

fn examine(catalogue: &LockedCatalogue, before: &[Listed], taken: Adopted) -> Result<Synced> {
    let view = catalogue.view(Detail::Whole)?;
    let mut report = Synced {
        datastore: catalogue.service().datastore,
        service: catalogue.service().to_string(),
        backups: 0,
        adopted: Vec::new(),
        known: taken.known,
        refused: taken.refused,
        missing: Vec::new(),
        damaged: Vec::new(),
        foreign: view.foreign,
        rebuilt: Vec::new(),
        taken_over: Vec::new(),
        elsewhere: Vec::new(),
        lost: Vec::new(),
        uploaded: Vec::new(),
        removed: Vec::new(),
        strange: Vec::new(),
    };
    report.foreign.sort();
    let was_whole = |listed: &Listed| before.iter().any(|b| b.backup.id == listed.backup.id && b.backup.adopted);
    for listed in view.backups.iter().filter(|listed| listed.backup.deleted_at.is_none()) {
        report.backups += 1;
        let id = listed.backup.id.clone();
        if listed.backup.is_good() && !listed.backup.counts() {
            report.elsewhere.push(id.clone());
        }
        if listed.backup.adopted && !was_whole(listed) {
            report.adopted.push(id.clone());
        }
        if listed.presence == Presence::Missing && listed.backup.is_good() {
            report.missing.push(id);
        } else if listed.damage().is_some() {
            // Of a copy it is written down where it was read.
            if listed.backup.damage.is_some() {
                keep_damage(catalogue, listed)?;
            }
            report.damaged.push(id);
        }
    }
    catalogue.reindex()?;
    Ok(report)
}

/// Writes down what the look at the folder showed: from now on the record itself says it.
fn keep_damage(catalogue: &LockedCatalogue, listed: &Listed) -> Result<()> {
    let mut record = match catalogue.record(&listed.backup.id) {
        // A newer program's record is never rewritten.
        Err(failure) if failure.kind == Kind::Catalogue => return Ok(()),
        record => record?,
    };
    if record.damage.is_none() {
        record.damage.clone_from(&listed.backup.damage);
        catalogue.save(&record)?;
    }
    Ok(())
}

fn words(report: &Synced) -> Vec<String> {
    let mut lines = vec![format!(
        "=====> {} {}: {}, index up to date",
        report.service,
        report.datastore,
        count(report.backups, "backup")
    )];
    let ids = |ids: &[BackupId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    let refused = report.refused.iter().map(|refused| format!("{}: {}", refused.file, refused.reason)).collect();
    let lists = [
        ("adopted", ids(&report.adopted)),
        ("there already", ids(&report.known)),
        ("refused", refused),
        ("artifact missing", ids(&report.missing)),
        ("artifact damaged", ids(&report.damaged)),
        ("not ours, left alone", report.foreign.clone()),
        ("found at the destination", report.rebuilt.clone()),
        ("taken over", report.taken_over.iter().map(|taken| format!("{}, from {}", taken.id, taken.from)).collect()),
        ("made elsewhere, not counted", ids(&report.elsewhere)),
        (
            "copy lost at the destination",
            report.lost.iter().map(|lost| format!("{} ({})", lost.id, lost.state)).collect(),
        ),
        ("copied to the destination", report.uploaded.clone()),
        ("deleted at the destination", report.removed.clone()),
        ("at the destination, left alone", report.strange.clone()),
    ];
    for (label, names) in lists {
        for name in names {
            lines.push(format!("       {label}: {name}"));
        }
    }
    lines
}

fn conclude_all(context: &Context, services: &[Service], failures: Vec<Failure>) -> Result<()> {
    let asked = services.len();
    let summary = |failed| format!("{} with {}", count(failed, "failure"), count(asked, "service"));
    let unsettled = failures.iter().any(|failure| failure.kind == Kind::RestoreIncomplete);
    let kind = |_| if unsettled { Kind::RestoreIncomplete } else { Kind::Partial };
    conclude(context, asked, kind, summary, failures)
}
