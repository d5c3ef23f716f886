//! The only thing that changes a state.

use std::sync::Arc;

use types::RunStatus;

use super::locate::{INTO_UNDO, composite_steps, step_at, steps_of};
use super::{
    JobPhase, JobState, LegPhase, LegState, ScopeState, Stage, State, StepPhase, StepState,
};
use crate::input::Produced;
use crate::language::{Action, Job, Step, Work};
use crate::record::{LegPlan, Record, Terms, Wait};

impl State {
    /// Takes one record in. A record that does not fit (a job or step that the definition lacks)
    /// changes nothing but the count: `decide` never makes one.
    pub fn apply(&mut self, record: &Record) {
        self.spent.records = self.spent.records.saturating_add(1);
        self.spent.bytes = self.spent.bytes.saturating_add(record.weight() as u64);
        match record {
            Record::Started => {
                self.status = RunStatus::Running;
                self.admitted = true;
            }
            Record::Reused(reused) => {
                let known = Arc::make_mut(&mut self.reused);
                known.insert(reused.leg.clone(), reused.clone());
            }
            Record::CancelRequested { by } => {
                self.forced = self.cancel_requested_by.is_some();
                self.cancel_requested_by.get_or_insert_with(|| by.clone());
            }
            Record::Paused => self.set_paused(true),
            Record::Resumed => self.set_paused(false),
            Record::Undoing => self.undoing = true,
            Record::Refused { failure } => self.failure = Some(failure.clone()),
            Record::Finished { status, failure } => {
                self.status = *status;
                self.paused = false;
                if failure.is_some() {
                    self.failure.clone_from(failure);
                }
            }
            Record::GroupAsked { .. } | Record::GroupGranted { .. } => self.apply_to_group(record),
            Record::SignalParked { .. } | Record::SignalTaken { .. } => self.apply_to_inbox(record),
            Record::JobExpanded { .. } | Record::JobSkipped { .. } | Record::JobFinished { .. } => {
                self.apply_to_job(record);
            }
            Record::LegStarted { .. } | Record::LegStopping { .. } | Record::LegFinished { .. } => {
                self.apply_to_leg(record);
            }
            _ => self.apply_to_step(record),
        }
    }

    fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
        self.status = if paused { RunStatus::Waiting } else { RunStatus::Running };
    }

    fn apply_to_group(&mut self, record: &Record) {
        match record {
            Record::GroupAsked { claim } => match &claim.job {
                None => {
                    self.group = Some(claim.group.clone());
                    self.admitted = false;
                }
                Some(leg) => self.with_leg(leg, |leg| leg.group = Some(claim.group.clone())),
            },
            Record::GroupGranted { job: None } => self.admitted = true,
            Record::GroupGranted { job: Some(leg) } => self.with_leg(leg, |leg| leg.granted = true),
            _ => {}
        }
    }

    fn apply_to_inbox(&mut self, record: &Record) {
        let inbox = Arc::make_mut(&mut self.inbox);
        match record {
            Record::SignalParked { signal } => {
                inbox.seen.insert(signal.id.clone());
                inbox.parked.push(signal.clone());
            }
            Record::SignalTaken { signal, .. } => inbox.parked.retain(|kept| kept.id != *signal),
            _ => {}
        }
    }

    fn apply_to_job(&mut self, record: &Record) {
        match record {
            Record::JobExpanded { job, legs, fail_fast, max_parallel } => {
                let Some((scope, index)) = self.job_index(job) else { return };
                let first = self.legs.len();
                self.legs.extend(legs.iter().enumerate().map(|(number, plan)| {
                    Arc::new(LegState::new(leg_path(job, number, plan), scope, index, number, plan))
                }));
                let legs = (first..self.legs.len()).collect();
                self.with_job(scope, index, |job| {
                    job.phase = JobPhase::Running;
                    job.legs = legs;
                    job.fail_fast = *fail_fast;
                    job.max_parallel = *max_parallel;
                });
            }
            Record::JobSkipped { job, why } => {
                let Some((scope, index)) = self.job_index(job) else { return };
                let phase = JobPhase::Skipped { why: why.clone() };
                self.with_job(scope, index, |job| job.phase = phase);
            }
            Record::JobFinished { job, conclusion, failure } => {
                let Some((scope, index)) = self.job_index(job) else { return };
                let (conclusion, failure) = (*conclusion, failure.clone());
                let phase = JobPhase::Done { conclusion, failure };
                self.with_job(scope, index, |job| job.phase = phase);
            }
            _ => {}
        }
    }

    fn apply_to_leg(&mut self, record: &Record) {
        match record {
            Record::LegStarted { leg, terms, deadline } => {
                let Some(index) = self.leg_index(leg) else { return };
                let callee = self.open_scope(index);
                let steps = first_steps(self.job_of(self.leg_at(index)));
                let leg = Arc::make_mut(&mut self.legs[index]);
                leg.phase = LegPhase::Running;
                leg.terms = terms.clone();
                leg.deadline = *deadline;
                leg.callee = callee;
                leg.steps = steps;
            }
            Record::LegStopping { leg, why } => self.with_leg(leg, |leg| {
                leg.stopping.get_or_insert(*why);
            }),
            Record::LegFinished { leg, outcome, conclusion, outputs, url, failure } => {
                self.ended += 1;
                let ended = self.ended;
                self.with_leg(leg, |leg| {
                    leg.phase = LegPhase::Done { outcome: *outcome, conclusion: *conclusion };
                    leg.outputs.clone_from(outputs);
                    leg.url.clone_from(url);
                    leg.failure.clone_from(failure);
                    leg.ended = ended;
                });
            }
            _ => {}
        }
    }

    /// The workflow that a leg calls, if it calls one.
    fn open_scope(&mut self, caller: usize) -> Option<usize> {
        let leg = self.leg_at(caller);
        let Work::Call(call) = &self.job_of(leg).work else { return None };
        let mut route = self.scope_at(leg.scope).route.clone();
        route.push(leg.job);
        let prefix = format!("{}/", leg.path);
        let scope = ScopeState::new(Some(caller), route, prefix, &call.workflow);
        self.scopes.push(Arc::new(scope));
        Some(self.scopes.len() - 1)
    }

    fn apply_to_step(&mut self, record: &Record) {
        match record {
            Record::StepScheduled { job, step, attempt, deadline, tolerated, .. } => {
                self.begin_step(job, step, |state| {
                    state.phase = StepPhase::Running;
                    state.attempt = *attempt;
                    state.deadline = *deadline;
                    state.tolerated = *tolerated;
                });
            }
            Record::StepEntered { job, step, deadline, tolerated } => {
                self.begin_step(job, step, |state| {
                    state.phase = StepPhase::Entered;
                    state.attempt = 1;
                    state.deadline = *deadline;
                    state.tolerated = *tolerated;
                });
                self.add_inner_steps(job, step);
            }
            Record::StepWaiting { job, step, wait } => self.begin_step(job, step, |state| {
                state.phase = waiting(wait);
                state.attempt = 1;
                state.deadline = Some(wait.deadline);
            }),
            Record::Approved { job, step, signal, by, .. } => {
                Arc::make_mut(&mut self.inbox).seen.insert(signal.clone());
                self.with_step(job, step, |state| {
                    if let StepPhase::Waiting { approved, .. } = &mut state.phase {
                        approved.push(by.clone());
                    }
                });
            }
            Record::StepStopping { job, step, why, .. } => {
                self.with_step(job, step, |state| {
                    state.stopping.get_or_insert(*why);
                });
            }
            Record::StepDelayed { job, step, attempt, until } => {
                self.with_step(job, step, |state| {
                    state.attempt = *attempt;
                    state.phase = StepPhase::BackingOff { until: *until };
                    state.produced = Produced::default();
                    state.stopping = None;
                });
            }
            _ => self.end_step(record),
        }
    }

    fn end_step(&mut self, record: &Record) {
        let (job, step, attempt, phase, produced) = match record {
            Record::StepSkipped { job, step, why } => {
                (job, step, 0, StepPhase::Skipped { why: why.clone() }, None)
            }
            Record::StepSucceeded { job, step, attempt, produced } => {
                (job, step, *attempt, StepPhase::Succeeded, Some(produced))
            }
            Record::StepFailed { job, step, attempt, failure, produced } => {
                let failure = failure.clone();
                (job, step, *attempt, StepPhase::Failed { failure }, Some(produced))
            }
            Record::StepCancelled { job, step, attempt, produced } => {
                (job, step, *attempt, StepPhase::Cancelled, Some(produced))
            }
            _ => return,
        };
        self.ended += 1;
        let ended = self.ended;
        self.with_step(job, step, |state| {
            state.attempt = attempt;
            state.phase = phase;
            state.ended = ended;
            if let Some(produced) = produced {
                state.produced.clone_from(produced);
            }
        });
    }

    fn begin_step(&mut self, leg: &str, step: &str, change: impl FnOnce(&mut StepState)) {
        self.ended += 1;
        let begun = self.ended;
        self.with_step(leg, step, |state| {
            if state.begun == 0 {
                state.begun = begun;
            }
            change(state);
        });
    }

    fn add_inner_steps(&mut self, leg: &str, step: &str) {
        let Some(index) = self.leg_index(leg) else { return };
        let state = self.leg_at(index);
        let Some(parent) = state.step_index(step) else { return };
        let outer = &state.steps[parent];
        let mut route = outer.route.clone();
        if outer.stage == Stage::Undo {
            route.push(INTO_UNDO);
        }
        let inner = composite_steps(self.action_of(state, outer));
        let prefix = format!("{step}/");
        let mut steps = Vec::new();
        for (number, step) in inner.iter().enumerate() {
            let route: Vec<usize> = route.iter().copied().chain([number]).collect();
            let path = format!("{prefix}{}", step.key);
            let main = StepState::new(path, Stage::Main, route, Some(parent));
            steps.extend(pre_of(step, &main));
            steps.push(main);
        }
        Arc::make_mut(&mut self.legs[index]).steps.extend(steps);
    }

    fn with_job(&mut self, scope: usize, job: usize, change: impl FnOnce(&mut JobState)) {
        change(&mut Arc::make_mut(&mut self.scopes[scope]).jobs[job]);
    }

    fn with_leg(&mut self, path: &str, change: impl FnOnce(&mut LegState)) {
        if let Some(index) = self.leg_index(path) {
            change(Arc::make_mut(&mut self.legs[index]));
        }
    }

    /// A `post` or `undo` part comes into being with the first record about it.
    fn with_step(&mut self, leg: &str, path: &str, change: impl FnOnce(&mut StepState)) {
        self.with_leg(leg, |leg| {
            let index = leg.step_index(path).or_else(|| {
                let part = part_of(leg, path)?;
                leg.steps.push(part);
                Some(leg.steps.len() - 1)
            });
            if let Some(index) = index {
                change(&mut leg.steps[index]);
            }
        });
    }
}

impl LegState {
    fn new(path: String, scope: usize, job: usize, index: usize, plan: &LegPlan) -> Self {
        Self {
            path,
            scope,
            job,
            index,
            plan: plan.clone(),
            phase: LegPhase::Pending,
            stopping: None,
            terms: Terms::default(),
            deadline: None,
            group: None,
            granted: false,
            callee: None,
            steps: Vec::new(),
            outputs: Default::default(),
            url: None,
            failure: None,
            ended: 0,
        }
    }
}

pub(crate) fn leg_path(job: &str, number: usize, plan: &LegPlan) -> String {
    match plan.matrix {
        Some(_) => format!("{job}.{number}"),
        None => job.to_owned(),
    }
}

fn waiting(wait: &Wait) -> StepPhase {
    StepPhase::Waiting { wait: wait.clone(), approved: Vec::new() }
}

fn first_steps(job: &Job) -> Vec<StepState> {
    let main = |(number, step): (usize, &Step)| {
        StepState::new(step.key.clone(), Stage::Main, vec![number], None)
    };
    let mains: Vec<StepState> = steps_of(job).iter().enumerate().map(main).collect();
    let pres = mains.iter().filter_map(|main| pre_of(step_at(job, &main.route), main));
    pres.collect::<Vec<_>>().into_iter().chain(mains.clone()).collect()
}

fn pre_of(step: &Step, main: &StepState) -> Option<StepState> {
    let Action::JavaScript { action, .. } = &step.action else { return None };
    action.pre.as_ref()?;
    let path = format!("{}:pre", main.path);
    Some(StepState::new(path, Stage::Pre, main.route.clone(), main.parent))
}

fn part_of(leg: &LegState, path: &str) -> Option<StepState> {
    let (of, stage) = if let Some(of) = path.strip_suffix(":post") {
        (of, Stage::Post)
    } else {
        (path.strip_suffix(":undo")?, Stage::Undo)
    };
    let of = leg.step_index(of)?;
    let main = &leg.steps[of];
    Some(StepState::new(path.to_owned(), stage, main.route.clone(), main.parent))
}
