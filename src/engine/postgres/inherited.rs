//! What a throw-away server takes over from the service's own: settings without which its backups may not load, or would
//! load as something else.

use std::time::Duration;

use super::server::{ADMIN, Server};
use crate::domain::Service;
use crate::sys::docker::Docker;

/// What matters for loading, beside what libraries add (those settings have a dot in their names). Nothing of how fast or
/// how durable it is: that is the throw-away server's own affair.
const NAMES: [&str; 17] = [
    "bytea_output",
    "datestyle",
    "default_text_search_config",
    "default_toast_compression",
    "extra_float_digits",
    "intervalstyle",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "local_preload_libraries",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_worker_processes",
    "session_preload_libraries",
    "shared_preload_libraries",
    "timezone",
    "timezone_abbreviations",
];
/// Work that libraries would begin by themselves: a restored job must not run in a copy.
const QUIET: [(&str, &str); 1] = [("pg_cron", "cron.launch_active_jobs=off")];
/// How long the service's server may take to answer: it may be busy, and is not needed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Settings of the server of `service`, each `NAME=VALUE`, the later one of two by one name being the one that holds. Where it
/// does not run they are taken from `options`, what its plugin starts it with.
pub(super) fn inherited(docker: &Docker, service: &Service, options: &dyn Fn() -> Option<String>) -> Vec<String> {
    let server = Server::new(&docker.with_timeout(PATIENCE), container(service));
    let mut settings = match server.query(ADMIN, &[&sql()]) {
        Ok(rows) => rows.lines().filter_map(|row| serde_json::from_str::<[String; 2]>(row).ok()).map(joined).collect(),
        Err(failure) => {
            log::info!("the server of {service} does not tell its settings: {}", failure.reason());
            written(&options().unwrap_or_default())
        }
    };
    let libraries: String = settings.iter().filter(|setting| setting.contains("preload_libraries=")).cloned().collect();
    settings
        .extend(QUIET.iter().filter(|(library, _)| libraries.contains(library)).map(|(_, quiet)| (*quiet).to_owned()));
    settings
}

/// The container of a service, as the datastore's plugin names it.
pub(super) fn container(service: &Service) -> String {
    format!("dokku.{}.{}", service.datastore, service.name)
}

fn joined([name, value]: [String; 2]) -> String {
    format!("{name}={value}")
}

/// The server's own settings, then those of its databases and of the superuser that dumps them, in the order in which they
/// take precedence.
fn sql() -> String {
    let names = NAMES.map(|name| format!("'{name}'")).join(", ");
    format!(
        "SELECT json_build_array(name, setting) FROM (\
           SELECT 0 AS place, name, setting FROM pg_settings WHERE source IN ('configuration file', 'command line', \
             'environment variable') \
           UNION ALL SELECT (s.setdatabase <> 0)::int + 2 * (s.setrole <> 0)::int, split_part(c, '=', 1), \
             substr(c, strpos(c, '=') + 1) FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c \
             LEFT JOIN pg_database d ON d.oid = s.setdatabase \
             WHERE s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = current_user)) \
             AND (d.datname IS NULL OR d.datname NOT IN ('postgres', 'template0', 'template1'))) a \
         WHERE lower(name) IN ({names}) OR (name LIKE '%.%' AND place = 0) ORDER BY place"
    )
}

/// The settings in `-c NAME=VALUE` and `--NAME=VALUE`, as a shell divides what is not quoted.
fn written(options: &str) -> Vec<String> {
    let mut words = options.split_whitespace();
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("--").or_else(|| word.strip_prefix("-c").filter(|rest| !rest.is_empty()))
        {
            Some(rest) => Some(rest),
            None if word == "-c" => words.next(),
            None => None,
        };
        let Some((name, value)) = setting.and_then(|setting| setting.split_once('=')) else { continue };
        let name = name.replace('-', "_").to_ascii_lowercase();
        if NAMES.contains(&name.as_str()) || name.contains('.') {
            settings.push(format!("{name}={value}"));
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn report_111_options_are_read_as_the_server_reads_them() {
        let options = "-c shared_preload_libraries=pg_cron -c cron.database_name=shop --max-locks-per-transaction=512 \
                       -c fsync=off -clc_monetary=de_DE -N 300 -c";
        let expected = [
            "shared_preload_libraries=pg_cron",
            "cron.database_name=shop",
            "max_locks_per_transaction=512",
            "lc_monetary=de_DE",
        ];
        assert_eq!(written(options), expected);
        assert!(written("").is_empty());
    }
}
