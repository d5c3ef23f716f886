//! Rehearsals: a workflow run by the real engine in virtual time, with outcomes that a scenario states, and what it
//! expects checked on the way. `docs/workflows.md` has the grammar.
//!
//! What it is not: it carries nothing out. It opens no file, asks no store, no clock and no network; what is known only
//! where a step is carried out (secrets, the digest of files) is what the scenario says, or made up, and always the same.
//!
//! The invariant: the same scenario and workflow give the same story, on every machine. Time passes in `after`, in `by`,
//! and before a bare `expect`, which waits until nothing goes on by itself; nowhere else.
//!
//! A scenario that cannot be read is told with its places. An expectation that does not hold ends the rehearsal with
//! its line, what was expected, what was there, and what happened last.

mod attempt;
mod event;
mod expectation;
mod groups;
mod lines;
mod outcome;
mod performance;
mod person;
mod reader;
mod rules;
mod run;
mod scenario;
mod script;
mod story;
mod surroundings;

pub(crate) use event::Start;
pub use reader::read;
pub(crate) use run::{Run, Until};
pub use scenario::Scenario;
pub use script::{Broken, Rehearsal, rehearse};
