//! The list of a service's backups, made for 80 columns: what somebody looks for at night, a line each.

use chrono::{DateTime, TimeDelta, Utc};

use super::format::{bytes, source, time};
use super::table::{restore_status, status};
use crate::domain::{CopyState, Listed, Status, made_at, shown};

/// Shown everywhere, in this order; what is remarkable stands last.
const ALWAYS: [(&str, Cell); 5] = [("Name", name), ("Age", age), ("Size", size), ("Trust", trust), ("Source", made_by)];
/// Shown where the screen is wide enough, the first ones first.
const WIDER: [(&str, Cell); 4] = [
    ("Schedule", schedule),
    ("Created", created),
    ("Restore status", restored),
    ("Status", |listed, _| status(listed)),
];
const REMARKS: &str = "Remarks";
/// Between two columns.
const GAP: usize = 2;
/// Fewer columns are not worth a remark.
const LEAST: usize = 12;

type Cell = fn(&Listed, DateTime<Utc>) -> String;

/// What stands below one title, the title itself first.
struct Column {
    cells: Vec<String>,
    width: usize,
}

impl Column {
    fn new(title: &str, cells: impl Iterator<Item = String>) -> Column {
        let cells: Vec<String> = std::iter::once(title.to_owned()).chain(cells).collect();
        let width = cells.iter().map(|cell| length(cell)).max().unwrap_or(0);
        Column { cells, width }
    }
}

/// The table of one service's backups, newest first, in `width` columns. Of a remark that does not fit the rest is left out:
/// `info` has it all. Where the names alone take half of it, each stands on a line of its own.
pub fn listing(backups: &[Listed], now: DateTime<Utc>, width: usize) -> Vec<String> {
    let one = |listed: &Listed, cell: Cell| shown(&cell(listed, now)).into_owned();
    let column =
        |(title, cell): &(&'static str, Cell)| Column::new(title, backups.iter().map(|listed| one(listed, *cell)));
    let remarks = Column::new(REMARKS, backups.iter().map(remarks));
    let mut columns: Vec<Column> = ALWAYS.iter().map(column).collect();
    let has_remarks = remarks.cells.iter().skip(1).any(|remark| !remark.is_empty());
    let wanted = if has_remarks { GAP + remarks.width } else { 0 };
    for further in &WIDER {
        let room = width.saturating_sub(total(&columns) + GAP + wanted);
        // Of a long list the first line nearly always tells what the thousandth would.
        let least = backups.first().map_or(0, |listed| length(&one(listed, further.1)));
        if least <= room {
            columns.push(column(further));
            columns.pop_if(|column| column.width > room);
        }
    }
    let apart = (columns[0].width > width / 2).then(|| columns.remove(0));
    // What stands below a name is indented.
    let indent = if apart.is_some() { GAP } else { 0 };
    let room = width.saturating_sub(indent + total(&columns) + GAP);
    if has_remarks && room >= LEAST.min(remarks.width) {
        columns.push(Column::new(&cut(REMARKS, room), remarks.cells.iter().skip(1).map(|remark| cut(remark, room))));
    }
    let mut lines = Vec::with_capacity(backups.len() + 1);
    for row in 0..=backups.len() {
        let mut text = String::with_capacity(width + 1);
        if let Some(names) = &apart {
            lines.push(names.cells[row].clone());
            text.extend(std::iter::repeat_n(' ', indent));
        }
        for Column { cells, width } in &columns {
            text.push_str(&cells[row]);
            text.extend(std::iter::repeat_n(' ', width - length(&cells[row]) + GAP));
        }
        text.truncate(text.trim_end().len());
        lines.push(text);
    }
    lines
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn total(columns: &[Column]) -> usize {
    columns.iter().map(|column| column.width).sum::<usize>() + GAP * columns.len().saturating_sub(1)
}

fn cut(text: &str, room: usize) -> String {
    if length(text) <= room {
        return text.to_owned();
    }
    text.chars().take(room - 1).chain(['…']).collect()
}

fn name(listed: &Listed, _: DateTime<Utc>) -> String {
    listed.backup.id.to_string()
}

fn age(listed: &Listed, now: DateTime<Utc>) -> String {
    short_age(now - made_at(&listed.backup))
}

fn size(listed: &Listed, _: DateTime<Utc>) -> String {
    listed.backup.size.map_or_else(|| "-".to_owned(), bytes)
}

/// What is shown of it, in a word.
fn trust(listed: &Listed, _: DateTime<Utc>) -> String {
    let word = match (listed.status, listed.trust()) {
        (Status::InProgress, None) => "In progress",
        _ if listed.backup.deleted_at.is_some() => "Deleted",
        (_, Some(trust)) => trust.word(),
        (_, None) => "Failed",
    };
    word.to_owned()
}

fn made_by(listed: &Listed, _: DateTime<Utc>) -> String {
    source(&listed.backup).to_owned()
}

fn schedule(listed: &Listed, _: DateTime<Utc>) -> String {
    if listed.backup.schedules.is_empty() { "-".to_owned() } else { listed.backup.schedules.join(",") }
}

fn created(listed: &Listed, _: DateTime<Utc>) -> String {
    time(listed.backup.created_at)
}

fn restored(listed: &Listed, _: DateTime<Utc>) -> String {
    restore_status(&listed.backup)
}

/// What makes it unlike others: a doubt, a mark, where it is, the words it was given.
fn remarks(listed: &Listed) -> String {
    let backup = &listed.backup;
    let mut remarks: Vec<String> = Vec::new();
    let mut add = |is_so: bool, word: &str| remarks.extend(is_so.then(|| word.to_owned()));
    add(backup.suspicious.is_some() && backup.is_doubtful(), "suspicious");
    add(backup.keep, "kept");
    let copy = backup.destination.as_ref().filter(|_| backup.deleted_at.is_none()).map(|copy| copy.state);
    add(matches!(copy, Some(CopyState::Failed)), "not copied");
    add(matches!(copy, Some(CopyState::Missing)), "copy missing");
    add(matches!(copy, Some(CopyState::Changed)), "copy changed");
    add(backup.is_remote() && listed.presence == crate::domain::Presence::Remote, "copy only");
    add(backup.restores.last().is_some_and(|restore| restore.status == Status::InProgress), "being restored");
    remarks.extend(backup.label.as_ref().map(|label| format!("\"{}\"", shown(label))));
    remarks.join(", ")
}

/// `12m`, `3h`, `9d`, `14w`: whole units, at least two of them where there is a smaller one.
fn short_age(age: TimeDelta) -> String {
    match age {
        _ if age.num_days() >= 70 => format!("{}w", age.num_weeks()),
        _ if age.num_days() >= 2 => format!("{}d", age.num_days()),
        _ if age.num_hours() >= 2 => format!("{}h", age.num_hours()),
        _ => format!("{}m", age.num_minutes().max(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Backup, BackupId, Datastore, Source};

    fn backup(service: &str, label: Option<&str>) -> Listed {
        let at: DateTime<Utc> = "2026-04-08T14:30:00Z".parse().unwrap();
        let id = BackupId::new(service.parse().unwrap(), at).unwrap();
        let mut backup = Backup::draft(id, Datastore::Postgres, Source::Manual, at, "root");
        backup.label = label.map(str::to_owned);
        Listed::finished(backup, true, true)
    }

    #[test]
    fn ux_310_no_line_is_wider_than_the_screen() {
        let now = "2026-04-20T14:30:00Z".parse().unwrap();
        let long = "a label that goes on and on, as labels do when somebody has a lot to say about a backup";
        for service in ["db", "a-service-with-a-name", &"x".repeat(50)] {
            for width in [80, 100, 143, 200] {
                for label in [None, Some("short"), Some(long)] {
                    let lines = listing(&[backup(service, label), backup(service, None)], now, width);
                    assert!(lines.iter().all(|line| length(line) <= width), "{width}: {lines:#?}");
                    let has = |word: &str| lines.iter().any(|line| line.contains(word));
                    assert!(has("12d") && has("manual") && has("Trust") && has(&format!("{service}-2026-04-08")));
                    assert!(label != Some("short") || has("\"short\""), "{lines:#?}");
                }
            }
        }
        let wide = listing(&[backup("db", None)], now, 200);
        assert!(
            ["Schedule", "Created", "Restore status", "Status"].iter().all(|title| wide[0].contains(title)),
            "{wide:?}"
        );
    }

    #[test]
    fn ages_are_short() {
        let age = |minutes: i64| short_age(TimeDelta::minutes(minutes));
        let ages = [-5, 0, 119, 120, 2879, 2880, 60 * 24 * 69, 60 * 24 * 70].map(age);
        assert_eq!(ages, ["0m", "0m", "119m", "2h", "47h", "2d", "69d", "10w"]);
    }
}
