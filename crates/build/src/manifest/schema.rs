//! The table of keys as a JSON Schema (draft 2020-12), for editors.

use serde_json::{Map, Value as Json, json};

use super::keys::{Key, Kind, MANIFEST};

/// The JSON Schema of `solum.yaml`. What the reader accepts is valid by it; a few mistakes only the reader sees, such as
/// a name in `push.until` that no environment has.
#[must_use]
pub fn manifest_schema() -> Json {
    let mut schema = of(&MANIFEST);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("solum.yaml");
    schema
}

fn of(kind: &Kind) -> Json {
    match kind {
        Kind::Word(word) => (word.schema)(),
        // YAML 1.1, which editors speak too, takes `off` for false.
        Kind::Choice(["off"]) => json!({ "enum": ["off", false] }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::List(items) => json!({ "type": "array", "items": of(items) }),
        Kind::Map { names, values, at_most } => json!({
            "type": "object",
            "propertyNames": (names.schema)(),
            "additionalProperties": of(values),
            "minProperties": usize::from(*at_most == 1),
            "maxProperties": at_most,
        }),
        Kind::Keys(keys) => json!({
            "type": "object",
            "properties": keys.iter().filter_map(property).collect::<Map<_, _>>(),
            "additionalProperties": false,
        }),
        Kind::Either(kinds) => json!({ "anyOf": kinds.iter().map(of).collect::<Vec<_>>() }),
        Kind::Later => json!(false),
    }
}

fn property(key: &Key) -> Option<(String, Json)> {
    if matches!(key.kind, Kind::Later) {
        return None;
    }
    let mut schema = of(&key.kind);
    schema["description"] = json!(key.about);
    Some((key.name.to_owned(), schema))
}
