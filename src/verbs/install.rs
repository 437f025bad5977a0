//! The part of Dokku's install trigger that needs the binary: lay out the folders, heal their modes and owners, make the
//! host's key, have the scheduler's line put into the crontab; and after an update put this host's mark on its records.

use std::time::Duration;

use crate::catalogue::{LockedCatalogue, Root, lay_out};
use crate::error::{Kind, Result};
use crate::operations::Context;
use crate::operations::schedule::renew_crontab;
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
        context.ui.remedies(&failure.remedies);
    }
    if let Err(failure) = user::become_user(&settings.system_user).and_then(|_| mark(context)) {
        context.ui.warn(&failure.reason());
    }
    Ok(())
}

/// Marks the records from before there was a key. What is busy now gets its mark from whoever works there next.
fn mark(context: &Context) -> Result<()> {
    let settings = &context.settings;
    let root = Root::open(&settings.data_root, &settings.config_root)?;
    for service in root.unmarked_services()? {
        match LockedCatalogue::lock(&root, &service, Duration::ZERO, &|_| (), "install", settings.clock) {
            Ok(_) => context.ui.detail(&format!("the records of {service} bear this host's mark")),
            Err(failure) if failure.kind == Kind::Busy => {}
            Err(failure) => context.ui.warn(&failure.reason()),
        }
    }
    Ok(())
}
