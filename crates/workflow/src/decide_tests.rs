use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::definition::{Definition, Step};
use crate::effect::Effect;

fn step(key: &str) -> Step {
    Step {
        key: key.into(),
        uses: format!("test/{key}"),
        with: BTreeMap::new(),
        retry: Retry::default(),
    }
}

fn job(key: &str, needs: &[&str], steps: Vec<Step>) -> Job {
    Job {
        key: key.into(),
        needs: needs.iter().map(|&needs| needs.to_owned()).collect(),
        environment: None,
        steps,
        outputs: BTreeMap::new(),
    }
}

/// test → build → dev, where dev takes what build made.
fn deliver() -> Run {
    let mut build = job("build", &["test"], vec![step("compile"), step("pack")]);
    build
        .outputs
        .insert("artifact".into(), Value::Step { step: "pack".into(), output: "artifact".into() });
    let mut deploy = step("deploy");
    deploy
        .with
        .insert("artifact".into(), Value::Job { job: "build".into(), output: "artifact".into() });
    let jobs =
        vec![job("dev", &["build"], vec![deploy]), build, job("test", &[], vec![step("test")])];
    Run::of(jobs)
}

/// A run that keeps its journal, and checks after each input that replaying it gives the same state.
struct Run {
    state: State,
    journal: Vec<Record>,
}

impl Run {
    fn of(jobs: Vec<Job>) -> Self {
        let definition = Definition { name: "deliver".into(), jobs }.checked().unwrap();
        Self { state: State::new(Arc::new(definition)), journal: Vec::new() }
    }

    fn give(&mut self, input: &Input) -> Result<Vec<Record>, Refused> {
        let records = decide(&self.state, input, Timestamp::UNIX_EPOCH)?;
        assert!(!records.is_empty(), "an accepted input leaves a record: {input:?}");
        for record in &records {
            self.state.apply(record);
        }
        self.journal.extend(records.clone());
        let mut replayed = State::new(Arc::new(self.state.definition().clone()));
        self.journal.iter().for_each(|record| replayed.apply(record));
        assert_eq!(replayed, self.state, "the journal adds up to the state");
        Ok(records)
    }

    fn report(&mut self, job: &str, step: &str, result: StepResult) -> Vec<Record> {
        self.report_attempt(job, step, 1, result).unwrap()
    }

    fn report_attempt(
        &mut self,
        job: &str,
        step: &str,
        attempt: u32,
        result: StepResult,
    ) -> Result<Vec<Record>, Refused> {
        self.give(&Input::Report { job: job.into(), step: step.into(), attempt, result })
    }

    fn tasks(&self, records: &[Record]) -> Vec<String> {
        let effects = records.iter().filter_map(|record| Effect::of(record, &self.state));
        effects
            .filter_map(|effect| match effect {
                Effect::Perform(task) => {
                    Some(format!("{}/{}#{}", task.job, task.step, task.attempt))
                }
                Effect::WakeAt { .. } => None,
            })
            .collect()
    }
}

fn ok() -> StepResult {
    StepResult::Succeeded { outputs: BTreeMap::new() }
}

fn failed(retryable: bool) -> StepResult {
    let failure =
        Failure { code: "broken".into(), message: "it broke".into(), hint: None, retryable };
    StepResult::Failed { failure }
}

fn cancel() -> Input {
    Input::Cancel { by: Actor::Token("alice".into()) }
}

#[test]
fn jobs_run_in_the_order_of_their_needs_and_hand_outputs_on() {
    let mut run = deliver();
    let records = run.give(&Input::Start).unwrap();
    assert_eq!(run.tasks(&records), ["test/test#1"]);
    let records = run.report("test", "test", ok());
    assert_eq!(run.tasks(&records), ["build/compile#1"]);
    let records = run.report("build", "compile", ok());
    assert_eq!(run.tasks(&records), ["build/pack#1"]);
    let outputs = BTreeMap::from([("artifact".to_owned(), "sha256:1".to_owned())]);
    let records = run.report("build", "pack", StepResult::Succeeded { outputs });
    let Some(Effect::Perform(task)) =
        records.iter().find_map(|record| Effect::of(record, &run.state))
    else {
        panic!("dev starts: {records:?}");
    };
    assert_eq!(task.with["artifact"], "sha256:1");
    assert_eq!(task.uses, "test/deploy");
    run.report("dev", "deploy", ok());
    assert_eq!(run.state.status, RunStatus::Succeeded);
}

#[test]
fn a_failed_job_skips_what_needs_it_and_fails_the_run() {
    let mut run = deliver();
    run.give(&Input::Start).unwrap();
    run.report("test", "test", failed(false));
    assert_eq!(run.state.status, RunStatus::Failed);
    let (_, build) = run.state.job("build").unwrap();
    assert_eq!(build.phase, JobPhase::Skipped { why: "`test`, which it needs, failed".into() });
    let (_, dev) = run.state.job("dev").unwrap();
    assert_eq!(dev.phase, JobPhase::Skipped { why: "`build`, which it needs, was skipped".into() });
}

#[test]
fn a_stale_or_repeated_report_is_refused() {
    let mut run = deliver();
    run.give(&Input::Start).unwrap();
    assert!(matches!(
        run.report_attempt("test", "test", 2, ok()),
        Err(Refused::StaleAttempt { attempt: 2, .. })
    ));
    run.report("test", "test", ok());
    assert!(matches!(
        run.report_attempt("test", "test", 1, failed(false)),
        Err(Refused::StaleAttempt { .. })
    ));
    assert!(matches!(
        run.report_attempt("test", "nothing", 1, ok()),
        Err(Refused::UnknownStep { .. })
    ));
}

#[test]
fn a_step_is_tried_again_after_its_backoff_and_an_older_attempt_no_longer_counts() {
    let mut flaky = step("flaky");
    flaky.retry = Retry { attempts: 3, backoff: Duration::from_secs(10) };
    let mut run = Run::of(vec![job("only", &[], vec![flaky])]);
    run.give(&Input::Start).unwrap();
    let records = run.report("only", "flaky", failed(true));
    let wake = records.iter().find_map(|record| Effect::of(record, &run.state));
    let at = Timestamp::from_second(10).unwrap();
    assert!(matches!(wake, Some(Effect::WakeAt { at: due, attempt: 2, .. }) if due == at));
    let elapsed = Input::BackoffElapsed { job: "only".into(), step: "flaky".into(), attempt: 2 };
    run.give(&elapsed).unwrap();
    assert!(run.give(&elapsed).is_err(), "a timer that fires twice touches nothing");
    assert!(run.report_attempt("only", "flaky", 1, ok()).is_err(), "attempt 1 is over");
    let records = run.report_attempt("only", "flaky", 2, failed(true)).unwrap();
    let at = Timestamp::from_second(20).unwrap();
    assert!(records.iter().any(
        |record| matches!(record, Record::StepDelayed { until, attempt: 3, .. } if *until == at)
    ));
    run.give(&Input::BackoffElapsed { job: "only".into(), step: "flaky".into(), attempt: 3 })
        .unwrap();
    run.report_attempt("only", "flaky", 3, failed(true)).unwrap();
    assert_eq!(run.state.status, RunStatus::Failed);
}

#[test]
fn a_failure_that_cannot_end_otherwise_is_not_tried_again() {
    let mut once = step("once");
    once.retry = Retry { attempts: 3, backoff: Duration::ZERO };
    let mut run = Run::of(vec![job("only", &[], vec![once])]);
    run.give(&Input::Start).unwrap();
    run.report("only", "once", failed(false));
    assert_eq!(run.state.status, RunStatus::Failed);
}

#[test]
fn a_cancelled_run_waits_for_what_is_under_way_and_starts_nothing_more() {
    let mut run = deliver();
    run.give(&Input::Start).unwrap();
    run.give(&cancel()).unwrap();
    assert_eq!(run.state.status, RunStatus::Running);
    assert_eq!(run.give(&cancel()), Err(Refused::CancelRequested));
    let records = run.report("test", "test", StepResult::Cancelled);
    assert!(run.tasks(&records).is_empty());
    assert_eq!(run.state.status, RunStatus::Cancelled);
    assert_eq!(run.give(&cancel()), Err(Refused::Ended { status: RunStatus::Cancelled }));
}

#[test]
fn a_cancelled_run_in_the_queue_ends_at_once() {
    let mut run = deliver();
    run.give(&cancel()).unwrap();
    assert_eq!(run.state.status, RunStatus::Cancelled);
    assert!(run.give(&Input::Start).is_err());
}

#[test]
fn a_cancel_that_comes_after_the_last_step_succeeded_changes_nothing() {
    let mut run = Run::of(vec![job("only", &[], vec![step("only")])]);
    run.give(&Input::Start).unwrap();
    run.give(&cancel()).unwrap();
    run.report("only", "only", ok());
    assert_eq!(run.state.status, RunStatus::Succeeded);
}

#[test]
fn a_cancel_ends_a_step_that_waits_for_its_next_attempt() {
    let mut flaky = step("flaky");
    flaky.retry = Retry { attempts: 2, backoff: Duration::from_secs(60) };
    let mut run = Run::of(vec![job("only", &[], vec![flaky])]);
    run.give(&Input::Start).unwrap();
    run.report("only", "flaky", failed(true));
    run.give(&cancel()).unwrap();
    assert_eq!(run.state.status, RunStatus::Cancelled);
}

#[test]
fn a_refused_run_fails_without_having_started() {
    let mut run = deliver();
    let failure = Failure {
        code: "stale".into(),
        message: "main has moved".into(),
        hint: None,
        retryable: false,
    };
    let records = run.give(&Input::Refuse { failure: failure.clone() }).unwrap();
    assert!(run.tasks(&records).is_empty());
    assert_eq!(run.state.status, RunStatus::Failed);
    assert_eq!(run.state.refusal, Some(failure));
}

#[test]
fn independent_jobs_run_side_by_side() {
    let mut run = Run::of(vec![
        job("a", &[], vec![step("s")]),
        job("b", &[], vec![step("s")]),
        job("c", &["a", "b"], vec![step("s")]),
    ]);
    let records = run.give(&Input::Start).unwrap();
    assert_eq!(run.tasks(&records), ["a/s#1", "b/s#1"]);
    assert!(
        run.report("a", "s", ok())
            .iter()
            .all(|record| !matches!(record, Record::JobStarted { .. }))
    );
    let records = run.report("b", "s", ok());
    assert_eq!(run.tasks(&records), ["c/s#1"]);
}

#[test]
fn a_snapshot_goes_on_where_it_was() {
    let mut run = deliver();
    run.give(&Input::Start).unwrap();
    let text = serde_json::to_string(&run.state).unwrap();
    let definition = Arc::new(run.state.definition().clone());
    let state: State = serde_json::from_str(&text).unwrap();
    assert_eq!(state.with_definition(definition), run.state);
}
