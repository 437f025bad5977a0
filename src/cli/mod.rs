//! From the words on the line to a command: parsed once, into types that cannot be wrong.

mod argv;
mod line;

use std::ffi::OsString;
use std::io::Write;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::answers::FailureJson;
use crate::domain::{scrub, shown};
use crate::engine::{self, Engine};
use crate::error::{self, Failure, Kind, Result};
use crate::settings::Settings;
use crate::sys::detach::{self, Begun};
use crate::sys::output::READER_GONE;
use crate::sys::{signals, user};
use crate::ui::{Format, Ui};
use crate::verbs::{self, Cli, Verb};

/// More of one line is cut off in messages that repeat the caller's words.
const LONGEST_LINE: usize = 300;
/// More of one value is.
const LONGEST_VALUE: usize = 60;

/// Runs the program and returns its exit code.
pub fn main(args: Vec<OsString>) -> u8 {
    // Before any program is started: what they say of failures is kept by these.
    error::learn(engine::all().map(Engine::speech).collect());
    let mut settings = Settings::from_process();
    let words = argv::tidy(args.clone());
    // Told apart before parsing, so that even a wrong command line is answered in the form that was asked for.
    let format = if argv::asks_for_json(&words) { Format::Json } else { Format::Stdout };
    let ui = Ui { format, quiet: settings.quiet, terminal: settings.terminal };
    start_logging(&settings);
    match run(&mut settings, ui, &args, words) {
        Ok(code) => code,
        // Nobody reads what would be said of it, and nothing went wrong here.
        Err(failure) if failure.kind == READER_GONE => failure.kind.exit_code(),
        Err(failure) => {
            // In a log there is nobody to parse it.
            let ui = if detach::is_detached() { Ui { format: Format::Stdout, terminal: false, ..ui } } else { ui };
            match ui.format {
                Format::Json => ui.failure_json(&FailureJson::from(&failure)),
                Format::Stdout => ui.failure(&failure),
            }
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
            return Ok(ui.document(error.render().to_string().trim_end()).map(|()| 0)?);
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
        Begun::Yes(answer) => Ok(ui.document(String::from_utf8_lossy(&answer).trim_end()).map(|()| 0)?),
    }
}

/// The verb on the line, if there is such a verb.
fn known(words: &[String]) -> Option<&str> {
    words.get(1).map(String::as_str).filter(|verb| verbs::verbs().iter().any(|(name, _)| name == verb))
}

/// Clap's message, in our voice: a lower-case fragment first, then the rest as hints.
fn usage(error: &clap::Error, words: &[String]) -> Failure {
    let mut text = error.render().to_string();
    // What was wrong with a value stands behind it: behind a long one, and behind one of several lines.
    if let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) {
        let short: String = value.chars().take(LONGEST_VALUE).collect();
        let dots = if short.len() < value.len() { "..." } else { "" };
        if !value.is_empty() {
            text = text.replace(value.as_str(), &format!("{}{dots}", shown(&short)));
        }
    }
    let lines = text.lines().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with("For more information")).map(fit);
    let first = lines.next().unwrap_or_else(|| "wrong usage".to_owned()).trim_start_matches("error: ").to_owned();
    let Some(verb) = known(words) else {
        let word = fit(words.get(1).map_or("", String::as_str));
        let similar = match error.get(ContextKind::SuggestedSubcommand) {
            // The last one is the most like it.
            Some(ContextValue::Strings(verbs)) => verbs.last().map(String::as_str),
            _ => None,
        };
        return verbs::no_such_verb(&word, similar, words.get(2..).unwrap_or_default());
    };
    // What clap advises about a word that is none of its own helps nobody.
    let lines: Vec<String> = lines.filter(|line| !line.starts_with("tip: to pass")).collect();
    let mut failure = Failure::new(Kind::Usage, first);
    if let (ErrorKind::UnknownArgument, Some(ContextValue::String(word))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
        && let Some(command) = verbs::with_id(verb, &words[2..], word)
    {
        failure = failure.remedy("a backup is named with --id", command);
    }
    let ours = |line: String| line.replace(&format!("Usage: dokku {verb}"), &format!("Usage: dokku backups:{verb}"));
    let failure = lines.into_iter().map(ours).fold(failure, Failure::hint);
    failure.command(format!("dokku backups:help {verb}"))
}

/// Text that repeats the caller's words: it may not fill the screen, nor hold anything hidden.
fn fit(text: &str) -> String {
    let clean = scrub(text);
    let mut short: String = shown(&clean).chars().take(LONGEST_LINE).collect();
    if clean.chars().nth(LONGEST_LINE).is_some() {
        short.push_str("...");
    }
    short
}

fn start_logging(settings: &Settings) {
    let level = if settings.trace { log::LevelFilter::Debug } else { log::LevelFilter::Warn };
    // A second start in one process (tests) is not worth a word.
    let mut builder = env_logger::Builder::new();
    // Its errors come back to us as errors, and are told once.
    builder.filter_level(level).filter_module("rustls_platform_verifier", log::LevelFilter::Off);
    let line = |into: &mut env_logger::fmt::Formatter, record: &log::Record| {
        let said = record.args().to_string();
        writeln!(into, "[{:<5} {}] {}", record.level(), record.target(), shown(&said))
    };
    let _ = builder.format(line).try_init();
}
