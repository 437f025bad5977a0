//! One file a verb: the order of steps, nothing else.
//!
//! The folder may not be called `commands`: Dokku runs everything by that name anywhere below a plugin.

mod args;
mod before_deploy;
mod cancel;
mod check;
mod completion;
mod conclude;
mod cron_entries;
mod delete;
mod download;
mod export;
mod forget;
mod fork;
mod gate;
mod grammar;
mod grant;
mod help;
mod import;
mod info;
mod install;
mod keep;
mod list;
mod list_filter;
mod logs;
mod meant;
mod prune;
mod report;
mod reset;
mod revoke;
mod rules;
mod schedule;
mod schedules;
mod set;
mod sync;
mod tick;
mod unschedule;
mod verify;

use crate::answers::Version;
use crate::error::Result;
use crate::operations::Context;
use crate::operations::access::Access;
use crate::settings::Settings;
use crate::ui::{Format, Ui};

pub use grammar::{Cli, Verb};
pub use help::{commands, verbs};
pub use meant::{no_such_verb, with_id};

/// Runs one verb.
pub fn run(settings: &Settings, ui: Ui, verb: Verb) -> Result<()> {
    let access = Access::of(settings, ui, verb.rule())?;
    let context = Context { settings: settings.clone(), ui, access };
    match verb {
        Verb::Export(args) => export::run(&context, &args),
        Verb::List(args) => list::run(&context, &args),
        Verb::Info(args) => info::run(&context, &args),
        Verb::Logs(args) => logs::run(&context, &args),
        Verb::Import(args) => import::run(&context, &args),
        Verb::Verify(args) => verify::run(&context, &args),
        Verb::Fork(args) => fork::run(&context, &args),
        Verb::Reset(args) => reset::run(&context, &args),
        Verb::Check(args) => check::run(&context, &args),
        Verb::Set(args) => set::run(&context, &args),
        Verb::Report(args) => report::run(&context, &args),
        Verb::Download(args) => download::run(&context, &args),
        Verb::Delete(args) => delete::run(&context, &args),
        Verb::Keep(args) => keep::run(&context, &args),
        Verb::Prune(args) => prune::run(&context, &args),
        Verb::Cancel(args) => cancel::run(&context, &args),
        Verb::Sync(args) => sync::run(&context, &args),
        Verb::Schedule(args) => schedule::run(&context, &args),
        Verb::Unschedule(args) => unschedule::run(&context, &args),
        Verb::Schedules(args) => schedules::run(&context, &args),
        Verb::Tick => tick::run(&context),
        Verb::Forget(args) => forget::run(&context, &args),
        Verb::Grant(args) => grant::run(&context, &args),
        Verb::Revoke(args) => revoke::run(&context, &args),
        Verb::Version { format } => version(ui, format),
        Verb::Help { verb, .. } => help::run(&context, verb.as_deref()),
        Verb::Completion => completion::run(&context),
        Verb::HelpLine { .. } => Ok(ui.data(help::LINE)?),
        Verb::TriggerCronEntries { rest } => cron_entries::run(&context, &rest),
        Verb::TriggerInstall { .. } => install::run(&context),
        Verb::TriggerBuilderRelease { rest } => before_deploy::run(&context, &rest),
        Verb::TriggerServiceAction { rest } => gate::run(&context, &rest),
    }
}

fn version(ui: Ui, format: Format) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    match format {
        Format::Stdout => ui.data(&format!("dokku-backups {version}"))?,
        Format::Json => ui.json(&Version { name: "dokku-backups", version })?,
    }
    Ok(())
}
