//! What every verb takes: rights of ours, and the command of the datastore plugin that does the same without us. The only
//! place that knows; a verb that is not in `Verb::rule` does not compile.
//!
//! How a right is chosen: whatever shows is `read`; what makes or proves a backup is `create`; what changes data, records
//! or settings is `update`; what removes is `delete`. Without `read` a service does not exist, so everything takes it.

use super::Verb;
use crate::domain::Right::{self, Create, Delete, Read, Update};
use crate::operations::{Part, Rule, To};
use crate::properties::RETENTION;

const fn part(rights: &'static [Right], stock: Option<&'static str>) -> Part {
    Part { rights, stock }
}

const fn on(verb: &'static str, rights: &'static [Right], stock: Option<&'static str>) -> Rule {
    Rule { verb, to: To::Holder { service: part(rights, stock), other: None, further: None } }
}

const fn with(
    verb: &'static str,
    service: Part,
    what: &'static str,
    rights: &'static [Right],
    stock: &'static str,
) -> Rule {
    Rule { verb, to: To::Holder { service, other: Some((what, part(rights, Some(stock)))), further: None } }
}

/// What lets backups go earlier than they would have gone removes them, only later.
const fn shortening(verb: &'static str, rights: &'static [Right], stock: Option<&'static str>) -> Rule {
    let further = Some(("to let backups go earlier", part(&[Delete], None)));
    Rule { verb, to: To::Holder { service: part(rights, stock), other: None, further } }
}

const EXPORT: Rule = on("export", &[Read, Create], Some("export"));
const LIST: Rule = on("list", &[Read], None);
const INFO: Rule = on("info", &[Read], None);
const LOGS: Rule = on("logs", &[Read], None);
const IMPORT: Rule =
    with("import", part(&[Read, Update], Some("import")), "the service it is taken from", &[Read], "export");
/// A dump made elsewhere becomes a backup first: from a file, an address or a server.
const IMPORT_FOREIGN: Rule = on("import --file", &[Read, Create, Update], Some("import"));
const IMPORT_ONLY: Rule = on("import --no-restore", &[Read, Create], None);
const VERIFY: Rule = on("verify", &[Read, Create], None);
const FORK: Rule = with("fork", part(&[Read], Some("export")), "the new service", &[Create], "create");
const RESET: Rule =
    with("reset", part(&[Read, Update], Some("import")), "the service it was forked from", &[Read], "export");
const SET: Rule = on("set", &[Read, Update], None);
/// Who says where copies go can read them there.
const SET_DESTINATION: Rule = on("set destination", &[Read, Update], Some("export"));
const SET_RETENTION: Rule = shortening("set retention", &[Read, Update], None);
/// A list on stdin may be about anything.
const SET_LIST: Rule = shortening("set -", &[Read, Update], Some("export"));
const REPORT: Rule = on("report", &[Read], None);
const CHECK: Rule = on("check", &[Read], None);
const DOWNLOAD: Rule = on("download", &[Read], Some("export"));
const KEEP: Rule = on("keep", &[Read, Update], None);
const KEEP_RELEASE: Rule = on("keep --release", &[Read, Update, Delete], None);
const PRUNE: Rule = on("prune", &[Read, Delete], None);
const PRUNE_PLAN: Rule = on("prune --dry-run", &[Read], None);
const SCHEDULE: Rule = shortening("schedule", &[Read, Update], Some("export"));
const UNSCHEDULE: Rule = on("unschedule", &[Read, Update], None);
const SCHEDULES: Rule = on("schedules", &[Read], None);
const DELETE: Rule = on("delete", &[Read, Delete], None);
const FORGET: Rule = on("forget", &[Read, Delete], None);
/// Ends what somebody else may be waiting for.
const CANCEL: Rule = on("cancel", &[Read, Update], None);
const SYNC: Rule = on("sync", &[Read, Update], None);
const GRANT: Rule = Rule { verb: "grant", to: To::Root };
const REVOKE: Rule = Rule { verb: "revoke", to: To::Root };
const VERSION: Rule = Rule { verb: "version", to: To::All };
const HELP: Rule = Rule { verb: "help", to: To::All };
/// What Dokku or its crontab calls, on behalf of the host or of whoever runs a command of Dokku's own: those decisions
/// are Dokku's.
const TRIGGER: Rule = Rule { verb: "trigger", to: To::All };

/// Every rule, as help and the documentation show them.
const ALL: &[&Rule] = &[
    &EXPORT,
    &LIST,
    &INFO,
    &LOGS,
    &DOWNLOAD,
    &IMPORT,
    &IMPORT_FOREIGN,
    &IMPORT_ONLY,
    &VERIFY,
    &FORK,
    &RESET,
    &DELETE,
    &FORGET,
    &KEEP,
    &KEEP_RELEASE,
    &PRUNE,
    &PRUNE_PLAN,
    &CANCEL,
    &SYNC,
    &SCHEDULE,
    &UNSCHEDULE,
    &SCHEDULES,
    &SET,
    &SET_DESTINATION,
    &SET_RETENTION,
    &SET_LIST,
    &REPORT,
    &CHECK,
    &GRANT,
    &REVOKE,
    &VERSION,
    &HELP,
];

impl Verb {
    /// What it takes.
    pub fn rule(&self) -> &'static Rule {
        match self {
            Verb::Export(_) => &EXPORT,
            Verb::List(_) => &LIST,
            Verb::Info(_) => &INFO,
            Verb::Logs(_) => &LOGS,
            Verb::Import(args) if args.no_restore => &IMPORT_ONLY,
            Verb::Import(args) if args.file.is_some() || args.url.is_some() || args.from.is_some() => &IMPORT_FOREIGN,
            Verb::Import(_) => &IMPORT,
            Verb::Verify(_) => &VERIFY,
            Verb::Fork(_) => &FORK,
            Verb::Reset(_) => &RESET,
            Verb::Set(args) if args.is_a_list() => &SET_LIST,
            Verb::Set(args) if args.is_about(|property| property.is_about_destination()) => &SET_DESTINATION,
            Verb::Set(args) if args.is_about(|property| property.key == RETENTION.key) => &SET_RETENTION,
            Verb::Set(_) => &SET,
            Verb::Report(_) => &REPORT,
            Verb::Check(_) => &CHECK,
            Verb::Download(_) => &DOWNLOAD,
            Verb::Keep(args) if args.release => &KEEP_RELEASE,
            Verb::Keep(_) => &KEEP,
            Verb::Prune(args) if args.dry_run => &PRUNE_PLAN,
            Verb::Prune(_) => &PRUNE,
            Verb::Schedule(_) => &SCHEDULE,
            Verb::Unschedule(_) => &UNSCHEDULE,
            Verb::Schedules(_) => &SCHEDULES,
            Verb::Delete(_) => &DELETE,
            Verb::Forget(_) => &FORGET,
            Verb::Cancel(_) => &CANCEL,
            Verb::Sync(_) => &SYNC,
            Verb::Grant(_) => &GRANT,
            Verb::Revoke(_) => &REVOKE,
            Verb::Version { .. } => &VERSION,
            Verb::Help { .. } => &HELP,
            Verb::Tick
            | Verb::Completion
            | Verb::HelpLine { .. }
            | Verb::TriggerCronEntries { .. }
            | Verb::TriggerInstall { .. }
            | Verb::TriggerBuilderRelease { .. }
            | Verb::TriggerServiceAction { .. } => &TRIGGER,
        }
    }
}

/// The table: a line a verb.
pub fn table() -> String {
    let width = ALL.iter().map(|rule| rule.verb.len()).max().unwrap_or(0);
    let lines = ALL.iter().map(|rule| format!("  {:<width$}  {}", rule.verb, words(&rule.to)));
    lines.collect::<Vec<_>>().join("\n")
}

fn words(to: &To) -> String {
    let of = |part: &Part| {
        let rights: Vec<&str> = part.rights.iter().map(|right| right.name()).collect();
        let stock = part.stock.map(|stock| format!(" + DATASTORE:{stock}")).unwrap_or_default();
        rights.join(", ") + &stock
    };
    match to {
        To::All => "everybody".to_owned(),
        To::Root => "root at this host's shell".to_owned(),
        To::Holder { service, other, further } => {
            let other = other.as_ref().map(|(what, part)| format!("; on {what}: {}", of(part)));
            let further = further.as_ref().map(|(what, part)| format!("; {what}: {}", of(part)));
            [Some(of(service)), other, further].into_iter().flatten().collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_is_in_the_table_once() {
        let mut shown: Vec<&str> = ALL.iter().map(|rule| rule.verb).filter(|verb| !verb.contains(' ')).collect();
        let verbs = crate::verbs::verbs();
        let mut there: Vec<&str> = verbs.iter().map(|(verb, _)| verb.as_str()).collect();
        shown.sort_unstable();
        there.sort_unstable();
        assert_eq!(shown, there);
    }

    #[test]
    fn nothing_is_done_to_what_does_not_exist() {
        for rule in ALL {
            if let To::Holder { service, .. } = &rule.to {
                assert!(service.rights.contains(&Read), "{}", rule.verb);
            }
        }
    }

    #[test]
    fn the_documentation_has_this_table() {
        let text = include_str!("../../docs/rights.md");
        assert!(text.contains(&table()), "docs/rights.md is to have:\n{}", table());
    }
}
