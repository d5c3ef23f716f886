//! What a person watches while work goes on.

use std::fmt::Debug;

/// Takes the lines that a run shows to whoever watches it. How they look is decided where they are
/// rendered; whoever calls says only what they are. Calls never block and never fail: a sink that is full or has
/// nobody behind it drops lines and says so once.
pub trait Transcript: Debug + Send + Sync {
    /// A new part of the work begins: `Installing dependencies`.
    fn step(&self, title: &str);

    /// One line without its newline, ours or a tool's.
    fn line(&self, text: &str);

    /// Something the reader should act on, though the work goes on.
    fn warning(&self, text: &str);
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTranscript;

impl Transcript for NoTranscript {
    fn step(&self, _: &str) {}
    fn line(&self, _: &str) {}
    fn warning(&self, _: &str) {}
}
