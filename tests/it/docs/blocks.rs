//! The blocks of a document, and what may stand before one:
//!
//! `<!-- not run: WHY -->` the next block is only held against the program's grammar and the Makefile;
//! `<!-- here: WHAT -->` something happens between two blocks; the document's scene says what.

use std::fs;
use std::path::{Path, PathBuf};

/// One thing in the order of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A block of commands, from the line on which it begins; with a reason it is not run.
    Commands { line: usize, text: String, not_run: Option<String> },
    /// Something that happens meanwhile.
    Here(String),
}

/// A document.
pub struct Doc {
    /// Relative to the repository.
    pub path: String,
    /// The whole text.
    pub text: String,
    /// Its commands and events, in order.
    pub parts: Vec<Part>,
}

pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README.md and everything below docs/.
pub fn documents() -> Vec<String> {
    let mut found = vec!["README.md".to_owned()];
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(repository().join(&folder)).expect("docs").flatten() {
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                found.push(path.display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// A line `<!-- KEY: TEXT -->`.
fn comment<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.trim().strip_prefix("<!-- ")?.strip_suffix(" -->")?.strip_prefix(key)?.strip_prefix(": ")
}

impl Doc {
    /// Reads it. Languages whose blocks are not commands are named here; any other one is a mistake.
    pub fn read(path: &str) -> Doc {
        let text = fs::read_to_string(repository().join(path)).expect(path);
        let mut parts = Vec::new();
        let (mut block, mut not_run): (Option<(usize, String, String)>, Option<String>) = (None, None);
        for (number, line) in text.lines().enumerate() {
            let fence = line.trim_start().strip_prefix("```");
            match (&mut block, fence) {
                (None, Some(language)) => block = Some((number + 1, language.trim().to_owned(), String::new())),
                (Some(_), Some(_)) => {
                    let (line, language, text) = block.take().expect("a block");
                    match language.as_str() {
                        "sh" => parts.push(Part::Commands { line, text, not_run: not_run.take() }),
                        "" | "toml" | "json" => {
                            let ours =
                                |line: &str| line.trim().starts_with("dokku ") || line.trim().starts_with("ssh ");
                            assert!(!text.lines().any(ours), "{path}:{line}: commands stand in a block of sh");
                        }
                        other => panic!("{path}:{line}: blocks of {other:?} are not known; commands are sh"),
                    }
                }
                (Some((_, _, text)), None) => {
                    text.push_str(line);
                    text.push('\n');
                }
                (None, None) => {
                    not_run = comment(line, "not run").map(str::to_owned).or(not_run.take());
                    parts.extend(comment(line, "here").map(|what| Part::Here(what.to_owned())));
                    assert!(
                        not_run.is_none() || line.trim().is_empty() || line.trim().starts_with("<!--"),
                        "{path}:{number}: a block follows `not run`"
                    );
                }
            }
        }
        assert!(block.is_none(), "{path}: a block does not end");
        Doc { path: path.to_owned(), text, parts }
    }

    /// Its commands: those in blocks, and those in the text that begin with `dokku backups:`.
    pub fn commands(&self) -> Vec<String> {
        let mut found = Vec::new();
        for part in &self.parts {
            if let Part::Commands { text, .. } = part {
                found.extend(text.replace("\\\n", " ").lines().map(str::to_owned));
            }
        }
        let prose = self.text.split("```").step_by(2);
        let spans = prose.flat_map(|text| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>());
        found.extend(spans.filter(|span| span.starts_with("dokku backups:") && !span.contains('\n')));
        found
    }
}
