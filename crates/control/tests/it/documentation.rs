//! What `docs/workflows.md` shows is so.

use std::path::Path;

use control::rehearsal::{read, rehearse};
use workflow::language::{Found, read_with};

fn documentation() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/workflows.md");
    std::fs::read_to_string(path).unwrap()
}

/// The first block of code after `from`.
fn block<'a>(text: &'a str, from: &str) -> &'a str {
    let (_, rest) = text.split_once(from).unwrap();
    let (_, rest) = rest.split_once("```").unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn the_scenario_of_the_documentation_holds() {
    let text = documentation();
    let workflow =
        read_with("deliver.yml", block(&text, "# Workflows"), |_| Found::Missing).unwrap();
    let scenario = block(&text, "<!-- scenario: the workflow at the top -->");
    let scenario = read("docs.scenario", scenario).unwrap();
    assert_eq!(scenario.workflow(), Some("deliver.yml"));
    let rehearsal = rehearse(&scenario, &workflow);
    assert_eq!((rehearsal.broken, rehearsal.held), (None, 4));
}
