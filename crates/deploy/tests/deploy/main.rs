//! The targets, tried for real. As root: that is how boxes are made for apps.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected has failed")]

mod boxes;
mod contract;
mod exec;
mod isolation;
mod layers;
mod lifecycle;
mod limits;
mod logs;
mod neighbours;
mod ready;
mod steps;
mod world;
