//! Lists and single backups for people.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::format::{bytes, seconds, source, time};
use crate::domain::{Backup, DumpFormat, Listed, Status, Verification, count, shown};

const COLUMNS: [&str; 8] = ["Name", "Source", "Status", "Trust", "Schedule", "Size", "Restore status", "Created"];

/// Everything about one service's backups in `folder`, newest first: all columns, and below each what has no column.
pub fn list(backups: &[Listed], folder: &Path) -> Vec<String> {
    let rows: Vec<[String; 8]> = backups.iter().map(row).collect();
    let mut widths = COLUMNS.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut lines = vec![line(&COLUMNS.map(str::to_owned), &widths)];
    for (listed, row) in backups.iter().zip(&rows) {
        lines.push(line(row, &widths));
        for (label, value) in facts(listed, folder) {
            lines.push(format!("    {:<22} {value}", format!("{label}:")));
        }
    }
    lines
}

/// Everything about one backup, in the form of Dokku's reports; `work` is what is being done with it right now.
pub fn info(listed: &Listed, folder: &Path, work: Option<&str>) -> Vec<String> {
    let line = |(label, value): (&str, String)| format!("       {:<30} {value}", format!("{label}:"));
    let title = format!("=====> {} backup information", listed.backup.id);
    std::iter::once(title).chain(known(listed, folder, work).into_iter().map(line)).collect()
}

/// One value of it by its label, spelt as a flag is: `server-version`.
pub fn info_value(listed: &Listed, folder: &Path, work: Option<&str>, key: &str) -> Option<String> {
    let is_it = |label: &str| label.to_lowercase().replace(' ', "-") == key;
    known(listed, folder, work).into_iter().find(|(label, _)| is_it(label)).map(|(_, value)| value)
}

/// Labels and values of everything about one backup.
fn known(listed: &Listed, folder: &Path, work: Option<&str>) -> Vec<(&'static str, String)> {
    let [_, source, status, trust, schedule, size, restore, created] = row(listed);
    let mut lines = vec![("Service", format!("{}:{}", listed.backup.datastore, listed.backup.service))];
    lines.extend([("Source", source), ("Status", status), ("Trust", trust), ("Schedule", schedule)]);
    lines.extend([("Size", size), ("Restore status", restore), ("Created", created)]);
    lines.extend(facts(listed, folder));
    let mut add = |label: &'static str, value: &str| lines.push((label, value.to_owned()));
    work.iter().for_each(|work| add("At work", work));
    for table in &listed.backup.tables {
        add("Table", &format!("{}.{}: {}", table.schema, table.name, count(table.rows, "row")));
    }
    if let Some(more) = &listed.backup.more_tables {
        add("More tables", &format!("{}, with {}", more.tables, count(more.rows, "row")));
    }
    for restore in &listed.backup.restores {
        let took = |at: DateTime<Utc>| (at - restore.started_at).to_std().map(seconds).unwrap_or_default();
        let ended =
            restore.finished_at.map(|at| format!(", ended {}, took {}", time(at), took(at))).unwrap_or_default();
        let why = restore.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        let into = format!(
            "into {} by {}, {}{ended}, {}{why}",
            restore.target,
            restore.by,
            time(restore.started_at),
            restore.status.name()
        );
        add("Restore", &into);
    }
    lines
}

fn row(listed: &Listed) -> [String; 8] {
    let backup = &listed.backup;
    [
        backup.id.to_string(),
        format!("{}{}", source(backup), if backup.keep { ", kept" } else { "" }),
        status(listed),
        listed.trust().map_or("-", |trust| trust.label()).to_owned(),
        if backup.schedules.is_empty() { "-".to_owned() } else { backup.schedules.join(",") },
        backup.size.map_or_else(|| "-".to_owned(), bytes),
        restore_status(backup),
        time(backup.created_at),
    ]
    .map(|cell| shown(&cell).into_owned())
}

/// When it was done, or that it was not.
pub(super) fn status(listed: &Listed) -> String {
    match listed.status {
        Status::InProgress => listed.status.name().to_owned(),
        _ if listed.backup.deleted_at.is_some() => "deleted".to_owned(),
        Status::Success => time(listed.backup.finished_at),
        other => other.name().to_owned(),
    }
}

/// none, in progress, or when the last one was done.
pub(super) fn restore_status(backup: &Backup) -> String {
    match backup.restores.last() {
        None => "none".to_owned(),
        Some(restore) => match (restore.status, restore.finished_at) {
            (Status::Success, Some(at)) => format!("done {}", time(at)),
            (Status::InProgress, _) => "in progress".to_owned(),
            (other, _) => other.name().to_owned(),
        },
    }
}

fn encrypted_to(backup: &Backup) -> String {
    if backup.encrypted_to.is_empty() { "keys that are not known".to_owned() } else { backup.encrypted_to.join(", ") }
}

/// What `--verbose` and `info` add.
fn facts(listed: &Listed, folder: &Path) -> Vec<(&'static str, String)> {
    let b = &listed.backup;
    let mut facts = Vec::new();
    let mut add = |label, value: Option<String>| facts.extend(value.map(|value| (label, value)));
    let uncounted = if b.counts() { "" } else { "; not counted until it is verified or restored here" };
    add("Made elsewhere", b.foreign.as_ref().map(|why| format!("{}{uncounted}", why.words())));
    add("Path", b.file.as_ref().map(|file| folder.join(file).display().to_string()));
    add("SHA-256", b.sha256.clone());
    add("Dump format", Some(b.form().format.name().to_owned()).filter(|_| b.form().format == DumpFormat::Plain));
    add("Beyond the database", Some(b.programs.join("; ")).filter(|programs| !programs.is_empty()));
    add("Compression", Some(b.compression.name().to_owned()).filter(|_| !b.form().is_as_written()));
    add("Holds", b.archive.as_ref().and(b.held()).map(bytes));
    let files = || format!(", {} in all are opened to read it", count(listed.chain.files, "file"));
    add("Leans on", b.base().map(|base| format!("{base}{}", files())));
    add("Leant on by", (listed.chain.leaning > 0).then(|| count(listed.chain.leaning, "other backup")));
    add("Grants", b.grants.then(|| "owners and privileges are in it".to_owned()));
    add("Encrypted to", Some(encrypted_to(b)).filter(|_| b.form().encrypted));
    for app in &b.apps {
        let none = if app.deploy_source.is_some() { "an unknown commit" } else { "never deployed" };
        let sha = app.git_sha.as_deref().unwrap_or(none);
        let other = app.branch_sha.as_deref().map(|sha| format!(" at {sha}")).unwrap_or_default();
        let branch = app.deploy_branch.as_deref().map(|b| format!(" ({b}{other})")).unwrap_or_default();
        let from = app.deploy_source.as_deref().map(|s| format!(", from {s}")).unwrap_or_default();
        let what = app.deploy_source_metadata.as_deref().map(|m| format!(" {m}")).unwrap_or_default();
        let updated = app.git_last_updated_at.map(|at| format!(", updated {}", time(at))).unwrap_or_default();
        add("Git SHA", Some(format!("{}: {sha}{branch}{from}{what}{updated}", app.app)));
    }
    let image = b.image.as_ref().zip(b.image_version.as_ref());
    add("Image", image.map(|(image, version)| format!("{image}:{version}")));
    add("Server version", b.server_version.clone());
    add("Dump tool version", b.dump_tool_version.clone());
    add("Database", b.database.clone());
    add("Label", b.label.clone());
    add("By", Some(b.actor.clone()));
    add("Started", Some(time(b.started_at)));
    add("Finished", (listed.status != Status::InProgress).then(|| time(b.finished_at)));
    let took = (b.finished_at - b.started_at).to_std().ok().filter(|_| listed.status != Status::InProgress);
    add("Took", took.map(seconds));
    add("Verified", b.verification.as_ref().filter(|v| v.reason.is_none()).map(verified));
    add("Expires", Some(b.expires_at.map_or_else(|| "never".to_owned(), time)));
    add("Kept for ever", b.keep.then(|| "yes".to_owned()));
    add("Off-site", listed.copy_state().zip(b.destination.as_ref()).map(|(state, d)| format!("{state} {}", d.uri)));
    add("Presence", b.destination.as_ref().map(|_| listed.presence.name().to_owned()));
    add("Off-site since", b.destination.as_ref().and_then(|d| d.uploaded_at).map(time));
    add("Off-site error", b.destination.as_ref().and_then(|d| d.reason.clone()));
    add("Off-site next attempt", b.destination.as_ref().and_then(|d| d.retry_at).map(time));
    add("Deleted", b.deleted_at.map(|at| format!("{} by {}", time(at), b.deleted_by.as_deref().unwrap_or("unknown"))));
    add("Error", b.reason.clone());
    add("Verification error", b.verification.as_ref().and_then(|v| v.reason.clone()));
    add("Damage", b.damage.clone().or_else(|| listed.chain.damage.clone()));
    add("Suspicious", b.suspicious.clone());
    for note in &b.notes {
        add("Note", Some(note.clone()));
    }
    facts
}

/// When it was shown to restore, and how long that took.
fn verified(verification: &Verification) -> String {
    let took = verification.took_ms.map(|took| format!(", took {}", seconds(Duration::from_millis(took))));
    format!("{}{}: {}", time(verification.at), took.unwrap_or_default(), verification.words())
}

fn line(cells: &[String; 8], widths: &[usize; 8]) -> String {
    let mut text = String::with_capacity(widths.iter().sum::<usize>() + 16);
    for (cell, width) in cells.iter().zip(widths) {
        text.push_str(cell);
        text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 2));
    }
    text.truncate(text.trim_end().len());
    text
}
