//! `backups:info`: everything about one backup.

use clap::Args;

use super::args::Looked;
use crate::answers::BackupJson;
use crate::catalogue::{Detail, Job, View};
use crate::dokku::Dokku;
use crate::domain::{ServiceWord, Which};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::jobs::{how_it_ended, jobs_about, wait_for_jobs};
use crate::operations::select::{choose, folder_for_reading, resolve};
use crate::ui::{self, Format};

/// `backups:info`
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// The service.
    pub service: ServiceWord,
    /// Which of its backups.
    #[command(flatten)]
    pub which: Looked,
    /// Wait until nobody works on it, SECONDS at most, and exit by how that ended.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1)]
    pub wait: Option<Option<u32>>,
    /// Only this value of what it shows to people; written as --KEY.
    #[arg(long, value_name = "KEY", hide = true, conflicts_with = "format")]
    pub value: Option<String>,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Shows one backup; with `--wait` once nobody works on it any more, and its end is ours.
pub fn run(context: &Context, args: &InfoArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let service = resolve(context, &dokku, &args.service)?;
    let dir = folder_for_reading(context, &service)?.ok_or_else(|| {
        Failure::new(Kind::NotFound, format!("{service} has no backup"))
            .remedy("make one with", format!("dokku backups:export {service}"))
    })?;
    let look = |which: &Which| choose(context, View::of(&dir, &service, Detail::Whole)?, &service, which);
    let mut listed = look(&args.which.which())?;
    let (mut seen, from) = (Vec::new(), context.settings.clock.now());
    if let Some(limit) = args.wait {
        let id = listed.backup.id.clone();
        seen = wait_for_jobs(context, &dir, &id, limit)?;
        listed = look(&Which::Id(id))?;
    }
    let job = jobs_about(&dir, &listed.backup.id)?.into_iter().next();
    match args.format {
        Format::Json => {
            let work = job.map(|job| job.at_work());
            context.ui.json(&BackupJson::new(&listed, dir.path()).with_work(work))?;
        }
        Format::Stdout => match (&args.value, job.as_ref().map(at_work)) {
            // Not known of this backup: an empty line, as in Dokku's own.
            (Some(key), work) => {
                context.ui.data(&ui::info_value(&listed, dir.path(), work.as_deref(), key).unwrap_or_default())?;
            }
            (None, work) => context.ui.lines(ui::info(&listed, dir.path(), work.as_deref()))?,
        },
    }
    if args.wait.is_some() { how_it_ended(context, &listed, &seen, from) } else { Ok(()) }
}

/// Who works on it and how far that has come: `verify since 2026-04-08 14:30:00 UTC, filled 3 MiB of about 8 MiB (pid 7)`.
fn at_work(job: &Job) -> String {
    let since = job.started_at.map(|at| format!(" since {}", ui::time(at))).unwrap_or_default();
    let far = job.stage.as_ref().map(|stage| format!(", {}", ui::stage_words(stage))).unwrap_or_default();
    format!("{}{since}{far} (pid {})", job.doing, job.pid)
}
