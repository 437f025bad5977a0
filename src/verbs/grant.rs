//! `backups:grant`: give an SSH key rights. The first grant switches rights on.

use clap::Args;

use super::rules;
use crate::answers::RightsChanged;
use crate::dokku::key_names;
use crate::domain::{KeyName, Right, Rights, ServiceWord, count};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::select::service_of_grant;
use crate::rights;
use crate::ui::{Format, confirm};

/// `backups:grant`
#[derive(Debug, Args)]
pub struct GrantArgs {
    /// The key, by its name in ssh-keys:list.
    #[arg(value_name = "KEY-NAME")]
    pub key: KeyName,
    /// Rights: read, create, update, delete; several with commas between.
    #[arg(value_name = "RIGHT[,RIGHT]")]
    pub rights: Rights,
    /// The service; none means all services.
    pub service: Option<ServiceWord>,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// What `backups:help grant` says below the options.
pub fn help() -> String {
    format!(
        "Rights are off until the first grant. From then on a key may do only what is granted to it; root at this host's \
         shell and the scheduler are never narrowed. What each verb takes (+: Dokku must allow that command too):\n\n{}\n\n\
         With --force a file of rights that cannot be read is put aside, and this grant is the first of a new one.\n\n\
         Examples:\n  dokku backups:grant ci read,create my-db\n  dokku backups:grant alice read,create,update,delete",
        rules::table()
    )
}

/// Adds the grant.
pub fn run(context: &Context, args: &GrantArgs) -> Result<()> {
    let service = args.service.as_ref().map(|word| service_of_grant(context, word)).transpose()?;
    let wanted = &args.rights.0;
    context.root_only(service.as_ref(), wanted.iter().copied().collect(), format!("to {}", args.key))?;
    let settings = &context.settings;
    first_of_all(context, args)?;
    let ((new, readable), anew) = rights::change(&settings.config_root, settings.clock, settings.force, |policy| {
        let new = policy.grant(&args.key, wanted, service.as_ref());
        Ok((new, policy.holds(&args.key, Right::Read, service.as_ref())))
    })?;
    let on = service.as_ref().map_or_else(|| "all services".to_owned(), ToString::to_string);
    if anew {
        context.ui.warn("the rights there were could not be read and are put aside; this grant is the only one now");
    }
    if new.is_empty() {
        context.ui.step(&format!("{} has {} on {on} already", args.key, args.rights));
    } else {
        context.ui.step(&format!("Granting {} to {} on {on}", Rights(new.clone()), args.key));
    }
    if !readable {
        context.ui.warn(&format!("without backups.read there is nothing for {} on {on}", args.key));
    }
    if args.format == Format::Json {
        let (key, service) = (Some(args.key.as_str()), service.as_ref().map(|service| service.name.as_str()));
        context.ui.json(&RightsChanged { key, service, rights: new.into_iter().collect(), enabled: true })?;
    }
    Ok(())
}

/// The first grant locks out every other key. So the keys are named that it is about, and a person is asked.
fn first_of_all(context: &Context, args: &GrantArgs) -> Result<()> {
    let settings = &context.settings;
    let names = key_names(settings).filter(|names| !names.is_empty());
    if let Some(names) = names.as_ref().filter(|names| !names.contains(args.key.as_str()) && !settings.force) {
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        return Err(Failure::new(Kind::Refused, format!("Dokku knows no SSH key named {}", args.key))
            .hint(format!("there are: {}", known.join(", ")))
            .hint("for one that is added later: --force"));
    }
    // What cannot be read is no policy of nobody: it has locked everybody out already.
    let is_off = rights::look(&settings.config_root).is_ok_and(|policy| !policy.enabled);
    if !is_off {
        return Ok(());
    }
    context.ui.warn("rights are off; this grant switches them on: what is not granted to a key is denied to it");
    let others: Vec<String> = names.into_iter().flatten().filter(|name| name != args.key.as_str()).collect();
    if !others.is_empty() {
        let keys = others.join(", ");
        context.ui.warn(&format!(
            "from then on {} may do nothing with backups until that is granted: {keys}",
            count(others.len(), "key")
        ));
    }
    match (settings.force, settings.stdin_terminal) {
        (true, _) => Ok(()),
        (false, true) => confirm(context.ui, args.key.as_str()),
        (false, false) if others.is_empty() => Ok(()),
        // A script that only knows the one key would lock out all others.
        (false, false) => Err(Failure::new(Kind::Refused, "nobody can be asked whether that is meant")
            .remedy("when it is", format!("dokku --force backups:grant {} {}", args.key, args.rights))),
    }
}
