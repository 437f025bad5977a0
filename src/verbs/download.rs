//! `backups:download`: take a backup out, as it is stored or in another form.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use super::args::{IdentityArg, Selector, parse_compression};
use crate::answers::Downloaded;
use crate::catalogue::{Detail, Folder, InUse, Log, View};
use crate::codec::{Encoder, Identities, Recipients, decode};
use crate::dokku::Dokku;
use crate::domain::ServiceWord;
use crate::domain::{Backup, Compression, Service, StoredAs};
use crate::error::{Failure, Kind, Phase, Result};
use crate::operations::Context;
use crate::operations::keys::Keys;
use crate::operations::offsite::fetch_now;
use crate::operations::proof::{damaged, damaged_within, is_recorded, mark_damage, open_archive, open_dump};
use crate::operations::recover::lock_and_recover;
use crate::operations::select::{choose, folder_for_reading, resolve, usable};
use crate::stream::{self, HeldBack, Summed};
use crate::sys::child::interrupted;
use crate::sys::dir::Dir;
use crate::sys::outfile::OutFile;
use crate::sys::output::Output;
use crate::ui::{Format, Progress};

/// `backups:download`
#[derive(Debug, Args)]
pub struct DownloadArgs {
    /// The service.
    pub service: ServiceWord,
    /// Which backup.
    #[command(flatten)]
    pub which: Selector,
    /// Write it to this file on the server instead of stdout; --force replaces one that is there.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Compress it like this instead of as it is stored: none, gzip or zstd.
    #[arg(long, value_name = "HOW", value_parser = parse_compression)]
    pub compression: Option<Compression>,
    /// What opens it; without, an encrypted backup comes as it is stored.
    #[command(flatten)]
    pub identity: IdentityArg,
    /// Wait this long when the backup is in use.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print beside a file.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Finds the backup, sees that its bytes may go where they are to go, and passes them on while they are hashed.
pub fn run(context: &Context, args: &DownloadArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let service = resolve(context, &dokku, &args.service)?;
    let Some(dir) = folder_for_reading(context, &service)? else {
        return Err(Failure::new(Kind::NotFound, format!("{service} has no backup"))
            .remedy("make one with", format!("dokku backups:export {service}")));
    };
    let chosen = choose(context, View::of(&dir, &service, Detail::Summary)?, &service, &args.which.which())?;
    let backup = usable(&chosen)?;
    fits(context, args, &service, backup)?;
    let keys = Keys::given(args.identity.path())?;
    let (form, identities) = wanted(context, args, &keys, backup)?;
    fetch_now(context, &service, &chosen, &keys, args.wait)?;
    let in_use = take(context, args, &dir, backup)?;
    let name = format!("{}.{}", backup.id, form.ending());
    context.ui.step(&format!("Downloading {} as {name}", backup.id));
    let passed = match &args.output {
        None => pass(context, &dir, backup, form, &identities, Output::new(context.settings.idle)).map(|_| None),
        Some(path) => {
            let ours = [context.settings.data_root.as_path(), context.settings.config_root.as_path()];
            OutFile::create(path, &name, context.settings.force, &ours)
                .and_then(|file| pass(context, &dir, backup, form, &identities, file)?.keep())
                .map(Some)
        }
    };
    drop(in_use);
    let path = noted(context, &service, backup, passed)?;
    Log::open(&dir, &backup.id, context.settings.clock)
        .say(&format!("downloaded as {name} by {}", context.settings.caller.actor));
    let Some(path) = path else { return Ok(()) };
    match args.format {
        Format::Stdout => context.ui.data(&path.display().to_string())?,
        Format::Json => context.ui.json(&Downloaded {
            id: &backup.id,
            path: path.display().to_string(),
            compression: form.compression,
            encrypted: form.encrypted,
        })?,
    }
    Ok(())
}

/// Refuses to write where bytes would be changed on their way, or where the caller could not write without us.
fn fits(context: &Context, args: &DownloadArgs, service: &Service, backup: &Backup) -> Result<()> {
    let settings = &context.settings;
    let command = format!("ssh dokku@HOST backups:download {service} --id {}", backup.id);
    let form = if backup.form().is_delta() { as_a_whole(args, backup.form()) } else { backup.form() };
    let plainly = format!("{command} > {}.{}", backup.id, form.ending());
    // Somebody whose key only reaches Dokku must not write files as Dokku's user.
    if args.output.is_some() && settings.caller.remote {
        return Err(Failure::new(Kind::Refused, "over SSH a download goes to stdout, not to a file on the server")
            .hint(format!("keep it at your side: {plainly}")));
    }
    // The terminal of a login shell on the server is none of ours as long as stdout leads elsewhere.
    let terminal = settings.stdout_terminal || settings.caller.remote && settings.ssh_tty;
    if args.output.is_none() && terminal {
        return Err(Failure::new(Kind::Refused, "a terminal would change the bytes of a dump")
            .hint(format!("from elsewhere, without -t: {plainly}"))
            .hint(format!("on the server: dokku backups:download {service} --id {} -o FILE", backup.id)));
    }
    Ok(())
}

/// The form it leaves in, and what opens it where that is needed.
fn wanted(context: &Context, args: &DownloadArgs, keys: &Keys, backup: &Backup) -> Result<(StoredAs, Identities)> {
    let stored = backup.form();
    if stored.is_delta() {
        return Ok((as_a_whole(args, stored), keys.of(context, backup)?));
    }
    // Who says how the dump is to be compressed wants to have the dump.
    let decrypt = stored.encrypted && (args.identity.identity.is_some() || args.compression.is_some());
    let compression = args.compression.unwrap_or(stored.compression);
    let form = StoredAs { compression, encrypted: stored.encrypted && !decrypt, ..stored };
    Ok((form, if decrypt { keys.of(context, backup)? } else { Identities::none() }))
}

/// Differences are of no use elsewhere: what leaves is the archive itself. One that is encrypted leaves encrypted to the same
/// keys, unless it was asked for otherwise.
fn as_a_whole(args: &DownloadArgs, stored: StoredAs) -> StoredAs {
    let decrypt = args.identity.identity.is_some() || args.compression.is_some();
    let encrypted = stored.encrypted && !decrypt;
    let compression = args.compression.unwrap_or(if encrypted { stored.compression } else { Compression::None });
    StoredAs { compression, encrypted, ..StoredAs::UNCHANGED }
}

/// Takes the lock on the dump, so that nobody removes it meanwhile.
fn take(context: &Context, args: &DownloadArgs, dir: &Dir, backup: &Backup) -> Result<InUse> {
    let (since, wait) = (Instant::now(), Duration::from_secs(args.wait.into()));
    loop {
        match InUse::take(dir, &backup.id, "download", context.settings.clock) {
            Err(failure) if failure.kind == Kind::Busy && since.elapsed() < wait => {
                context.settings.clock.sleep(Duration::from_millis(100)).map_err(interrupted)?;
            }
            taken => return taken,
        }
    }
}

/// Passes the dump on in `form`. The end is held back until the hash of all of it was compared.
fn pass<W: Write>(
    context: &Context,
    dir: &Folder,
    backup: &Backup,
    form: StoredAs,
    identities: &Identities,
    sink: W,
) -> Result<W> {
    let mut held = HeldBack::new(sink);
    if form == backup.form() {
        pass_stored(context, dir, backup, |stored| copy(stored, &mut held).map(|_| ()))?;
        return Ok(held.release()?);
    }
    let whom = if form.encrypted { Recipients::parse(&backup.encrypted_to.join(" "))? } else { Recipients::none() };
    let mut encoder = Encoder::new(&mut held, form.compression, &whom)?;
    if backup.form().is_delta() {
        pass_archive(context, dir, backup, identities, &mut encoder)?;
    } else {
        pass_stored(context, dir, backup, |stored| {
            let mut dump = decode(stored, backup.form(), identities)?;
            copy(&mut dump, &mut encoder).map(|_| ())
        })?;
    }
    encoder.finish()?;
    Ok(held.release()?)
}

/// Gives the stored file to `take`, and compares its hash.
fn pass_stored(
    context: &Context,
    dir: &Dir,
    backup: &Backup,
    take: impl FnOnce(&mut (dyn Read + Send)) -> Result<()>,
) -> Result<()> {
    let mut file = open_dump(dir, backup)?;
    let mut progress = Progress::new(context.ui, Phase::Send, backup.size);
    let mut stored = Summed::new(&mut file, |count| progress.add(count));
    match take(&mut stored) {
        Err(failure) if failure.kind == Kind::Damaged => Err(damaged(backup, failure.reason())),
        // A key that does not fit, or a changed header: the hash tells which.
        Err(failure) if failure.kind == Kind::Config => is_recorded(backup, &stored.whole()?).and(Err(failure)),
        taken => taken.and_then(|()| is_recorded(backup, &stored.whole()?)),
    }
}

/// Writes the archive of a backup that is stored as differences into `to`, and compares its hash.
fn pass_archive(
    context: &Context,
    dir: &Folder,
    backup: &Backup,
    identities: &Identities,
    to: &mut dyn Write,
) -> Result<()> {
    let is_damaged = |failure| damaged_within(dir, backup, failure);
    let mut progress = Progress::new(context.ui, Phase::Send, backup.held());
    let mut archive = open_archive(dir, backup, identities).map_err(is_damaged)?;
    let mut read = Summed::new(&mut archive, |count| progress.add(count));
    copy(&mut read, to).map_err(is_damaged)?;
    let sha256 = read.whole()?.sha256;
    if sha256 == archive.sha256() && backup.archive.as_ref().is_some_and(|archive| archive.fits(&sha256)) {
        return Ok(());
    }
    Err(damaged(backup, "its archive is another one".to_owned()))
}

fn copy(from: &mut dyn Read, to: &mut dyn Write) -> Result<u64> {
    stream::pass(from, &mut |piece| Ok(to.write_all(piece)?))
}

/// Writes damage down where nobody else is at work, and says what the receiver has.
fn noted<T>(context: &Context, service: &Service, backup: &Backup, passed: Result<T>) -> Result<T> {
    match passed {
        Err(failure) if failure.kind == Kind::Damaged => {
            let failure = failure.hint("what was passed on is cut, and no backup");
            match lock_and_recover(context, service, 0, "download") {
                Ok(catalogue) => mark_damage(context.settings.clock, &catalogue, backup, Err(failure)),
                Err(_) => Err(failure),
            }
        }
        passed => passed,
    }
}
