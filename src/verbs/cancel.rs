//! `backups:cancel`: end what is being done to a service.

use std::time::{Duration, Instant};

use clap::Args;

use crate::answers::{BackupJson, Cancelled};
use crate::catalogue::{Detail, Folder, Job, Request, View};
use crate::dokku::Dokku;
use crate::domain::ServiceWord;
use crate::domain::{BackupId, Service};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::jobs::{all_jobs, jobs_about};
use crate::operations::select::{folder_for_reading, resolve};
use crate::sys::child::interrupted;
use crate::sys::dir::Dir;
use crate::ui::Format;

/// How often the one who asks looks.
const LOOK: Duration = Duration::from_millis(50);

/// `backups:cancel`
#[derive(Debug, Args)]
pub struct CancelArgs {
    /// The service.
    pub service: ServiceWord,
    /// Only what is being done with this backup.
    #[arg(long, value_name = "ID")]
    pub id: Option<BackupId>,
    /// Wait this long for it to end.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Asks the one job there is to end, and waits until it has.
pub fn run(context: &Context, args: &CancelArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let service = resolve(context, &dokku, &args.service)?;
    let dir = folder_for_reading(context, &service)?.ok_or_else(|| nothing(&service, args))?;
    let job = the_job(&dir, &service, args)?;
    if job.beyond {
        return Err(beyond(&job));
    }
    let id = job.id.clone().or_else(|| args.id.clone());
    let request = Request::place(&dir, &job, &context.settings.caller.actor)?
        .ok_or_else(|| Failure::new(Kind::Busy, format!("somebody else is cancelling that already ({})", job.words)))?;
    context.ui.step(&format!("Cancelling {}", job.words));
    wait(context, &dir, &job, &request, Duration::from_secs(args.wait.into()))?;
    context.ui.step(&format!(
        "Cancelled: {} of {}",
        job.doing,
        id.as_ref().map_or(service.to_string(), ToString::to_string)
    ));
    print(context, &dir, &service, id.as_ref(), args.format)
}

fn nothing(service: &Service, args: &CancelArgs) -> Failure {
    let what = args.id.as_ref().map_or_else(|| service.to_string(), ToString::to_string);
    Failure::new(Kind::NotFound, format!("nothing is being done to {what}"))
        .remedy("see what was done", format!("dokku backups:list {service}"))
}

fn the_job(dir: &Dir, service: &Service, args: &CancelArgs) -> Result<Job> {
    let mut jobs = match &args.id {
        Some(id) => jobs_about(dir, id)?,
        None => all_jobs(dir)?,
    };
    match (jobs.pop(), jobs.is_empty()) {
        (None, _) => Err(nothing(service, args)),
        (Some(job), true) => Ok(job),
        (Some(job), false) => {
            jobs.push(job);
            let failure = Failure::new(Kind::Usage, format!("{} things are being done to {service}", jobs.len()));
            let ids = jobs.iter().filter_map(|job| job.id.as_ref());
            Err(ids.fold(failure, |f, id| f.remedy("choose one", format!("dokku backups:cancel {service} --id {id}"))))
        }
    }
}

fn beyond(job: &Job) -> Failure {
    Failure::new(Kind::Refused, format!("that cannot be cancelled any more ({})", job.words))
        .with_work(Some(job.at_work()))
        .hint("it is exchanging the data, and ends by itself soon")
}

/// Waits until the job has obeyed and is gone. One that goes too far before it looks is not ended.
fn wait(context: &Context, dir: &Dir, job: &Job, request: &Request, limit: Duration) -> Result<()> {
    let since = Instant::now();
    loop {
        let now = all_jobs(dir)?.into_iter().find(|now| now.pid == job.pid);
        // Asked after the look at the locks: it obeys before it lets go of them.
        match (now, request.is_obeyed()?) {
            (None, true) => return Ok(()),
            (None, false) => {
                return Err(Failure::new(Kind::NotFound, format!("it ended by itself first ({})", job.words))
                    .remedy("see how", format!("dokku backups:list {}", dir_name(dir))));
            }
            (Some(now), false) if now.beyond => return Err(beyond(&now)),
            (Some(_), obeyed) if since.elapsed() >= limit => {
                let how =
                    if obeyed { "is ending, but takes long" } else { "has not noticed yet; nothing was cancelled" };
                return Err(Failure::new(Kind::Timeout, format!("it {how} ({})", job.words)));
            }
            _ => context.settings.clock.sleep(LOOK).map_err(interrupted)?,
        }
    }
}

fn dir_name(dir: &Dir) -> String {
    dir.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The backup as it is now. What was not about a backup is `null`.
fn print(context: &Context, dir: &Folder, service: &Service, id: Option<&BackupId>, format: Format) -> Result<()> {
    match (format, id) {
        (Format::Stdout, Some(id)) => context.ui.data(&id.to_string())?,
        (Format::Stdout, None) => {}
        (Format::Json, id) => {
            let view = View::of(dir, service, Detail::Whole)?;
            let listed = view.backups.iter().find(|listed| Some(&listed.backup.id) == id);
            context.ui.json(&Cancelled { backup: listed.map(|listed| BackupJson::new(listed, dir.path())) })?;
        }
    }
    Ok(())
}
