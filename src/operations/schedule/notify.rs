//! Telling somebody far away how a scheduled backup, or a verification that came by itself, ended: a sign of life after success, a document after failure. Both
//! are bounded in time and neither ever changes a result; what went wrong with them is left for `check` to show.

use std::time::Duration;

use super::chat::body;
use crate::answers::{ErrorJson, Event, FailedBackup, FailedVerification, TriedAddress};
use crate::domain::{Backup, BackupId, Code, Finding, Level, Service};
use crate::error::{Failure, Remedy, Result};
use crate::operations::Context;
use crate::operations::addresses::reach;
use crate::properties::{HEARTBEAT_URL, NOTIFY_URL, Property, folder};
use crate::sys::http;
use crate::sys::reach::Reach;
use crate::ui::Answer;

/// The whole exchange with an address may take this long.
const LIMIT: Duration = Duration::from_secs(10);
/// Hidden values: why the last sign, and the last document, did not arrive.
const HEARTBEAT_FAILED: &str = "heartbeat-failed";
const NOTIFY_FAILED: &str = "notify-failed";

/// Tells how the backup of `service` that `schedules` asked for has ended.
pub fn notify(context: &Context, service: &Service, schedules: &[String], ended: Result<&Backup, &Failure>) {
    match ended {
        Ok(_) => tell(context, service, &HEARTBEAT_URL, |url, reach| http::ping(url, LIMIT, reach)),
        Err(failure) => {
            let text = format!("backup of {service} on {} failed: {}", context.settings.host_name, failure.reason());
            let document = FailedBackup {
                event: Event::BackupFailed,
                text: text.clone(),
                host: &context.settings.host_name,
                datastore: service.datastore,
                service: &service.name,
                schedules,
                failed_at: context.settings.clock.now(),
                error: ErrorJson::from(failure),
            };
            tell(context, service, &NOTIFY_URL, |url, reach| send(url, &document, &text, reach));
        }
    }
}

/// Tells that the backup `id`, verified by itself, is not `Restorable`.
pub fn notify_verification(context: &Context, service: &Service, id: &BackupId, failure: &Failure) {
    let host = &context.settings.host_name;
    let text = format!("verification of {service} on {host} failed: {}", failure.reason());
    let document = FailedVerification {
        event: Event::VerificationFailed,
        text: text.clone(),
        host,
        datastore: service.datastore,
        service: &service.name,
        id,
        failed_at: context.settings.clock.now(),
        error: ErrorJson::from(failure),
    };
    tell(context, service, &NOTIFY_URL, |url, reach| send(url, &document, &text, reach));
}

/// Sends to the address of `property`, where one is set, and keeps for `check` why it was not reached.
fn tell(context: &Context, service: &Service, property: &Property, send: impl FnOnce(&str, &Reach) -> Result<()>) {
    let now = context.settings.clock.now();
    let kept = if property.key == NOTIFY_URL.key { NOTIFY_FAILED } else { HEARTBEAT_FAILED };
    let told = with_address(context, service, property, send);
    let reason = told.err().map(|failure| format!("{}: {}", now.format("%Y-%m-%dT%H:%M:%SZ"), failure.reason()));
    if let Some(reason) = &reason {
        context.ui.warn(&format!("{service}: {} was not reached: {reason}", property.key));
    }
    if let Err(failure) = context.properties().set(&folder(service), kept, reason.as_deref()) {
        log::warn!("{}", failure.reason());
    }
}

fn send(url: &str, document: &impl Answer, text: &str, reach: &Reach) -> Result<()> {
    let parsed = url::Url::parse(url).ok();
    let host = parsed.as_ref().and_then(|url| url.host_str()).unwrap_or_default();
    http::post_json(url, body(host, document, text), LIMIT, reach)
}

/// Sends a document to `url`, which is about to be set as `notify-url` for `whom`, with this host allowed to ask what `reach`
/// says. Fails with the reason for which it did not arrive.
pub fn try_address(context: &Context, whom: &str, url: &str, reach: &Reach) -> Result<()> {
    let text = format!("{} tells this address when a scheduled backup of {whom} fails", context.settings.host_name);
    let document = TriedAddress {
        event: Event::Test,
        text: text.clone(),
        host: &context.settings.host_name,
        sent_at: context.settings.clock.now(),
    };
    send(url, &document, &text, reach)
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
            let remedy = Remedy::note(format!("dokku backups:set {service} {} URL", property.key));
            findings.push(Finding::new(Level::Warning, Code::NotificationFailed, text, remedy));
        }
    }
    Ok(findings)
}
