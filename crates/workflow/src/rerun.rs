//! Trying a run again: what of it need not be done twice.

use crate::record::{Conclusion, Record, Reused};
use crate::state::{JobPhase, LegState, Stage, State};

/// The first records of a run that does only again what failed in `state`, and what leans on that. A leg is carried over
/// if it succeeded, nothing of it was undone, and so is everything that its job needs.
#[must_use]
pub fn carried_over(state: &State) -> Vec<Record> {
    let legs = state.legs().filter(|leg| is_carried_over(state, leg));
    legs.map(|leg| {
        Record::Reused(Reused {
            leg: leg.path.clone(),
            matrix: leg.plan.matrix.clone(),
            outcome: leg.outcome().unwrap_or(Conclusion::Success),
            conclusion: Conclusion::Success,
            outputs: leg.outputs.clone(),
        })
    })
    .collect()
}

fn is_carried_over(state: &State, leg: &LegState) -> bool {
    // A call is gone through again, and what is in it looked at one by one.
    leg.callee.is_none() && is_good(leg) && stands_on_carried_over(state, leg)
}

fn is_good(leg: &LegState) -> bool {
    leg.conclusion() == Some(Conclusion::Success)
        && leg.steps.iter().all(|step| step.stage != Stage::Undo)
}

fn stands_on_carried_over(state: &State, leg: &LegState) -> bool {
    let jobs = &state.workflow(leg.scope).jobs;
    let needs = &jobs[leg.job].needs;
    let needed = jobs.iter().enumerate().filter(|(_, job)| needs.contains(&job.key));
    let caller = state.scope_at(leg.scope).caller;
    needed.into_iter().all(|(job, _)| is_kept(state, leg.scope, job))
        && caller.is_none_or(|caller| stands_on_carried_over(state, state.leg_at(caller)))
}

/// Whether nothing of a job, nor of what it needs, is done again.
fn is_kept(state: &State, scope: usize, job: usize) -> bool {
    let (definition, job) = state.job_at(scope, job);
    let good = match &job.phase {
        JobPhase::Skipped { .. } => true,
        JobPhase::Done { conclusion, .. } => {
            *conclusion == Conclusion::Success
                && state.legs_of(job).all(|leg| is_kept_whole(state, leg))
        }
        JobPhase::Pending | JobPhase::Running => false,
    };
    let jobs = &state.workflow(scope).jobs;
    let mut needed = jobs.iter().enumerate().filter(|(_, job)| definition.needs.contains(&job.key));
    good && needed.all(|(job, _)| is_kept(state, scope, job))
}

fn is_kept_whole(state: &State, leg: &LegState) -> bool {
    let inside = |callee: usize| {
        let jobs = state.scope_at(callee).jobs.len();
        (0..jobs).all(|job| is_kept(state, callee, job))
    };
    is_good(leg) && leg.callee.is_none_or(inside)
}
