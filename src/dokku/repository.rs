//! The app's repository on this host: which commits it has, and where its branches are.

use std::path::PathBuf;

use super::Dokku;
use crate::error::{Failure, Kind, Result};
use crate::sys::capture::{Answer, capture};
use crate::sys::child::failed;

/// Commits shown at most.
const SHOWN: &str = "20";

impl Dokku {
    /// Commits that `now` has and `then` has not, newest first, a line each; nothing where the host's repository does not
    /// have both.
    pub fn commits_between(&self, app: &str, then: &str, now: &str) -> Vec<String> {
        // They come out of records; git would take other words for options.
        let is_commit = |word: &str| word.len() >= 4 && word.bytes().all(|c| c.is_ascii_hexdigit());
        if !is_commit(then) || !is_commit(now) {
            return Vec::new();
        }
        let range = format!("{then}..{now}");
        match self.git(app, &["log", "--oneline", "--no-decorate", "-n", SHOWN, "--end-of-options", &range, "--"]) {
            Ok(answer) if answer.status.success() => answer.stdout.lines().map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// The commit that the branch is at, if there is such a branch.
    pub(super) fn at_branch(&self, app: &str, branch: &str) -> Result<Option<String>> {
        // A name with these is none, and git would compute with them.
        if branch.contains(['~', '^', ':', '?', '*', '[', '\\', '{', ' ']) || branch.contains("..") {
            return Err(Failure::new(Kind::Child, format!("{branch} cannot be the name of a branch")));
        }
        self.commit(app, &format!("refs/heads/{branch}"))
    }

    /// The commit that `name` leads to, a hash or a full name of a ref: neither can be taken for an option.
    pub(super) fn commit(&self, app: &str, name: &str) -> Result<Option<String>> {
        let answer = self.git(app, &["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")])?;
        let sha = answer.stdout.trim();
        match answer.status.code() {
            Some(0) if super::app::is_hash(sha) => Ok(Some(sha.to_owned())),
            Some(1) => Ok(None),
            // An app whose folder holds no repository.
            Some(128) if answer.stderr.contains("not a git repository") => Ok(None),
            _ => Err(failed(&format!("git rev-parse {name}"), answer.status, &answer.stderr)),
        }
    }

    /// Puts a branch that is at `from` back to `to`; one that has moved on stays.
    pub(super) fn put_back(&self, app: &str, branch: &str, to: &str, from: &str) -> Result<()> {
        // Also after the signal that ended the deployment.
        let answer = self.run_git(app, &["update-ref", &format!("refs/heads/{branch}"), to, from], false)?;
        if answer.status.success() {
            return Ok(());
        }
        Err(failed(&format!("git update-ref {branch}"), answer.status, &answer.stderr))
    }

    /// Where the app's repository is.
    pub(super) fn repository(&self, app: &str) -> PathBuf {
        self.settings.apps_root.join(app)
    }

    fn git(&self, app: &str, args: &[&str]) -> Result<Answer> {
        self.run_git(app, args, true)
    }

    fn run_git(&self, app: &str, args: &[&str], interruptible: bool) -> Result<Answer> {
        let git = which::which_in("git", Some(self.settings.path()), "/")
            .map_err(|e| Failure::new(Kind::Config, "git is missing").because(e))?;
        let repository = self.repository(app).display().to_string();
        let words: Vec<&str> = ["--git-dir", &repository].into_iter().chain(args.iter().copied()).collect();
        capture(&git, &words, &self.settings.child_env, super::SHORT, interruptible)
    }
}
