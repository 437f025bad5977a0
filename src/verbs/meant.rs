//! Words that people try, because other programs and plugins have them, and what they mean here.

use crate::domain::{BackupId, ServiceWord};
use crate::error::{Failure, Kind};

/// What is tried, the command for it behind `dokku backups:`, and what that does. `S` stands for the service.
const MEANT: [(&[&str], &str, &str); 17] = [
    (&["restore", "recover", "load"], "import S --latest", "a backup is restored by"),
    (
        &["create", "capture", "backup", "dump", "run", "make", "snapshot", "new", "add"],
        "export S",
        "a backup is made by",
    ),
    (&["ls", "show", "all", "index", "history"], "list S", "backups are listed by"),
    (&["status", "state", "health", "doctor", "monitor", "ping"], "check S", "whether a service is safe says"),
    (&["url", "public-url", "get", "fetch", "save", "pull"], "download S --latest > FILE", "a backup is taken out by"),
    (&["remove", "rm", "destroy", "drop", "purge"], "delete S --id ID", "a backup is deleted by"),
    (&["test", "validate", "prove", "try"], "verify S --latest", "whether a backup restores shows"),
    (&["clone", "copy", "branch", "duplicate"], "fork S --latest NEW", "a new service is made from a backup by"),
    (&["rollback", "undo", "revert"], "list S", "what a restore replaced is a safety backup; it is listed by"),
    (&["config", "settings", "property", "configure", "env"], "set S", "properties are set by"),
    (
        &["cron", "auto", "automate", "enable", "backup-schedule"],
        "schedule S daily",
        "backups are made by themselves after",
    ),
    (&["disable", "backup-unschedule", "deschedule"], "unschedule S", "schedules are ended by"),
    (&["backup-auth", "auth", "destination", "s3"], "help set", "where copies go is set by destination; see"),
    (&["log", "tail", "output"], "logs S --latest", "what was logged is shown by"),
    (&["upload", "push", "refresh", "repair", "catch-up"], "sync S", "copies are caught up with by"),
    (&["clean", "cleanup", "expire", "rotate", "gc", "trim"], "prune S --dry-run", "what has expired is removed by"),
    (&["stop", "abort", "kill", "end"], "cancel S", "what is being done is ended by"),
];

/// The failure about a verb that there is not, with what leads to the right one. `rest` are the words behind it.
pub fn no_such_verb(word: &str, similar: Option<&str>, rest: &[String]) -> Failure {
    let failure = Failure::new(Kind::Usage, format!("there is no command backups:{word}"));
    let meant = MEANT.iter().find(|(words, _, _)| words.contains(&word));
    let service = service_in(rest);
    let failure = match (meant, similar) {
        (Some((_, command, about)), _) => {
            let command = command.replacen(" S", &format!(" {}", service.unwrap_or("SERVICE")), 1);
            failure.remedy(*about, format!("dokku backups:{command}"))
        }
        (None, Some(similar)) => failure.remedy("there is", format!("dokku backups:{similar}")),
        (None, None) => failure,
    };
    failure.remedy("all of them", "dokku backups:help")
}

/// What to type where `word` stands behind `verb SERVICE` and is the id of a backup.
pub fn with_id(verb: &str, words: &[String], word: &str) -> Option<String> {
    let id: BackupId = word.parse().ok()?;
    Some(format!("dokku backups:{verb} {} --id {id}", service_in(words)?))
}

/// The first of `words` that can be a service: an id is none.
fn service_in(words: &[String]) -> Option<&str> {
    let is_service = |word: &&str| word.parse::<ServiceWord>().is_ok() && word.parse::<BackupId>().is_err();
    words.iter().map(String::as_str).find(is_service)
}
