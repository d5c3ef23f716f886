//! What the steps of a run have written: to be read as it is now, or followed until the step has ended.
//!
//! A step that is tried again has a log for each attempt. Who follows without naming one goes on from each to the next; a place
//! is one in the log of its attempt.

use std::str::FromStr;

use deploy::steps::StepKey;
use store::{Topic, Wake};
use tokio::sync::watch;
use types::{RunId, Transition as _};
use workflow::State;

use crate::actions::step_logs::{Entry, StepLogFollower, StepLogReader};
use crate::{Control, Error};

/// Where in a step's log somebody is: `2:4711`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPlace {
    pub attempt: u32,
    pub place: u64,
}

impl std::fmt::Display for LogPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.attempt, self.place)
    }
}

impl FromStr for LogPlace {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (attempt, place) = text.split_once(':').unwrap_or((text, ""));
        Ok(Self { attempt: attempt.parse()?, place: place.parse()? })
    }
}

/// Which step's log, and how much of it.
#[derive(Debug, Clone)]
pub struct StepLogQuery {
    pub run: RunId,
    /// The path of the job, or of the leg of its matrix, as the run shows it.
    pub job: String,
    /// The path of the step.
    pub step: String,
    /// Only this attempt: otherwise the latest, or with `follow` all from the present one on.
    pub attempt: Option<u32>,
    /// What is known already.
    pub after: Option<LogPlace>,
    /// Whether to wait for what comes, until the step has ended.
    pub follow: bool,
}

/// Reads one step's log.
#[derive(Debug)]
pub struct StepLog {
    control: Control,
    query: StepLogQuery,
    at: LogPlace,
    /// Open while there may be more in it.
    source: Option<Source>,
    /// Somebody has begun to write a log.
    opened: watch::Receiver<u64>,
    runs: Wake,
}

#[derive(Debug)]
enum Source {
    Followed(StepLogFollower),
    AsItIs(StepLogReader),
}

/// Where a step stands, as far as its log is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The run has no such step.
    Unknown,
    /// 0 before the first attempt.
    At { attempt: u32, ended: bool },
}

impl Control {
    pub async fn step_log(&self, query: StepLogQuery) -> Result<StepLog, Error> {
        let state = self.inner.store.run_state(query.run).await?;
        let Standing::At { attempt, .. } = standing(&state, &query) else {
            return Err(Error::Invalid {
                code: "step_not_found",
                message: format!("run {} has no step {}/{}", query.run, query.job, query.step),
                hint: Some(format!("`solum run show {}` shows those that it has", query.run)),
            });
        };
        self.logs_are_kept(query.run).await?;
        let at = match (query.after, query.attempt) {
            (Some(after), None) => after,
            (Some(after), Some(attempt)) if after.attempt == attempt => after,
            (_, Some(attempt)) => LogPlace { attempt, place: 0 },
            (None, None) => LogPlace { attempt: attempt.max(1), place: 0 },
        };
        // Subscribed to before anything is read: what comes in between is noticed.
        let opened = self.inner.step_logs.opened();
        let runs = self.inner.store.subscribe(Topic::Runs);
        Ok(StepLog { control: self.clone(), query, at, source: None, opened, runs })
    }
}

impl Control {
    /// An error where what a run said was thrown away, because it was old or took too much room.
    pub async fn logs_are_kept(&self, run: RunId) -> Result<(), Error> {
        let Some(at) = self.inner.store.logs_removed_at(run).await? else { return Ok(()) };
        let day = at.strftime("%Y-%m-%d");
        Err(Error::Invalid {
            code: "logs_gone",
            message: format!("the logs of run {run} were thrown away on {day}"),
            hint: Some(format!("`solum run show {run}` shows how its jobs and steps ended")),
        })
    }
}

impl StepLog {
    /// Some entries, each with the place behind it; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<(LogPlace, Entry)>>, Error> {
        loop {
            // Looked at first: what a step that has ended wrote is all there then.
            let standing = self.standing().await?;
            self.opened.borrow_and_update();
            if let Some(entries) = self.read().await? {
                return Ok(Some(self.placed(entries)));
            }
            let Standing::At { attempt, ended } = standing else { return Ok(None) };
            if attempt > self.at.attempt && self.query.attempt.is_none() {
                self.at = LogPlace { attempt: self.at.attempt + 1, place: 0 };
                continue;
            }
            if ended || attempt > self.at.attempt || !self.query.follow {
                return Ok(None);
            }
            tokio::select! {
                () = self.runs.changed() => {}
                // The sender lives as long as the control plane.
                _ = self.opened.changed() => {}
            }
        }
    }

    /// What comes next; who follows waits for it while somebody writes.
    async fn read(&mut self) -> Result<Option<Vec<(u64, Entry)>>, Error> {
        let logs = &self.control.inner.step_logs;
        let key = || key(&self.query, self.at.attempt);
        let source = self.source.get_or_insert_with(|| match self.query.follow {
            true => Source::Followed(logs.follow(&key(), self.at.place)),
            false => Source::AsItIs(logs.read(&key(), self.at.place)),
        });
        let read = match source {
            Source::Followed(follower) => follower.next().await,
            Source::AsItIs(reader) => {
                reader.read().map(|read| Some(read).filter(|it| !it.is_empty()))
            }
        };
        let read = read.map_err(Error::io("read the log of a step"))?;
        if read.is_none() {
            // Who writes next is found when it is looked for again.
            self.source = None;
        }
        Ok(read)
    }

    fn placed(&mut self, entries: Vec<(u64, Entry)>) -> Vec<(LogPlace, Entry)> {
        let attempt = self.at.attempt;
        let placed = entries.into_iter().map(|(place, entry)| (LogPlace { attempt, place }, entry));
        let placed: Vec<_> = placed.collect();
        if let Some((last, _)) = placed.last() {
            self.at = *last;
        }
        placed
    }

    async fn standing(&self) -> Result<Standing, Error> {
        let state = self.control.inner.store.run_state(self.query.run).await?;
        Ok(standing(&state, &self.query))
    }
}

fn key(query: &StepLogQuery, attempt: u32) -> StepKey {
    StepKey { run: query.run, leg: query.job.clone(), step: query.step.clone(), attempt }
}

fn standing(state: &State, query: &StepLogQuery) -> Standing {
    let over = state.status.is_terminal();
    if let Some(leg) = state.leg(&query.job) {
        return match leg.step(&query.step) {
            Some(step) => Standing::At {
                attempt: step.attempt,
                ended: over || leg.has_ended() || step.outcome().is_some(),
            },
            None => Standing::Unknown,
        };
    }
    let Some((_, job, phase)) = state.all_jobs().find(|(path, ..)| *path == query.job) else {
        return Standing::Unknown;
    };
    let has_step = match &job.work {
        workflow::language::Work::Steps { steps, .. } => {
            steps.iter().any(|step| step.key == query.step)
        }
        workflow::language::Work::Call(_) => false,
    };
    // Once it has legs, each has a log of its own.
    let has_legs = state.legs_of(phase).next().is_some();
    match has_step {
        true => {
            Standing::At { attempt: 0, ended: over || has_legs || phase.conclusion().is_some() }
        }
        false => Standing::Unknown,
    }
}

#[cfg(test)]
mod tests;
