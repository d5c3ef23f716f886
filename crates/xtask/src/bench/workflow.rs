//! `cargo xtask bench workflow`: runs of steps that do nothing, on the real engine and database, beside Restate.
//!
//! Of ours, each step leaves through the outbox to another task, and its result is synced to the disk before the next one
//! begins. Of Restate's, each step is a `ctx.run` of its TypeScript SDK, journalled by its server with its defaults. Restate's
//! server and SDK come from npm, into a directory that is removed at the end.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

mod restate;

use restate::Restate;

const STEPS: usize = 20;
/// Runs that are stored before the cost of a step is measured again.
const STORED: [usize; 3] = [10, 1_000, 100_000];

/// Runs that wait in one queue.
const QUEUED: [usize; 3] = [10, 1_000, 100_000];

/// What one measurement gives, ours or theirs.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Figures {
    p50_ms: f64,
    p99_ms: f64,
    runs_per_s: f64,
    steps_per_s: f64,
    #[serde(default)]
    rss_mib: f64,
}

/// A load: so many runs of so many steps, so many of them at a time.
#[derive(Debug, Clone, Copy)]
struct Load {
    steps: usize,
    in_flight: usize,
    runs: usize,
}

const LOADS: [Load; 4] = [
    Load { steps: STEPS, in_flight: 1, runs: 300 },
    Load { steps: 1, in_flight: 1, runs: 1_000 },
    Load { steps: STEPS, in_flight: 64, runs: 2_000 },
    Load { steps: STEPS, in_flight: 512, runs: 4_000 },
];

pub(super) fn run(arguments: &[String]) -> Result<()> {
    let beside = match arguments {
        [] => true,
        [word] if word == "--alone" => false,
        _ => bail!("there is only --alone, which leaves Restate out"),
    };
    let program = build()?;
    let restate = if beside { Some(Restate::start()?) } else { None };
    println!(
        "Steps that do nothing; journal_mode=WAL and synchronous=FULL are read back when the database is opened\n"
    );
    println!("{HEAD}");
    for load in LOADS {
        let directory = tempfile::tempdir()?;
        let ours = ours(&program, directory.path(), load)?;
        print("Solum", load, &ours, None);
        if let Some(restate) = &restate {
            let theirs = restate.measure(load)?;
            print("Restate", load, &theirs, Some(theirs.p50_ms / ours.p50_ms));
        }
    }
    if let Some(restate) = restate {
        println!("\nRestate's server took {:.0} MiB at its most", restate.rss_mib()?);
    }
    println!("\n{STEPS} steps, one run at a time, in a database with so many runs in it:\n");
    print_stored(&program)?;
    println!("\nFinding the run whose turn it is, with so many in one queue:\n");
    print_queued(&program)
}

const HEAD: &str = "              steps  in flight    p50 ms    p99 ms      runs/s     steps/s   MiB   p50 to Solum's";

fn print(name: &str, load: Load, figures: &Figures, ratio: Option<f64>) {
    let ratio = ratio.map(|ratio| format!("{ratio:>17.1}")).unwrap_or_default();
    let rss = match figures.rss_mib {
        0.0 => "     ".to_owned(),
        rss => format!("{rss:>5.0}"),
    };
    println!(
        "{name:<12}{:>7}{:>11}{:>10.2}{:>10.2}{:>12.0}{:>12.0} {rss}{ratio}",
        load.steps,
        load.in_flight,
        figures.p50_ms,
        figures.p99_ms,
        figures.runs_per_s,
        figures.steps_per_s,
    );
}

fn print_stored(program: &Path) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let mut there = 0;
    println!("        runs    p50 ms    p99 ms   MiB");
    for stored in STORED {
        let fill = Load { steps: 1, in_flight: 512, runs: stored - there };
        ours(program, directory.path(), fill)?;
        let load = LOADS[0];
        let figures = ours(program, directory.path(), load)?;
        there = stored + load.runs;
        println!(
            "{stored:>12}{:>10.2}{:>10.2}{:>6.0}",
            figures.p50_ms, figures.p99_ms, figures.rss_mib
        );
    }
    Ok(())
}

fn print_queued(program: &Path) -> Result<()> {
    println!("        runs    p50 ms    p99 ms   MiB");
    for queued in QUEUED {
        let directory = tempfile::tempdir()?;
        let words = ["queued".to_owned(), queued.to_string()];
        let Figures { p50_ms, p99_ms, rss_mib, .. } = engine(program, directory.path(), &words)?;
        println!("{queued:>12}{p50_ms:>10.2}{p99_ms:>10.2}{rss_mib:>6.0}");
    }
    Ok(())
}

fn ours(program: &Path, directory: &Path, load: Load) -> Result<Figures> {
    engine(program, directory, &[load.steps, load.in_flight, load.runs].map(|it| it.to_string()))
}

fn engine(program: &Path, directory: &Path, words: &[String]) -> Result<Figures> {
    let output = Command::new(program)
        .arg(directory)
        .args(words)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run the engine")?;
    ensure!(output.status.success(), "the engine under load ended with {}", output.status);
    serde_json::from_slice(&output.stdout).context("the engine said something else than figures")
}

/// The engine under load is an example of the crate that it measures.
fn build() -> Result<PathBuf> {
    eprintln!("Building the engine with the profile `quick`");
    let arguments = ["--package", "solum-store", "--example", "engine-load"];
    super::program::build(&arguments, "engine-load")
}
