//! What `check` looks at once for the whole host: the data root, Dokku's way into the plugin, the scheduler.

use crate::catalogue::Root;
use crate::dokku::Dokku;
use crate::domain::{Finding, Level};
use crate::verbs::Context;

/// Everything worth saying about the host, the worst first.
pub fn host(context: &Context, dokku: &Dokku) -> Vec<Finding> {
    let mut findings: Vec<Finding> = data_root(context).into_iter().collect();
    for (path, lost) in dokku.broken_triggers() {
        let text = format!("{} is missing or cannot be run: {lost}", path.display());
        findings.push(Finding::new(Level::Failing, "trigger", text, "sudo dokku plugin:install"));
    }
    findings
}

fn data_root(context: &Context) -> Option<Finding> {
    let failure = Root::open(&context.settings.data_root).err()?;
    let remedy = failure.hints.join("; or ");
    Some(Finding::new(Level::Failing, "data-root", failure.reason(), remedy))
}
