//! Golden tests of the engine: a workflow as text, what comes in, and what follows.

mod basics;
mod bounds;
mod calls;
mod conditions;
mod groups;
mod matrices;
mod parts;
mod reruns;
mod simulator;
mod stops;
mod undos;
mod views;
mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::effect::{Effect, StepTask, TimerKind};
use crate::expression::Value;
use crate::input::{Produced, StepResult};
use crate::language::{Definition, Found, Wanted, read_with};
use crate::record::Conclusion;
use crate::run_context::RunContext;
use crate::state::{JobPhase, LegState, StepPhase, StepState};
use types::Actor;

/// A run that keeps its journal, and checks after each input that replaying it gives the same state.
pub(super) struct Run {
    pub(super) state: State,
    journal: Vec<Record>,
    effects: Vec<Effect>,
    now: Timestamp,
}

#[track_caller]
pub(super) fn read(text: &str, others: &[(&str, &str)]) -> Definition {
    let read = read_with("w.yml", text, |wanted| {
        let Wanted::Own { path } = wanted else { return Found::Missing };
        let found = others.iter().find(|(other, _)| other == path);
        found.map_or(Found::Missing, |(_, text)| Found::File { text: (*text).into(), commit: None })
    });
    read.unwrap_or_else(|refused| panic!("{:#?}", refused.mistakes)).definition
}

pub(super) fn context() -> RunContext {
    let github = [("ref", "refs/heads/main"), ("actor", "alice"), ("event_name", "push")];
    RunContext {
        github: github.into_iter().collect(),
        runner: [("os", "Linux")].into_iter().collect(),
        inputs: [("target", Value::from("prod"))].into_iter().collect(),
        vars: [("COLOUR".to_owned(), "red".to_owned())].into(),
        environment_vars: [("prod".to_owned(), [("COLOUR".to_owned(), "blue".to_owned())].into())]
            .into(),
        author: Some(token("alice")),
        trusted: true,
    }
}

pub(super) fn token(name: &str) -> Actor {
    Actor::Token(name.to_owned())
}

impl Run {
    #[track_caller]
    pub(super) fn of(text: &str) -> Self {
        Self::beside(text, &[])
    }

    #[track_caller]
    pub(super) fn beside(text: &str, others: &[(&str, &str)]) -> Self {
        Self::carrying(text, others, &[])
    }

    #[track_caller]
    pub(super) fn carrying(text: &str, others: &[(&str, &str)], carried: &[Record]) -> Self {
        let mut state = State::new(Arc::new(read(text, others)), Arc::new(context()));
        carried.iter().for_each(|record| state.apply(record));
        Self { state, journal: carried.to_vec(), effects: Vec::new(), now: Timestamp::UNIX_EPOCH }
    }

    /// One that has been started.
    #[track_caller]
    pub(super) fn started(text: &str) -> Self {
        let mut run = Self::of(text);
        run.start();
        run
    }

    #[track_caller]
    pub(super) fn start(&mut self) {
        self.give(&Input::Start).unwrap();
    }

    pub(super) fn give(&mut self, input: &Input) -> Result<Vec<Record>, Refused> {
        let records = decide(&self.state, input, self.now)?;
        assert!(!records.is_empty(), "an accepted input leaves a record: {input:?}");
        for record in &records {
            self.state.apply(record);
            self.effects.extend(Effect::of(record, &self.state));
        }
        self.journal.extend(records.clone());
        self.check_replay();
        Ok(records)
    }

    fn check_replay(&self) {
        let context = Arc::new(self.state.context().clone());
        let definition = Arc::new(self.state.definition().clone());
        let mut replayed = State::new(Arc::clone(&definition), Arc::clone(&context));
        for record in &self.journal {
            let text = serde_json::to_string(record).unwrap();
            let read: Record = serde_json::from_str(&text).unwrap();
            assert_eq!(read, *record, "a record is read as it was written");
            replayed.apply(&read);
        }
        assert_eq!(replayed, self.state, "the journal adds up to the state");
        let text = serde_json::to_string(&self.state).unwrap();
        let read: State = serde_json::from_str(&text).unwrap();
        assert_eq!(read.with_plan(definition, context), self.state, "a snapshot goes on");
    }

    #[track_caller]
    pub(super) fn report(&mut self, step: &str, result: StepResult) -> Vec<Record> {
        let (job, name) = step.rsplit_once(' ').unwrap();
        let attempt = self.step(step).attempt;
        let (job, step) = (job.to_owned(), name.to_owned());
        self.give(&Input::Report { job, step, attempt, result }).unwrap()
    }

    /// `build compile` has succeeded.
    #[track_caller]
    pub(super) fn succeed(&mut self, step: &str) {
        self.report(step, StepResult::succeeded(BTreeMap::new()));
    }

    #[track_caller]
    pub(super) fn succeed_with(&mut self, step: &str, outputs: &[(&str, &str)]) {
        let outputs = outputs.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
        self.report(step, StepResult::succeeded(outputs));
    }

    #[track_caller]
    pub(super) fn fail(&mut self, step: &str) {
        self.report(step, StepResult::failed(failure(false)));
    }

    #[track_caller]
    pub(super) fn cancel(&mut self) {
        self.give(&Input::Cancel { by: token("alice") }).unwrap();
    }

    #[track_caller]
    pub(super) fn leg(&self, path: &str) -> &LegState {
        self.state.leg(path).unwrap_or_else(|| panic!("no leg {path}"))
    }

    #[track_caller]
    pub(super) fn step(&self, step: &str) -> &StepState {
        let (job, step) = step.rsplit_once(' ').unwrap();
        self.leg(job).step(step).unwrap_or_else(|| panic!("no step {step}"))
    }

    /// What is under way, as `build compile`.
    pub(super) fn under_way(&self) -> Vec<String> {
        let legs = self.state.legs();
        let steps = legs.flat_map(|leg| {
            let running = leg.steps.iter().filter(|step| step.phase == StepPhase::Running);
            running.map(|step| format!("{} {}", leg.path, step.path))
        });
        steps.collect()
    }

    /// How a job of the run's own workflow ended.
    #[track_caller]
    pub(super) fn conclusion(&self, job: &str) -> Option<Conclusion> {
        self.state.job(job).unwrap().1.conclusion()
    }

    #[track_caller]
    pub(super) fn why(&self, job: &str) -> &str {
        match &self.state.job(job).unwrap().1.phase {
            JobPhase::Skipped { why } => why,
            JobPhase::Done { failure: Some(failure), .. } => &failure.message,
            other => panic!("{job} is {other:?}"),
        }
    }

    #[track_caller]
    pub(super) fn step_failure(&self, step: &str) -> &Failure {
        match &self.step(step).phase {
            StepPhase::Failed { failure } => failure,
            other => panic!("{step} is {other:?}"),
        }
    }

    /// The timers that were asked for, and have not been seen before.
    pub(super) fn timers(&mut self) -> Vec<(i64, String, TimerKind)> {
        let effects = std::mem::take(&mut self.effects);
        let timers = effects.into_iter().filter_map(|effect| match effect {
            Effect::WakeAt(timer) => {
                let name = format!("{} {}", timer.job, timer.step.unwrap_or_default());
                Some((timer.at.as_second(), name.trim().to_owned(), timer.kind))
            }
            _ => None,
        });
        timers.collect()
    }

    pub(super) fn stops(&mut self) -> Vec<(String, bool)> {
        let effects = std::mem::take(&mut self.effects);
        let stops = effects.into_iter().filter_map(|effect| match effect {
            Effect::Stop(task) => Some((format!("{} {}", task.job, task.step), task.force)),
            _ => None,
        });
        stops.collect()
    }

    pub(super) fn fire(&mut self, step: &str, kind: TimerKind) -> Result<Vec<Record>, Refused> {
        let (job, name) = match step.rsplit_once(' ') {
            Some((job, name)) => (job, Some(name.to_owned())),
            None => (step, None),
        };
        let attempt = if name.is_some() { self.step(step).attempt } else { 1 };
        self.give(&Input::TimerFired { job: job.to_owned(), step: name, attempt, kind })
    }

    pub(super) fn task(&self, step: &str) -> StepTask {
        let (job, step) = step.rsplit_once(' ').unwrap();
        let attempt = self.leg(job).step(step).unwrap().attempt;
        let tasks = self.journal.iter().flat_map(|record| Effect::of(record, &self.state));
        let mut tasks = tasks.filter_map(|effect| match effect {
            Effect::Perform(task) => Some(task),
            _ => None,
        });
        tasks.find(|task| task.job == job && task.step == step && task.attempt == attempt).unwrap()
    }
}

pub(super) fn failure(retryable: bool) -> Failure {
    Failure { code: "broken".into(), message: "it broke".into(), hint: None, retryable }
}
