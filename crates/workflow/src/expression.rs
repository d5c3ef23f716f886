//! GitHub Actions' expressions: `${{ … }}` in the text of a workflow file, and `if:`.
//!
//! [`render`], [`value`], [`boolean`], [`number`] and [`condition`] evaluate a [`Template`](crate::language::Template)
//! over a [`Scope`], which answers for contexts, for how things stand (`success()`) and for `hashFiles`. [`check`] finds
//! what can be found without running, and [`references`] says what a template leans on.
//!
//! The parser is a library's. What values are, how they are compared, converted and printed, and what functions give
//! follows GitHub's runner (its `Expressions2`), where its documentation is silent too.
//!
//! It reads no clock and no file, and keeps nothing between two calls.
//!
//! The invariant: an expression costs a bounded amount of memory, time and stack, whatever it says and whatever the
//! contexts hold (`syntax` and `limits`). What fails says where, in the words of the expression; no value of a
//! context ever stands in an error, because it might be a secret.

mod check;
mod compare;
mod error;
mod evaluate;
mod functions;
mod index;
mod json;
mod limits;
mod number;
mod object;
mod references;
mod render;
mod scope;
mod syntax;
mod template;
#[cfg(test)]
mod tests;
mod value;

pub use check::{Allowed, Finding, Known, Names, Severity, Unchecked, check};
pub use error::{EvaluationError, Problem};
pub use functions::Function;
pub use object::Object;
pub use references::{References, references};
pub use render::{boolean, condition, number, render, value};
pub use scope::{HashFilesError, Scope, Status};
pub use template::Form;
pub use value::Value;

/// Every context that GitHub knows, and `solum`, the twin of `github`.
pub const CONTEXTS: [&str; 13] = [
    "github", "solum", "env", "vars", "secrets", "inputs", "needs", "jobs", "steps", "strategy",
    "matrix", "runner", "job",
];
