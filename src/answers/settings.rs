//! What is set, for programs: one object a property, by its name with underscores. Switches are booleans, numbers are
//! numbers, sizes are bytes, and what is not set is null; secrets are masked.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::properties::{self, Form, Property};

/// One property as it is set.
#[derive(Debug)]
pub struct Setting {
    /// The property.
    pub property: &'static Property,
    /// What holds.
    pub computed: String,
    /// What is set for the service itself.
    pub own: Option<String>,
    /// What is set for all services.
    pub global: Option<String>,
}

impl Setting {
    fn value(&self, text: Option<&str>) -> Value {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Value::Null };
        let known = match self.property.json {
            Form::Switch(_) if text == "on" => Some(true.into()),
            Form::Switch(_) if text == "off" => Some(false.into()),
            Form::Number(_) => text.parse::<u64>().ok().map(Value::from),
            Form::Size(_) => self.property.bytes(text).map(Value::from),
            _ => None,
        };
        known.unwrap_or_else(|| self.property.shown(text).into())
    }
}

/// What is set for a service, for all, and what holds.
#[derive(Debug)]
pub struct ServiceSettings(pub Vec<Setting>);

/// What is set for all services, and what holds where a service has no value of its own.
#[derive(Debug)]
pub struct GlobalSettings(pub Vec<Setting>);

impl ServiceSettings {
    /// Who hears of a scheduled backup that failed, for people.
    pub fn told(&self) -> String {
        let is_set = |property: &Property| {
            self.0.iter().any(|setting| setting.property.key == property.key && !setting.computed.is_empty())
        };
        let told: Vec<&str> = [&properties::NOTIFY_URL, &properties::HEARTBEAT_URL]
            .into_iter()
            .filter(|property| is_set(property))
            .map(|property| property.key)
            .collect();
        if told.is_empty() { "nobody: neither notify-url nor heartbeat-url is set".to_owned() } else { told.join(", ") }
    }

    /// Labels and values for people, in Dokku's three forms.
    pub fn in_words(&self) -> BTreeMap<String, String> {
        let mut words = in_words(&self.0);
        for setting in &self.0 {
            let key = setting.property.key;
            let shown = |value: &str| setting.property.shown(value);
            words.insert(key.to_owned(), shown(setting.own.as_deref().unwrap_or_default()));
            words.insert(format!("computed-{key}"), shown(&setting.computed));
        }
        words
    }
}

impl GlobalSettings {
    /// Labels and values for people.
    pub fn in_words(&self) -> BTreeMap<String, String> {
        in_words(&self.0)
    }
}

fn in_words(settings: &[Setting]) -> BTreeMap<String, String> {
    let words = |setting: &Setting| {
        let value = setting.global.as_deref().unwrap_or_default();
        (format!("global-{}", setting.property.key), setting.property.shown(value))
    };
    settings.iter().map(words).collect()
}

fn name(property: &Property) -> String {
    property.key.replace('-', "_")
}

impl Serialize for ServiceSettings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|setting| {
            let value = |text: Option<&str>| setting.value(text);
            let (own, global) = (value(setting.own.as_deref()), value(setting.global.as_deref()));
            (
                name(setting.property),
                json!({ "computed": value(Some(&setting.computed)), "own": own, "global": global }),
            )
        }))
    }
}

impl Serialize for GlobalSettings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|setting| {
            let value = |text: Option<&str>| setting.value(text);
            let global = value(setting.global.as_deref());
            (name(setting.property), json!({ "computed": value(Some(&setting.computed)), "global": global }))
        }))
    }
}

/// An object with one object for each property, which has a value for each of `scopes`.
fn schema(scopes: &[(&str, &str)]) -> Schema {
    let of = |property: &Property| {
        let values = scopes.iter().map(|(scope, about)| {
            let mut schema = value_schema(property.json);
            schema["description"] = (*about).into();
            ((*scope).to_owned(), schema)
        });
        let required: Vec<&str> = scopes.iter().map(|(scope, _)| *scope).collect();
        json!({
            "type": "object",
            "description": property.about,
            "properties": values.collect::<serde_json::Map<_, _>>(),
            "required": required,
        })
    };
    let fields: serde_json::Map<_, _> = properties::ALL.iter().map(|property| (name(property), of(property))).collect();
    let required: Vec<String> = fields.keys().cloned().collect();
    json_schema!({ "type": "object", "properties": fields, "required": required })
}

/// A value, or null. Some properties take a word, too, where others take a number or a switch only.
fn value_schema(form: Form) -> Value {
    let (kind, words) = match form {
        Form::Switch(words) => (json!({ "type": "boolean" }), words),
        Form::Number(words) | Form::Size(words) => (json!({ "type": "integer", "minimum": 0 }), words),
        Form::Text => return json!({ "type": ["string", "null"] }),
    };
    let nothing = json!({ "type": "null" });
    if words { json!({ "anyOf": [kind, { "type": "string" }, nothing] }) } else { json!({ "anyOf": [kind, nothing] }) }
}

impl JsonSchema for ServiceSettings {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Properties".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema(&[
            ("computed", "What holds."),
            ("own", "What is set for the service itself."),
            ("global", "What is set for all services."),
        ])
    }
}

impl JsonSchema for GlobalSettings {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "GlobalProperties".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema(&[
            ("computed", "What holds where a service has no value of its own."),
            ("global", "What is set for all services."),
        ])
    }
}
