//! `cargo xtask bench …`: measures on this machine and prints a table. No number fails a build.

use std::time::Duration;

use anyhow::Result;

mod analysis;
mod idle;
mod options;
mod program;
mod push;
mod router;
mod subject;
mod workflow;

use options::Options;

pub(crate) const NAMES: [&str; 5] = ["push", "idle", "router", "workflow", "analysis"];

pub(crate) fn run(name: &str, arguments: &[String]) -> Result<()> {
    match name {
        "push" => push::run(&Options::read(arguments)?),
        "router" => router::run(arguments),
        "analysis" => analysis::run(arguments),
        "workflow" => workflow::run(arguments),
        _ => idle::run(&Options::read(arguments)?),
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The middle one; of an even number, the lower of the two.
fn median(durations: &[Duration]) -> Duration {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    let middle = sorted.len().saturating_sub(1) / 2;
    sorted.get(middle).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        let of = |list: &[u64]| {
            let list: Vec<_> = list.iter().copied().map(Duration::from_millis).collect();
            median(&list).as_millis()
        };
        assert_eq!(of(&[9, 1, 5]), 5);
        assert_eq!(of(&[4, 1, 2, 3]), 2);
        assert_eq!(of(&[]), 0);
    }
}
