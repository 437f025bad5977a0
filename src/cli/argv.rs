//! What Dokku and its SSH entry do to the words of a command line, undone before they are parsed.

use std::ffi::OsString;

/// Words as clap takes them: the program, the verb without its `backups:`, then the rest.
pub fn tidy(args: Vec<OsString>) -> Vec<String> {
    let mut words = args.into_iter().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_else(|| "dokku-backups".to_owned());
    let first = words.next().unwrap_or_default();
    let verb = match first.strip_prefix("backups:") {
        // Triggers are called by the shim without the prefix; nobody reaches them as a command.
        Some(verb) if verb.contains(':') || verb.starts_with('-') => first,
        Some("") => "help".to_owned(),
        Some(verb) => verb.to_owned(),
        None if first.is_empty() || first == "backups" => "help".to_owned(),
        None => first,
    };
    let mut tidy = vec![program, verb];
    // Over SSH every word goes through `xargs /bin/echo`: `--help` arrives as the help text of echo, a line a word.
    let rest: Vec<String> = words.collect();
    if rest.iter().any(|word| word.starts_with("Usage: ") && word.contains("echo [")) {
        tidy.push("--help".to_owned());
        return tidy;
    }
    let verb = tidy[1].clone();
    tidy.extend(rest.into_iter().map(|word| single_value(&verb, word)));
    tidy
}

/// Dokku's reports and infos print a single value where its key is a flag: `report SERVICE --backups-verdict`,
/// `info SERVICE --latest --status`.
fn single_value(verb: &str, word: String) -> String {
    let key = match verb {
        "report" => word.strip_prefix("--backups-"),
        "info" => word.strip_prefix("--").filter(|key| SINGLE.contains(key)),
        _ => None,
    };
    key.map(|key| format!("--value={key}")).unwrap_or(word)
}

/// What `info` prints alone when it is asked for by its name.
const SINGLE: [&str; 11] = [
    "status",
    "trust",
    "size",
    "source",
    "created",
    "path",
    "sha-256",
    "presence",
    "image",
    "server-version",
    "at-work",
];

/// Whether `--format json` stands anywhere among the words.
pub fn asks_for_json(words: &[String]) -> bool {
    words.iter().any(|word| word == "--format=json")
        || words.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied(words: &[&str]) -> Vec<String> {
        tidy(words.iter().map(OsString::from).collect())
    }

    #[test]
    fn the_verb_repeats_the_plugin() {
        assert_eq!(tidied(&["x", "backups:list", "db"]), ["x", "list", "db"]);
        assert_eq!(tidied(&["x", "backups"]), ["x", "help"]);
        assert_eq!(tidied(&["x"]), ["x", "help"]);
    }

    #[test]
    fn help_that_echo_swallowed_is_help_again() {
        let words = [
            "x",
            "backups:export",
            "db",
            "Usage: /bin/echo [SHORT-OPTION]... [STRING]...",
            "  or:  /bin/echo LONG-OPTION",
        ];
        assert_eq!(tidied(&words), ["x", "export", "--help"]);
    }
}
