//! The form of everything that programs may read: one object that begins with the version of its form.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// The version of all answers. Fields and words may be added to it; what is taken away or means something else makes
/// another one.
pub const VERSION: u32 = 1;

/// A whole document that programs may read. Nothing else is printed as JSON.
pub trait Answer: Serialize + JsonSchema {
    /// Name of its schema: of the file, without ending.
    const NAME: &'static str;
    /// Who prints it, and when.
    const TITLE: &'static str;
}

/// A document as it is printed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document<'a, T> {
    schema: Version,
    #[serde(flatten)]
    body: &'a T,
}

impl<'a, T: Answer> Document<'a, T> {
    /// The document of `body`.
    pub fn of(body: &'a T) -> Self {
        Document { schema: Version, body }
    }
}

/// [`VERSION`], which is the only value there is.
#[derive(Debug)]
struct Version;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(VERSION)
    }
}

impl JsonSchema for Version {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Version".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "const": VERSION, "description": "The version of this form." })
    }

    fn inline_schema() -> bool {
        true
    }
}
