//! Words that people type and read (ux 322, 338).

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
