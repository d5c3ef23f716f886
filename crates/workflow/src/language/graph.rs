//! The jobs of a workflow as a graph, as far as it is known before anything runs: what `plan` shows.

use super::definition::{Definition, Job, Matrix, Work};
use super::legs::Leg;
use super::matrix::static_legs;

#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Each after everything that it needs.
    pub jobs: Vec<GraphJob>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct GraphJob {
    pub key: String,
    pub needs: Vec<String>,
    /// 0 without needs, else one more than the highest of them.
    pub stage: usize,
    /// As it is written.
    pub condition: Option<String>,
    /// As it is written.
    pub environment: Option<String>,
    pub legs: Legs,
    /// Of a job that calls a workflow.
    pub calls: Option<Graph>,
}

/// How often a job runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Legs {
    /// It has no matrix.
    Once,
    /// A value that is an expression stands as it is written.
    Known(Vec<Leg>),
    /// An expression decides.
    AtRunTime,
}

#[must_use]
pub fn graph(definition: &Definition) -> Graph {
    let mut jobs: Vec<GraphJob> = Vec::new();
    for job in &definition.jobs {
        let stage_of = |need: &String| {
            let found = jobs.iter().find(|job| job.key.eq_ignore_ascii_case(need));
            found.map_or(0, |job| job.stage + 1)
        };
        let stage = job.needs.iter().map(stage_of).max().unwrap_or(0);
        jobs.push(GraphJob {
            key: job.key.clone(),
            needs: job.needs.clone(),
            stage,
            condition: job.condition.as_ref().map(|condition| condition.text.trim().to_owned()),
            environment: job.environment.as_ref().map(|used| used.name.text.clone()),
            legs: legs(job),
            calls: match &job.work {
                Work::Call(call) => Some(graph(&call.workflow)),
                Work::Steps { .. } => None,
            },
        });
    }
    Graph { jobs }
}

fn legs(job: &Job) -> Legs {
    match job.strategy.as_ref().and_then(|strategy| strategy.matrix.as_ref()) {
        None => Legs::Once,
        Some(Matrix::Whole(_)) => Legs::AtRunTime,
        Some(Matrix::Axes { axes, include, exclude, .. }) => {
            match static_legs(axes, include.as_ref(), exclude.as_ref()) {
                Some(Ok(legs)) => Legs::Known(legs),
                // A definition that was read has no such matrix.
                Some(Err(_)) | None => Legs::AtRunTime,
            }
        }
    }
}
