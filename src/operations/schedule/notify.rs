//! Telling somebody far away how a scheduled backup ended: a sign of life after success, a document after failure. Both
//! are bounded in time and neither ever changes a result; what went wrong with them is left for `check` to show.

use std::time::Duration;

use crate::answers::FailedBackup;
use crate::domain::{Backup, Finding, Level, Service};
use crate::error::{Failure, Result};
use crate::operations::Context;
use crate::operations::addresses::reach;
use crate::properties::{HEARTBEAT_URL, NOTIFY_URL, Property, folder};
use crate::sys::http;
use crate::sys::reach::Reach;
use crate::ui::ErrorJson;

/// The whole exchange with an address may take this long.
const LIMIT: Duration = Duration::from_secs(10);
/// Hidden values: why the last sign, and the last document, did not arrive.
const HEARTBEAT_FAILED: &str = "heartbeat-failed";
const NOTIFY_FAILED: &str = "notify-failed";

/// Tells how the backup of `service` that `schedules` asked for has ended.
pub fn notify(context: &Context, service: &Service, schedules: &[String], ended: Result<&Backup, &Failure>) {
    let now = context.settings.clock.now();
    let (property, kept, told) = match ended {
        Ok(_) => (
            &HEARTBEAT_URL,
            HEARTBEAT_FAILED,
            with_address(context, service, &HEARTBEAT_URL, |url, reach| http::ping(url, LIMIT, reach)),
        ),
        Err(failure) => {
            let document = FailedBackup {
                event: "backup-failed",
                datastore: service.datastore,
                service: &service.name,
                schedules,
                at: now,
                error: ErrorJson::from(failure),
            };
            let text = serde_json::to_string(&document).unwrap_or_default();
            let post = |url: &str, reach: &Reach| http::post_json(url, text, LIMIT, reach);
            (&NOTIFY_URL, NOTIFY_FAILED, with_address(context, service, &NOTIFY_URL, post))
        }
    };
    let reason = told.err().map(|failure| format!("{}: {}", now.format("%Y-%m-%dT%H:%M:%SZ"), failure.reason()));
    if let Some(reason) = &reason {
        context.ui.warn(&format!("{service}: {} was not reached: {reason}", property.key));
    }
    if let Err(failure) = context.properties().set(&folder(service), kept, reason.as_deref()) {
        log::warn!("{}", failure.reason());
    }
}

fn with_address(
    context: &Context,
    service: &Service,
    property: &Property,
    send: impl FnOnce(&str, &Reach) -> Result<()>,
) -> Result<()> {
    match context.properties().computed(service, property)?.as_str() {
        "" => Ok(()),
        url => send(url, &reach(context)?),
    }
}

/// What did not arrive the last time.
pub fn notification_failures(context: &Context, service: &Service) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (property, kept) in [(&HEARTBEAT_URL, HEARTBEAT_FAILED), (&NOTIFY_URL, NOTIFY_FAILED)] {
        let used = !context.properties().computed(service, property)?.is_empty();
        if let Some(why) = context.properties().get(&folder(service), kept)?.filter(|_| used) {
            let text = format!("the address of {} was not reached, {why}", property.key);
            let remedy = format!("dokku backups:set {service} {} URL", property.key);
            findings.push(Finding::new(Level::Warning, "notification-failed", text, remedy));
        }
    }
    Ok(findings)
}
