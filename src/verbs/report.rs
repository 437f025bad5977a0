//! `backups:report`: what is set, and what holds.

use clap::Args;

use serde_json::{Map, Value, json};

use super::Context;
use super::steps::{all_known, resolve};
use super::words::ServiceArg;
use crate::dokku::Dokku;
use crate::domain::{Grant, Service, Who};
use crate::error::Result;
use crate::properties::{self, GLOBAL, folder};
use crate::ui::Format;

/// `backups:report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Only this service.
    #[arg(conflicts_with = "global")]
    pub service: Option<ServiceArg>,
    /// What is set for every service.
    #[arg(long)]
    pub global: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Reports one service, all of them, or what is set for all.
pub fn run(context: &Context, args: &ReportArgs) -> Result<()> {
    let dokku = Dokku::find(&context.settings)?;
    let mut reports = Vec::new();
    if args.global {
        context.permit_global()?;
        reports.push(("global".to_owned(), global(context)?));
    } else {
        let services = match &args.service {
            Some(word) => vec![resolve(context, &dokku, word)?],
            None => all_known(context, &dokku)?,
        };
        for service in services {
            reports.push((service.to_string(), one(context, &service)?));
        }
    }
    match args.format {
        Format::Json if args.service.is_some() || args.global => {
            let object = reports.into_iter().next().map(|(_, object)| object).unwrap_or_default();
            context.ui.json(&object)?;
        }
        Format::Json => {
            let objects: Map<String, Value> =
                reports.into_iter().map(|(name, object)| (name, Value::Object(object))).collect();
            context.ui.json(&objects)?;
        }
        Format::Stdout => {
            for (name, object) in &reports {
                context.ui.data(&table(name, object))?;
            }
        }
    }
    Ok(())
}

fn global(context: &Context) -> Result<Map<String, Value>> {
    let mut object = Map::new();
    for property in properties::ALL {
        let value = context.properties().get(GLOBAL, property.key)?;
        object.insert(format!("global-{}", property.key), property.shown(&value.unwrap_or_default()).into());
    }
    object.insert("rights".to_owned(), context.access.state().into());
    object.insert("grants".to_owned(), grants(context, None));
    Ok(object)
}

/// The grants that count for `service`, or all there are. Other keys' grants are nobody's business but the host's.
fn grants(context: &Context, service: Option<&Service>) -> Value {
    let counts = |grant: &&Grant| service.is_none() || grant.service.is_none() || grant.service.as_ref() == service;
    let shown = |grant: &&Grant| match &context.settings.who {
        Who::Key { name, .. } => grant.key.as_str() == name,
        _ => true,
    };
    let grants = context.access.policy().grants.iter().filter(counts).filter(shown);
    let object = |grant: &Grant| json!({ "key": grant.key, "service": grant.service.as_ref().map(Service::full_name), "rights": grant.rights });
    grants.map(object).collect()
}

/// Per property: what holds, what is set for all, what is set for the service; Dokku's three lines.
fn one(context: &Context, service: &Service) -> Result<Map<String, Value>> {
    let properties = context.properties();
    let mut object = global(context)?;
    for property in properties::ALL {
        let key = property.key;
        let own = properties.get(&folder(service), key)?.unwrap_or_default();
        object.insert(format!("computed-{key}"), property.shown(&properties.computed(service, property)?).into());
        object.insert(key.to_owned(), property.shown(&own).into());
    }
    object.insert("grants".to_owned(), grants(context, Some(service)));
    Ok(object)
}

fn table(name: &str, object: &Map<String, Value>) -> String {
    let mut text = format!("=====> {name} backups information");
    for (key, value) in object {
        let label = format!("Backups {}:", key.replace('-', " "));
        let words = value.as_array().map(|grants| grants.iter().map(in_words).collect::<Vec<_>>().join("; "));
        let words = words.as_deref().or(value.as_str()).unwrap_or_default();
        text.push_str(&format!("\n       {label:<34} {words}"));
    }
    text
}

fn in_words(grant: &Value) -> String {
    let rights = grant["rights"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let on = grant["service"].as_str().unwrap_or("all services");
    format!("{} on {on}: {}", grant["key"].as_str().unwrap_or_default(), rights.collect::<Vec<_>>().join(", "))
}
