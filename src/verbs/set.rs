//! `backups:set`: set or clear a property, in Dokku's property style.

use clap::Args;

use super::Context;
use super::steps::{place, resolve};
use crate::destination::Store;
use crate::dokku::Dokku;
use crate::error::{Failure, Kind, Result};
use crate::properties::{self, DESTINATION, GLOBAL, Property, folder};
use crate::sys::secret;

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

impl SetArgs {
    /// Whether it is about where copies go: they are copies of the data.
    pub fn is_about_destination(&self) -> bool {
        let key = self.words.get(usize::from(!self.global));
        key.is_some_and(|key| Property::parse(key).is_ok_and(Property::is_about_destination))
    }
}

/// What `backups:help set` says below the options: every property, and examples.
pub fn help() -> String {
    let width = properties::ALL.iter().map(|property| property.key.len()).max().unwrap_or(0);
    let rows = properties::ALL.iter().map(|property| format!("  {:<width$}  {}", property.key, property.about));
    let examples = [
        "my-db gate off",
        "--global verify-memory 2g",
        "--global encrypt-to age1...",
        "my-db gate",
        "--global destination-secret - < secret",
        "--global destination s3://bucket/prefix",
    ];
    let examples = examples.iter().map(|words| format!("  dokku backups:set {words}"));
    let lines = ["Properties:".to_owned()].into_iter().chain(rows).chain([String::new(), "Examples:".to_owned()]);
    lines.chain(examples).collect::<Vec<_>>().join("\n")
}

/// Sets a property of one service or of all.
pub fn run(context: &Context, args: &SetArgs) -> Result<()> {
    let scope = scope(context, args)?;
    let (key, word) = match scope.rest {
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
        return Err(Failure::new(Kind::Usage, format!("{key} is set for the whole host")).hint(
            format!(
                "dokku backups:set --global {key} {}",
                word.as_deref().filter(|_| !property.is_secret()).unwrap_or_default()
            )
            .trim_end(),
        ));
    }
    let value = match word.as_deref() {
        Some("-") => Some(first_line(property.key)?),
        // It stands in the list of processes and in the shell's history by now.
        Some(_) if property.is_secret() => {
            return Err(Failure::new(Kind::Usage, format!("{key} is not taken from the command line"))
                .hint(format!("give it on stdin: dokku backups:set {} {key} - < FILE", scope.word))
                .hint("what was typed here can be seen by others: make a new key"));
        }
        word => word.map(str::to_owned),
    };
    value.as_deref().map_or(Ok(()), |value| property.check(value))?;
    if property.is_about_destination() {
        try_destination(context, &scope, property, value.as_deref())?;
    }
    context.properties().set(&scope.folder, property.key, value.as_deref())?;
    match value {
        Some(value) => context.ui.step(&format!("Setting {key} of {} to {}", scope.name, property.shown(&value))),
        None => context.ui.step(&format!("Unsetting {key} of {}", scope.name)),
    }
    Ok(())
}

/// A destination is saved only when it works: as it would be with this value. One that is not set yet waits.
fn try_destination(context: &Context, scope: &Scope, changed: &Property, value: Option<&str>) -> Result<()> {
    let properties = context.properties();
    let would_be = |property: &Property| {
        let set = match value {
            Some(value) if property.key == changed.key => return Ok(value.to_owned()),
            None if property.key == changed.key => None,
            _ => properties.get(&scope.folder, property.key)?,
        };
        let set = match set {
            None if scope.folder != GLOBAL => properties.get(GLOBAL, property.key)?,
            set => set,
        };
        Ok(set.unwrap_or_else(|| property.default.to_owned()))
    };
    let Some(place) = place(context, &scope.word, &would_be)? else { return Ok(()) };
    let bucket = place.bucket.to_string();
    context.ui.step(&format!("Trying {bucket}"));
    let now = context.settings.clock.now().timestamp_millis();
    let tried = Store::open(place)?.probe(&format!(".dokku-backups-test-{now}-{}", std::process::id()));
    tried.map_err(|failure| {
        let told = Failure::new(Kind::Config, format!("{bucket} does not work; nothing was changed"))
            .because(failure.reason());
        let told = failure.hints.into_iter().fold(told, Failure::hint);
        if changed.key == DESTINATION.key {
            return told;
        }
        told.hint(format!("to change several of them, first: dokku backups:set {} destination none", scope.word))
    })
}

/// What is to be set, and for whom.
struct Scope<'a> {
    /// Folder of its values.
    folder: String,
    /// For people.
    name: String,
    /// What is typed for it.
    word: String,
    /// The words behind it.
    rest: &'a [String],
}

/// For whom, and the words behind that.
fn scope<'a>(context: &Context, args: &'a SetArgs) -> Result<Scope<'a>> {
    if args.global {
        context.permit_global()?;
        let (folder, name, word) = (GLOBAL.to_owned(), "all services".to_owned(), GLOBAL.to_owned());
        return Ok(Scope { folder, name, word, rest: &args.words });
    }
    let (service, rest) =
        args.words.split_first().ok_or_else(|| Failure::new(Kind::Usage, "say which service, or --global"))?;
    let word = service.parse().map_err(|e: String| Failure::new(Kind::Usage, e))?;
    let service = resolve(context, &Dokku::find(&context.settings)?, &word)?;
    Ok(Scope { folder: folder(&service), name: service.to_string(), word: service.to_string(), rest })
}

/// What came on stdin for `key`: its first line. For what must not stand on a command line.
fn first_line(key: &str) -> Result<String> {
    let text = secret::stdin()?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Failure::new(Kind::Usage, format!("nothing came on stdin for {key}")));
    }
    Ok(line.to_owned())
}
