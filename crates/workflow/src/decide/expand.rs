//! A job that has come up becomes legs: its matrix, their names, how many may go on at once.

use super::Decision;
use crate::contexts::{Combination, Contexts};
use crate::expression::{Form, Object, Value, boolean, number, references, render};
use crate::input::Failure;
use crate::language::{Job, Strategy, Template};
use crate::limits::MAX_LEGS;
use crate::matrix;
use crate::record::{LegPlan, Record};

impl Decision {
    pub(super) fn expand(&self, scope: usize, job: usize) -> Result<Record, Failure> {
        let (definition, _) = self.state.job_at(scope, job);
        let here = Contexts::of_job(&self.state, scope, job);
        let terms = Parallel::of(definition.strategy.as_ref(), &here)?;
        let combinations = combinations(definition, &here)?;
        if self.state.legs().count() + combinations.len() > MAX_LEGS {
            let message = format!("the run would have more than {MAX_LEGS} jobs");
            return Err(Failure::lasting("too_many_jobs", message));
        }
        let total = combinations.len();
        let around = self.name_around(scope);
        let legs = combinations.into_iter().enumerate().map(|(index, matrix)| {
            let matrix = matrix.map(Value::from);
            let combination = Combination {
                matrix: matrix.as_ref(),
                index,
                total,
                fail_fast: terms.fail_fast,
                max_parallel: terms.max_parallel,
            };
            let here = here.clone().with_combination(combination);
            let name = format!("{around}{}", name(definition, matrix.as_ref(), &here)?);
            Ok(LegPlan { name, matrix })
        });
        let legs = legs.collect::<Result<Vec<_>, Failure>>()?;
        let Parallel { fail_fast, max_parallel } = terms;
        Ok(Record::JobExpanded {
            job: self.state.job_path(scope, job),
            legs,
            fail_fast,
            max_parallel,
        })
    }

    /// `call / `, in a workflow that `call` calls.
    fn name_around(&self, scope: usize) -> String {
        let caller = self.state.scope_at(scope).caller;
        caller.map_or_else(String::new, |leg| format!("{} / ", self.state.leg_at(leg).plan.name))
    }
}

struct Parallel {
    fail_fast: bool,
    max_parallel: Option<usize>,
}

impl Parallel {
    fn of(strategy: Option<&Strategy>, here: &Contexts<'_>) -> Result<Self, Failure> {
        let fail_fast = strategy.and_then(|strategy| strategy.fail_fast.as_ref());
        let fail_fast = fail_fast.map_or(Ok(true), |template| {
            boolean(template, here).map_err(|error| here.failure(&error))
        })?;
        let max_parallel = strategy.and_then(|strategy| strategy.max_parallel.as_ref());
        let max_parallel = max_parallel.map(|template| count(template, here)).transpose()?;
        Ok(Self { fail_fast, max_parallel })
    }
}

fn count(template: &Template, here: &Contexts<'_>) -> Result<usize, Failure> {
    let count = number(template, here).map_err(|error| here.failure(&error))?;
    if (1.0..=1e6).contains(&count) && count.fract() == 0.0 {
        return Ok(count as usize);
    }
    Err(here.mistake(template, "strategy", "`max-parallel` has to be a whole number of at least 1"))
}

/// One without values for a job that has no matrix.
fn combinations(job: &Job, here: &Contexts<'_>) -> Result<Vec<Option<Object>>, Failure> {
    let Some(matrix) = job.strategy.as_ref().and_then(|strategy| strategy.matrix.as_ref()) else {
        return Ok(vec![None]);
    };
    let combinations = matrix::evaluate(matrix, job.at, here)?;
    let at = |message: &str| {
        let mistake = document::Mistake::new(&here.file(), job.at, message);
        Failure::lasting("matrix", mistake.to_string())
    };
    if combinations.is_empty() {
        return Err(at(&format!("the matrix of job `{}` has no combination", job.key)));
    }
    Ok(combinations.into_iter().map(Some).collect())
}

/// As GitHub prints it: the name or key, and the matrix' values unless the name has chosen among them itself.
fn name(job: &Job, matrix: Option<&Value>, here: &Contexts<'_>) -> Result<String, Failure> {
    let name = match &job.name {
        Some(name) => render(name, here).map_err(|error| here.failure(&error))?,
        None => job.key.clone(),
    };
    let chosen = job.name.as_ref().is_some_and(|name| {
        references(name, Form::Text)
            .is_ok_and(|found| found.uses("matrix") || found.uses("strategy"))
    });
    Ok(match matrix {
        Some(Value::Object(matrix)) if !chosen => matrix::with_values(&name, matrix),
        _ => name,
    })
}
