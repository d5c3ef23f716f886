//! `docs/manifest.md` against the readers: its examples are right, and no key that works is missing from it.

use super::keys::{Kind, MANIFEST};
use super::{app_json, declared, procfile};

const PAGE: &str = include_str!("../../../../docs/manifest.md");

/// The blocks of code in a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let opening = format!("```{language}\n");
    PAGE.split(opening.as_str())
        .skip(1)
        .filter_map(|rest| Some(rest.split_once("```")?.0))
        .collect()
}

#[test]
fn the_examples_are_read_without_a_mistake() {
    for (language, count) in [("yaml", 1), ("json", 1), ("procfile", 1)] {
        assert_eq!(blocks(language).len(), count, "{language}");
    }
    let solum = declared::read(blocks("yaml")[0]).unwrap();
    assert_eq!(solum.processes.map(|processes| processes.len()), Some(2));
    let app = app_json::read(blocks("json")[0]).unwrap();
    assert_eq!(app.warnings, Vec::<String>::new());
    let procfile = procfile::read(blocks("procfile")[0]).unwrap();
    assert_eq!((procfile.processes.len(), procfile.release.is_some()), (2, true));
}

#[test]
fn every_key_that_works_is_described_and_no_other() {
    let mut known = Vec::new();
    keys(&MANIFEST, "", &mut known);
    let row = |key: &str| format!("\n| `{key}` |");
    for key in &known {
        assert!(PAGE.contains(&row(key)), "docs/manifest.md does not describe {key}");
    }
    let table = PAGE.split_once("## solum.yaml").unwrap().1.split_once("## app.json").unwrap().0;
    let described = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    for (key, _) in described {
        assert!(known.iter().any(|known| known == key), "docs/manifest.md describes {key}");
    }
}

/// The paths of all keys that have a meaning. Below a strategy's name nothing stands yet, so that it counts as a word.
fn keys(kind: &Kind, above: &str, into: &mut Vec<String>) {
    match kind {
        Kind::Keys(keys) if !above.ends_with(".strategy") => {
            for key in keys.iter().filter(|key| !matches!(key.kind, Kind::Later)) {
                let path =
                    format!("{above}{}{}", if above.is_empty() { "" } else { "." }, key.name);
                // A heading of keys of its own needs no line.
                if !matches!(key.kind, Kind::Keys(_)) {
                    into.push(path.clone());
                }
                self::keys(&key.kind, &path, into);
            }
        }
        Kind::Map { values, .. } => {
            let mut inner = Vec::new();
            keys(values, &format!("{above}.*"), &mut inner);
            into.extend(inner);
        }
        Kind::Either(kinds) => kinds.iter().for_each(|kind| keys(kind, above, into)),
        _ => {}
    }
}
