//! The app's repository on this host: the commits between two, and redeploying one.

use super::Dokku;
use crate::error::{Failure, Kind, Result};
use crate::sys::ask::ask;
use crate::sys::child::{Child, Start};
use crate::sys::feed::Input;

/// What redeploying came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redeployed {
    /// The app runs that commit.
    Already,
    /// The commit's files were deployed. Dokku commits them anew, so the app's own hash differs from the recorded one.
    Done,
}

/// Commits shown at most.
const SHOWN: &str = "20";

impl Dokku {
    /// Commits that `now` has and `then` has not, newest first, a line each; nothing where the host's repository does not
    /// have both.
    pub fn commits_between(&self, app: &str, then: &str, now: &str) -> Vec<String> {
        let is_commit = |word: &str| word.len() >= 4 && word.bytes().all(|c| c.is_ascii_hexdigit());
        let Some(git) = self.git().ok().filter(|_| is_commit(then) && is_commit(now)) else { return Vec::new() };
        let (repository, range) = (self.settings.apps_root.join(app).display().to_string(), format!("{then}..{now}"));
        let args =
            ["-C", &repository, "log", "--oneline", "--no-decorate", "-n", SHOWN, "--end-of-options", &range, "--"];
        match ask(&git, &args, &self.settings.child_env, super::SHORT, true) {
            Ok(answer) if answer.status.success() => answer.stdout.lines().map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    fn git(&self) -> Result<std::path::PathBuf> {
        which::which_in("git", Some(self.settings.path()), "/")
            .map_err(|e| Failure::new(Kind::Config, "git is missing").because(e))
    }

    /// Deploys the files of `sha` from the app's repository on this host with `git:from-archive`: the only way that
    /// needs neither the developer's machine nor a remote.
    pub fn redeploy(&self, app: &str, sha: &str) -> Result<Redeployed> {
        let same = |now: &str| now.starts_with(sha) || sha.starts_with(now);
        if self.app_code(app).0.git_sha.is_some_and(|now| same(&now)) {
            return Ok(Redeployed::Already);
        }
        let by_hand = format!("git push dokku@HOST:{app} {sha}:refs/heads/BRANCH");
        if !sha.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(Failure::new(Kind::Catalogue, "the recorded commit is no hash"));
        }
        // The archive goes through a file without a name: git's failure must be known before Dokku deploys a byte.
        let mut archive = tempfile::tempfile()?;
        let mut git = Child::start(Start {
            what: format!("git archive {sha}"),
            program: self.git()?,
            args: [
                "-C".to_owned(),
                self.settings.apps_root.join(app).display().to_string(),
                "archive".to_owned(),
                sha.to_owned(),
            ]
            .into(),
            env: self.settings.child_env.clone(),
            stdin: Input::Nothing,
            idle: self.settings.idle,
            interruptible: true,
        })?;
        std::io::copy(&mut git, &mut archive).map_err(|e| {
            Failure::from(e).hint("the host's repository does not have that commit").hint(by_hand.clone())
        })?;
        std::io::Seek::rewind(&mut archive)?;
        let mut deploy = Child::start(Start {
            what: format!("git:from-archive {app}"),
            program: self.program.clone(),
            args: ["git:from-archive", "--archive-type", "tar", app, "--"].map(str::to_owned).into(),
            env: self.settings.child_env.clone(),
            stdin: Input::File(archive),
            idle: self.settings.idle,
            interruptible: true,
        })?;
        deploy.finish().map_err(|failure| failure.hint(by_hand))?;
        Ok(Redeployed::Done)
    }
}
