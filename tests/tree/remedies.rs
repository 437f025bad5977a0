//! What to do next is given apart from words about it: a page makes a button of a command.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("src").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

/// The texts of all `.hint("...")` and `.hint(format!("..."))` in `code`.
fn hints(code: &str) -> Vec<String> {
    let text = |rest: &str| {
        let rest = rest.trim_start().strip_prefix("format!(").unwrap_or(rest.trim_start()).trim_start();
        let quoted = rest.strip_prefix('"')?;
        Some(quoted.replace("\\\"", "'").split('"').next()?.to_owned())
    };
    code.split(".hint(").skip(1).filter_map(text).collect()
}

/// A whole command behind a colon, or alone: nothing in it is to be filled in.
fn holds_a_command(hint: &str) -> bool {
    let starts = ["dokku ", "sudo ", "df ", "ls -", "dmesg", "findmnt ", "docker ", "rm "];
    // A verb has a colon, a sentence about Dokku has not.
    let is_ours =
        |part: &&str| !part.starts_with("dokku ") || part.split(' ').nth(1).is_some_and(|verb| verb.contains(':'));
    let command = hint.split(": ").filter(is_ours).find(|part| starts.iter().any(|start| part.starts_with(start)));
    let is_placeholder = |word: &str| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c == '-');
    command.is_some_and(|command| {
        let words = command.split([' ', ':', ';', '/']);
        !words.clone().any(is_placeholder) && !command.contains("...") && !command.contains("{form}")
    })
}

#[test]
fn ux_331_a_command_is_no_part_of_a_hint() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for path in sources(&src) {
        let code = fs::read_to_string(&path).expect("source");
        let found = hints(&code).into_iter().filter(|hint| holds_a_command(hint));
        wrong.extend(found.map(|hint| format!("{}: {hint}", path.strip_prefix(&src).expect("inside").display())));
    }
    assert!(wrong.is_empty(), "say these with .remedy(note, command) or .command(command):\n{}", wrong.join("\n"));
}

#[test]
fn the_look_itself_sees() {
    let seen = |code: &str| hints(code).iter().any(|hint| holds_a_command(hint));
    assert!(seen(".hint(\"make one with: dokku backups:export shop\")"));
    assert!(seen(".hint(format!(\"see: df -h {path}\"))"));
    assert!(seen(".hint(\n    \"dokku backups:help\")"));
    assert!(!seen(".hint(\"wait for it with: --wait SECONDS\")"));
    assert!(!seen(".hint(\"back up now with: dokku backups:export SERVICE\")"));
    assert!(!seen(".remedy(\"make one with\", \"dokku backups:export shop\")"));
}
