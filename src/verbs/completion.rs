//! Completion in bash, made from the grammar. Dokku completes its own commands with a function for the word `dokku`;
//! ours takes that word over, answers for `backups:...`, and leaves all the rest to Dokku's.

use clap::Command;

use super::help::commands;
use crate::error::Result;
use crate::operations::Context;
use crate::properties::ALL;

/// What does not depend on the grammar. `@VERBS@` and the like are filled in below.
const SCRIPT: &str = include_str!("completion.bash");

/// Its value is a service, as most words are.
const FROM_SERVICE: &str = "from-service";

/// Prints the script.
pub fn run(context: &Context) -> Result<()> {
    let commands = commands();
    let verbs: Vec<&str> = commands.iter().map(Command::get_name).collect();
    let options: String = commands.iter().map(options).collect();
    let keys: Vec<&str> = ALL.iter().map(|property| property.key).collect();
    let script = SCRIPT.replace("@VERBS@", &verbs.join(" ")).replace("@KEYS@", &keys.join(" "));
    Ok(context.ui.document(script.replace("    @OPTIONS@\n", &options).trim_end())?)
}

/// One line of the table: what a verb takes, and the values of what has a fixed set of them.
fn options(verb: &Command) -> String {
    let shown = verb.get_arguments().filter(|argument| !argument.is_hide_set());
    let mut words = Vec::new();
    let mut lines = String::new();
    for argument in shown {
        let Some(long) = argument.get_long() else { continue };
        words.push(format!("--{long}"));
        let values: Vec<String> =
            argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        if !argument.get_action().takes_values() || long == FROM_SERVICE {
            continue;
        }
        let then = if values.is_empty() { "return 0".to_owned() } else { format!("words='{}'", values.join(" ")) };
        lines.push_str(&format!("    {}:--{long}) {then} ;;\n", verb.get_name()));
    }
    format!("{lines}    {}:-) words='{}' ;;\n", verb.get_name(), words.join(" "))
}
