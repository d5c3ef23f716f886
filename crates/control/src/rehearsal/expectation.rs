//! Whether what a scenario expects is so; if not, what is.

use types::{RunStatus, Transition as _};
use workflow::{
    Conclusion, Failure, JobPhase, JobState, LegPhase, LegState, State, StepPhase, StepState,
};

use super::run::Run;
use super::scenario::{Expectation, Of, Serving, Stage};
use super::story::duration;

/// What was expected, and what there is instead.
pub(super) struct Unmet {
    pub(super) expected: String,
    pub(super) found: String,
}

type Met = Result<(), Unmet>;

pub(super) fn check(expected: &Expectation, run: &Run) -> Met {
    match expected {
        Expectation::NoRun { .. } => unmet("that the event starts no run", "it started one"),
        Expectation::Run { status, because } => of_run(&run.state, *status, because.as_deref()),
        Expectation::Job { job, stage, because } => {
            of_job(&run.state, job, *stage, because.as_deref())
        }
        Expectation::Step { step, stage, attempt, because } => {
            of_step(&run.state, step, *stage, *attempt, because.as_deref())
        }
        Expectation::Outputs { of, outputs } => of_outputs(&run.state, of, outputs),
        Expectation::Approval { of } => approval(&run.state, of),
        Expectation::Environment { name, release } => environment(run, name, *release),
        Expectation::Elapsed(time) if run.elapsed == *time => Ok(()),
        Expectation::Elapsed(time) => unmet(
            format!("that {} have passed", duration(*time)),
            format!("it was {}", duration(run.elapsed)),
        ),
        Expectation::Order(steps) => order(&run.begun, steps),
    }
}

fn unmet(expected: impl Into<String>, found: impl Into<String>) -> Met {
    Err(Unmet { expected: expected.into(), found: found.into() })
}

/// Whether the reason has those words.
fn check_why(of: &str, because: Option<&str>, why: Option<&str>) -> Met {
    match (because, why) {
        (None, _) => Ok(()),
        (Some(because), Some(why)) if why.contains(because) => Ok(()),
        (Some(because), Some(why)) => {
            unmet(format!("{of} because {because}"), format!("it is so because {why}"))
        }
        (Some(because), None) => unmet(format!("{of} because {because}"), "no reason is given"),
    }
}

fn of_run(state: &State, status: RunStatus, because: Option<&str>) -> Met {
    let expected = format!("run {status}");
    if state.status != status {
        return unmet(expected, format!("it {}", standing(state.status)));
    }
    let why = state.failure.as_ref().map(reason);
    let why = why.or_else(|| state.legs().find_map(why_leg));
    let why = why.or_else(|| state.all_jobs().find_map(|(_, _, job)| why_job(state, job)));
    check_why(&expected, because, why.as_deref())
}

/// For `it …`.
fn standing(status: RunStatus) -> String {
    match status {
        RunStatus::Queued | RunStatus::Running | RunStatus::Waiting => format!("is {status}"),
        RunStatus::Cancelled => "was cancelled".to_owned(),
        RunStatus::Succeeded | RunStatus::Failed => status.to_string(),
    }
}

fn reason(failure: &Failure) -> String {
    format!("{} ({})", failure.message, failure.code)
}

/// Finds a leg by its path or its name.
pub(super) fn leg<'s>(state: &'s State, name: &str) -> Option<&'s LegState> {
    state.legs().find(|leg| leg.path == name || leg.plan.name == name)
}

fn job<'s>(state: &'s State, name: &str) -> Option<&'s JobState> {
    state.all_jobs().find(|(path, ..)| path == name).map(|(_, _, job)| job)
}

fn unknown_job(state: &State, name: &str) -> Unmet {
    let paths: Vec<String> = state.all_jobs().map(|(path, ..)| path).collect();
    let hint = document::suggestion(name, paths.iter().map(String::as_str));
    let found = format!("there is no job '{name}'{hint}; there are {}", paths.join(", "));
    Unmet { expected: format!("job {name}"), found }
}

fn of_job(state: &State, name: &str, stage: Stage, because: Option<&str>) -> Met {
    let (found, why) = match (job(state, name), leg(state, name)) {
        (Some(job), _) => (job_stage(state, job), why_job(state, job)),
        (None, Some(leg)) => (leg_stage(state, leg), why_leg(leg)),
        (None, None) => return Err(unknown_job(state, name)),
    };
    let expected = format!("job {name} {}", stage.as_str());
    if found != stage {
        let why = why.map_or(String::new(), |why| format!(": {why}"));
        return unmet(expected, format!("it is {}{why}", found.as_str()));
    }
    check_why(&expected, because, why.as_deref())
}

fn job_stage(state: &State, job: &JobState) -> Stage {
    match (&job.phase, job.conclusion()) {
        (_, Some(conclusion)) => Stage::Ended(conclusion),
        _ if is_cut_off(state) => Stage::Ended(Conclusion::Cancelled),
        (JobPhase::Pending, _) => Stage::Pending,
        _ => {
            let stages: Vec<Stage> = state.legs_of(job).map(|leg| leg_stage(state, leg)).collect();
            let waits = !stages.contains(&Stage::Running) && stages.contains(&Stage::Waiting);
            if waits { Stage::Waiting } else { Stage::Running }
        }
    }
}

/// The run was ended by force, or cost too much: what was open is not any more.
fn is_cut_off(state: &State) -> bool {
    state.status.is_terminal()
}

fn leg_stage(state: &State, leg: &LegState) -> Stage {
    let waits = |step: &StepState| matches!(step.phase, StepPhase::Waiting { .. });
    match (leg.phase, leg.conclusion()) {
        (_, Some(conclusion)) => Stage::Ended(conclusion),
        _ if is_cut_off(state) => Stage::Ended(Conclusion::Cancelled),
        // It waits for a place: in its group, or beside its siblings.
        (LegPhase::Pending, _) => Stage::Waiting,
        _ if leg.steps.iter().any(waits) => Stage::Waiting,
        _ => Stage::Running,
    }
}

fn why_job(state: &State, job: &JobState) -> Option<String> {
    match &job.phase {
        JobPhase::Skipped { why } => Some(why.clone()),
        JobPhase::Done { failure: Some(failure), .. } => Some(reason(failure)),
        _ => state.legs_of(job).find_map(why_leg),
    }
}

fn why_leg(leg: &LegState) -> Option<String> {
    let of_steps = || {
        let counts = |step: &&StepState| {
            step.stage != workflow::Stage::Undo && step.conclusion() == Some(Conclusion::Failure)
        };
        leg.steps.iter().filter(counts).find_map(|step| match &step.phase {
            StepPhase::Failed { failure } => Some(format!("{}: {}", step.path, reason(failure))),
            _ => None,
        })
    };
    leg.failure.as_ref().map(reason).or_else(of_steps)
}

/// Finds a step by `job/step`, where the job may be a leg's path or its name.
pub(super) fn step<'s>(state: &'s State, name: &str) -> Option<(&'s LegState, &'s StepState)> {
    state.legs().find_map(|leg| {
        let inside = |leg_name: &str| name.strip_prefix(leg_name)?.strip_prefix('/');
        let path = inside(&leg.path).or_else(|| inside(&leg.plan.name))?;
        leg.step(path).map(|step| (leg, step))
    })
}

fn of_step(
    state: &State,
    name: &str,
    stage: Stage,
    attempt: Option<u32>,
    because: Option<&str>,
) -> Met {
    let expected = format!("step {name} {}", stage.as_str());
    let Some((leg, step)) = step(state, name) else {
        return match not_begun(state, name) {
            true if stage == Stage::Pending => Ok(()),
            true => unmet(expected, "its job has not begun"),
            false => Err(unknown_step(state, name)),
        };
    };
    let (found, why) = step_stage(state, leg, step);
    if found != stage {
        let why = why.map_or(String::new(), |why| format!(": {why}"));
        return unmet(expected, format!("it is {}{why}", found.as_str()));
    }
    if let Some(attempt) = attempt.filter(|attempt| *attempt != step.attempt) {
        return unmet(
            format!("{expected} on attempt {attempt}"),
            format!("it is attempt {}", step.attempt),
        );
    }
    check_why(&expected, because, why.as_deref())
}

fn step_stage(state: &State, leg: &LegState, step: &StepState) -> (Stage, Option<String>) {
    match &step.phase {
        StepPhase::Pending if leg.has_ended() || is_cut_off(state) => {
            (Stage::Ended(Conclusion::Skipped), Some("its job ended before it".to_owned()))
        }
        StepPhase::Pending => (Stage::Pending, None),
        StepPhase::Running
        | StepPhase::Entered
        | StepPhase::BackingOff { .. }
        | StepPhase::Waiting { .. }
            if is_cut_off(state) =>
        {
            (Stage::Ended(Conclusion::Cancelled), None)
        }
        StepPhase::Running | StepPhase::Entered => (Stage::Running, None),
        StepPhase::BackingOff { .. } | StepPhase::Waiting { .. } => (Stage::Waiting, None),
        StepPhase::Succeeded => (Stage::Ended(Conclusion::Success), None),
        StepPhase::Failed { failure } => (Stage::Ended(Conclusion::Failure), Some(reason(failure))),
        StepPhase::Cancelled => (Stage::Ended(Conclusion::Cancelled), None),
        StepPhase::Skipped { why } => (Stage::Ended(Conclusion::Skipped), Some(why.clone())),
    }
}

/// Whether the step is one of a job without steps yet.
fn not_begun(state: &State, name: &str) -> bool {
    state.all_jobs().any(|(path, definition, job)| {
        let key = name.strip_prefix(path.as_str()).and_then(|key| key.strip_prefix('/'));
        let keys = match &definition.work {
            workflow::language::Work::Steps { steps, .. } => steps.as_slice(),
            workflow::language::Work::Call(_) => &[],
        };
        let begun = state.legs_of(job).any(|leg| !leg.steps.is_empty());
        !begun && key.is_some_and(|key| keys.iter().any(|step| step.key == key))
    })
}

fn unknown_step(state: &State, name: &str) -> Unmet {
    let steps = state
        .legs()
        .flat_map(|leg| leg.steps.iter().map(move |step| format!("{}/{}", leg.path, step.path)));
    let steps: Vec<String> = steps.take(50).collect();
    let hint = document::suggestion(name, steps.iter().map(String::as_str));
    let found = format!("there is no step '{name}'{hint}; so far there are {}", steps.join(", "));
    Unmet { expected: format!("step {name}"), found }
}

fn of_outputs(state: &State, of: &Of, wanted: &[(String, String)]) -> Met {
    let (what, outputs) = match of {
        Of::Step(name) => match step(state, name) {
            Some((_, step)) => (format!("step {name}"), &step.produced.outputs),
            None => return Err(unknown_step(state, name)),
        },
        Of::Job(name) | Of::Verb { environment: name, .. } => {
            let legs = job(state, name).and_then(|job| state.legs_of(job).last());
            match legs.or_else(|| leg(state, name)) {
                Some(leg) => (format!("job {name}"), &leg.outputs),
                None => return Err(unknown_job(state, name)),
            }
        }
    };
    for (name, value) in wanted {
        let found = match outputs.get(name) {
            Some(found) if found == value => continue,
            Some(found) => format!("it has {name}={found}"),
            None => format!("it has no output '{name}'"),
        };
        return unmet(format!("that {what} outputs {name}={value}"), found);
    }
    Ok(())
}

fn approval(state: &State, name: &str) -> Met {
    let mut waits = Vec::new();
    for leg in state.legs() {
        for step in leg.steps.iter().filter(|step| matches!(step.phase, StepPhase::Waiting { .. }))
        {
            if is_meant(state, leg, step, name) {
                return Ok(());
            }
            waits.push(format!("{}/{}", leg.path, step.path));
        }
    }
    let found = match waits.is_empty() {
        true => format!("nothing waits for people; the run {}", standing(state.status)),
        false => format!("what waits is {}", waits.join(", ")),
    };
    unmet(format!("waiting approval {name}"), found)
}

/// Whether somebody who names this means the step: its job, a leg, its environment, or itself.
pub(super) fn is_meant(state: &State, leg: &LegState, step: &StepState, name: &str) -> bool {
    let own = format!("{}/{}", leg.path, step.path);
    let of_job =
        job(state, name).is_some_and(|job| state.legs_of(job).any(|other| other.path == leg.path));
    let environment = leg.terms.environment.as_deref();
    of_job || [leg.path.as_str(), &leg.plan.name, &own].contains(&name) || environment == Some(name)
}

fn environment(run: &Run, name: &str, release: Serving) -> Met {
    let (word, wanted) = match release {
        Serving::Previous => ("previous", false),
        Serving::New => ("new", true),
    };
    let expected = format!("environment {name} at {word} release");
    match run.serves_new(name) {
        Some(new) if new == wanted => Ok(()),
        Some(true) => unmet(expected, "it has a release of this run"),
        Some(false) => unmet(expected, "it has the release from before the run"),
        None if !wanted && is_used(&run.state, name) => Ok(()),
        None if is_used(&run.state, name) => unmet(expected, "nothing was deployed to it"),
        None => unmet(expected, "no job of the run is for that environment"),
    }
}

fn is_used(state: &State, environment: &str) -> bool {
    let legs = state.legs().any(|leg| leg.terms.environment.as_deref() == Some(environment));
    legs || state.all_jobs().any(|(_, job, _)| {
        job.environment.as_ref().is_some_and(|used| used.name.text == environment)
    })
}

fn order(begun: &[String], wanted: &[String]) -> Met {
    let mut rest = begun.iter();
    for step in wanted {
        if !rest.any(|begun| begun == step) {
            let expected = format!("the order {}", wanted.join(", "));
            let found = match begun.contains(step) {
                true => format!("they began so: {}", begun.join(", ")),
                false => format!("{step} did not begin; these did: {}", begun.join(", ")),
            };
            return unmet(expected, found);
        }
    }
    Ok(())
}
