//! A database that takes the place of another. The new one is filled and compared beside the live one; then two renames
//! in one transaction put it in place. Whatever happens, the live name always means the old data or the new, whole.

use std::time::Duration;

use super::quote::ident;
use super::server::{ADMIN, Server, end_own_sessions, end_sessions};
use crate::domain::{Swap, Swapped};
use crate::error::{Failure, Kind, Result};

impl Server {
    /// Puts the fresh database in the live one's place and drops the old one. Clients are ended, and may come back at once.
    pub fn swap(&self, swap: &Swap) -> Result<()> {
        let (live, fresh, replaced) = (ident(&swap.live), ident(&swap.fresh), ident(&swap.replaced));
        let exchange = self.query(
            ADMIN,
            &[
                &format!("ALTER DATABASE {live} ALLOW_CONNECTIONS false"),
                &end_sessions(&swap.live),
                &end_sessions(&swap.fresh),
                &format!(
                    "BEGIN; ALTER DATABASE {live} RENAME TO {replaced}; ALTER DATABASE {fresh} RENAME TO {live}; COMMIT"
                ),
            ],
        );
        if let Err(failure) = exchange {
            // The renames are one transaction: either this database is still the old one, or the exchange is done.
            return match self.settle(swap) {
                Ok(Swapped::Finished) => Ok(()),
                Ok(Swapped::Undone) => Err(failure),
                Err(second) => Err(failure.hint(second.reason())),
            };
        }
        self.drop_database(&swap.replaced)
    }

    /// Finishes a swap whose exchange has happened and undoes any other. Doing it twice changes nothing.
    pub fn settle(&self, swap: &Swap) -> Result<Swapped> {
        self.end_own()?;
        let live = self
            .database(&swap.live)?
            .ok_or_else(|| Failure::new(Kind::Catalogue, format!("there is no database {} any more", swap.live)))?;
        if live.oid == swap.live_oid {
            self.query(ADMIN, &[&format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", ident(&swap.live))])?;
            self.drop_database(&swap.fresh)?;
            return Ok(Swapped::Undone);
        }
        self.drop_database(&swap.replaced)?;
        Ok(Swapped::Finished)
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
        let close = format!("ALTER DATABASE {quoted} ALLOW_CONNECTIONS false IS_TEMPLATE false");
        self.query(ADMIN, &[&close, &end_sessions(name), &drop]).map(|_| ())
    }
}
