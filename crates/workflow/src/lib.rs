//! Workflows: the language that users write them in, and the engine that runs them, as a pure state machine over a
//! journal.
//!
//! [`decide`] looks at a run's [`State`] and one [`Input`] and says which [`Record`]s follow;
//! [`State::apply`] is the only thing that changes a state, one record at a time. Whoever stores the
//! journal replays it with `apply` alone: what was decided once is never decided again, so a newer
//! engine cannot rewrite an older run's history. Expressions are evaluated by `decide` only; what they gave stands in the
//! records.
//!
//! What this crate is not: it does no I/O, reads no clock, draws no random numbers, and knows nothing
//! of apps, artifacts or deployments. Work leaves as an [`Effect`] of a record and comes back as
//! [`Input::Report`], which carries the attempt it belongs to; a report of an attempt that is not the
//! current one is refused. Secrets and files are with whoever carries a step out, who has its keys evaluated late, by
//! [`StepView`].
//!
//! The invariants, for every state that `apply` can reach by the records of `decide`: each job is pending, running, skipped
//! or done; a running leg has exactly one open step (in a composite action: that action, and one in it), or a called
//! workflow that has not ended; a run that has not ended has something under way or waits for somebody; a run with
//! a final status accepts no input at all; and the journal of one run is bounded.
//!
//! When an expression or anything else that a user wrote fails while a run is under way, the step or job that it belongs
//! to fails with the place in the file. Nothing panics, and nothing hangs.

mod contexts;
mod decide;
mod effect;
pub mod expression;
mod input;
pub mod language;
mod limits;
mod matrix;
mod plan;
mod record;
mod rerun;
mod run_context;
mod state;
mod step_view;

pub use contexts::{Late, NothingLate};
pub use decide::decide;
pub use effect::{Claim, Effect, EffectClass, StepTask, StopTask, Timer, TimerKind, uses};
pub use input::{
    Decision, Failure, Input, Produced, Refused, SEALED, Signal, StepResult, WaitTarget,
};
pub use record::{Conclusion, LegPlan, Record, Reused, Stop, Terms, Wait};
pub use rerun::carried_over;
pub use run_context::{RunContext, title};
pub use state::{JobPhase, JobState, LegPhase, LegState, Stage, State, StepPhase, StepState};
pub use step_view::{Script, StepView};
