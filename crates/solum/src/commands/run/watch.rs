use std::io::{self, IsTerminal as _};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use api::client::{Client, Error, RunEvent};
use api::runs::{Job, RunDetail};
use clap::Args;
use types::RunId;

use super::RunArgument;
use crate::cli::failure::Failure;
use crate::cli::live::{self, Block};
use crate::cli::session::Session;
use crate::cli::terminal::harmless;
use crate::cli::{Outcome, follow, graph, output};

/// How often times that go on are drawn again.
const TICK: Duration = Duration::from_secs(1);
/// Events that wait to be drawn.
const QUEUE: usize = 64;

#[derive(Debug, Args)]
pub(crate) struct Watch {
    #[command(flatten)]
    run: RunArgument,
}

impl Watch {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let client = session.client()?;
        let id = self.run.find(session, &client)?;
        let can_draw = std::env::var_os("TERM").is_some_and(|term| term != "dumb");
        let run = match io::stdout().is_terminal() && can_draw {
            true => watch(&client, id, session)?,
            false => follow::follow(&client, id, |line| output::print(&format!("{line}\n")))?,
        };
        output::say(&format!("Run {id} {}", run.run.status));
        follow::check(&run)
    }
}

/// The transcript flows, and below it stand the jobs.
fn watch(client: &Client, id: RunId, session: &Session) -> Result<RunDetail, Failure> {
    let later = format!("`solum run watch {id}` goes on watching");
    let events = read(client.clone(), id);
    let mut block = Block::new(io::stdout(), output::colours(true));
    let mut jobs: Vec<Job> = Vec::new();
    loop {
        let mut next = events.recv_timeout(TICK);
        // What is there already is taken in before anything is drawn.
        loop {
            match next {
                Ok(Ok(RunEvent::Log(text))) => {
                    block.above(&harmless(&text), live::size()).map_err(output_failed)?;
                }
                Ok(Ok(RunEvent::Jobs(detail))) => jobs = detail.jobs,
                Ok(Ok(RunEvent::State(_))) => {}
                Ok(Ok(RunEvent::End(detail))) => {
                    let rows = graph::rows(&detail.jobs, session.now());
                    block.draw(&rows, live::size()).map_err(output_failed)?;
                    return Ok(*detail);
                }
                Ok(Err(error)) => return Err(Failure::from(error).hint(&later)),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::failed("the run could not be watched").hint(&later));
                }
            }
            next = events.recv_timeout(Duration::ZERO);
        }
        block.draw(&graph::rows(&jobs, session.now()), live::size()).map_err(output_failed)?;
    }
}

fn output_failed(error: io::Error) -> Failure {
    Failure::output(&error)
}

/// Reads in a thread, which ends with the feed, or when nobody takes what it reads.
fn read(client: Client, id: RunId) -> Receiver<Result<RunEvent, Error>> {
    let (sender, events) = mpsc::sync_channel(QUEUE);
    std::thread::spawn(move || {
        let mut feed = match client.watch_run_and_jobs(id) {
            Ok(feed) => feed,
            Err(error) => return drop(sender.send(Err(error))),
        };
        loop {
            let event = feed.next_event();
            let is_last = matches!(event, Err(_) | Ok(RunEvent::End(_)));
            if sender.send(event).is_err() || is_last {
                return;
            }
        }
    });
    events
}
