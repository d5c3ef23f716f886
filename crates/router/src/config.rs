//! What a router is started with. Every bound has a default that suits one machine.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Config {
    /// Holds the routing table and the control sockets; made with mode 0700 when it is missing.
    pub directory: PathBuf,
    /// Where clients connect. With port 0 a router takes over the address of the one that runs, or
    /// a free port when none does.
    pub listen: SocketAddr,
    /// Threads that serve requests.
    pub workers: usize,
    pub timeouts: Timeouts,
    pub limits: Limits,
}

#[derive(Debug, Clone)]
pub struct Timeouts {
    /// A client that has begun a request sends the whole head within this time.
    pub request_head: Duration,
    /// A connection with nothing under way is closed after this time.
    pub idle: Duration,
    /// No byte of a body could be read from a client, or written to it, for this long.
    pub stall: Duration,
    /// An instance accepts a connection within this time.
    pub connect: Duration,
    /// An instance sends the head of its answer within this time, counted from the last byte that
    /// the client sent.
    pub response_head: Duration,
    /// A pooled connection to an instance is used again only within this time. It is below what
    /// common servers allow (gunicorn: 2 s, Node: 5 s), so that an instance never closes a connection
    /// at the moment when a request goes out on it.
    pub pooled: Duration,
    /// A request waits this long for an instance on a route that holds.
    pub hold: Duration,
    /// The closing handshake of a WebSocket whose instance is being drained.
    pub websocket_close: Duration,
    /// How long a stopping router waits for what is in flight.
    pub stop: Duration,
}

#[derive(Debug, Clone)]
pub struct Limits {
    /// Client connections of one generation; further ones wait in the kernel's queue. It is lowered to what the
    /// limit of open files allows.
    pub connections: usize,
    /// Bytes of a request's line and headers; beyond it the answer is 431. (The number of headers is
    /// bounded by hyper: 100.)
    pub request_head: usize,
    /// Bytes that are buffered per connection and direction.
    pub buffer: usize,
    /// Requests that may wait at a time on routes that hold.
    pub held: usize,
    /// Idle connections that a worker keeps to one instance.
    pub pooled: usize,
    /// Concurrent streams of an HTTP/2 connection.
    pub streams: u32,
}

impl Config {
    #[must_use]
    pub fn new(directory: PathBuf, listen: SocketAddr) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            directory,
            listen,
            workers: (cores / 2).clamp(1, 8),
            timeouts: Timeouts::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            request_head: Duration::from_secs(15),
            idle: Duration::from_secs(75),
            stall: Duration::from_secs(60),
            connect: Duration::from_secs(3),
            response_head: Duration::from_secs(120),
            pooled: Duration::from_millis(1500),
            hold: Duration::from_secs(60),
            websocket_close: Duration::from_secs(5),
            stop: Duration::from_secs(10),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            request_head: 32 * 1024,
            buffer: 64 * 1024,
            held: 1024,
            pooled: 128,
            streams: 128,
        }
    }
}
