//! The part of Dokku's install trigger that needs the binary: lay out the folders, heal their modes and owners.

use super::Context;
use crate::catalogue::lay_out;
use crate::error::Result;
use crate::sys::user;

/// Makes what is missing, as root, for Dokku's system user.
pub fn run(context: &Context) -> Result<()> {
    let settings = &context.settings;
    let (uid, gid, _) = user::system_user(&settings.system_user)?;
    for change in lay_out(&settings.data_root, &settings.config_root, (uid, gid))? {
        context.ui.detail(&change);
    }
    Ok(())
}
