//! A running PostgreSQL service: its database is replaced by one that is filled beside it.

use std::ops::Range;
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::inherited::container;
use super::server::ADMIN;
use super::session::unshield;
use super::{Database, Restricted, Server};
use crate::domain::{Comparison, Consent, Origin, Replacement, Service, Settled, Swap, bytes};
use crate::engine::{Compared, Content, Dump, Live, Moment, Outlook, RestoreOptions};
use crate::error::{Failure, Kind, Result};
use crate::sys::child::Child;
use crate::sys::docker::Docker;
use crate::sys::stdin::Input;

/// The server of a service, and the name of its database.
#[derive(Debug, Clone)]
pub(super) struct LiveServer {
    server: Server,
    service: Service,
    database: Option<String>,
}

/// Room the server should have beyond the data itself, for indexes and its own log: half as much again, and 64 MiB.
fn room_for(content: &Content) -> u64 {
    content.data_bytes.saturating_add(content.data_bytes / 2).saturating_add(64 << 20)
}

impl LiveServer {
    pub(super) fn new(docker: &Docker, service: &Service, database: Option<&str>) -> LiveServer {
        let server = Server::new(docker, container(service));
        LiveServer { server, service: service.clone(), database: database.map(str::to_owned) }
    }

    fn database(&self) -> Result<&str> {
        let service = &self.service;
        self.database.as_deref().ok_or_else(|| {
            Failure::new(Kind::Config, format!("the name of the database of {service} could not be learnt"))
                .remedy("see", format!("dokku {}:info {service}", service.datastore))
        })
    }
}

impl Live for LiveServer {
    fn uninterruptible(&self) -> Box<dyn Live> {
        Box::new(LiveServer { server: self.server.uninterruptible(), ..self.clone() })
    }

    fn moment(&self) -> Result<Moment> {
        let Some(database) = &self.database else { return Ok(Moment::default()) };
        let (restores, session) = self.server.moment(database)?;
        let writers = match restores {
            0 => None,
            1 => Some("1 pg_restore was writing into it when it began".to_owned()),
            many => Some(format!("{many} pg_restore were writing into it when it began")),
        };
        Ok(Moment { writers, session })
    }

    fn dump(&self, idle: Duration, grants: bool) -> Result<Child> {
        self.server.dump(self.database()?, idle, grants)
    }

    fn waits_for(&self) -> Result<Option<String>> {
        self.server.waits_for(self.database()?)
    }

    fn end_dumps(&self, began: Range<DateTime<Utc>>) -> Result<()> {
        self.database.as_ref().map_or(Ok(()), |database| self.server.end_dumps(database, began.start, began.end))
    }

    fn has_data(&self) -> Result<bool> {
        Ok(self.server.oid(self.database()?)?.is_some())
    }

    fn outlook(&self, content: Option<&Content>, consent: &Consent) -> Result<Outlook> {
        let live = self.database()?;
        match self.server.outlook(&self.service, live, content, consent) {
            // Where the live database is gone nothing is lost with it; the server answers the rest all the same.
            Err(failure) if failure.kind == Kind::Child && self.server.oid(live)?.is_none() => {
                self.server.outlook(&self.service, ADMIN, content, consent)
            }
            answer => answer,
        }
    }

    fn has_room(&self, content: &Content) -> Result<()> {
        let (free, needed) = (self.server.free_bytes()?, room_for(content));
        if free >= needed {
            return Ok(());
        }
        let (free, needed, service) = (bytes(free), bytes(needed), &self.service);
        let text = format!("{service} has {free} free; a second database beside the live one needs {needed}");
        Err(Failure::new(Kind::NoSpace, text)
            .hint("make room, or restore without the safety of a second database: --in-place"))
    }

    fn plan(&self, mark: &str, restricted: bool, roles: &[String], lost: Option<&Replacement>) -> Result<Replacement> {
        let live = self.database()?;
        // Where the live database is gone, the journal of the restore that lost it says what it was like; else this server
        // makes what it makes by itself.
        let (properties, oid) = match (self.server.database(live)?, lost) {
            (Some(properties), _) => (properties.written.clone(), properties.oid),
            (None, Some(Replacement::Databases(Swap { properties: Some(written), .. }))) => (written.clone(), 0),
            (None, _) => (self.server.default_database()?.written, 0),
        };
        let swap = Swap { properties: Some(properties), roles: roles.to_vec(), ..Swap::of(live, oid, mark) };
        Ok(Replacement::Databases(if restricted { swap.by_role(mark) } else { swap }))
    }

    fn make(&self, to: &mut Replacement) -> Result<()> {
        let Replacement::Databases(swap) = to else { return Err(not_ours(to)) };
        let create = properties(swap)?.create(&swap.fresh);
        swap.fresh_oid = Some(self.server.create_database(&create, &swap.fresh)?);
        self.server.make_roles(&swap.roles)
    }

    fn fill(&self, to: &Replacement, dump: Option<Dump>, how: RestoreOptions) -> Result<Compared> {
        let swap = swap_of(to)?;
        let properties = properties(swap)?;
        let compared = match dump {
            Some(dump) => {
                self.server.set(&properties.read_by(&swap.fresh))?;
                let grants = Arc::clone(&dump.content().grants);
                let mut compared = self.server.fill(&swap.fresh, swap.role.as_deref(), dump, how)?;
                compared.not_given = self.server.with_timeout(how.timeout).give(&swap.fresh, &grants)?;
                compared
            }
            None => {
                Compared { tables: 0, rows: 0, how: Comparison::Rows, not_compared: Vec::new(), not_given: Vec::new() }
            }
        };
        self.server.set(&[&unshield(&swap.fresh)[..], &properties.adorn(&swap.fresh)].concat())?;
        Ok(compared)
    }

    fn commit(&self, to: &Replacement) -> Result<()> {
        let swap = swap_of(to)?;
        self.server.swap(swap)
    }

    fn settle(&self, to: &Replacement) -> Result<Settled> {
        let swap = swap_of(to)?;
        self.server.settle(swap)
    }
}

fn swap_of(to: &Replacement) -> Result<&Swap> {
    match to {
        Replacement::Databases(swap) => Ok(swap),
        Replacement::Own(_) => Err(not_ours(to)),
    }
}

/// What only another datastore's engine can settle was noted for a service of this one.
fn not_ours(to: &Replacement) -> Failure {
    let text = format!("the data {} is not replaced as PostgreSQL replaces it", to.live());
    Failure::new(Kind::Catalogue, text).hint("the restore journal is another datastore's; see whose backups lie there")
}

fn properties(swap: &Swap) -> Result<Database> {
    let written = swap.properties.as_deref().unwrap_or_default();
    Database::read(written)
}

impl Server {
    /// Pours `dump` into `database`, which is new and empty, compares what came in with what the dump holds, and gathers the
    /// statistics meanwhile. One made elsewhere is poured by `role`, which must not be there yet and is gone afterwards.
    pub(super) fn fill(&self, database: &str, role: Option<&str>, dump: Dump, how: RestoreOptions) -> Result<Compared> {
        let content = dump.content().clone();
        self.pour(database, role, dump, how)?;
        // Counting a large table takes its time too.
        let counting = self.with_timeout(how.timeout);
        if !how.is_parallel(content.data_bytes) {
            let compared = counting.compare(database, &content)?;
            counting.analyze(database);
            return Ok(compared);
        }
        let gathering = counting.apart();
        std::thread::scope(|scope| {
            Builder::new().spawn_scoped(scope, || gathering.analyze(database))?;
            counting.compare(database, &content)
        })
    }

    /// The same without comparing.
    pub(super) fn pour(&self, database: &str, role: Option<&str>, dump: Dump, how: RestoreOptions) -> Result<()> {
        let (input, content, origin, consent) = dump.into_parts();
        if origin.is_own() {
            let input = match consent.skipped.is_empty() {
                true => input,
                false => Input::Stream(super::without(input.into_stream(), consent.skipped)),
            };
            return self.restore(database, input, &content, how);
        }
        let (Origin::Foreign(_), Some(role)) = (&origin, role) else {
            let text = "a dump made elsewhere is never restored by the superuser";
            return Err(Failure::new(Kind::Refused, text));
        };
        let as_who = Restricted { role: role.to_owned(), consent };
        self.restore_restricted(database, &as_who, &content, input.into_stream(), how.timeout)
    }

    /// Runs what sets a database.
    fn set(&self, statements: &[String]) -> Result<()> {
        let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
        if statements.is_empty() { Ok(()) } else { self.query(ADMIN, &statements).map(|_| ()) }
    }

    /// Gathers the statistics that no dump holds: without them the first hours after a restore are slow. A function in an
    /// index may fail; autovacuum comes back to that as it would have before.
    fn analyze(&self, database: &str) {
        if let Err(failure) = self.query(database, &["ANALYZE"]) {
            log::warn!("not all statistics were gathered: {}", failure.reason());
        }
    }
}
