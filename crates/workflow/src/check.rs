//! What is wrong with a definition, found before anything runs.

use std::collections::{HashMap, HashSet};

use crate::definition::{Definition, Job, Value};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    #[error("the workflow has no jobs")]
    NoJobs,
    #[error("the workflow has {count} jobs; {max} is the most")]
    TooManyJobs { count: usize, max: usize },
    #[error("job `{job}` has {count} steps; 1 to {max} are possible")]
    StepCount { job: String, count: usize, max: usize },
    #[error("two jobs are called `{job}`")]
    DuplicateJob { job: String },
    #[error("job `{job}` has two steps called `{step}`")]
    DuplicateStep { job: String, step: String },
    #[error("job `{job}` needs `{needs}`, which is not a job of this workflow")]
    UnknownJob { job: String, needs: String },
    #[error("these jobs need each other in a circle: {}", .jobs.join(" → "))]
    Cycle { jobs: Vec<String> },
    #[error("job `{job}` uses an output of `{source_job}`, which it does not list under `needs`")]
    NotNeeded { job: String, source_job: String },
    #[error("job `{job}` uses output `{output}` of job `{source_job}`, which has no such output")]
    UnknownOutput { job: String, source_job: String, output: String },
    #[error("job `{job}` uses an output of step `{step}`, which does not come before")]
    UnknownStep { job: String, step: String },
    #[error("step `{step}` of job `{job}` must be tried at least once")]
    NoAttempts { job: String, step: String },
}

pub(crate) fn check(mut definition: Definition) -> Result<Definition, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    if definition.jobs.is_empty() {
        mistakes.push(Mistake::NoJobs);
    }
    if definition.jobs.len() > Definition::MAX_JOBS {
        return Err(vec![Mistake::TooManyJobs {
            count: definition.jobs.len(),
            max: Definition::MAX_JOBS,
        }]);
    }
    let by_key: HashMap<&str, &Job> =
        definition.jobs.iter().map(|job| (job.key.as_str(), job)).collect();
    let mut seen = HashSet::new();
    for job in &definition.jobs {
        if !seen.insert(job.key.as_str()) {
            mistakes.push(Mistake::DuplicateJob { job: job.key.clone() });
        }
        for needs in job.needs.iter().filter(|needs| !by_key.contains_key(needs.as_str())) {
            mistakes.push(Mistake::UnknownJob { job: job.key.clone(), needs: needs.clone() });
        }
        check_steps(job, &by_key, &mut mistakes);
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let order = order(&definition.jobs).map_err(|cycle| vec![cycle])?;
    definition.jobs.sort_by_key(|job| order[&job.key]);
    Ok(definition)
}

fn check_steps(job: &Job, by_key: &HashMap<&str, &Job>, mistakes: &mut Vec<Mistake>) {
    if job.steps.is_empty() || job.steps.len() > Definition::MAX_STEPS {
        mistakes.push(Mistake::StepCount {
            job: job.key.clone(),
            count: job.steps.len(),
            max: Definition::MAX_STEPS,
        });
    }
    let mut before = HashSet::new();
    for step in &job.steps {
        for value in step.with.values() {
            mistakes.extend(check_value(job, value, &before, by_key));
        }
        if step.retry.attempts == 0 {
            mistakes.push(Mistake::NoAttempts { job: job.key.clone(), step: step.key.clone() });
        }
        if !before.insert(step.key.as_str()) {
            mistakes.push(Mistake::DuplicateStep { job: job.key.clone(), step: step.key.clone() });
        }
    }
    for value in job.outputs.values() {
        mistakes.extend(check_value(job, value, &before, by_key));
    }
}

fn check_value(
    job: &Job,
    value: &Value,
    steps_before: &HashSet<&str>,
    by_key: &HashMap<&str, &Job>,
) -> Option<Mistake> {
    match value {
        Value::Literal(_) => None,
        Value::Step { step, .. } => (!steps_before.contains(step.as_str()))
            .then(|| Mistake::UnknownStep { job: job.key.clone(), step: step.clone() }),
        Value::Job { job: source_job, output } => {
            if !job.needs.contains(source_job) {
                return Some(Mistake::NotNeeded {
                    job: job.key.clone(),
                    source_job: source_job.clone(),
                });
            }
            let known = by_key.get(source_job.as_str())?.outputs.contains_key(output);
            (!known).then(|| Mistake::UnknownOutput {
                job: job.key.clone(),
                source_job: source_job.clone(),
                output: output.clone(),
            })
        }
    }
}

/// A place for each job, after everything it needs; jobs that could come in any order keep theirs
/// (Kahn's algorithm).
fn order(jobs: &[Job]) -> Result<HashMap<String, usize>, Mistake> {
    let mut placed: HashMap<String, usize> = HashMap::new();
    while placed.len() < jobs.len() {
        let next = jobs.iter().find(|job| {
            !placed.contains_key(&job.key)
                && job.needs.iter().all(|needs| placed.contains_key(needs))
        });
        let Some(job) = next else {
            return Err(cycle(jobs, &placed));
        };
        placed.insert(job.key.clone(), placed.len());
    }
    Ok(placed)
}

/// Walks along unplaced needs until a job comes up again: every unplaced job has one.
fn cycle(jobs: &[Job], placed: &HashMap<String, usize>) -> Mistake {
    let unplaced = |key: &String| !placed.contains_key(key);
    let mut path: Vec<String> = Vec::new();
    let mut current = jobs.iter().map(|job| &job.key).find(|key| unplaced(key));
    while let Some(key) = current {
        if let Some(start) = path.iter().position(|seen| seen == key) {
            let mut jobs = path.split_off(start);
            jobs.push(key.clone());
            return Mistake::Cycle { jobs };
        }
        path.push(key.clone());
        let job = jobs.iter().find(|job| job.key == *key);
        current = job.and_then(|job| job.needs.iter().find(|needs| unplaced(needs)));
    }
    Mistake::Cycle { jobs: path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{Retry, Step};

    fn job(key: &str, needs: &[&str]) -> Job {
        let step = Step {
            key: "only".into(),
            uses: "test/only".into(),
            with: Default::default(),
            retry: Retry::default(),
        };
        Job {
            key: key.into(),
            needs: needs.iter().map(|&needs| needs.to_owned()).collect(),
            environment: None,
            steps: vec![step],
            outputs: Default::default(),
        }
    }

    fn mistakes(jobs: Vec<Job>) -> Vec<String> {
        let checked = Definition { name: "w".into(), jobs }.checked();
        checked.unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_circle_is_shown_in_full() {
        let jobs = vec![job("a", &["c"]), job("b", &["a"]), job("c", &["b"]), job("free", &[])];
        assert_eq!(mistakes(jobs), ["these jobs need each other in a circle: a → c → b → a"]);
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let mut uses = job("b", &[]);
        uses.steps[0].with.insert("x".into(), Value::Job { job: "a".into(), output: "y".into() });
        let jobs = vec![job("a", &["nobody"]), uses, job("a", &[])];
        assert_eq!(
            mistakes(jobs),
            [
                "job `a` needs `nobody`, which is not a job of this workflow",
                "job `b` uses an output of `a`, which it does not list under `needs`",
                "two jobs are called `a`",
            ]
        );
    }

    #[test]
    fn an_output_that_no_job_has_is_a_mistake() {
        let mut uses = job("b", &["a"]);
        uses.outputs.insert("x".into(), Value::Job { job: "a".into(), output: "y".into() });
        assert_eq!(
            mistakes(vec![job("a", &[]), uses]),
            ["job `b` uses output `y` of job `a`, which has no such output"]
        );
    }
}
