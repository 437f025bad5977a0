//! One file a verb: the order of steps, nothing else.

mod delete;
mod export;
mod import;
mod info;
mod install;
mod list;
mod logs;
mod steps;
mod sync;

use crate::cli::Verb;
use crate::error::Result;
use crate::settings::Settings;
use crate::ui::{Format, HELP_LINE, Ui};

/// What every command is given.
#[derive(Debug, Clone)]
pub struct Context {
    /// What the environment says.
    pub settings: Settings,
    /// Where to speak.
    pub ui: Ui,
}

/// Runs one verb.
pub fn run(settings: &Settings, ui: Ui, verb: Verb) -> Result<()> {
    let context = Context { settings: settings.clone(), ui };
    match verb {
        Verb::Export(args) => export::run(&context, &args),
        Verb::List(args) => list::run(&context, &args),
        Verb::Info(args) => info::run(&context, &args),
        Verb::Logs(args) => logs::run(&context, &args),
        Verb::Import(args) => import::run(&context, &args),
        Verb::Delete(args) => delete::run(&context, &args),
        Verb::Sync(args) => sync::run(&context, &args),
        Verb::Version { format } => version(ui, format),
        Verb::Help { verb, .. } => ui.help(verb.as_deref()),
        Verb::HelpLine { .. } => Ok(ui.data(HELP_LINE)?),
        Verb::TriggerInstall { .. } => install::run(&context),
    }
}

fn version(ui: Ui, format: Format) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    Ok(match format {
        Format::Stdout => ui.data(&format!("dokku-backups {version}"))?,
        Format::Json => ui.json(&serde_json::json!({ "name": "dokku-backups", "version": version }))?,
    })
}
