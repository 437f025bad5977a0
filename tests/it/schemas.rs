//! What programs read is what docs/schema says: real answers of every verb that has `--format json`, and real errors,
//! held against the committed schemas by a validator of its own (Debian's python3-jsonschema).

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::support::{Host, Run, SHOP};

/// Answers so far, and the verbs they came from.
#[derive(Default)]
struct Answers {
    lines: String,
    verbs: BTreeSet<String>,
}

impl Answers {
    fn add(&mut self, schema: &str, words: &str, value: &Value) {
        writeln!(self.lines, "{}", json!({ "schema": schema, "from": words, "value": value })).expect("text");
    }

    /// Runs `dokku backups:WORDS --format json`; its answer is to be a `schema`.
    fn ask(&mut self, host: &Host, schema: &str, words: &str, code: i32) -> Value {
        let line = format!("backups:{words} --format json");
        let run: Run = host.dokku(&line.split(' ').collect::<Vec<_>>()).expect(code);
        self.verbs.insert(words.split(' ').next().expect("a verb").to_owned());
        let value = run.json();
        self.add(schema, &line, &value);
        if code != 0 {
            self.error(&run, &line);
        }
        value
    }

    /// A command that fails: its last line on stderr is an error of this kind.
    fn fail(&mut self, host: &Host, kind: &str, words: &str) {
        let line = format!("backups:{words} --format json");
        let run = host.dokku(&line.split(' ').collect::<Vec<_>>());
        assert_ne!(run.code, Some(0), "{line}");
        assert_eq!(run.error()["kind"], kind, "{run:?}");
        self.error(&run, &line);
    }

    fn error(&mut self, run: &Run, line: &str) {
        let text = run.stderr.lines().last().expect("an error");
        self.add("error", line, &serde_json::from_str(text).expect("JSON"));
    }

    /// Holds all of them against the schemas.
    fn validate(&self) -> std::process::Output {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &self.lines).expect("answers");
        let mut command = Command::new(repository.join("tests/schema.d/validate"));
        command.arg(repository.join("docs/schema")).arg(file.path()).output().expect("tests/schema.d/validate")
    }
}

#[test]
fn row_028_every_answer_fits_its_schema() {
    let host = Host::up();
    let mut all = Answers::default();
    all.ask(&host, "version", "version", 0);
    all.ask(&host, "backups", "list", 0);
    all.ask(&host, "check", "check", 0);
    all.ask(&host, "reports", "report", 0);
    all.ask(&host, "sync", "sync", 0);
    host.database("shop", SHOP);
    host.dokku(&["apps:create", "web"]).expect(0);
    host.dokku(&["sandbox:deploy", "web", "app.rb=1"]).expect(0);
    host.dokku(&["postgres:link", "shop", "web"]).expect(0);
    all.ask(&host, "report", "report shop", 0);
    all.ask(&host, "check", "check shop", 1);
    let first = all.ask(&host, "backup", "export shop --label one,two --at 2026-04-08T14:30:00Z", 0);
    all.ask(&host, "backups", "export --all", 0);
    let id = first["id"].as_str().expect("an id").to_owned();
    all.ask(&host, "backup", &format!("verify shop --id {id}"), 0);
    all.ask(&host, "backups", "verify shop --all", 0);
    all.ask(&host, "backup", &format!("import shop --id {id} --force"), 0);
    all.ask(&host, "backup", &format!("info shop --id {id}"), 0);
    let logs = all.ask(&host, "logs", &format!("logs shop --id {id}"), 0);
    assert!(logs["lines"].as_array().is_some_and(|lines| lines.len() > 3), "{logs}");
    assert_eq!(logs["working"], false);
    all.ask(&host, "backup", &format!("fork shop --id {id} copy"), 0);
    all.ask(&host, "backup", &format!("keep shop --id {id}"), 0);
    all.ask(&host, "backup", &format!("keep shop --id {id} --release"), 0);
    all.ask(&host, "prune", "prune shop --dry-run", 0);
    all.ask(&host, "prune", "prune", 0);
    all.ask(&host, "schedule", "schedule shop daily --at 03:30", 0);
    all.ask(&host, "schedules", "schedules", 0);
    all.ask(&host, "unschedule", "unschedule shop daily", 0);
    let file = std::env::temp_dir().join(format!("dbk-{}.dump", std::process::id()));
    all.ask(&host, "download", &format!("download shop --id {id} -o {}", file.display()), 0);
    std::fs::remove_file(&file).expect("the file");
    host.fault("postgres:export/hang");
    let begun = all.ask(&host, "backup", "export shop --detach", 0);
    assert_eq!(begun["status"], "in-progress");
    all.ask(&host, "cancelled", "cancel shop", 0);
    host.fault("");
    let before = all.ask(&host, "backup", "reset copy --force", 0);
    assert_eq!(before["source"], "safety");
    host.dokku_with("DOKKU_SANDBOX_FAULT", "postgres:export/broken=100", &["backups:export", "shop"]).expect(1);
    all.ask(&host, "backups", "list shop --verbose --deleted", 0);
    all.ask(&host, "backups", &format!("delete shop --id {id} --force"), 0);
    all.ask(&host, "backups", "list shop --deleted", 0);
    all.ask(&host, "sync", "sync shop", 0);
    all.ask(&host, "report", "report shop", 0);
    all.ask(&host, "reports", "report", 0);
    all.ask(&host, "report-global", "report --global", 0);
    all.ask(&host, "check", "check", 1);
    all.fail(&host, "not-found", "info shop --id shop-2001-01-01-00-00-00");
    all.fail(&host, "not-found", "export nosuch");
    all.fail(&host, "usage", "info shop");
    all.fail(&host, "usage", "nosuch");
    all.fail(&host, "refused", "fork shop --latest copy");
    let said = all.validate();
    assert!(
        said.status.success(),
        "{}{}",
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr)
    );
    // A verb that learns `--format json` is asked above, too.
    let has_format = |verb: &&clap::Command| verb.get_arguments().any(|argument| argument.get_id() == "format");
    let verbs = dokku_backups::verbs::commands();
    let with_format: BTreeSet<String> =
        verbs.iter().filter(has_format).map(|verb| verb.get_name().to_owned()).collect();
    assert_eq!(all.verbs, with_format);
}

/// The validator itself can say no: a field that is missing, one too many, a wrong word, a wrong time.
#[test]
fn a_wrong_answer_is_seen() {
    let good = json!({ "name": "dokku-backups", "version": "1" });
    let finding = json!({ "level": "ok", "code": "x", "message": "x", "remedy": "x" });
    let check = |time: &str, finding: &Value| json!({ "verdict": "ok", "checked_at": time, "services": [], "host": { "verdict": "ok", "findings": [finding] } });
    let mut bad_level = finding.clone();
    bad_level["level"] = "fine".into();
    for (schema, value, fits) in [
        ("version", good, true),
        ("version", json!({ "name": "dokku-backups" }), false),
        ("version", json!({ "name": "dokku-backups", "version": null }), false),
        ("version", json!({ "name": "dokku-backups", "version": "1", "more": 1 }), false),
        ("check", check("2026-04-08T14:30:00Z", &finding), true),
        ("check", check("yesterday", &finding), false),
        ("check", check("2026-04-08T14:30:00Z", &bad_level), false),
    ] {
        let mut answers = Answers::default();
        answers.add(schema, "a test", &value);
        let said = answers.validate();
        assert_eq!(said.status.success(), fits, "{value}: {}", String::from_utf8_lossy(&said.stderr));
    }
}
