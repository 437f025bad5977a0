//! The scheduler's line in the crontab of Dokku's user. Dokku writes that crontab from what the `cron-entries` trigger
//! of every plugin prints; one line that is not as it must be drops the lines of all of them (contract 4).

use super::trigger;
use crate::error::Result;
use crate::settings::Settings;
use crate::sys::child::failed;

/// What makes Dokku write the crontab again.
pub const CRON_WRITE: &str = "sudo dokku plugin:trigger scheduler-cron-write";

/// Every minute. Dokku asks access plugins about this command as about any other, and under cron nobody stands behind
/// it: it speaks for the host, as root's own shell does.
const ENTRY: &str = "* * * * *;SSH_USER=root dokku backups:tick";

/// The line for `scheduler`: a constant, and the path of the log where that can do no harm in a crontab. Kubernetes and
/// the like run no crontab of this host.
pub fn cron_entry(settings: &Settings, scheduler: &str) -> Option<String> {
    let log = settings.scheduler_log.to_string_lossy();
    let harmless = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let log = if log.starts_with('/') && log.chars().all(harmless) { format!(";{log}") } else { String::new() };
    (scheduler == "docker-local").then(|| format!("{ENTRY}{log}"))
}

/// Asks Dokku to write the crontab again.
pub fn write_crontab(settings: &Settings) -> Result<()> {
    let answer = trigger(settings, &["scheduler-cron-write"])?;
    if answer.status.success() { Ok(()) } else { Err(failed("scheduler-cron-write", answer.status, &answer.stderr)) }
}
