//! What a leg is started with, and what a step is: the keys that hold numbers, names and switches.

use jiff::{SignedDuration, Timestamp};

use super::Decision;
use crate::contexts::Contexts;
use crate::expression::{Object, Value, boolean, number, render, value};
use crate::input::Failure;
use crate::language::{Call, Concurrency, Input, InputType, Job, RunsOn, Template, Work};
use crate::limits::DEFAULT_JOB_MINUTES;
use crate::record::Terms;

/// The label of jobs that have only steps which the control plane carries out.
const NO_BOX: &str = "solum";

impl Decision {
    /// What a leg is to be started with, and when it has to have ended.
    pub(super) fn terms(
        &self,
        job: &Job,
        here: &Contexts<'_>,
    ) -> Result<(Terms, Option<Timestamp>), Failure> {
        let environment =
            job.environment.as_ref().map(|used| text(&used.name, here)).transpose()?;
        let mut terms = Terms {
            environment: environment.filter(|name| !name.is_empty()),
            continue_on_error: switch(job.continue_on_error.as_ref(), here)?,
            ..Terms::default()
        };
        let written = job.timeout_minutes.as_ref().map(|template| minutes(template, here));
        let time = match &job.work {
            Work::Steps { runs_on, .. } => {
                terms.runs_on = labels(runs_on, here)?;
                // What needs no box holds nothing while it waits, days if need be.
                let default = (terms.runs_on != [NO_BOX])
                    .then(|| SignedDuration::from_mins(DEFAULT_JOB_MINUTES));
                written.transpose()?.or(default)
            }
            Work::Call(call) => {
                terms.inputs = Some(given(call, here)?);
                written.transpose()?
            }
        };
        Ok((terms, time.map(|time| later(self.now, time))))
    }
}

/// The most that a time can be is not an error.
pub(super) fn later(now: Timestamp, time: SignedDuration) -> Timestamp {
    now.checked_add(time).unwrap_or(Timestamp::MAX)
}

pub(super) fn text(template: &Template, here: &Contexts<'_>) -> Result<String, Failure> {
    render(template, here).map_err(|error| here.failure(&error))
}

/// Off where nothing is written.
pub(super) fn switch(template: Option<&Template>, here: &Contexts<'_>) -> Result<bool, Failure> {
    template
        .map_or(Ok(false), |template| boolean(template, here).map_err(|error| here.failure(&error)))
}

/// `timeout-minutes`.
pub(super) fn minutes(template: &Template, here: &Contexts<'_>) -> Result<SignedDuration, Failure> {
    const LONGEST: f64 = 60.0 * 24.0 * 365.0;
    let minutes = number(template, here).map_err(|error| here.failure(&error))?;
    if minutes > 0.0 && minutes <= LONGEST {
        return Ok(SignedDuration::from_secs_f64(minutes * 60.0));
    }
    Err(here.mistake(
        template,
        "timeout",
        "a time limit is more than no minutes and at most a year",
    ))
}

/// The name of a concurrency group, and whether whoever is in it has to go; none if the name is empty.
pub(super) fn group(
    concurrency: &Concurrency,
    here: &Contexts<'_>,
) -> Result<Option<(String, bool)>, Failure> {
    let group = text(&concurrency.group, here)?;
    let cancel = switch(concurrency.cancel_in_progress.as_ref(), here)?;
    Ok((!group.is_empty()).then_some((group, cancel)))
}

/// Each of the labels, and each of those in a list that an expression gives.
fn labels(runs_on: &RunsOn, here: &Contexts<'_>) -> Result<Vec<String>, Failure> {
    let mut labels = Vec::new();
    for template in &runs_on.labels {
        match value(template, here).map_err(|error| here.failure(&error))? {
            Value::Array(items) => {
                labels.extend(items.iter().map(|item| item.to_text().into_owned()))
            }
            Value::Object(_) => {
                return Err(here.mistake(
                    template,
                    "runs_on",
                    "`runs-on` has to be a label or a list of them",
                ));
            }
            label => labels.push(label.to_text().into_owned()),
        }
    }
    labels.retain(|label| !label.is_empty());
    if let (true, Some(template)) = (labels.is_empty(), runs_on.labels.first()) {
        return Err(here.mistake(template, "runs_on", "`runs-on` gives no label"));
    }
    Ok(labels)
}

/// What a called workflow is given, each input in its type.
fn given(call: &Call, here: &Contexts<'_>) -> Result<Value, Failure> {
    let mut inputs = Object::new();
    for input in &call.workflow.inputs {
        let given = call.with.iter().find(|(name, _)| name.eq_ignore_ascii_case(&input.name));
        let template = given.map(|(_, template)| template).or(input.default.as_ref());
        let typed = match template {
            None if input.required => {
                let message = format!("{} needs the input `{}`", call.uses, input.name);
                return Err(Failure::lasting("input", message));
            }
            None => Ok(empty(&input.kind)),
            Some(template) => {
                let given = value(template, here).map_err(|error| here.failure(&error))?;
                typed(input, given).map_err(|wanted| {
                    let message =
                        format!("the input `{}` of {} has to be {wanted}", input.name, call.uses);
                    here.mistake(template, "input", &message)
                })
            }
        };
        inputs.insert(input.name.as_str(), typed?);
    }
    Ok(inputs.into())
}

fn empty(kind: &InputType) -> Value {
    match kind {
        InputType::Boolean => Value::Bool(false),
        InputType::Number => Value::Number(0.0),
        InputType::String | InputType::Choice { .. } | InputType::Environment => "".into(),
    }
}

/// What it has to be, where it is something else.
fn typed(input: &Input, given: Value) -> Result<Value, String> {
    match (&input.kind, given) {
        (InputType::Boolean, Value::Bool(bool)) => Ok(bool.into()),
        (InputType::Boolean, Value::String(text)) if &*text == "true" => Ok(true.into()),
        (InputType::Boolean, Value::String(text)) if &*text == "false" => Ok(false.into()),
        (InputType::Boolean, _) => Err("true or false".to_owned()),
        (InputType::Number, given) if given.is_primitive() => {
            let number = given.to_number();
            if number.is_finite() { Ok(number.into()) } else { Err("a number".to_owned()) }
        }
        (InputType::Number, _) => Err("a number".to_owned()),
        (InputType::Choice { options }, given) => {
            let text = given.to_text().into_owned();
            let known = options.contains(&text);
            if known { Ok(text.into()) } else { Err(format!("one of {}", options.join(", "))) }
        }
        (InputType::String | InputType::Environment, given) if given.is_primitive() => {
            Ok(given.to_text().into_owned().into())
        }
        (InputType::String | InputType::Environment, _) => Err("text".to_owned()),
    }
}
