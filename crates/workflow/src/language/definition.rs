//! What a run is going to do: a workflow file, read and checked, with every action and called workflow in it. A
//! run stores this and never looks at a file again.
//!
//! Nothing in it has been evaluated. What may hold an expression is a [`Template`], which remembers where it stands,
//! so that an expression that fails while the run is under way is reported with its place.

use std::time::Duration;

use document::Place;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use types::Digest;

use super::origin::Origin;

/// A workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// The file that it was read from; every place in it is one of this file.
    pub file: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_name: Option<Template>,
    /// Of a called workflow what it takes from its caller; of a run's own what `workflow_dispatch` asks for, which a
    /// run that any other event started does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// What it gives when it is called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Output>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Variables,
    #[serde(default)]
    pub defaults: Defaults,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// Each after everything that it needs.
    pub jobs: Vec<Job>,
}

impl Definition {
    /// Names the definition, called workflows and actions included, by its content.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let text = serde_json::to_vec(self).expect("a definition has only text as keys");
        Digest::from_sha256(Sha256::digest(&text).into())
    }
}

/// Text that may hold `${{ … }}`.
///
/// `secrets` and `hashFiles` in a step's are evaluated by whoever carries the step out: the engine has neither.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    pub text: String,
    pub at: Place,
}

/// In the order in which they were written.
pub type Variables = Vec<(String, Template)>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default)]
    pub required: bool,
    pub kind: InputType,
    /// As text, whatever the type; an action's may hold expressions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Template>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputType {
    String,
    Boolean,
    Number,
    Choice { options: Vec<String> },
    Environment,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    pub name: String,
    pub value: Template,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defaults {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<Template>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<Template>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concurrency {
    pub group: Template,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_in_progress: Option<Template>,
    #[serde(default, skip_serializing_if = "Queue::is_single")]
    pub queue: Queue,
}

/// How many may wait in a concurrency group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Queue {
    /// One: a newer one takes the place of the one that waits, which is cancelled.
    #[default]
    Single,
    /// Up to a hundred, first come, first served.
    Max,
}

impl Queue {
    fn is_single(&self) -> bool {
        *self == Self::Single
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub key: String,
    pub at: Place,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Template>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// `if:`, an expression whether it stands in `${{ }}` or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Template>,
    /// Whose policy and secrets apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentUse>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Variables,
    #[serde(default)]
    pub defaults: Defaults,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Variables,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_minutes: Option<Template>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continue_on_error: Option<Template>,
    pub work: Work,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentUse {
    pub name: Template,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Template>,
}

/// What a job does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    Steps {
        runs_on: RunsOn,
        steps: Vec<Step>,
    },
    /// Another workflow.
    Call(Box<Call>),
}

/// Labels. `solum` alone means that there is no box: the job has only steps that the control plane carries out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunsOn {
    pub labels: Vec<Template>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// As it was written: `./.github/workflows/build.yml`.
    pub uses: String,
    pub workflow: Definition,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Variables,
    pub secrets: CallSecrets,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallSecrets {
    /// All of the caller's.
    Inherit,
    /// These, under these names; often none.
    Named(Variables),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Strategy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Matrix>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_fast: Option<Template>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_parallel: Option<Template>,
}

/// A matrix before it is expanded. Strings in its values may hold expressions, and where a list is wanted there may be
/// a string that is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matrix {
    /// `matrix: ${{ fromJSON(…) }}`
    Whole(Template),
    Axes {
        at: Place,
        axes: Vec<(String, Value)>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        include: Option<Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exclude: Option<Value>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its `id`, or a name that we gave it: unique among its siblings.
    pub key: String,
    /// Under which `steps` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub at: Place,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Template>,
    /// As a job's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Template>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Variables,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continue_on_error: Option<Template>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_minutes: Option<Template>,
    #[serde(default)]
    pub retry: Retry,
    /// Carried out, in reverse order of completion, if the run fails after this step has succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Box<Action>>,
    /// No step of a file is one: the environment that this step lets the job into. Carried out in jobs for that environment
    /// alone; where it does not succeed, no later step of the job is carried out, whatever its condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    pub action: Action,
}

/// How often a step may be tried, and how long to wait between two tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Tries in all; at least 1.
    pub attempts: u32,
    /// Before the second try; twice that before the third, and so on up to an hour.
    pub backoff: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 1, backoff: Duration::ZERO }
    }
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Run {
        script: Template,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shell: Option<Template>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        working_directory: Option<Template>,
    },
    /// `solum/<verb>`: the control plane carries it out, without a box.
    Verb {
        verb: String,
        with: Variables,
    },
    /// `actions/checkout` and the others that Solum brings: `name` is what stands before the `@`.
    BuiltIn {
        name: String,
        with: Variables,
    },
    Composite {
        with: Variables,
        action: Box<CompositeAction>,
    },
    JavaScript {
        with: Variables,
        action: Box<JavaScriptAction>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompositeAction {
    /// Its `action.yml`; every place below is one of this file. Its folder is the action's.
    pub file: String,
    #[serde(default, skip_serializing_if = "Origin::is_run")]
    pub origin: Origin,
    pub inputs: Vec<Input>,
    pub outputs: Vec<Output>,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JavaScriptAction {
    /// Its `action.yml`.
    pub file: String,
    #[serde(default, skip_serializing_if = "Origin::is_run")]
    pub origin: Origin,
    /// Where its files are, relative to the root of the repository that has them.
    pub directory: String,
    pub inputs: Vec<Input>,
    /// Those that it names; it may give others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    pub main: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_if: Option<Template>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_if: Option<Template>,
}
