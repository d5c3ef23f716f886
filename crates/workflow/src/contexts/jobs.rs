//! `needs` and `jobs`: what other jobs gave.

use std::collections::BTreeMap;

use super::Contexts;
use crate::expression::{Object, Value};
use crate::state::State;

impl Contexts<'_> {
    /// The jobs that this one needs, directly.
    pub(super) fn needs(&self) -> Option<Value> {
        let needs = &self.state.workflow(self.scope).jobs[self.job?].needs;
        Some(self.job_results(|key| needs.iter().any(|needed| needed == key)))
    }

    /// All of the workflow's, for its own outputs.
    pub(super) fn jobs(&self) -> Value {
        self.job_results(|_| true)
    }

    fn job_results(&self, wanted: impl Fn(&str) -> bool) -> Value {
        let jobs = self.state.workflow(self.scope).jobs.iter().enumerate();
        jobs.filter(|(_, job)| wanted(&job.key))
            .filter_map(|(index, job)| {
                let state = &self.state.scope_at(self.scope).jobs[index];
                let outputs = job_outputs(self.state, self.scope, index);
                let result = [
                    ("result", Value::from(state.conclusion()?.as_str())),
                    ("outputs", outputs.into_iter().collect()),
                ];
                Some((job.key.as_str(), result.into_iter().collect::<Object>()))
            })
            .collect()
    }
}

/// What the legs of a job gave; of two that gave the same output, the one that ended last, unless that is empty.
pub(crate) fn job_outputs(state: &State, scope: usize, job: usize) -> BTreeMap<String, String> {
    let (_, job) = state.job_at(scope, job);
    let mut legs: Vec<_> = state.legs_of(job).collect();
    legs.sort_by_key(|leg| leg.ended);
    let mut outputs = BTreeMap::new();
    for (name, text) in legs.iter().flat_map(|leg| &leg.outputs) {
        if !text.is_empty() || !outputs.contains_key(name) {
            outputs.insert(name.clone(), text.clone());
        }
    }
    outputs
}
