//! `backups:set`: set or clear a property, in Dokku's property style.

use std::collections::BTreeMap;

use clap::Args;
use url::Url;

use crate::answers::{Changed, ServiceSettings};
use crate::dokku::Dokku;
use crate::domain::{Destination, Service, Who};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::health::settings;
use crate::operations::offsite::{has_own_key, other_hosts, place, probe_name, shared};
use crate::operations::schedule::try_address;
use crate::operations::select::resolve;
use crate::properties::{
    self, DESTINATION, DUMP, ENCRYPT, ENCRYPT_TO, GLOBAL, GRANTS, IDENTITY_FILE, NOTIFY_URL, PRIVATE_ADDRESSES,
    Property, RETENTION, STORAGE, folder,
};
use crate::store;
use crate::sys::reach::Reach;
use crate::sys::secret;
use crate::ui::Format;

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
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

impl SetArgs {
    /// Whether the one property that it names is such a one.
    pub fn is_about(&self, such: impl Fn(&Property) -> bool) -> bool {
        self.key().is_some_and(|key| Property::parse(key).is_ok_and(such))
    }

    /// Whether what is to be set comes as a list on stdin.
    pub fn is_a_list(&self) -> bool {
        self.key() == Some("-")
    }

    fn key(&self) -> Option<&str> {
        self.words.get(usize::from(!self.global)).map(String::as_str)
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
        "--global destination file:///mnt/backup",
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
            return Err(
                Failure::new(Kind::Usage, "no property was named").hint(format!("there are: {}", Property::keys()))
            );
        }
        [dash] if dash == "-" => listed(&secret::stdin()?)?,
        // Over SSH the quotes around several words are gone.
        [key, values @ ..] => vec![typed(&scope, key, Some(values.join(" ")).filter(|value| !value.is_empty()))?],
    };
    for (property, value) in &changes {
        if property.is_global() && !args.global {
            let text = format!("{} is set for the whole host", property.key);
            return Err(Failure::new(Kind::Usage, text).command(format!("dokku backups:set --global {}", property.key)));
        }
        value.as_deref().map_or(Ok(()), |value| property.check(value))?;
    }
    let new = New { context, scope: &scope, changes: &changes };
    new.may_be_set()?;
    new.stays_within_reach()?;
    if changes.iter().any(|(property, _)| property.is_about_destination()) {
        new.try_destination()?;
    }
    new.try_notices()?;
    for (property, value) in &changes {
        context.properties().set(&scope.folder, property.key, value.as_deref())?;
        let (key, name) = (property.key, &scope.name);
        context.ui.head(&match value {
            Some(value) => format!("Setting {key} of {name} to {}", property.shown(value)),
            None => format!("Unsetting {key} of {name}"),
        });
    }
    if args.format == Format::Json {
        let (service, properties) =
            (scope.service.as_ref(), changes.iter().map(|(property, _)| property.key).collect());
        let settings = ServiceSettings(settings(context, service)?);
        let service = service.map(|service| service.name.as_str());
        context.ui.json(&Changed { service, properties, settings })?;
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

/// What would hold after the changes.
struct New<'a> {
    context: &'a Context,
    scope: &'a Scope<'a>,
    changes: &'a [Change],
}

impl New<'_> {
    /// What would be set in `folder`, if that is the one that changes or not.
    fn set_in(&self, folder: &str, property: &Property) -> Result<Option<String>> {
        let change = self.changes.iter().rev().find(|(changed, _)| changed.key == property.key);
        match change.filter(|_| folder == self.scope.folder) {
            Some((_, value)) => Ok(value.clone()),
            None => self.context.properties().get(folder, property.key),
        }
    }

    /// The value that would hold.
    fn value(&self, property: &Property) -> Result<String> {
        let own = if property.is_global() { None } else { self.set_in(&self.scope.folder, property)? };
        let set = own.map_or_else(|| self.set_in(GLOBAL, property), |own| Ok(Some(own)))?;
        Ok(set.unwrap_or_else(|| property.default.to_owned()))
    }

    /// The value that holds now.
    fn value_before(&self, property: &Property) -> Result<String> {
        New { changes: &[], ..*self }.value(property)
    }

    /// What not everybody may set who may set something.
    fn may_be_set(&self) -> Result<()> {
        let changes = |property: &Property| self.changes.iter().any(|(changed, _)| changed.key == property.key);
        if changes(&PRIVATE_ADDRESSES) && matches!(self.context.settings.who, Who::Key { .. }) {
            let key = PRIVATE_ADDRESSES.key;
            return Err(Failure::new(
                Kind::Refused,
                format!("{key} is not set over SSH: it opens this host's networks"),
            )
            .hint(format!("at a shell of this host: sudo dokku backups:set --global {key} ...")));
        }
        let set = self.changes.iter().rev().find(|(changed, _)| changed.key == DESTINATION.key);
        let place = set.and_then(|(_, value)| value.as_deref()?.parse::<Destination>().ok());
        if let Some(place) = place.filter(|place| place.scheme().is_of_this_host())
            && matches!(self.context.settings.who, Who::Key { .. })
        {
            let text = format!("{place} is not set over SSH: it makes this host write into a folder of its own");
            let word = &self.scope.word;
            return Err(Failure::new(Kind::Refused, text)
                .remedy("at a shell of this host", format!("sudo dokku backups:set {word} destination {place}")));
        }
        if [&DUMP, &GRANTS].into_iter().any(changes) {
            self.grants_are_dumped()?;
        }
        if [&STORAGE, &ENCRYPT, &ENCRYPT_TO, &IDENTITY_FILE].into_iter().any(changes) {
            self.differences_can_be_read()?;
        }
        if changes(&RETENTION) && is_shorter(&self.value_before(&RETENTION)?, &self.value(&RETENTION)?) {
            self.context.permit_further(self.scope.service.as_ref())?;
        }
        Ok(())
    }

    /// The plugin's export leaves owners and privileges out.
    fn grants_are_dumped(&self) -> Result<()> {
        if self.value(&GRANTS)? != "on" || self.value(&DUMP)? == "direct" {
            return Ok(());
        }
        let word = &self.scope.word;
        Err(Failure::new(
            Kind::Config,
            "grants on needs dump direct: the plugin's export leaves owners and privileges out",
        )
        .remedy("set it first", format!("dokku backups:set {word} dump direct")))
    }

    /// Differences from something that this host cannot read are not made.
    fn differences_can_be_read(&self) -> Result<()> {
        let encrypted = !self.value(&ENCRYPT_TO)?.is_empty() && self.value(&ENCRYPT)? != "off-site";
        if self.value(&STORAGE)? != "delta" || !encrypted || !self.value(&IDENTITY_FILE)?.is_empty() {
            return Ok(());
        }
        let word = &self.scope.word;
        Err(Failure::new(Kind::Config, "storage delta with encryption on this host needs an identity-file")
            .because("a difference can only be told from a backup that can be opened")
            .remedy("set it first", format!("dokku backups:set {word} identity-file FILE"))
            .remedy("or encrypt the copies alone", format!("dokku backups:set {word} encrypt off-site")))
    }

    /// Addresses that this host must not be sent to are not even saved.
    fn stays_within_reach(&self) -> Result<()> {
        let reach = Reach::new(self.value(&PRIVATE_ADDRESSES)?.parse().unwrap_or_default());
        for (property, value) in self.changes.iter().filter(|(property, _)| property.is_address()) {
            if let Some(url) = value.as_deref().and_then(|value| Url::parse(value).ok()) {
                reach.check_now(&url).map_err(|failure| {
                    let told = Failure::new(failure.kind, format!("{} cannot be that", property.key));
                    failure.remedies.iter().cloned().fold(told.because(failure.reason()), Failure::hint)
                })?;
            }
        }
        Ok(())
    }

    /// A notice is sent to each new address for them. One that does not take it is saved all the same: what listens there may
    /// come later, and nobody's list of settings fails for it.
    fn try_notices(&self) -> Result<()> {
        let reach = Reach::new(self.value(&PRIVATE_ADDRESSES)?.parse().unwrap_or_default());
        let is_new = |(property, _): &&Change| property.key == NOTIFY_URL.key;
        for url in self.changes.iter().filter(is_new).filter_map(|(_, value)| value.as_deref()) {
            match try_address(self.context, &self.scope.name, url, &reach) {
                Ok(()) => self.context.ui.detail("a test notice was taken there"),
                Err(failure) => {
                    let text = format!("a test notice did not arrive: {}; it is set all the same", failure.reason());
                    self.context.ui.warn(&text);
                }
            }
        }
        Ok(())
    }

    /// Whether somebody chooses `destination` that nothing on this host uses yet. One that was chosen before is not made
    /// anew: where its disk is away, what is there now is only a mount point.
    fn is_new_destination(&self, destination: &str) -> Result<bool> {
        let chosen = self.changes.iter().any(|(changed, value)| changed.key == DESTINATION.key && value.is_some());
        let properties = self.context.properties();
        let mut used = properties.every(DESTINATION.key)?.into_iter().map(|(_, value)| value).collect::<Vec<_>>();
        used.extend(properties.get(GLOBAL, DESTINATION.key)?);
        let is_it = |value: &String| value.parse::<Destination>().is_ok_and(|used| used.to_string() == destination);
        Ok(chosen && !used.iter().any(is_it))
    }

    /// A destination is saved only when it works: as it would be with these changes. One that is not set yet waits.
    fn try_destination(&self) -> Result<()> {
        let (context, word) = (self.context, &self.scope.word);
        let takes_a_key = |value: String| value.parse().map_or(true, |to: Destination| to.scheme().takes_a_key());
        if self.scope.folder != GLOBAL && takes_a_key(self.value(&DESTINATION)?) {
            let own = |property: &Property| self.set_in(&self.scope.folder, property);
            has_own_key(word, &own, &|property: &Property| self.set_in(GLOBAL, property))?;
        }
        let Some(place) = place(context, word, &|property| self.value(property))? else { return Ok(()) };
        let shown = place.destination.to_string();
        let is_new = self.is_new_destination(&shown)?;
        context.ui.step(&format!("Trying {shown}"));
        let settings = &context.settings;
        let tried = store::open(place).and_then(|store| {
            if is_new {
                store.prepare(&[&settings.lib_root, &settings.apps_root])?;
            }
            let mut cautions = store.probe(&probe_name(context)?)?;
            let others = if is_new { other_hosts(context, store.as_ref())? } else { BTreeMap::new() };
            cautions.extend(store.caution(&settings.data_root));
            Ok((cautions, others))
        });
        let (cautions, others) = tried.map_err(|failure| {
            let kind = if failure.kind == Kind::Refused { Kind::Refused } else { Kind::Config };
            let told = Failure::new(kind, format!("{shown} does not work; nothing was changed"));
            let told = failure.remedies.iter().cloned().fold(told.because(failure.reason()), Failure::hint);
            if self.changes.iter().any(|(changed, _)| changed.key == DESTINATION.key) {
                return told;
            }
            told.remedy("to change several of them, first", format!("dokku backups:set {word} destination none"))
        })?;
        cautions.iter().chain(&shared(&shown, &others)).for_each(|text| context.ui.warn(text));
        Ok(())
    }
}

/// Whether `after` lets backups go earlier than `before`; anything that is no number of days lets them stay.
fn is_shorter(before: &str, after: &str) -> bool {
    let days = |value: &str| value.parse::<u32>().ok();
    days(after).is_some_and(|after| days(before).is_none_or(|before| after < before))
}

/// What is to be set, and for whom.
struct Scope<'a> {
    /// Folder of its values.
    folder: String,
    /// For people.
    name: String,
    /// What is typed for it.
    word: String,
    /// The one service; none for all.
    service: Option<Service>,
    /// The words behind it.
    rest: &'a [String],
}

/// For whom, and the words behind that.
fn scope<'a>(context: &Context, args: &'a SetArgs) -> Result<Scope<'a>> {
    if args.global {
        context.permit_global()?;
        let (folder, name, word) = (GLOBAL.to_owned(), "all services".to_owned(), GLOBAL.to_owned());
        return Ok(Scope { folder, name, word, service: None, rest: &args.words });
    }
    let (service, rest) =
        args.words.split_first().ok_or_else(|| Failure::new(Kind::Usage, "say which service, or --global"))?;
    let word = service.parse().map_err(|e: String| Failure::new(Kind::Usage, e))?;
    let service = resolve(context, &Dokku::find(&context.settings)?, &word)?;
    let (name, word) = (service.to_string(), service.to_string());
    Ok(Scope { folder: folder(&service), name, word, service: Some(service), rest })
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
