//! Where code comes in: git repositories that are hosted here, served over smart HTTP.
//!
//! Git itself does the work. This crate starts it, feeds it, bounds it, and asks a [`PushHandler`] what is to become
//! of a push; it knows nothing of runs, releases or deployments.
//!
//! The invariant: a ref moves only by a compare-and-swap, after the handler has agreed. When the server dies in the middle
//! of a push, the repository holds at worst objects that nothing refers to, which git collects, and pins, which the
//! control plane sweeps.

mod checkout;
mod error;
mod git;
pub mod hook;
mod hook_server;
mod http;
mod mirror;
mod push;
mod pushes;
mod repositories;

pub use checkout::{CheckoutError, CheckoutWarning, History, SubmoduleProblem};
pub use error::Error;
pub use git::{Git, GitConfig, GitVersion, InvalidGitVersion};
pub use hook_server::{ADMIT_TIMEOUT, HookServer};
pub use http::{Body, GitHttp, GitHttpConfig};
pub use mirror::{
    ActionRepository, Evicted, InvalidMirror, Mirror, MirrorBase, MirrorConfig, MirrorError, Room,
};
pub use push::{Incoming, PushHandler, PushTalk, Received, RefOutcome, RefUpdate, Rejection};
pub use pushes::Pushes;
pub use repositories::{
    Advance, CommitInfo, EntryKind, FolderEntry, PushedCommit, Repositories, RepositoriesConfig,
    Signature, change_ref, check_branch,
};
