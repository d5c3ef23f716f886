//! Files that people write, with the place of everything in them, so that a mistake can be told with file, line and
//! column.
//!
//! It knows nothing of what a file means. Whoever reads one of a certain kind (a manifest, a workflow) walks the
//! tree and collects [`Mistake`]s.

mod mistake;
mod tree;

pub use mistake::{Mistake, Place, suggestion};
pub use tree::{Entry, MAX_BYTES, Node, Scalar, Value};
