//! What programs read is what docs/schema says: real answers of every verb that has `--format json`, and real errors,
//! held against the committed schemas by the validators that platforms use: Ajv in its strict mode, and python-jsonschema.
//! And against those of the first version, which nobody may break.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::support::lack::left_out;
use super::support::{Host, Run, SHOP};

/// What was promised first: the schemas then, and answers that were given.
const PROMISED: &str = "tests/compatibility";

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What one of the validators says about the answers in `lines`.
fn held(validator: &mut Command, schemas: &str, lines: &str) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), lines).expect("answers");
    let run = validator.arg(repository().join(schemas)).arg(file.path()).output().expect("a validator");
    let (said, why) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{schemas}: {said}{why}");
}

/// Ajv, where it is. With `open`, words that were added to an enumeration are no mistake.
fn strict(open: bool) -> Option<Command> {
    let modules = repository().join("target/tools/node_modules");
    if !modules.join("ajv").exists() {
        left_out("node", "target/tools has no Ajv: run scripts/prerequisites");
        return None;
    }
    let mut command = Command::new("node");
    command.env("NODE_PATH", modules).arg(repository().join("tests/schema.d/strict.js"));
    command.args(open.then_some("--open-words"));
    Some(command)
}

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
        one_style(&line, &value);
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
        let value: Value = serde_json::from_str(run.stderr.lines().last().expect("an error")).expect("JSON");
        one_style(line, &value);
        self.add("error", line, &value);
    }

    /// Keeps one of each, where somebody wants them: `DOKKU_BACKUPS_TEST_ANSWERS=FILE`, for tests/compatibility.
    fn keep(&self) {
        let Some(file) = std::env::var_os("DOKKU_BACKUPS_TEST_ANSWERS") else { return };
        let mut each = std::collections::BTreeMap::new();
        for line in self.lines.lines() {
            let value: Value = serde_json::from_str(line).expect("JSON");
            let kept = each.entry(value["schema"].to_string()).or_insert(line);
            // The longest says most.
            if kept.len() < line.len() && line.len() < 16_000 {
                *kept = line;
            }
        }
        std::fs::write(file, each.into_values().map(|line| format!("{line}\n")).collect::<String>()).expect("answers");
    }

    /// Holds all of them against the schemas, those of today and those that were promised first.
    #[track_caller]
    fn hold(&self) {
        let said = self.validate();
        assert!(
            said.status.success(),
            "{}{}",
            String::from_utf8_lossy(&said.stdout),
            String::from_utf8_lossy(&said.stderr)
        );
        if let (Some(mut strictly), Some(mut as_promised)) = (strict(false), strict(true)) {
            held(&mut strictly, "docs/schema", &self.lines);
            held(&mut as_promised, &format!("{PROMISED}/schema"), &self.lines);
        }
    }

    /// What python-jsonschema says of them.
    fn validate(&self) -> std::process::Output {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &self.lines).expect("answers");
        let mut command = Command::new(repository().join("tests/schema.d/validate"));
        command.arg(repository().join("docs/schema")).arg(file.path()).output().expect("tests/schema.d/validate")
    }
}

/// One style for all answers (ux 328): names in snake_case; what ends in `_at` is a time and in `_by` a name, and nothing is
/// called by these words alone; the version in front.
#[track_caller]
fn one_style(from: &str, answer: &Value) {
    assert_eq!(answer["schema"], 1, "{from}: no version");
    walk(from, answer);
}

fn walk(from: &str, value: &Value) {
    if let Value::Array(all) = value {
        all.iter().for_each(|inner| walk(from, inner));
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        let of_snakes = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(name.chars().all(of_snakes), "{from}: {name}");
        assert!(!["at", "by", "actor", "offsite", "hints", "remedy"].contains(&name.as_str()), "{from}: {name}");
        let is_time = || inner.as_str().is_some_and(|text| chrono::DateTime::parse_from_rfc3339(text).is_ok());
        assert!(!name.ends_with("_at") || inner.is_null() || is_time(), "{from}: {name} is {inner}");
        assert!(!name.ends_with("_by") || inner.is_null() || inner.is_string(), "{from}: {name} is {inner}");
        let words = ["on", "off", "", "true", "false"];
        let is_state = from.contains("report") && name == "state";
        assert!(is_state || !inner.as_str().is_some_and(|text| words.contains(&text)), "{from}: {name} is {inner}");
        walk(from, inner);
    }
}

/// Asserts that a document which was sent somewhere is a `schema`.
#[track_caller]
pub fn fits(schema: &str, document: &Value) {
    one_style(schema, document);
    let mut sent = Answers::default();
    sent.add(schema, "what was sent", document);
    sent.hold();
}

/// What verbs answer that change what is set, allowed or known.
fn changes(all: &mut Answers, host: &Host) {
    all.ask(host, "set", "set shop check off practice", 0);
    all.ask(host, "set", "set --global verify-memory 2g", 0);
    all.ask(host, "set", "set shop check", 0);
    all.ask(host, "rights", "grant admin read,create,update,delete", 0);
    all.ask(host, "rights", "revoke admin delete", 0);
    all.ask(host, "rights", "revoke --all", 0);
    all.ask(host, "begun", "sync shop --detach", 0);
    host.dokku(&["postgres:create", "gone"]).expect(0);
    host.dokku_with("DOKKU_SANDBOX_FAULT", "postgres:export/broken=100", &["backups:export", "gone"]).expect(1);
    host.dokku(&["postgres:destroy", "gone", "--force", "--skip-backup-check"]).expect(0);
    all.ask(host, "forget", "forget gone", 0);
}

#[test]
fn row_028_ux_325_326_328_every_answer_fits_its_schema() {
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
    all.ask(&host, "check", "check shop", 0);
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
    all.fail(&host, "busy", "export shop");
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
    changes(&mut all, &host);
    all.ask(&host, "check", "check", 1);
    all.fail(&host, "not-found", "info shop --id shop-2001-01-01-00-00-00");
    all.fail(&host, "not-found", "export nosuch");
    all.fail(&host, "usage", "info shop");
    all.fail(&host, "usage", "nosuch");
    all.fail(&host, "exists", "fork shop --latest copy");
    all.fail(&host, "exists", "export shop --at 2026-04-08T14:30:00Z");
    all.fail(&host, "refused", "import shop --latest");
    all.hold();
    all.keep();
    // A verb that learns `--format json` is asked above, too.
    let has_format = |verb: &&clap::Command| verb.get_arguments().any(|argument| argument.get_id() == "format");
    let verbs = dokku_backups::verbs::commands();
    let with_format: BTreeSet<String> =
        verbs.iter().filter(has_format).map(|verb| verb.get_name().to_owned()).collect();
    assert_eq!(all.verbs, with_format);
}

/// What was answered once is still an answer: every stored example fits the schemas that were promised with it.
#[test]
fn ux_325_stored_answers_fit_what_was_promised() {
    let examples = std::fs::read_to_string(repository().join(PROMISED).join("answers.jsonl")).expect("examples");
    if let Some(mut strictly) = strict(false) {
        held(&mut strictly, &format!("{PROMISED}/schema"), &examples);
    }
    let value = |line: &str| -> Value { serde_json::from_str(line).expect("JSON") };
    let stored: BTreeSet<String> =
        examples.lines().map(|line| value(line)["schema"].as_str().expect("a name").to_owned()).collect();
    let all: BTreeSet<String> = dokku_backups::answers::schemas().iter().map(|answer| answer.name.to_owned()).collect();
    assert_eq!(stored, all, "an answer has no example in {PROMISED}/answers.jsonl");
}

/// The validator itself can say no: a field that is missing, one too many, a wrong word, a wrong time.
#[test]
fn a_wrong_answer_is_seen() {
    let good = json!({ "schema": 1, "name": "dokku-backups", "version": "1" });
    let finding =
        json!({ "level": "ok", "code": "stale", "message": "x", "remedies": [{ "command": "x", "note": null }] });
    let check = |time: &str, finding: &Value| json!({ "schema": 1, "verdict": "ok", "checked_at": time, "services": [], "host": { "name": "box", "verdict": "ok", "findings": [finding] } });
    let mut bad_level = finding.clone();
    bad_level["level"] = "fine".into();
    let mut bad_code = finding.clone();
    bad_code["code"] = "staler".into();
    for (schema, value, fits) in [
        ("version", good, true),
        ("version", json!({ "schema": 1, "name": "dokku-backups" }), false),
        ("version", json!({ "schema": 1, "name": "dokku-backups", "version": null }), false),
        ("version", json!({ "schema": 1, "name": "dokku-backups", "version": "1", "more": 1 }), false),
        ("version", json!({ "schema": 2, "name": "dokku-backups", "version": "1" }), false),
        ("check", check("2026-04-08T14:30:00Z", &finding), true),
        ("check", check("yesterday", &finding), false),
        ("check", check("2026-04-08T14:30:00Z", &bad_level), false),
        ("check", check("2026-04-08T14:30:00Z", &bad_code), false),
    ] {
        let mut answers = Answers::default();
        answers.add(schema, "a test", &value);
        let said = answers.validate();
        assert_eq!(said.status.success(), fits, "{value}: {}", String::from_utf8_lossy(&said.stderr));
    }
}
