//! `cargo xtask bench router`: the router beside nginx and HAProxy as proxies, in one run.
//!
//! Each proxy has one worker pinned to the first core; the load (wrk) and the instance behind (nginx) share
//! the second. All three do the same work: a pool of connections to the instance, forwarding headers of their
//! own in place of the client's, a request id, time limits, counters, no log. A case is measured at full load for
//! throughput and CPU, and at half of what the slowest proxy can carry for latency. Rounds alternate
//! between the proxies, so that a disturbance hits all of them; what is printed is the median.

mod instance;
mod load;
mod process;
mod proxies;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use self::instance::Instance;
use self::load::{Load, Outcome};
use self::proxies::{Kind, Proxy};
use super::program;

/// Connections at full load: enough to keep a proxy busy all the time.
const CONNECTIONS: usize = 64;

#[derive(Debug)]
struct Options {
    solum: Option<PathBuf>,
    rounds: usize,
    span: Duration,
}

/// One way to use a proxy.
struct Case {
    name: &'static str,
    path: &'static str,
    keeps_alive: bool,
}

const CASES: [Case; 3] = [
    Case { name: "keep-alive, 1 KiB", path: "/1k", keeps_alive: true },
    Case { name: "a connection per request, 1 KiB", path: "/1k", keeps_alive: false },
    Case { name: "keep-alive, 100 KiB", path: "/100k", keeps_alive: true },
];

pub(super) fn run(arguments: &[String]) -> Result<()> {
    let options = Options::read(arguments)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    ensure!(cores >= 2, "the proxies and the load need a core each, and there is only one");
    for tool in ["nginx", "haproxy", "wrk", "taskset"] {
        ensure!(process::is_there(tool), "{tool} is missing: `apt-get install {tool}` has it");
    }
    let solum = program::solum(options.solum.as_deref())?;
    let scratch = tempfile::tempdir().context("cannot make a scratch directory")?;
    let instance = Instance::start(scratch.path())?;
    for case in &CASES {
        measure(case, &options, &solum, &instance, scratch.path())?;
    }
    Ok(())
}

/// What the rounds of one proxy gave.
struct Measured {
    kind: Kind,
    full: Vec<Outcome>,
    half: Vec<Outcome>,
}

fn measure(
    case: &Case,
    options: &Options,
    solum: &Path,
    instance: &Instance,
    scratch: &Path,
) -> Result<()> {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        all.push((
            Proxy::start(kind, solum, instance, scratch)?,
            Measured { kind, full: Vec::new(), half: Vec::new() },
        ));
    }
    let load = Load { path: case.path, keeps_alive: case.keeps_alive, span: options.span };
    for (proxy, _) in &all {
        // Pools fill and code is paged in.
        load.full(proxy, CONNECTIONS).context("while warming up")?;
    }
    for _ in 0..options.rounds {
        for (proxy, measured) in &mut all {
            measured.full.push(load.full(proxy, CONNECTIONS)?);
        }
    }
    let rates = all.iter().map(|(_, measured)| median(&measured.full, |one| one.rate));
    let half = rates.fold(f64::INFINITY, f64::min) / 2.0;
    for _ in 0..options.rounds {
        for (proxy, measured) in &mut all {
            measured.half.push(load.at_rate(proxy, half)?);
        }
    }
    let measured: Vec<Measured> = all.into_iter().map(|(_, measured)| measured).collect();
    print(case, half, &measured)
}

fn print(case: &Case, half: f64, all: &[Measured]) -> Result<()> {
    let cpu = |measured: &Measured| median(&measured.full, |one| one.cpu_per_100k);
    let haproxy = all.iter().find(|measured| measured.kind == Kind::Haproxy);
    let haproxy = cpu(haproxy.context("HAProxy was not measured")?);
    println!("\n{} (half load: {half:.0} requests/s)\n", case.name);
    println!(
        "{:<10}{:>12}{:>10}{:>10}{:>16}{:>12}{:>16}",
        "", "requests/s", "p50 ms", "p99 ms", "CPU-s/100,000", "to HAProxy", "at half load"
    );
    for measured in all {
        println!(
            "{:<10}{:>12.0}{:>10.2}{:>10.2}{:>16.3}{:>12.2}{:>16.3}",
            measured.kind.name(),
            median(&measured.full, |one| one.rate),
            median(&measured.half, |one| one.p50_ms),
            median(&measured.half, |one| one.p99_ms),
            cpu(measured),
            cpu(measured) / haproxy,
            median(&measured.half, |one| one.cpu_per_100k),
        );
    }
    Ok(())
}

fn median(outcomes: &[Outcome], of: impl Fn(&Outcome) -> f64) -> f64 {
    let mut values: Vec<f64> = outcomes.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self> {
        let mut options = Self { solum: None, rounds: 3, span: Duration::from_secs(4) };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let value = words.next().with_context(|| format!("{word} needs a value"))?;
            let number = || {
                let number = value.parse().ok().filter(|number| (1..=60).contains(number));
                number.with_context(|| format!("{word} {value}: give a number from 1 to 60"))
            };
            match word.as_str() {
                "--solum" => options.solum = Some(value.into()),
                "--rounds" => options.rounds = usize::try_from(number()?)?,
                "--seconds" => options.span = Duration::from_secs(number()?),
                other => bail!("there is no {other}: give --solum PATH, --rounds N, --seconds N"),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_bounded() {
        let read = |words: &[&str]| {
            Options::read(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
        };
        let options = read(&["--rounds", "5", "--seconds", "2", "--solum", "/x"]).unwrap();
        assert_eq!((options.rounds, options.span), (5, Duration::from_secs(2)));
        assert_eq!(options.solum, Some("/x".into()));
        for bad in [&["--rounds", "0"][..], &["--seconds", "3600"], &["--rounds"], &["--x", "1"]] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
