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
        Kind::Map { names, values, at_least, at_most } => json!({
            "type": "object",
            "propertyNames": (names.schema)(),
            "additionalProperties": of(values),
            "minProperties": at_least,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{declared, scalars};
    use document::{Node, Value};

    /// By YAML's core schema, as an editor reads the file.
    fn as_json(node: &Node) -> Json {
        match &node.value {
            Value::Null => Json::Null,
            Value::List(items) => items.iter().map(as_json).collect(),
            Value::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), as_json(&entry.node)))
                .collect::<Map<_, _>>()
                .into(),
            Value::Scalar(scalar) if scalar.quoted => json!(scalar.text),
            Value::Scalar(scalar) if scalars::is_boolean(&scalar.text) => {
                json!(scalar.text.eq_ignore_ascii_case("true"))
            }
            Value::Scalar(scalar) if scalars::is_number(&scalar.text) => {
                serde_json::from_str(&scalar.text).unwrap()
            }
            Value::Scalar(scalar) => json!(scalar.text),
        }
    }

    fn by_schema(text: &str) -> bool {
        let mut schemas = boon::Schemas::new();
        let mut compiler = boon::Compiler::new();
        compiler.add_resource("solum.json", manifest_schema()).unwrap();
        let schema = compiler.compile("solum.json", &mut schemas).unwrap();
        let tree = Node::from_yaml("solum.yaml", text).unwrap();
        schemas.validate(&as_json(&tree), schema).is_ok()
    }

    #[test]
    fn what_the_reader_accepts_the_schema_accepts() {
        for text in [
            "processes: { web: ./server, worker: { run: ./work, scale: 0 } }",
            "processes:\n  web:\n    run: ./server\n    scale: 2\n    health: { path: /healthz, timeout: 30s }\n    memory: 256Mi\n    cpu: 0.5\n    drain: 1m30s\n",
            "processes: { web: { cpu: 500m } }",
            "build: make",
            "build: [make build, make install]",
            "build: { run: [make build], cache: [target], buildpack: ./buildpack }",
            "test: off",
            "test: false",
            "test: make test",
            "test: [make test]",
            "test: { run: make test }",
            "release: ./migrate up",
            "env: { LOG_LEVEL: info, PORTS: 8, DEBUG: true, EMPTY: '' }",
            "push: { branch: main, until: dev }",
            "environments: { dev: {} }",
            "environments: { live: { scale: { web: 6 }, domains: [www.example.org], strategy: recreate } }",
            "environments: { dev: { strategy: { rolling: {} } } }",
            "environments: { dev: { approvals: { count: 2, from: [role:operator, alice], allow_author: false, timeout: 72h } } }",
            "environments: { dev: {}, stage: { after: dev, promote: automatic }, prod: { after: stage, promote: manual } }",
        ] {
            declared::read(text).unwrap_or_else(|mistakes| panic!("{text}: {mistakes:?}"));
            assert!(by_schema(text), "{text}");
        }
    }

    #[test]
    fn what_the_schema_refuses_the_reader_refuses() {
        for text in [
            "procesess: {}",
            "processes: [a]",
            "processes: { 2nd: ./x }",
            "processes: { web: 8080 }",
            "processes: { web: { scale: two } }",
            "processes: { web: { scale: -1 } }",
            "processes: { web: { scale: 1001 } }",
            "processes: { web: { memory: 256 } }",
            "processes: { web: { memory: 256MB } }",
            "processes: { web: { cpu: -1 } }",
            "processes: { web: { drain: 30 } }",
            "processes: { web: { health: /healthz } }",
            "processes: { web: { health: { path: healthz } } }",
            "build: { cache: target }",
            "test: true",
            "release: [a, b]",
            "release: ''",
            "env: { A: [1] }",
            "env: { 1A: x }",
            "push: main",
            "environments: {}",
            "environments: { dev: { strategy: canary } }",
            "environments: { dev: { approvals: 2 } }",
            "environments: { dev: { approvals: { count: 0 } } }",
            "environments: { dev: { approvals: { from: ['a, b'] } } }",
            "environments: { dev: { approvals: { allow_author: 'yes' } } }",
            "environments: { dev: {}, stage: { promote: sometimes } }",
            "migration: expand",
            "services: { db: { type: postgres } }",
        ] {
            assert!(!by_schema(text), "the schema accepts {text}");
            assert!(declared::read(text).is_err(), "the reader accepts {text}");
        }
    }

    #[test]
    fn every_key_says_what_it_is_about() {
        fn visit(kind: &Kind) {
            match kind {
                Kind::Keys(keys) => {
                    for key in *keys {
                        let is_later = matches!(key.kind, Kind::Later);
                        assert_eq!(key.about.is_empty(), is_later, "{}", key.name);
                        visit(&key.kind);
                    }
                }
                Kind::Either(kinds) => kinds.iter().for_each(visit),
                Kind::List(values) | Kind::Map { values, .. } => visit(values),
                Kind::Word(_) | Kind::Choice(_) | Kind::Later => {}
            }
        }
        visit(&MANIFEST);
    }
}
