//! What programs were promised stays: tests/compatibility has the schemas of the first day that answers had a version, and
//! an example of each. A field may come, a word may come; none goes, and none changes its kind.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use dokku_backups::answers::schemas;
use serde_json::Value;

fn promised(name: &str) -> Option<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compatibility/schema").join(format!("{name}.json"));
    Some(serde_json::from_str(&fs::read_to_string(file).ok()?).expect("JSON"))
}

/// `schema`, or what it refers to in `root`.
fn followed<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|to| to.strip_prefix("#/$defs/")) {
        Some(name) => &root["$defs"][name],
        None => schema,
    }
}

/// The kinds of value that a schema allows: `string`, `null`, ...
fn kinds(root: &Value, schema: &Value) -> BTreeSet<String> {
    let schema = followed(root, schema);
    let mut found: BTreeSet<String> = match &schema["type"] {
        Value::String(kind) => [kind.clone()].into(),
        Value::Array(all) => all.iter().filter_map(|kind| kind.as_str().map(str::to_owned)).collect(),
        _ => BTreeSet::new(),
    };
    for one in schema["anyOf"].as_array().into_iter().flatten() {
        found.extend(kinds(root, one));
    }
    found
}

/// What is in an array, or the one thing beside null.
fn inner<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let schema = followed(root, schema);
    let mut all = vec![schema];
    for one in schema["anyOf"].as_array().into_iter().flatten() {
        all.extend(inner(root, one));
    }
    if schema["items"].is_object() {
        all.extend(inner(root, &schema["items"]));
    }
    all
}

/// The schemas below `then` and `now` that speak of the same thing, held against each other.
fn hold(at: &str, then: (&Value, &Value), now: (&Value, &Value), wrong: &mut Vec<String>) {
    let (old_kinds, new_kinds) = (kinds(then.0, then.1), kinds(now.0, now.1));
    if !new_kinds.is_subset(&old_kinds) {
        wrong.push(format!("{at}: {old_kinds:?} became {new_kinds:?}"));
    }
    let (old, new) = (inner(then.0, then.1), inner(now.0, now.1));
    let words = |all: &[&Value]| -> BTreeSet<String> {
        let lists = all.iter().filter_map(|schema| schema["enum"].as_array());
        lists.flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect()
    };
    wrong.extend(words(&old).difference(&words(&new)).map(|word| format!("{at}: the word {word} is gone")));
    for schema in &old {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            match new.iter().find_map(|schema| schema["properties"].get(name)) {
                None => wrong.push(format!("{at}.{name} is gone")),
                Some(field_now) => hold(&format!("{at}.{name}"), (then.0, field), (now.0, field_now), wrong),
            }
        }
    }
    let consts = |all: &[&Value]| all.iter().find_map(|schema| schema.get("const").cloned());
    if consts(&old) != consts(&new) {
        wrong.push(format!("{at}: {:?} became {:?}", consts(&old), consts(&new)));
    }
}

#[test]
fn ux_325_nothing_that_was_promised_is_taken_away() {
    let mut wrong = Vec::new();
    for answer in schemas() {
        let now = answer.schema.as_value();
        match promised(answer.name) {
            Some(then) => hold(answer.name, (&then, &then), (now, now), &mut wrong),
            None => wrong.push(format!("{0}: copy docs/schema/{0}.json to tests/compatibility/schema", answer.name)),
        }
    }
    assert!(wrong.is_empty(), "programs rely on these:\n{}", wrong.join("\n"));
}

/// The comparison itself: what it must see.
#[test]
fn what_is_taken_away_is_seen() {
    let then = promised("backup").expect("a schema");
    let broken = |change: &dyn Fn(&mut Value)| {
        let (mut now, mut wrong) = (then.clone(), Vec::new());
        change(&mut now);
        hold("backup", (&then, &then), (&now, &now), &mut wrong);
        wrong
    };
    assert!(broken(&|_| {}).is_empty());
    assert!(broken(&|now| now["properties"]["novel"] = serde_json::json!({ "type": "string" })).is_empty());
    let gone = broken(&|now| drop(now["properties"].as_object_mut().expect("fields").remove("trust")));
    assert_eq!(gone, ["backup.trust is gone"]);
    assert_eq!(broken(&|now| now["properties"]["keep"]["type"] = "string".into()).len(), 1);
    let words = broken(&|now| drop(now["$defs"]["Trust"]["enum"].as_array_mut().expect("words").pop()));
    assert_eq!(words, ["backup.trust: the word damaged is gone"]);
    let deeper =
        |now: &mut Value| drop(now["$defs"]["Restore"]["properties"].as_object_mut().expect("f").remove("target"));
    assert_eq!(broken(&deeper), ["backup.restores.target is gone"]);
    assert_eq!(broken(&|now| now["properties"]["schema"]["const"] = 2.into()).len(), 1);
}
