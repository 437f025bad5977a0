//! Deploying a commit again that the app's repository on this host has.

use super::Dokku;
use crate::error::{Failure, Kind, Result};
use crate::sys::child::{Child, Start};
use crate::sys::stdin::Input;

/// What redeploying came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeployed {
    /// The app runs that commit.
    Already,
    /// It runs it now, and this branch is at it.
    Done {
        /// The deploy branch.
        branch: String,
    },
}

impl Dokku {
    /// Deploys the commit `sha` with `git:sync` from the app's own repository: that needs neither the developer's machine
    /// nor a remote, and unlike `git:from-archive` it adds no commit of Dokku's, on top of which no push would fit.
    /// When it fails, the app runs what it ran and its branch is where it was.
    pub fn redeploy(&self, app: &str, sha: &str) -> Result<Redeployed> {
        if !super::app::is_hash(sha) {
            return Err(Failure::new(Kind::Catalogue, format!("the recorded commit {sha} is not a hash")));
        }
        let (now, mut notes) = self.app_code(app);
        if now.git_sha.as_deref() == Some(sha) && now.branch_sha.is_none() {
            return Ok(Redeployed::Already);
        }
        let Some(branch) = now.deploy_branch else {
            let note = notes.pop().unwrap_or_else(|| format!("{app} has no deploy branch"));
            return Err(Failure::new(Kind::Child, note));
        };
        let by_hand = push(app, sha, Some(&branch));
        let lacks = |what: &str| {
            Err(Failure::new(Kind::NotFound, format!("the host's repository of {app} does not have {what}"))
                .hint(by_hand.clone()))
        };
        let (Some(before), Some(_)) = (self.at_branch(app, &branch)?, self.commit(app, sha)?) else {
            let has_commit = self.commit(app, sha)?.is_some();
            return lacks(&if has_commit { format!("the branch {branch}") } else { "that commit".to_owned() });
        };
        let repository = self.repository(app).display().to_string();
        let done = Child::start(Start {
            what: format!("git:sync {app}"),
            program: self.program.clone(),
            args: ["git:sync", "--build", app, &repository, sha].map(str::to_owned).into(),
            env: self.settings.child_env.clone(),
            stdin: Input::Nothing,
            idle: self.settings.idle,
            interruptible: true,
        })
        .and_then(|mut deploy| deploy.finish());
        match done {
            Ok(()) => Ok(Redeployed::Done { branch }),
            Err(failure) => {
                // It moves the branch before it builds, and leaves it there.
                let back = self.put_back(app, &branch, &before, sha);
                let stays = back.map_or_else(
                    |e| format!("its branch {branch} could not be put back to {before}: {}", e.reason()),
                    |()| format!("its branch {branch} is at {before} as before"),
                );
                Err(failure.hint(stays).hint(by_hand))
            }
        }
    }
}

/// How a developer deploys the commit `sha`. An older one than what is there is pushed only by force.
pub fn push(app: &str, sha: &str, branch: Option<&str>) -> String {
    format!("git push --force dokku@HOST:{app} {sha}:refs/heads/{}", branch.unwrap_or("BRANCH"))
}
