//! Many clients at once, and the word of each of them on what it got.
//!
//! Two kinds: some keep one connection for all their requests, some open one for each. A request that
//! gets no whole 2xx answer is a failure, and nothing is asked twice: a kept connection that the
//! server closed without having said so costs a failure too. A new connection is opened without
//! a failure only after an answer that said `Connection: close`.

mod tally;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::http::{Connection, Request, Response};
use crate::wait_until;
use tally::{Stop, Tally};

pub use tally::LoadReport;

/// Who asks, what and how often.
#[derive(Debug, Clone)]
pub struct LoadPlan {
    /// Clients that keep their connection.
    pub keep_alive: usize,
    /// Clients that open a connection for each request.
    pub per_request: usize,
    /// From one request of a client to its next.
    pub pace: Duration,
    /// How long a client waits for an answer.
    pub patience: Duration,
    pub path: String,
}

impl Default for LoadPlan {
    fn default() -> Self {
        Self {
            keep_alive: 32,
            per_request: 8,
            pace: Duration::from_millis(20),
            patience: Duration::from_secs(30),
            path: "/".to_owned(),
        }
    }
}

/// Clients at work. They end when it is dropped.
#[derive(Debug)]
pub struct Load {
    stop: Arc<Stop>,
    tally: Arc<Tally>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts the clients of `plan`; they ask `address` for `host`.
    #[must_use]
    pub fn start(address: SocketAddr, host: &str, plan: &LoadPlan) -> Self {
        let stop = Arc::new(Stop::default());
        let tally = Arc::new(Tally::default());
        let all = plan.keep_alive + plan.per_request;
        let clients = (0..all)
            .map(|number| {
                let client = Client {
                    number,
                    keeps: number < plan.keep_alive,
                    address,
                    host: host.to_owned(),
                    plan: plan.clone(),
                    tally: Arc::clone(&tally),
                };
                let stop = Arc::clone(&stop);
                std::thread::spawn(move || client.work(&stop))
            })
            .collect();
        Self { stop, tally, clients }
    }

    /// How it went so far.
    #[must_use]
    pub fn report(&self) -> LoadReport {
        self.tally.report()
    }

    /// Waits until `count` more requests have been answered or have failed.
    ///
    /// # Errors
    /// When that takes longer than `within`.
    pub fn wait_for(&self, count: u64, within: Duration) -> Result<()> {
        let goal = self.report().requests + count;
        wait_until(&format!("{count} more requests"), within, || {
            (self.report().requests >= goal).then_some(())
        })
    }

    /// Lets each client end its request, and gives the sum.
    #[must_use]
    pub fn stop(mut self) -> LoadReport {
        self.end();
        self.report()
    }

    fn end(&mut self) {
        self.stop.ask();
        for client in self.clients.drain(..) {
            if client.join().is_err() {
                self.tally.failed("a client of the load generator panicked".to_owned());
            }
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.end();
    }
}

struct Client {
    number: usize,
    keeps: bool,
    address: SocketAddr,
    host: String,
    plan: LoadPlan,
    tally: Arc<Tally>,
}

impl Client {
    fn work(&self, stop: &Stop) {
        let all = u32::try_from(self.plan.keep_alive + self.plan.per_request).unwrap_or(u32::MAX);
        // Spread over the first round, so that they do not all ask at the same moment.
        let offset = self.plan.pace * u32::try_from(self.number).unwrap_or(0) / all.max(1);
        let mut due = Instant::now() + offset;
        let mut kept = None;
        while !stop.wait_until(due) {
            due = Instant::now().max(due + self.plan.pace);
            self.ask(&mut kept);
        }
    }

    fn ask(&self, kept: &mut Option<Connection>) {
        let asked = Instant::now();
        match self.answer(kept) {
            Ok(response) if (200..300).contains(&response.status) => {
                self.tally.answered(&response, asked.elapsed());
            }
            Ok(response) => {
                let words: String = response.text().chars().take(300).collect();
                self.failed(&format!("answer {}: {words}", response.status), asked);
            }
            Err(error) => self.failed(&error.to_string(), asked),
        }
    }

    fn answer(&self, kept: &mut Option<Connection>) -> std::io::Result<Response> {
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Connection::open(self.address, self.plan.patience)
                .map_err(|error| std::io::Error::new(error.kind(), format!("connect: {error}")))?,
        };
        let request = Request::get(&self.host, &self.plan.path);
        let response = connection.send(&request, !self.keeps)?;
        if connection.is_open() {
            *kept = Some(connection);
        }
        Ok(response)
    }

    fn failed(&self, what: &str, asked: Instant) {
        let kind = if self.keeps { "keep-alive" } else { "connection per request" };
        let after = asked.elapsed();
        self.tally.failed(format!("client {} ({kind}), after {after:.0?}: {what}", self.number));
    }
}

#[cfg(test)]
mod tests;
