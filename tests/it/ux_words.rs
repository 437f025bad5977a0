//! Words that people type and read (ux 322, 338 to 340, 344).

use super::support::Host;

#[test]
fn ux_322_a_word_that_people_try_leads_to_the_right_one() {
    let host = Host::up();
    host.database("shop", super::support::SHOP);
    let id = host.export("shop");
    for (words, hint) in [
        (&["backups:restore", "shop"][..], "a backup is restored by:\n           dokku backups:import shop --latest\n"),
        (&["backups:create", "shop"], "a backup is made by:\n           dokku backups:export shop\n"),
        (&["backups:capture"], "a backup is made by:\n           dokku backups:export SERVICE\n"),
        (&["backups:status", "postgres:shop"], "dokku backups:check postgres:shop"),
        (&["backups:url", "shop"], "dokku backups:download shop --latest > FILE"),
        (&["backups:exports", "shop"], "there is:\n           dokku backups:export\n"),
        (&["backups:help", "restore"], "a backup is restored by:\n           dokku backups:import SERVICE --latest\n"),
        (&["backups:frobnicate"], "dokku backups:help"),
    ] {
        let run = host.dokku(words).expect(2);
        assert!(run.stderr.contains(hint) && run.stderr.contains("there is no command backups:"), "{}", run.stderr);
    }
    for verb in ["import", "delete", "info", "verify", "download", "keep", "logs"] {
        let run = host.dokku(&[&format!("backups:{verb}"), "shop", &id]).expect(2);
        let hint = format!("a backup is named with --id:\n           dokku backups:{verb} shop --id {id}\n");
        assert!(run.stderr.contains(&hint), "{verb}: {}", run.stderr);
    }
    // What is advised is what works.
    host.dokku(&["backups:info", "shop", "--id", &id]).expect(0);
    assert_eq!(host.list("shop").len(), 1);
}

#[test]
fn ux_338_help_fits_80_columns_and_its_examples_can_be_pasted() {
    let host = Host::up();
    let overview = host.dokku(&["backups:help"]).expect(0).out();
    let verbs: Vec<&str> = overview.lines().filter_map(|line| line.trim().strip_prefix("backups:")).collect();
    let verbs = verbs.iter().filter_map(|line| line.split_whitespace().next());
    for help in verbs.map(|verb| host.dokku(&["backups:help", verb]).expect(0).out()).chain([overview.clone()]) {
        for line in help.lines() {
            assert!(line.chars().count() <= 80 && line == line.trim_end(), "{line:?}");
        }
        // A line that goes on says so to the shell.
        let Some((_, examples)) = help.split_once("Examples:\n") else { continue };
        let mut goes_on = false;
        for line in examples.lines() {
            assert_eq!(!goes_on, !line.starts_with("      "), "{help}");
            goes_on = line.ends_with(" \\");
        }
        assert!(!goes_on, "{help}");
    }
    let set = host.dokku(&["backups:help", "set"]).expect(0).out();
    let mut table = set.lines().skip_while(|line| *line != "Properties:").skip(1).take_while(|line| !line.is_empty());
    assert!(table.all(|line| line.starts_with("  ") && line.chars().nth(22).is_some_and(|c| c == ' ')), "{set}");
}

/// Phrases that were read aloud and did not sound.
#[test]
fn ux_339_words_that_nobody_says_are_gone() {
    let host = Host::up();
    host.database("shop", super::support::SHOP);
    let mut said = host.dokku(&["backups:help"]).expect(0).out();
    for verb in ["set", "verify", "export", "download", "schedule", "import", "reset", "check"] {
        said += &host.dokku(&["backups:help", verb]).expect(0).out();
    }
    said += &host.dokku(&["backups:set", "shop"]).expect(2).stderr;
    said += &host.dokku(&["backups:import", "shop", "--latest"]).stderr;
    host.export("shop");
    said += &host.dokku_stdin(b"no\n", &["backups:import", "shop", "--latest"]).expect(7).stderr;
    said += &host.dokku_stdin(b"no\n", &["backups:reset", "shop"]).expect(7).stderr;
    said += &host.dokku(&["backups:check", "shop"]).out();
    said += &host.dokku(&["--force", "postgres:destroy", "shop"]).expect(7).stderr;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for odd in [
        "programs say --force",
        "clients are ended",
        "to data:",
        "encrypt-to holds for",
        "write the result down (at least",
        "say which property",
        "shown to restore",
        "Take a backup out",
        "what is to stay longer",
        "Name the backup by",
        "1 backups",
    ] {
        assert!(!said.contains(odd), "{odd}");
    }
}

#[test]
fn ux_344_whoever_takes_over_finds_what_is_needed() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = |name: &str| std::fs::read_to_string(root.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(text("LICENSE").starts_with("MIT License") && text("Cargo.toml").contains("license = \"MIT\""));
    assert!(text("CHANGELOG.md").contains(concat!("## ", env!("CARGO_PKG_VERSION"))));
    let readme = text("README.md");
    for words in
        ["tried with", "[MIT](LICENSE)", "[what has changed](CHANGELOG.md)", "docs/3-am.md", "docs/requirements.md"]
    {
        assert!(readme.contains(words), "{words}");
    }
    // Every number that a test speaks of is in the list of requirements.
    let listed = text("docs/requirements.md");
    let (rows, faults) = listed.split_once("\n# Faults\n").expect("two lists");
    let mut seen = 0;
    super::support::walk(&root.join("tests/it"), &mut |path, _| {
        let Ok(source) = std::fs::read_to_string(path) else { return };
        for (list, kind) in [(rows, "fn row_"), (faults, "fn fault_")] {
            for found in source.split(kind).skip(1) {
                // This very file speaks of them, too.
                let Ok(number) = found[..3].parse::<u32>() else { continue };
                assert!(list.contains(&format!("\n| {number} | ")), "{}: {kind}{number}", path.display());
                seen += 1;
            }
        }
    });
    assert!(seen > 100, "{seen}");
}

#[test]
fn ux_340_a_time_is_said_once_where_the_zone_is_utc() {
    let host = Host::up();
    host.database("shop", super::support::SHOP);
    host.dokku(&["backups:schedule", "shop", "daily"]).expect(0);
    let shown = |verb: &str| host.dokku(&[verb, "shop"]).expect(0).out();
    let next = |text: &str| text.lines().find(|line| line.contains("Next run:")).expect("next run").to_owned();
    let utc = next(&shown("backups:schedules"));
    assert_eq!((utc.matches(" UTC").count(), utc.contains('(')), (1, false), "{utc}");
    host.dokku(&["backups:unschedule", "shop", "daily"]).expect(0);
    host.dokku(&["backups:schedule", "shop", "daily", "--timezone", "Europe/Berlin"]).expect(0);
    let local = next(&shown("backups:schedules"));
    assert!(local.contains(" CE") && local.contains(" UTC)"), "{local}");
    // What matters stands on top: the verdict, what is wrong and what mends it; then what is set.
    let report = shown("backups:report");
    let at = |label: &str| {
        report.lines().position(|line| line.contains(label)).unwrap_or_else(|| panic!("{label}: {report}"))
    };
    assert!(at("Backups verdict:") == 1 && at("Backups warning:") < at("Backups gate:"), "{report}");
}
