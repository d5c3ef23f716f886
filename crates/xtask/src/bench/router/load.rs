//! wrk against a proxy, and what came of it.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use testkit::command;

use super::instance::LOAD_CORE;
use super::process::pinned;
use super::proxies::{HOST, Proxy};

/// What wrk may take beyond its span.
const MARGIN: Duration = Duration::from_secs(30);
/// The pause between two requests of one connection when the rate is given. wrk counts it in milliseconds.
const PAUSE_MS: f64 = 10.0;
/// Errors that are left out of account: a connection may be cut when wrk ends.
const TOLERATED: f64 = 0.001;

#[derive(Debug)]
pub(super) struct Load {
    pub(super) path: &'static str,
    pub(super) keeps_alive: bool,
    pub(super) span: Duration,
}

#[derive(Debug)]
pub(super) struct Outcome {
    /// Requests per second.
    pub(super) rate: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// CPU-seconds of the proxy for 100,000 requests.
    pub(super) cpu_per_100k: f64,
}

/// What the script below prints.
#[derive(Debug, Deserialize)]
struct Summary {
    requests: u64,
    errors: u64,
    duration_us: f64,
    p50_us: f64,
    p99_us: f64,
}

/// At the end; answers other than 2xx and 3xx are errors too.
const DONE: &str = r#"
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"errors":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, e.connect + e.read + e.write + e.status + e.timeout,
    summary.duration, latency:percentile(50), latency:percentile(99)))
end
"#;

impl Load {
    /// As fast as the proxy can.
    pub(super) fn full(&self, proxy: &Proxy, connections: usize) -> Result<Outcome> {
        self.run(proxy, connections, DONE)
    }

    /// About `rate` requests per second: each connection pauses for a random time between its requests.
    pub(super) fn at_rate(&self, proxy: &Proxy, rate: f64) -> Result<Outcome> {
        let connections = (rate * PAUSE_MS / 1000.0).round().max(1.0);
        let pause = format!(
            "math.randomseed(os.time())\nfunction delay() return math.random(0, {}) end\n{DONE}",
            2.0 * PAUSE_MS
        );
        self.run(proxy, connections as usize, &pause)
    }

    fn run(&self, proxy: &Proxy, connections: usize, script: &str) -> Result<Outcome> {
        let mut file = tempfile::Builder::new().suffix(".lua").tempfile()?;
        file.write_all(script.as_bytes())?;
        let seconds = self.span.as_secs().to_string();
        let (connections, url) =
            (connections.to_string(), format!("http://{}{}", proxy.address, self.path));
        let mut wrk = pinned(LOAD_CORE, "wrk");
        wrk.args(["--threads", "1", "--connections", &connections, "--duration", &seconds]);
        wrk.args(["--header", &format!("Host: {HOST}"), "--latency", "--script"]).arg(file.path());
        if !self.keeps_alive {
            wrk.args(["--header", "Connection: close"]);
        }
        wrk.arg(url);
        let before = proxy.process.cpu_seconds()?;
        let finished = command::run(&mut wrk, self.span + MARGIN)?.require()?;
        let cpu = proxy.process.cpu_seconds()? - before;
        let summary = summary(&finished.stdout)?;
        let requests = summary.requests as f64;
        ensure!(
            summary.errors as f64 <= requests * TOLERATED && summary.requests > 0,
            "{} of {} requests failed",
            summary.errors,
            summary.requests
        );
        Ok(Outcome {
            rate: requests / (summary.duration_us / 1e6),
            p50_ms: summary.p50_us / 1000.0,
            p99_ms: summary.p99_us / 1000.0,
            cpu_per_100k: cpu * 100_000.0 / requests,
        })
    }
}

fn summary(output: &str) -> Result<Summary> {
    let line = output.lines().rfind(|line| line.starts_with('{')).context("wrk gave no summary")?;
    serde_json::from_str(line).context("wrk's summary cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_found_behind_what_wrk_says() {
        let output = "Running 4s test @ http://x\n  {odd}\n\n\
            {\"requests\":10,\"errors\":1,\"duration_us\":2000000,\"p50_us\":150,\"p99_us\":900}\n";
        let summary = summary(output).unwrap();
        assert_eq!((summary.requests, summary.errors), (10, 1));
        assert!(super::summary("Running\n").is_err());
    }
}
