//! What a run knows of the world that it was started in: the contexts `github`, `runner`, `inputs` and `vars`, as GitHub has
//! them.
//!
//! They are pinned when the run is recorded. What belongs to a job is added when there is one, and the store says which run it
//! is (`run_id`, `run_number`, `run_attempt`).
//!
//! A run is trusted when what it runs is on the deploy branch, where only who may deploy can put it. Others get no secrets.

mod payload;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use store::{App, NewRun};
use types::{Actor, Clock, CommitId, RunId};
use workflow::RunContext;
use workflow::expression::Value;
use workflow::language::Definition;

use crate::{Control, Error, gates};
pub(crate) use payload::{Push, push};

/// Who owns every repository, until there are projects.
const OWNER: &str = "default";
/// What every job runs on, by the names that GitHub gives its runners.
const RUNNER_NAME: &str = "solum";

/// Something that happened and starts runs.
#[derive(Debug, Clone)]
pub(crate) struct Occasion {
    /// `push`
    pub(crate) event: &'static str,
    /// In full: `refs/heads/main`.
    pub(crate) reference: String,
    /// What runs are of; none where what is deployed came without one.
    pub(crate) commit: Option<CommitId>,
    /// What `github.event` says beside what it says of every event.
    pub(crate) payload: Map<String, Json>,
    pub(crate) actor: Actor,
    pub(crate) trusted: bool,
}

/// An occasion with what all runs that it starts have in common.
#[derive(Debug)]
pub(crate) struct Surroundings {
    occasion: Occasion,
    app: App,
    server_url: String,
    vars: BTreeMap<String, String>,
    environment_vars: BTreeMap<String, BTreeMap<String, String>>,
    /// What people have to agree to before a job for an environment begins.
    approvals: gates::Asked,
}

impl Control {
    /// Looks up what the runs of an occasion have in common.
    pub(crate) async fn surroundings(
        &self,
        app: &App,
        occasion: Occasion,
    ) -> Result<Surroundings, Error> {
        let environments = self.inner.store.environments(app.id).await?;
        let approvals = gates::of(&environments);
        let mut environment_vars = BTreeMap::new();
        for environment in environments {
            let vars = self.variables_for(&app.name, Some(&environment.name)).await?;
            environment_vars.insert(environment.name.to_string(), vars);
        }
        Ok(Surroundings {
            occasion,
            app: app.clone(),
            server_url: self.inner.settings.api_url.clone(),
            vars: self.variables_for(&app.name, None).await?,
            environment_vars,
            approvals,
        })
    }
}

/// `refs/heads/NAME`
pub(crate) fn branch_reference(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

impl Surroundings {
    /// What a manifest asks for that has not landed yet counts where what has landed asks for nothing.
    pub(crate) fn also_ask(&mut self, environments: &[types::Environment]) {
        for environment in environments {
            if let Some(asked) = &environment.approvals {
                self.approvals.entry(environment.name.clone()).or_insert_with(|| asked.clone());
            }
        }
    }

    /// The first run of this workflow that the occasion asks for, in no queue; `inputs` have their types.
    pub(crate) fn run(
        &self,
        clock: &dyn Clock,
        mut definition: Definition,
        inputs: &BTreeMap<String, Json>,
        title: String,
    ) -> NewRun {
        if !gates::are_open_to(self.occasion.event) {
            gates::place(&mut definition, &self.approvals);
        }
        NewRun {
            id: RunId::generate(clock),
            app: self.app.id,
            context: self.context(&definition, inputs),
            definition,
            carried_over: Vec::new(),
            attempt: 1,
            retry_of: None,
            queue: None,
            commit: self.occasion.commit.clone(),
            title,
            actor: self.occasion.actor.clone(),
        }
    }

    fn context(&self, definition: &Definition, inputs: &BTreeMap<String, Json>) -> RunContext {
        RunContext {
            github: value(self.github(definition)),
            runner: value(json!({
                "name": RUNNER_NAME,
                "os": "Linux",
                "arch": architecture(),
                "environment": "self-hosted",
            })),
            inputs: value(json!(inputs)),
            vars: self.vars.clone(),
            environment_vars: self.environment_vars.clone(),
            author: Some(self.occasion.actor.clone()),
            trusted: self.occasion.trusted,
        }
    }

    fn github(&self, definition: &Definition) -> Json {
        let Occasion { event, reference, commit, actor, trusted, .. } = &self.occasion;
        let (kind, name) = kind_and_name(reference);
        let repository = self.repository();
        let actor = actor.to_string();
        let sha = commit.as_ref().map(CommitId::as_str).unwrap_or_default();
        json!({
            "event_name": event,
            "event": self.event(),
            "ref": reference,
            "ref_name": name,
            "ref_type": kind,
            "ref_protected": *reference == branch_reference(&self.app.deploy_branch),
            "sha": sha,
            "actor": actor,
            "triggering_actor": actor,
            "repository": repository,
            "repository_id": self.app.id.to_string(),
            "repository_owner": OWNER,
            "repositoryUrl": format!("{}/{}.git", self.server_url, self.app.name),
            "workflow": definition.name,
            "workflow_ref": format!("{repository}/{}@{reference}", definition.file),
            "workflow_sha": sha,
            "head_ref": "",
            "base_ref": "",
            "server_url": self.server_url,
            "api_url": format!("{}/api/v1", self.server_url),
            "graphql_url": "",
            "secret_source": if *trusted { "Actions" } else { "None" },
        })
    }

    /// The event's own words, and whose repository it is about.
    fn event(&self) -> Map<String, Json> {
        let mut event = self.occasion.payload.clone();
        let (name, url) = (self.app.name.as_str(), &self.server_url);
        let repository = json!({
            "id": self.app.id.to_string(),
            "name": name,
            "full_name": self.repository(),
            "owner": { "login": OWNER, "name": OWNER },
            "default_branch": self.app.default_branch,
            "clone_url": format!("{url}/{name}.git"),
            "private": true,
        });
        event.insert("repository".to_owned(), repository);
        event.insert("sender".to_owned(), json!({ "login": self.occasion.actor.to_string() }));
        event
    }

    fn repository(&self) -> String {
        format!("{OWNER}/{}", self.app.name)
    }
}

fn value(json: Json) -> Value {
    serde_json::from_value(json).expect("any JSON is a value of the language")
}

/// As GitHub's runners say it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "X64",
        "aarch64" => "ARM64",
        "arm" => "ARM",
        other => other,
    }
}

fn kind_and_name(reference: &str) -> (&'static str, &str) {
    match reference.strip_prefix("refs/tags/") {
        Some(tag) => ("tag", tag),
        None => ("branch", reference.strip_prefix("refs/heads/").unwrap_or(reference)),
    }
}

#[cfg(test)]
mod tests {
    use workflow::language::read_with;

    use super::*;

    fn surroundings() -> Surroundings {
        let payload = json!({ "before": "0" }).as_object().unwrap().clone();
        Surroundings {
            occasion: Occasion {
                event: "push",
                reference: "refs/heads/main".to_owned(),
                commit: Some("a".repeat(40).parse().unwrap()),
                payload,
                actor: Actor::Token("alice".to_owned()),
                trusted: true,
            },
            app: App {
                id: "app_01h2xcejqtf2nbrexx3vqjhp40".parse().unwrap(),
                name: "shop".parse().unwrap(),
                default_branch: "main".to_owned(),
                deploy_branch: "main".to_owned(),
                state: store::AppState::Ready,
                uid: 20_001,
                created_at: types::Timestamp::UNIX_EPOCH,
                created_by: Actor::System,
            },
            server_url: "http://127.0.0.1:7070".to_owned(),
            vars: BTreeMap::new(),
            environment_vars: BTreeMap::new(),
            approvals: gates::Asked::new(),
        }
    }

    #[test]
    fn a_run_knows_what_githubs_runs_know() {
        let file = ".solum/workflows/a.yml";
        let text = "name: ci\non: push\njobs: { a: { runs-on: linux, steps: [{ run: 'true' }] } }";
        let read = read_with(file, text, |_| workflow::language::Found::Missing).unwrap();
        let given = BTreeMap::from([("dry".to_owned(), json!(true))]);
        let context = surroundings().context(&read.definition, &given);
        let github = serde_json::to_value(&context.github).unwrap();
        for (pointer, expected) in [
            ("/event_name", json!("push")),
            ("/ref_name", json!("main")),
            ("/ref_type", json!("branch")),
            ("/ref_protected", json!(true)),
            ("/sha", json!("a".repeat(40))),
            ("/actor", json!("alice")),
            ("/repository", json!("default/shop")),
            ("/workflow", json!("ci")),
            ("/workflow_ref", json!("default/shop/.solum/workflows/a.yml@refs/heads/main")),
            ("/api_url", json!("http://127.0.0.1:7070/api/v1")),
            ("/event/before", json!("0")),
            ("/event/repository/full_name", json!("default/shop")),
            ("/event/sender/login", json!("alice")),
        ] {
            assert_eq!(github.pointer(pointer), Some(&expected), "{pointer}");
        }
        assert_eq!(serde_json::to_value(&context.inputs).unwrap(), json!({ "dry": true }));
        assert!(context.trusted);
    }

    #[test]
    fn a_tag_is_told_from_a_branch() {
        assert_eq!(kind_and_name("refs/tags/v1"), ("tag", "v1"));
        assert_eq!(kind_and_name("refs/heads/feature/x"), ("branch", "feature/x"));
    }
}
