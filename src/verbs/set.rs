//! `backups:set`: set or clear a property, in Dokku's property style.

use super::Context;
use super::args::SetArgs;
use super::steps::resolve;
use crate::dokku::Dokku;
use crate::error::{Failure, Kind, Result};
use crate::properties::{GLOBAL, Property, folder};

/// Sets a property of one service or of all.
pub fn run(context: &Context, args: &SetArgs) -> Result<()> {
    let (scope, name, rest) = scope(context, args)?;
    let (key, value) = match rest {
        [key] => (key, None),
        [key, value] => (key, Some(value.as_str()).filter(|value| !value.is_empty())),
        _ => {
            let keys: Vec<_> = Property::ALL.iter().map(|property| property.key()).collect();
            return Err(Failure::new(Kind::Usage, "say which property, and its value")
                .hint(format!("there are: {}", keys.join(", "))));
        }
    };
    let property = Property::parse(key)?;
    value.map_or(Ok(()), |value| property.check(value))?;
    context.properties().set(&scope, property.key(), value)?;
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
