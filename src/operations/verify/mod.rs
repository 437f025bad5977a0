//! The only way to `Restorable`: restore the very bytes into a disposable database and compare what came back.

mod by_itself;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::catalogue::{Detail, Folder, InUse, Log, Mark, Root, VERIFY, View};
use crate::codec::Identities;
use crate::dokku::Dokku;
use crate::domain::{Backup, BackupId, Consent, Listed, Service, Verification};
use crate::domain::{Which, count};
use crate::engine::{self, Bound, Content, Owner, Shown};
use crate::error::{Failure, Kind, Remedy, Result};
use crate::operations::Context;
use crate::operations::detach::detach_point;
use crate::operations::image::image;
use crate::operations::keys::Keys;
use crate::operations::offsite::{fetch_now, refresh};
use crate::operations::proof::{mark_damage, prove};
use crate::operations::recover::lock_and_recover;
use crate::operations::select::{choose, folder_for_reading, usable};
use crate::operations::watched::watched;
use crate::properties::{VERIFY_DISK, VERIFY_MEMORY};
use crate::sys::docker::{Docker, LIMIT};
use crate::ui::bytes;

pub use by_itself::{Scheduled, Turn, verify_due};

/// How long the evidence may wait for the service's lock: a long export may be running. 10 minutes.
const PATIENCE: u32 = 600;
/// The least that starting a disposable database is given.
const STARTING: Duration = Duration::from_secs(60);
/// What a disposable database may write beside its data: itself, its own log, what it sorts. 4 GiB.
const BESIDE: u64 = 4 << 30;
/// How often it may write its data: they are text in the dump, and indexes may be larger than what they are on.
const TIMES: u64 = 8;

/// Verifies one backup of `service` and returns its record, with the evidence in it. Fails as `damaged` when the backup
/// does not restore; anything that says nothing about the backup leaves its record as it was. `held` is the lock on the
/// dump, where the caller has taken it already.
pub fn verify(
    context: &Context,
    dokku: &Dokku,
    service: &Service,
    which: &Which,
    keys: &Keys,
    wait: u32,
    held: Option<InUse>,
) -> Result<Backup> {
    let absent = || Failure::new(Kind::NotFound, format!("{service} has no backup to verify"));
    let dir = folder_for_reading(context, service)?.ok_or_else(absent)?;
    let docker = context.docker()?;
    sweep(context, &docker)?;
    let view = View::of(&dir, service, Detail::Whole)?;
    let chosen = choose(context, view, service, which)?;
    let backup = usable(&chosen)?;
    let identities = keys.of(context, backup)?;
    fetch_now(context, service, &chosen, keys, wait)?;
    let in_use = held.map_or_else(|| InUse::take(&dir, &backup.id, VERIFY, context.settings.clock), Ok)?;
    let log = &mut Log::open(&dir, &backup.id, context.settings.clock);
    let image = image(dokku, service, backup)?.to_string();
    let since = Instant::now();
    context.ui.step(&format!("Verifying {} in a disposable {image}", backup.id));
    log.say(&format!("verification in {image} began, asked for by {}", context.settings.caller.actor));
    detach_point(context, &dir, &Listed { validating: true, ..chosen.clone() })?;
    let trial = Trial { context, dokku, docker: &docker, dir: &dir, service, backup, image: &image };
    let shown = try_restore(&trial, &identities, &keys.consent, log);
    let (evidence, remedies) = evidence(context, backup, &image, (shown, since.elapsed()), log);
    let result = record(context, service, &backup.id, evidence, wait.max(PATIENCE));
    // Only now: until the evidence is written down somebody is working on this backup.
    drop(in_use);
    let result = result?;
    match result.verification.as_ref().and_then(|v| v.reason.clone()) {
        None => {
            let Some(verification) = result.verification.as_ref() else { return Ok(result) };
            if verification.shows_it() {
                context.ui.detail(&verification.words());
                context.ui.took(since);
                return Ok(result);
            }
            Err(Failure::new(Kind::Partial, format!("{}: {}", result.id, verification.words()))
                .hint("so it is not called Restorable: the dump makes tables and does not tell how many rows they have")
                .hint(format!("fork it, look, and export that: dokku backups:fork {service} --id {} NEW", result.id)))
        }
        Some(reason) => {
            let failure = Failure::new(Kind::Damaged, format!("{} does not restore", backup.id)).because(reason);
            let another = Remedy::noted("make another", format!("dokku backups:export {service} --verify"));
            let remedies = if remedies.is_empty() { vec![another] } else { remedies };
            Err(remedies.into_iter().fold(failure, Failure::hint))
        }
    }
}

/// Writes down that what looks suspicious in `backup`, which was just shown to restore, is meant.
pub fn say_it_is_meant(context: &Context, service: &Service, backup: Backup, wait: u32) -> Result<Backup> {
    let catalogue = lock_and_recover(context, service, wait.max(PATIENCE), "verify")?;
    let mut record = catalogue.record(&backup.id)?;
    let Some(why) = record.suspicious.take() else { return Ok(backup) };
    record.emptied = false;
    let (actor, now) = (&context.settings.caller.actor, context.settings.clock.now().format("%Y-%m-%d"));
    record.notes.push(format!("looked suspicious ({why}); on {now} {actor} said that it is meant"));
    catalogue.save(&record)?;
    catalogue.reindex()?;
    context.ui.step(&format!("{} counts from now on: {why}", record.id));
    refresh(context, &catalogue, record.clone()).or(Ok(record))
}

/// Removes what verifications of this host have left running that were killed. Without a mark of one nobody is asked
/// anything. Returns how many there were.
pub fn sweep_killed(context: &Context) -> Result<usize> {
    let Some(root) = Root::look(&context.settings.data_root, &context.settings.config_root)? else { return Ok(0) };
    if Mark::left(&root)?.is_empty() { Ok(0) } else { remove_left(context, &root, &context.docker()?) }
}

/// The same, and says so. Docker is asked in any case.
fn sweep(context: &Context, docker: &Docker) -> Result<()> {
    let Some(root) = Root::look(&context.settings.data_root, &context.settings.config_root)? else { return Ok(()) };
    match remove_left(context, &root, docker)? {
        0 => {}
        removed => context.ui.detail(&format!("removed {} left by a crash", count(removed, "disposable database"))),
    }
    Ok(())
}

fn remove_left(context: &Context, root: &Root, docker: &Docker) -> Result<usize> {
    let worked_on = |service: &Service, id: &BackupId| {
        let folder = folder_for_reading(context, service).ok().flatten();
        folder.is_some_and(|dir| InUse::is_held(&dir, id).unwrap_or(true))
    };
    // Held until the containers are gone: should that fail, somebody comes back to it.
    let left = Mark::left(root)?;
    let host = context.settings.data_root.display().to_string();
    let mut removed = 0;
    for engine in engine::all() {
        removed += engine.sweep(docker, &host, &worked_on)?;
    }
    left.into_iter().for_each(Mark::remove);
    Ok(removed)
}

/// What is restored, and with what.
#[derive(Clone, Copy)]
struct Trial<'a> {
    context: &'a Context,
    dokku: &'a Dokku,
    docker: &'a Docker,
    dir: &'a Folder,
    service: &'a Service,
    backup: &'a Backup,
    image: &'a str,
}

/// Starts the disposable server while the bytes are hashed and read, then pours them in and compares.
///
/// The outer failure says nothing about the backup, or that its bytes changed; the inner one is why it does not restore.
fn try_restore(trial: &Trial, identities: &Identities, consent: &Consent, log: &mut Log) -> Result<Shown> {
    let Trial { context, dokku, docker, dir, service, backup, image } = *trial;
    let memory = &context.properties().computed(service, &VERIFY_MEMORY)?;
    let disk = &context.properties().computed(service, &VERIFY_DISK)?;
    let how = context.restore_options(service)?;
    let limit = how.timeout;
    // Starting it may mean fetching its image, however little time the data itself may take.
    let starter = &docker.with_timeout(limit.clamp(STARTING, LIMIT));
    let docker = &docker.with_timeout(limit.min(LIMIT));
    let root = Root::open(&context.settings.data_root, &context.settings.config_root)?;
    let mark = Mark::set(&root, &backup.id)?;
    let owner = Owner {
        root: context.settings.data_root.display().to_string(),
        service: service.clone(),
        backup: backup.id.clone(),
    };
    let hint = |failure: Failure| match failure.kind {
        Kind::NoSpace if failure.remedies.is_empty() => failure
            .remedy(format!("it has {memory}; give it more"), format!("dokku backups:set {service} verify-memory 2g")),
        _ => failure,
    };
    let engine = engine::of(service.datastore);
    std::thread::scope(|scope| {
        let (hand_over, started) = mpsc::channel();
        let start = move || {
            let options = || dokku.info(service).ok().and_then(|info| info.options);
            let made = engine.disposable(starter, image, &owner, memory, &options, Box::new(|| mark.remove()));
            let _ = hand_over.send(made);
        };
        std::thread::Builder::new().spawn_scoped(scope, start)?;
        let proven = prove(context.ui, dir, backup, service, identities, consent);
        // Received before anything is answered: whatever was started is dropped, and so removed.
        let scratch = started.recv().map_err(|_| Failure::new(Kind::Io, "the disposable server was lost"))?;
        let dump = proven?;
        let mut scratch = scratch?;
        let bound = bound(service, disk, dump.content());
        let shown = scratch.restore_and_compare(docker, watched(context, dump), &bound, how).map_err(hint);
        scratch.note().into_iter().for_each(|note| log.say(&note));
        shown
    })
}

/// What the disposable database may write: what is set, or what suits the dump.
fn bound(service: &Service, set: &str, content: &Content) -> Bound {
    let suitable = content.data_bytes.saturating_mul(TIMES).saturating_add(BESIDE);
    let limit = VERIFY_DISK.bytes(set).unwrap_or(suitable);
    Bound {
        bytes: limit,
        words: bytes(limit),
        remedy: Remedy::noted(
            "if it truly needs that, give it more",
            format!("dokku backups:set {service} verify-disk 100g"),
        ),
    }
}

/// Evidence for or against the backup, an error when there is neither; and what can be done where it is against it.
fn evidence(
    context: &Context,
    backup: &Backup,
    image: &str,
    (shown, took): (Result<Shown>, Duration),
    log: &mut Log,
) -> (Result<Verification>, Vec<Remedy>) {
    let mut remedies = Vec::new();
    let mut not_compared = Vec::new();
    let (tables, rows, how, reason) = match shown {
        Ok(Ok(compared)) => {
            not_compared = Verification::naming(compared.not_compared);
            (compared.tables, compared.rows, Some(compared.how), None)
        }
        Ok(Err(failure)) => {
            remedies.clone_from(&failure.remedies);
            (0, 0, None, Some(failure.reason()))
        }
        Err(failure) => {
            log.say(&format!("not verified: {}", failure.reason()));
            return (Err(failure), remedies);
        }
    };
    let sha256 = backup.content_sha256().unwrap_or_default().to_owned();
    let (at, image) = (context.settings.clock.now(), image.to_owned());
    let took_ms = u64::try_from(took.as_millis()).ok();
    let verification = Verification { at, image, sha256, tables, rows, took_ms, comparison: how, not_compared, reason };
    log.say(&match &verification.reason {
        None => format!("verified: {}", verification.words()),
        Some(reason) => format!("verification failed: {reason}"),
    });
    (Ok(verification), remedies)
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
    let catalogue = lock_and_recover(context, service, wait, "verify")?;
    let mut backup = catalogue.record(id)?;
    let evidence = mark_damage(context.settings.clock, &catalogue, &backup, evidence)?;
    backup.damage = None;
    if backup.deleted_at.is_some() || backup.content_sha256() != Some(evidence.sha256.as_str()) {
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
