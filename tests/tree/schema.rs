//! The committed schemas are those of the types that are printed today.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dokku_backups::answers::schemas;
use serde_json::Value;

#[test]
fn the_committed_schemas_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema");
    let files = fs::read_dir(&folder).expect("docs/schema").flatten().map(|entry| entry.path());
    let committed: BTreeMap<String, String> = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| {
            (path.file_stem().expect("a name").to_string_lossy().into(), fs::read_to_string(&path).expect("text"))
        })
        .collect();
    let text = |schema| serde_json::to_string_pretty(schema).expect("JSON") + "\n";
    let generated: BTreeMap<String, String> =
        schemas().iter().map(|answer| (answer.name.to_owned(), text(&answer.schema))).collect();
    let names = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&generated), "run `make schema` and commit docs/schema");
    for (name, schema) in &generated {
        assert!(&committed[name] == schema, "run `make schema` and commit docs/schema/{name}.json");
    }
}

/// What consumers are promised: no field is ever absent.
#[test]
fn every_field_is_required() {
    for answer in schemas() {
        check(answer.name, answer.schema.as_value());
    }
}

fn check(at: &str, value: &Value) {
    match value {
        Value::Object(object) => {
            if let Some(fields) = object.get("properties").and_then(Value::as_object) {
                let required = object.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
                for field in fields.keys() {
                    assert!(required.contains(&Value::from(field.as_str())), "{at}: {field} may be absent");
                }
            }
            object.iter().for_each(|(key, inner)| check(&format!("{at}.{key}"), inner));
        }
        Value::Array(list) => list.iter().for_each(|inner| check(at, inner)),
        _ => {}
    }
}
