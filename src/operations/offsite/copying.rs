//! One copy under way, on a thread of its own. It reads the file that the dump is written to, at its own pace: a slow
//! store never slows the dump, and whatever goes wrong here leaves a good local backup good.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use crate::catalogue::{Draft, InUse, LockedCatalogue, Log, Sidecar, UPLOAD, sidecar_name};
use crate::codec::Recipients;
use crate::domain::Place::OffSite;
use crate::domain::{
    Backup, BackupId, CopyRecord, CopyState, Destination, Service, StoredAs, id_of_file, key_of, keys_of,
};
use crate::error::{Failure, Kind, Phase, Result};
use crate::operations::Context;
use crate::operations::keys::recipients;
use crate::operations::offsite::{Sealing, Sent, place_of, store_with};
use crate::properties::DESTINATION;
use crate::store::{self, Cancel, Place, Put, Removal, Store};
use crate::stream::{self, Follower, Leader, Passed, Summed};
use crate::sys::child::interrupted;
use crate::sys::file::NamedFile;
use crate::sys::followed::followed;
use crate::sys::{random, signals};
use crate::ui::Progress;

/// How often a waiting command looks for signals.
const LOOK: Duration = Duration::from_millis(50);
/// How long taking back what was sent may take, once nobody wants it any more.
const PARTING: Duration = Duration::from_secs(10);
/// Largest record read back.
const LARGEST_RECORD: u64 = 64 << 20;

/// A copy under way.
#[derive(Debug)]
pub struct Copying {
    uri: String,
    leader: Option<Leader>,
    mark: Option<String>,
    cancel: Cancel,
    encrypted_to: Vec<String>,
    sent: Sent,
    about: Option<u64>,
    /// Bytes that the store has been given.
    given: Arc<AtomicU64>,
    ended: Receiver<Result<Put>>,
}

/// What is copied: its file, what is known of it, and the word that its uploads carry.
struct What<'a> {
    file: &'a str,
    about: Option<u64>,
    /// What the object is to be in the end, where that is known before.
    whole: Option<Passed>,
    mark: String,
}

impl Copying {
    /// Begins to copy `draft` while it is written; `None` where there is no destination. `about` is the size to expect.
    pub fn begin(context: &Context, catalogue: &LockedCatalogue, draft: &Draft, about: Option<u64>) -> Option<Copying> {
        let place = place_of(context, catalogue.service()).transpose()?;
        let begun = place.and_then(|place| {
            let (leader, follower) = stream::follow(draft.read_along(catalogue)?);
            let what = What { file: &draft.file_name(), about, whole: None, mark: random::word()? };
            let copying = Copying::start(context, catalogue, place, follower, what)?;
            Ok(Copying { leader: Some(leader), ..copying })
        });
        Some(begun.unwrap_or_else(|failure| Copying::lost(context, catalogue, &draft.file_name(), failure)))
    }

    /// Copies a dump that lies in its place.
    pub fn again(context: &Context, catalogue: &LockedCatalogue, backup: &Backup) -> Result<Copying> {
        let service = catalogue.service();
        let place = place_of(context, service)?
            .ok_or_else(|| Failure::new(Kind::Config, format!("no destination is set for {service}")))?;
        let file = backup.file.clone().unwrap_or_default();
        let dump = catalogue.dir().read(&file)?;
        let passed = Passed { size: backup.size.unwrap_or(0), sha256: backup.sha256.clone().unwrap_or_default() };
        let mark = match backup.destination.as_ref().and_then(|copy| copy.mark.clone()) {
            Some(mark) => mark,
            None => random::word()?,
        };
        let what = What { file: &file, about: Some(passed.size), whole: Some(passed.clone()), mark };
        Copying::start(context, catalogue, place, stream::exactly(dump, passed), what)
    }

    fn start(
        context: &Context,
        catalogue: &LockedCatalogue,
        place: Place,
        follower: Follower<NamedFile>,
        what: What<'_>,
    ) -> Result<Copying> {
        let What { file, about, whole, mark } = what;
        let service = catalogue.service();
        let recipients = recipients_of(context, service, file)?;
        let (key, folder) = (key_of(service, &name_there(file, &recipients)), keys_of(service));
        let uri = place.destination.uri(&key);
        let (cancel, sent) = (Cancel::default(), Sent::default());
        let given = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&given);
        let source: Box<dyn Read + Send> = match recipients.is_empty() {
            true => Box::new(follower),
            false => Box::new(Sealing::new(follower, &recipients, sent.clone())?),
        };
        let source = followed(source, move |more| {
            count.fetch_add(more as u64, Ordering::Relaxed);
        });
        // Encrypted for the copy alone, it has other bytes each time.
        let whole = whole.filter(|_| recipients.is_empty());
        let (end, ended) = channel();
        let known = catalogue.ids()?;
        let (called_off, marked) = (cancel.clone(), mark.clone());
        let run = move || {
            let put = store::open(place).and_then(|store| {
                sweep(store.as_ref(), &folder, &known);
                match earlier(store.as_ref(), &key, &marked, whole.as_ref())? {
                    Some(size) => Ok(Put::Done(size)),
                    None => store.put_stream(&key, Box::new(source), about, &marked, &called_off),
                }
            });
            let _ = end.send(put);
        };
        std::thread::Builder::new().spawn(run)?;
        let (mark, encrypted_to) = (Some(mark), recipients.words());
        Ok(Copying { uri, leader: None, mark, cancel, encrypted_to, sent, about, given, ended })
    }

    /// A copy that could not even be begun: the reason waits for whoever asks.
    fn lost(context: &Context, catalogue: &LockedCatalogue, file: &str, failure: Failure) -> Copying {
        let (end, ended) = channel();
        let uri = copy_later(context, catalogue.service(), file).map(|copy| copy.uri).unwrap_or_default();
        let _ = end.send(Err(failure));
        let (cancel, sent) = (Cancel::default(), Sent::default());
        Copying {
            uri,
            leader: None,
            mark: None,
            cancel,
            encrypted_to: Vec::new(),
            sent,
            about: None,
            given: Arc::default(),
            ended,
        }
    }

    /// More of the file was written.
    pub fn grew(&self) {
        if let Some(leader) = &self.leader {
            leader.grew();
        }
    }

    /// What the record says until more is known.
    pub fn pending(&self) -> CopyRecord {
        CopyRecord { mark: self.mark.clone(), ..CopyRecord::pending(self.uri.clone()) }
    }

    /// The dump is recorded: waits for its copy, and writes down what became of it. The record that is returned says so
    /// whatever happened; a copy that failed is tried again later.
    pub fn settle(
        mut self,
        context: &Context,
        catalogue: &LockedCatalogue,
        mut backup: Backup,
        log: &mut Log,
    ) -> Backup {
        let passed = Passed { size: backup.size.unwrap_or(0), sha256: backup.sha256.clone().unwrap_or_default() };
        // While this is held the copy shows as "uploading"; when we die it is let go, and the copy is pending again.
        let held = InUse::take(catalogue.dir(), &backup.id, UPLOAD, context.settings.clock);
        if let Some(leader) = self.leader.take() {
            leader.whole(passed.clone());
        }
        let copied = held.and_then(|held| {
            let put = self.wait(context)?;
            let mut copy = self.pending();
            copy.encrypted_to.clone_from(&self.encrypted_to);
            copy.former = backup.destination.as_ref().and_then(|copy| copy.former.clone());
            let passed = if self.encrypted_to.is_empty() { passed } else { self.sent.passed() };
            let record = confirm(context, catalogue, &backup, copy, put, &passed)?;
            drop(held);
            Ok(record)
        });
        match copied {
            Ok(record) => {
                log.say(&format!("copied to {}", self.uri));
                context.ui.detail(&format!("copied to {}", self.uri));
                backup = record;
            }
            Err(failure) => put_off(context, &mut backup, &self.uri, &failure, log),
        }
        if let Err(failure) = catalogue.save(&backup).and_then(|()| catalogue.reindex()) {
            context.ui.warn(&format!("what became of the copy could not be recorded: {}", failure.reason()));
        }
        backup
    }

    /// There will be no backup: whatever was sent is taken back.
    pub fn give_up(mut self) {
        self.cancel.now();
        drop(self.leader.take());
        let _ = self.ended.recv_timeout(PARTING);
    }

    fn wait(&self, context: &Context) -> Result<Put> {
        let mut progress = Progress::new(context.ui, Phase::Copy, self.about);
        loop {
            progress.reach(self.given.load(Ordering::Relaxed));
            match self.ended.recv_timeout(LOOK) {
                Ok(put) => return put,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::new(Kind::Io, "the upload stopped unexpectedly"));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(signal) = signals::received() {
                self.cancel.now();
                let _ = self.ended.recv_timeout(PARTING);
                return Err(interrupted(signal));
            }
        }
    }
}

/// Removes what puts of dead runs have left below `folder`. Under the lock nothing else of this host uploads for the
/// service: what is unfinished of a backup in `known` was left by such a run. Others may share the destination: what is
/// not known here is not touched.
pub fn sweep(store: &dyn Store, folder: &str, known: &BTreeSet<BackupId>) {
    let ours = |key: &str| id_in(key).is_some_and(|id| known.contains(&id));
    match store.abort_leftovers(folder, &ours) {
        Ok(0) => {}
        Ok(count) => log::info!("{count} unfinished uploads of dead runs were aborted"),
        // Not every store can list them; nothing waits for that.
        Err(failure) => log::info!("{}", failure.reason()),
    }
}

/// A copy of the dump `file` that is to be made later; `None` where there is no destination.
pub fn copy_later(context: &Context, service: &Service, file: &str) -> Option<CopyRecord> {
    let destination = context.properties().computed(service, &DESTINATION).ok()?;
    let destination: Destination = destination.parse().ok()?;
    let recipients = recipients_of(context, service, file).unwrap_or_default();
    Some(CopyRecord::pending(destination.uri(&key_of(service, &name_there(file, &recipients)))))
}

/// Whom the copy alone is encrypted to. One that is encrypted here already goes as it is: nothing there is ever less
/// protected than here.
fn recipients_of(context: &Context, service: &Service, file: &str) -> Result<Recipients> {
    if StoredAs::of_file(file).is_some_and(|form| form.encrypted) {
        return Ok(Recipients::none());
    }
    recipients(context, service, OffSite)
}

fn name_there(file: &str, recipients: &Recipients) -> String {
    if recipients.is_empty() { file.to_owned() } else { format!("{file}.age") }
}

/// The record of a backup whose copy, of the bytes in `passed`, is there and whose record now lies beside it.
fn confirm(
    context: &Context,
    catalogue: &LockedCatalogue,
    backup: &Backup,
    mut copy: CopyRecord,
    put: Put,
    passed: &Passed,
) -> Result<Backup> {
    let uri = copy.uri.clone();
    let (store, key) = store_with(context, catalogue.service(), &uri)?;
    match put {
        Put::Done(size) if size == passed.size => {}
        Put::There(size) if size == passed.size => {
            context.ui.detail("an object of that name is there already; reading it to compare");
            same_bytes(store.as_ref(), key, passed)?;
        }
        // No two encryptions are alike.
        Put::There(_) if !copy.encrypted_to.is_empty() => {
            let text = format!("{uri} is there already, encrypted; whether it is this backup cannot be told");
            return Err(Failure::new(Kind::Refused, text).hint("remove it there, and the copy is made anew"));
        }
        Put::Done(size) | Put::There(size) => {
            return Err(other_bytes(&uri, &format!("it has {size} bytes, {} were to be there", passed.size)));
        }
    }
    let mut record = backup.clone();
    // Only a word more to know it by.
    copy.etag = store.head(key).ok().flatten().and_then(|object| object.etag);
    copy.stored(passed.size, passed.sha256.clone(), context.settings.clock.now());
    record.destination = Some(copy);
    put_record(store.as_ref(), catalogue, &mut record)?;
    Ok(record)
}

/// What an earlier upload of ours has left: the size of the whole copy, or `None` once there is nothing of ours in the way.
/// Only an object that carries our word is read or removed; whose any other one is nobody can tell.
fn earlier(store: &dyn Store, key: &str, mark: &str, whole: Option<&Passed>) -> Result<Option<u64>> {
    let Some(object) = store.head(key)?.filter(|object| object.mark.as_deref() == Some(mark)) else { return Ok(None) };
    if let Some(whole) = whole.filter(|whole| whole.size == object.size)
        && same_bytes(store, key, whole).is_ok()
    {
        return Ok(Some(object.size));
    }
    log::info!("{key} is what an upload of ours has left, and is made anew");
    clear(store, key)?;
    Ok(None)
}

/// Removes an object that is in the way of a copy.
pub(super) fn clear(store: &dyn Store, key: &str) -> Result<()> {
    match store.delete(key)? {
        Removal::Gone => Ok(()),
        Removal::Refused => {
            let uri = store.destination().uri(key);
            let text = format!("{uri} is in the way of the copy, and the store does not let this host remove it");
            Err(Failure::new(Kind::Refused, text).hint("remove it there, with a key that may; the copy is made then"))
        }
    }
}

pub(super) fn same_bytes(store: &dyn Store, key: &str, passed: &Passed) -> Result<()> {
    let there = Summed::new(store.read(key, passed.size)?, |_| ()).whole()?;
    if there == *passed { Ok(()) } else { Err(other_bytes(key, "its sha256 is another")) }
}

fn other_bytes(object: &str, why: &str) -> Failure {
    Failure::new(Kind::Refused, format!("{object} holds other bytes; it is left as it is")).because(why.to_owned())
}

/// Puts the record beside the copy, over an older one of the same backup but never over anything else.
pub fn put_record(store: &dyn Store, catalogue: &LockedCatalogue, record: &mut Backup) -> Result<()> {
    let service = catalogue.service();
    let key = key_of(service, &sidecar_name(&record.id));
    if is_own_record(store, catalogue, record)? == Some(false) {
        return Err(other_bytes(&store.destination().uri(&key), "it is not this backup's record"));
    }
    let fingerprint = catalogue.dir().fingerprint(record)?;
    if let Some(copy) = &mut record.destination {
        copy.record = Some(fingerprint);
    }
    store.put_small(&key, catalogue.document(record)?, true)?;
    Ok(())
}

/// Whether what lies there as the record of `backup` is one of the same dump; `None` where nothing lies there.
pub fn is_own_record(store: &dyn Store, catalogue: &LockedCatalogue, backup: &Backup) -> Result<Option<bool>> {
    let service = catalogue.service();
    let Some(bytes) = store.get_small(&key_of(service, &sidecar_name(&backup.id)), LARGEST_RECORD)? else {
        return Ok(None);
    };
    Ok(Some(match Sidecar::read(&bytes, service, &backup.id, catalogue.dir().seals()) {
        // What this host did not make it does not sign over the head of whoever did.
        Sidecar::Whole(_, Some(_)) if backup.is_stranger() => false,
        // Another base changes the file, not what is in it.
        Sidecar::Whole(there, _) => there.content_sha256() == backup.content_sha256(),
        Sidecar::Strange(_) => false,
    }))
}

/// Writes into the record that the copy failed, and says so.
pub fn put_off(context: &Context, backup: &mut Backup, uri: &str, failure: &Failure, log: &mut Log) {
    let copy = backup.destination.get_or_insert_with(|| CopyRecord::pending(uri.to_owned()));
    uri.clone_into(&mut copy.uri);
    let interrupted = matches!(failure.kind, Kind::Interrupted(_));
    let state = if interrupted { CopyState::Pending } else { CopyState::Failed };
    copy.put_off(state, failure.reason(), context.settings.clock.now());
    if interrupted {
        copy.retry_at = None;
    }
    log.say(&format!("not copied to {uri}: {}", failure.reason()));
}

fn id_in(key: &str) -> Option<BackupId> {
    id_of_file(key.rsplit('/').next()?)
}
