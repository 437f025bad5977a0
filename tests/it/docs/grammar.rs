//! Every command of ours in a document is one that the program knows, with flags that it has.

use std::collections::BTreeSet;
use std::fs;

use super::blocks::{Doc, repository};

/// Dokku's own flags, and the one that only the gate reads.
const EVERYWHERE: [&str; 5] = ["--force", "--quiet", "--trace", "--app", "--skip-backup-check"];

/// Panics at the first verb, flag or make target that does not exist.
pub fn check(doc: &Doc) {
    let verbs = dokku_backups::verbs::commands();
    for line in doc.commands() {
        let line = line.split(" #").next().unwrap_or_default();
        for simple in line.split(['|', ';', '&', '(', ')', '<', '>', '`']) {
            let words: Vec<&str> = simple.split_whitespace().map(|word| word.trim_matches(['"', '\''])).collect();
            if let Some(at) = words.iter().position(|word| word.starts_with("backups:") && *word != "backups:*") {
                let name = &words[at]["backups:".len()..];
                let verb = verbs.iter().find(|verb| verb.get_name() == name);
                let verb = verb.unwrap_or_else(|| panic!("{}: no verb {name}: {line}", doc.path));
                let known: BTreeSet<String> = verb
                    .get_arguments()
                    .filter_map(|argument| argument.get_long())
                    .map(|long| format!("--{long}"))
                    .collect();
                for flag in words.iter().filter(|word| word.starts_with("--") && word.len() > 2) {
                    let flag = flag.split('=').next().unwrap_or_default();
                    assert!(
                        known.contains(flag) || EVERYWHERE.contains(&flag),
                        "{}: {name} has no {flag}: {line}",
                        doc.path
                    );
                }
            }
            if let ["make", target, ..] = words[..] {
                let makefile = fs::read_to_string(repository().join("Makefile")).expect("Makefile");
                let there = makefile.lines().any(|rule| rule.starts_with(&format!("{target}:")));
                assert!(there, "{}: there is no `make {target}`", doc.path);
            }
        }
    }
}
