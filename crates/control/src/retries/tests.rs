use std::collections::BTreeSet;

use types::RunStatus;
use workflow::Decision;

use super::*;
use crate::Word;
use crate::testbed::{Testbed, token};

/// What people decide is what these runs do.
const TWO: &str = "
on: push
jobs:
  first:
    runs-on: solum
    outputs: { who: '${{ steps.ask.outputs.approved_by }}' }
    steps: [{ id: ask, uses: solum/approve }]
  second:
    needs: first
    runs-on: solum
    steps: [{ id: ask, uses: solum/approve, with: { note: 'after ${{ needs.first.outputs.who }}' } }]
";

impl Testbed {
    async fn decide(&self, run: RunId, job: &str, decision: Decision) {
        let word = Word { decision, job: Some(job.into()), step: None, comment: None };
        self.control.decide(run, word, &token("bob")).await.unwrap();
    }

    /// A push to the deploy branch that starts two runs.
    async fn push(&self) -> [RunId; 2] {
        let commit = self.commit(&[("README", "hello")]);
        let run = || NewRun {
            id: RunId::generate(&*self.control.inner.clock),
            app: self.app.id,
            definition: crate::testbed::definition(TWO),
            context: workflow::RunContext::default(),
            carried_over: Vec::new(),
            attempt: 1,
            retry_of: None,
            queue: None,
            commit: Some(commit.clone()),
            title: "a push".to_owned(),
            actor: token("alice"),
        };
        let push = NewPush {
            change: ChangeId::generate(&*self.control.inner.clock),
            app: self.app.id,
            branch: self.app.deploy_branch.clone(),
            base: None,
            commit: commit.clone(),
            subject: "a push".to_owned(),
            actor: token("alice"),
            runs: vec![run(), run()],
        };
        let (_, runs) = self.control.inner.store.record_push(push).await.unwrap();
        [runs[0].id, runs[1].id]
    }

    async fn change(&self, run: RunId) -> Change {
        self.control.inner.store.change_of_run(run).await.unwrap().unwrap()
    }

    /// One of which the first job succeeded and the second failed.
    async fn failed(&self) -> RunId {
        let run = self.run(TWO).await.id;
        self.said(run, "--job first").await;
        self.decide(run, "first", Decision::Approve).await;
        self.decide(run, "second", Decision::Reject).await;
        self.until(run, RunStatus::Failed).await.id
    }

    async fn refusal(&self, run: RunId, failed_only: bool) -> &'static str {
        match self.control.retry_run(run, failed_only, &token("carol")).await {
            Err(Error::Invalid { code, hint: Some(_), .. }) => code,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn only_what_failed_is_done_again_with_what_the_rest_gave() {
    let bed = Testbed::start().await;
    let first = bed.failed().await;
    let again = bed.control.retry_run(first, true, &token("carol")).await.unwrap();
    assert_eq!((again.attempt, again.retry_of, again.title.as_str()), (2, Some(first), "a test"));
    assert_eq!(again.created_by, token("carol"));
    let said = bed.said(again.id, "--job second").await;
    assert!(said.contains("after bob") && !said.contains("--job first"), "{said}");
    bed.decide(again.id, "second", Decision::Approve).await;
    bed.until(again.id, RunStatus::Succeeded).await;
    let context = bed.control.inner.store.run_state(again.id).await.unwrap().context().clone();
    assert_eq!(context.author, Some(token("alice")), "whoever tries again is not the author");
    bed.stop().await;
}

#[tokio::test]
async fn all_of_it_is_done_again_otherwise() {
    let bed = Testbed::start().await;
    let first = bed.failed().await;
    let again = bed.control.retry_run(first, false, &token("carol")).await.unwrap().id;
    bed.said(again, "--job first").await;
    assert_eq!(bed.refusal(again, false).await, "run_not_ended");
    bed.decide(again, "first", Decision::Reject).await;
    bed.until(again, RunStatus::Failed).await;
    let third = bed.control.retry_run(again, true, &token("carol")).await.unwrap();
    assert_eq!((third.attempt, third.retry_of), (3, Some(again)));
    bed.stop().await;
}

#[tokio::test]
async fn a_run_is_tried_again_once() {
    let bed = Testbed::start().await;
    let first = bed.failed().await;
    let (carol, dave) = (token("carol"), token("dave"));
    let (one, two) = tokio::join!(
        bed.control.retry_run(first, false, &carol),
        bed.control.retry_run(first, false, &dave),
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    assert_eq!(bed.refusal(first, false).await, "run_retried");
    bed.stop().await;
}

#[tokio::test]
async fn of_what_succeeded_nothing_failed() {
    let bed = Testbed::start().await;
    let run = bed.run(TWO).await.id;
    bed.decide(run, "first", Decision::Approve).await;
    bed.decide(run, "second", Decision::Approve).await;
    bed.until(run, RunStatus::Succeeded).await;
    assert_eq!(bed.refusal(run, true).await, "nothing_to_retry");
    assert_eq!(bed.control.retry_run(run, false, &token("carol")).await.unwrap().attempt, 2);
    bed.stop().await;
}

#[test]
fn what_was_sealed_is_not_carried_over() {
    let reused = |value: &str| {
        let value = serde_json::json!({
            "record": "reused", "leg": "a", "outcome": "success", "conclusion": "success",
            "outputs": { "x": value },
        });
        serde_json::from_value::<Record>(value).unwrap()
    };
    let token = crate::jobs::vault::Vault::default().seal("hunter2");
    assert!(holds_sealed(&reused(&format!("a {token}"))));
    assert!(!holds_sealed(&reused("plain")));
}

#[tokio::test]
async fn a_push_lands_at_a_later_try_once_all_of_its_runs_have_succeeded() {
    let bed = Testbed::start().await;
    let [one, two] = bed.push().await;
    bed.decide(one, "first", Decision::Reject).await;
    bed.until(one, RunStatus::Failed).await;
    assert_eq!(bed.refusal(one, false).await, "run_not_ended", "the other run goes on");
    bed.decide(two, "first", Decision::Reject).await;
    bed.until(two, RunStatus::Failed).await;
    assert_eq!(bed.change(one).await.state, ChangeState::Refused);

    let again = bed.control.retry_run(one, false, &token("carol")).await.unwrap().id;
    let change = bed.change(again).await;
    let runs = bed.control.inner.store.runs_of_change(change.id).await.unwrap();
    // Ids of one millisecond have no order.
    let tried: BTreeSet<_> = runs.iter().filter_map(|run| run.retry_of).collect();
    assert_eq!(tried, BTreeSet::from([one, two]));
    for run in &runs {
        assert_ne!(bed.change(run.id).await.state, ChangeState::Landed);
        bed.decide(run.id, "first", Decision::Approve).await;
        bed.decide(run.id, "second", Decision::Approve).await;
        bed.until(run.id, RunStatus::Succeeded).await;
    }
    let mut wake = bed.control.run_changes();
    let landed = async {
        while bed.change(again).await.state != ChangeState::Landed {
            wake.changed().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), landed).await.unwrap();
    bed.stop().await;
}
