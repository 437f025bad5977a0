//! The only way to `Restorable`: restore the very bytes into a disposable database and compare what came back.

use std::sync::mpsc;
use std::time::Duration;

use super::{
    Keys, Proven, begun, choose, consent, fetch_now, folder_for_reading, mark_damage, open, prove, refresh, usable,
};
use crate::catalogue::{Detail, InUse, Log, VERIFY, View};
use crate::codec::Identities;
use crate::dokku::Dokku;
use crate::domain::{Backup, BackupId, Listed, Service, Verification};
use crate::engine::postgres::{Compared, Disposable, Server};
use crate::error::{Failure, Kind, Result};
use crate::properties::VERIFY_MEMORY;
use crate::sys::child::was_killed;
use crate::sys::dir::Dir;
use crate::sys::docker::{Docker, LIMIT};
use crate::verbs::Context;
use crate::verbs::words::Selector;

/// What a test restore showed: what came back equal, or why it did not.
type Shown = Result<Compared, String>;

/// Name of the database inside the disposable server.
const DATABASE: &str = "verification";
/// How long the evidence may wait for the service's lock: a long export may be running. 10 minutes.
const PATIENCE: u32 = 600;
/// The least that starting a disposable database is given.
const STARTING: Duration = Duration::from_secs(60);

/// Verifies one backup of `service` and returns its record, with the evidence in it. Fails as `damaged` when the backup
/// does not restore; anything that says nothing about the backup leaves its record as it was. `held` is the lock on the
/// dump, where the caller has taken it already.
pub fn verify(
    context: &Context,
    dokku: &Dokku,
    service: &Service,
    which: &Selector,
    keys: &Keys,
    wait: u32,
    held: Option<InUse>,
) -> Result<Backup> {
    let absent = || Failure::new(Kind::NotFound, format!("{service} has no backup to verify"));
    let dir = folder_for_reading(context, service)?.ok_or_else(absent)?;
    let docker = context.docker()?;
    sweep(context, &docker)?;
    let view = View::of(&dir, service, Detail::Whole)?;
    let chosen = choose(context, view, service, which, super::Purpose::Restore)?;
    let backup = usable(&chosen)?;
    consent(backup, &backup.programs, keys.programs)?;
    let identities = keys.of(context, backup)?;
    fetch_now(context, service, &chosen, keys, wait)?;
    let in_use = held.map_or_else(|| InUse::take(&dir, &backup.id, VERIFY), Ok)?;
    let log = &mut Log::open(&dir, &backup.id, context.settings.clock);
    let image = image(dokku, service, backup)?;
    context.ui.step(&format!("Verifying {} in a disposable {image}", backup.id));
    log.say(&format!("verification in {image} began, asked for by {}", context.settings.caller.actor));
    begun(context, &dir, &Listed { validating: true, ..chosen.clone() })?;
    let shown = try_restore(context, &docker, &dir, backup, &identities, keys.programs, &image);
    let evidence = evidence(context, backup, &image, shown, log);
    let result = record(context, service, &backup.id, evidence, wait.max(PATIENCE));
    // Only now: until the evidence is written down somebody is working on this backup.
    drop(in_use);
    let result = result?;
    match result.verification.as_ref().and_then(|v| v.reason.clone()) {
        None => {
            context.ui.detail("every table came back with the rows of the dump");
            Ok(result)
        }
        Some(reason) => Err(Failure::new(Kind::Damaged, format!("{} does not restore", backup.id))
            .because(reason)
            .hint(format!("make another: dokku backups:export {service} --verify"))),
    }
}

/// Removes what crashed verifications of this host have left running.
fn sweep(context: &Context, docker: &Docker) -> Result<()> {
    let root = context.settings.data_root.display().to_string();
    let worked_on = |label: &str| {
        let Ok(id) = label.parse::<BackupId>() else { return false };
        let service = Service { datastore: crate::domain::Datastore::Postgres, name: id.service().clone() };
        let folder = folder_for_reading(context, &service).ok().flatten();
        folder.is_some_and(|dir| InUse::is_held(&dir, &id).unwrap_or(true))
    };
    let removed = Disposable::sweep(docker, &root, &worked_on)?;
    if removed > 0 {
        context.ui.detail(&format!("removed {removed} disposable databases left by a crash"));
    }
    Ok(())
}

fn image(dokku: &Dokku, service: &Service, backup: &Backup) -> Result<String> {
    let info = dokku.info(service);
    let live = info.ok().and_then(|info| info.image.zip(info.image_version));
    let (image, version) = backup.image.clone().zip(backup.image_version.clone()).or(live).ok_or_else(|| {
        Failure::new(Kind::Config, format!("the image of {} is neither recorded nor to be learnt", backup.id))
            .hint(format!("start the service and try again: dokku {}:start {service}", service.datastore))
    })?;
    Ok(format!("{image}:{version}"))
}

/// Starts the disposable server while the bytes are hashed and read, then pours them in and compares.
///
/// The outer failure says nothing about the backup, or that its bytes changed; the inner one is why it does not restore.
fn try_restore(
    context: &Context,
    docker: &Docker,
    dir: &Dir,
    backup: &Backup,
    identities: &Identities,
    programs: bool,
    image: &str,
) -> Result<Shown> {
    let service = Service { datastore: backup.datastore, name: backup.service.clone() };
    let memory = &context.properties().computed(&service, &VERIFY_MEMORY)?;
    let limit = context.restore_limit(&service)?;
    // Starting it may mean fetching its image, however little time the data itself may take.
    let starter = &docker.within(limit.clamp(STARTING, LIMIT));
    let docker = &docker.within(limit.min(LIMIT));
    let root = context.settings.data_root.display().to_string();
    let hint = |failure: Failure| match failure.kind {
        Kind::NoSpace => {
            failure.hint(format!("it has {memory}; give it more: dokku backups:set {service} verify-memory 2g"))
        }
        _ => failure,
    };
    std::thread::scope(|scope| {
        let (hand_over, started) = mpsc::channel();
        let id = backup.id.to_string();
        let start = move || {
            let _ = hand_over.send(Disposable::start(starter, image, &root, &id, memory));
        };
        std::thread::Builder::new().spawn_scoped(scope, start)?;
        let proven = prove(context.ui, dir, backup, identities, programs);
        // Received before anything is answered: whatever was started is dropped, and so removed.
        let disposable = started.recv().map_err(|_| Failure::new(Kind::Io, "the disposable database was lost"))?;
        let proven = proven?;
        let disposable = disposable?;
        let server = disposable.server(docker, DATABASE, proven.content.encoding.as_deref(), limit).map_err(hint)?;
        let missing = server.missing_extensions(&proven.content.extensions)?;
        if !missing.is_empty() {
            return Ok(Err(format!("{image} lacks the extensions {}", missing.join(", "))));
        }
        let Proven { dump, content } = proven;
        let restored = server.restore(DATABASE, &content, dump, limit);
        // Counting a large table takes its time too.
        let compared = restored.and_then(|()| server.within(limit).compare(DATABASE, &content));
        judge(&server, compared).map_err(hint)
    })
}

/// A failure says something about the backup only as long as the server itself is well.
fn judge(server: &Server, restored: Result<Compared>) -> Result<Shown> {
    match restored {
        Ok(compared) => Ok(Ok(compared)),
        Err(failure) => match failure.kind {
            Kind::Damaged | Kind::Timeout => Ok(Err(failure.reason())),
            // The memory limit may have taken `pg_restore` itself: that is no judgement on the dump.
            _ if was_killed(&failure) => Err(failure),
            Kind::Child if server.value(DATABASE, "SELECT 1").is_ok() => Ok(Err(failure.reason())),
            Kind::Child => Err(server.gone().unwrap_or(failure)),
            _ => Err(failure),
        },
    }
}

/// Evidence for or against the backup; an error when there is neither.
fn evidence(
    context: &Context,
    backup: &Backup,
    image: &str,
    shown: Result<Shown>,
    log: &mut Log,
) -> Result<Verification> {
    let (tables, rows, reason) = match shown {
        Ok(Ok(Compared { tables, rows })) => (tables, rows, None),
        Ok(Err(reason)) => (0, 0, Some(reason)),
        Err(failure) => {
            log.say(&format!("not verified: {}", failure.reason()));
            return Err(failure);
        }
    };
    log.say(&match &reason {
        None => format!("verified: {tables} tables, {rows} rows came back equal"),
        Some(reason) => format!("verification failed: {reason}"),
    });
    let sha256 = backup.sha256.clone().unwrap_or_default();
    Ok(Verification { at: context.settings.clock.now(), image: image.to_owned(), sha256, tables, rows, reason })
}

/// Writes the evidence, if the record still speaks of the same bytes.
fn record(
    context: &Context,
    service: &Service,
    id: &BackupId,
    evidence: Result<Verification>,
    wait: u32,
) -> Result<Backup> {
    let evidence = match evidence {
        Err(failure) if failure.kind != Kind::Damaged => return Err(failure),
        evidence => evidence,
    };
    let catalogue = open(context, service, wait, "verify")?;
    let mut backup = catalogue.record(id)?;
    let evidence = mark_damage(context.settings.clock, &catalogue, &backup, evidence)?;
    backup.damage = None;
    if backup.deleted_at.is_some() || backup.sha256.as_ref() != Some(&evidence.sha256) {
        return Err(Failure::new(Kind::Busy, format!("{id} was deleted or replaced while it was verified")));
    }
    backup.verification = Some(evidence);
    catalogue.save(&backup)?;
    catalogue.reindex()?;
    // The evidence travels with the copy. Where that fails now, the next catching up brings it there.
    refresh(context, &catalogue, backup.clone()).or_else(|failure| {
        context.ui.warn(&format!("the record of the copy is not up to date: {}", failure.reason()));
        Ok(backup)
    })
}
