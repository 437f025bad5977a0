//! From the words on the line to a command: parsed once, into types that cannot be wrong.

mod line;
mod words;

use std::ffi::OsString;

use clap::Parser;
use clap::error::ErrorKind;

use crate::domain::scrub;
use crate::error::{Failure, Kind, Result};
use crate::settings::Settings;
use crate::sys::detach::{self, Begun};
use crate::sys::output::READER_GONE;
use crate::sys::{signals, user};
use crate::ui::{Format, Ui};
use crate::verbs::{self, Cli, Verb};

/// More of one line is cut off in messages that repeat the caller's words.
const LONGEST_LINE: usize = 300;

/// Runs the program and returns its exit code.
pub fn main(args: Vec<OsString>) -> u8 {
    let mut settings = Settings::from_process();
    let words = words::tidy(args.clone());
    // Told apart before parsing, so that even a wrong command line is answered in the form that was asked for.
    let format = if words::asks_for_json(&words) { Format::Json } else { Format::Stdout };
    let ui = Ui { format, quiet: settings.quiet, terminal: settings.terminal };
    start_logging(&settings);
    match run(&mut settings, ui, &args, words) {
        Ok(code) => code,
        // Nobody reads what would be said of it, and nothing went wrong here.
        Err(failure) if failure.kind == READER_GONE => failure.kind.exit_code(),
        Err(failure) => {
            // In a log there is nobody to parse it.
            let ui = if detach::has_let_go() { Ui { format: Format::Stdout, ..ui } } else { ui };
            ui.failure(&failure);
            failure.kind.exit_code()
        }
    }
}

fn run(settings: &mut Settings, ui: Ui, args: &[OsString], words: Vec<String>) -> Result<u8> {
    if settings.detached {
        detach::leave_session();
    }
    signals::install()?;
    let sent = line::whole(settings, &words)?;
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        // One text however it is asked for; `backups:help VERB` is what works over SSH.
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            let verb = known(&words).map(str::to_owned);
            return verbs::run(settings, ui, Verb::Help { verb, all: false }).map(|()| 0);
        }
        Err(error) if error.kind() == ErrorKind::DisplayVersion => {
            return Ok(ui.data(error.render().to_string().trim_end()).map(|()| 0)?);
        }
        Err(error) => return Err(usage(&error, &words)),
    };
    settings.quiet |= cli.quiet;
    settings.force |= cli.force;
    let ui = Ui { quiet: settings.quiet, ..ui };
    if settings.force && cli.verb.is_destructive() {
        line::known(&sent)?;
    }
    if cli.verb.detaches() && !settings.detached {
        return detach(ui, &args[1..]);
    }
    if cli.verb.leaves_root()
        && let Some(home) = user::become_user(&settings.system_user)?
    {
        settings.set_child_env("HOME", home);
        settings.set_child_env("USER", settings.system_user.clone());
    }
    verbs::run(settings, ui, cli.verb).map(|()| 0)
}

/// Starts the run that does the work, and hands on what it answers.
fn detach(ui: Ui, args: &[OsString]) -> Result<u8> {
    match detach::start(args)? {
        Begun::No(code) => Ok(code),
        Begun::Yes(answer) => Ok(ui.data(String::from_utf8_lossy(&answer).trim_end()).map(|()| 0)?),
    }
}

/// The verb on the line, if there is such a verb.
fn known(words: &[String]) -> Option<&str> {
    words.get(1).map(String::as_str).filter(|verb| verbs::verbs().iter().any(|(name, _)| name == verb))
}

/// Clap's message, in our voice: a lower-case fragment first, then the rest as hints.
fn usage(error: &clap::Error, words: &[String]) -> Failure {
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with("For more information")).map(shown);
    let first = lines.next().unwrap_or_else(|| "wrong usage".to_owned()).trim_start_matches("error: ").to_owned();
    let Some(verb) = known(words) else {
        let verb = shown(words.get(1).map_or("", String::as_str));
        return Failure::new(Kind::Usage, format!("there is no command backups:{verb}")).hint("dokku backups:help");
    };
    let ours = |line: String| line.replace(&format!("Usage: dokku {verb}"), &format!("Usage: dokku backups:{verb}"));
    let failure = lines.map(ours).fold(Failure::new(Kind::Usage, first), Failure::hint);
    failure.hint(format!("dokku backups:help {verb}"))
}

/// Text that repeats the caller's words: neither may it fill the screen, nor may control characters reach it.
fn shown(text: &str) -> String {
    let text = &scrub(text);
    let printable = |c: char| if c.is_control() || is_format(c) { '?' } else { c };
    let mut short: String = text.chars().take(LONGEST_LINE).map(printable).collect();
    if short.len() < text.len() && text.chars().nth(LONGEST_LINE).is_some() {
        short.push_str("...");
    }
    short
}

/// Invisible characters that turn or hide the text around them.
fn is_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn start_logging(settings: &Settings) {
    let level = if settings.trace { log::LevelFilter::Debug } else { log::LevelFilter::Warn };
    // A second start in one process (tests) is not worth a word.
    let mut builder = env_logger::Builder::new();
    // Its errors come back to us as errors, and are told once.
    builder.filter_level(level).filter_module("rustls_platform_verifier", log::LevelFilter::Off);
    let _ = builder.format_timestamp_millis().try_init();
}
