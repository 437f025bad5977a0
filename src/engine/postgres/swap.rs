//! A database that takes the place of another. The new one is filled and compared beside the live one; then two renames
//! in one transaction put it in place. Whatever happens, the live name always means the old data or the new, whole; and
//! what it means is said only after the server was asked, by the databases' object ids.

use std::time::Duration;

use super::quote::{ident, literal};
use super::server::{ADMIN, Server, end_own_sessions, end_sessions};
use crate::domain::{Settled, Swap};
use crate::error::{Failure, Kind, Result};

/// The databases of a server: object id and name of each.
struct Databases(Vec<(u32, String)>);

impl Databases {
    /// The name that the database `oid` has now.
    fn name(&self, oid: u32) -> Option<&str> {
        self.0.iter().find(|(other, _)| *other == oid).map(|(_, name)| name.as_str())
    }

    /// The object id of the database that is called `name` now.
    fn oid(&self, name: &str) -> Option<u32> {
        self.0.iter().find(|(_, other)| other == name).map(|(oid, _)| *oid)
    }
}

impl Server {
    /// Puts the fresh database in the live one's place and drops the old one. Clients are ended, and may come back at once.
    pub fn swap(&self, swap: &Swap) -> Result<()> {
        if let Err(failure) = self.exchange(swap) {
            // The renames are one transaction: either this database is still the old one, or the exchange is done.
            return match self.settle(swap) {
                Ok(Settled::Finished) => Ok(()),
                Ok(_) => Err(failure),
                Err(second) => Err(failure.hint(second.reason())),
            };
        }
        // Said only after asking: the live name means the database that was filled.
        if swap.fresh_oid.is_some() && self.databases()?.oid(&swap.live) != swap.fresh_oid {
            let text = format!("the exchange ended well, but {} is not the database that was filled", swap.live);
            return Err(Failure::new(Kind::Catalogue, text));
        }
        self.drop_database(&swap.replaced)?;
        // Only now do the objects get their owner.
        swap.role.as_ref().map_or(Ok(()), |role| self.dismiss(&swap.live, role))
    }

    fn exchange(&self, swap: &Swap) -> Result<()> {
        let (live, fresh, replaced) = (ident(&swap.live), ident(&swap.fresh), ident(&swap.replaced));
        let rename = format!("ALTER DATABASE {fresh} RENAME TO {live}");
        if swap.live_oid == 0 {
            return self.query(ADMIN, &[&end_sessions(&swap.fresh), &rename]).map(|_| ());
        }
        let statements = [
            &format!("ALTER DATABASE {live} ALLOW_CONNECTIONS false"),
            &end_sessions(&swap.live),
            &end_sessions(&swap.fresh),
            &format!("BEGIN; ALTER DATABASE {live} RENAME TO {replaced}; {rename}; COMMIT"),
        ];
        self.query(ADMIN, &statements.map(String::as_str)).map(|_| ())
    }

    /// Object id of `database`; none where there is none by that name.
    pub fn oid(&self, database: &str) -> Result<Option<u32>> {
        Ok(self.databases()?.oid(database))
    }

    /// Makes the database that `create` says, called `name`, shielded, and returns its object id.
    pub fn create_database(&self, create: &str, name: &str) -> Result<u32> {
        let ask = format!("SELECT oid FROM pg_database WHERE datname = {}", literal(name));
        let oid = self.query(ADMIN, &[create, &super::session::shield(name), &ask])?;
        oid.trim().parse().map_err(|_| Failure::new(Kind::Child, format!("the database {name} was not made")))
    }

    fn databases(&self) -> Result<Databases> {
        let rows = self.query(ADMIN, &["SELECT oid, datname FROM pg_database"])?;
        let row = |line: &str| line.split_once('\t').and_then(|(oid, name)| Some((oid.parse().ok()?, name.to_owned())));
        Ok(Databases(rows.lines().filter_map(row).collect()))
    }

    /// Finishes a swap whose exchange has happened and undoes any other. Doing it twice changes nothing.
    pub fn settle(&self, swap: &Swap) -> Result<Settled> {
        if let Some(role) = &swap.role {
            self.kill_role(role)?;
        }
        self.end_own()?;
        let there = self.databases()?;
        let holder = there.oid(&swap.live);
        let old = there.name(swap.live_oid);
        let settled = if old == Some(swap.live.as_str()) {
            self.query(ADMIN, &[&format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", ident(&swap.live))])?;
            Settled::Undone
        } else if holder.is_some() && self.is_fresh(swap, &there, holder) {
            Settled::Finished
        } else if let (None, Some(old)) = (holder, old) {
            self.put_back(swap, old)?;
            Settled::Undone
        } else if let (None, Some(filled)) = (holder, self.exchanged_away(swap, &there)) {
            self.put_back(swap, filled)?;
            Settled::Finished
        } else if holder.is_none() {
            // There was none before: then that is what it is again.
            if swap.live_oid == 0 { Settled::Undone } else { Settled::Gone }
        } else if let Some(old) = old {
            let (live, old) = (&swap.live, ident(old));
            let text = format!("{live} is a third database; the one from before is still there, as {old}");
            return Err(Failure::new(Kind::Catalogue, text).hint(format!(
                "as a superuser: rename {live} away, then ALTER DATABASE {old} RENAME TO {}",
                ident(live)
            )));
        } else {
            Settled::Stranger
        };
        if settled != Settled::Finished {
            self.drop_database(&swap.fresh)?;
        } else {
            self.drop_database(&swap.replaced)?;
            swap.role.as_ref().map_or(Ok(()), |role| self.dismiss(&swap.live, role))?;
        }
        self.drop_role(swap)?;
        if settled == Settled::Undone {
            self.drop_roles(&swap.roles)?;
        }
        Ok(settled)
    }

    /// Whether the database behind the live name is the one that was filled.
    fn is_fresh(&self, swap: &Swap, there: &Databases, holder: Option<u32>) -> bool {
        match swap.fresh_oid {
            Some(oid) => Some(oid) == holder,
            // 0.1.0 noted the old one's number only. What was not exchanged still lies under its own name.
            None => there.oid(&swap.fresh).is_none(),
        }
    }

    /// The name of the filled database where it was in place already and something has renamed it since.
    fn exchanged_away<'a>(&self, swap: &Swap, there: &'a Databases) -> Option<&'a str> {
        there.name(swap.fresh_oid.filter(|oid| *oid != 0)?).filter(|name| *name != swap.fresh)
    }

    /// Gives a database of ours the live name again, whoever took that away.
    fn put_back(&self, swap: &Swap, now: &str) -> Result<()> {
        let (live, now_quoted) = (ident(&swap.live), ident(now));
        let rename = format!("ALTER DATABASE {now_quoted} RENAME TO {live}");
        let open = format!("ALTER DATABASE {live} ALLOW_CONNECTIONS true");
        self.query(ADMIN, &[&end_sessions(now), &rename, &open]).map(|_| ())
    }

    /// Ends what a killed client of ours left running: it could still make or rename a database after we have looked. Two
    /// looks without finding any: its program may have been on its way.
    fn end_own(&self) -> Result<()> {
        let mut quiet = 0;
        for _ in 0..100 {
            let ended = self.value(ADMIN, &end_own_sessions())?.unwrap_or_default();
            quiet = if ended == "0" { quiet + 1 } else { 0 };
            if quiet == 2 {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(Failure::new(Kind::Busy, "an earlier command of ours is still at work in the server"))
    }

    /// Drops one of our own two databases, ending whatever a killed client has left running in it.
    fn drop_database(&self, name: &str) -> Result<()> {
        let Some(found) = self.database(name)? else { return Ok(()) };
        let quoted = ident(name);
        let drop = format!("DROP DATABASE IF EXISTS {quoted}");
        // A drop that was cut off leaves a database that nothing but another drop may touch.
        if found.is_invalid() {
            return self.query(ADMIN, &[&drop]).map(|_| ());
        }
        self.untie(name)?;
        let close = format!("ALTER DATABASE {quoted} ALLOW_CONNECTIONS false IS_TEMPLATE false");
        self.query(ADMIN, &[&close, &end_sessions(name), &drop]).map(|_| ())
    }

    /// Removes what would keep a database of ours from being dropped, for ever: prepared transactions, and subscriptions, of
    /// which those of a live database were asked about before (`outlook`). One that was closed is opened for that.
    fn untie(&self, name: &str) -> Result<()> {
        let database = literal(name);
        let prepared = format!("SELECT count(*) FROM pg_prepared_xacts WHERE database = {database}");
        let subscribed = format!(
            "SELECT count(*) FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = {database}"
        );
        // Before PostgreSQL 10 there were no subscriptions, and nobody to ask for them.
        let both = self.query(ADMIN, &[&prepared, &subscribed]).or_else(|_| self.query(ADMIN, &[&prepared]))?;
        if both.lines().all(|many| many == "0") {
            return Ok(());
        }
        self.query(ADMIN, &[&format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", ident(name))])?;
        self.end_prepared(name)?;
        self.end_subscriptions(name)
    }

    /// Removes subscriptions without a word to their publishers: where one has a place kept there, its owner was told.
    fn end_subscriptions(&self, database: &str) -> Result<()> {
        let sql = "SELECT to_json(subname) FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())";
        let left = self.query(database, &[sql]).unwrap_or_default();
        for name in left.lines().filter_map(|line| serde_json::from_str::<String>(line).ok()) {
            let name = ident(&name);
            let off = [
                format!("ALTER SUBSCRIPTION {name} DISABLE"),
                format!("ALTER SUBSCRIPTION {name} SET (slot_name = NONE)"),
            ];
            let drop = format!("DROP SUBSCRIPTION {name}");
            self.query(database, &[&off[0], &off[1], &drop])?;
        }
        Ok(())
    }

    /// Rolls back what a dump has left prepared.
    pub(super) fn end_prepared(&self, database: &str) -> Result<()> {
        // As JSON: such a name may hold line ends.
        let sql = format!("SELECT to_json(gid) FROM pg_prepared_xacts WHERE database = {}", literal(database));
        let left = self.query(ADMIN, &[&sql])?;
        for gid in left.lines().filter_map(|line| serde_json::from_str::<String>(line).ok()) {
            self.query(database, &[&format!("ROLLBACK PREPARED {}", literal(&gid))])?;
        }
        Ok(())
    }
}
