//! A step, carried out without doing anything: what it would have been given is evaluated, as whoever carries it out does,
//! so that an expression that fails there fails here too.

use std::collections::BTreeMap;

use workflow::expression::{HashFilesError, Object, Value};
use workflow::{Failure, Late, State, StepTask, StepView};

/// Where every environment is to be seen.
const URL: &str = "http://app.example.org";

/// What only whoever carries a step out has.
struct Props {
    secrets: BTreeMap<String, String>,
}

impl Late for Props {
    fn secrets(&self) -> Value {
        self.secrets.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// There are no files: all have the same digest.
    fn hash_files(&self, _patterns: &[String]) -> Result<String, HashFilesError> {
        Ok("0".repeat(64))
    }

    fn more(&self, context: &str) -> Option<Object> {
        let made_up: &[(&str, &str)] = match context {
            "github" => &[("workspace", "/workspace"), ("token", "")],
            "runner" => &[("temp", "/tmp"), ("tool_cache", "/tools")],
            _ => return None,
        };
        Some(made_up.iter().copied().collect())
    }
}

/// Whether the step's condition holds; or why nothing of it can be carried out.
pub(super) fn rehearse(
    state: &State,
    task: &StepTask,
    secrets: &BTreeMap<String, String>,
) -> Result<bool, Failure> {
    let Some(view) = StepView::of(state, task) else { return Ok(true) };
    let props = Props { secrets: view.secrets(secrets)? };
    if task.check_condition && !view.condition(&props)? {
        return Ok(false);
    }
    view.name(&props)?;
    view.env(&props)?;
    view.inputs(&props)?;
    view.script(&props)?;
    Ok(true)
}

/// What the verbs of delivery and the built-in actions give, where a scenario says nothing else.
pub(super) fn usual_outputs(uses: &str, environment: Option<&str>) -> BTreeMap<String, String> {
    let digest = format!("sha256:{}", "0".repeat(64));
    let commit = super::surroundings::COMMIT;
    let outputs: &[(&str, &str)] = match uses {
        "solum/build" => &[("artifact", &digest)],
        "solum/deploy" | "solum/promote" => &[
            ("release", "v2"),
            ("deployment", "dep_2"),
            ("environment", environment.unwrap_or_default()),
            ("url", URL),
        ],
        "solum/rollback" => &[
            ("release", "v1"),
            ("deployment", "dep_1"),
            ("environment", environment.unwrap_or_default()),
            ("url", URL),
        ],
        "solum/smoke" | "solum/notify" => &[("status", "200")],
        "solum/http" => &[("status", "200"), ("body", "")],
        "actions/checkout" => &[("commit", commit)],
        "actions/cache" => &[("cache-hit", "false")],
        _ => &[],
    };
    outputs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}
