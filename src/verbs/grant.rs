//! `backups:grant`: give an SSH key rights. The first grant switches rights on.

use clap::Args;

use super::rules;
use crate::domain::ServiceWord;
use crate::domain::{KeyName, Right, Rights};
use crate::error::Result;
use crate::operations::Context;
use crate::operations::select::service_of_grant;
use crate::rights;

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
    let ((was_on, new, readable), anew) =
        rights::change(&settings.config_root, settings.clock, settings.force, |policy| {
            let was_on = policy.enabled;
            let new = policy.grant(&args.key, wanted, service.as_ref());
            Ok((was_on, new, policy.holds(&args.key, Right::Read, service.as_ref())))
        })?;
    let on = service.as_ref().map_or_else(|| "all services".to_owned(), ToString::to_string);
    if anew {
        context.ui.warn("the rights there were could not be read and are put aside; this grant is the only one now");
    }
    if new.is_empty() {
        context.ui.step(&format!("{} has {} on {on} already", args.key, args.rights));
    } else {
        context.ui.step(&format!("Granting {} to {} on {on}", Rights(new), args.key));
    }
    if !was_on {
        context.ui.warn("rights are on from now on: what is not granted to a key is denied to it");
    }
    if !readable {
        context.ui.warn(&format!("without backups.read there is nothing for {} on {on}", args.key));
    }
    Ok(())
}
