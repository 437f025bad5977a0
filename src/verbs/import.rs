//! `backups:import`: restore a backup into a live service.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{ArgGroup, Args};

use super::args::{ConsentArg, IdentityArg, parse_compression, parse_label};
use crate::answers::BackupJson;
use crate::catalogue::{Detail, LockedCatalogue};
use crate::dokku::{Dokku, Info, not_running};
use crate::domain::{Backup, BackupId, Compression, Listed, Service, ServiceWord, Which};
use crate::engine::{Dump, Outlook};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::backup::safety_backup;
use crate::operations::detach::{asks_nobody, detach_point};
use crate::operations::intake::{Foreign, bring_in};
use crate::operations::keys::Keys;
use crate::operations::locked_pair::LockedPair;
use crate::operations::recover::{lock_and_recover, note_origin};
use crate::operations::restore::{
    Accepted, accept, history_entry, in_place, prove_chosen, redeploy, replace, show_plan, show_redeploy, with_history,
};
use crate::operations::select::{choose, folder_for_reading, resolve, resolve_other, usable};
use crate::ui::{Format, confirm, unchanged};

/// `backups:import`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).args(["latest", "id", "file", "url", "from"]))]
#[command(group = ArgGroup::new("recorded").args(["latest", "id"]))]
pub struct ImportArgs {
    /// The service to restore into.
    pub service: ServiceWord,
    /// The newest good backup, safety backups apart.
    #[arg(long)]
    pub latest: bool,
    /// The one with this id.
    #[arg(long, value_name = "ID")]
    pub id: Option<BackupId>,
    /// A dump made elsewhere: a file of this host, or - for stdin.
    #[arg(long, value_name = "PATH")]
    pub file: Option<PathBuf>,
    /// A dump made elsewhere, at an https address; - reads the address from stdin.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Dump the database of a server elsewhere: postgres://USER:PASSWORD@HOST:PORT/DATABASE, or - to read that from
    /// stdin.
    #[arg(long, value_name = "ADDRESS")]
    pub from: Option<String>,
    /// Take the backup from this service instead.
    #[arg(long, value_name = "SERVICE", requires = "recorded")]
    pub from_service: Option<ServiceWord>,
    /// Only take the dump into the catalogue.
    #[arg(long, conflicts_with_all = ["recorded", "in_place", "with_code", "no_backup"])]
    pub no_restore: bool,
    /// Words to find the dump by; otherwise its file's name, or its host.
    #[arg(long, value_name = "TEXT", value_parser = parse_label, conflicts_with = "recorded")]
    pub label: Option<String>,
    /// How to compress the file of the dump that is taken in: none, gzip or zstd.
    #[arg(long, value_name = "HOW", value_parser = parse_compression, conflicts_with = "recorded")]
    pub compression: Option<Compression>,
    /// Only say what it would do, and what would be lost.
    #[arg(long, requires = "recorded", conflicts_with_all = ["detach", "with_code"])]
    pub dry_run: bool,
    /// Take no safety backup of what is there now.
    #[arg(long)]
    pub no_backup: bool,
    /// Use the stock import, straight into the live database: merges rather than replaces.
    #[arg(long)]
    pub in_place: bool,
    /// Then redeploy the recorded commit of every linked app.
    #[arg(long)]
    pub with_code: bool,
    /// What opens it.
    #[command(flatten)]
    pub identity: IdentityArg,
    /// What it may do.
    #[command(flatten)]
    pub consent: ConsentArg,
    /// Return as soon as nothing stands in its way any more; needs --force, since nobody can be asked.
    #[arg(long, conflicts_with_all = ["file", "url", "from"])]
    pub detach: bool,
    /// Wait this long when the service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Restores a recorded backup; or first makes one of a dump from elsewhere.
pub fn run(context: &Context, args: &ImportArgs) -> Result<()> {
    asks_nobody(context, args.detach)?;
    args.identity.leaves_stdin(context.settings.force)?;
    let dokku = Dokku::find(&context.settings)?;
    let target = resolve(context, &dokku, &args.service)?;
    one_stdin(context, args)?;
    let keys = Keys::given(args.identity.path())?.allowing(args.consent.consent());
    match Foreign::of(context, target.datastore, args.file.as_deref(), args.url.as_deref(), args.from.as_deref())? {
        Some(foreign) => from_elsewhere(context, &dokku, &target, args, &keys, &foreign),
        None => recorded(context, &dokku, &target, args, &keys),
    }
}

/// Locks and chooses.
fn recorded(context: &Context, dokku: &Dokku, target: &Service, args: &ImportArgs, keys: &Keys) -> Result<()> {
    let source = match &args.from_service {
        Some(word) => resolve_other(context, dokku, word)?,
        None => target.clone(),
    };
    if folder_for_reading(context, &source)?.is_none() {
        return Err(Failure::new(Kind::NotFound, format!("{source} has no backup to restore"))
            .remedy("make one with", format!("dokku backups:export {source}")));
    }
    let locked = LockedPair::lock(context, target, &source, args.wait, "import")?;
    let (from, into) = (locked.source(), locked.target());
    let which = Which::of(args.id.clone());
    let chosen = choose(context, from.view(Detail::Whole)?, &source, &which)?;
    restore(context, dokku, args, keys, (from, into), &chosen)
}

/// Takes the dump in, and restores it unless that was all.
fn from_elsewhere(
    context: &Context,
    dokku: &Dokku,
    target: &Service,
    args: &ImportArgs,
    keys: &Keys,
    foreign: &Foreign,
) -> Result<()> {
    let info = dokku.info(target)?;
    if let Some(failure) = not_running(target, &info.state).filter(|_| !args.no_restore) {
        return Err(failure);
    }
    let into = lock_and_recover(context, target, args.wait, "import")?;
    let backup = bring_in(context, &into, &info, foreign, args.label.as_deref(), args.compression, keys)?;
    if args.format == Format::Stdout {
        context.ui.data(&backup.id.to_string())?;
    }
    if args.no_restore {
        return tell(context, args, backup, &into);
    }
    let again = format!("dokku backups:import {target} --id {}", backup.id);
    restore(context, dokku, args, keys, (&into, &into), &Listed::finished(backup, true, true))
        .map_err(|failure| failure.remedy("the dump itself is taken in", again))
}

/// Proves, plans, asks, saves what is there, and replaces it. `between` is the catalogue of the backup, and that of the
/// service it goes into.
fn restore(
    context: &Context,
    dokku: &Dokku,
    args: &ImportArgs,
    keys: &Keys,
    between: (&LockedCatalogue, &LockedCatalogue),
    chosen: &Listed,
) -> Result<()> {
    let (from, into) = between;
    let target = into.service();
    let backup = usable(chosen)?;
    into.is_about(&backup.id);
    let info = dokku.info(target)?;
    if let Some(failure) = not_running(target, &info.state) {
        return Err(failure);
    }
    let way = prepared(context, dokku, args, keys, (from, target), chosen, &info).map_err(unchanged)?;
    if args.dry_run {
        context.ui.detail("nothing was changed (--dry-run)");
        return tell(context, args, backup.clone(), from);
    }
    if !context.settings.force {
        confirm(context.ui, target.name.as_str())?;
    }
    let since = Instant::now();
    let restore = history_entry(context, into, None);
    let done = with_history(context, from, into, &backup.id, restore, |restore| {
        detach_point(context, from.dir(), &Listed::finished(from.record(&backup.id)?, true, true))?;
        if !args.no_backup {
            restore.safety_backup = safety_backup(context, dokku, into, &info)?;
        }
        match way {
            // The stock import compares nothing.
            Way::InPlace(dump) => in_place(context, dokku, into, dump, &backup.id, restore).map(|()| None),
            Way::Beside(accepted) => replace(context, into, &info, accepted, Some(&backup.id), restore),
        }
        .inspect(|_| note_origin(context, &backup.id, target, restore.started_at))
    })?;
    context.ui.step(&format!("Restored {} into {target}", backup.id));
    context.ui.took(since);
    if let Some(safety) = done.restores.last().and_then(|restore| restore.safety_backup.as_ref()) {
        context.ui.way_back(safety, &format!("dokku backups:import {target} --id {safety}"));
    }
    let code = if args.with_code { redeploy(context, dokku, &done, &info) } else { Ok(()) };
    tell(context, args, done, from)?;
    code
}

/// Proves the dump, and says what it will do. Until this returns nothing was changed.
fn prepared(
    context: &Context,
    dokku: &Dokku,
    args: &ImportArgs,
    keys: &Keys,
    (from, target): (&LockedCatalogue, &Service),
    chosen: &Listed,
    info: &Info,
) -> Result<Way> {
    let proven = prove_chosen(context, from, target, chosen, keys)?;
    let way =
        if args.in_place { Way::InPlace(proven) } else { Way::Beside(accept(context, target, info, Some(proven))?) };
    if let Some(dump) = way.dump() {
        show_plan(context, dokku, (chosen, dump, &way.outlook()), target, info, &before(args));
    }
    if args.with_code {
        show_redeploy(context, usable(chosen)?, info);
    }
    Ok(way)
}

/// How the proven dump gets into the service.
enum Way {
    /// By the stock import, which asks nothing.
    InPlace(Dump),
    /// Into a new database, which then takes the live one's place.
    Beside(Accepted),
}

impl Way {
    fn dump(&self) -> Option<&Dump> {
        match self {
            Way::InPlace(dump) => Some(dump),
            Way::Beside(accepted) => accepted.dump(),
        }
    }

    fn outlook(&self) -> Outlook {
        match self {
            Way::InPlace(_) => Outlook::default(),
            Way::Beside(accepted) => accepted.outlook().clone(),
        }
    }
}

fn tell(context: &Context, args: &ImportArgs, backup: Backup, from: &LockedCatalogue) -> Result<()> {
    if args.format == Format::Json {
        context.ui.json(&BackupJson::new(&Listed::finished(backup, true, true), from.dir().path()))?;
    }
    Ok(())
}

/// Only one thing can come on stdin; and when one does, nobody can be asked there.
fn one_stdin(context: &Context, args: &ImportArgs) -> Result<()> {
    let dash = Some("-");
    let file = args.file.as_deref() == Some(Path::new("-"));
    let dump = file || args.url.as_deref() == dash || args.from.as_deref() == dash;
    let key = args.identity.identity.as_deref() == Some(Path::new("-"));
    if dump && key {
        return Err(Failure::new(Kind::Usage, "only one thing can come on stdin"));
    }
    if dump && !args.no_restore && !context.settings.force {
        let service = &args.service.name;
        return Err(Failure::new(Kind::Usage, "stdin is taken, so nobody can be asked whether to replace the data")
            .hint(format!("restore without asking: dokku --force backups:import {service} ..."))
            .hint("or only take the dump in, and restore it later: --no-restore"));
    }
    Ok(())
}

fn before(args: &ImportArgs) -> Vec<(&'static str, &'static str)> {
    vec![
        (
            "safety",
            if args.no_backup {
                "no backup is taken of what is there (--no-backup)"
            } else {
                "a backup is taken first of what is there"
            },
        ),
        (
            "data",
            if args.in_place {
                "the stock import overwrites the live database: what is not in the backup stays, an interruption loses data"
            } else {
                "everything is replaced; at the exchange open connections are closed, and new ones work at once"
            },
        ),
    ]
}
