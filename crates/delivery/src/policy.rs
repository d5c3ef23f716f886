//! What lets a deployment into an environment: branches, the environment before it, approvals, soak time, freezes, holds, and one at a
//! time.
//!
//! [`admit`] names *everything* that stands in the way, not only the first thing, so that a plan can show all of it. Its facts
//! are handed in: who may be asked, which roles people have, and what was running where is not found out in here.
//! Which policy applies is not decided here either: a deployment is judged by the last landed one, and [`loosens`] says what
//! needs an owner in a new one.
//!
//! The invariant: a deployment is admitted if and only if nothing stands in its way, and whatever was passed over on the way
//! (a freeze by a rollback, a soak time by a bypass) is in [`Admission::audit`].

mod admission;
mod approvals;
mod branches;
mod freeze;
mod loosening;
mod queue;
mod soak;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use types::{EnvironmentName, Promote};

pub use admission::{
    Admission, Audit, Blocker, Bypass, Facts, Hold, Kind, Lock, Outcome, Previous, Request, Rule,
    State, admit,
};
pub use approvals::{Approvals, Approver, Ignored, Standing, Tally, Vote};
pub use branches::{Branches, InvalidPattern};
pub use freeze::{Freeze, FreezeEnd, InvalidFreeze, frozen};
pub use loosening::{Loosening, loosens};
pub use queue::{Kept, Turn, Waiting, next};
pub use soak::{Health, healthy_since};

/// The role that may bypass a rule and loosen a policy.
pub const OWNER: &str = "owner";

/// What an environment asks of what is to run in it. The default asks for nothing but its turn.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The environment in which a release has to have been healthy first.
    pub after: Option<EnvironmentName>,
    /// Whether a release comes by itself or is brought by a person.
    pub promote: Promote,
    /// For how long it has to have been healthy there.
    pub soak: Duration,
    pub approvals: Option<Approvals>,
    /// Which branches' releases may come; all without.
    pub branches: Option<Branches>,
    pub freeze: Vec<Freeze>,
    /// What a freeze stops: with `true`, a rollout under way too, which holds still; with `false`, only what has not begun.
    pub freeze_holds_rollouts: bool,
    pub queue: Kept,
}
