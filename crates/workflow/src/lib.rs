//! The workflow engine, as a pure state machine over a journal.
//!
//! [`decide`] looks at a run's [`State`] and one [`Input`] and says which [`Record`]s follow;
//! [`State::apply`] is the only thing that changes a state, one record at a time. Whoever stores the
//! journal replays it with `apply` alone: what was decided once is never decided again, so a newer
//! engine cannot rewrite an older run's history.
//!
//! What this crate is not: it does no I/O, reads no clock, draws no random numbers, and knows nothing
//! of apps, artifacts or deployments. Work leaves as an [`Effect`] of a record and comes back as
//! [`Input::Report`], which carries the attempt it belongs to; a report of an attempt that is not the
//! current one is refused.
//!
//! The invariant: for every state that `apply` can reach, each job is pending, running or done, a
//! running job has exactly one current step, and a run with a final status accepts no input at all.

mod check;
mod decide;
mod definition;
mod effect;
pub mod expression;
mod input;
pub mod language;
mod record;
mod state;

pub use check::Mistake;
pub use decide::decide;
pub use definition::{Definition, Job, Retry, Step, Value};
pub use effect::{Effect, StepTask};
pub use input::{Failure, Input, Refused, StepResult};
pub use record::{Conclusion, Record};
pub use state::{JobPhase, JobState, State, StepPhase, StepState};
