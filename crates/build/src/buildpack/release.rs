//! What `bin/release` prints: YAML with the processes and variables that a buildpack adds.

use std::collections::BTreeMap;

use types::ProcessType;

use document::Mistake;
use document::Node;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Release {
    pub(crate) processes: BTreeMap<ProcessType, String>,
    pub(crate) env: BTreeMap<String, String>,
}

pub(crate) fn read_release(text: &str) -> Result<Release, Mistake> {
    const FILE: &str = "bin/release";
    let tree = Node::from_yaml(FILE, text)?;
    let mut release = Release::default();
    let entries = |key| tree.get(key).map(Node::entries).unwrap_or_default();
    for entry in entries("default_process_types") {
        let process = entry.key.parse();
        let process = process.map_err(|error| Mistake::new(FILE, entry.at, format!("{error}")))?;
        let Some(command) = entry.node.text() else {
            return Err(Mistake::new(FILE, entry.node.at, "a process has to be a command"));
        };
        release.processes.insert(process, command.to_owned());
    }
    for entry in entries("config_vars") {
        if let Some(value) = entry.node.text() {
            release.env.insert(entry.key.clone(), value.to_owned());
        }
    }
    Ok(release)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_and_variables_are_read_and_add_ons_are_not() {
        let text =
            "---\naddons:\n  - x\nconfig_vars:\n  A: b\ndefault_process_types:\n  web: ./run\n";
        let release = read_release(text).unwrap();
        assert_eq!(release.processes, [(ProcessType::web(), "./run".to_owned())].into());
        assert_eq!(release.env, [("A".to_owned(), "b".to_owned())].into());
        assert_eq!(read_release("--- {}\n"), Ok(Release::default()));
        assert_eq!(read_release(""), Ok(Release::default()));
        assert!(read_release("default_process_types: { web: [a] }").is_err());
    }
}
