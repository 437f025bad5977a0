//! `backups:export`: back up services.

use std::time::Instant;

use chrono::{DateTime, Utc};
use clap::Args;

use super::args::{IdentityArg, parse_compression, parse_label, parse_time};
use super::conclude::conclude;
use crate::answers::{BackupJson, Backups};
use crate::catalogue::{InUse, VERIFY};
use crate::dokku::Dokku;
use crate::domain::{
    AHEAD, Backup, Compression, Datastore, Listed, Service, ServiceWord, Source, Which, choose, count,
};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::backup::{DumpOptions, Wanted, dump};
use crate::operations::keys::Keys;
use crate::operations::offsite::not_copied;
use crate::operations::recover::lock_and_recover;
use crate::operations::select::{folder_for_reading, resolve};
use crate::operations::verify::verify;
use crate::sys::{output, signals};
use crate::ui::Format;

/// `backups:export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Services to back up.
    #[arg(value_name = "SERVICE", required_unless_present = "all")]
    pub services: Vec<ServiceWord>,
    /// Every service.
    #[arg(long, conflicts_with = "services")]
    pub all: bool,
    /// Give the backup this time in its name, instead of now (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub at: Option<DateTime<Utc>>,
    /// Verify it at once: restore it into a disposable database and compare.
    #[arg(long)]
    pub verify: bool,
    /// How to compress the file: none, gzip or zstd.
    #[arg(long, value_name = "HOW", value_parser = parse_compression)]
    pub compression: Option<Compression>,
    /// What opens it, for --verify.
    #[command(flatten)]
    pub identity: IdentityArg,
    /// Return as soon as it has begun, with its id; one service only.
    #[arg(long, conflicts_with = "all")]
    pub detach: bool,
    /// Words to find it by later.
    #[arg(long, value_name = "TEXT", value_parser = parse_label)]
    pub label: Option<String>,
    /// Wait this long when the service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Backs up each service in turn; one service's trouble does not stop the next.
pub fn run(context: &Context, args: &ExportArgs) -> Result<()> {
    if args.detach && args.services.len() > 1 {
        return Err(Failure::new(Kind::Usage, "--detach takes one service at a time"));
    }
    args.at.map_or(Ok(()), |at| can_name(at, context.settings.clock.now()))?;
    let dokku = Dokku::find(&context.settings)?;
    let services = wanted_services(context, &dokku, args)?;
    let keys = Keys::given(args.identity.path())?;
    let mut made = Vec::new();
    let mut failures = Vec::new();
    for service in &services {
        let since = Instant::now();
        let backup = one(context, &dokku, service, args, &keys).inspect(|_| context.ui.took(since));
        match backup.and_then(|backup| tell(context, &dokku, service, args, &keys, backup)) {
            Ok((backup, not_copied)) => {
                made.push(backup);
                failures.extend(not_copied);
                if signals::received().is_some() {
                    break;
                }
            }
            Err(failure) => {
                let over = matches!(failure.kind, Kind::Interrupted(_));
                failures.push(failure);
                if over {
                    break;
                }
            }
        }
    }
    if args.format == Format::Json {
        print_json(context, args, &made)?;
    }
    let asked = services.len();
    let kind = |last| if made.is_empty() { last } else { Kind::Partial };
    let beside = failures.iter().all(|failure| failure.kind == Kind::Partial);
    let summary = |failed| match (beside, choose(failed, "was", "were")) {
        (true, was) => format!("{failed} of {} {was} backed up, but not wholly", count(asked, "service")),
        (false, _) => format!("{failed} of {} could not be backed up", count(asked, "service")),
    };
    conclude(context, asked, kind, summary, failures)
}

/// A backup by the name of a time to come would pass for the newest until then; ids begin in 1970.
fn can_name(at: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
    let words = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%S UTC");
    let why = match at {
        at if at < DateTime::UNIX_EPOCH => "and no backup can be named by a time before 1970".to_owned(),
        at if now.checked_add_signed(AHEAD).is_some_and(|latest| at > latest) => {
            format!("which has not come: by this host's clock it is {}", words(now))
        }
        _ => return Ok(()),
    };
    Err(Failure::new(Kind::Usage, format!("--at says {}, {why}", words(at)))
        .hint("a backup is named by the time at which it is made, or by an earlier one"))
}

fn wanted_services(context: &Context, dokku: &Dokku, args: &ExportArgs) -> Result<Vec<Service>> {
    if !args.all {
        return args.services.iter().map(|word| resolve(context, dokku, word)).collect();
    }
    let mut all = Vec::new();
    for datastore in Datastore::ALL {
        all.extend(dokku.services(*datastore)?);
    }
    let all = context.permitted(dokku, all)?;
    if all.is_empty() {
        context.ui.warn("there are no services to back up");
    }
    Ok(all)
}

fn one(context: &Context, dokku: &Dokku, service: &Service, args: &ExportArgs, keys: &Keys) -> Result<Made> {
    if args.verify {
        // Whether the key for that is there is said now, not after an hour of dumping.
        let stored = DumpOptions::locally(context, service, args.compression)?;
        if stored.form().encrypted {
            keys.fitting(context, service, &stored.recipients.words(), "the backup to be verified")?;
        }
    }
    let catalogue = lock_and_recover(context, service, args.wait, "export")?;
    let wanted =
        Wanted { at: args.at, label: args.label.clone(), compression: args.compression, ..Wanted::new(Source::Manual) };
    let backup = dump(context, dokku, &catalogue, &wanted)?;
    // Taken before the service is let go: whoever waits for this backup waits for its verification too.
    let held =
        args.verify.then(|| InUse::take(catalogue.dir(), &backup.id, VERIFY, context.settings.clock)).transpose()?;
    Ok(Made { backup, held })
}

/// A backup, and the lock on its dump where it is to be verified.
struct Made {
    backup: Backup,
    held: Option<InUse>,
}

/// Prints the id; the backup is made whatever its verification then shows, and whatever became of its copy.
fn tell(
    context: &Context,
    dokku: &Dokku,
    service: &Service,
    args: &ExportArgs,
    keys: &Keys,
    made: Made,
) -> Result<(Backup, Option<Failure>)> {
    let Made { backup, held } = made;
    if args.format == Format::Stdout {
        context.ui.data(&backup.id.to_string())?;
        if output::is_a_file() {
            context.ui.warn("the file that stdout is holds the backup's id now, not the backup");
            context.ui.warn(&format!("for that: dokku backups:download {service} --id {} > FILE", backup.id));
        }
    }
    let not_copied = not_copied(&backup);
    if !args.verify || signals::received().is_some() {
        return Ok((backup, not_copied));
    }
    let which = Which::Id(backup.id);
    Ok((verify(context, dokku, service, &which, keys, args.wait, held)?, not_copied))
}

/// An object for one service, an array where several could have been meant.
fn print_json(context: &Context, args: &ExportArgs, made: &[Backup]) -> Result<()> {
    let mut listed = Vec::new();
    for backup in made {
        let service = Service { datastore: backup.datastore, name: backup.service.clone() };
        let folder = folder_for_reading(context, &service)?.map(|dir| dir.path().to_owned()).unwrap_or_default();
        listed.push((Listed::finished(backup.clone(), true, true), folder));
    }
    let mut objects: Vec<_> = listed.iter().map(|(listed, folder)| BackupJson::new(listed, folder)).collect();
    match objects.as_slice() {
        [one] if !args.all && args.services.len() == 1 => context.ui.json(one)?,
        [] if !args.all && args.services.len() == 1 => {}
        _ => context.ui.json(&Backups::all(std::mem::take(&mut objects)))?,
    }
    Ok(())
}
