//! Dokku's `cron-entries` trigger: the scheduler's line for the crontab.

use crate::dokku::cron_entry;
use crate::error::Result;
use crate::operations::Context;

/// Prints the line, or nothing at all: a blank line would drop the lines of every plugin.
pub fn run(context: &Context, words: &[String]) -> Result<()> {
    match words.first().and_then(|scheduler| cron_entry(&context.settings, scheduler)) {
        Some(line) => Ok(context.ui.data(&line)?),
        None => Ok(()),
    }
}
