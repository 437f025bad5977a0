//! `backups:verify`: show that backups restore.

use clap::Args;

use super::args::{ConsentArg, IdentityArg};
use super::conclude::conclude;
use crate::answers::{BackupJson, Backups};
use crate::catalogue::{Detail, View};
use crate::dokku::Dokku;
use crate::domain::{Backup, BackupId, Listed, Presence, Service, ServiceWord, Which, choose, count};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::keys::Keys;
use crate::operations::select::{folder_for_reading, resolve};
use crate::operations::verify::{say_it_is_meant, verify};
use crate::ui::Format;

/// `backups:verify`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["latest", "id", "all"]))]
pub struct VerifyArgs {
    /// The service.
    pub service: ServiceWord,
    /// The newest good backup, safety backups apart.
    #[arg(long)]
    pub latest: bool,
    /// The one with this id.
    #[arg(long, value_name = "ID")]
    pub id: Option<BackupId>,
    /// Every good backup, newest first.
    #[arg(long)]
    pub all: bool,
    /// Say that it is meant when a backup looks suspicious: it counts from then on, and those after it are compared with it.
    #[arg(long, conflicts_with = "all")]
    pub meant: bool,
    /// What opens it.
    #[command(flatten)]
    pub identity: IdentityArg,
    /// Return as soon as it has begun; one backup only.
    #[arg(long, conflicts_with = "all")]
    pub detach: bool,
    /// What it may do.
    #[command(flatten)]
    pub consent: ConsentArg,
    /// Wait this long when the service is busy and the result is to be written down; at least 600.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Verifies one backup, or all good ones of a service.
pub fn run(context: &Context, args: &VerifyArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let service = resolve(context, &dokku, &args.service)?;
    let keys = Keys::given(args.identity.path())?.allowing(args.consent.consent());
    let wanted = selectors(context, &service, args)?;
    let mut verified = Vec::new();
    let mut failures: Vec<Failure> = Vec::new();
    for which in &wanted {
        let shown = verify(context, &dokku, &service, which, &keys, args.wait, None);
        let shown = shown.and_then(|backup| match args.meant {
            true => say_it_is_meant(context, &service, backup, args.wait),
            false => Ok(backup),
        });
        match shown {
            Ok(backup) => verified.push(backup),
            Err(failure) => {
                let over = matches!(failure.kind, Kind::Interrupted(_));
                failures.push(failure);
                if over {
                    break;
                }
            }
        }
    }
    print(context, &service, args, verified)?;
    // A backup that does not restore weighs more than one that could not be tried.
    let damaged = failures.iter().any(|failure| failure.kind == Kind::Damaged);
    let kind = |last| if damaged { Kind::Damaged } else { last };
    let asked = wanted.len();
    let summary =
        |failed| format!("{failed} of {} {} not verified", count(asked, "backup"), choose(failed, "was", "were"));
    conclude(context, asked, kind, summary, failures)
}

fn selectors(context: &Context, service: &Service, args: &VerifyArgs) -> Result<Vec<Which>> {
    if !args.all {
        return Ok(vec![Which::of(args.id.clone())]);
    }
    let Some(dir) = folder_for_reading(context, service)? else { return Ok(Vec::new()) };
    let view = View::of(&dir, service, Detail::Summary)?;
    let fits = |listed: &Listed| listed.backup.is_good() && listed.presence != Presence::Missing;
    // Whoever means them says so one by one: to try a stranger's dump is to make it count.
    let strangers = view.backups.iter().filter(|listed| fits(listed) && !listed.backup.counts()).count();
    if strangers > 0 {
        context.ui.warn(&format!("made elsewhere and left out: {strangers} of them; name one with --id to verify it"));
    }
    let fits = |listed: &Listed| fits(listed) && listed.backup.counts();
    let ids = view.backups.into_iter().filter(fits).map(|listed| listed.backup.id);
    Ok(ids.map(Which::Id).collect())
}

fn print(context: &Context, service: &Service, args: &VerifyArgs, verified: Vec<Backup>) -> Result<()> {
    let folder = folder_for_reading(context, service)?.map(|dir| dir.path().to_owned()).unwrap_or_default();
    let listed: Vec<Listed> = verified.into_iter().map(|backup| Listed::finished(backup, true, true)).collect();
    match args.format {
        Format::Stdout => listed.iter().try_for_each(|l| context.ui.data(&format!("{}: Restorable", l.backup.id)))?,
        Format::Json => {
            let mut objects: Vec<_> = listed.iter().map(|l| BackupJson::new(l, &folder)).collect();
            match objects.as_slice() {
                [one] if !args.all => context.ui.json(one)?,
                [] if !args.all => {}
                _ => context.ui.json(&Backups::all(std::mem::take(&mut objects)))?,
            }
        }
    }
    Ok(())
}
