//! The part of Dokku's install trigger that needs the binary: lay out the folders, heal their modes and owners,
//! and have the scheduler's line put into the crontab.

use super::Context;
use super::steps::renew_crontab;
use crate::catalogue::lay_out;
use crate::error::Result;
use crate::sys::{logfile, user};

/// Makes what is missing, as root, for Dokku's system user.
pub fn run(context: &Context) -> Result<()> {
    let settings = &context.settings;
    let (uid, gid, _) = user::system_user(&settings.system_user)?;
    for change in lay_out(&settings.data_root, &settings.config_root, (uid, gid))? {
        context.ui.detail(&change);
    }
    match logfile::close(&settings.scheduler_log, (uid, gid)) {
        Ok(true) => context.ui.detail(&format!("closed {} to others", settings.scheduler_log.display())),
        Ok(false) => {}
        Err(error) => context.ui.warn(&error.to_string()),
    }
    // A failure here would stop the install trigger of every plugin after us.
    if let Err(failure) = renew_crontab(context) {
        context.ui.warn(&failure.reason());
        failure.hints.iter().for_each(|hint| context.ui.warn(hint));
    }
    Ok(())
}
