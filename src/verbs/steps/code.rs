//! Code and data together: redeploying the commit that a linked app ran when the backup was made.

use crate::dokku::{Dokku, Info, Redeployed};
use crate::domain::Backup;
use crate::error::{Failure, Kind, Result};
use crate::verbs::Context;

/// Redeploys the recorded commit of every app linked now, and says of each what was done or could not be. The data has
/// been restored by then: an app that could not be redeployed makes the result partial.
pub fn redeploy(context: &Context, dokku: &Dokku, backup: &Backup, info: &Info) -> Result<()> {
    let mut failed = 0;
    for app in &info.links {
        let recorded = backup.apps.iter().find(|then| &then.app == app).and_then(|then| then.git_sha.as_deref());
        let Some(sha) = recorded else {
            context.ui.warn(&format!("{app}: no commit is recorded; its code stays as it is"));
            continue;
        };
        match dokku.redeploy(app, sha) {
            Ok(Redeployed::Already) => context.ui.detail(&format!("{app}: runs {sha} already")),
            Ok(Redeployed::Done) => context.ui.detail(&format!("{app}: the files of {sha} are deployed again")),
            Err(failure) => {
                failed += 1;
                context.ui.warn(&format!("{app}: {}", failure.reason()));
                failure.hints.iter().for_each(|hint| context.ui.warn(hint));
            }
        }
    }
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::new(Kind::Partial, format!("the data is restored, but {failed} apps could not be redeployed")))
}
