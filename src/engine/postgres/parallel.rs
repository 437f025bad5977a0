//! Restoring with several clients at once: the rows come from one pipe, and then each builds its lot of the indexes. All
//! that such a client needs is the table of contents, so it works for every stored form, and nothing is laid out on a disk.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::thread::Builder;
use std::time::Duration;

use super::archive::{self, lots};
use super::damaged;
use super::server::{ADMIN, SUPERUSER, Server, end_sessions};
use crate::engine::{Content, RestoreOptions};
use crate::error::{Failure, Kind, Result};
use crate::sys::stdin::Input;

impl Server {
    /// Restores this host's own dump, an archive, into `database`, which must be new and empty; stops at the first error.
    pub(super) fn restore(&self, database: &str, dump: Input, content: &Content, how: RestoreOptions) -> Result<()> {
        if !how.is_parallel(content.data_bytes) {
            return self.pg_restore(database, SUPERUSER, &[], dump, how.timeout);
        }
        let mut dump = dump.into_stream();
        let head = archive::head(&mut dump).map_err(damaged)?;
        let named = content.tables.iter().map(|table| ((table.schema.as_str(), table.name.as_str()), table.rows));
        let rows: HashMap<(&str, &str), u64> = named.collect();
        let rows = |schema: &str, name: &str| rows.get(&(schema, name)).copied().unwrap_or_default();
        let lots::Dealt { lots, indexes } = lots::deal(&head, how.jobs, &rows).map_err(damaged)?;
        let whole = Input::Stream(Box::new(Cursor::new(head.clone()).chain(dump)));
        if lots.len() < 2 {
            return self.pg_restore(database, SUPERUSER, &[], whole, how.timeout);
        }
        self.pg_restore(database, SUPERUSER, &["--section=pre-data", "--section=data"], whole, how.timeout)?;
        let heads = lots.iter().map(|lot| lots::only(&head, lot)).collect::<Result<Vec<_>, _>>().map_err(damaged)?;
        let before = self.indexes(database)?;
        self.build(database, heads, how.timeout)?;
        self.build_rest(database, lots::all_but(&head, &lots).map_err(damaged)?, how.timeout)?;
        // What a client has made is seen in the rows, or here: its exit code alone is no proof.
        let built = self.indexes(database)?.saturating_sub(before);
        if built < indexes {
            let text = format!("pg_restore in {} says that all is well", self.container());
            return Err(Failure::new(Kind::Damaged, text).because(format!("{built} of {indexes} indexes are there")));
        }
        Ok(())
    }

    fn indexes(&self, database: &str) -> Result<usize> {
        let count = self.value(database, "SELECT count(*) FROM pg_index")?;
        Ok(count.and_then(|count| count.parse().ok()).unwrap_or_default())
    }

    /// A client for each of `heads`. The first failure ends them all.
    fn build(&self, database: &str, heads: Vec<Vec<u8>>, limit: Duration) -> Result<()> {
        let one = |head: Vec<u8>| {
            let built = self.build_rest(database, head, limit);
            if built.is_err() {
                // Theirs would go on for as long as an index takes.
                let _ = self.uninterruptible().query(ADMIN, &[&end_sessions(database)]);
            }
            built
        };
        std::thread::scope(|scope| {
            let clients = heads.into_iter().map(|head| Builder::new().spawn_scoped(scope, || one(head)));
            let clients: Vec<_> = clients.collect();
            let ends = clients.into_iter().map(|client| match client.map(|client| client.join()) {
                Ok(Ok(built)) => built,
                Ok(Err(_)) => Err(Failure::new(Kind::Io, "a client of the restore was lost")),
                Err(error) => Err(error.into()),
            });
            // What the others say is only that they were ended.
            ends.collect::<Vec<_>>().into_iter().min_by_key(|built| match built {
                Err(failure) if !failure.reason().contains(ENDED) => 0,
                Err(_) => 1,
                Ok(()) => 2,
            })
        })
        .unwrap_or(Ok(()))
    }

    fn build_rest(&self, database: &str, head: Vec<u8>, limit: Duration) -> Result<()> {
        let head = Input::Stream(Box::new(Cursor::new(head)));
        self.pg_restore(database, SUPERUSER, &["--section=post-data"], head, limit)
    }
}

/// What a client says whose session was ended.
const ENDED: &str = "due to administrator command";
