//! The workflow language: GitHub Actions' grammar, and what Solum adds for delivery.
//!
//! [`read`] turns a file, and the actions and workflows that it leads to, into a [`Definition`], or says everything that
//! is wrong with it, each with file, line, column and the words to mend it. `docs/workflows.md` is the language's
//! documentation; its tables are those in `keys`, `events`, `slots` and `verbs`.
//!
//! It opens no file, evaluates no expression and knows nothing of machines: which labels `runs-on` may have, which
//! environments and which secrets there are is for its caller to say.
//!
//! The invariant: what a [`Definition`] holds has been checked, and nothing in a file was passed over. A key is read, or
//! has no effect for a reason that the documentation gives, or is a mistake.

mod actions;
mod calls;
mod check;
mod definition;
mod duration;
mod events;
mod fields;
mod graph;
mod inputs;
mod jobs;
mod keys;
mod known;
mod legs;
mod matrix;
mod names;
mod on;
mod order;
mod origin;
mod page;
mod pattern;
mod permissions;
mod reader;
mod scalars;
mod schedule;
mod slots;
mod sources;
mod steps;
#[cfg(test)]
mod tests;
mod triggers;
mod uses;
mod values;
mod verbs;
mod workflow;

pub use definition::{
    Action, Call, CallSecrets, CompositeAction, Concurrency, Defaults, Definition, EnvironmentUse,
    Input, InputType, JavaScriptAction, Job, Matrix, Output, Queue, Retry, RunsOn, Step, Strategy,
    Template, Variables, Work,
};
pub use document::{Mistake, Place};
pub use duration::parse as parse_duration;
pub use events::{EVENTS, EventKind, REFUSED_EVENTS};
pub use graph::{Graph, GraphJob, Legs, graph};
pub use inputs::given_inputs;
pub use keys::{BUILT_IN, BuiltIn, Key, REFUSALS, Refusal, SECTIONS, Section, Support};
pub use legs::{Leg, MAX_LEGS, MatrixError, legs};
pub use origin::Origin;
pub use page::SecretUse;
pub use reader::{Reading, Refused, Workflow, read, read_with};
pub use schedule::Schedule;
pub use slots::{SLOTS, Slot};
pub use sources::{Found, Sources, Wanted};
pub use triggers::{Event, Filter, Match, Trigger, Triggers, matches};
pub use verbs::{InputKind, VERBS, Verb, VerbInput};
