//! From a source tree to an artifact, and the store that artifacts live in.
//!
//! * [`Builder`] plans a checked-out tree by its files, tests it, and builds it into a bundle. Whatever comes out of
//!   the repository runs in a box that is passed in ([`Boxes`]).
//! * [`Builder::import`] makes somebody else's archive a bundle, without running anything.
//! * [`ArtifactStore`] keeps bundles by digest, as an OCI image layout.
//! * [`manifest_schema`] describes `solum.yaml` to editors; its reader is behind [`Builder::plan`].
//!
//! * [`static_site`] is the server that bundles of static files run.
//!
//! What it is not: it neither checks out commits nor starts apps, and it knows nothing of releases.
//!
//! The invariant: a bundle that was returned is in the store whole, and would be after a power failure. When something
//! fails, the store has at most a few blobs more that nobody needs, which the next collection removes.

mod blocking;
mod boxes;
mod builder;
mod buildpack;
mod import;
mod languages;
mod layer;
mod manifest;
mod plan;
mod source;
mod stack;
pub mod static_site;
mod store;
mod tools;
mod versions;

pub use boxes::{Bind, BoxCommand, BoxError, BoxExit, Boxes};
pub use builder::{BuildError, Builder, BuilderConfig, Stage, Tested, Workspace};
pub use document::{Mistake, Place};
pub use import::ImportError;
pub use layer::PackError;
pub use manifest::{MANIFEST_FILE, Outline, manifest_schema, outline};
pub use plan::{Language, Plan, PlanError};
pub use stack::machine_stack;
pub use store::{ArtifactStore, Collected, StoreError, Usage};
pub use tools::default_rust_toolchain;
