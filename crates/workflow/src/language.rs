//! The workflow language: GitHub Actions' grammar, and what Solum adds for delivery.

mod definition;

pub use definition::{
    Action, Call, CallSecrets, CompositeAction, Concurrency, Defaults, Definition, EnvironmentUse,
    Input, InputType, JavaScriptAction, Job, Matrix, Origin, Output, Queue, Retry, RunsOn, Step,
    Strategy, Template, Variables, Work,
};
