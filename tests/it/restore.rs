//! Restore, delete, help, and who may see what.

use std::collections::BTreeSet;
use std::fs;

use super::support::fixture::ITEMS;
use super::support::{Host, Run, SHOP};

fn rows(host: &Host, service: &str) -> String {
    host.sql(service, "select count(*) from items")
}

#[test]
fn row_040_041_a_restore_asks_for_the_name() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    host.sql("shop", "delete from items where id > 10");
    let import = |answer: &[u8]| host.dokku_stdin(answer, &["backups:import", "shop", "--id", &id]);
    for answer in [&b"other\n"[..], b"", b"y\n", b"yes\n", b"\n", b"SHOP\n", b"\xff\xfe\n", b"shop shop\n"] {
        let run = import(answer).expect(7);
        assert!(run.stderr.contains("to proceed, type \"shop\""), "{}", run.stderr);
        assert!(run.stdout.is_empty(), "{run:?}");
        assert_eq!((rows(&host, "shop").as_str(), host.list("shop").len()), ("10", 1), "{answer:?}");
    }
    // /dev/null on stdin, and an endless answer.
    host.dokku(&["backups:import", "shop", "--id", &id]).expect(7);
    import(&[b'x'; 1 << 17]).expect(7);
    assert_eq!((rows(&host, "shop").as_str(), host.list("shop").len()), ("10", 1));
    assert_eq!(host.calls("postgres:import"), 0);
    let run = import(b"shop\n").expect(0);
    assert_eq!(rows(&host, "shop"), "500");
    for words in [format!("Plan: restore {id} into shop"), "trust:".into(), "versions:".into(), "made:".into()] {
        assert!(run.stderr.contains(&words), "the plan lacks {words:?}: {}", run.stderr);
    }
    host.check("shop", &[id], true);
}

#[test]
fn row_043_049_safety_backup_and_history() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    host.sql("shop", "delete from items where id > 10");
    host.dokku(&["backups:import", "shop", "--id", &id, "--force"]).expect(0);
    let safety = host.list("shop").into_iter().find(|b| b["source"] == "safety").expect("a safety backup");
    assert_eq!((safety["status"].as_str(), safety["tables"][0]["rows"].as_u64()), (Some("success"), Some(10)));
    host.sql("shop", "delete from items");
    host.dokku(&["backups:import", "shop", "--id", &id, "--force", "--no-backup"]).expect(0);
    assert_eq!(host.list("shop").len(), 2, "--no-backup took one");
    let restores = host.info("shop", &id)["restores"].clone();
    let restores = restores.as_array().expect("restores");
    assert_eq!(restores.len(), 2);
    for restore in restores {
        assert_eq!((restore["status"].as_str(), restore["target"].as_str()), (Some("success"), Some("shop")));
        assert!(restore["started_by"].as_str().is_some_and(|by| !by.is_empty()), "{restore}");
        assert!(restore["started_at"].is_string() && restore["finished_at"].is_string(), "{restore}");
    }
    assert_eq!(restores[0]["safety_backup"], safety["id"]);
    assert!(restores[1]["safety_backup"].is_null());
    let table = host.dokku(&["backups:list", "shop", "--verbose"]).expect(0).out();
    let line = table.lines().find(|line| line.starts_with(&id)).expect("a row").to_owned();
    let done = restores[1]["finished_at"].as_str().expect("a time")[..19].replace('T', " ");
    assert!(line.contains(&format!("done {done} UTC")), "{line}");
    let info = host.dokku(&["backups:info", "shop", "--id", &id]).expect(0).out();
    assert_eq!(info.lines().filter(|line| line.contains("Restore:") && line.contains("into shop by")).count(), 2);
    // The safety backup brings back what the first restore replaced.
    let undo = safety["id"].as_str().expect("an id");
    host.dokku(&["backups:import", "shop", "--id", undo, "--force", "--no-backup"]).expect(0);
    assert_eq!(rows(&host, "shop"), "10");
    host.check("shop", &[id, undo.to_owned()], true);
}

#[test]
fn row_043_no_safety_backup_no_restore() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    host.sql("shop", "delete from items where id > 10");
    host.fault("postgres:export/broken=100");
    let run = host.dokku(&["backups:import", "shop", "--id", &id, "--force"]).expect(7);
    host.fault("");
    assert!(run.stderr.contains("the safety backup failed") && run.stderr.contains("--no-backup"), "{}", run.stderr);
    assert_eq!(rows(&host, "shop"), "10");
    let restores = host.info("shop", &id)["restores"].clone();
    assert!(restores[0]["status"] == "failed" && restores[0]["safety_backup"].is_null(), "{restores}");
    host.check("shop", &[id], false);
}

#[test]
fn row_044_from_another_service() {
    let host = Host::up();
    host.database("shop", ITEMS);
    let id = host.export("shop");
    host.database("staging", "create table items(id int primary key, name text);");
    // The other's id is not the target's.
    host.dokku(&["backups:import", "staging", "--id", &id, "--force"]).expect(4);
    host.dokku_stdin(b"shop\n", &["backups:import", "staging", "--from-service", "shop", "--id", &id]).expect(7);
    assert_eq!(rows(&host, "staging"), "0");
    host.dokku_stdin(b"staging\n", &["backups:import", "staging", "--from-service", "shop", "--latest"]).expect(0);
    assert_eq!((rows(&host, "staging"), rows(&host, "shop")), ("500".to_owned(), "500".to_owned()));
    let restore = host.info("shop", &id)["restores"][0].clone();
    assert_eq!((restore["target"].as_str(), restore["status"].as_str()), (Some("staging"), Some("success")));
    let safety = host.list("staging").remove(0);
    assert_eq!((safety["source"].as_str(), &safety["id"]), (Some("safety"), &restore["safety_backup"]));
    host.check("shop", &[id], true);
    host.check("staging", &[safety["id"].as_str().expect("an id").to_owned()], true);
}

#[test]
fn row_041_045_other_code_is_told_with_the_commands() {
    let host = Host::up();
    host.database("shop", ITEMS);
    host.dokku(&["apps:create", "web"]).expect(0);
    host.dokku(&["postgres:link", "shop", "web"]).expect(0);
    let then = host.dokku(&["sandbox:deploy", "web", "file=1"]).expect(0).id();
    let id = host.export("shop");
    let same = host.dokku(&["backups:import", "shop", "--id", &id, "--force", "--no-backup"]).expect(0);
    assert!(!same.stderr.contains("other code"), "{}", same.stderr);
    let now = host.dokku(&["sandbox:deploy", "web", "file=2"]).expect(0).id();
    assert_ne!(then, now);
    let run = host.dokku(&["backups:import", "shop", "--id", &id, "--force", "--no-backup"]).expect(0);
    for words in ["web runs other code", "git push", "git:sync", then.as_str(), &now[..10]] {
        assert!(run.stderr.contains(words), "{words:?} is not said: {}", run.stderr);
    }
    host.check("shop", &[id], true);
}

#[test]
fn row_058_deleted_is_kept_as_a_record() {
    let (host, old) = Host::with_backup();
    let new = host.export("shop");
    let run = host.dokku(&["backups:delete", "shop", "--id", &old]).expect(0);
    assert!(run.stdout.is_empty() && run.stderr.contains(&format!("Deleted {old}")), "{run:?}");
    assert!(!host.folder("shop").join(format!("{old}.dump")).exists());
    let info = host.info("shop", &old);
    assert!(info["deleted_at"].is_string() && info["deleted_by"].as_str().is_some_and(|by| !by.is_empty()), "{info}");
    let shown = host.dokku(&["backups:list", "shop"]).expect(0).out();
    assert!(!shown.contains(&old) && shown.contains(&new), "{shown}");
    let all = host.dokku(&["backups:list", "shop", "--deleted"]).expect(0).out();
    assert!(all.lines().any(|line| line.starts_with(&old) && line.contains(" Deleted ")), "{all}");
    let again = host.dokku(&["backups:delete", "shop", "--id", &old]).expect(0);
    assert!(again.stderr.contains("deleted already"), "{}", again.stderr);
    assert_eq!(host.info("shop", &old)["deleted_at"], info["deleted_at"], "the first time counts");
    host.dokku(&["backups:import", "shop", "--id", &old, "--force"]).expect(4);
    // The last good copy needs --force; nothing is begun when one of several may not go or is not there.
    let last = host.dokku(&["backups:delete", "shop", "--id", &new]).expect(7);
    assert!(last.stderr.contains("last good backup") && last.stderr.contains("--force"), "{}", last.stderr);
    host.dokku(&["backups:delete", "shop", "--id", &new, "--id", "shop-2001-01-01-00-00-00", "--force"]).expect(4);
    host.check("shop", std::slice::from_ref(&new), true);
    host.dokku(&["backups:delete", "shop", "--id", &new, "--force"]).expect(0);
    assert_eq!(host.dumps("shop").len(), 0);
    assert_eq!(host.dokku(&["backups:list", "shop"]).expect(0).out(), "No backups\n");
    host.check("shop", &[], true);
}

#[test]
fn what_one_may_not_see_does_not_exist() {
    let host = Host::up();
    for name in ["seen", "hide"] {
        host.database(name, SHOP);
        host.dokku(&["backups:export", name, "--at", "2020-01-01T00:00:00Z"]).expect(0);
    }
    host.hide("hide");
    let verbs: [&[&str]; 15] = [
        &["export", "NAME"],
        &["export", "seen", "NAME"],
        &["list", "NAME"],
        &["info", "NAME", "--latest"],
        &["info", "NAME", "--id", "NAME-2020-01-01-00-00-00"],
        &["logs", "NAME", "--latest"],
        &["import", "NAME", "--latest", "--force"],
        &["import", "seen", "--from-service", "NAME", "--latest", "--force"],
        &["delete", "NAME", "--id", "NAME-2020-01-01-00-00-00", "--force"],
        &["sync", "NAME"],
        &["verify", "NAME", "--latest"],
        &["fork", "NAME", "new", "--latest"],
        &["reset", "NAME", "--force"],
        &["report", "NAME"],
        &["set", "NAME", "gate", "off"],
    ];
    for verb in verbs {
        for json in [false, true] {
            let run = |name: &str| -> Run {
                let mut words: Vec<String> = verb.iter().map(|word| word.replace("NAME", name)).collect();
                words[0] = format!("backups:{}", words[0]);
                if json && !["logs", "reset", "set"].contains(&verb[0]) {
                    words.extend(["--format".to_owned(), "json".to_owned()]);
                }
                host.dokku(&words.iter().map(String::as_str).collect::<Vec<_>>())
            };
            let (hidden, missing) = (run("hide"), run("nope"));
            assert_eq!(hidden.code, Some(4), "{verb:?}: {hidden:?}");
            let said = |run: &Run| (run.code, run.out(), run.stderr.clone());
            let (code, out, err) = said(&missing);
            assert_eq!(said(&hidden), (code, out.replace("nope", "hide"), err.replace("nope", "hide")), "{verb:?}");
        }
    }
    for verb in [&["backups:list"][..], &["backups:list", "--format", "json"], &["backups:sync"], &["backups:report"]] {
        let run = host.dokku(verb).expect(0);
        assert!(run.out().contains("seen") && !run.out().contains("hide"), "{run:?}");
        assert!(!run.stderr.contains("hide"), "{run:?}");
    }
    let all = host.dokku(&["backups:export", "--all"]).expect(0);
    assert!(all.out().contains("seen-") && !all.out().contains("hide"), "{all:?}");
    fs::remove_dir_all(std::path::Path::new(host.var("PLUGIN_PATH")).join("enabled/access")).expect("the plugin");
    assert_eq!(host.list("hide").len(), 1, "something was done to it all the same");
    host.check("hide", &["hide-2020-01-01-00-00-00".to_owned()], true);
}

#[test]
fn help_in_every_form() {
    let host = Host::up();
    let overview = host.dokku(&["backups:help"]).expect(0).out();
    assert!(overview.starts_with("Usage: dokku backups[:COMMAND]"), "{overview}");
    for form in [&["backups"][..], &["backups:help", "--all"]] {
        assert_eq!(host.dokku(form).expect(0).out(), overview, "{form:?}");
    }
    let all = host.dokku(&["help"]).expect(0).out();
    assert_eq!(all.lines().filter(|line| line.trim_start().starts_with("backups ")).count(), 1, "{all}");
    let one = host.dokku(&["backups:help", "export"]).expect(0).out();
    for words in ["Usage: dokku backups:export", "--at <TIME>", "Examples:", "dokku backups:export --all"] {
        assert!(one.contains(words), "{words:?} is missing: {one}");
    }
    assert_eq!(host.dokku(&["backups:help", "backups:export"]).expect(0).out(), one);
    // Over SSH `--help` arrives as the help text of echo.
    let echo =
        ["backups:export", "shop", "Usage: /bin/echo [SHORT-OPTION]... [STRING]...", "  or:  /bin/echo LONG-OPTION"];
    assert!(host.dokku(&echo).expect(0).out().contains("Usage: dokku backups:export"));
    for wrong in [&["backups:frobnicate"][..], &["backups:help", "frobnicate"], &["backups:list", "--frob"]] {
        let run = host.dokku(wrong).expect(2);
        assert!(run.stdout.is_empty() && run.stderr.starts_with(" !     "), "{wrong:?}: {run:?}");
        assert!(run.stderr.contains("dokku backups:help"), "{wrong:?}: {run:?}");
    }
    let version = host.dokku(&["backups:version"]).expect(0).out();
    assert_eq!(version, format!("dokku-backups {}\n", env!("CARGO_PKG_VERSION")));
    // No option that Dokku's SSH entry would swallow.
    for verb in verbs(&overview) {
        let help = host.dokku(&["backups:help", &verb]).expect(0).out();
        for eaten in ["-n", "-e", "-E"] {
            assert!(!help.split([' ', ',', '\n']).any(|word| word == eaten), "{verb} has {eaten}: {help}");
        }
    }
}

fn verbs(overview: &str) -> BTreeSet<String> {
    let verb = |line: &str| Some(line.trim_start().strip_prefix("backups:")?.split_whitespace().next()?.to_owned());
    overview.lines().filter_map(verb).collect()
}

#[test]
fn one_symlink_for_every_verb() {
    let host = Host::up();
    let folder = host.plugin().join("subcommands");
    let mut links = BTreeSet::new();
    for entry in fs::read_dir(&folder).expect("subcommands").flatten() {
        let name = entry.file_name().into_string().expect("a name");
        if name != "default" {
            assert_eq!(fs::read_link(entry.path()).expect("a symlink").to_str(), Some("default"), "{name}");
            links.insert(name);
        }
    }
    // What the crontab runs is a command like any other, but not one that a person types.
    assert!(links.remove("tick"));
    assert_eq!(links, verbs(&host.dokku(&["backups:help"]).expect(0).out()));
}
