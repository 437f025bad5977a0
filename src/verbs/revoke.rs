//! `backups:revoke`: take rights from an SSH key, or switch rights off.

use clap::Args;

use crate::answers::RightsChanged;
use crate::domain::{KeyName, Revoked, Rights, ServiceWord};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::select::service_of_grant;
use crate::rights;
use crate::ui::Format;

/// `backups:revoke`
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The key, by its name in ssh-keys:list.
    #[arg(value_name = "KEY-NAME", required_unless_present = "all")]
    pub key: Option<KeyName>,
    /// Rights: read, create, update, delete; several with commas between.
    #[arg(value_name = "RIGHT[,RIGHT]", required_unless_present = "all")]
    pub rights: Option<Rights>,
    /// The service; none means everywhere.
    pub service: Option<ServiceWord>,
    /// Take everything from every key, and switch rights off: keys may then do what Dokku allows.
    #[arg(long, conflicts_with_all = ["key", "rights", "service"])]
    pub all: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Takes the rights away; durable when it returns.
pub fn run(context: &Context, args: &RevokeArgs) -> Result<()> {
    let service = args.service.as_ref().map(|word| service_of_grant(context, word)).transpose()?;
    let (Some(key), Some(rights)) = (&args.key, &args.rights) else { return switch_off(context, args) };
    context.root_only(service.as_ref(), rights.0.iter().copied().collect(), format!("from {key}"))?;
    let settings = &context.settings;
    let on = service.as_ref().map_or_else(|| "any service".to_owned(), ToString::to_string);
    let ((taken, left), _) = rights::change(&settings.config_root, settings.clock, false, |policy| {
        match policy.revoke(key, &rights.0, service.as_ref()) {
            Revoked::Taken(taken) => Ok((taken, policy.clone())),
            Revoked::HeldForAll(held) => {
                let held = Rights(held);
                Err(Failure::new(Kind::Refused, format!("{key} has {held} on all services; one cannot be taken out"))
                    .hint(format!("revoke it everywhere first: dokku backups:revoke {key} RIGHT"))
                    .hint(format!("then grant what is to stay: dokku backups:grant {key} RIGHT SERVICE")))
            }
        }
    })?;
    if taken.is_empty() {
        context.ui.step(&format!("{key} has no {rights} on {on}"));
    } else {
        context.ui.step(&format!("Revoking {} from {key} on {on}", Rights(taken.clone())));
    }
    if left.enabled && left.grants.is_empty() {
        context.ui.warn("no grant is left: keys may do nothing; to switch rights off: dokku backups:revoke --all");
    }
    if args.format == Format::Json {
        let (key, service) = (Some(key.as_str()), service.as_ref().map(|service| service.name.as_str()));
        let rights = taken.into_iter().collect();
        context.ui.json(&RightsChanged { key, service, rights, enabled: left.enabled })?;
    }
    Ok(())
}

/// Only this opens the host to every key again: taking the last grant away never does by itself.
fn switch_off(context: &Context, args: &RevokeArgs) -> Result<()> {
    context.root_only(None, Vec::new(), "all, and rights off".to_owned())?;
    let settings = &context.settings;
    let (was_on, anew) = rights::change(&settings.config_root, settings.clock, settings.force, |policy| {
        Ok(std::mem::take(policy).enabled)
    })?;
    if anew {
        context.ui.warn("the rights there were could not be read and are put aside");
    }
    let text = if was_on || anew { "Rights are off: keys may do what Dokku allows" } else { "Rights were off already" };
    context.ui.step(text);
    if args.format == Format::Json {
        context.ui.json(&RightsChanged { key: None, service: None, rights: Vec::new(), enabled: false })?;
    }
    Ok(())
}
