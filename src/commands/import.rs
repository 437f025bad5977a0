//! `backups:import`: restore a backup into a live service.

use super::Context;
use super::steps::{Proven, Purpose, Wanted, choose, dump, folder_for_reading, open, prove, resolve};
use crate::catalogue::{Detail, Exclusive, Journal, Log};
use crate::cli::ImportArgs;
use crate::dokku::{Dokku, Info, not_running};
use crate::domain::{Backup, BackupId, Listed, Presence, Restore, Service, Source};
use crate::error::{Failure, Kind, Result};
use crate::ui::{BackupJson, Format, bytes, confirm};

/// Locks, chooses, proves, plans, asks, saves what is there, and pours.
pub fn run(context: &Context, args: &ImportArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let target = resolve(context, &dokku, &args.service)?;
    let source = match &args.from_service {
        Some(word) => resolve(context, &dokku, word)?,
        None => target.clone(),
    };
    if folder_for_reading(context, &source)?.is_none() {
        return Err(Failure::new(Kind::NotFound, format!("{source} has no backup to restore"))
            .hint(format!("make one with: dokku backups:export {source}")));
    }
    let into = open(context, &target, args.wait, "import")?;
    let other = if source == target { None } else { Some(open(context, &source, args.wait, "import")?) };
    let from = other.as_ref().unwrap_or(&into);
    let chosen = choose(from.view(Detail::Whole)?, &source, &args.which, Purpose::Restore)?;
    let backup = usable(&chosen)?.clone();
    let info = dokku.info(&target)?;
    if let Some(failure) = not_running(&target, &info.state) {
        return Err(failure);
    }
    context.ui.step(&format!("Checking {}", backup.id));
    let proven = prove(context, from, &backup)?;
    show_plan(context, &dokku, &chosen, &target, &info, args);
    if !context.settings.force {
        confirm(context.ui, target.name.as_str())?;
    }
    let safety = if args.no_backup { None } else { Some(safety_backup(context, &dokku, &into)?) };
    let restore = Restore {
        started_at: context.settings.clock.now(),
        finished_at: None,
        status: "in-progress".to_owned(),
        target: target.name.to_string(),
        by: context.settings.caller.actor.clone(),
        safety_backup: safety,
        reason: None,
    };
    let done = pour(context, &dokku, &into, from, &backup.id, proven, restore)?;
    context.ui.step(&format!("Restored {} into {target}", backup.id));
    if args.format == Format::Json {
        context.ui.json(&BackupJson::new(&Listed::finished(done, true, true), from.dir().path()))?;
    }
    Ok(())
}

/// A backup that may be restored at all.
fn usable(chosen: &Listed) -> Result<&Backup> {
    let backup = &chosen.backup;
    let list = format!("choose another: dokku backups:list {}", backup.service);
    if let Some(at) = backup.deleted_at {
        return Err(Failure::new(Kind::NotFound, format!("{} was deleted at {at}", backup.id)).hint(list));
    }
    if !backup.is_good() || chosen.trust().is_none() {
        let why = backup.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        return Err(Failure::new(Kind::Refused, format!("{} is no finished backup{why}", backup.id)).hint(list));
    }
    if chosen.presence == Presence::Missing {
        return Err(Failure::new(Kind::NotFound, format!("the file of {} is missing", backup.id)).hint(list));
    }
    Ok(backup)
}

fn show_plan(context: &Context, dokku: &Dokku, chosen: &Listed, target: &Service, info: &Info, args: &ImportArgs) {
    let (ui, backup) = (context.ui, &chosen.backup);
    let version = |image: &Option<String>, version: &Option<String>| match (image, version) {
        (Some(image), Some(version)) => format!("{image}:{version}"),
        _ => "unknown".to_owned(),
    };
    let rows: u64 = backup.tables.iter().map(|table| table.rows).sum();
    ui.step(&format!("Plan: restore {} into {target}", backup.id));
    ui.detail(&format!("made:     {} ({})", backup.created_at.format("%Y-%m-%d %H:%M:%S UTC"), backup.source.name()));
    ui.detail(&format!("holds:    {}, {} tables, {rows} rows", bytes(backup.size.unwrap_or(0)), backup.tables.len()));
    ui.detail(&format!("trust:    {}", chosen.trust().map_or("-", |trust| trust.label())));
    let (then, now) = (version(&backup.image, &backup.image_version), version(&info.image, &info.image_version));
    ui.detail(&format!("versions: {then} then, {now} now"));
    for app in &info.links {
        let now = dokku.app_code(app).0.git_sha;
        let then = backup.apps.iter().find(|then| &then.app == app).and_then(|then| then.git_sha.clone());
        show_code(context, app, then.as_deref(), now.as_deref());
    }
    ui.detail(&format!(
        "before:   {}",
        if args.no_backup { "no safety backup is taken (--no-backup)" } else { "a safety backup is taken" }
    ));
    ui.warn(&format!(
        "the data in {target} is overwritten by the stock {}:import: objects that are not in the backup stay",
        target.datastore
    ));
}

/// The code an app ran then and runs now, and how to bring the one then back.
fn show_code(context: &Context, app: &str, then: Option<&str>, now: Option<&str>) {
    let short = |sha: Option<&str>| sha.map_or_else(|| "nothing".to_owned(), |sha| sha.chars().take(10).collect());
    context.ui.detail(&format!("code:     {app} ran {} then, runs {} now", short(then), short(now)));
    if let (Some(then), Some(now)) = (then, now)
        && !then.starts_with(now)
        && !now.starts_with(then)
    {
        context.ui.warn(&format!("{app} runs other code than when the backup was made; to bring that back:"));
        context.ui.warn(&format!(
            "git push dokku@HOST:{app} {then}:refs/heads/BRANCH   (or dokku git:sync --build {app} REPOSITORY {then})"
        ));
    }
}

fn safety_backup(context: &Context, dokku: &Dokku, into: &Exclusive) -> Result<BackupId> {
    let wanted = Wanted { source: Source::Safety, at: None, label: None };
    dump(context, dokku, into, &wanted).map(|backup| backup.id).map_err(|failure| {
        let kind = if matches!(failure.kind, Kind::Interrupted(_)) { failure.kind } else { Kind::Refused };
        Failure::new(kind, "the safety backup failed; nothing was restored")
            .because(failure)
            .hint("mend that first, or go without one: --no-backup")
    })
}

/// From the journal's first word to its last the target may be incomplete; whoever comes after a crash finds it open.
fn pour(
    context: &Context,
    dokku: &Dokku,
    into: &Exclusive,
    from: &Exclusive,
    id: &BackupId,
    proven: Proven,
    mut restore: Restore,
) -> Result<Backup> {
    let target = into.service().name.clone();
    let journal = Journal {
        id: id.clone(),
        target,
        started_at: restore.started_at,
        by: restore.by.clone(),
        safety_backup: restore.safety_backup.clone(),
    };
    let log = &mut Log::open(from.dir(), id, context.settings.clock);
    log.say(&format!("restore into {} began, asked for by {}", restore.target, restore.by));
    note(from, id, restore.clone())?;
    journal.open(into.dir(), into.incoming())?;
    context.ui.step(&format!("Restoring into {}; do not interrupt", restore.target));
    let poured = dokku.import(into.service(), proven.dump);
    restore.finished_at = Some(context.settings.clock.now());
    restore.status = if poured.is_ok() { "success" } else { "failed" }.to_owned();
    restore.reason = poured.as_ref().err().map(Failure::reason);
    log.say(&format!("restore into {}: {}", restore.target, restore.reason.as_deref().unwrap_or("success")));
    let recorded = note(from, id, restore);
    match poured {
        Ok(()) => Journal::close(into.dir())?,
        // It was never started: the target is as it was.
        Err(failure) if failure.kind == Kind::Config => {
            Journal::close(into.dir())?;
            return Err(failure);
        }
        Err(failure) => {
            return Err(Failure::new(
                Kind::RestoreIncomplete,
                format!("the restore into {} did not end well", journal.target),
            )
            .because(failure)
            .hint("its data may be incomplete")
            .hint(format!("put it back as it was with: {}", journal.undo())));
        }
    }
    recorded
}

/// Writes the state of this restore into the record of the backup it came from.
fn note(from: &Exclusive, id: &BackupId, restore: Restore) -> Result<Backup> {
    let mut record = from.record(id)?;
    record.restores.retain(|other| other.started_at != restore.started_at);
    record.restores.push(restore);
    from.save(&record)?;
    from.reindex()?;
    Ok(record)
}
