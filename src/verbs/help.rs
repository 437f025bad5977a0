//! `dokku help`, `backups:help` and `backups:help VERB`.

use clap::{Arg, Command, CommandFactory};

use super::grammar::Cli;
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;

/// The line in `dokku help`. Dokku splits it at its comma: there must be exactly one.
pub const LINE: &str = "    backups, Back up and restore datastore services; see dokku backups:help";

/// Verbs on which `--force` has a meaning; every verb takes it, because Dokku does.
const FORCED: &[&str] = &["import", "reset", "delete", "grant", "revoke"];

/// Every verb a person can type, as a command of its own: called as Dokku calls it, with its share of Dokku's flags.
pub fn commands() -> Vec<Command> {
    let cli = Cli::command();
    let force: Vec<Arg> = cli.get_arguments().filter(|flag| flag.get_id() == "force").cloned().collect();
    let flags = |verb: &Command| if FORCED.contains(&verb.get_name()) { force.clone() } else { Vec::new() };
    let shown = cli.get_subcommands().filter(|verb| !verb.is_hide_set());
    shown.map(|verb| verb.clone().args(flags(verb)).bin_name(format!("dokku backups:{}", verb.get_name()))).collect()
}

/// Every verb a person can type, with its one-line description.
pub fn verbs() -> Vec<(String, String)> {
    let about = |verb: &Command| verb.get_about().map(ToString::to_string).unwrap_or_default();
    commands().iter().map(|verb| (verb.get_name().to_owned(), about(verb))).collect()
}

/// What `--latest` means, wherever it stands.
const LATEST: [&str; 3] = [
    "--latest is the newest good backup, safety backups apart: the one that import, fork, verify and download take.",
    "info and logs, which only look, take the newest of all, so that a failed one and one in the making are seen.",
    "The gate before a destroy wants that backup to be Restorable.",
];

/// Shows all verbs, or one with its arguments and examples.
pub fn run(context: &Context, verb: Option<&str>) -> Result<()> {
    let text = match verb {
        None => overview(),
        Some(verb) => explain(verb.strip_prefix("backups:").unwrap_or(verb))?,
    };
    Ok(context.ui.document(&text)?)
}

fn overview() -> String {
    let mut command = Cli::command();
    let mut lines = vec!["Usage: dokku backups[:COMMAND]".to_owned(), String::new()];
    lines.push("Backups that are checked when they are made and proven before they are restored.".to_owned());
    lines.push(String::new());
    lines.push("Commands:".to_owned());
    let mut rows = Vec::new();
    for verb in command.get_subcommands_mut().filter(|verb| !verb.is_hide_set()) {
        let usage = verb.render_usage().to_string();
        let arguments = usage.rsplit_once(verb.get_name()).map_or("", |(_, rest)| rest).trim().to_owned();
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        rows.push((format!("backups:{} {}", verb.get_name(), arguments.replace("[OPTIONS]", "").trim()), about));
    }
    let width = rows.iter().map(|(left, _)| left.trim_end().len()).max().unwrap_or(0);
    for (left, about) in rows {
        lines.push(format!("    {:<width$}  {about}", left.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    lines.push(String::new());
    lines.extend(LATEST.map(str::to_owned));
    lines.push(String::new());
    lines.push("One of them in full, with examples: dokku backups:help VERB".to_owned());
    lines.join("\n")
}

fn explain(name: &str) -> Result<String> {
    let mut verb = commands().into_iter().find(|verb| verb.get_name() == name).ok_or_else(|| {
        let shown: String = name.chars().take(64).collect();
        Failure::new(Kind::Usage, format!("there is no command backups:{shown}")).hint("dokku backups:help")
    })?;
    Ok(verb.render_long_help().to_string().trim_end().to_owned())
}
