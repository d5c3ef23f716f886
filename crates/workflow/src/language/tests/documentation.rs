//! `docs/workflows.md` holds the tables of the code, word for word. `UPDATE_DOCS=1` writes them.

use std::fmt::Write as _;
use std::path::Path;

use super::*;

/// What stands between `<!-- table: NAME -->` and `<!-- end -->`.
fn tables() -> Vec<(&'static str, String)> {
    vec![
        ("counts", counts()),
        ("keys", keys()),
        ("events", events()),
        ("refused-events", refused_events()),
        ("refusals", refusals()),
        ("contexts", contexts()),
        ("verbs", verbs()),
        ("built-in", built_in()),
    ]
}

/// A `|` ends a cell wherever it stands.
fn row(table: &mut String, cells: &[&str]) {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    writeln!(table, "| {} |", cells.join(" | ")).unwrap();
}

fn support(support: Support) -> (&'static str, &'static str) {
    match support {
        Support::Read => ("yes", ""),
        Support::NoEffect(why) => ("no effect", why),
        Support::Added(what) => ("added", what),
        Support::Refused(instead) => ("**refused**", instead),
    }
}

fn counts() -> String {
    let (mut supported, mut no_effect, mut added, mut refused) = (0, 0, 0, 0);
    for key in SECTIONS.iter().flat_map(|section| section.keys) {
        match key.support {
            Support::Read => supported += 1,
            Support::NoEffect(_) => no_effect += 1,
            Support::Added(_) => added += 1,
            Support::Refused(_) => refused += 1,
        }
    }
    let of_github = supported + no_effect + refused;
    let events = EVENTS.iter().filter(|event| !event.added).count();
    let all_events = events + REFUSED_EVENTS.len();
    format!(
        "Of the {of_github} keys of GitHub's in the tables below, {supported} are read, {no_effect} have no effect here, \
         and {refused} are refused. {added} are Solum's own. Of GitHub's {all_events} events, {events} are there.\n"
    )
}

fn keys() -> String {
    let mut text = String::new();
    for section in SECTIONS {
        let name = if section.name.is_empty() { "the file" } else { section.name };
        let read = section.keys.iter().filter(|key| key.support == Support::Read);
        let read: Vec<_> = read.map(|key| format!("`{}`", key.name)).collect();
        writeln!(text, "**`{name}`** {}\n", read.join(", ")).unwrap();
        special(&mut text, section.keys);
    }
    text
}

/// A table of the keys that are more or less than on GitHub.
fn special(text: &mut String, keys: &[Key]) {
    let keys: Vec<_> = keys.iter().filter(|key| key.support != Support::Read).collect();
    if keys.is_empty() {
        return;
    }
    row(text, &["", "", ""]);
    row(text, &["---", "---", "---"]);
    for key in keys {
        let (word, why) = support(key.support);
        row(text, &[&format!("`{}`", key.name), word, why]);
    }
    text.push('\n');
}

fn events() -> String {
    let mut text = String::new();
    row(&mut text, &["event", "when", "what it may say", "types"]);
    row(&mut text, &["---", "---", "---", "---"]);
    for event in EVENTS {
        let keys = event.section.map(|section| section.keys).unwrap_or_default();
        let keys: Vec<_> = keys.iter().map(|key| format!("`{}`", key.name)).collect();
        let types: Vec<_> = event.types.iter().map(|name| format!("`{name}`")).collect();
        let mut types = types.join(", ");
        if !event.default_types.is_empty() {
            write!(types, "; without `types`: {}", event.default_types.join(", ")).unwrap();
        }
        let name = if event.added {
            format!("`{}` (added)", event.name)
        } else {
            format!("`{}`", event.name)
        };
        let keys = if event.name == "schedule" {
            "`cron`, `timezone`".to_owned()
        } else {
            keys.join(", ")
        };
        row(&mut text, &[&name, event.what, &keys, &types]);
    }
    text
}

fn refused_events() -> String {
    let mut text = String::new();
    row(&mut text, &["event", "instead"]);
    row(&mut text, &["---", "---"]);
    for (event, instead) in REFUSED_EVENTS {
        row(&mut text, &[&format!("`{event}`"), instead]);
    }
    text
}

fn refusals() -> String {
    let mut text = String::new();
    row(&mut text, &["what", "instead"]);
    row(&mut text, &["---", "---"]);
    for refusal in REFUSALS {
        row(&mut text, &[&format!("`{}`", refusal.what), refusal.instead]);
    }
    text
}

fn contexts() -> String {
    let mut text = String::new();
    row(&mut text, &["key", "contexts", "functions beside those that are everywhere"]);
    row(&mut text, &["---", "---", "---"]);
    for slot in SLOTS {
        let contexts = slot.contexts.iter().filter(|name| **name != "solum");
        let contexts: Vec<_> = contexts.map(|name| format!("`{name}`")).collect();
        let mut functions = Vec::new();
        if slot.status {
            functions.push("`success`, `failure`, `always`, `cancelled`");
        }
        if slot.hash_files {
            functions.push("`hashFiles`");
        }
        let contexts = if contexts.is_empty() { "none".to_owned() } else { contexts.join(", ") };
        row(&mut text, &[&format!("`{}`", slot.keys), &contexts, &functions.join(", ")]);
    }
    text
}

fn verbs() -> String {
    let mut text = String::new();
    for verb in VERBS {
        let outputs: Vec<_> = verb.outputs.iter().map(|name| format!("`{name}`")).collect();
        let outputs = if outputs.is_empty() { "none".to_owned() } else { outputs.join(", ") };
        writeln!(text, "**`{}`** {}. Outputs: {outputs}.\n", verb.name, verb.what).unwrap();
        if verb.inputs.is_empty() {
            continue;
        }
        row(&mut text, &["input", "", ""]);
        row(&mut text, &["---", "---", "---"]);
        for input in verb.inputs {
            let required = if input.required { ", required" } else { "" };
            let kind = format!("{}{required}", input.kind.words());
            row(&mut text, &[&format!("`{}`", input.name), &kind, input.what]);
        }
        text.push('\n');
    }
    text
}

fn built_in() -> String {
    let mut text = String::new();
    for action in BUILT_IN {
        let outputs: Vec<_> = action.outputs.iter().map(|name| format!("`{name}`")).collect();
        let read = action.inputs.keys.iter().filter(|key| key.support == Support::Read);
        let read: Vec<_> = read.map(|key| format!("`{}`", key.name)).collect();
        let (read, outputs) = (read.join(", "), outputs.join(", "));
        writeln!(text, "**`{}`** {read}. Outputs: {outputs}.\n", action.name()).unwrap();
        special(&mut text, action.inputs.keys);
    }
    text
}

#[test]
fn the_documentation_has_the_tables_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/workflows.md");
    let written = std::fs::read_to_string(&path).unwrap();
    let mut expected = written.clone();
    for (name, table) in tables() {
        let begin = format!("<!-- table: {name} -->\n");
        let start = expected.find(&begin).unwrap_or_else(|| panic!("no {begin}")) + begin.len();
        let end = start + expected[start..].find("<!-- end -->").expect("a table has an end");
        expected.replace_range(start..end, &format!("\n{}\n", table.trim_end()));
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    } else {
        assert!(
            written == expected,
            "docs/workflows.md is not what the code says: UPDATE_DOCS=1 writes it"
        );
    }
}

#[test]
fn every_refusal_is_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/workflows.md");
    let documentation = std::fs::read_to_string(path).unwrap();
    for refusal in REFUSALS {
        assert!(documentation.contains(refusal.what), "{}", refusal.what);
    }
    for (event, _) in REFUSED_EVENTS {
        assert!(documentation.contains(&format!("| `{event}` |")), "{event}");
    }
}
