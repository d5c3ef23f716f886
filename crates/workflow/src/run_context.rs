//! What a run knows of the world it was started in, pinned when it was recorded.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use types::{Actor, RunId};

use crate::contexts::Contexts;
use crate::expression::{Object, Value, render};
use crate::input::Failure;
use crate::language::Definition;
use crate::state::State;

/// The contexts that do not change while a run goes on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunContext {
    /// An object: `github`, and its twin `solum`; without what belongs to a job (`job`, `action`).
    #[serde(default)]
    pub github: Value,
    /// `runner`, as far as it is known beforehand: `os`, `arch`, `name`.
    #[serde(default)]
    pub runner: Value,
    /// `inputs` of a run that was dispatched; typed.
    #[serde(default)]
    pub inputs: Value,
    /// `vars` outside of any environment.
    #[serde(default)]
    pub vars: BTreeMap<String, String>,
    /// What each environment sets or replaces of them.
    #[serde(default)]
    pub environment_vars: BTreeMap<String, BTreeMap<String, String>>,
    /// Who started it, for approvals that may not be the author's.
    #[serde(default)]
    pub author: Option<Actor>,
    /// Whether what it runs came from where only trusted people can put it. Secrets are for such runs alone.
    #[serde(default)]
    pub trusted: bool,
}

impl RunContext {
    /// What started the run: `push`.
    #[must_use]
    pub fn event_name(&self) -> Option<String> {
        Some(self.github.as_object()?.get("event_name")?.to_text().into_owned())
    }

    /// The same for another attempt of the run, which somebody asked for.
    #[must_use]
    pub fn for_attempt(&self, attempt: u32, by: &Actor) -> Self {
        let mut context = self.clone();
        if let Value::Object(github) = &self.github {
            let mut github = Object::clone(github);
            github.insert("run_attempt", attempt.to_string());
            github.insert("triggering_actor", by.to_string());
            context.github = github.into();
        }
        context
    }

    /// Writes into `github` which run it is: the `number`-th of its workflow, unless it keeps the number that stands there.
    /// A context without a `github` stays without.
    pub fn set_run(&mut self, id: RunId, number: Option<u64>, attempt: u32) {
        let Value::Object(github) = &self.github else { return };
        let mut github = Object::clone(github);
        github.insert("run_id", id.to_string());
        github.insert("run_attempt", attempt.to_string());
        if let Some(number) = number {
            github.insert("run_number", number.to_string());
        }
        self.github = github.into();
    }
}

/// What a run of the definition is called by its `run-name`, if it has one.
pub fn title(
    definition: &Arc<Definition>,
    context: &Arc<RunContext>,
) -> Result<Option<String>, Failure> {
    let state = State::new(Arc::clone(definition), Arc::clone(context));
    let here = Contexts::of_workflow(&state, 0);
    let name = definition.run_name.as_ref();
    name.map(|name| render(name, &here).map_err(|error| here.failure(&error))).transpose()
}
