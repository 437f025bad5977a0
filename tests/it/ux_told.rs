//! What is told while something goes on, at its end, and by single values (ux 308, 314 to 319, 321, 324).

use std::fs;

use serde_json::{Value, json};

use super::support::{Deed, Host, SHOP};

#[test]
fn ux_308_the_first_grant_says_whom_it_locks_out_and_asks() {
    let host = Host::up();
    host.database("shop", SHOP);
    let ssh = std::path::Path::new(host.var("DOKKU_ROOT")).join(".ssh");
    fs::create_dir_all(&ssh).expect("a folder");
    let key = |name: &str| {
        format!(
            "command=\"FINGERPRINT=SHA256:x NAME=\\\"{name}\\\" `cat /home/dokku/.sshcommand` $X\",no-pty ssh-ed25519 AAAA {name}\n"
        )
    };
    fs::write(ssh.join("authorized_keys"), key("admin") + &key("ci")).expect("keys");
    let rights =
        || host.dokku(&["backups:report", "--global", "--format", "json"]).expect(0).json()["rights"]["state"].clone();
    let run = host.dokku(&["backups:grant", "nobody", "read", "shop"]).expect(7);
    assert!(
        run.stderr.contains("Dokku knows no SSH key named nobody") && run.stderr.contains("admin, ci"),
        "{}",
        run.stderr
    );
    let grant = ["backups:grant", "ci", "read", "shop"];
    let run = host.dokku(&grant).expect(7);
    assert!(run.stderr.contains("dokku --force backups:grant ci backups.read"), "{}", run.stderr);
    let asked = "to proceed, type \"ci\"";
    let run = host.on_terminal(&grant, asked, Deed::Types(b"no\n")).expect(7);
    assert!(
        run.stderr.contains("this grant switches them on") && run.stderr.contains("1 key may do nothing"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains(": admin"), "{}", run.stderr);
    assert_eq!(rights(), "off");
    host.on_terminal(&grant, asked, Deed::Types(b"ci\n")).expect(0);
    assert_eq!(rights(), "on");
    // Once they are on there is nothing to be asked; a key that is added later has to be meant.
    host.dokku(&["backups:grant", "admin", "read"]).expect(0);
    host.dokku(&["--force", "backups:grant", "later", "read"]).expect(0);
}

#[test]
fn ux_314_report_and_info_print_single_values() {
    let host = Host::up();
    host.database("shop", SHOP);
    let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    let value = |words: &[&str]| host.dokku(words).expect(0).out().trim_end().to_owned();
    assert_eq!(value(&["backups:report", "shop", "--backups-computed-gate"]), "on");
    assert_eq!(value(&["backups:report", "shop", "--backups-gate"]), "");
    assert!(value(&["backups:report", "shop", "--backups-newest-good"]).starts_with(&id));
    assert_eq!(value(&["backups:report", "shop", "--backups-destroy"]), "allowed");
    assert_eq!(value(&["backups:report", "--global", "--backups-global-gate"]), "");
    let run = host.dokku(&["backups:report", "shop", "--backups-nonsense"]).expect(2);
    assert!(
        run.stderr.contains("Invalid flag passed, valid flags: ") && run.stderr.contains("--backups-verdict"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("tip:"), "{}", run.stderr);
    assert_eq!(value(&["backups:info", "shop", "--latest", "--trust"]), "Restorable");
    assert_eq!(value(&["backups:info", "shop", "--latest", "--sha-256"]).len(), 64);
    assert!(value(&["backups:info", "shop", "--latest", "--image"]).starts_with("postgres:"));
    for wrong in [&["backups:list", "shop", "--limitt", "1"][..], &["backups:info", "shop", "--latest", "--nonsense"]] {
        let run = host.dokku(wrong).expect(2);
        assert!(!run.stderr.contains("to pass '"), "{}", run.stderr);
    }
}

#[test]
fn ux_316_317_318_what_is_going_on_and_how_long_it_took() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.sql("shop", "create table big as select i, md5(i::text) as t from generate_series(1, 200000) i");
    let made = host.dokku(&["backups:export", "shop", "--at", "2026-04-08T14:30:00Z", "--verify"]).expect(0);
    assert_eq!(made.stderr.matches("       took ").count(), 2, "{}", made.stderr);
    let id = made.id();
    let verification = host.info("shop", &id)["verification"].clone();
    assert!(verification["took_ms"].as_u64().is_some_and(|took| took > 0), "{verification}");
    let import =
        |more: &[&str]| host.dokku(&[&["--force", "backups:import", "shop", "--id", &id], more].concat()).expect(0);
    let first = import(&[]).stderr;
    assert!(first.contains("took ") && !first.contains("the last restore into"), "{first}");
    let second = import(&["--no-backup"]).stderr;
    assert!(
        second.contains("time:     the last restore into postgres:shop took ")
            || second.contains("time:     the last restore into shop took "),
        "{second}"
    );
    assert!(second.contains(" ago; what was written since then is lost"), "{second}");
    assert!(second.contains("safety:   ") && second.contains("data:     ") && !second.contains("to data:"), "{second}");
    let info = host.dokku(&["backups:info", "shop", "--id", &id]).expect(0).out();
    for words in ["Took:", "Verified:", ", took "] {
        assert!(info.contains(words), "{words}: {info}");
    }
    // On a terminal the long parts show how far they are; programs get nothing but data.
    let watched = host.on_terminal(
        &["--force", "backups:import", "shop", "--id", &id, "--no-backup"],
        "Restored",
        Deed::Types(b""),
    );
    assert!(watched.stderr.contains("left)") && watched.stderr.contains(" of about "), "{}", watched.stderr);
    let json = host.dokku(&["backups:verify", "shop", "--id", &id, "--format", "json"]).expect(0);
    assert_eq!(json.json()["trust"], "restorable");
    // Where one may type there is a mark, as in Dokku.
    let asked = host.on_terminal(&["backups:import", "shop", "--id", &id], "\n> ", Deed::Types(b"\x03"));
    assert!(asked.code == Some(130) && asked.stderr.contains("nothing was changed"), "{asked:?}");
    // Whoever ends it while the backup is still read hears it, too.
    let early = host.on_terminal(&["backups:import", "shop", "--id", &id], " of about ", Deed::Types(b"\x03"));
    assert!(early.code == Some(130) && early.stderr.contains("nothing was changed"), "{early:?}");
    // Whoever ends it while the new database is filled hears what became of the data.
    let before = host.digest("shop");
    host.fault("docker:exec:pg_restore/delay=3");
    let import = ["--force", "backups:import", "shop", "--id", &id, "--no-backup"];
    let run = host.on_terminal(&import, "Filling a new database", Deed::Types(b"\x03")).expect(130);
    host.fault("");
    assert!(run.stderr.contains("the data in shop is as it was"), "{}", run.stderr);
    assert_eq!(host.digest("shop"), before);
}

#[test]
fn ux_315_a_destroyed_service_can_be_forgotten() {
    let host = Host::up();
    host.database("shop", SHOP);
    let id = host.dokku(&["backups:export", "shop", "--verify"]).expect(0).id();
    let refused = host.dokku(&["backups:forget", "shop"]).expect(7);
    assert!(refused.stderr.contains("only a destroyed service is forgotten"), "{}", refused.stderr);
    host.schedule("2026-11-20T00:00:00Z", "shop daily");
    host.dokku(&["--force", "postgres:destroy", "shop"]).expect(0);
    let refused = host.dokku(&["--force", "backups:forget", "shop"]).expect(7);
    assert!(
        refused.stderr.contains("1 backup of postgres:shop is kept")
            || refused.stderr.contains("1 backup of shop is kept"),
        "{}",
        refused.stderr
    );
    assert!(host.dump_file("shop", &id).is_file());
    host.dokku(&["--force", "backups:delete", "shop", "--id", &id]).expect(0);
    let asked = host.on_terminal(&["backups:forget", "shop"], "to proceed, type \"shop\"", Deed::Types(b"no\n"));
    assert_eq!(asked.code, Some(7), "{asked:?}");
    let services = || -> Vec<Value> {
        let answer = host.dokku(&["backups:check", "--format", "json"]).json();
        answer["services"].as_array().expect("services").iter().map(|one| one["service"].clone()).collect()
    };
    assert_eq!(services(), [json!("shop")]);
    let forgotten = host.dokku(&["backups:forget", "shop", "--format", "json"]).expect(0).json();
    assert_eq!((&forgotten["service"], &forgotten["records"]), (&json!("shop"), &json!(1)));
    assert!(services().is_empty());
    let all = host.dokku(&["backups:list", "--deleted"]).expect(0).out();
    assert!(!all.contains(&id), "{all}");
    assert!(!host.dokku(&["backups:schedules"]).expect(0).out().contains("shop"));
    // A new one by that name begins with nothing.
    host.dokku(&["postgres:create", "shop"]).expect(0);
    assert!(host.list("shop").is_empty());
    host.export("shop");
}

#[test]
fn ux_319_junk_is_no_dump() {
    let host = Host::up();
    host.database("shop", SHOP);
    let before = host.digest("shop");
    for junk in [
        "hello\n",
        "select 1;\n",
        "-- nothing\nset x = 1;\n",
        "dear all,\nplease find attached; yours\n",
        "begin;\ncommit;\n",
    ] {
        let run = host.import_file("shop", "junk.sql", junk.as_bytes(), &["--no-backup"]);
        assert!(matches!(run.code, Some(6 | 7)), "{junk:?}: {run:?}");
        assert!(!run.stderr.contains("checked and durable"), "{junk:?}: {}", run.stderr);
    }
    let run = host.import_file("shop", "junk.sql", b"hello\n", &["--no-backup"]);
    assert!(run.stderr.contains("no statement in it makes or fills anything: it is no dump"), "{}", run.stderr);
    assert!(host.list("shop").is_empty());
    assert_eq!(host.digest("shop"), before);
    host.import_file("shop", "one.sql", b"create table one (x int);\n", &["--no-backup"]).expect(0);
}

#[test]
fn ux_320_thresholds_stand_where_one_looks_for_them() {
    let host = Host::up();
    host.database("shop", SHOP);
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
    let help = host.dokku(&["backups:help", "check"]).expect(0).out();
    for words in ["2 hours", "30 days", "7 days", "a day"] {
        assert!(help.contains(words), "{words}: {help}");
    }
    // Nothing to do: no arrow.
    let check = host.dokku(&["backups:check", "shop", "--format", "json"]).expect(0).json();
    let findings = check["services"][0]["findings"].as_array().expect("findings").clone();
    let found = findings.iter().find(|finding| finding["code"] == "no-schedule").expect("no-schedule");
    assert_eq!(
        (&found["level"], found["message"].as_str().is_some_and(|text| text.contains("a warning after 7 days"))),
        (&json!("ok"), true),
        "{found}"
    );
}

#[test]
fn ux_321_324_the_host_is_named_in_every_notice_and_on_the_page() {
    let host = Host::up();
    host.database("shop", SHOP);
    let name = nix::unistd::gethostname().expect("a name").to_string_lossy().into_owned();
    let page = host.dokku(&["backups:report", "--format", "html"]).expect(0).out();
    assert!(page.contains(&format!(": Dokku backups of {name}</title>")), "{page}");
    assert!(
        page.contains(&format!("<h1>Dokku backups of {name}</h1>")) && page.contains("It says how things stood then"),
        "{page}"
    );
    let check = host.dokku(&["backups:check", "--format", "json"]).json();
    assert_eq!(check["host"]["name"], json!(name));
    // One that is destroyed is not counted among those that are well.
    host.dokku(&["backups:export", "shop", "--verify"]).expect(0);
    host.dokku(&["--force", "postgres:destroy", "shop"]).expect(0);
    let page = host.dokku(&["backups:report", "--format", "html"]).expect(0).out();
    assert!(page.contains("1 destroyed, ") && !page.contains("1 ok"), "{page}");
}
