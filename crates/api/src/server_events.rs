//! The names of server-sent events (WHATWG HTML, section 9.2) in live feeds.
//!
//! A feed's events carry ids; a client that was cut off sends the last one as `Last-Event-ID` and misses nothing.

/// What was written: [`crate::logs::LogLine`] or [`crate::runs::RunLog`].
pub const LOG: &str = "log";
/// A run's state changed: [`crate::runs::Run`].
pub const STATE: &str = "state";
/// What a run is made of has changed: [`crate::runs::RunDetail`].
pub const JOBS: &str = "jobs";
/// The feed is complete: the final [`crate::runs::RunDetail`] of a watched run, `{}` otherwise. A feed that stops without
/// it was cut off.
pub const END: &str = "end";
/// The feed cannot go on: [`crate::Problem`].
pub const PROBLEM: &str = "problem";

/// The media type of a feed.
pub const MEDIA_TYPE: &str = "text/event-stream";
/// Header of a request that goes on after an event.
pub const LAST_EVENT_ID_HEADER: &str = "last-event-id";
/// A silent feed carries a comment at least this often, so that either end notices when the other is gone.
pub const KEEP_ALIVE: std::time::Duration = std::time::Duration::from_secs(15);
