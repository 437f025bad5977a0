//! Writes the JSON schemas of all answers into a folder, from the types the program prints, and the words that can stand in
//! them into the document beside it: `make schema`.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)] // It is a tool for the repository, not the program.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use dokku_backups::answers::{listing, schemas};

/// The heading of the part of the document that is made here; it is the last one.
const WORDS: &str = "\n## Words that programs rely on\n\n\
    What can stand in a field, and where. This part is made from the program (`make schema`).\n";

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: schema FOLDER")?);
    fs::create_dir_all(&folder)?;
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            fs::remove_file(path)?;
        }
    }
    for answer in schemas() {
        fs::write(folder.join(format!("{}.json", answer.name)), serde_json::to_string_pretty(&answer.schema)? + "\n")?;
    }
    let document = folder.join("../platforms.md");
    let text = fs::read_to_string(&document)?;
    let (before, _) = text.split_once(WORDS).ok_or("docs/platforms.md has no part for the words")?;
    fs::write(&document, format!("{before}{WORDS}{}", listing()))?;
    Ok(())
}
