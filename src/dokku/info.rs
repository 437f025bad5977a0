//! `postgres:info`, asked once: the whole table costs as much as one flag (contract 1.3).

use super::Dokku;
use crate::domain::Service;
use crate::error::Result;

/// Whether a service can be worked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Up.
    Running,
    /// Anything else, in Docker's word: `paused`, `exited`, `restarting`, `missing`.
    Not(String),
    /// There is no such service, or the caller may not see it: the same words.
    Absent,
}

/// What the table says. The connection string with its password is read past, never kept.
#[derive(Debug, Clone)]
pub struct Info {
    /// Whether it can be worked with.
    pub state: State,
    /// `postgres` of `postgres:17.11`.
    pub image: Option<String>,
    /// `17.11` of `postgres:17.11`.
    pub image_version: Option<String>,
    /// Name of the database inside.
    pub database: Option<String>,
    /// What its server is started with beside the plugin's own words.
    pub options: Option<String>,
    /// Apps linked to it.
    pub links: Vec<String>,
}

impl Info {
    /// `postgres:17.11`; what is not known of it is left out.
    pub fn image_and_version(&self) -> String {
        [self.image.as_deref(), self.image_version.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(":")
    }
}

impl Dokku {
    /// Asks about `service`.
    pub fn info(&self, service: &Service) -> Result<Info> {
        let verb = format!("{}:info", service.datastore);
        let answer = self.ask(&[&verb, service.name.as_str()])?;
        if !answer.status.success() {
            if super::is_absent(&answer.stderr) {
                return Ok(parse("", State::Absent));
            }
            let what = format!("{verb} {service}");
            return Err(crate::sys::child::failed(&what, answer.status, &answer.stderr));
        }
        let state = match value(&answer.stdout, "status") {
            Some("running") => State::Running,
            Some(other) => State::Not(other.to_owned()),
            None => State::Not("unknown".to_owned()),
        };
        Ok(parse(&answer.stdout, state))
    }
}

fn parse(table: &str, state: State) -> Info {
    let (image, image_version) = match value(table, "version").and_then(|v| v.rsplit_once(':')) {
        Some((image, version)) => (Some(image.to_owned()), Some(version.to_owned())),
        None => (None, None),
    };
    let database = value(table, "dsn").and_then(path_of).map(str::to_owned);
    let links = value(table, "links").filter(|links| *links != "-").unwrap_or("");
    let options = value(table, "config options").map(str::to_owned);
    Info {
        state,
        image,
        image_version,
        database,
        options,
        links: links.split_whitespace().map(str::to_owned).collect(),
    }
}

/// What stands behind the host of an address: a database's name; none where the address ends with its host and port.
fn path_of(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    let (_, path) = rest.rsplit_once('/')?;
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    Some(path).filter(|path| !path.is_empty())
}

/// The value behind `Label:` in Dokku's table, whatever its case and padding; `None` when it is empty.
fn value<'a>(table: &'a str, label: &str) -> Option<&'a str> {
    table
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case(label))
        .map(|(_, value)| value.trim())
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_a_port_are_not_the_name_of_a_database() {
        assert_eq!(path_of("redis://:0123@dokku-redis-cache:6379"), None);
        assert_eq!(path_of("redis://:0123@dokku-redis-cache:6379/"), None);
        assert_eq!(path_of("mysql://mariadb:0123@dokku-mariadb-shop:3306/shop?ssl=1"), Some("shop"));
    }

    #[test]
    fn the_table_of_a_running_service() {
        let table = "\
=====> my-db postgres service information
       Config dir:          /var/lib/dokku/services/postgres/my-db/data
       Dsn:                 postgres://postgres:0123456789abcdef0123456789abcdef@dokku-postgres-my-db:5432/my_db
       Exposed ports:       -
       Links:               web worker
       Status:              running
       Version:             postgres:17.11
";
        let info = parse(table, State::Running);
        assert_eq!(info.database.as_deref(), Some("my_db"));
        assert_eq!((info.image.as_deref(), info.image_version.as_deref()), (Some("postgres"), Some("17.11")));
        assert_eq!(info.links, ["web", "worker"]);
        assert_eq!(parse("Links:               -\n", State::Running).links, Vec::<String>::new());
    }
}
