//! Extensions and languages: which are harmless in the hands of whoever owns a database.

use super::cursor::Cursor;
use super::item::item;
use super::{Asked, Class, Judged};
use crate::domain::{Need, Stage};
use crate::engine::postgres::quote::ident;

/// Extensions with which nobody reaches beyond his database. Those without a word of their own are contrib's trusted ones
/// (PostgreSQL lets every owner of a database make them) or data types, operators and indexes only.
const HARMLESS: [&str; 72] = [
    "address_standardizer",         // PostGIS: parses addresses
    "address_standardizer_data_us", // its tables
    "bloom",                        // an index
    "btree_gin",
    "btree_gist",
    "chkpass", // a type of old contrib
    "citext",
    "cube",
    "dict_int",
    "dict_xsyn", // reads synonyms from the server's own text search folder only
    "earthdistance",
    "fuzzystrmatch",
    "h3",         // hexagons: a type
    "h3_postgis", // its bridge to PostGIS
    "hll",        // a type
    "hstore",
    "hypopg",  // indexes that exist in one session's plans only
    "icu_ext", // ICU's functions
    "intagg",
    "intarray",
    "ip4r", // a type
    "isn",
    "jsonb_plperl",  // a bridge between a type and a trusted language
    "hstore_plperl", // the same
    "bool_plperl",   // the same
    "lo",
    "ltree",
    "orafce",             // functions; its files need directories that a superuser lists
    "pg_bigm",            // an index
    "pg_hashids",         // functions
    "pg_hint_plan",       // hints for the sender's own plans
    "pg_ivm",             // views that keep themselves
    "pg_jsonschema",      // functions
    "pg_stat_statements", // statistics; others' texts need pg_read_all_stats
    "pg_trgm",
    "pg_uuidv7", // functions
    "pgcrypto",
    "pgjwt",     // functions in SQL
    "pgmq",      // queues: tables and functions in SQL
    "pgroonga",  // an index
    "pgrouting", // functions on PostGIS
    "pgrowlocks",
    "pgstattuple", // statistics; only for those that may read them
    "pgtap",       // tests in SQL
    "plperl",
    "plpgsql_check", // reads functions
    "pltcl",
    "plv8", // a trusted language
    "postgis",
    "postgis_raster", // reads files and addresses only where the server's environment allows it
    "postgis_sfcgal",
    "postgis_tiger_geocoder",
    "postgis_topology",
    "prefix",          // a type
    "q3c",             // functions
    "refint",          // contrib's example triggers
    "autoinc",         // likewise
    "insert_username", // likewise
    "moddatetime",     // likewise
    "rum",             // an index
    "seg",
    "semver",  // a type
    "sslinfo", // tells of the caller's own connection
    "tablefunc",
    "tcn",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "unit", // a type
    "uuid-ossp",
    "vector",   // a type and its indexes
    "zhparser", // a text search parser
];

/// What the best known others would allow.
const DANGERS: [(&str, &str); 21] = [
    ("adminpack", "it writes files of the server"),
    ("dblink", "it reaches other servers"),
    ("postgres_fdw", "it reaches other servers"),
    ("mysql_fdw", "it reaches other servers"),
    ("tds_fdw", "it reaches other servers"),
    ("oracle_fdw", "it reaches other servers"),
    ("mongo_fdw", "it reaches other servers"),
    ("redis_fdw", "it reaches other servers"),
    ("ogr_fdw", "it reaches files and other servers"),
    ("sqlite_fdw", "it reads and writes files of the server"),
    ("file_fdw", "it reads the server's files and runs programs"),
    ("http", "it reaches other servers"),
    ("pg_net", "it reaches other servers"),
    ("pg_cron", "it runs statements as any user, later and in any database"),
    ("pg_background", "it runs statements in the background"),
    ("pageinspect", "it reads the server's raw pages"),
    ("pg_surgery", "it alters the server's raw pages"),
    ("pg_walinspect", "it reads what all databases write"),
    ("pglogical", "it reaches other servers"),
    ("pgaudit", "it sets what the server logs"),
    ("anon", "it rewrites the data of its database"),
];

/// Languages whose functions may do no more than their owner.
const TRUSTED: [&str; 12] =
    ["plperl", "pltcl", "plpgsql", "sql", "plv8", "plls", "plcoffee", "pllua", "pljs", "plrust", "pltsql", "java"];
/// Languages whose functions may do whatever the server's system user may.
const UNTRUSTED: &str = "its functions may do whatever the server's system user may";

/// Why making an extension has to be consented to by name, unless it is harmless.
pub(super) fn danger(name: &str) -> Option<String> {
    let known = DANGERS.iter().find(|(known, _)| *known == name).map(|(_, why)| (*why).to_owned());
    if known.is_some() || HARMLESS.contains(&name) {
        return known;
    }
    if name.starts_with("pl") && name.ends_with('u') || ["plsh", "plr", "plproxy"].contains(&name) {
        return Some(UNTRUSTED.to_owned());
    }
    Some("it is not known to be harmless".to_owned())
}

/// The same of a language.
pub(super) fn language_danger(name: &str) -> Option<String> {
    (!TRUSTED.contains(&name)).then(|| match name {
        "c" | "internal" => "it is code of the server itself, or of a library".to_owned(),
        _ => UNTRUSTED.to_owned(),
    })
}

/// Judges what follows `CREATE EXTENSION`.
pub(super) fn judge(mut cursor: Cursor<'_>) -> Judged {
    let class = extension(&mut cursor).unwrap_or(Class::Unlisted(Need::Nothing));
    Judged::new(class, "CREATE EXTENSION")
}

fn extension(cursor: &mut Cursor<'_>) -> Option<Class> {
    cursor.words("if not exists");
    let name = cursor.name()?;
    cursor.words("with");
    let (mut schema, mut cascade) = (None, "");
    while let Some(option) = cursor.one_of(&["schema", "version", "from", "cascade"]) {
        match option {
            "schema" => schema = Some(cursor.name()?),
            "cascade" => cascade = " CASCADE",
            // Which version there is, the image decides.
            _ => cursor.text().map(|_| ()).or_else(|| cursor.name().map(|_| ()))?,
        }
    }
    if !cursor.is_at_end() {
        return None;
    }
    if name == "plpgsql" {
        return Some(Class::LeftOut);
    }
    let within = schema.as_ref().map(|schema| format!(" WITH SCHEMA {}", ident(schema))).unwrap_or_default();
    Some(Class::Privileged(Asked {
        item: item("EXTENSION", &name),
        sql: format!("CREATE EXTENSION IF NOT EXISTS {}{within}{cascade}", ident(&name)),
        stage: Stage::Before,
        danger: danger(&name),
        schema,
    }))
}

/// Judges what follows `CREATE [OR REPLACE] [TRUSTED] LANGUAGE`. Since 9.1 it means an extension; whatever handler the
/// dump names, the language is the one that the server knows by that name.
pub(super) fn language(mut cursor: Cursor<'_>) -> Judged {
    let named = cursor.name().or_else(|| cursor.text().map(|text| super::cursor::lossy(&text).to_ascii_lowercase()));
    let class = match named {
        None => Class::Unlisted(Need::Nothing),
        Some(name) if name == "plpgsql" => Class::LeftOut,
        Some(name) => Class::Privileged(Asked {
            item: item("LANGUAGE", &name),
            sql: format!("CREATE EXTENSION IF NOT EXISTS {}", ident(&name)),
            stage: Stage::Before,
            danger: language_danger(&name),
            schema: None,
        }),
    };
    Judged::new(class, "CREATE LANGUAGE")
}
