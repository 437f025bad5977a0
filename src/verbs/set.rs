//! `backups:set`: set or clear a property, in Dokku's property style.

use clap::Args;

use super::Context;
use super::steps::resolve;
use crate::dokku::Dokku;
use crate::error::{Failure, Kind, Result};
use crate::properties::{self, GLOBAL, Property, folder};

/// `backups:set`
#[derive(Debug, Args)]
pub struct SetArgs {
    /// For every service that has no value of its own.
    #[arg(long)]
    pub global: bool,
    /// The service (unless --global), the property, and its value; without a value it is cleared.
    #[arg(value_name = "SERVICE KEY VALUE", num_args = 0..)]
    pub words: Vec<String>,
}

/// What `backups:help set` says below the options: every property, and examples.
pub fn help() -> String {
    let width = properties::ALL.iter().map(|property| property.key.len()).max().unwrap_or(0);
    let rows = properties::ALL.iter().map(|property| format!("  {:<width$}  {}", property.key, property.about));
    let examples = ["my-db gate off", "--global verify-memory 2g", "--global encrypt-to age1...", "my-db gate"];
    let examples = examples.iter().map(|words| format!("  dokku backups:set {words}"));
    let lines = ["Properties:".to_owned()].into_iter().chain(rows).chain([String::new(), "Examples:".to_owned()]);
    lines.chain(examples).collect::<Vec<_>>().join("\n")
}

/// Sets a property of one service or of all.
pub fn run(context: &Context, args: &SetArgs) -> Result<()> {
    let (scope, name, rest) = scope(context, args)?;
    let (key, value) = match rest {
        [key] => (key, None),
        // Over SSH the quotes around several words are gone.
        [key, values @ ..] => (key, Some(values.join(" ")).filter(|value| !value.is_empty())),
        _ => {
            return Err(Failure::new(Kind::Usage, "say which property, and its value")
                .hint(format!("there are: {}", Property::keys())));
        }
    };
    let property = Property::parse(key)?;
    if property.is_global() && !args.global {
        return Err(Failure::new(Kind::Usage, format!("{key} is set for the whole host"))
            .hint(format!("dokku backups:set --global {key} {}", value.as_deref().unwrap_or_default()).trim_end()));
    }
    let value = value.as_deref();
    value.map_or(Ok(()), |value| property.check(value))?;
    context.properties().set(&scope, property.key, value)?;
    match value {
        Some(value) => context.ui.step(&format!("Setting {key} of {name} to {value}")),
        None => context.ui.step(&format!("Unsetting {key} of {name}")),
    }
    Ok(())
}

/// Folder of the scope, its name for people, and the words behind it.
fn scope<'a>(context: &Context, args: &'a SetArgs) -> Result<(String, String, &'a [String])> {
    if args.global {
        return Ok((GLOBAL.to_owned(), "all services".to_owned(), &args.words));
    }
    let (service, rest) =
        args.words.split_first().ok_or_else(|| Failure::new(Kind::Usage, "say which service, or --global"))?;
    let word = service.parse().map_err(|e: String| Failure::new(Kind::Usage, e))?;
    let service = resolve(context, &Dokku::find(&context.settings)?, &word)?;
    Ok((folder(&service), service.to_string(), rest))
}
