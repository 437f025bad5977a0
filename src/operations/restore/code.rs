//! Code and data together: redeploying the commit that a linked app ran when the backup was made.

use crate::dokku::{Dokku, Info, Redeployed};
use crate::domain::{Backup, count};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;

/// Says in the plan what redeploying will do to each app.
pub fn show_redeploy(context: &Context, backup: &Backup, info: &Info) {
    for app in &info.links {
        context.ui.detail(&match recorded(backup, app) {
            Some(sha) => format!(
                "code:     then {app} is deployed at {sha}, and its deploy branch set to that commit: what was pushed \
                 after it has to be pushed again"
            ),
            None => format!("code:     {app} stays as it is: no commit is recorded"),
        });
    }
}

/// Redeploys the recorded commit of every app linked now, and says of each what was done or could not be. The data has
/// been restored by then: an app that could not be redeployed makes the result partial.
pub fn redeploy(context: &Context, dokku: &Dokku, backup: &Backup, info: &Info) -> Result<()> {
    let mut failed = 0usize;
    for app in &info.links {
        let Some(sha) = recorded(backup, app) else {
            context.ui.warn(&format!("{app}: no commit is recorded; its code stays as it is"));
            continue;
        };
        match dokku.redeploy(app, sha) {
            Ok(Redeployed::Already) => context.ui.detail(&format!("{app}: runs {sha} already")),
            Ok(Redeployed::Done { branch }) => {
                context.ui.detail(&format!("{app}: {sha} is deployed again, and its branch {branch} is at it"));
                context
                    .ui
                    .detail(&format!("{app}: to deploy newer code again, push it: git push dokku@HOST:{app} {branch}"));
            }
            Err(failure) => {
                failed += 1;
                context.ui.warn(&format!("{app}: {}", failure.reason()));
                context.ui.remedies(&failure.remedies);
            }
        }
    }
    if failed == 0 {
        return Ok(());
    }
    let apps = count(failed, "app");
    Err(Failure::new(Kind::Partial, format!("the data is restored, but {apps} could not be redeployed")))
}

/// The commit that `app` ran when the backup was made.
fn recorded<'a>(backup: &'a Backup, app: &str) -> Option<&'a str> {
    backup.apps.iter().find(|then| then.app == app)?.git_sha.as_deref()
}
