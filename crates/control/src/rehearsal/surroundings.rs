//! What a rehearsed run knows of the world: the contexts of a real one, made up, with what the scenario says.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use types::Actor;
use workflow::RunContext;
use workflow::expression::Value;
use workflow::language::{Workflow, given_inputs};

use super::event::{BRANCH, Start};

/// Commits of a push.
const BEFORE: &str = "0000000000000000000000000000000000000001";
pub(super) const COMMIT: &str = "0000000000000000000000000000000000000002";
const REPOSITORY: &str = "default/rehearsal";
const SERVER: &str = "http://solum.example.org";

type Inputs = BTreeMap<String, Json>;

impl Start {
    /// What the run knows; or what is wrong with the inputs that it is given.
    pub(crate) fn context(&self, workflow: &Workflow) -> Result<RunContext, String> {
        let inputs = self.inputs(workflow)?;
        let runner = json!({
            "os": "Linux", "arch": "X64", "name": "rehearsal", "environment": "self-hosted",
        });
        Ok(RunContext {
            github: self.github(workflow, &inputs).into(),
            runner: runner.into(),
            inputs: json!(inputs).into(),
            author: Some(Actor::Token(self.by.clone())),
            trusted: true,
            ..RunContext::default()
        })
    }

    fn inputs(&self, workflow: &Workflow) -> Result<Inputs, String> {
        let dispatch = workflow.triggers.get("workflow_dispatch");
        let Some(trigger) = dispatch.filter(|_| self.event == "workflow_dispatch") else {
            return Ok(Inputs::new());
        };
        let given: BTreeMap<String, String> = self.given.iter().cloned().collect();
        given_inputs(&trigger.inputs, &given).map_err(|mistakes| mistakes.join("; "))
    }

    fn github(&self, workflow: &Workflow, inputs: &Inputs) -> Json {
        let is_change = self.event == "pull_request";
        let is_tag = self.reference.starts_with("refs/tags/");
        let file = &workflow.definition.file;
        json!({
            "event_name": self.event,
            "event": self.payload(inputs),
            "ref": self.reference,
            "ref_name": self.name(),
            "ref_type": if is_tag { "tag" } else { "branch" },
            "ref_protected": self.reference == format!("refs/heads/{BRANCH}"),
            "base_ref": if is_change { self.name() } else { "" },
            "head_ref": if is_change { "change" } else { "" },
            "sha": COMMIT,
            "actor": self.by,
            "triggering_actor": self.by,
            "repository": REPOSITORY,
            "repository_owner": "default",
            "repositoryUrl": format!("{SERVER}/rehearsal.git"),
            "workflow": workflow.definition.name,
            "workflow_ref": format!("{REPOSITORY}/{file}@{}", self.reference),
            "workflow_sha": COMMIT,
            "server_url": SERVER,
            "api_url": format!("{SERVER}/api/v1"),
            "graphql_url": "",
            "secret_source": "Actions",
            "run_id": "1",
            "run_number": "1",
            "run_attempt": "1",
        })
    }

    /// `github.event`
    fn payload(&self, inputs: &Inputs) -> Json {
        let own = match self.event.as_str() {
            "push" => self.push(),
            "workflow_dispatch" => json!({ "ref": self.reference, "inputs": inputs }),
            "repository_dispatch" => {
                let payload: BTreeMap<_, _> = self.given.iter().cloned().collect();
                json!({ "branch": BRANCH, "client_payload": payload })
            }
            "schedule" => json!({ "schedule": self.cron }),
            "deploy" | "rollback" | "service" => {
                json!({ "environment": self.environment.as_deref().unwrap_or("dev") })
            }
            "promotion" => {
                let to = self.environment.as_deref().unwrap_or("prod");
                json!({ "from": "dev", "to": [to], "following": [], "release": "v2" })
            }
            _ => json!({}),
        };
        let mut event = match own {
            Json::Object(event) => event,
            _ => Map::new(),
        };
        let owner = json!({ "login": "default", "name": "default" });
        let repository = json!({
            "name": "rehearsal", "full_name": REPOSITORY, "owner": owner,
            "default_branch": BRANCH, "private": true,
        });
        event.insert("repository".to_owned(), repository);
        event.insert("sender".to_owned(), json!({ "login": self.by }));
        if let Some(activity) = &self.activity {
            event.insert("action".to_owned(), json!(activity));
        }
        let mut event = Json::Object(event);
        if !matches!(self.event.as_str(), "workflow_dispatch" | "repository_dispatch") {
            self.given.iter().for_each(|(path, text)| put(&mut event, path, text));
        }
        event
    }

    fn push(&self) -> Json {
        let who = json!({ "name": self.by, "email": format!("{}@example.org", self.by) });
        let commit = json!({
            "id": COMMIT, "message": "Rehearse", "timestamp": "2026-01-05T00:00:00Z",
            "author": who, "committer": who, "distinct": true,
        });
        json!({
            "ref": self.reference, "before": BEFORE, "after": COMMIT,
            "created": false, "deleted": false, "forced": false, "base_ref": null,
            "head_commit": commit, "commits": [commit],
            "pusher": { "name": self.by },
            "environment": "dev",
            "following": [],
        })
    }
}

/// Sets the field at a path like `head_commit.message`. In place of a switch or a number comes one again.
fn put(event: &mut Json, path: &str, text: &str) {
    let mut place = event;
    for name in path.split('.') {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[name];
    }
    let typed = match place {
        Json::Bool(_) => text.parse().ok().map(Json::Bool),
        Json::Number(_) => text.parse().ok().map(Json::Number),
        _ => None,
    };
    *place = typed.unwrap_or_else(|| text.into());
}

/// The same of the next attempt of the run.
pub(super) fn tried_again(context: &RunContext) -> RunContext {
    let mut github = context.github.as_object().cloned().unwrap_or_default();
    let attempt = github.get("run_attempt").map_or(0.0, Value::to_number) + 1.0;
    github.insert("run_attempt", attempt.to_string());
    RunContext { github: github.into(), ..context.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_set_below_others_and_keep_their_type() {
        let mut event = json!({ "forced": false, "head_commit": { "message": "x", "id": "1" } });
        for (path, text) in [
            ("head_commit.message", "[skip]"),
            ("forced", "true"),
            ("new.deep.field", "1"),
            ("forced.odd", "y"),
        ] {
            put(&mut event, path, text);
        }
        let expected = json!({
            "forced": { "odd": "y" },
            "head_commit": { "message": "[skip]", "id": "1" },
            "new": { "deep": { "field": "1" } },
        });
        assert_eq!(event, expected);
        let mut forced = json!({ "forced": false });
        put(&mut forced, "forced", "true");
        assert_eq!(forced, json!({ "forced": true }));
    }
}
