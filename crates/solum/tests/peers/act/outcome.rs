//! What became of a workflow, in lines that can be compared: how jobs and steps ended, and what steps handed on.
//!
//! What did not run has no line, for act says nothing of it. A step without an id goes by its number; in an action it has no line,
//! for there the two number differently. Nor has the part of an action that runs after the job's steps, but its failure
//! is the job's.

use std::collections::{BTreeMap, BTreeSet};

pub(super) type Lines = BTreeSet<String>;

const SKIPPED: &str = "skipped";

/// One execution of a job.
#[derive(Debug, Default)]
pub(super) struct Leg {
    pub(super) conclusion: String,
    steps: BTreeSet<String>,
    outputs: BTreeSet<String>,
}

impl Leg {
    pub(super) fn ended(&mut self, step: &str, outcome: &str) {
        if outcome != SKIPPED {
            self.steps.insert(format!("{step}: {outcome}"));
        }
    }

    pub(super) fn handed_on(&mut self, step: &str, name: &str, value: &str) {
        self.outputs.insert(format!("{step}.{name} = {}", value.replace('\n', "⏎")));
    }
}

/// `legs` are by the path of their job: `build`, or `call/build` in a workflow that `call` calls. Those of one job are
/// numbered in the order of what they handed on, those that handed on nothing last.
pub(super) fn lines(legs: BTreeMap<String, Vec<Leg>>) -> Lines {
    let mut lines = Lines::new();
    for (job, mut legs) in legs {
        legs.retain(|leg| leg.conclusion != SKIPPED);
        legs.sort_by_cached_key(|leg| {
            (leg.outputs.is_empty(), leg.outputs.clone(), leg.conclusion.clone())
        });
        let many = legs.len() > 1;
        for (index, leg) in legs.into_iter().enumerate() {
            let job = if many { format!("{job}[{index}]") } else { job.clone() };
            lines.extend(leg.steps.iter().chain(&leg.outputs).map(|line| format!("{job} {line}")));
            lines.insert(format!("{job}: {}", leg.conclusion));
        }
    }
    lines
}
