//! The code a linked app is running: `git:report` and `apps:report`.

use std::collections::BTreeMap;

use chrono::DateTime;

use super::Dokku;
use crate::domain::AppCode;
use crate::error::{Failure, Result};
use crate::sys::child::failed;

impl Dokku {
    /// What is known of the code of `app`, and why the rest is not.
    pub fn app_code(&self, app: &str) -> (AppCode, Vec<String>) {
        let mut code = AppCode { app: app.to_owned(), ..AppCode::default() };
        let mut notes = Vec::new();
        match self.report("git:report", app) {
            Ok(report) => {
                // An app that was never deployed answers with the word HEAD (contract 1.4).
                code.git_sha = get(&report, "git-", "sha").filter(|sha| sha != "HEAD");
                code.deploy_branch =
                    get(&report, "git-", "deploy-branch").or_else(|| get(&report, "git-", "computed-deploy-branch"));
                let updated = get(&report, "git-", "last-updated-at").and_then(|t| t.parse::<i64>().ok());
                code.git_last_updated_at = updated.and_then(|t| DateTime::from_timestamp(t, 0));
            }
            Err(failure) => notes.push(format!("{app}: {}", failure.reason())),
        }
        match self.report("apps:report", app) {
            Ok(report) => {
                code.deploy_source = get(&report, "app-", "deploy-source");
                code.deploy_source_metadata = get(&report, "app-", "deploy-source-metadata");
            }
            Err(failure) => notes.push(format!("{app}: {}", failure.reason())),
        }
        (code, notes)
    }

    fn report(&self, verb: &str, app: &str) -> Result<BTreeMap<String, String>> {
        let answer = self.ask(&[verb, app, "--format", "json"])?;
        if !answer.status.success() {
            return Err(failed(&format!("{verb} {app}"), answer.status, &answer.stderr));
        }
        serde_json::from_str(answer.stdout.trim())
            .map_err(|e| Failure::new(crate::error::Kind::Child, format!("{verb} {app}: not understood")).because(e))
    }
}

/// A value of a report. Dokku has printed its keys with and without the report's prefix.
fn get(report: &BTreeMap<String, String>, prefix: &str, key: &str) -> Option<String> {
    let value = report.get(key).or_else(|| report.get(&format!("{prefix}{key}")))?;
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}
