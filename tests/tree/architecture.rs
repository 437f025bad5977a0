//! The walls of the house: imports go down only, neighbours never meet, files and functions stay small.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Layers from the bottom up; those on one line are neighbours, which never import each other.
const LAYERS: &[&[&str]] = &[
    &["error", "datastores"],
    &["domain", "document"],
    &["sys"],
    &["settings"],
    &["ui", "dokku", "engine", "catalogue", "codec", "delta", "store", "stream", "properties", "schedules", "rights"],
    &["answers"],
    &["operations"],
    &["verbs"],
    &["cli"],
    &["lib", "main"],
];

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

fn level(layer: &str) -> usize {
    LAYERS.iter().position(|level| level.contains(&layer)).unwrap_or_else(|| panic!("{layer} is in no layer"))
}

/// Every module named behind `crate::`, also in `use crate::{a, b}`.
fn imports(text: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    text.match_indices("crate::")
        .flat_map(|(at, found)| {
            let rest = &text[at + found.len()..];
            match rest.strip_prefix('{') {
                Some(list) => list.split('}').next().unwrap_or("").split(',').map(|part| word(part.trim())).collect(),
                None => vec![word(rest)],
            }
        })
        .filter(|module| !module.is_empty())
        .collect()
}

#[test]
fn imports_go_down_only_and_neighbours_never_meet() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for path in sources(&src) {
        let inside = path.strip_prefix(&src).expect("inside src");
        let own = inside.iter().next().expect("a name").to_string_lossy().trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&path).expect("source");
        for module in imports(&text).into_iter().filter(|module| *module != own) {
            if level(&module) >= level(&own) {
                wrong.push(format!("{} imports {module}", inside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_stay_small() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lines = |path: &PathBuf| fs::read_to_string(path).expect("source").lines().count();
    let mut sizes: Vec<(usize, PathBuf)> = sources(&src).into_iter().map(|path| (lines(&path), path)).collect();
    sizes.sort();
    let large: Vec<_> = sizes.iter().filter(|(size, _)| *size > 400).collect();
    assert!(large.is_empty(), "over 400 lines: {large:?}");
    assert!(sizes[sizes.len() / 2].0 <= 130, "the median file has {} lines", sizes[sizes.len() / 2].0);
}

/// Bytes are read in a loop by `stream` alone, which listens for signals and requests to end at every piece: a loop of
/// one's own would be deaf. What reads here gives its bytes to such a loop.
#[test]
fn only_the_stream_reads_in_a_loop() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let reads = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("source");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let of_others = ["stream", "sys", "engine"].iter().any(|layer| path.starts_with(src.join(layer)));
        let tests = path.ends_with("codec/tests.rs");
        !of_others && !tests && [".read(&mut", "io::copy(", ".read_exact("].iter().any(|call| code.contains(call))
    };
    let mut reading: Vec<PathBuf> = sources(&src).into_iter().filter(reads).collect();
    reading.sort();
    // A child, and what an upload is made of: both are called off themselves.
    assert_eq!(reading, ["operations/offsite/sealing.rs"].map(|path| src.join(path)));
}

/// Words reach stdout and stderr through `sys::output`, which shows what is hidden in them; `clippy.toml` forbids the
/// streams elsewhere, and this that somebody allows them.
#[test]
fn only_one_place_writes_to_the_streams() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let writes = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("source");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        !path.ends_with("domain/retention/histories.rs")
            && ["io::stdout()", "io::stderr()", "println!", "print!(", "disallowed_macros"]
                .iter()
                .any(|call| code.contains(call))
    };
    let mut writing: Vec<PathBuf> = sources(&src).into_iter().filter(writes).collect();
    writing.sort();
    // `lib` allows tests to print; `settings` only asks whether the streams are terminals.
    assert_eq!(writing, ["lib.rs", "settings.rs", "sys/output.rs"].map(|path| src.join(path)));
}

/// Services come to the verbs through `resolve` alone: it asks Dokku which of them the caller may see, and what they may
/// do with them.
#[test]
fn only_one_place_asks_which_services_a_caller_may_see() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let asks = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("source");
        path.starts_with(src.join("operations")) && (text.contains(".visible(") || text.contains(".may("))
    };
    let mut asking: Vec<PathBuf> = sources(&src).into_iter().filter(asks).collect();
    asking.sort();
    assert_eq!(asking, ["operations/access.rs", "operations/select/service.rs"].map(|path| src.join(path)));
}

/// What belongs to a datastore is said in its own folder of `engine` only, in code and in comments: its SQL, its client
/// programs, its tables. `postgres` alone is the name of Dokku's plugin, which anybody may say.
#[test]
fn nothing_of_a_datastore_is_named_outside_its_engine() {
    const WORDS: &[&str] = &[
        "psql",
        "pg_",
        "PostgreSQL",
        "postgresql",
        "PGPASS",
        "PGDMP",
        "PL/",
        "COPY ",
        "SELECT ",
        "INSERT ",
        "ALTER ",
        "DROP ",
        "GRANT ",
        "mysqldump",
        "mysql ",
        "mariadb-dump",
        "redis-cli",
        "dump.rdb",
        "mongodump",
    ];
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let engines: Vec<PathBuf> =
        fs::read_dir(src.join("engine")).expect("src/engine").flatten().map(|entry| entry.path()).collect();
    let engines: Vec<&PathBuf> = engines.iter().filter(|path| path.is_dir()).collect();
    assert!(!engines.is_empty(), "there is no engine");
    let mut wrong = Vec::new();
    for path in sources(&src) {
        if engines.iter().any(|engine| path.starts_with(engine)) {
            continue;
        }
        let text = fs::read_to_string(&path).expect("source");
        for (number, line) in text.lines().enumerate() {
            let inside = engines.iter().map(|engine| engine.file_name().expect("a name").to_string_lossy());
            let named = inside.map(|name| format!("engine::{name}")).find(|name| line.contains(name.as_str()));
            let word = WORDS.iter().find(|word| line.contains(**word)).map(|word| (*word).to_owned()).or(named);
            wrong.extend(word.map(|word| format!("{}:{}: {word}", path.display(), number + 1)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The folders of `operations` may meet each other, but in one direction: a circle would be one folder in two pieces.
#[test]
fn operations_meet_without_circles() {
    let floor = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/operations");
    let mut meets: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in sources(&floor) {
        let inside = path.strip_prefix(&floor).expect("inside");
        let own = inside.iter().next().expect("a name").to_string_lossy().trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&path).expect("source");
        let named = text.match_indices("crate::operations::").map(|(at, found)| &text[at + found.len()..]);
        let names = named.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>());
        // Types that `operations` hands on itself come from its smallest files, which meet nobody.
        let folders = names.filter(|name| name.starts_with(|c: char| c.is_lowercase()) && *name != own);
        meets.entry(own.clone()).or_default().extend(folders);
    }
    assert!(meets.len() > 10, "{meets:?}");
    // What meets only what was taken away already goes away; a circle stays.
    while let Some(done) = meets.iter().find(|(_, others)| others.iter().all(|other| !meets.contains_key(other))) {
        let done = done.0.clone();
        meets.remove(&done);
    }
    assert!(meets.is_empty(), "a circle among {meets:#?}");
}
