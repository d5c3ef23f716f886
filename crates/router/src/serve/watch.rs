//! Time limits. On every tick the watch looks at all connections of a worker and ends those that have been
//! in one state for too long. The hot path only sets flags; it neither reads a clock nor arms a timer.
//!
//! A limit is kept to within a tick, never early.

use std::time::{Duration, Instant};

use rustix::net::Shutdown;

use super::socket::{ClientSocket, UpstreamSocket};
use crate::config::Timeouts;
use crate::framing::Sending;
use crate::live::Phase;

const LONGEST_TICK: Duration = Duration::from_secs(1);
const SHORTEST_TICK: Duration = Duration::from_millis(10);

/// How often to look, so that the shortest of the limits is kept well.
pub(super) fn tick(timeouts: &Timeouts) -> Duration {
    let shortest = [
        timeouts.request_head,
        timeouts.idle,
        timeouts.stall,
        timeouts.response_head,
        timeouts.pooled,
    ]
    .into_iter()
    .min();
    shortest.map_or(LONGEST_TICK, |limit| (limit / 4).clamp(SHORTEST_TICK, LONGEST_TICK))
}

/// What the watch remembers of a client's connection.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct ClientWatch {
    state: ClientState,
    since: Option<Instant>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum ClientState {
    #[default]
    New,
    Idle {
        heads: u64,
    },
    /// The head of a request is under way.
    Head {
        heads: u64,
    },
    /// The client has to read, or to send, for things to go on.
    Stalled,
    /// Things go on, or it is not for the client to act.
    Busy,
}

impl ClientSocket {
    fn state(&self) -> ClientState {
        let framing = self.framing.borrow();
        let heads = framing.heads();
        match (framing.sending(), self.active()) {
            _ if self.write_blocked.get() => ClientState::Stalled,
            (Sending::Body, _) if self.read_blocked.get() => ClientState::Stalled,
            (_, 1..) => ClientState::Busy,
            (Sending::Head, 0) => ClientState::Head { heads },
            (Sending::Nothing | Sending::Body, 0) => ClientState::Idle { heads },
        }
    }

    /// Looks at the connection and ends it when it has used up its time.
    pub(super) fn look(&self, now: Instant, timeouts: &Timeouts) {
        if self.active() > 0 {
            self.attend();
        }
        let seen = self.watch.get();
        let state = self.state();
        let moved = self.progressed.replace(false);
        let since = match seen.since {
            // Byte after byte does not prolong a head.
            Some(since) if seen.state == state && !(moved && state == ClientState::Stalled) => {
                since
            }
            _ => now,
        };
        self.watch.set(ClientWatch { state, since: Some(since) });
        let lapsed = now.duration_since(since);
        match state {
            ClientState::Idle { .. } if lapsed >= timeouts.idle => self.end_idle(),
            ClientState::Head { .. } if lapsed >= timeouts.request_head => {
                self.last_words(
                    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                );
                self.shut_down(Shutdown::Both);
            }
            ClientState::Stalled if lapsed >= timeouts.stall => self.shut_down(Shutdown::Both),
            _ => {}
        }
    }

    /// Ends a connection with nothing under way, in the manner of its protocol.
    pub(super) fn end_idle(&self) {
        if self.active() > 0 || self.write_blocked.get() {
            return;
        }
        if self.is_http2.get() {
            self.wind_up.notify_one();
        } else if self.framing.borrow().sending() == Sending::Nothing {
            self.shut_down(Shutdown::Read);
        }
    }
}

/// What the watch remembers of a connection to an instance.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct UpstreamWatch {
    exchange: u64,
    since: Option<Instant>,
}

impl UpstreamSocket {
    /// Ends the connection when its answer does not come, or when its instance's drain is over.
    pub(super) fn look(&self, now: Instant, timeouts: &Timeouts) {
        if self.instance.phase() == Phase::Cut {
            self.shut_down();
            return;
        }
        let moved = self.progressed.replace(false);
        if !self.waiting.get() {
            return;
        }
        let seen = self.watch.get();
        let exchange = self.exchanges.get();
        let since = match seen.since {
            Some(since) if seen.exchange == exchange && !moved => since,
            _ => now,
        };
        self.watch.set(UpstreamWatch { exchange, since: Some(since) });
        if now.duration_since(since) >= timeouts.response_head {
            self.timed_out.set(true);
            self.shut_down();
        }
    }
}
