//! The whole table: every subset of rights, every verb, on a service of one's own, on somebody else's, and on one that is
//! not there; without an access plugin and with one. What is expected comes from the table below, which knows nothing of
//! the program's own.

use std::fs;
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::support::{Host, Run, SHOP, finish};

/// A verb in a form that is cheap once it is allowed, and changes nothing.
struct Form {
    /// Its words; NAME is the service under test.
    words: &'static [&'static str],
    /// Rights it takes on NAME: of r, c, u, d.
    takes: &'static str,
    /// Rights it takes on NAME too, asked for once it holds the others: it would let backups go earlier.
    further: &'static str,
    /// Rights it takes on `own`, where NAME is not the only service.
    own: &'static str,
    /// Rights it takes on `new`.
    new: &'static str,
    /// postgres commands that must be allowed: on NAME, on `own`.
    stock: (&'static str, &'static str),
    /// How it ends when it may: exit code, and words of either stream.
    done: (i32, &'static str),
}

/// When all of it happens: the schedules are met, and the scheduler is not late.
const CLOCK: &str = "2020-01-01T01:00:00Z";
const ID: &str = "NAME-2001-01-01-00-00-00";

const fn form(
    words: &'static [&'static str],
    takes: &'static str,
    stock: &'static str,
    done: (i32, &'static str),
) -> Form {
    Form { words, takes, further: "", own: "", new: "", stock: (stock, ""), done }
}

/// Everything that changes a service meets its lock, which the test holds: it is busy.
const FORMS: &[Form] = &[
    form(&["export", "NAME"], "rc", "postgres:export", (5, "is busy")),
    form(&["export", "NAME", "--verify"], "rc", "postgres:export", (5, "is busy")),
    form(&["list", "NAME"], "r", "", (0, "2020-01-01")),
    form(&["list", "NAME", "--format", "json"], "r", "", (0, "2020-01-01")),
    form(&["info", "NAME", "--latest"], "r", "", (0, "2020-01-01")),
    form(&["logs", "NAME", "--latest"], "r", "", (0, "export of")),
    form(&["report", "NAME"], "r", "", (0, "backups information")),
    form(&["check", "NAME"], "r", "", (0, "NAME: ")),
    form(&["verify", "NAME", "--id", ID], "rc", "", (4, "has no backup")),
    form(&["import", "NAME", "--latest", "--force"], "ru", "postgres:import", (5, "is busy")),
    Form {
        words: &["import", "own", "--from-service", "NAME", "--latest", "--force"],
        takes: "r",
        further: "",
        own: "ru",
        new: "",
        stock: ("postgres:export", "postgres:import"),
        done: (5, "is busy"),
    },
    Form {
        words: &["fork", "NAME", "new", "--latest"],
        takes: "r",
        further: "",
        own: "",
        new: "c",
        stock: ("postgres:export", ""),
        done: (5, "is busy"),
    },
    form(&["reset", "NAME", "--force"], "ru", "postgres:import", (5, "is busy")),
    form(&["delete", "NAME", "--id", ID, "--force"], "rd", "", (5, "is busy")),
    form(&["sync", "NAME"], "ru", "", (5, "is busy")),
    form(&["set", "NAME", "destination-region"], "ru", "postgres:export", (0, "Unsetting")),
    form(&["cancel", "NAME", "--id", ID], "ru", "", (4, "nothing is being done")),
    form(&["keep", "NAME", "--id", ID], "ru", "", (5, "is busy")),
    form(&["keep", "NAME", "--id", ID, "--release"], "rud", "", (5, "is busy")),
    form(&["prune", "NAME"], "rd", "", (5, "is busy")),
    form(&["prune", "NAME", "--dry-run"], "r", "", (0, "2020-01-01")),
    form(&["download", "NAME", "--id", ID], "r", "postgres:export", (4, "has no backup")),
    form(&["schedule", "NAME", "daily", "--retention", "9"], "ru", "postgres:export", (5, "is busy")),
    Form {
        further: "d",
        ..form(&["schedule", "NAME", "daily", "--retention", "1"], "ru", "postgres:export", (5, "is busy"))
    },
    form(&["unschedule", "NAME", "hourly"], "ru", "", (4, "has no hourly schedule")),
    form(&["schedules", "NAME"], "r", "", (0, "daily")),
    form(&["set", "NAME", "restore-timeout"], "ru", "", (0, "Unsetting")),
    form(&["set", "NAME", "retention", "none"], "ru", "", (0, "Setting retention")),
];

/// How a run ended, as far as rights go.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ended {
    Done,
    Absent,
    Missing(Vec<&'static str>),
    NotByDokku,
    Denied,
    Otherwise,
}

fn ended(run: &Run, form: &Form, service: &str) -> Ended {
    let said = format!("{}{}", run.out(), run.stderr);
    let absent = |name: &str| format!(" !     postgres service {name} does not exist\n");
    let first = if run.stderr.starts_with('{') {
        format!(" !     {}\n", run.error()["message"].as_str().unwrap_or_default())
    } else {
        run.stderr.lines().next().unwrap_or_default().to_owned() + "\n"
    };
    match run.code {
        Some(4) if first == absent(service) || first == absent("own") => Ended::Absent,
        Some(7) if first.contains(" missing") => Ended::Missing(
            ["backups.read", "backups.create", "backups.update", "backups.delete"]
                .into_iter()
                .filter(|right| first.contains(right))
                .collect(),
        ),
        Some(7) if first.contains(": it takes postgres:") => Ended::NotByDokku,
        Some(1) if run.stderr.ends_with(" !     Access denied\n") => Ended::Denied,
        Some(code) if code == form.done.0 && said.contains(&form.done.1.replace("NAME", service)) => Ended::Done,
        _ => Ended::Otherwise,
    }
}

/// A caller: what it holds on each service, in letters, and what Dokku's access plugin denies it.
#[derive(Clone, Default)]
struct Key {
    name: String,
    own: String,
    foreign: String,
    new: String,
    /// Services that Dokku hides from it.
    hidden: &'static [&'static str],
    /// Commands that Dokku denies it.
    denied: &'static [&'static str],
}

impl Key {
    fn on(&self, service: &str) -> &str {
        match service {
            "own" => &self.own,
            "foreign" => &self.foreign,
            _ => &self.new,
        }
    }
}

fn lacking(takes: &str, held: &str) -> Vec<&'static str> {
    let long = [('r', "backups.read"), ('c', "backups.create"), ('u', "backups.update"), ('d', "backups.delete")];
    long.iter()
        .filter(|(letter, _)| takes.contains(*letter) && !held.contains(*letter))
        .map(|(_, word)| *word)
        .collect()
}

/// What must come of it. In the order of services on the line, and for each: is it there, is it seen, is it held, does
/// Dokku allow the stock command.
fn expected(key: &Key, form: &Form, service: &str) -> Ended {
    let command = format!("backups:{}", form.words[0]);
    if key.denied.contains(&command.as_str()) {
        return Ended::Denied;
    }
    let mut asked = vec![(service, form.takes, form.stock.0)];
    if !form.own.is_empty() {
        asked.insert(0, ("own", form.own, form.stock.1));
    }
    for (service, takes, stock) in asked {
        let there = service != "nope" && !key.hidden.contains(&service);
        if !there || !key.on(service).contains('r') {
            return Ended::Absent;
        }
        let lacking = lacking(takes, key.on(service));
        if !lacking.is_empty() {
            return Ended::Missing(lacking);
        }
        if !stock.is_empty() && key.denied.contains(&stock) {
            return Ended::NotByDokku;
        }
    }
    let further = lacking(form.further, key.on(service));
    if !further.is_empty() {
        return Ended::Missing(further);
    }
    match lacking(form.new, &key.new) {
        lacking if !lacking.is_empty() => Ended::Missing(lacking),
        _ if !form.new.is_empty() && key.denied.contains(&"postgres:create") => Ended::NotByDokku,
        _ => Ended::Done,
    }
}

/// Takes the lock of a service as a working command does; it is let go when the file is closed.
fn hold(host: &Host, service: &str) -> fs::File {
    let path = host.folder(service).join(".lock");
    let file = fs::OpenOptions::new().read(true).write(true).open(path).expect("the lock");
    let lock = libc::flock { l_type: libc::F_WRLCK as libc::c_short, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 };
    fcntl(file.as_fd(), FcntlArg::F_OFD_SETLK(&lock)).expect("nobody works on it");
    file
}

fn two_services() -> Host {
    let host = Host::up();
    for name in ["own", "foreign"] {
        host.database(name, SHOP);
        host.dokku(&["backups:export", name, "--at", "2020-01-01T00:00:00Z"]).expect(0);
        host.dokku_at("", CLOCK, &["backups:schedule", name, "daily", "--at", "00:00"]).expect(0);
    }
    host
}

/// Runs the whole table and returns how many cells it has. `None` as caller is root.
fn run_table(host: &Host, keys: &[Option<Key>]) -> usize {
    let locks = [hold(host, "own"), hold(host, "foreign")];
    let before = ["own", "foreign"].map(|service| host.files_of(service));
    let mut cells = Vec::new();
    for key in keys {
        for form in FORMS {
            for service in ["own", "foreign", "nope"] {
                cells.push((key, form, service));
            }
        }
    }
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some((key, form, service)) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut words: Vec<String> = form.words.iter().map(|word| word.replace("NAME", service)).collect();
                    words[0] = format!("backups:{}", words[0]);
                    let words: Vec<&str> = words.iter().map(String::as_str).collect();
                    let everything =
                        Key { own: "rcud".into(), foreign: "rcud".into(), new: "rcud".into(), ..Key::default() };
                    let at_that_time = |mut command: Command| {
                        command.env("DOKKU_BACKUPS_CLOCK", CLOCK);
                        finish(command)
                    };
                    let (run, key) = match key {
                        Some(key) => (at_that_time(host.key_command(&key.name, &words)), key),
                        None => (at_that_time(host.root_command(&words)), &everything),
                    };
                    let (is, should) = (ended(&run, form, service), expected(key, form, service));
                    if is != should {
                        let who = &key.name;
                        wrong.lock().expect("wrong").push(format!("{who} {words:?}: {is:?}, not {should:?}: {run:?}"));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("wrong");
    assert!(wrong.is_empty(), "{} of {} cells:\n{}", wrong.len(), cells.len(), wrong.join("\n"));
    assert_eq!(before, ["own", "foreign"].map(|service| host.files_of(service)), "something was changed");
    drop(locks);
    cells.len()
}

/// Every subset of the four rights, as letters.
fn subsets() -> Vec<String> {
    let pick = |bits: usize| "rcud".chars().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, c)| c).collect();
    (0..16).map(pick).collect()
}

fn long(letters: &str) -> String {
    let all = [("r", "read"), ("c", "backups.create"), ("u", "update"), ("d", "backups.delete")];
    all.iter().filter(|(letter, _)| letters.contains(letter)).map(|(_, word)| *word).collect::<Vec<_>>().join(",")
}

#[test]
fn every_key_right_verb_and_service() {
    let host = two_services();
    let mut keys = vec![None];
    for own in subsets() {
        let name = format!("key {own}").trim_end().to_owned();
        let new: String = own.chars().filter(|c| *c == 'c').collect();
        for (service, letters) in [("own", &own), ("new", &new)] {
            if !letters.is_empty() {
                host.grant(&name, &long(letters), service);
            }
        }
        keys.push(Some(Key { name, own, new, ..Key::default() }));
    }
    host.grant("everywhere", "read,create,update,delete", "");
    let all = "rcud".to_owned();
    keys.push(Some(Key {
        name: "everywhere".into(),
        own: all.clone(),
        foreign: all.clone(),
        new: all,
        ..Key::default()
    }));
    assert_eq!(run_table(&host, &keys), 18 * FORMS.len() * 3);
}

/// An access plugin in the manner of the real ones: a file a key, with what is hidden and what is denied.
fn access_plugin(host: &Host, keys: &[Key]) {
    let rules = host.dir().join("tmp/access");
    fs::create_dir_all(&rules).expect("a folder");
    for key in keys {
        let lines: Vec<String> = key
            .hidden
            .iter()
            .map(|word| format!("hide {word}"))
            .chain(key.denied.iter().map(|word| format!("deny {word}")))
            .collect();
        fs::write(rules.join(&key.name), lines.join("\n") + "\n").expect("rules");
    }
    let rules = rules.display();
    let user_auth = format!("#!/bin/sh\n[ \"$1\" = root ] && exit 0\n! grep -qxF \"deny $3\" {rules}/\"$2\"\n");
    let service = format!(
        "#!/bin/sh\nuser=$1 key=$2\nshift 3\nfor name; do\n  if [ \"$user\" = root ] || ! grep -qxF \"hide $name\" {rules}/\"$key\"; then echo \"$name\"; fi\ndone\n"
    );
    host.add_trigger("access", "user-auth", &user_auth);
    host.add_trigger("access", "user-auth-service", &service);
}

fn under_dokkus_rules() -> Vec<Key> {
    let all = || "rcud".to_owned();
    let key =
        |name: &str, hidden, denied| Key { name: name.into(), own: all(), foreign: all(), new: all(), hidden, denied };
    vec![
        key("free", &[], &[]),
        key("sees-own", &["foreign"], &[]),
        key("sees-nothing", &["own", "foreign"], &[]),
        key("no-export", &[], &["postgres:export"]),
        key("no-import", &[], &["postgres:import"]),
        key("no-create", &[], &["postgres:create"]),
        key("no-delete", &["foreign"], &["backups:delete", "backups:list", "backups:fork"]),
    ]
}

#[test]
fn dokkus_own_decisions_come_first_with_rights_off_and_on() {
    let host = two_services();
    let mut keys = under_dokkus_rules();
    access_plugin(&host, &keys);
    let callers = |keys: &[Key]| std::iter::once(None).chain(keys.iter().cloned().map(Some)).collect::<Vec<_>>();
    assert_eq!(run_table(&host, &callers(&keys)), 8 * FORMS.len() * 3);
    // What Dokku denies no grant of ours gives, and what Dokku allows is narrowed by them.
    for key in &mut keys {
        (key.own, key.foreign, key.new) = ("rcud".into(), "r".into(), "c".into());
        for (rights, service) in [("read,create,update,delete", "own"), ("read", "foreign"), ("create", "new")] {
            host.grant(&key.name, rights, service);
        }
    }
    assert_eq!(run_table(&host, &callers(&keys)), 8 * FORMS.len() * 3);
}
