//! The code a linked app runs: what `git:report` and `apps:report` say, and the app's repository on this host.
//!
//! `git:report --git-sha` is of no use: it is the repository's HEAD, and that stays on master whatever is deployed. Nor is
//! `GIT_REV`: it is set before a build and stays when the build fails.

use std::collections::BTreeMap;

use chrono::DateTime;

use super::Dokku;
use crate::domain::{AppCode, scrub};
use crate::error::{Failure, Kind, Result};
use crate::sys::child::failed;

/// `scheme://TOKEN@host`: what stands there alone is a secret more often than a name.
const HIDDEN: &str = "********";

impl Dokku {
    /// What is known of the code of `app`, and why the rest is not.
    pub fn app_code(&self, app: &str) -> (AppCode, Vec<String>) {
        let mut code = AppCode { app: app.to_owned(), ..AppCode::default() };
        let mut notes = Vec::new();
        let mut note = |failure: &Failure| notes.push(format!("{app}: {}", failure.reason()));
        match self.report("git:report", app) {
            Ok(report) => {
                code.deploy_branch =
                    get(&report, "git-", "computed-deploy-branch").or_else(|| get(&report, "git-", "deploy-branch"));
                let updated = get(&report, "git-", "last-updated-at").and_then(|t| t.parse::<i64>().ok());
                code.git_last_updated_at = updated.and_then(|t| DateTime::from_timestamp(t, 0));
            }
            Err(failure) => note(&failure),
        }
        match self.report("apps:report", app) {
            Ok(report) => {
                code.deploy_source = get(&report, "app-", "deploy-source");
                code.deploy_source_metadata = get(&report, "app-", "deploy-source-metadata").map(|text| hide(&text));
            }
            Err(failure) => note(&failure),
        }
        if let Err(failure) = self.find_commit(&mut code) {
            note(&failure);
        }
        if let (Some(runs), Some(other)) = (&code.git_sha, &code.branch_sha) {
            let branch = code.deploy_branch.as_deref().unwrap_or_default();
            notes.push(format!("{app}: Dokku deployed {runs}, but its branch {branch} is at {other}"));
        }
        (code, notes)
    }

    /// The commit that runs. A deployment that ended well leaves its commit in two places: Dokku notes it as the deploy
    /// source, and the deploy branch is at it. A push that was rejected changes neither. Where they differ (`git:sync`
    /// without a build or with one that failed, a push of a tag), what Dokku noted is what was built, and the branch's is
    /// recorded beside it.
    fn find_commit(&self, code: &mut AppCode) -> Result<()> {
        let noted = deployed(code.deploy_source.as_deref(), code.deploy_source_metadata.as_deref());
        code.git_sha = noted.map(str::to_owned);
        let Some(branch) = &code.deploy_branch else { return Ok(()) };
        let Some(at_branch) = self.at_branch(&code.app, branch)? else { return Ok(()) };
        let Some(noted) = noted.filter(|noted| *noted != at_branch) else {
            // Without a source the branch may hold what was fetched and never built.
            code.git_sha = Some(at_branch).filter(|_| code.deploy_source.is_some() || self.is_deployed(&code.app));
            return Ok(());
        };
        // The name of a tag that holds a message is not yet the commit.
        let noted = self.commit(&code.app, noted)?.unwrap_or_else(|| noted.to_owned());
        code.branch_sha = Some(at_branch).filter(|at_branch| *at_branch != noted);
        code.git_sha = Some(noted);
        Ok(())
    }

    fn is_deployed(&self, app: &str) -> bool {
        let answer = self.ask(&["ps:report", app, "--deployed"]);
        answer.is_ok_and(|answer| answer.status.success() && answer.stdout.trim() == "true")
    }

    fn report(&self, verb: &str, app: &str) -> Result<BTreeMap<String, String>> {
        let answer = self.ask(&[verb, app, "--format", "json"])?;
        if !answer.status.success() {
            return Err(failed(&format!("{verb} {app}"), answer.status, &answer.stderr));
        }
        serde_json::from_str(answer.stdout.trim())
            .map_err(|e| Failure::new(Kind::Child, format!("{verb} {app}: not understood")).because(e))
    }
}

/// The commit that Dokku noted when it had deployed it. An image or an archive is none: Dokku makes a commit of its own
/// of it, which is then at the deploy branch.
fn deployed<'a>(source: Option<&str>, metadata: Option<&'a str>) -> Option<&'a str> {
    let commit = match source? {
        "git-push" => metadata?,
        "git-sync" => metadata?.rsplit_once('#')?.1,
        _ => return None,
    };
    Some(commit).filter(|commit| is_hash(commit))
}

/// A whole hash: of 40 digits, or 64 in a repository of sha256.
pub(super) fn is_hash(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An address without the secrets that stand in it.
fn hide(text: &str) -> String {
    let clean = scrub(text);
    match clean.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => match rest.split_once('@') {
            Some((who, host)) if !who.contains([':', '/']) => format!("{scheme}://{HIDDEN}@{host}"),
            _ => clean,
        },
        _ => clean,
    }
}

/// A value of a report. Dokku has printed its keys with and without the report's prefix.
fn get(report: &BTreeMap<String, String>, prefix: &str, key: &str) -> Option<String> {
    let value = report.get(key).or_else(|| report.get(&format!("{prefix}{key}")))?;
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_201_what_dokku_noted_of_a_deployment() {
        let sha = "8bc88414c6a141d441f98719568d4ece20e9489f";
        let noted = |source, metadata: &str| deployed(Some(source), Some(metadata)).map(str::to_owned);
        assert_eq!(noted("git-push", sha).as_deref(), Some(sha));
        assert_eq!(noted("git-sync", &format!("https://example.org/a.git#{sha}")).as_deref(), Some(sha));
        for (source, metadata) in [
            ("git-sync", "https://example.org/a.git#"),
            ("git-sync", sha),
            ("git-push", "main"),
            ("docker-image", "example/image:1"),
            ("tar", sha),
        ] {
            assert_eq!(noted(source, metadata), None, "{source} {metadata}");
        }
        assert_eq!(deployed(None, Some(sha)), None);
    }

    #[test]
    fn an_address_is_recorded_without_its_secrets() {
        for (text, clean) in [
            ("https://ghp_abc@example.org/a.git#1", "https://********@example.org/a.git#1"),
            ("https://me:pass@example.org/a.git", "https://me:********@example.org/a.git"),
            ("https://example.org/@scope/a.git", "https://example.org/@scope/a.git"),
            ("git@example.org:a.git", "git@example.org:a.git"),
            ("ssh://git@example.org/a.git", "ssh://git@example.org/a.git"),
        ] {
            assert_eq!(hide(text), clean);
        }
    }
}
