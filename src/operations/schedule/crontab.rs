//! Asking Dokku for the scheduler's line in its crontab.

use crate::dokku::{CRON_WRITE, write_crontab};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;

/// Asks, and says what to type where that fails. What was asked for before is done by then.
pub fn renew_crontab(context: &Context) -> Result<()> {
    write_crontab(&context.settings).map_err(|failure| {
        Failure::new(Kind::Partial, "the crontab could not be renewed: schedules may not run")
            .because(failure)
            .remedy("renew it with", CRON_WRITE)
    })
}
