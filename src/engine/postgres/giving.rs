//! Giving back owners and privileges, once everything is there: where their roles are. What cannot be given is told, and
//! fails nothing.

use std::collections::{BTreeMap, HashSet};

use super::server::{ADMIN, Server};
use crate::domain::{count, shown};
use crate::engine::Grant;
use crate::error::Result;

/// Statements that are sent at once, and their bytes at most: they travel as arguments.
const AT_ONCE: usize = 200;
const BYTES: usize = 60 << 10;
/// Failures that are named.
const NAMED: usize = 3;

impl Server {
    /// Says `grants` again in `database`; returns what could not be given back, in words.
    pub(super) fn give(&self, database: &str, grants: &[Grant]) -> Result<Vec<String>> {
        if grants.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.query(ADMIN, &["SELECT to_json(rolname) FROM pg_roles"])?;
        let there: HashSet<String> = rows.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let (mut absent, mut refused): (BTreeMap<&str, usize>, Vec<String>) = (BTreeMap::new(), Vec::new());
        let (mut batch, mut bytes): (Vec<&Grant>, usize) = (Vec::new(), 0);
        for grant in grants {
            if let Some(role) = grant.roles.iter().find(|role| !there.contains(*role)) {
                *absent.entry(role).or_default() += 1;
                continue;
            }
            if batch.len() == AT_ONCE || bytes + grant.statement.len() > BYTES {
                refused.extend(self.say(database, &batch)?);
                (batch, bytes) = (Vec::new(), 0);
            }
            bytes += grant.statement.len();
            batch.push(grant);
        }
        refused.extend(self.say(database, &batch)?);
        let of_absent = |(role, many): (&str, usize)| {
            format!("{} that name {}, which this server does not have", count(many, "line"), shown(role))
        };
        let more = refused.len().saturating_sub(NAMED);
        refused.truncate(NAMED);
        refused.extend((more > 0).then(|| format!("and {more} more")));
        Ok(absent.into_iter().map(of_absent).chain(refused).collect())
    }

    /// Each in a transaction of its own, all in one session; those that fail are asked for one by one.
    fn say(&self, database: &str, grants: &[&Grant]) -> Result<Vec<String>> {
        let statements: Vec<&str> = grants.iter().map(|grant| grant.statement.as_str()).collect();
        if statements.is_empty() || self.query_once(database, &statements).is_ok() {
            return Ok(Vec::new());
        }
        let mut refused = Vec::new();
        for grant in grants {
            if let Err(failure) = self.query_once(database, &[&grant.statement]) {
                refused.push(format!("{}: {}", shown(&grant.what), failure.reason()));
            }
        }
        Ok(refused)
    }
}
