//! `backups:set`: set or clear a property, in Dokku's property style.

use clap::Args;

use super::Context;
use super::steps::{place, probe_name, resolve};
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
    /// The service (unless --global), the property, and its value; without a value it is cleared. A single - takes a list
    /// from stdin: KEY VALUE, one a line.
    #[arg(value_name = "SERVICE KEY VALUE", num_args = 0..)]
    pub words: Vec<String>,
}

impl SetArgs {
    /// Whether it is about where copies go: they are copies of the data.
    pub fn is_about_destination(&self) -> bool {
        let key = self.words.get(usize::from(!self.global));
        // A list on stdin may be about anything.
        key.is_some_and(|key| key == "-" || Property::parse(key).is_ok_and(Property::is_about_destination))
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
        "--global - < destination.conf",
    ];
    let examples = examples.iter().map(|words| format!("  dokku backups:set {words}"));
    let lines = ["Properties:".to_owned()].into_iter().chain(rows).chain([String::new(), "Examples:".to_owned()]);
    lines.chain(examples).collect::<Vec<_>>().join("\n")
}

/// What is to be changed: a property, and its new value or none.
type Change = (&'static Property, Option<String>);

/// Sets properties of one service or of all. Everything is looked at before anything is saved.
pub fn run(context: &Context, args: &SetArgs) -> Result<()> {
    let scope = scope(context, args)?;
    let changes = match scope.rest {
        [] => {
            return Err(Failure::new(Kind::Usage, "say which property, and its value")
                .hint(format!("there are: {}", Property::keys())));
        }
        [dash] if dash == "-" => listed(&secret::stdin()?)?,
        // Over SSH the quotes around several words are gone.
        [key, values @ ..] => vec![typed(&scope, key, Some(values.join(" ")).filter(|value| !value.is_empty()))?],
    };
    for (property, value) in &changes {
        if property.is_global() && !args.global {
            let text = format!("{} is set for the whole host", property.key);
            return Err(Failure::new(Kind::Usage, text).hint(format!("dokku backups:set --global {}", property.key)));
        }
        value.as_deref().map_or(Ok(()), |value| property.check(value))?;
    }
    if changes.iter().any(|(property, _)| property.is_about_destination()) {
        try_destination(context, &scope, &changes)?;
    }
    for (property, value) in &changes {
        context.properties().set(&scope.folder, property.key, value.as_deref())?;
        let (key, name) = (property.key, &scope.name);
        context.ui.step(&match value {
            Some(value) => format!("Setting {key} of {name} to {}", property.shown(value)),
            None => format!("Unsetting {key} of {name}"),
        });
    }
    Ok(())
}

/// The one change that stands on the line.
fn typed(scope: &Scope, key: &str, word: Option<String>) -> Result<Change> {
    let property = Property::parse(key)?;
    let value = match word.as_deref() {
        Some("-") => Some(first_line(property.key)?),
        // It stands in the list of processes and in the shell's history by now.
        Some(_) if property.is_secret() => {
            return Err(Failure::new(Kind::Usage, format!("{key} is not taken from the command line"))
                .hint(format!("give it on stdin: dokku backups:set {} {key} - < FILE", scope.word))
                .hint("what was typed here can be seen by others: make a new key"));
        }
        _ => word,
    };
    Ok((property, value))
}

/// Changes as a list, one a line: KEY VALUE. What one keeps elsewhere to set up a new host in one go.
fn listed(text: &str) -> Result<Vec<Change>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let change = |line: &str| {
        let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        Ok((Property::parse(key)?, Some(value.trim().to_owned()).filter(|value| !value.is_empty())))
    };
    let changes: Vec<Change> = lines.map(change).collect::<Result<_>>()?;
    if changes.is_empty() {
        return Err(Failure::new(Kind::Usage, "nothing came on stdin").hint("one property a line: KEY VALUE"));
    }
    Ok(changes)
}

/// A destination is saved only when it works: as it would be with these changes. One that is not set yet waits.
fn try_destination(context: &Context, scope: &Scope, changes: &[Change]) -> Result<()> {
    let properties = context.properties();
    let would_be = |property: &Property| {
        let set = match changes.iter().find(|(changed, _)| changed.key == property.key) {
            Some((_, value)) => value.clone(),
            None => properties.get(&scope.folder, property.key)?,
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
    let tried = Store::open(place)?.probe(&probe_name(context));
    tried.map_err(|failure| {
        let told = Failure::new(Kind::Config, format!("{bucket} does not work; nothing was changed"))
            .because(failure.reason());
        let told = failure.hints.into_iter().fold(told, Failure::hint);
        if changes.iter().any(|(changed, _)| changed.key == DESTINATION.key) {
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
