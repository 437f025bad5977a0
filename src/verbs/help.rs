//! `dokku help`, `backups:help` and `backups:help VERB`.

use clap::{Arg, ArgAction, Command, CommandFactory};

use super::grammar::Cli;
use super::meant::no_such_verb;
use crate::error::Result;
use crate::operations::Context;
use crate::ui::{WIDTH, wrap};

/// The line in `dokku help`. Dokku splits it at its comma: there must be exactly one.
pub const LINE: &str = "    backups, Back up and restore datastore services; see dokku backups:help";

/// Verbs on which `--force` has a meaning; every verb takes it, because Dokku does.
const FORCED: &[&str] = &["import", "reset", "delete", "forget", "grant", "revoke"];

/// Every verb a person can type, as a command of its own: called as Dokku calls it, with its share of Dokku's flags.
pub fn commands() -> Vec<Command> {
    let cli = Cli::command();
    let force: Vec<Arg> = cli.get_arguments().filter(|flag| flag.get_id() == "force").cloned().collect();
    let flags = |verb: &Command| if FORCED.contains(&verb.get_name()) { force.clone() } else { Vec::new() };
    let shown = cli.get_subcommands().filter(|verb| !verb.is_hide_set());
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).help("Show this");
    let command = |verb: &Command| {
        let verb = verb.clone().args(flags(verb)).disable_help_flag(true).arg(help.clone());
        // Lines are folded by `wrap`, which leaves tables and commands what they are.
        let name = format!("dokku backups:{}", verb.get_name());
        verb.bin_name(name).term_width(0)
    };
    shown.map(command).collect()
}

/// Every verb a person can type, with its one-line description.
pub fn verbs() -> Vec<(String, String)> {
    let about = |verb: &Command| verb.get_about().map(ToString::to_string).unwrap_or_default();
    commands().iter().map(|verb| (verb.get_name().to_owned(), about(verb))).collect()
}

/// What `--latest` means, wherever it stands.
const LATEST: [&str; 3] = [
    "--latest is the newest good backup, the same for every command, the gate and check: not a safety backup,",
    "not one that looks suspicious. info and logs take --last, too: the newest of all, also failed or in the making.",
    "The gate before a destroy wants the newest good backup to be Restorable.",
];

/// Shows all verbs, or one with its arguments and examples.
pub fn run(context: &Context, verb: Option<&str>) -> Result<()> {
    let text = match verb {
        None => overview(),
        Some(verb) => explain(verb.strip_prefix("backups:").unwrap_or(verb))?,
    };
    Ok(context.ui.document(&wrap(&text, WIDTH))?)
}

fn overview() -> String {
    let mut lines = vec!["Usage: dokku backups[:COMMAND]".to_owned(), String::new()];
    lines.push("Backups that are checked when they are made and proven before they are restored.".to_owned());
    lines.push(String::new());
    lines.push("Additional commands:".to_owned());
    let width = verbs().iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    lines.extend(verbs().iter().map(|(name, about)| format!("    backups:{name:<width$}  {about}")));
    lines.push(String::new());
    lines.extend(LATEST.map(str::to_owned));
    lines.push(String::new());
    lines.push("One of them in full, with examples: dokku backups:help VERB".to_owned());
    lines.join("\n")
}

fn explain(name: &str) -> Result<String> {
    let mut verb = commands().into_iter().find(|verb| verb.get_name() == name).ok_or_else(|| {
        let shown: String = name.chars().take(64).collect();
        no_such_verb(&shown, None, &[])
    })?;
    Ok(verb.render_long_help().to_string().trim_end().to_owned())
}
