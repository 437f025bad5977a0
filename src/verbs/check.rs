//! `backups:check`: one verdict per service and one in all, for monitors.

use clap::Args;

use crate::answers::{Check, HostHealth};
use crate::dokku::Dokku;
use crate::domain::{Finding, Level, verdict};
use crate::domain::{ServiceWord, choose, count};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::health::{Health, health, host, look_at_copies, read_bytes};
use crate::operations::offsite::Reached;
use crate::operations::select::{every_service, resolve};
use crate::ui::Format;

/// `backups:check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Only this service, and the host.
    pub service: Option<ServiceWord>,
    /// Read every dump and compare it with its hash, try the destination, and see that the copies are there: as slow as
    /// they are.
    #[arg(long)]
    pub read: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Looks at the host and at each service; fails when anything is failing. Warnings are told and do not fail.
pub fn run(context: &Context, args: &CheckArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let services = match &args.service {
        Some(word) => vec![resolve(context, &dokku, word)?],
        None => every_service(context, &dokku)?,
    };
    let mut of_copies = Vec::new();
    if args.read {
        for service in &services {
            read_bytes(context, service)?;
            of_copies.push(look_at_copies(context, service)?);
        }
    }
    let of_host = host(context, &dokku);
    let mut healths: Vec<Health> = services.iter().map(|service| health(context, service)).collect::<Result<_>>()?;
    if args.read {
        let mut stores = Reached::default();
        for (health, lost) in healths.iter_mut().zip(of_copies) {
            health.findings.extend(stores.ask(context, &health.service).into_iter().chain(lost));
        }
    }
    let worst = healths.iter().map(Health::verdict).chain([verdict(&of_host)]).max().unwrap_or(Level::Ok);
    match args.format {
        Format::Json => {
            let now = context.settings.clock.now();
            let services = healths.iter().map(|health| health.answer(now)).collect();
            let host = HostHealth::new(&context.settings.host_name, &of_host);
            context.ui.json(&Check { verdict: worst, checked_at: now, host, services })?;
        }
        Format::Stdout => context.ui.lines(table(&of_host, &healths, context.ui.quiet))?,
    }
    if worst < Level::Failing {
        return Ok(());
    }
    let failing = healths.iter().filter(|health| health.verdict() == Level::Failing).count();
    let of_host = if verdict(&of_host) == Level::Failing { "the host and " } else { "" };
    let are = if of_host.is_empty() { choose(failing, "is", "are") } else { "are" };
    let text = format!("{of_host}{failing} of {} {are} failing", count(healths.len(), "service"));
    Err(Failure::new(Kind::Check, text))
}

/// What is wrong, and unless it is to be `quiet` what is well: a monitor that mails what it is told mails nothing then.
fn table(of_host: &[Finding], healths: &[Health], quiet: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let tell = |finding: &&Finding| !quiet || finding.level > Level::Ok;
    if of_host.iter().any(|finding| tell(&finding)) {
        lines.push(format!("=====> host: {}", verdict(of_host).name()));
        of_host.iter().filter(tell).for_each(|finding| show(&mut lines, finding));
    }
    for health in healths.iter().filter(|health| !quiet || health.verdict() > Level::Ok) {
        let newest = health.newest_good.as_ref();
        let newest = newest.map_or_else(String::new, |listed| format!(", newest good backup {}", listed.backup.id));
        lines.push(format!("=====> {}: {}{newest}", health.service, health.verdict().name()));
        health.findings.iter().filter(tell).for_each(|finding| show(&mut lines, finding));
    }
    if healths.is_empty() && of_host.is_empty() && !quiet {
        lines.push("=====> there is no service to back up".to_owned());
    }
    lines
}

fn show(lines: &mut Vec<String>, finding: &Finding) {
    let mark = if finding.level == Level::Ok { "       " } else { " !     " };
    lines.push(format!("{mark}{} ({}): {}", finding.level.name(), finding.code, finding.message));
    for remedy in &finding.remedies {
        lines.extend(remedy.words().map(|words| format!("       {words}")));
        lines.extend(remedy.command.iter().map(|command| format!("           {command}")));
    }
}
