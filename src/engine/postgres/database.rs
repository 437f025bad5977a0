//! What belongs to a database itself and is in no dump of it: encoding, locale, owner, limits, settings, privileges,
//! comment. A database that replaces another takes them over.

use serde::Deserialize;

use super::quote::{ident, literal};
use super::server::{ADMIN, Server};
use crate::error::{Failure, Kind, Result};

/// Settings whose value is a list of identifiers: they are stored quoted already (PostgreSQL's GUC_LIST_QUOTE).
const LISTS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// Settings by which values are read from their text and that no dump sets for itself: those of `money`.
const READ_BY: [&str; 1] = ["lc_monetary"];

/// The properties of one database. Columns differ between server versions, so the row travels as JSON.
#[derive(Debug, Clone, Deserialize)]
pub struct Database {
    /// Its object id: another database by the same name has another one.
    #[serde(deserialize_with = "number")]
    pub oid: u32,
    encoding_name: String,
    datcollate: String,
    datctype: String,
    /// `c` libc, `i` ICU, `b` builtin; from PostgreSQL 15 on.
    datlocprovider: Option<String>,
    /// The provider's locale: PostgreSQL 15 and 16.
    daticulocale: Option<String>,
    /// Tailoring of an ICU locale; from 16 on.
    daticurules: Option<String>,
    /// Anybody may copy it; and it cannot be dropped as long as it is one.
    datistemplate: bool,
    /// The same from 17 on.
    datlocale: Option<String>,
    owner: String,
    tablespace: String,
    datconnlimit: i64,
    comment: Option<String>,
    #[serde(default)]
    settings: Vec<Setting>,
    privileges: Option<Vec<Privilege>>,
    /// The row as the server gave it: what a journal keeps, so that another database like it can be made without it.
    #[serde(skip)]
    pub written: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Setting {
    role: Option<String>,
    config: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Privilege {
    grantee: Option<String>,
    privilege: String,
    grantable: bool,
}

/// oids are numbers in JSON of newer servers, strings in that of older ones.
fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let parsed = value.as_u64().or_else(|| value.as_str()?.parse().ok()).and_then(|n| u32::try_from(n).ok());
    parsed.ok_or_else(|| serde::de::Error::custom("no oid"))
}

impl Server {
    /// The properties of `database`; `None` where there is none by that name.
    pub fn database(&self, database: &str) -> Result<Option<Database>> {
        let Some(row) = self.value(ADMIN, &properties_of(database))? else { return Ok(None) };
        Database::read(&row).map(Some)
    }

    /// The properties that a database of this server has when nothing else is said: those of `template1`, open to all.
    pub fn default_database(&self) -> Result<Database> {
        let row = self.value(ADMIN, &properties_of("template1"))?.unwrap_or_default();
        let not_understood = |e| Failure::new(Kind::Child, "the properties of template1 are not understood").because(e);
        let mut row: serde_json::Value = serde_json::from_str(&row).map_err(not_understood)?;
        row["datistemplate"] = false.into();
        row["datconnlimit"] = (-1).into();
        row["comment"] = serde_json::Value::Null;
        row["privileges"] = serde_json::Value::Null;
        Database::read(&row.to_string())
    }
}

fn properties_of(database: &str) -> String {
    format!(
        "SELECT (to_jsonb(d) || jsonb_build_object(\
           'oid', d.oid::text, 'encoding_name', pg_encoding_to_char(d.encoding), 'owner', pg_get_userbyid(d.datdba), \
           'tablespace', (SELECT spcname FROM pg_tablespace t WHERE t.oid = d.dattablespace), \
           'comment', shobj_description(d.oid, 'pg_database'), \
           'settings', COALESCE((SELECT jsonb_agg(jsonb_build_object('role', r.rolname, 'config', s.setconfig)) \
             FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole WHERE s.setdatabase = d.oid), '[]'), \
           'privileges', CASE WHEN d.datacl IS NULL THEN NULL ELSE COALESCE((SELECT jsonb_agg(jsonb_build_object(\
             'grantee', g.rolname, 'privilege', a.privilege_type, 'grantable', a.is_grantable)) \
             FROM aclexplode(d.datacl) a LEFT JOIN pg_roles g ON g.oid = a.grantee), '[]') END))::text \
         FROM pg_database d WHERE d.datname = {}",
        literal(database)
    )
}

impl Database {
    /// Reads the properties as a server, or a journal, has written them down.
    pub fn read(row: &str) -> Result<Database> {
        let database: Database = serde_json::from_str(row)
            .map_err(|e| Failure::new(Kind::Child, "the properties of the database are not understood").because(e))?;
        Ok(Database { written: row.to_owned(), ..database })
    }

    /// Dropping it was begun and cut off (PostgreSQL marks that in the connection limit).
    pub fn is_invalid(&self) -> bool {
        self.datconnlimit == -2
    }

    /// The statement that makes an empty database like this one.
    pub fn create(&self, name: &str) -> String {
        let mut sql = format!(
            "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}",
            ident(name),
            literal(&self.encoding_name),
            literal(&self.datcollate),
            literal(&self.datctype)
        );
        let locale =
            self.datlocale.as_ref().or(self.daticulocale.as_ref()).map(|locale| literal(locale)).unwrap_or_default();
        match self.datlocprovider.as_deref() {
            Some("i") => {
                sql.push_str(&format!(" LOCALE_PROVIDER icu ICU_LOCALE {locale}"));
                let rules = self.daticurules.as_ref().map(|rules| format!(" ICU_RULES {}", literal(rules)));
                sql.push_str(&rules.unwrap_or_default());
            }
            // Said aloud: a cluster may have been made with another one.
            Some("c") => sql.push_str(" LOCALE_PROVIDER libc"),
            Some("b") => sql.push_str(&format!(" LOCALE_PROVIDER builtin BUILTIN_LOCALE {locale}")),
            _ => {}
        }
        sql + &format!(" OWNER {} TABLESPACE {}", ident(&self.owner), ident(&self.tablespace))
    }

    /// The statements that give `name` those settings that say what its data mean: they come before the data.
    pub fn read_by(&self, name: &str) -> Vec<String> {
        let whole = self.settings.iter().filter(|setting| setting.role.is_none()).flat_map(|setting| &setting.config);
        let read = whole.filter_map(|entry| entry.split_once('=')).filter(|(key, _)| READ_BY.contains(key));
        read.map(|(key, value)| format!("ALTER DATABASE {} SET {} TO {}", ident(name), ident(key), literal(value)))
            .collect()
    }

    /// The statements that give `name` the rest. They come after the data: a setting such as
    /// `default_transaction_read_only` would keep the data out.
    pub fn adorn(&self, name: &str) -> Vec<String> {
        let database = ident(name);
        let mut sql = vec![format!("ALTER DATABASE {database} CONNECTION LIMIT {}", self.datconnlimit)];
        sql.extend(
            self.comment.as_ref().map(|comment| format!("COMMENT ON DATABASE {database} IS {}", literal(comment))),
        );
        for setting in &self.settings {
            let whose = match &setting.role {
                Some(role) => format!("ALTER ROLE {} IN DATABASE {database}", ident(role)),
                None => format!("ALTER DATABASE {database}"),
            };
            sql.extend(setting.config.iter().filter_map(|entry| entry.split_once('=')).map(|(key, value)| {
                let value = if LISTS.contains(&key) { list(value) } else { literal(value) };
                // A custom setting is `extension.name`: two identifiers.
                let key: Vec<String> = key.split('.').map(ident).collect();
                format!("{whose} SET {} TO {value}", key.join("."))
            }));
        }
        sql.extend(self.datistemplate.then(|| format!("ALTER DATABASE {database} IS_TEMPLATE true")));
        if let Some(privileges) = &self.privileges {
            sql.push(format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC"));
            sql.push(format!("REVOKE ALL ON DATABASE {database} FROM {}", ident(&self.owner)));
            sql.extend(privileges.iter().map(|grant| {
                let grantee = grant.grantee.as_deref().map_or_else(|| "PUBLIC".to_owned(), ident);
                let option = if grant.grantable { " WITH GRANT OPTION" } else { "" };
                format!("GRANT {} ON DATABASE {database} TO {grantee}{option}", grant.privilege)
            }));
        }
        sql
    }
}

/// A stored list of identifiers (`"$user", public`) as literals. An empty name is an identifier nobody may write: the
/// value that `SET search_path TO ''` leaves is `""`.
fn list(stored: &str) -> String {
    let mut names = vec![String::new()];
    let (mut quoted, mut rest) = (false, stored.chars().peekable());
    while let Some(c) = rest.next() {
        match (c, quoted) {
            ('"', true) if rest.peek() == Some(&'"') => names.last_mut().into_iter().for_each(|name| name.push('"')),
            ('"', _) => {
                quoted = !quoted;
                continue;
            }
            (',', false) => {
                names.push(String::new());
                continue;
            }
            (c, false) if c.is_whitespace() => continue,
            (c, _) => {
                names.last_mut().into_iter().for_each(|name| name.push(c));
                continue;
            }
        }
        rest.next();
    }
    names.iter().map(|name| literal(name)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::list;

    #[test]
    fn row_042_lists_of_names_survive() {
        assert_eq!(list(r#""$user", public"#), "'$user', 'public'");
        assert_eq!(list(r#""""#), "''");
        assert_eq!(list(r#""a""b, c",d"#), r#"'a"b, c', 'd'"#);
        assert_eq!(list(""), "''");
    }
}
