//! From the words on the line to a command: parsed once, into types that cannot be wrong.

mod words;

use std::ffi::OsString;

use clap::Parser;
use clap::error::ErrorKind;

use crate::error::{Failure, Kind, Result};
use crate::settings::Settings;
use crate::sys::{signals, user};
use crate::ui::{Format, Ui};
use crate::verbs::{self, Cli};

/// Runs the program and returns its exit code.
pub fn main(args: Vec<OsString>) -> u8 {
    let mut settings = Settings::from_process();
    let words = words::tidy(args);
    // Told apart before parsing, so that even a wrong command line is answered in the form that was asked for.
    let format = if words::asks_for_json(&words) { Format::Json } else { Format::Stdout };
    let ui = Ui { format, quiet: settings.quiet, terminal: settings.terminal };
    start_logging(&settings);
    match run(&mut settings, ui, words) {
        Ok(()) => 0,
        Err(failure) => {
            ui.failure(&failure);
            failure.kind.exit_code()
        }
    }
}

fn run(settings: &mut Settings, ui: Ui, words: Vec<String>) -> Result<()> {
    signals::install()?;
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return Ok(ui.data(error.render().to_string().trim_end())?);
        }
        Err(error) => return Err(usage(&error, words.get(1))),
    };
    settings.quiet |= cli.quiet;
    settings.force |= cli.force;
    let ui = Ui { quiet: settings.quiet, ..ui };
    if cli.verb.leaves_root()
        && let Some(home) = user::leave_root(&settings.system_user)?
    {
        settings.set_child_env("HOME", home);
        settings.set_child_env("USER", settings.system_user.clone());
    }
    verbs::run(settings, ui, cli.verb)
}

/// Clap's message, in our voice: a lower-case fragment first, then the rest as hints.
fn usage(error: &clap::Error, verb: Option<&String>) -> Failure {
    let text = error.render().to_string();
    let mut lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("For more information"));
    let first = lines.next().unwrap_or("wrong usage").trim_start_matches("error: ").to_owned();
    let failure = lines.fold(Failure::new(Kind::Usage, first), |failure, line| failure.hint(line));
    let known = verb.filter(|verb| verbs::verbs().iter().any(|(name, _)| name == *verb));
    failure.hint(known.map_or_else(|| "dokku backups:help".to_owned(), |verb| format!("dokku backups:help {verb}")))
}

fn start_logging(settings: &Settings) {
    let level = if settings.trace { log::LevelFilter::Debug } else { log::LevelFilter::Warn };
    // A second start in one process (tests) is not worth a word.
    let _ = env_logger::Builder::new().filter_level(level).format_timestamp_millis().try_init();
}
