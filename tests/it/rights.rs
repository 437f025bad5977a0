//! Rights beside their table: who may grant, lists, the audit log, policies that cannot be used, kills, many at once.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::support::faults::tree;
use super::support::{Host, Run, SHOP, finish};

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// All grants, as `key service rights`.
fn grants(host: &Host) -> BTreeSet<String> {
    let report = host.as_root(&["backups:report", "--global", "--format", "json"]).expect(0).json();
    let service = |grant: &Value| match grant["service"].as_str() {
        Some(service) => format!("{}:{service}", text(grant, "datastore")),
        None => "*".to_owned(),
    };
    let words = |grant: &Value| {
        let rights: Vec<&str> = grant["rights"].as_array().expect("rights").iter().filter_map(Value::as_str).collect();
        format!("{} {} {}", text(grant, "key"), service(grant), rights.join(","))
    };
    report["rights"]["grants"].as_array().expect("grants").iter().map(words).collect()
}

fn rights_are(host: &Host) -> String {
    let report = host.as_root(&["backups:report", "--global", "--format", "json"]).expect(0).json();
    text(&report["rights"], "state").to_owned()
}

#[test]
fn off_until_the_first_grant_and_off_again_only_on_demand() {
    let (host, id) = Host::with_backup();
    assert_eq!(rights_are(&host), "off");
    host.as_key("bob", &["backups:info", "shop", "--id", &id]).expect(0);
    host.as_key("bob", &["backups:set", "shop", "gate", "off"]).expect(0);
    assert!(!host.audit_file().exists() && !host.rights_file().exists());

    let first = host.as_root(&["backups:grant", "alice", "backups.create,read", "shop"]).expect(0);
    assert!(first.stdout.is_empty() && first.stderr.contains("this grant switches them on"), "{first:?}");
    assert!(first.stderr.contains("Granting backups.read, backups.create to alice on shop"), "{first:?}");
    assert_eq!(rights_are(&host), "on");
    host.as_key("bob", &["backups:info", "shop", "--id", &id]).expect(4);
    host.as_key("alice", &["backups:info", "shop", "--id", &id]).expect(0);
    let denied = host.as_key("alice", &["backups:set", "shop", "gate", "off"]).expect(7);
    assert!(denied.stderr.contains("alice may not use backups:set on shop: backups.update is missing"), "{denied:?}");
    assert!(denied.stderr.contains("dokku backups:grant alice backups.update shop"), "{denied:?}");
    let again = host.as_root(&["backups:grant", "alice", "read", "postgres:shop"]).expect(0);
    assert!(again.stderr.contains("has backups.read on shop already"), "{again:?}");

    // What one key holds is nobody else's business; root sees all of it, for one service and for all.
    host.grant("carol", "read", "");
    let of = |run: Run| run.expect(0).json()["rights"]["grants"].clone();
    let alice = json!({"key": "alice", "datastore": "postgres", "service": "shop", "rights": ["backups.read", "backups.create"]});
    let carol = json!({"key": "carol", "datastore": null, "service": null, "rights": ["backups.read"]});
    let report = ["backups:report", "shop", "--format", "json"];
    assert_eq!(of(host.as_root(&report)), json!([alice, carol]));
    assert_eq!(of(host.as_key("alice", &report)), json!([alice]));
    assert_eq!(of(host.as_key("carol", &["backups:report", "--global", "--format", "json"])), json!([carol]));
    let global = host.as_key("alice", &["backups:report", "--global"]).expect(7);
    assert!(global.stderr.contains("on all services: backups.read is missing"), "{global:?}");
    host.as_key("alice", &["backups:set", "--global", "gate", "off"]).expect(7);
    let words = host.as_root(&["backups:report", "shop"]).expect(0).out();
    assert!(words.contains("alice on postgres:shop: backups.read, backups.create; carol on all services"), "{words}");

    // One service cannot be taken out of a grant for all; saying so is not done quietly.
    let narrow = host.as_root(&["backups:revoke", "carol", "read", "shop"]).expect(7);
    assert!(narrow.stderr.contains("carol has backups.read on all services"), "{narrow:?}");
    host.as_root(&["backups:revoke", "alice", "create", "shop"]).expect(0);
    let none = host.as_root(&["backups:revoke", "alice", "create", "shop"]).expect(0);
    assert!(none.stderr.contains("alice has no backups.create on shop"), "{none:?}");
    assert_eq!(grants(&host), ["alice postgres:shop backups.read", "carol * backups.read"].map(String::from).into());
    host.as_root(&["backups:revoke", "carol", "read,create"]).expect(0);
    let last = host.as_root(&["backups:revoke", "alice", "read"]).expect(0);
    assert!(last.stderr.contains("no grant is left") && last.stderr.contains("revoke --all"), "{last:?}");
    assert_eq!((rights_are(&host), grants(&host).len()), ("on".to_owned(), 0));
    host.as_key("alice", &["backups:list", "shop"]).expect(4);
    let off = host.as_root(&["backups:revoke", "--all"]).expect(0);
    assert!(off.stderr.contains("Rights are off"), "{off:?}");
    assert_eq!(rights_are(&host), "off");
    host.as_key("alice", &["backups:list", "shop"]).expect(0);
    host.check("shop", &[id], true);
}

#[test]
fn only_root_grants_and_revokes() {
    let (host, _) = Host::with_backup();
    let forms: [&[&str]; 4] = [
        &["backups:grant", "bob", "read", "shop"],
        &["backups:grant", "bob", "read,create,update,delete", "--force"],
        &["backups:revoke", "bob", "read"],
        &["backups:revoke", "--all", "--force"],
    ];
    let refused = |run: Run| {
        let run = run.expect(7);
        assert!(run.stdout.is_empty() && run.stderr.contains("only root may"), "{run:?}");
    };
    for form in forms {
        refused(host.as_key("bob", form));
        // A key that claims to be root, and one without a name.
        refused(finish({
            let mut command = host.key_command("bob", form);
            command.env("SSH_USER", "root").env("NAME", "");
            command
        }));
        refused(host.as_login("mallory", form));
        refused(host.as_login("", form));
    }
    assert!(!host.rights_file().exists(), "something was granted");
    host.grant("everywhere", "read,create,update,delete", "");
    forms.iter().for_each(|form| refused(host.as_key("everywhere", form)));
    assert_eq!(grants(&host).len(), 1);
    let audit = host.audit();
    let lines: Vec<&Value> = audit.iter().filter(|line| line["decision"] == "denied").collect();
    assert_eq!(lines.len(), forms.len() * 5);
    let line = lines[0];
    assert_eq!((text(line, "who"), text(line, "kind"), text(line, "verb")), ("bob", "key", "grant"));
    assert_eq!((text(line, "service"), text(line, "reason")), ("postgres:shop", "to bob"));
    let kinds: BTreeSet<&str> = lines.iter().map(|line| text(line, "kind")).collect();
    assert_eq!(kinds, BTreeSet::from(["host", "key", "login"]));
    let forms: [&[&str]; 12] = [
        &["grant"],
        &["grant", "alice"],
        &["grant", "", "read"],
        &["grant", "*", "read"],
        &["grant", "a\"b", "read"],
        &["grant", "a\nb", "read"],
        &["grant", "alice", "write"],
        &["grant", "alice", "read,"],
        &["grant", "alice", "read", "../x"],
        &["revoke"],
        &["revoke", "alice"],
        &["revoke", "alice", "read", "--all"],
    ];
    for form in forms {
        let words: Vec<String> = std::iter::once(format!("backups:{}", form[0]))
            .chain(form[1..].iter().map(|word| (*word).to_owned()))
            .collect();
        host.as_root(&words.iter().map(String::as_str).collect::<Vec<_>>()).expect(2);
    }
    assert_eq!(grants(&host).len(), 1);
    let early = host.as_root(&["backups:grant", "ci (prod)", "create", "later"]).expect(0);
    assert!(early.stderr.contains("there is no service later yet"), "{early:?}");
    assert!(early.stderr.contains("without backups.read"), "{early:?}");
}

#[test]
fn lists_take_what_is_granted_and_do_not_speak_of_the_rest() {
    let host = Host::up();
    for name in ["mine", "looked-at", "theirs"] {
        host.database(name, SHOP);
        host.dokku(&["backups:export", name, "--at", "2020-01-01T00:00:00Z"]).expect(0);
        host.as_root(&["backups:schedule", name, "weekly"]).expect(0);
    }
    host.grant("ci", "read,create,update", "mine");
    host.grant("ci", "read", "looked-at");
    host.grant("ci", "create,update,delete", "theirs");
    let seen = |args: &[&str]| {
        let run = host.as_key("ci", args);
        let all = format!("{}{}", run.out(), run.stderr);
        assert!(run.code == Some(0) && !all.contains("theirs"), "{run:?}");
        (all.contains("mine"), all.contains("looked-at"))
    };
    for verb in ["backups:list", "backups:report", "backups:schedules"] {
        assert_eq!(seen(&[verb]), (true, true), "{verb}");
        assert_eq!(seen(&[verb, "--format", "json"]), (true, true), "{verb}");
    }
    // Old backups are not what a schedule promises; that it says so is not what matters here.
    let check = host.as_key("ci", &["backups:check"]);
    let words = format!("{}{}", check.out(), check.stderr);
    assert!(words.contains("mine") && words.contains("looked-at") && !words.contains("theirs"), "{check:?}");
    assert_eq!(seen(&["backups:prune", "--dry-run"]), (true, true));
    for verb in [&["backups:sync"][..], &["backups:sync", "--format", "json"], &["backups:export", "--all"]] {
        assert_eq!(seen(verb), (true, false), "{verb:?}");
    }
    assert_eq!((host.list("looked-at").len(), host.list("theirs").len()), (1, 1));
    let none = host.as_key("nobody", &["backups:list"]).expect(0);
    assert_eq!(none.out(), "No backups\n");
    // Never there, theirs, and there without read: not a word differs.
    for verb in [&["list"][..], &["info", "--latest"], &["export"], &["delete", "--id", "x-2020-01-01-00-00-00"]] {
        let run = |name: &str| {
            let words = [
                &[format!("backups:{}", verb[0]), name.to_owned()][..],
                &verb[1..].iter().map(|w| (*w).to_owned()).collect::<Vec<_>>(),
            ]
            .concat();
            let run = host.as_key("ci", &words.iter().map(String::as_str).collect::<Vec<_>>());
            (run.code, run.out(), run.stderr.replace(name, "NAME"))
        };
        assert_eq!(run("theirs"), run("nope"), "{verb:?}");
        assert_eq!(run("theirs").0, Some(4), "{verb:?}");
    }
    let audit = host.audit();
    let line = audit.iter().find(|line| line["verb"] == "list").expect("a line");
    assert_eq!((&line["service"], text(line, "reason")), (&Value::Null, "2 of 3 services"));
}

#[test]
fn fault_089_every_decision_is_one_line_without_arguments() {
    let (host, id) = Host::with_backup();
    host.grant("ci", "read,create", "shop");
    let from = host.audit().len();
    assert_eq!(from, 1, "the grant itself");
    let run = host.as_key("ci", &["backups:export", "shop", "--label", "canary-4711"]).expect(0);
    host.as_key("ci", &["backups:set", "shop", "notify-url", "https://u:canary-4711@example.org/"]).expect(7);
    host.as_key("x\ny", &["backups:info", "shop", "--id", &id]).expect(4);
    host.as_key("ci", &["backups:import", "shop", "--from-service", "nope", "--latest", "--force"]).expect(7);
    host.as_root(&["backups:list", "shop"]).expect(0);
    host.as_login("mallory", &["backups:list", "shop"]).expect(0);
    host.as_login("", &["backups:list", "shop"]).expect(0);
    host.as_key("ci", &["backups:version"]).expect(0);
    let raw = fs::read_to_string(host.audit_file()).expect("the log");
    assert!(!raw.contains("canary") && !raw.contains("https"), "{raw}");
    assert_eq!(fs::metadata(host.audit_file()).expect("the log").permissions().mode() & 0o777, 0o600);
    let lines = host.audit().split_off(from);
    let short = |line: &Value| {
        format!(
            "{} {} {} {} {}",
            text(line, "kind"),
            text(line, "who"),
            text(line, "verb"),
            text(line, "service"),
            text(line, "decision")
        )
    };
    assert_eq!(
        lines.iter().map(short).collect::<Vec<_>>(),
        [
            "key ci export postgres:shop allowed",
            "key ci set postgres:shop denied",
            "key x\ny info postgres:shop denied",
            "key ci import postgres:shop denied",
            "root root list postgres:shop allowed",
            "login mallory list postgres:shop allowed",
            "host the host list postgres:shop allowed",
        ]
    );
    let first = &lines[0];
    assert_eq!(text(first, "fingerprint"), "SHA256:print-of-ci");
    assert_eq!(first["rights"], json!(["backups.read", "backups.create"]));
    assert_eq!(text(&lines[1], "reason"), "backups.update is missing");
    for line in &lines {
        let keys: Vec<&String> = line.as_object().expect("an object").keys().collect();
        assert_eq!(keys.len(), 9, "{line}");
        assert!(chrono::DateTime::parse_from_rfc3339(text(line, "at")).is_ok(), "{line}");
    }
    // Many at once: whole lines, none lost.
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| host.as_key("ci", &["backups:list", "shop"]).expect(0));
        }
    });
    assert_eq!(host.audit().len(), from + lines.len() + 12);
    // A log that cannot be written is told and stops nobody.
    fs::remove_file(host.audit_file()).expect("the log");
    fs::create_dir(host.audit_file()).expect("a folder in its place");
    let told = host.as_key("ci", &["backups:list", "shop"]).expect(0);
    assert!(told.stderr.contains("not in the audit log") && told.out().contains(&run.id()), "{told:?}");
    host.as_key("ci", &["backups:delete", "shop", "--id", &id]).expect(7);
    let check = host.as_root(&["backups:check", "--format", "json"]).json();
    let findings = check["host"]["findings"].as_array().expect("findings").clone();
    assert!(findings.iter().any(|finding| finding["code"] == "audit-log" && finding["level"] == "warning"), "{check}");
    host.check("shop", &[id, run.id()], true);
}

/// The document `body` with a checksum that fits.
fn sealed(body: &str) -> String {
    let sum: String = Sha256::digest(body.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{body}# sha256 {sum}\n")
}

/// Keys and logins are denied and told why; root passes, and is told too.
fn only_root_passes(host: &Host, id: &str, what: &str) {
    for verb in [&["backups:list"][..], &["backups:info", "shop", "--id", id], &["backups:export", "shop"]] {
        for run in [host.as_key("ci", verb), host.as_key("bob", verb), host.as_login("mallory", verb)] {
            assert_eq!(run.code, Some(7), "{what}: {run:?}");
            assert!(run.stderr.contains("rights.toml") && run.stderr.contains("dokku "), "{what}: {run:?}");
            assert!(run.stdout.is_empty(), "{what}: {run:?}");
        }
    }
    host.as_key("ci", &["backups:version"]).expect(0);
    let root = host.as_root(&["backups:list", "shop"]).expect(0);
    assert!(root.out().contains(id) && root.stderr.contains("rights.toml"), "{what}: {root:?}");
    host.as_login("", &["backups:list", "shop"]).expect(0);
    let report = host.as_root(&["backups:report", "shop", "--format", "json"]).expect(0).json();
    assert_eq!(report["rights"]["state"], "broken", "{what}");
    let check = host.as_root(&["backups:check", "--format", "json"]);
    assert_eq!(check.code, Some(1), "{what}: {check:?}");
    assert!(check.json()["host"]["findings"].to_string().contains("rights.toml"), "{what}: {check:?}");
}

#[test]
fn a_policy_that_cannot_be_used_denies_all_but_root() {
    let (host, id) = Host::with_backup();
    host.grant("ci", "read,create", "shop");
    let file = host.rights_file();
    let whole = fs::read_to_string(&file).expect("the policy");
    let put = |text: &str| host.put(&file, text.as_bytes(), 0o600);
    type Breaking<'a> = (&'a str, Box<dyn Fn() + 'a>, bool);
    let ways: Vec<Breaking<'_>> = vec![
        ("garbage", Box::new(|| put("\u{0}\u{1}not toml")), true),
        ("empty", Box::new(|| put("")), true),
        ("cut", Box::new(|| put(&whole[..whole.len() - 70])), true),
        ("changed by hand", Box::new(|| put(&whole.replace("\"ci\"", "\"me\""))), true),
        ("unknown field", Box::new(|| put(&sealed("format = 1\nenabled = false\nsecret = true\n"))), true),
        (
            "wrong key",
            Box::new(|| {
                put(&sealed("format = 1\nenabled = true\n\n[[grants]]\nkey = \"*\"\nrights = [\"backups.read\"]\n"))
            }),
            true,
        ),
        ("newer", Box::new(|| put(&sealed("format = 2\nenabled = false\n"))), false),
        ("gone", Box::new(|| ()), true),
        ("mode 000", Box::new(|| host.put(&file, whole.as_bytes(), 0o000)), true),
        ("a folder", Box::new(|| fs::create_dir(&file).expect("a folder")), true),
        ("a link", Box::new(|| std::os::unix::fs::symlink("/dev/null", &file).expect("a link")), true),
        ("too large", Box::new(|| put(&"#".repeat((1 << 20) + 1))), true),
    ];
    for (what, break_it, can_begin_anew) in ways {
        if file.is_dir() {
            fs::remove_dir(&file).expect("the folder");
        } else {
            let _ = fs::remove_file(&file);
        }
        break_it();
        only_root_passes(&host, &id, what);
        // Nothing is written over by the way.
        let folder = file.parent().expect("a folder").to_owned();
        let before = tree(&folder).remove(&PathBuf::from("rights.toml"));
        assert_ne!(host.as_root(&["backups:grant", "dave", "read", "shop"]).code, Some(0), "{what}");
        assert_ne!(host.as_root(&["backups:revoke", "--all"]).code, Some(0), "{what}");
        assert_eq!(tree(&folder).remove(&PathBuf::from("rights.toml")), before, "{what}");
        let anew = host.as_root(&["backups:grant", "dave", "read", "shop", "--force"]);
        if !can_begin_anew {
            assert_ne!(anew.code, Some(0), "{what}: {anew:?}");
            assert!(anew.stderr.contains("plugin:update"), "{anew:?}");
            continue;
        }
        let anew = anew.expect(0);
        assert!(anew.stderr.contains("put aside"), "{what}: {anew:?}");
        assert_eq!(grants(&host), ["dave postgres:shop backups.read".to_owned()].into(), "{what}");
        host.as_key("ci", &["backups:list", "shop"]).expect(4);
        host.as_key("dave", &["backups:list", "shop"]).expect(0);
        if let Some(before) = before {
            let aside =
                tree(&folder).into_iter().filter(|(path, _)| path.to_string_lossy().starts_with("rights.toml.broken"));
            assert!(aside.into_iter().any(|(_, node)| node.inode == before.inode), "{what}: not kept");
        }
    }
    fs::remove_file(&file).expect("the policy");
    host.as_root(&["backups:revoke", "--all", "--force"]).expect(0);
    assert_eq!(rights_are(&host), "off");
    host.as_key("bob", &["backups:list", "shop"]).expect(0);
    host.check("shop", &[id], true);
}

/// Everything the policy says, and whether a stranger is shut out.
fn state(host: &Host) -> (String, BTreeSet<String>, Option<i32>) {
    (rights_are(host), grants(host), host.as_key("stranger", &["backups:list", "shop"]).code)
}

#[test]
fn killed_anywhere_in_a_grant_or_revoke() {
    let (host, _) = Host::with_backup();
    let clock = "2026-01-01T00:00:00Z";
    let config = host.rights_file().parent().expect("a folder").to_owned();
    let owner = host.owner();
    let steps: [&[&str]; 4] = [
        &["backups:grant", "alice", "read", "shop"],
        &["backups:grant", "bob", "read,create"],
        &["backups:revoke", "alice", "read"],
        &["backups:revoke", "--all"],
    ];
    for step in steps {
        let was = tree(&config);
        let old = state(&host);
        let (run, points) = host.points(clock, step);
        run.expect(0);
        let new = state(&host);
        assert_ne!(old, new, "{step:?} does nothing");
        let (mut stayed, mut changed) = (0, 0);
        let writing = points.iter().position(|point| point == "lock").expect("a lock");
        for number in (1..=points.len()).filter(|number| *number >= writing || number % 4 == 1) {
            for plan in [format!("abort={number}"), format!("fail={number}")] {
                super::support::faults::put_back(&config, &was);
                let run = host.dokku_at(&plan, clock, step);
                let is = state(&host);
                assert!(is == old || is == new, "{step:?} {plan}: {is:?} {run:?}");
                if run.code == Some(0) {
                    assert_eq!(is, new, "{step:?} {plan}: reported as done");
                }
                if is == new {
                    changed += 1
                } else {
                    stayed += 1
                }
                // The next one finds nothing in its way.
                host.dokku_at("", clock, step).expect(0);
                assert_eq!(state(&host), new, "{step:?} after {plan}");
            }
        }
        assert!(stayed > 3 && changed > 0, "{step:?}: {stayed} {changed}");
        assert_eq!(std::os::unix::fs::MetadataExt::uid(&fs::metadata(host.rights_file()).expect("policy")), owner);
    }
}

#[test]
fn of_many_who_grant_at_once_none_is_lost() {
    let (host, _) = Host::with_backup();
    host.grant("goes", "read", "shop");
    std::thread::scope(|scope| {
        for number in 0..16 {
            let host = &host;
            scope.spawn(move || {
                host.grant(&format!("key-{number}"), "read", if usize::is_multiple_of(number, 2) { "shop" } else { "" })
            });
        }
        scope.spawn(|| host.as_root(&["backups:revoke", "goes", "read"]).expect(0));
        // Readers meanwhile see a whole policy, old or new.
        for _ in 0..8 {
            scope.spawn(|| host.as_key("goes", &["backups:list"]).expect(0));
        }
    });
    let of = |number: usize| {
        format!("key-{number} {} backups.read", if number.is_multiple_of(2) { "postgres:shop" } else { "*" })
    };
    assert_eq!(grants(&host), (0..16).map(of).collect());
}

#[test]
fn what_is_allowed_is_done_whole() {
    let (host, id) = Host::with_backup();
    host.grant("ci", "read,create", "shop");
    host.grant("ops", "read,update", "shop");
    host.grant("janitor", "read,delete", "shop");
    host.grant("dev", "read", "shop");
    host.grant("dev", "create", "copy");
    let made = host.as_key("ci", &["backups:export", "shop"]).expect(0).id();
    assert_eq!(host.info("shop", &made)["created_by"], "ci");
    // A restore takes its safety backup without the right to create.
    host.sql("shop", "delete from orders;");
    host.as_key("ops", &["backups:import", "shop", "--id", &id, "--force"]).expect(0);
    assert_eq!(host.sql("shop", "select count(*) from orders;"), "200");
    assert_eq!(host.info("shop", &id)["restores"][0]["started_by"], "ops");
    host.as_key("janitor", &["backups:delete", "shop", "--id", &made]).expect(0);
    assert_eq!(host.info("shop", &made)["deleted_by"], "janitor");
    // A fork may be made without being seen afterwards; back to its origin only goes who may still read that.
    host.as_key("dev", &["backups:fork", "shop", "copy", "--id", &id]).expect(0);
    host.as_key("dev", &["backups:list", "copy"]).expect(4);
    host.grant("dev", "read,update", "copy");
    host.as_root(&["backups:revoke", "dev", "read", "shop"]).expect(0);
    let reset = host.as_key("dev", &["backups:reset", "copy", "--force"]).expect(4);
    assert!(reset.stderr.contains("postgres service shop does not exist"), "{reset:?}");
    host.grant("dev", "read", "shop");
    host.as_key("dev", &["backups:reset", "copy", "--force"]).expect(0);
    // What Dokku asks for by itself is not the caller's: the gate stands before everybody, and needs no right.
    host.dokku(&["backups:export", "shop"]).expect(0);
    let gate = host.as_key("stranger", &["--force", "postgres:destroy", "shop"]);
    assert!(gate.code == Some(7) && gate.stderr.contains("Restorable"), "{gate:?}");
    host.as_root(&["postgres:exists", "shop"]).expect(0);
}
