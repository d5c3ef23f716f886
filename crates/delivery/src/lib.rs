//! How a release reaches users: which side of a rollout a user belongs to ([`split`]), and whether the canary does worse
//! than what it replaces ([`judge`]); and before that, what a deployment waits for ([`policy`]).
//!
//! What this crate is not: it performs no I/O, reads no clock and knows no async. Time, counts and facts are
//! handed in; what comes out is a decision with the figures that it was made from.
//!
//! The invariant: the same input gives the same answer, in every process and on every machine.

pub mod judge;
pub mod policy;
pub mod split;
