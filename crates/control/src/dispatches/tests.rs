use super::*;
use crate::testbed::{Testbed, token};
use types::RunId;

const ASKED: &str = "
name: asked
on:
  workflow_dispatch:
    inputs:
      dry: { type: boolean, default: true }
      count: { type: number, required: true }
      where: { type: environment }
  repository_dispatch: { types: [nightly] }
run-name: ask for ${{ inputs.count }}
jobs: { ask: { runs-on: solum, steps: [{ uses: solum/approve }] } }
";
const PUSHED: &str =
    "on: push\njobs: { ask: { runs-on: solum, steps: [{ uses: solum/approve }] } }\n";

/// With both workflows on the deploy branch.
async fn start() -> (Testbed, CommitId) {
    let bed = Testbed::start().await;
    let files = [(".solum/workflows/asked.yml", ASKED), (".solum/workflows/pushed.yml", PUSHED)];
    let commit = bed.commit(&files);
    (bed, commit)
}

fn request(reference: Option<&str>, inputs: &[(&str, &str)]) -> DispatchRequest {
    let inputs = inputs.iter().map(|&(name, text)| (name.to_owned(), text.to_owned()));
    DispatchRequest { reference: reference.map(ToOwned::to_owned), inputs: inputs.collect() }
}

async fn context(bed: &Testbed, run: RunId) -> Json {
    let state = bed.control.inner.store.run_state(run).await.unwrap();
    serde_json::to_value(state.context()).unwrap()
}

#[tokio::test]
async fn what_is_started_by_hand_gets_inputs_with_their_types_and_defaults() {
    let (bed, commit) = start().await;
    let asked = request(None, &[("count", "3")]);
    let run = bed.control.dispatch(&bed.app.name, "asked.yml", asked, &token("bob")).await.unwrap();
    assert_eq!((run.title.as_str(), &run.commit), ("ask for 3", &Some(commit)));
    let context = context(&bed, run.id).await;
    assert_eq!(context["inputs"], json!({ "count": 3, "dry": true, "where": "" }));
    assert_eq!(
        context["github"]["event"]["inputs"],
        json!({ "count": "3", "dry": "true", "where": "" })
    );
    assert_eq!(context["github"]["event_name"], "workflow_dispatch");
    assert_eq!(context["github"]["actor"], "bob");
    assert_eq!(context["trusted"], true);
    bed.stop().await;
}

#[tokio::test]
async fn another_branch_is_not_trusted() {
    let (bed, commit) = start().await;
    let repositories = &bed.control.inner.repositories;
    repositories.advance(&bed.app.name, "other", &commit, None).await.unwrap();
    let asked = request(Some("other"), &[("count", "1")]);
    let run = bed.control.dispatch(&bed.app.name, "asked.yml", asked, &token("bob")).await.unwrap();
    let context = context(&bed, run.id).await;
    assert_eq!(
        (&context["trusted"], &context["github"]["ref_name"]),
        (&json!(false), &json!("other"))
    );
    bed.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_dispatch_is_told() {
    let (bed, _) = start().await;
    for (file, reference, inputs, code, words) in [
        ("asked.yml", None, &[][..], "invalid_inputs", "input 'count' has to be given"),
        ("asked.yml", None, &[("count", "1"), ("where", "moon")], "invalid_inputs", "'moon'"),
        (
            "asked.yml",
            None,
            &[("count", "1"), ("dri", "x")],
            "invalid_inputs",
            "did you mean 'dry'",
        ),
        ("asked.yml", Some("none"), &[("count", "1")], "no_such_reference", "`none`"),
        ("pushed.yml", None, &[], "workflow_not_dispatchable", "not started by hand"),
        ("other.yml", None, &[], "workflow_not_found", "no workflow other.yml"),
    ] {
        let asked = request(reference, inputs);
        let refused = bed.control.dispatch(&bed.app.name, file, asked, &token("bob")).await;
        match refused {
            Err(Error::Invalid { code: found, message, hint: Some(_) }) => {
                assert_eq!(found, code, "{message}");
                assert!(message.contains(words), "{message}");
            }
            other => panic!("{file} {inputs:?}: {other:?}"),
        }
    }
    assert_eq!(bed.control.runs(None, None, 9).await.unwrap(), []);
    bed.stop().await;
}

#[tokio::test]
async fn a_word_from_outside_starts_what_waits_for_it() {
    let (bed, _) = start().await;
    let payload = fields(json!({ "why": "because" }));
    for (word, count) in [("weekly", 0), ("nightly", 1)] {
        let app = &bed.app.name;
        let runs =
            bed.control.dispatch_from_outside(app, word, payload.clone(), &token("bob")).await;
        let runs = runs.unwrap();
        assert_eq!(runs.len(), count, "{word}");
        for run in runs {
            let context = context(&bed, run.id).await;
            let event = &context["github"]["event"];
            assert_eq!(event["action"], "nightly");
            assert_eq!(event["client_payload"]["why"], "because");
        }
    }
    bed.stop().await;
}
