//! JavaScript actions: what node is started with.

use std::collections::BTreeMap;
use std::fmt;

use super::env_files::is_variable;

/// The name of the file, in the job's temporary directory, that is run before the action.
pub const PRELUDE_FILE: &str = "solum-inputs.cjs";

/// Sets the variables that no shell can, and leaves no trace of how they came.
pub const PRELUDE: &str = "\
'use strict';
const given = process.env.SOLUM_INPUTS;
delete process.env.SOLUM_INPUTS;
if (given) Object.assign(process.env, JSON.parse(given));
";

/// What runs one script of an action, and the variables that it adds to those of the step.
#[derive(Clone, PartialEq, Eq)]
pub struct Started {
    pub command: Vec<String>,
    /// May hold secrets: nothing here prints a value.
    pub env: BTreeMap<String, String>,
}

impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, env } = self;
        f.debug_struct("Started").field("command", command).field("env", &env.keys()).finish()
    }
}

/// Starts `script` of the action in `directory`, both as the box has them. `inputs` are the action's, with defaults; `state`
/// is what an earlier script of the same step has saved. `temp` is the job's temporary directory, in which
/// [`PRELUDE_FILE`] stands.
#[must_use]
pub fn start(
    directory: &str,
    script: &str,
    temp: &str,
    inputs: &BTreeMap<String, String>,
    state: &BTreeMap<String, String>,
) -> Started {
    let input = |(name, value): (&String, &String)| {
        (format!("INPUT_{}", name.replace(' ', "_").to_uppercase()), value.clone())
    };
    let state = state.iter().map(|(name, value)| (format!("STATE_{name}"), value.clone()));
    let all: BTreeMap<String, String> = inputs.iter().map(input).chain(state).collect();
    // A shell sets up the box, and knows no name with a dash in it.
    let (mut env, odd): (BTreeMap<_, _>, BTreeMap<String, String>) =
        all.into_iter().partition(|(name, _)| is_variable(name));
    let mut command = vec!["node".to_owned()];
    if !odd.is_empty() {
        command.extend(["--require".to_owned(), format!("{temp}/{PRELUDE_FILE}")]);
        env.insert("SOLUM_INPUTS".to_owned(), serde_json::json!(odd).to_string());
    }
    command.push(format!("{directory}/{script}"));
    env.insert("GITHUB_ACTION_PATH".to_owned(), directory.to_owned());
    Started { command, env }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn inputs_and_state_are_variables() {
        let inputs = pairs(&[("Who To greet", "me")]);
        let started = start("/a", "dist/index.js", "/t", &inputs, &pairs(&[("pid", "7")]));
        assert_eq!(started.command, ["node", "/a/dist/index.js"]);
        assert_eq!(started.env["INPUT_WHO_TO_GREET"], "me");
        assert_eq!(started.env["STATE_pid"], "7");
    }

    #[test]
    fn node_really_sees_names_that_no_shell_can_set() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().to_str().unwrap();
        std::fs::write(directory.path().join(PRELUDE_FILE), PRELUDE).unwrap();
        let script = "console.log(process.env['INPUT_NODE-VERSION'], process.env.INPUT_A, \
                      process.env.SOLUM_INPUTS)";
        std::fs::write(directory.path().join("index.js"), script).unwrap();
        let inputs = pairs(&[("node-version", "2\"0\n"), ("a", "b")]);
        let started = start(place, "index.js", place, &inputs, &BTreeMap::new());
        assert!(started.env.keys().all(|name| is_variable(name)));
        let output = std::process::Command::new(&started.command[0])
            .args(&started.command[1..])
            .envs(&started.env)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "2\"0\n b undefined\n");
    }
}
