//! `backups:report`: is it safe, and what is set.

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};

use crate::answers::{Destroy, Report, Reports};
use crate::dokku::Dokku;
use crate::domain::{Level, Listed, ServiceWord, bytes, count, made_at, spell, spell_age};
use crate::error::{Failure, Kind, Result};
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
    /// Only this value of what it shows to people; written as --backups-KEY.
    #[arg(long, value_name = "KEY", hide = true, conflicts_with = "format")]
    pub value: Option<String>,
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
        return global(context, args);
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
        ReportFormat::Json if args.service.is_some() => {
            Ok(reports.first().map_or(Ok(()), |one| context.ui.json(one))?)
        }
        ReportFormat::Json => Ok(context.ui.json(&Reports { services: reports })?),
        ReportFormat::Stdout => {
            let tables = healths.iter().zip(&reports).map(|(health, report)| (health, table(health, report, now)));
            if let Some(key) = &args.value {
                return tables.into_iter().try_for_each(|(_, table)| single(context, key, &table));
            }
            let lines = tables.flat_map(|(health, table)| {
                let title = format!("=====> {} backups information", health.service);
                std::iter::once(title).chain(table.into_iter().map(|(label, value)| line(&label, &value)))
            });
            Ok(context.ui.lines(lines)?)
        }
        ReportFormat::Html => {
            let of_host = host(context, &dokku);
            let sections = healths.iter().zip(&reports).map(|(health, report)| section(health, report, now)).collect();
            let page = Page {
                now,
                version: env!("CARGO_PKG_VERSION"),
                host_name: &context.settings.host_name,
                host: &of_host,
                sections,
            };
            Ok(context.ui.document(&page.render())?)
        }
    }
}

/// Prints the value of `key` alone, as Dokku's reports do.
fn single(context: &Context, key: &str, table: &[(String, String)]) -> Result<()> {
    let flag = |label: &str| label.replace(' ', "-");
    let values: Vec<&str> =
        table.iter().filter(|(label, _)| flag(label) == key).map(|(_, value)| value.as_str()).collect();
    if values.is_empty() {
        let mut flags: Vec<String> = table.iter().map(|(label, _)| format!("--backups-{}", flag(label))).collect();
        flags.dedup();
        let flags = flags.join(", ");
        return Err(Failure::new(Kind::Usage, format!("Invalid flag passed, valid flags: {flags}")));
    }
    Ok(context.ui.lines(values)?)
}

fn global(context: &Context, args: &ReportArgs) -> Result<()> {
    context.permit_global()?;
    let values = report_global(context)?;
    match args.format {
        ReportFormat::Json => Ok(context.ui.json(&values)?),
        ReportFormat::Html => Err(Failure::new(Kind::Usage, "a page shows services, not what is set for all of them")
            .command("dokku backups:report --format html")),
        ReportFormat::Stdout => {
            let set = values.properties.in_words().into_iter().chain(values.rights.in_words());
            let set: Vec<_> = set.map(|(key, value)| (key.replace('-', " "), value)).collect();
            if let Some(key) = &args.value {
                return single(context, key, &set);
            }
            let mut lines = vec!["=====> global backups information".to_owned()];
            lines.extend(set.iter().map(|(label, value)| line(label, value)));
            Ok(context.ui.lines(&lines)?)
        }
    }
}

fn line(label: &str, value: &str) -> String {
    let label = format!("Backups {label}:");
    format!("       {label:<34} {value}").trim_end().to_owned()
}

/// One screen, labels and values: is it safe, what is wrong and what mends it, then what is set.
fn table(health: &Health, report: &Report, now: DateTime<Utc>) -> Vec<(String, String)> {
    let none = || "none".to_owned();
    let time = |at: DateTime<Utc>| spell(at, "0000-00-00 00:00:00 UTC");
    let backup = |listed: &Listed| {
        let trust = listed.trust().map_or("-", |trust| trust.label());
        format!("{}, {} old, {trust}", listed.backup.id, spell_age(now - made_at(&listed.backup)))
    };
    let mut lines = Vec::new();
    let mut add = |label: &str, value: &str| lines.push((label.to_owned(), value.to_owned()));
    add("verdict", health.verdict().name());
    add("newest good", &health.newest_good.as_ref().map_or_else(none, backup));
    add("newest restorable", &health.newest_restorable.as_ref().map_or_else(none, backup));
    add("next scheduled", &health.next_due.map_or_else(none, time));
    let stored = &report.health;
    add("stored", &format!("{}, {}", count(stored.stored_backups, "backup"), bytes(stored.stored_bytes)));
    if stored.saved_bytes > 0 {
        add("saved", &format!("about {} by storing differences", bytes(stored.saved_bytes)));
    }
    let offsite = latest_offsite(&health.backups, now)
        .and_then(|listed| listed.copy_state().zip(listed.backup.destination.as_ref()));
    add("off-site", &offsite.map_or_else(none, |(state, copy)| format!("{state} {}", copy.uri)));
    add("told of failures", &report.properties.told());
    let destroy = match report.destroy {
        Destroy::Allowed => Destroy::Allowed.name().to_owned(),
        Destroy::Refused => format!("{} by the gate, until a backup is Restorable", Destroy::Refused.name()),
    };
    add("destroy", &destroy);
    for finding in health.findings.iter().filter(|finding| finding.level > Level::Ok).take(WORST) {
        add(finding.level.name(), &finding.message);
        for remedy in &finding.remedies {
            let lines = remedy.words().into_iter().chain(remedy.command.clone());
            lines.for_each(|line| add("remedy", &line));
        }
    }
    let more = health.findings.iter().filter(|finding| finding.level > Level::Ok).count().saturating_sub(WORST);
    if more > 0 {
        add("more findings", &format!("{more} -> dokku backups:check {}", health.service));
    }
    let set = report.properties.in_words().into_iter().chain(report.rights.in_words());
    set.for_each(|(key, value)| add(&key.replace('-', " "), &value));
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
