//! `cargo xtask bench push`: from the start of `git push` to the first answer of the new version.
//!
//! Each round changes one line of an app that installs nothing. Beside it stand git's own time (the same
//! change pushed to a branch that is not deployed, on the same server) and the app's own start (by
//! hand, until its first answer). What is left is ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use testkit::http::{Connection, Request};
use testkit::{Repository, Server, ServerOptions};

use super::options::Options;
use super::{median, milliseconds, program, subject};

mod timeline;

use timeline::Timeline;

const APP: &str = "bench";
const HOST: &str = "bench-dev.localhost";
const PATIENCE: Duration = Duration::from_secs(60);

struct Round {
    /// From the start of the push to the first answer of the new version.
    answered: Duration,
    /// From the start of the push to its end.
    pushed: Duration,
    git: Duration,
    start: Duration,
    timeline: Timeline,
}

impl Round {
    fn ours(&self) -> Duration {
        self.answered.saturating_sub(self.git).saturating_sub(self.start)
    }
}

pub(super) fn run(options: &Options) -> Result<()> {
    let program = program::solum(options.solum.as_deref())?;
    let server =
        Server::start_with(ServerOptions { program: Some(program), ..Default::default() })?;
    let repository = Repository::from_files(&server, &subject::FILES)?;
    repository.create_app(APP)?;
    repository.push()?.require().context("the first push, which is not measured")?;
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        let round = measure(&server, &repository, number)?;
        eprintln!("round {number}: first answer after {:.0} ms", milliseconds(round.answered));
        rounds.push(round);
    }
    print(&rounds);
    Ok(())
}

fn measure(server: &Server, repository: &Repository, number: usize) -> Result<Round> {
    let (old, new) = (format!("version {}", number - 1), format!("version {number}"));
    subject::change(repository, &old, &new)?;
    let watch = Watch::start(server, &new)?;
    let began = Instant::now();
    let mut timeline = Timeline::default();
    let pushed = repository
        .push_watched(&["solum", "main"], &mut |line| timeline.line(began.elapsed(), line))?
        .require()?
        .elapsed();
    let answered = watch.first_answer()?.saturating_duration_since(began);
    timeline.ask(server, APP)?;

    // The same change once more, on its way to nowhere.
    let aside = format!("{new} aside");
    subject::change(repository, &new, &aside)?;
    let to_branch = format!("HEAD:refs/heads/aside-{number}");
    let git = repository.push_with(&["solum", &to_branch])?.require()?.elapsed();
    repository.git(&["reset", "--quiet", "--hard", "HEAD~1"])?;
    let start = subject::own_start(repository)?;
    Ok(Round { answered, pushed, git, start, timeline })
}

/// Asks for the app on one kept connection, as fast as it answers, until the answer is the new one.
struct Watch {
    asking: std::thread::JoinHandle<Result<Instant>>,
    stop: Arc<AtomicBool>,
}

impl Watch {
    fn start(server: &Server, expected: &str) -> Result<Self> {
        let address = server.router_address()?;
        let expected = format!("{expected}\n");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let asking = std::thread::spawn(move || {
            let mut connection = Connection::open(address, PATIENCE)?;
            while !stopped.load(Ordering::SeqCst) {
                if !connection.is_open() {
                    connection = Connection::open(address, PATIENCE)?;
                }
                let answer = connection.send(&Request::get(HOST, "/"), false)?;
                if answer.text() == expected {
                    return Ok(Instant::now());
                }
                std::thread::park_timeout(Duration::from_millis(2));
            }
            anyhow::bail!("the new version never answered")
        });
        Ok(Self { asking, stop })
    }

    /// To be called when the push has ended: the new version answers by then.
    fn first_answer(self) -> Result<Instant> {
        let began = Instant::now();
        while !self.asking.is_finished() && began.elapsed() < PATIENCE {
            std::thread::park_timeout(Duration::from_millis(2));
        }
        self.stop.store(true, Ordering::SeqCst);
        let ended = self.asking.join();
        ended.map_err(|_| anyhow::anyhow!("the watcher of the app panicked"))?
    }
}

type Part = fn(&Round) -> Duration;

fn print(rounds: &[Round]) {
    let of = |part: Part| {
        let all: Vec<_> = rounds.iter().map(part).collect();
        let worst = all.iter().copied().max().unwrap_or_default();
        (milliseconds(median(&all)), milliseconds(worst))
    };
    println!("{} pushes of a change of one line, nothing to install\n", rounds.len());
    println!("{:<58}{:>10}{:>10}", "", "median", "slowest");
    let rows: [(&str, Part); 5] = [
        ("from git push to the first answer of the new version", |round| round.answered),
        ("  git's own time (the same change to another branch)", |round| round.git),
        ("  the app's own start (by hand, to its first answer)", |round| round.start),
        ("  beyond those two: ours", Round::ours),
        ("from git push to its end", |round| round.pushed),
    ];
    for (name, part) in rows {
        let (middle, worst) = of(part);
        println!("{name:<58}{middle:>7.0} ms{worst:>7.0} ms");
    }
    println!("\nWhere the time goes (medians)\n");
    timeline::print(rounds.iter().map(|round| &round.timeline));
}
