//! What a push is to whoever decides on it: the contract between hosted git and the control plane.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use types::{Actor, AppName, CommitId};

pub use talk::PushTalk;

pub(crate) mod talk;

/// One ref that a push asks to move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefUpdate {
    /// In full: `refs/heads/main`.
    pub name: String,
    /// What the client saw there; `None` if it creates the ref.
    pub old: Option<CommitId>,
    /// Where it is to point, which for a tag may be a tag object; `None` if it deletes the ref.
    pub new: Option<CommitId>,
    /// Whether nothing is lost: `new` comes after `old`, or there was no `old`. Never true of a deletion.
    pub fast_forward: bool,
}

impl RefUpdate {
    /// The name of the branch, if it is one.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.name.strip_prefix("refs/heads/")
    }
}

/// A push whose objects have arrived and wait in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    pub app: AppName,
    pub actor: Actor,
    pub updates: Vec<RefUpdate>,
    /// What its objects take up on the disk.
    pub quarantine_bytes: u64,
}

/// A push that was admitted; its objects are in the repository, but nothing there refers to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub app: AppName,
    pub actor: Actor,
    pub updates: Vec<RefUpdate>,
    /// `git push -o`, in order.
    pub options: Vec<String>,
    /// All refs are to move or none.
    pub atomic: bool,
}

/// Why a push is not let in: what the person at the other end reads, with what to do about it. It may have
/// several lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub message: String,
}

/// What became of one ref.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefOutcome {
    /// Git is to move it now.
    Accept,
    /// The control plane has moved it.
    Moved,
    /// It stays where it is. One line, which git shows behind the name of the ref.
    Refused(String),
    /// It stays where it is, and another one has moved in its place.
    Renamed { to: String, old: Option<CommitId>, new: CommitId },
}

/// Decides on pushes. Both calls are made from tasks of the hook server, for several pushes at once.
#[async_trait]
pub trait PushHandler: Send + Sync + 'static {
    /// Decides what needs no run: authorisation, quota, fast-forward. Called in git's `pre-receive`; what it
    /// refuses leaves nothing behind. It has [`ADMIT_TIMEOUT`](crate::ADMIT_TIMEOUT).
    async fn admit(&self, push: &Incoming) -> Result<(), Rejection>;

    /// Takes a push and says, when that is known, what became of each of its refs, in their order. It may take
    /// as long as it likes, and goes on when the client hangs up, which [`PushTalk::closed`] tells.
    async fn receive(&self, push: Received, talk: PushTalk) -> Vec<RefOutcome>;
}
