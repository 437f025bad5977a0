//! `backups:report`: is it safe, and what is set.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};

use crate::answers::{Destroy, Report, Reports};
use crate::dokku::Dokku;
use crate::domain::ServiceWord;
use crate::domain::{Level, Listed, made_at, spell, spell_age};
use crate::error::Result;
use crate::operations::Context;
use crate::operations::health::{Health, health, host, latest_offsite, report, report_global};
use crate::operations::select::{every_service, resolve};
use crate::ui::page::{Page, Section};

/// `backups:report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Only this service.
    #[arg(conflicts_with = "global")]
    pub service: Option<ServiceWord>,
    /// What is set for every service.
    #[arg(long)]
    pub global: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: ReportFormat,
}

/// What a report looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    #[default]
    Stdout,
    /// For programs.
    Json,
    /// One page that needs nothing else, for a browser.
    Html,
}

/// Reports one service, all of them, or what is set for all.
pub fn run(context: &Context, args: &ReportArgs) -> Result<()> {
    if args.global {
        return global(context, args.format);
    }
    let dokku = Dokku::find(&context.settings)?;
    let services = match &args.service {
        Some(word) => vec![resolve(context, &dokku, word)?],
        None => every_service(context, &dokku)?,
    };
    let now = context.settings.clock.now();
    let healths: Vec<Health> = services.iter().map(|service| health(context, service)).collect::<Result<_>>()?;
    let reports: Vec<Report> = healths.iter().map(|health| report(context, health, now)).collect::<Result<_>>()?;
    match args.format {
        ReportFormat::Json if args.service.is_some() => Ok(context.ui.json(&reports.first())?),
        ReportFormat::Json => {
            let names = healths.iter().map(|health| health.service.to_string());
            Ok(context.ui.json(&Reports(names.zip(reports).collect::<BTreeMap<_, _>>()))?)
        }
        ReportFormat::Stdout => Ok(context
            .ui
            .lines(healths.iter().zip(&reports).flat_map(|(health, report)| table(health, report, now)))?),
        ReportFormat::Html => {
            let of_host = host(context, &dokku);
            let sections = healths.iter().zip(&reports).map(|(health, report)| section(health, report, now)).collect();
            let page = Page { now, version: env!("CARGO_PKG_VERSION"), host: &of_host, sections };
            Ok(context.ui.document(&page.render())?)
        }
    }
}

fn global(context: &Context, format: ReportFormat) -> Result<()> {
    context.permit_global()?;
    let values = report_global(context)?;
    match format {
        ReportFormat::Json => Ok(context.ui.json(&values)?),
        ReportFormat::Html => Err(crate::error::Failure::new(
            crate::error::Kind::Usage,
            "a page shows services, not what is set for all of them",
        )
        .hint("dokku backups:report --format html")),
        ReportFormat::Stdout => {
            let mut lines = vec!["=====> global backups information".to_owned()];
            values.in_words().iter().for_each(|(key, value)| lines.push(line(&key.replace('-', " "), value)));
            Ok(context.ui.lines(&lines)?)
        }
    }
}

fn line(label: &str, value: &str) -> String {
    let label = format!("Backups {label}:");
    format!("       {label:<34} {value}").trim_end().to_owned()
}

/// One screen: is it safe, what is wrong and what mends it, then what is set.
fn table(health: &Health, report: &Report, now: DateTime<Utc>) -> Vec<String> {
    let none = || "none".to_owned();
    let time = |at: DateTime<Utc>| spell(at, "0000-00-00 00:00:00 UTC");
    let backup = |listed: &Listed| {
        let trust = listed.trust().map_or("-", |trust| trust.label());
        format!("{}, {} old, {trust}", listed.backup.id, spell_age(now - made_at(&listed.backup)))
    };
    let mut lines = vec![format!("=====> {} backups information", health.service)];
    let mut add = |label: &str, value: &str| lines.push(line(label, value));
    add("verdict", health.verdict().name());
    add("newest good", &health.newest_good.as_ref().map_or_else(none, backup));
    add("newest restorable", &health.newest_restorable.as_ref().map_or_else(none, backup));
    add("next scheduled", &health.next_due.map_or_else(none, time));
    let offsite = latest_offsite(&health.backups, now)
        .and_then(|listed| listed.copy_state().zip(listed.backup.destination.as_ref()));
    add("off-site", &offsite.map_or_else(none, |(state, copy)| format!("{state} {}", copy.uri)));
    let destroy = match report.destroy {
        Destroy::Allowed => Destroy::Allowed.name().to_owned(),
        Destroy::Refused => format!("{} by the gate, until a backup is Restorable", Destroy::Refused.name()),
    };
    add("destroy", &destroy);
    for finding in health.findings.iter().filter(|finding| finding.level > Level::Ok).take(WORST) {
        add(finding.level.name(), &finding.message);
        add("remedy", &format!("-> {}", finding.remedy));
    }
    let more = health.findings.iter().filter(|finding| finding.level > Level::Ok).count().saturating_sub(WORST);
    if more > 0 {
        add("more findings", &format!("{more} -> dokku backups:check {}", health.service));
    }
    report.values.in_words().iter().for_each(|(key, value)| add(&key.replace('-', " "), value));
    lines
}

/// Findings that fit one screen beside everything else.
const WORST: usize = 5;

fn section<'a>(health: &'a Health, report: &Report, now: DateTime<Utc>) -> Section<'a> {
    Section {
        service: &health.service,
        findings: &health.findings,
        backups: &health.backups,
        newest_good: health.newest_good.as_ref(),
        newest_restorable: health.newest_restorable.as_ref(),
        next_due: health.next_due,
        offsite: latest_offsite(&health.backups, now),
        destroy_refused: report.destroy == Destroy::Refused,
    }
}
