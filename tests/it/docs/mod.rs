//! Every command block of README.md and docs/ is run, in order, in one shell on a host of its own. A document without a
//! scene here fails, and so does a command in one that the program does not know.

mod blocks;
mod grammar;
mod scenes;

use std::fs;

use blocks::{Doc, Part, documents};

use super::support::{Host, Run, finish};

/// What a document takes for granted.
#[derive(Default)]
struct Scene {
    /// Words of the document and what stands for them on the test's host. Each must occur.
    instead: Vec<(&'static str, String)>,
    /// Commands that are run first, in the same shell.
    first: String,
    /// What happens at `<!-- here: WHAT -->`.
    here: Vec<(&'static str, String)>,
}

/// The machine around the commands: people answer questions with the name that is asked for, and `ssh` reaches the host.
const SHELL: &str = r#"
set -Eeu -o pipefail
block=none
trap 'echo "@@ the block at $block failed: $BASH_COMMAND" >&2' ERR
dokku() {
  case " $* " in
    *" --force "*) command dokku "$@" ;;
    *" backups:import "* | *" backups:reset "* | *:destroy\ *) printf '%s\n' "$2" | command dokku "$@" ;;
    *) command dokku "$@" ;;
  esac
}
# The server splits the line again, without a shell, for the dokku user; for root it is a shell's.
ssh() {
  local user=${1%%@*} words
  shift
  if [ "$user" = dokku ]; then
    mapfile -t words < <(printf '%s' "$*" | xargs -n1)
    dokku "${words[@]}"
  else
    bash -c "$*"
  fi
}
sudo() { "$@"; }
# As much of jq as the documents use, and perhaps not installed: one field, which may lie within others.
jq() { /usr/bin/python3 -c 'import functools, json, sys
print(functools.reduce(lambda of, name: of[name], sys.argv[1][1:].split("."), json.load(sys.stdin)))' "$2"; }
"#;

/// Runs all blocks of `doc` as `scene` has it.
fn play(host: &Host, doc: &Doc, scene: &Scene) -> Run {
    let mut script = format!("{SHELL}\n{}\n", scene.first);
    for part in &doc.parts {
        match part {
            Part::Commands { not_run: Some(_), .. } => {}
            Part::Commands { line, text, .. } => script.push_str(&format!("block={}:{line}\n{text}\n", doc.path)),
            Part::Here(what) => {
                let (_, commands) = scene
                    .here
                    .iter()
                    .find(|(name, _)| name == what)
                    .unwrap_or_else(|| panic!("what happens at {what:?}?"));
                script.push_str(&format!("block={what:?}\n{commands}\n"));
            }
        }
    }
    for (word, instead) in &scene.instead {
        assert!(script.contains(word), "{}: there is no {word:?} to stand for", doc.path);
        script = script.replace(word, instead);
    }
    let work = host.dir().join("work");
    let _ = fs::create_dir(&work);
    let mut command = host.command("bash");
    command.args(["-c", &script]).current_dir(&work);
    finish(command)
}

/// One test for each document: `name: "path" => scene`.
macro_rules! documents {
    ($($name:ident: $path:literal => $scene:expr;)*) => {
        /// Those that are run.
        const RUN: &[&str] = &[$($path),*];
        $(#[test]
        fn $name() {
            let doc = Doc::read($path);
            grammar::check(&doc);
            $scene(&doc);
        })*
    };
}

documents! {
    readme: "README.md" => scenes::readme;
    ux_343_requirements: "docs/requirements.md" => scenes::nothing_to_run;
    ux_344_three_in_the_morning: "docs/3-am.md" => scenes::three_in_the_morning;
    ux_342_architecture: "docs/architecture.md" => scenes::nothing_to_run;
    row_051_by_hand: "docs/by-hand.md" => scenes::by_hand;
    disaster_drill: "docs/disaster-drill.md" => scenes::disaster_drill;
    row_038_every_day: "docs/every-day.md" => scenes::every_day;
    files: "docs/files.md" => scenes::nothing_to_run;
    foreign_dumps: "docs/foreign-dumps.md" => scenes::nothing_to_run;
    off_site: "docs/off-site.md" => scenes::off_site;
    over_ssh: "docs/over-ssh.md" => scenes::nothing_to_run;
    row_004_platforms: "docs/platforms.md" => scenes::platforms;
    restores: "docs/restores.md" => scenes::restores;
    rights: "docs/rights.md" => scenes::rights;
    storage: "docs/storage.md" => scenes::storage;
    schedules: "docs/schedules.md" => scenes::schedules;
    row_047_practice_run: "docs/practice-run.md" => scenes::practice_run;
}

#[test]
fn every_document_is_run() {
    let mut run: Vec<&str> = RUN.to_vec();
    run.sort_unstable();
    assert_eq!(documents(), run, "add the document, and its scene, in tests/it/docs/mod.rs");
}

/// The mechanism itself: a command that fails is seen, and so are unknown verbs, flags and languages.
#[test]
fn a_wrong_document_is_seen() {
    let host = Host::up();
    let doc = |text: &str| {
        let file = tempfile::Builder::new().suffix(".md").tempfile().expect("a file");
        fs::write(file.path(), text).expect("text");
        Doc::read(file.path().to_str().expect("a path"))
    };
    let good = doc("```sh\ndokku backups:list | cat\n```\n");
    play(&host, &good, &Scene::default()).expect(0);
    let wrong = doc("1. x\n\n   ```sh\n   dokku backups:list nosuch | cat\n   echo on\n   ```\n");
    let run = play(&host, &wrong, &Scene::default());
    assert!(run.code != Some(0) && run.stderr.contains(":3 failed"), "{run:?}");
    assert!(!run.out().contains("on"), "{run:?}");
    let seen = |text: &str| {
        let text = text.to_owned();
        std::panic::catch_unwind(move || {
            let file = tempfile::Builder::new().suffix(".md").tempfile().expect("a file");
            fs::write(file.path(), &text).expect("text");
            grammar::check(&Doc::read(file.path().to_str().expect("a path")));
        })
        .is_err()
    };
    assert!(!seen("<!-- not run: no host -->\n```sh\ndokku backups:export my-db --verify && true\n```\n"));
    for bad in [
        "<!-- not run: no host -->\n```sh\ndokku backups:exprot my-db\n```\n",
        "```sh\nx=$(ssh dokku@host backups:export my-db --verfy)\n```\n",
        "Say `dokku backups:nothing`.\n",
        "<!-- not run: x -->\n```sh\nmake nothing\n```\n",
        "```bash\nls\n```\n",
        "```\ndokku backups:list\n```\n",
        "<!-- not run: x -->\nwords\n",
        "```sh\nls\n",
    ] {
        assert!(seen(bad), "{bad}");
    }
}
