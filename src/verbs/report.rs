//! `backups:report`: what is set, and what holds.

use clap::Args;

use serde_json::{Map, Value};

use super::Context;
use super::steps::{all_known, resolve};
use super::words::ServiceArg;
use crate::dokku::Dokku;
use crate::domain::Service;
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
    Ok(object)
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
    Ok(object)
}

fn table(name: &str, object: &Map<String, Value>) -> String {
    let mut text = format!("=====> {name} backups information");
    for (key, value) in object {
        let label = format!("Backups {}:", key.replace('-', " "));
        text.push_str(&format!("\n       {label:<34} {}", value.as_str().unwrap_or_default()));
    }
    text
}
