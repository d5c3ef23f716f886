//! Legs: their start, how they move on from step to step, and their end.

use std::collections::BTreeMap;

use super::Decision;
use super::jobs::overall;
use super::terms;
use crate::contexts::Contexts;
use crate::effect::Claim;
use crate::expression::{Form, render};
use crate::input::{Failure, SEALED};
use crate::language::{Concurrency, Job, Work};
use crate::limits::MAX_OUTPUT_BYTES;
use crate::record::{Conclusion, Record, Stop};
use crate::state::{LegPhase, LegState, Stage};

impl Decision {
    /// Starts a leg if there is room beside its siblings, and in its concurrency group.
    pub(super) fn try_start(&mut self, index: usize) {
        let leg = self.state.leg_at(index);
        if (leg.group.is_some() && !leg.granted) || (leg.group.is_none() && !self.has_room(leg)) {
            return;
        }
        if self.reuse(index) {
            return;
        }
        let leg = self.state.leg_at(index);
        let path = leg.path.clone();
        let job = self.state.job_of(leg);
        let here = Contexts::of_leg(&self.state, leg);
        let asks = (leg.group.is_none()).then(|| concurrency_of(job)).flatten();
        let claimed = asks.map_or(Ok(None), |concurrency| {
            let group = terms::group(concurrency, &here)?;
            if group.as_ref().is_some_and(|(group, _)| self.is_held_around(leg, group)) {
                let message =
                    "the job would wait for a concurrency group that its own run or caller is in";
                return Err(here.mistake(&concurrency.group, "concurrency", message));
            }
            Ok(group.map(|(group, cancel_in_progress)| Claim {
                job: Some(path.clone()),
                group,
                cancel_in_progress,
                queue: concurrency.queue,
            }))
        });
        match claimed {
            Ok(Some(claim)) => return self.push(Record::GroupAsked { claim }),
            Ok(None) => {}
            Err(failure) => return self.fail_leg(index, failure),
        }
        match self.terms(job, &here) {
            Ok((terms, deadline)) => {
                self.push(Record::LegStarted { leg: path, terms, deadline });
                self.again |= self.state.leg_at(index).callee.is_some();
                self.advance(index);
            }
            Err(failure) => self.fail_leg(index, failure),
        }
    }

    /// Whether the run, or a leg that calls, is in the group.
    fn is_held_around(&self, leg: &LegState, group: &str) -> bool {
        let is = |other: &Option<String>| {
            other.as_ref().is_some_and(|other| other.to_lowercase() == group.to_lowercase())
        };
        let caller = self.state.scope_at(leg.scope).caller.map(|caller| self.state.leg_at(caller));
        is(&self.state.group)
            || caller.is_some_and(|caller| is(&caller.group) || self.is_held_around(caller, group))
    }

    fn has_room(&self, leg: &LegState) -> bool {
        let job = self.state.job_state_of(leg);
        let under_way = |leg: &&LegState| {
            leg.phase == LegPhase::Running || (leg.group.is_some() && !leg.has_ended())
        };
        let count = self.state.legs_of(job).filter(under_way).count();
        job.max_parallel.is_none_or(|most| count < most)
    }

    /// An earlier attempt of the run has the leg's result.
    fn reuse(&mut self, index: usize) -> bool {
        let leg = self.state.leg_at(index);
        let Some(reused) = self.state.reused(&leg.path) else { return false };
        if reused.matrix != leg.plan.matrix {
            return false;
        }
        let record = Record::LegFinished {
            leg: leg.path.clone(),
            outcome: reused.outcome,
            conclusion: reused.conclusion,
            outputs: reused.outputs.clone(),
            url: None,
            failure: None,
        };
        self.push(record);
        true
    }

    /// Moves a running leg on as far as it goes by itself.
    pub(super) fn advance(&mut self, index: usize) {
        if let Some(callee) = self.state.leg_at(index).callee {
            if self.state.scope_at(callee).has_ended() {
                self.finish_call(index, callee);
            }
            return;
        }
        while !self.is_spent() {
            if !self.take_step(index) {
                return;
            }
        }
    }

    /// All its steps have ended.
    pub(super) fn finish_steps(&mut self, index: usize) {
        let leg = self.state.leg_at(index);
        let here = Contexts::at_end_of_leg(&self.state, leg);
        let job = self.state.job_of(leg);
        let ends: Vec<Conclusion> = leg
            .steps
            .iter()
            .filter(|step| step.sequence().is_none() && step.stage != Stage::Undo)
            .filter_map(|step| step.conclusion())
            .collect();
        let interrupted = ends.contains(&Conclusion::Cancelled);
        let outcome = match overall(&ends) {
            _ if interrupted => Conclusion::Cancelled,
            Conclusion::Skipped => Conclusion::Success,
            end => end,
        };
        let url = job.environment.as_ref().and_then(|used| used.url.as_ref());
        let found = outputs(job.outputs.iter().map(|(name, value)| (name, value)), &here);
        let url = url.filter(|url| !here.is_late(url, Form::Text));
        let url =
            url.map(|url| render(url, &here).map_err(|error| here.failure(&error))).transpose();
        match (found, url) {
            (Ok(outputs), Ok(url)) => self.end_leg(index, outcome, outputs, url, None),
            (Err(failure), _) | (_, Err(failure)) => {
                let outcome = if interrupted { outcome } else { Conclusion::Failure };
                self.end_leg(index, outcome, BTreeMap::new(), None, Some(failure));
            }
        }
    }

    fn finish_call(&mut self, index: usize, callee: usize) {
        let jobs = &self.state.scope_at(callee).jobs;
        let ends: Vec<Conclusion> = jobs.iter().filter_map(|job| job.conclusion()).collect();
        let here = Contexts::of_workflow(&self.state, callee);
        let declared = &self.state.workflow(callee).outputs;
        let found = outputs(declared.iter().map(|output| (&output.name, &output.value)), &here);
        match found {
            Ok(outputs) => self.end_leg(index, overall(&ends), outputs, None, None),
            Err(failure) => self.fail_leg(index, failure),
        }
    }

    pub(super) fn fail_leg(&mut self, index: usize, failure: Failure) {
        self.end_leg(index, Conclusion::Failure, BTreeMap::new(), None, Some(failure));
    }

    pub(super) fn end_leg(
        &mut self,
        index: usize,
        outcome: Conclusion,
        outputs: BTreeMap<String, String>,
        url: Option<String>,
        failure: Option<Failure>,
    ) {
        let leg = self.state.leg_at(index);
        let allowed = outcome == Conclusion::Failure && leg.terms.continue_on_error;
        let conclusion = if allowed { Conclusion::Success } else { outcome };
        let path = leg.path.clone();
        self.push(Record::LegFinished { leg: path, outcome, conclusion, outputs, url, failure });
        self.again = true;
        if conclusion == Conclusion::Failure {
            self.fail_fast(index);
        }
    }

    fn fail_fast(&mut self, failed: usize) {
        let job = self.state.job_state_of(self.state.leg_at(failed));
        if !job.fail_fast {
            return;
        }
        for sibling in job.legs.clone() {
            self.stop_leg(sibling, Stop::FailFast);
        }
    }
}

/// A job's own; a called workflow's where the job has none.
fn concurrency_of(job: &Job) -> Option<&Concurrency> {
    job.concurrency.as_ref().or(match &job.work {
        Work::Call(call) => call.workflow.concurrency.as_ref(),
        Work::Steps { .. } => None,
    })
}

/// Each output, evaluated. One that has a secret in it is left out, as on GitHub.
fn outputs<'d>(
    declared: impl Iterator<Item = (&'d String, &'d crate::language::Template)>,
    here: &Contexts<'_>,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut found = BTreeMap::new();
    for (name, template) in declared {
        if here.is_late(template, Form::Text) {
            continue;
        }
        let text = terms::text(template, here)?;
        if !text.contains(SEALED) {
            found.insert(name.clone(), text);
        }
    }
    let bytes: usize = found.iter().map(|(name, text)| name.len() + text.len()).sum();
    if bytes <= MAX_OUTPUT_BYTES {
        return Ok(found);
    }
    let message = format!("the outputs of the job are larger than {} MiB", MAX_OUTPUT_BYTES >> 20);
    Err(Failure::lasting("outputs_too_large", message))
}
