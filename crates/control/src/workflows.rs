//! The workflows that Solum brings: what an event does where no file of the repository names it. They are files of the
//! language like anybody's, so that what `solum workflow eject` writes out is what runs.
//!
//! What differs from run to run reaches them as fields of `github.event`.

use std::sync::LazyLock;

use workflow::language::{Definition, Found, Workflow, read_with};

/// The verbs of the steps, as `uses:` has them.
pub(crate) mod verb {
    pub(crate) const TEST: &str = "solum/test";
    pub(crate) const BUILD: &str = "solum/build";
    pub(crate) const DEPLOY: &str = "solum/deploy";
    pub(crate) const PROMOTE: &str = "solum/promote";
    pub(crate) const ROLLBACK: &str = "solum/rollback";
    pub(crate) const SMOKE: &str = "solum/smoke";
    pub(crate) const HTTP: &str = "solum/http";
    pub(crate) const NOTIFY: &str = "solum/notify";
}

/// A workflow that Solum brings.
#[derive(Debug)]
pub struct BuiltInWorkflow {
    pub name: &'static str,
    /// The event that it is for.
    pub event: &'static str,
    /// The file, word for word.
    pub text: &'static str,
    definition: LazyLock<Definition>,
}

/// What a push to a deploy branch does. `github.event` has `environment`, the manifest's first, and `following`, where it goes
/// on to by itself from there.
pub(crate) static DELIVER: BuiltInWorkflow = BuiltInWorkflow {
    name: "deliver",
    event: "push",
    text: include_str!("../workflows/deliver.yml"),
    definition: LazyLock::new(|| DELIVER.read().definition),
};

/// Brings what is there into an environment. `github.event` has `environment`, and `artifact` or `release`.
pub(crate) static DEPLOY: BuiltInWorkflow = BuiltInWorkflow {
    name: "deploy",
    event: "deploy",
    text: include_str!("../workflows/deploy.yml"),
    definition: LazyLock::new(|| DEPLOY.read().definition),
};

/// Brings a pair of release and config revision back. `github.event` has `environment`, `release` and `config_revision`.
pub(crate) static ROLLBACK: BuiltInWorkflow = BuiltInWorkflow {
    name: "rollback",
    event: "rollback",
    text: include_str!("../workflows/rollback.yml"),
    definition: LazyLock::new(|| ROLLBACK.read().definition),
};

/// Brings what one environment serves into others. `github.event` has `from`, `to`, `following`, `release` and `artifact`.
pub(crate) static PROMOTE: BuiltInWorkflow = BuiltInWorkflow {
    name: "promote",
    event: "promotion",
    text: include_str!("../workflows/promote.yml"),
    definition: LazyLock::new(|| PROMOTE.read().definition),
};

static ALL: [&BuiltInWorkflow; 4] = [&DELIVER, &DEPLOY, &PROMOTE, &ROLLBACK];

impl BuiltInWorkflow {
    #[must_use]
    pub fn all() -> &'static [&'static Self] {
        &ALL
    }

    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|workflow| workflow.name == name)
    }

    pub(crate) fn definition(&self) -> Definition {
        self.definition.clone()
    }

    pub(crate) fn read(&self) -> Workflow {
        let read = read_with(&self.file(), self.text, |_| Found::Missing);
        read.expect("a test reads each of the files that are built in")
    }

    /// What stands for a path where there is none.
    pub(crate) fn file(&self) -> String {
        format!("(built in) {}.yml", self.name)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use serde_json::{Value as Json, json};
    use types::RunStatus;
    use workflow::expression::Value;
    use workflow::{Effect, Input, NothingLate, RunContext, State, StepResult, StepView, decide};

    use super::*;

    /// Carries every step out, and says which there were, where, and with what.
    fn rehearse(workflow: &BuiltInWorkflow, event: Json) -> (Vec<String>, RunStatus) {
        let event: Value = serde_json::from_value(event).unwrap();
        let context = RunContext {
            github: [("event", event)].into_iter().collect(),
            ..RunContext::default()
        };
        let mut state = State::new(Arc::new(workflow.definition()), Arc::new(context));
        let mut inputs = vec![Input::Start];
        let mut steps = Vec::new();
        while let Some(input) = inputs.pop() {
            for record in decide(&state, &input, Timestamp::UNIX_EPOCH).unwrap() {
                state.apply(&record);
                for effect in Effect::of(&record, &state) {
                    let Effect::Perform(task) = effect else { continue };
                    let view = StepView::of(&state, &task).unwrap();
                    let with = view.inputs(&NothingLate).unwrap();
                    let with = with.iter().map(|(name, value)| format!(" {name}={value}"));
                    let environment = view.environment().unwrap_or("-");
                    steps.push(format!("{environment} {}{}", task.uses, with.collect::<String>()));
                    let outputs = [("artifact".to_owned(), "sha256:1".to_owned())].into();
                    inputs.push(Input::Report {
                        job: task.job,
                        step: task.step,
                        attempt: task.attempt,
                        result: StepResult::succeeded(outputs),
                    });
                }
            }
        }
        (steps, state.status)
    }

    #[track_caller]
    fn assert_steps(workflow: &BuiltInWorkflow, event: Json, steps: &[&str]) {
        let steps = steps.iter().map(|&step| step.to_owned()).collect();
        assert_eq!(rehearse(workflow, event), (steps, RunStatus::Succeeded));
    }

    #[test]
    fn a_push_is_tested_built_and_deployed() {
        let steps = ["- solum/test", "- solum/build", "dev solum/deploy artifact=sha256:1"];
        let event = json!({ "environment": "dev", "following": [] });
        assert_steps(&DELIVER, event, &steps);
    }

    #[test]
    fn a_push_goes_on_to_what_is_promoted_automatically_one_after_the_other() {
        let steps = [
            "- solum/test",
            "- solum/build",
            "dev solum/deploy artifact=sha256:1",
            "test solum/deploy artifact=sha256:1",
            "stage solum/deploy artifact=sha256:1",
        ];
        let event = json!({ "environment": "dev", "following": ["test", "stage"] });
        assert_steps(&DELIVER, event, &steps);
    }

    #[test]
    fn a_promotion_deploys_the_release_and_goes_on() {
        let event =
            json!({ "from": "dev", "to": ["stage"], "following": ["load"], "release": "v2" });
        let steps = ["stage solum/deploy release=v2", "load solum/deploy release=v2"];
        assert_steps(&PROMOTE, event, &steps);
        let event = json!({ "from": "dev", "to": ["a", "b"], "following": [], "release": "v2" });
        let (mut steps, status) = rehearse(&PROMOTE, event);
        steps.sort();
        assert_eq!(steps, ["a solum/deploy release=v2", "b solum/deploy release=v2"]);
        assert_eq!(status, RunStatus::Succeeded);
    }

    #[test]
    fn a_deployment_takes_an_artifact_or_a_release() {
        let event = json!({ "environment": "dev", "artifact": "sha256:2" });
        assert_steps(&DEPLOY, event, &["dev solum/deploy artifact=sha256:2 release="]);
        let event = json!({ "environment": "prod", "release": "v3" });
        assert_steps(&DEPLOY, event, &["prod solum/deploy artifact= release=v3"]);
    }

    #[test]
    fn a_rollback_brings_a_pair_back() {
        let event = json!({ "environment": "dev", "release": "v2", "config_revision": "cfg_1" });
        let steps = ["dev solum/rollback config-revision=cfg_1 release=v2"];
        assert_steps(&ROLLBACK, event, &steps);
        let steps = ["dev solum/rollback config-revision= release=v2"];
        assert_steps(&ROLLBACK, json!({ "environment": "dev", "release": "v2" }), &steps);
    }

    #[test]
    fn each_is_for_the_event_that_it_waits_for_and_has_nothing_to_warn_of() {
        for workflow in BuiltInWorkflow::all() {
            let read = read_with(&workflow.file(), workflow.text, |_| Found::Missing).unwrap();
            assert_eq!(read.warnings, []);
            assert!(read.triggers.get(workflow.event).is_some(), "{}", workflow.name);
            assert_eq!(read.definition.name, workflow.name);
            assert!(std::ptr::eq(BuiltInWorkflow::named(workflow.name).unwrap(), *workflow));
        }
    }
}
