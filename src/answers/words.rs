//! The words that programs rely on, with a sentence each: the part of docs/platforms.md that lists them is made of this.

use serde_json::Value;

use super::schema::{plain, said};
use super::{Destroy, Event, OriginWord, RightsState, RunStatus};
use crate::domain::{
    Action, Code, Comparison, Compression, CopyWord, Datastore, DumpFormat, Frequency, Level, Presence, Right, Source,
    Status, Trust,
};
use crate::error::{Phase, Word};

/// The words of one field.
#[derive(Debug)]
pub struct Words {
    /// Where they stand.
    pub place: &'static str,
    /// Each, and what it says.
    pub words: Vec<(String, String)>,
}

macro_rules! of {
    ($($type:ty => $place:literal;)+) => {
        vec![$(Words { place: $place, words: listed(&plain::<$type>().to_value()) }),+]
    };
}

/// All of them.
pub fn words() -> Vec<Words> {
    of! {
        Word => "error.kind";
        Code => "findings[].code";
        Datastore => "datastore";
        Level => "verdict, findings[].level";
        Status => "status, restores[].status";
        Trust => "trust";
        Presence => "presence";
        Source => "source";
        OriginWord => "origin";
        CopyWord => "copy.state, copies.latest.state, lost[].state";
        Comparison => "verification.comparison";
        DumpFormat => "dump_format";
        Compression => "compression";
        Frequency => "frequency";
        RunStatus => "last_run.status";
        Action => "decisions[].action";
        Destroy => "destroy";
        RightsState => "rights.state";
        Right => "rights.grants[].rights[]";
        Event => "event";
        Phase => "at_work.progress.phase";
    }
}

/// The words as a document lists them.
pub fn listing() -> String {
    let mut text = String::new();
    for Words { place, words } in words() {
        let places: Vec<String> = place.split(", ").map(|place| format!("`{place}`")).collect();
        text.push_str(&format!("\n{}:\n\n| word | says |\n|---|---|\n", places.join(", ")));
        words.iter().for_each(|(word, says)| text.push_str(&format!("| `{word}` | {says} |\n")));
    }
    text
}

fn listed(schema: &Value) -> Vec<(String, String)> {
    let bare = || {
        let words = schema.get("enum").and_then(Value::as_array)?;
        Some(words.iter().filter_map(|word| Some((word.as_str()?.to_owned(), String::new()))).collect())
    };
    schema.get("oneOf").and_then(Value::as_array).and_then(|all| said(all)).or_else(bare).unwrap_or_default()
}
