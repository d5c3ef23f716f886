use types::RunStatus;

use super::*;
use crate::testbed::{Testbed, token};

const APPROVE: &str = "
on: push
jobs:
  prod:
    runs-on: solum
    steps:
      - { id: ask, uses: solum/approve, with: { from: 'role:operator', count: 2, timeout: 72h, note: look at the canary } }
";

fn word(decision: Decision) -> Word {
    Word { decision, job: Some("prod".into()), step: None, comment: Some(" looks  good\n".into()) }
}

impl Testbed {
    async fn say(&self, run: RunId, decision: Decision, who: &str) -> Result<Standing, String> {
        match self.control.decide(run, word(decision), &token(who)).await {
            Ok(decided) => {
                assert_eq!(decided.job.as_deref(), Some("prod"));
                Ok(decided.standing)
            }
            Err(Error::Invalid { code, message, hint }) => {
                assert!(hint.is_some(), "{code}: {message}");
                Err(code.to_owned())
            }
            Err(other) => Err(other.to_string()),
        }
    }

    async fn events(&self, kind: &str) -> Vec<store::Event> {
        let events = self.control.events(None, None, 100).await.unwrap();
        events.into_iter().rev().filter(|event| event.kind == kind).collect()
    }
}

#[tokio::test]
async fn a_run_waits_until_enough_people_have_approved_and_tells_who_did() {
    let bed = Testbed::start().await;
    let run = bed.run(APPROVE).await.id;
    bed.until(run, RunStatus::Waiting).await;
    let said = bed.said(run, "To reject:").await;
    assert!(said.starts_with("-----> Waiting for approval: prod/ask\n"), "{said}");
    assert!(said.contains("2 have to approve. Who may: role:operator, but not"), "{said}");
    assert!(said.contains("look at the canary\n"), "{said}");
    assert!(said.contains(&format!("solum run approve {run} --job prod\n")), "{said}");

    let approve = Decision::Approve;
    assert_eq!(bed.say(run, approve, "alice").await, Err("approval_not_allowed".into()));
    assert_eq!(bed.say(run, approve, "bob").await, Ok(Standing::Counted { missing: 1 }));
    assert_eq!(bed.say(run, approve, "bob").await, Err("approved_already".into()));
    let view = bed.control.run_view(run).await.unwrap();
    let wait = view.jobs[0].steps[0].wait.as_ref().unwrap();
    assert_eq!((wait.wait.count, wait.approved.as_slice()), (2, &[token("bob")][..]));
    assert_eq!(bed.say(run, approve, "carol").await, Ok(Standing::Approved));
    bed.until(run, RunStatus::Succeeded).await;
    assert_eq!(bed.say(run, approve, "dave").await, Err("the run has succeeded already".into()));

    let said = bed.said(run, "carol approved prod/ask: looks good\n").await;
    assert!(said.contains("bob approved prod/ask, 1 more to go: looks good\n"), "{said}");
    let events = bed.events("run.approved").await;
    assert_eq!(events.len(), 2, "what is refused is no approval");
    assert_eq!(
        (&events[0].actor, events[0].subject.clone()),
        (&token("bob"), Some(run.to_string()))
    );
    assert_eq!(events[0].app.as_ref(), Some(&bed.app.name));
    let detail =
        serde_json::json!({"job": "prod", "step": "ask", "comment": "looks  good", "kept": false});
    assert_eq!(events[0].detail, detail);
    bed.stop().await;
}

#[tokio::test]
async fn one_rejection_ends_it_and_says_why() {
    let bed = Testbed::start().await;
    let run = bed.run(APPROVE).await.id;
    bed.until(run, RunStatus::Waiting).await;
    assert_eq!(bed.say(run, Decision::Reject, "bob").await, Ok(Standing::Rejected));
    bed.until(run, RunStatus::Failed).await;
    bed.said(run, "bob rejected prod/ask: looks good\n").await;
    assert_eq!(bed.events("run.rejected").await.len(), 1);
    assert!(bed.events("run.approved").await.is_empty());
    bed.stop().await;
}

#[tokio::test]
async fn what_waits_is_said_once_whatever_happens_to_the_server() {
    let bed = Testbed::start().await;
    let run = bed.run(APPROVE).await.id;
    bed.said(run, "To reject:").await;
    let other = bed.run(APPROVE).await.id;
    bed.said(other, "To reject:").await;
    // As if the server had died before it could say so.
    let transcript = bed.control.inner.settings.transcripts_directory();
    std::fs::remove_file(transcript.join(format!("{other}.log"))).unwrap();
    let bed = bed.restart().await;
    bed.said(other, "To reject:").await;
    let said = bed.said(run, "To reject:").await;
    assert_eq!(said.matches("Waiting for approval").count(), 1, "{said}");
    assert_eq!(bed.say(run, Decision::Approve, "bob").await, Ok(Standing::Counted { missing: 1 }));
    bed.stop().await;
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_and_leaves_nothing() {
    let bed = Testbed::start().await;
    let run = bed.run(APPROVE).await.id;
    bed.until(run, RunStatus::Waiting).await;
    let say = async |word: Word| match bed.control.decide(run, word, &token("bob")).await {
        Err(Error::Invalid { code, .. }) => code,
        other => panic!("{other:?}"),
    };
    let plain = || word(Decision::Approve);
    assert_eq!(say(Word { job: Some("prd".into()), ..plain() }).await, "job_not_found");
    assert_eq!(
        say(Word { job: None, step: Some("ask".into()), ..plain() }).await,
        "invalid_request"
    );
    let comment = Some("x".repeat(MAX_COMMENT_BYTES + 1));
    assert_eq!(say(Word { comment, ..plain() }).await, "value_too_large");
    assert!(bed.events("run.approved").await.is_empty());
    let nobody = RunId::generate(&types::SystemClock);
    let missing = bed.control.decide(nobody, plain(), &token("bob")).await;
    assert!(matches!(missing, Err(Error::NotFound(_))), "{missing:?}");
    bed.stop().await;
}
