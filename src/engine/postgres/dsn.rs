//! A connection string, `postgresql://user:password@host:port/database?sslmode=require`, taken apart so that its password
//! goes its own way.

use std::fmt;
use std::net::IpAddr;

use url::Url;

use crate::error::{Failure, Kind, Result};

/// Parameters that are passed on. Others name files of the machine that connects, or further servers.
const PARAMETERS: [&str; 9] = [
    "sslmode",
    "channel_binding",
    "connect_timeout",
    "gssencmode",
    "sslnegotiation",
    "sslsni",
    "target_session_attrs",
    "options",
    "application_name",
];
/// The form, for messages.
const FORM: &str = "it is postgresql://USER:PASSWORD@HOST:PORT/DATABASE";

/// A server elsewhere and a database on it.
#[derive(Clone, PartialEq, Eq)]
pub struct Dsn {
    host: String,
    addresses: Vec<IpAddr>,
    port: u16,
    user: String,
    password: Option<String>,
    database: String,
    parameters: Vec<(String, String)>,
}

impl Dsn {
    /// Takes it apart. Messages repeat nothing of it.
    pub fn parse(text: &str) -> Result<Dsn> {
        let wrong = |why: &str| Failure::new(Kind::Usage, format!("the connection string {why}")).hint(FORM);
        let url = Url::parse(text.trim()).map_err(|_| wrong("is not understood"))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(wrong("begins with something else than postgresql://"));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("names no host"))?;
        let user = decoded(url.username()).filter(|user| !user.is_empty()).ok_or_else(|| wrong("names no user"))?;
        let database = decoded(url.path().trim_start_matches('/')).ok_or_else(|| wrong("is not understood"))?;
        let mut password = url.password().map(|word| decoded(word).ok_or_else(|| wrong("is not understood")));
        let mut parameters = Vec::new();
        for (key, value) in url.query_pairs() {
            match key.as_ref() {
                "password" => password = Some(Ok(value.into_owned())),
                known if PARAMETERS.contains(&known) => parameters.push((known.to_owned(), value.into_owned())),
                other => {
                    let shown: String =
                        other.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(32).collect();
                    return Err(wrong(&format!("has the parameter {shown}, which is not passed on")));
                }
            }
        }
        let host = decoded(host.trim_matches(['[', ']'])).ok_or_else(|| wrong("is not understood"))?;
        let dsn = Dsn {
            port: url.port().unwrap_or(5432),
            database: if database.is_empty() { user.clone() } else { database },
            password: password.transpose()?,
            host,
            addresses: Vec::new(),
            user,
            parameters,
        };
        let control = |text: &String| text.chars().any(char::is_control);
        if [&dsn.host, &dsn.user, &dsn.database].into_iter().chain(&dsn.password).any(control) {
            return Err(wrong("holds control characters"));
        }
        Ok(dsn)
    }

    /// The host, a name or a number.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The same, connected to at `addresses` whatever its name stands for.
    #[must_use]
    pub fn at(&self, addresses: Vec<IpAddr>) -> Dsn {
        Dsn { addresses, ..self.clone() }
    }

    /// Words for people: host and database.
    pub fn words(&self) -> String {
        format!("{}/{}", self.host, self.database)
    }

    /// Whether it holds a password.
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// What libpq is told, without the password.
    pub(super) fn conninfo(&self) -> String {
        let quoted = |value: &str| format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"));
        let port = self.port.to_string();
        // One name for each number: libpq takes its choice of the numbers, and of the name only its certificate.
        let hosts = vec![self.host.as_str(); self.addresses.len().max(1)].join(",");
        let addresses = self.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let own = [("host", &hosts), ("port", &port), ("user", &self.user), ("dbname", &self.database)];
        let own = own.into_iter().chain((!addresses.is_empty()).then_some(("hostaddr", &addresses)));
        let more = self.parameters.iter().map(|(key, value)| (key.as_str(), value));
        own.chain(more).map(|(key, value)| format!("{key}={}", quoted(value))).collect::<Vec<_>>().join(" ")
    }

    /// The line of a password file; empty without a password.
    pub(super) fn password_line(&self) -> String {
        let escaped = |word: &String| word.replace('\\', "\\\\").replace(':', "\\:");
        self.password.as_ref().map(|word| format!("*:*:*:*:{}\n", escaped(word))).unwrap_or_default()
    }
}

/// Text without percent signs; nothing where they stand for no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let hex = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_is_taken_apart() {
        let dsn = Dsn::parse(" postgres://us%40er:p%3Aw%5C%27@[::1]:5433/my%20db?sslmode=require\n").unwrap();
        assert_eq!(dsn.conninfo(), "host='::1' port='5433' user='us@er' dbname='my db' sslmode='require'");
        assert_eq!(dsn.password_line(), "*:*:*:*:p\\:w\\\\'\n");
        let short = Dsn::parse("postgresql://it's@db.example.com?password=x").unwrap();
        assert!(short.has_password());
        assert_eq!(short.conninfo(), "host='db.example.com' port='5432' user='it\\'s' dbname='it\\'s'");
    }

    #[test]
    fn fault_089_what_is_wrong_with_it_is_told_without_it() {
        for text in [
            "hunter2",
            "mysql://u:hunter2@h/d",
            "postgresql:///d?password=hunter2",
            "postgresql://:hunter2@h/d",
            "postgresql://u:hunter2@h/d?sslkey=/root/hunter2",
            "postgresql://u:hunter2%0a@h/d",
            "postgresql://u:hunter2%zz@h/d",
            "postgresql://u:hunter2@h:port/d",
        ] {
            let failure = Dsn::parse(text).unwrap_err();
            assert!(!format!("{} {:?}", failure.reason(), failure.remedies).contains("hunter2"), "{text}");
        }
    }
}
