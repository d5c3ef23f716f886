//! The targets, tried for real. As root: that is how boxes are made for apps.

mod boxes;
mod contract;
mod exec;
mod isolation;
mod layers;
mod lifecycle;
mod limits;
mod logs;
mod ready;
mod world;
