//! What a workflow would do about an event, as far as that is known before it runs: which jobs there are, and why each would
//! run or be skipped.
//!
//! The engine itself is asked, by a rehearsal in which every step succeeds, with no outputs. What stands on outputs, or on
//! how something ends, is said to depend on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use workflow::expression::{Form, Function, references};
use workflow::language::{
    Action, Definition, Job, Legs, Matrix, Step, Template, Work, Workflow, graph, matches,
};
use workflow::{Input, JobPhase, JobState, State};

use crate::rehearsal::{Run, Start, Until};

/// The event to plan for.
#[derive(Debug, Clone, Default)]
pub struct PlannedEvent {
    pub name: String,
    /// `opened`
    pub activity: Option<String>,
    /// `main`, `refs/tags/v1`; `main` if nothing is said.
    pub reference: Option<String>,
    /// Every path that differs from before, if that is known.
    pub changed: Option<Vec<String>>,
    /// Of `workflow_dispatch` its inputs, of others fields of `github.event`.
    pub inputs: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowPlan {
    pub workflow: String,
    pub runs: bool,
    /// Why it runs, or does not.
    pub why: String,
    /// Each after everything that it needs; those of a called workflow after the job that calls it.
    pub jobs: Vec<PlannedJob>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedJob {
    /// `build`; `call/build` in a workflow that `call` calls.
    pub path: String,
    pub needs: Vec<String>,
    pub environment: Option<String>,
    /// One for each combination of its matrix; empty where that is found out when it comes up.
    pub legs: Vec<String>,
    pub verdict: Verdict,
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// If what it needs succeeds.
    Runs,
    Skipped,
    /// On what is not known before.
    Depends,
}

/// # Errors
/// What is wrong with the event, in words.
pub(crate) fn plan(workflow: &Workflow, event: &PlannedEvent) -> Result<WorkflowPlan, String> {
    let start = Start::planned(event)?;
    let found = matches(&workflow.triggers, &start.event());
    let name = workflow.definition.name.clone();
    if !found.runs {
        let plan = WorkflowPlan { workflow: name, runs: false, why: found.why, jobs: Vec::new() };
        return Ok(plan);
    }
    let context = start.context(workflow)?;
    let mut definition = workflow.definition.clone();
    make_plain(&mut definition);
    let mut run = Run::new(Arc::new(definition), Arc::new(context));
    run.evaluates = false;
    run.give(Input::Start).map_err(|refused| refused.to_string())?;
    run.pass(Until::Quiet)?;
    let jobs = planned(&run.state, &workflow.definition);
    Ok(WorkflowPlan { workflow: name, runs: true, why: found.why, jobs })
}

/// Takes out what would stop the rehearsal: people who are waited for, matrices that outputs make.
fn make_plain(definition: &mut Definition) {
    let at_run_time: Vec<bool> =
        graph(definition).jobs.iter().map(|job| job.legs == Legs::AtRunTime).collect();
    for (job, at_run_time) in definition.jobs.iter_mut().zip(at_run_time) {
        let leans = job.strategy.as_ref().is_some_and(|strategy| match &strategy.matrix {
            Some(Matrix::Whole(whole)) => uses_needs(whole, Form::Text),
            Some(Matrix::Axes { axes, include, exclude, at }) => {
                let values = axes.iter().map(|(_, value)| value).chain(include).chain(exclude);
                values.into_iter().any(|value| {
                    uses_needs(&Template { text: value.to_string(), at: *at }, Form::Text)
                })
            }
            None => false,
        });
        if at_run_time && leans {
            job.strategy = None;
        }
        job.concurrency = None;
        match &mut job.work {
            Work::Steps { steps, .. } => steps.iter_mut().for_each(agree),
            Work::Call(call) => make_plain(&mut call.workflow),
        }
    }
}

/// Nobody is asked: the step succeeds like any other.
fn agree(step: &mut Step) {
    match &mut step.action {
        Action::Verb { verb, with } if verb == "solum/approve" => {
            "solum/test".clone_into(verb);
            with.clear();
        }
        Action::Composite { action, .. } => action.steps.iter_mut().for_each(agree),
        _ => {}
    }
}

fn uses_needs(template: &Template, form: Form) -> bool {
    references(template, form).is_ok_and(|found| found.uses("needs"))
}

fn planned(state: &State, written: &Definition) -> Vec<PlannedJob> {
    let mut verdicts: BTreeMap<String, Verdict> = BTreeMap::new();
    let mut jobs: Vec<PlannedJob> = Vec::new();
    for (path, job, phase) in state.all_jobs() {
        let prefix = path.strip_suffix(job.key.as_str()).unwrap_or_default();
        let of = |need: &String| verdicts.get(&format!("{prefix}{need}")).copied();
        let open = job.needs.iter().find(|need| of(need) == Some(Verdict::Depends));
        let (verdict, why) = verdict(job, phase, open);
        verdicts.insert(path.clone(), verdict);
        let planned = PlannedJob {
            needs: job.needs.clone(),
            environment: environment(state, job, phase),
            legs: legs(state, written, &path, phase),
            verdict,
            why,
            path: path.clone(),
        };
        // Jobs of a called workflow come behind the job that calls.
        let caller = prefix.trim_end_matches('/');
        let beside = |known: &PlannedJob| {
            known.path == caller || (!prefix.is_empty() && known.path.starts_with(prefix))
        };
        match jobs.iter().rposition(beside) {
            Some(at) => jobs.insert(at + 1, planned),
            None => jobs.push(planned),
        }
    }
    jobs
}

fn verdict(job: &Job, phase: &JobState, open: Option<&String>) -> (Verdict, String) {
    let condition = job.condition.as_ref();
    let words =
        condition.map(|written| written.text.split_whitespace().collect::<Vec<_>>().join(" "));
    let found = condition.and_then(|written| references(written, Form::Condition).ok());
    let asks = |functions: &[Function]| {
        let found = found.as_ref();
        found.is_some_and(|found| functions.iter().any(|function| found.calls(*function)))
    };
    let needs = || quoted(&job.needs);
    if let (Some(words), true) = (&words, found.as_ref().is_some_and(|found| found.uses("needs"))) {
        let why = format!("its condition is looked at once {} ended: {words}", have(&job.needs));
        return (Verdict::Depends, why);
    }
    let by_itself =
        asks(&[Function::Always, Function::Failure, Function::Cancelled, Function::Success]);
    match (&phase.phase, open) {
        (JobPhase::Skipped { .. }, _) if asks(&[Function::Failure, Function::Cancelled]) => {
            let why = format!(
                "only if something before it does not succeed: {}",
                words.unwrap_or_default()
            );
            (Verdict::Depends, why)
        }
        (_, Some(open)) if !by_itself => {
            (Verdict::Depends, format!("on whether `{open}`, which it needs, runs"))
        }
        (JobPhase::Skipped { why }, _) => (Verdict::Skipped, why.clone()),
        (JobPhase::Done { failure: Some(failure), .. }, _) => {
            (Verdict::Depends, format!("it cannot be told before it comes up: {}", failure.message))
        }
        _ => {
            let when = match (job.needs.is_empty(), by_itself) {
                (true, _) => "at once".to_owned(),
                (false, true) => format!("once {} ended", have(&job.needs)),
                (false, false) if job.needs.len() == 1 => format!("once {} has succeeded", needs()),
                (false, false) => format!("once {} have succeeded", needs()),
            };
            let holds = words.map(|words| format!("; its condition holds: {words}"));
            (Verdict::Runs, format!("{when}{}", holds.unwrap_or_default()))
        }
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn have(needs: &[String]) -> String {
    format!("{} {}", quoted(needs), if needs.len() == 1 { "has" } else { "have" })
}

/// As it is, or as it is written where that is not known yet.
fn environment(state: &State, job: &Job, phase: &JobState) -> Option<String> {
    let known = state.legs_of(phase).find_map(|leg| leg.terms.environment.clone());
    let written = job.environment.as_ref().map(|used| used.name.text.clone());
    known.or(written)
}

fn legs(state: &State, written: &Definition, path: &str, phase: &JobState) -> Vec<String> {
    let names: Vec<String> = state.legs_of(phase).map(|leg| leg.plan.name.clone()).collect();
    let job = written.jobs.iter().find(|job| job.key == path);
    let has_matrix = job
        .is_some_and(|job| job.strategy.as_ref().is_some_and(|strategy| strategy.matrix.is_some()));
    let was_plain = state.legs_of(phase).all(|leg| leg.plan.matrix.is_none());
    if has_matrix && was_plain { Vec::new() } else { names }
}

#[cfg(test)]
mod tests {
    use workflow::language::{Found, read_with};

    use super::*;

    const WORKFLOW: &str = "
name: ship
on:
  push: { branches: [main] }
  workflow_dispatch:
    inputs: { dry: { type: boolean } }
jobs:
  test:
    runs-on: linux
    strategy: { matrix: { version: [1, 2] } }
    outputs: { changed: x, list: '[1]' }
    steps: [{ run: make }]
  docs: { needs: test, if: needs.test.outputs.changed == 'docs', runs-on: linux, steps: [{ run: make }] }
  publish: { needs: docs, runs-on: linux, steps: [{ run: make }] }
  wet: { if: '!inputs.dry', runs-on: linux, steps: [{ run: make }] }
  each:
    needs: test
    runs-on: linux
    strategy: { matrix: { it: \"${{ fromJSON(needs.test.outputs.list) }}\" } }
    steps: [{ run: make }]
  prod:
    needs: [test, wet]
    environment: prod
    runs-on: solum
    steps:
      - { uses: solum/approve, with: { from: bob } }
      - { uses: solum/deploy, with: { release: v1 } }
  rescue: { needs: prod, if: failure(), runs-on: linux, steps: [{ run: make }] }
  tidy: { needs: [prod], if: always(), runs-on: linux, steps: [{ run: make }] }
  dev: { if: github.ref_name == 'dev', runs-on: linux, steps: [{ run: make }] }
  after: { needs: dev, runs-on: linux, steps: [{ run: make }] }
";

    fn planned(event: PlannedEvent) -> WorkflowPlan {
        let workflow = read_with("w.yml", WORKFLOW, |_| Found::Missing).unwrap();
        plan(&workflow, &event).unwrap()
    }

    fn event(name: &str, reference: &str) -> PlannedEvent {
        PlannedEvent {
            name: name.to_owned(),
            reference: Some(reference.to_owned()),
            ..PlannedEvent::default()
        }
    }

    fn verdicts(plan: &WorkflowPlan) -> Vec<(&str, Verdict, &str)> {
        plan.jobs.iter().map(|job| (job.path.as_str(), job.verdict, job.why.as_str())).collect()
    }

    #[test]
    fn each_job_says_why_it_would_run_or_not() {
        use Verdict::{Depends, Runs, Skipped};
        let plan = planned(event("push", "main"));
        assert_eq!(plan.why, "branch 'main' fits 'main'");
        assert_eq!(
            verdicts(&plan),
            [
                ("test", Runs, "at once"),
                (
                    "docs",
                    Depends,
                    "its condition is looked at once `test` has ended: needs.test.outputs.changed == 'docs'"
                ),
                ("publish", Depends, "on whether `docs`, which it needs, runs"),
                ("wet", Runs, "at once; its condition holds: !inputs.dry"),
                ("each", Runs, "once `test` has succeeded"),
                ("prod", Runs, "once `test`, `wet` have succeeded"),
                ("rescue", Depends, "only if something before it does not succeed: failure()"),
                ("tidy", Runs, "once `prod` has ended; its condition holds: always()"),
                ("dev", Skipped, "its condition does not hold: github.ref_name == 'dev'"),
                ("after", Skipped, "`dev`, which it needs, was skipped"),
            ]
        );
        let job = |path: &str| plan.jobs.iter().find(|job| job.path == path).unwrap();
        assert_eq!(job("test").legs, ["test (1)", "test (2)"]);
        assert_eq!(job("each").legs, [""; 0], "its matrix is made of outputs");
        assert_eq!(job("prod").environment.as_deref(), Some("prod"));
    }

    #[test]
    fn inputs_decide_where_conditions_ask_for_them() {
        let inputs = vec![("dry".to_owned(), "true".to_owned())];
        let plan = planned(PlannedEvent { inputs, ..event("workflow_dispatch", "dev") });
        let of = |path: &str| plan.jobs.iter().find(|job| job.path == path).unwrap().verdict;
        assert_eq!(
            (of("wet"), of("prod"), of("dev")),
            (Verdict::Skipped, Verdict::Skipped, Verdict::Runs)
        );
        let workflow = read_with("w.yml", WORKFLOW, |_| Found::Missing).unwrap();
        let inputs = vec![("drye".to_owned(), "true".to_owned())];
        let wrong = PlannedEvent { inputs, ..event("workflow_dispatch", "dev") };
        assert_eq!(plan_error(&workflow, &wrong), "there is no input 'drye'; did you mean 'dry'?");
        assert_eq!(
            plan_error(&workflow, &event("psuh", "main")),
            "there is no event 'psuh'; did you mean 'push'?"
        );
    }

    fn plan_error(workflow: &Workflow, event: &PlannedEvent) -> String {
        plan(workflow, event).unwrap_err()
    }

    #[test]
    fn a_workflow_that_does_not_run_says_why() {
        let plan = planned(event("push", "feature"));
        assert_eq!((plan.runs, plan.why.as_str()), (false, "branch 'feature' fits none of main"));
        assert_eq!(plan.jobs, []);
        assert!(!planned(event("push", "refs/tags/v1")).runs);
    }

    #[test]
    fn jobs_of_a_called_workflow_stand_behind_the_job_that_calls() {
        let called = "on: workflow_call\njobs: { b: { runs-on: solum, steps: [{ uses: solum/test }] }, c: { needs: b, runs-on: solum, steps: [{ uses: solum/test }] } }";
        let text = "on: push\njobs: { call: { uses: ./c.yml }, last: { needs: call, runs-on: solum, steps: [{ uses: solum/test }] } }";
        let found = |_: &_| Found::File { text: called.to_owned(), commit: None };
        let workflow = read_with("w.yml", text, found).unwrap();
        let plan = plan(&workflow, &event("push", "main")).unwrap();
        let paths: Vec<_> = plan.jobs.iter().map(|job| job.path.as_str()).collect();
        assert_eq!(paths, ["call", "call/b", "call/c", "last"]);
    }
}
