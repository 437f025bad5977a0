//! The schema of an answer, in a form that every validator takes, strict ones too.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::ui::{Answer, Document, VERSION};

/// One document and where it appears.
#[derive(Debug)]
pub struct Described {
    /// Name of the schema's file, without ending.
    pub name: &'static str,
    /// Its schema.
    pub schema: Schema,
}

/// The document of `T` as it is printed.
pub fn schema<T: Answer + 'static>() -> Described {
    let mut schema = plain::<Document<'static, T>>();
    RecursiveTransform(without_machine_formats).transform(&mut schema);
    RecursiveTransform(words_as_enum).transform(&mut schema);
    schema.insert("$id".to_owned(), format!("urn:dokku-backups:schema:{VERSION}:{}", T::NAME).into());
    schema.insert("title".to_owned(), T::TITLE.into());
    schema.remove("description");
    Described { name: T::NAME, schema }
}

/// The schema of any type, as it is generated.
pub(super) fn plain<T: JsonSchema>() -> Schema {
    // What is written is described, not what would be read: a field that may be null is still always there.
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

/// `uint32` and the like are words of our generator's own, which strict validators do not know.
fn without_machine_formats(schema: &mut Schema) {
    let is_machines = |format: &str| format.contains("int") || matches!(format, "float" | "double");
    if schema.get("format").and_then(Value::as_str).is_some_and(is_machines) {
        schema.remove("format");
    }
}

/// Words with a sentence each are one enumeration, with the sentences in its description.
fn words_as_enum(schema: &mut Schema) {
    let Some(words) = schema.get("oneOf").and_then(Value::as_array).and_then(|all| said(all)) else { return };
    let about = schema.get("description").and_then(Value::as_str).map(|about| format!("{about}\n")).unwrap_or_default();
    let lines: Vec<String> = words.iter().map(|(word, says)| format!("- {word}: {says}")).collect();
    let all: Vec<Value> = words.into_iter().map(|(word, _)| word.into()).collect();
    schema.remove("oneOf");
    schema.insert("type".to_owned(), "string".into());
    schema.insert("enum".to_owned(), all.into());
    schema.insert("description".to_owned(), format!("{about}{}", lines.join("\n")).into());
}

/// The words of an enumeration and what each says, where `all` are nothing else.
pub(super) fn said(all: &[Value]) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    for one in all {
        let says = one.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
        match (one.get("const"), one.get("enum").and_then(Value::as_array)) {
            (Some(word), None) => found.push((word.as_str()?.to_owned(), says)),
            (None, Some(words)) => {
                for word in words {
                    found.push((word.as_str()?.to_owned(), says.clone()));
                }
            }
            _ => return None,
        }
    }
    Some(found)
}
