//! Runs that people and programs ask for: `workflow_dispatch`, of one workflow and with inputs, and `repository_dispatch`, of
//! all that wait for a word from outside.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};
use store::{App, Run};
use types::{Actor, AppName, CommitId};
use workflow::expression::Value;
use workflow::language::{Event, Input, InputType, Workflow, given_inputs};

use crate::run_contexts::{Occasion, branch_reference};
use crate::{CommitWorkflows, Control, Error, WorkflowFile};

const DISPATCH: &str = "workflow_dispatch";
const FROM_OUTSIDE: &str = "repository_dispatch";
/// GitHub's bounds of a word from outside: its length, and how much may come with it.
const MAX_EVENT_TYPE: usize = 100;
const MAX_PAYLOAD_BYTES: usize = 64 << 10;
/// All inputs of a dispatch together, as on GitHub.
const MAX_INPUT_BYTES: usize = 64 << 10;

/// Of which commit, and with what.
#[derive(Debug, Clone, Default)]
pub struct DispatchRequest {
    /// A branch or a tag; the deploy branch if there is none.
    pub reference: Option<String>,
    pub inputs: BTreeMap<String, String>,
}

/// A branch or a tag, and where it is.
struct Target {
    /// In full.
    reference: String,
    commit: CommitId,
}

impl Control {
    /// The workflow files of a branch or a tag; of the deploy branch if none is named, which has none before the first push.
    pub async fn workflows_at(
        &self,
        app: &AppName,
        reference: Option<&str>,
    ) -> Result<Vec<WorkflowFile>, Error> {
        let app = self.ready_app(app).await?;
        if reference.is_none() {
            let tip = self.tip_workflows(&app).await?;
            return Ok(tip.map(|(_, workflows)| workflows.files).unwrap_or_default());
        }
        let target = self.target(&app, reference).await?;
        Ok(self.read_workflows(&app.name, &target.commit).await?.files)
    }

    /// Starts a workflow that may be started by hand. `file` is its name in the folder.
    pub async fn dispatch(
        &self,
        app: &AppName,
        file: &str,
        request: DispatchRequest,
        actor: &Actor,
    ) -> Result<Run, Error> {
        let app = self.ready_app(app).await?;
        let target = self.target(&app, request.reference.as_deref()).await?;
        let workflows = self.read_workflows(&app.name, &target.commit).await?;
        let workflow = find(&workflows, file)?;
        let inputs = self.inputs(&app, file, workflow, &request.inputs).await?;
        let texts: BTreeMap<_, _> =
            inputs.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        let payload = json!({
            "inputs": texts,
            "ref": target.reference,
            "workflow": workflow.definition.file,
        });
        let occasion = Occasion {
            event: DISPATCH,
            trusted: target.reference == branch_reference(&app.deploy_branch),
            reference: target.reference,
            commit: Some(target.commit),
            payload: fields(payload),
            actor: actor.clone(),
        };
        let mut runs = self.dispatched(&app, occasion, &[(workflow, inputs)]).await?;
        runs.pop().ok_or_else(|| Error::NotFound(format!("workflow {file}")))
    }

    /// Starts every workflow of the deploy branch that waits for this word. There may be none.
    pub async fn dispatch_from_outside(
        &self,
        app: &AppName,
        event_type: &str,
        client_payload: Map<String, Json>,
        actor: &Actor,
    ) -> Result<Vec<Run>, Error> {
        let app = self.ready_app(app).await?;
        check_word(event_type, &client_payload)?;
        let Some((tip, workflows)) = self.tip_workflows(&app).await? else {
            return Ok(Vec::new());
        };
        if let Some(trouble) = workflows.mirror_trouble {
            return Err(Error::MirrorAway(trouble));
        }
        let event = Event {
            name: FROM_OUTSIDE.to_owned(),
            activity: Some(event_type.to_owned()),
            ..Event::default()
        };
        let payload = json!({
            "action": event_type,
            "branch": app.deploy_branch,
            "client_payload": client_payload,
        });
        let occasion = Occasion {
            event: FROM_OUTSIDE,
            reference: branch_reference(&app.deploy_branch),
            commit: Some(tip),
            payload: fields(payload),
            actor: actor.clone(),
            trusted: true,
        };
        let started = workflows.started_by(&event).into_iter();
        let started: Vec<_> = started.map(|workflow| (workflow, BTreeMap::new())).collect();
        self.dispatched(&app, occasion, &started).await
    }

    async fn dispatched(
        &self,
        app: &App,
        occasion: Occasion,
        workflows: &[(&Workflow, BTreeMap<String, Json>)],
    ) -> Result<Vec<Run>, Error> {
        let surroundings = self.surroundings(app, occasion).await?;
        let mut runs = Vec::new();
        for (workflow, inputs) in workflows {
            let definition = workflow.definition.clone();
            let title = definition.name.clone();
            let run = surroundings.run(&*self.inner.clock, definition, inputs, title);
            runs.push(self.inner.store.create_run(run).await?);
        }
        Ok(runs)
    }

    async fn target(&self, app: &App, reference: Option<&str>) -> Result<Target, Error> {
        let repositories = &self.inner.repositories;
        let given = reference.unwrap_or(&app.deploy_branch);
        let branch = given.strip_prefix("refs/heads/");
        let tag = given.strip_prefix("refs/tags/");
        if tag.is_none()
            && let name = branch.unwrap_or(given)
            && let Some(commit) = repositories.tip(&app.name, name).await?
        {
            return Ok(Target { reference: branch_reference(name), commit });
        }
        if branch.is_none()
            && let name = tag.unwrap_or(given)
            && let Some(commit) = repositories.tag(&app.name, name).await?
        {
            return Ok(Target { reference: format!("refs/tags/{name}"), commit });
        }
        Err(Error::Invalid {
            code: "no_such_reference",
            message: format!("{} has no branch and no tag `{given}`", app.name),
            hint: Some("push it first".to_owned()),
        })
    }

    async fn inputs(
        &self,
        app: &App,
        file: &str,
        workflow: &Workflow,
        given: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, Json>, Error> {
        let Some(trigger) = workflow.triggers.get(DISPATCH) else {
            return Err(Error::Invalid {
                code: "workflow_not_dispatchable",
                message: format!("{file} is not started by hand"),
                hint: Some(format!("add '{DISPATCH}' to its 'on', and push that")),
            });
        };
        let bytes: usize = given.iter().map(|(name, value)| name.len() + value.len()).sum();
        let mut mistakes = Vec::new();
        if bytes > MAX_INPUT_BYTES {
            mistakes.push(format!("the inputs have {bytes} bytes; {MAX_INPUT_BYTES} are the most"));
        }
        match given_inputs(&trigger.inputs, given) {
            Ok(inputs) if mistakes.is_empty() => {
                let unknown = self.unknown_environments(app, &trigger.inputs, &inputs).await?;
                if unknown.is_empty() {
                    return Ok(inputs);
                }
                mistakes = unknown;
            }
            Ok(_) => {}
            Err(words) => mistakes.extend(words),
        }
        Err(Error::Invalid {
            code: "invalid_inputs",
            message: format!("{file} cannot be started: {}", mistakes.join("; ")),
            hint: Some(format!("`solum workflow list {}` shows which inputs there are", app.name)),
        })
    }

    /// Inputs that have to name an environment of the app, and do not.
    async fn unknown_environments(
        &self,
        app: &App,
        inputs: &[Input],
        given: &BTreeMap<String, Json>,
    ) -> Result<Vec<String>, Error> {
        let of_environments = inputs.iter().filter(|input| input.kind == InputType::Environment);
        let named: Vec<_> = of_environments
            .filter_map(|input| Some((&input.name, given.get(&input.name)?.as_str()?)))
            .filter(|(_, name)| !name.is_empty())
            .collect();
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let there = self.inner.store.environments(app.id).await?;
        let there: BTreeSet<_> = there.iter().map(|it| it.name.as_str()).collect();
        let unknown = named.into_iter().filter(|(_, name)| !there.contains(name));
        Ok(unknown
            .map(|(input, name)| format!("input '{input}': there is no environment '{name}'"))
            .collect())
    }
}

fn find<'a>(workflows: &'a CommitWorkflows, file: &str) -> Result<&'a Workflow, Error> {
    let found = workflows.files.iter().find(|found| found.name() == file || found.path == file);
    match found.map(|found| &found.reading) {
        Some(Ok(workflow)) => Ok(workflow),
        Some(Err(refused)) => {
            let lines: Vec<_> = refused.mistakes.iter().map(ToString::to_string).collect();
            Err(Error::Invalid {
                code: "workflow_invalid",
                message: format!("{file} has mistakes: {}", lines.join("; ")),
                hint: Some("mend them, and push".to_owned()),
            })
        }
        None => {
            let names: Vec<_> = workflows.files.iter().map(WorkflowFile::name).collect();
            let there = match names.as_slice() {
                [] => format!("there is none in {}", workflows.folder),
                names => format!("there are: {}", names.join(", ")),
            };
            Err(Error::Invalid {
                code: "workflow_not_found",
                message: format!("there is no workflow {file}"),
                hint: Some(there),
            })
        }
    }
}

fn check_word(event_type: &str, client_payload: &Map<String, Json>) -> Result<(), Error> {
    let invalid =
        |message: String| Err(Error::Invalid { code: "invalid_request", message, hint: None });
    if event_type.is_empty() || event_type.chars().count() > MAX_EVENT_TYPE {
        return invalid(format!("`event_type` has to have 1 to {MAX_EVENT_TYPE} characters"));
    }
    let bytes = json!(client_payload).to_string().len();
    if bytes > MAX_PAYLOAD_BYTES {
        return invalid(format!(
            "`client_payload` has {bytes} bytes; {MAX_PAYLOAD_BYTES} are the most"
        ));
    }
    Ok(())
}

/// As an expression prints it.
fn text(value: &Json) -> String {
    serde_json::from_value::<Value>(value.clone())
        .map(|value| value.to_text().into_owned())
        .unwrap_or_default()
}

fn fields(payload: Json) -> Map<String, Json> {
    match payload {
        Json::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
