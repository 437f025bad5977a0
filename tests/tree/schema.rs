//! The committed schemas are those of the types that are printed today.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dokku_backups::answers::{Words, listing, schemas, words};
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

/// The document lists every word that can stand in an answer, each with what it says.
#[test]
fn ux_326_the_words_are_listed() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/platforms.md");
    let text = fs::read_to_string(document).expect("docs/platforms.md");
    assert!(text.ends_with(&listing()), "run `make schema` and commit docs/platforms.md");
    for Words { place, words } in words() {
        assert!(!words.is_empty(), "{place} has no words");
        words.iter().for_each(|(word, says)| assert!(says.ends_with('.'), "{place}: {word} says nothing"));
    }
}

/// Every enumeration of an answer is one of those that are listed; what is generated else is closed, too.
#[test]
fn ux_326_no_words_are_open() {
    let listed: Vec<Vec<String>> =
        words().into_iter().map(|of| of.words.into_iter().map(|(word, _)| word).collect()).collect();
    for answer in schemas() {
        enumerations(answer.schema.as_value(), &mut |words| {
            assert!(listed.contains(&words), "{}: {words:?} are not listed", answer.name);
        });
    }
    let error = serde_json::to_value(schemas().into_iter().find(|answer| answer.name == "error").map(|a| a.schema));
    let kind = &error.expect("JSON")["$defs"]["Kind"]["enum"];
    assert!(kind.as_array().is_some_and(|words| words.len() > 10), "{kind}");
}

fn enumerations(value: &Value, seen: &mut dyn FnMut(Vec<String>)) {
    match value {
        Value::Object(object) => {
            if let Some(words) = object.get("enum").and_then(Value::as_array) {
                seen(words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect());
            }
            object.values().for_each(|inner| enumerations(inner, seen));
        }
        Value::Array(list) => list.iter().for_each(|inner| enumerations(inner, seen)),
        _ => {}
    }
}

/// Every schema can be told from every other, in whatever collection: by a name that leads nowhere.
#[test]
fn ux_325_every_schema_has_a_name_and_a_version() {
    for answer in schemas() {
        let id = format!("urn:dokku-backups:schema:1:{}", answer.name);
        let schema = answer.schema.as_value();
        assert_eq!(schema["$id"], Value::from(id));
        assert_eq!(schema["properties"]["schema"]["const"], 1, "{}", answer.name);
        assert!(!schema.to_string().contains("\"format\":\"uint"), "{}", answer.name);
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
            // A field may be called `properties`, too.
            let fields = object.get("properties").filter(|_| object.get("type") == Some(&"object".into()));
            if let Some(fields) = fields.and_then(Value::as_object) {
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
