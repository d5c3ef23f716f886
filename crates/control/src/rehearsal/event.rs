//! What starts the run: the event, as a scenario has it, and what the run knows of it.

use std::collections::BTreeMap;

use document::Mistake;
use types::Actor;
use workflow::RunContext;
use workflow::expression::{Object, Value};
use workflow::language::{EVENTS, Event, REFUSED_EVENTS, Workflow, given_inputs};

use super::lines::Line;
use crate::workflow_plans::PlannedEvent;

/// Who does what a scenario does not say somebody else does.
const SOMEBODY: &str = "author";
const BRANCH: &str = "main";
/// Commits of a push, made up.
const BEFORE: &str = "0000000000000000000000000000000000000001";
pub(super) const COMMIT: &str = "0000000000000000000000000000000000000002";
const REPOSITORY: &str = "default/rehearsal";

#[derive(Debug, Clone, Default)]
pub(crate) struct Start {
    event: String,
    activity: Option<String>,
    reference: String,
    changed: Option<Vec<String>>,
    cron: Option<String>,
    environment: Option<String>,
    given: Vec<(String, String)>,
    by: String,
}

/// `on EVENT …`, behind its `on`.
pub(super) fn read(line: &mut Line<'_>) -> Result<Start, Mistake> {
    let event = line.word("an event")?;
    if !is_known(event) {
        return Err(line.before(unknown(event)));
    }
    let mut start = Start {
        event: event.to_owned(),
        reference: format!("refs/heads/{BRANCH}"),
        by: SOMEBODY.to_owned(),
        ..Start::default()
    };
    let is_plain =
        |line: &Line<'_>| !line.is_at_end() && !["with", "by", "changing"].contains(&line.peek());
    match event {
        "push" if line.take("tag") => {
            start.reference = format!("refs/tags/{}", line.word("a tag")?)
        }
        "push" => start.reference = format!("refs/heads/{}", line.word("a branch")?),
        "workflow_dispatch" if is_plain(line) => {
            start.reference = format!("refs/heads/{}", line.word("a branch")?);
        }
        "pull_request" => {
            start.reference = format!("refs/heads/{}", line.word("the branch it is to become")?);
            let activity = if is_plain(line) { line.word("a type")? } else { "opened" };
            start.activity = Some(activity.to_owned());
        }
        "repository_dispatch" | "release" => start.activity = Some(line.word("a type")?.to_owned()),
        "schedule" if is_plain(line) => {
            start.cron = Some(line.until(&["with", "by"], "a time")?.to_owned());
        }
        "deploy" | "rollback" | "promotion" | "service" if is_plain(line) => {
            start.environment = Some(line.word("an environment")?.to_owned());
        }
        _ => {}
    }
    if matches!(event, "push" | "pull_request") && line.take("changing") {
        start.changed = Some(line.names("a path")?);
    }
    if line.take("with") {
        start.given = line.pairs(&["by"])?;
    }
    if line.take("by") {
        start.by = line.word("a name")?.to_owned();
    }
    Ok(start)
}

/// Whether it can start a run.
fn is_known(event: &str) -> bool {
    event != "workflow_call" && EVENTS.iter().any(|known| known.name == event)
}

fn unknown(event: &str) -> String {
    let refused = REFUSED_EVENTS.iter().find(|(name, _)| *name == event);
    if let Some((_, instead)) = refused {
        return format!("GitHub has the event '{event}', Solum does not: {instead}");
    }
    if event == "workflow_call" {
        return "a workflow that another one calls is rehearsed with that one".to_owned();
    }
    let hint = document::suggestion(event, EVENTS.iter().map(|known| known.name));
    format!("there is no event '{event}'{hint}")
}

impl Start {
    /// What somebody asks about without a scenario.
    pub(crate) fn planned(event: &PlannedEvent) -> Result<Self, String> {
        if !is_known(&event.name) {
            return Err(unknown(&event.name));
        }
        let reference = event.reference.as_deref().unwrap_or(BRANCH);
        let reference = match reference.starts_with("refs/") {
            true => reference.to_owned(),
            false => format!("refs/heads/{reference}"),
        };
        Ok(Self {
            event: event.name.clone(),
            activity: event.activity.clone(),
            reference,
            changed: event.changed.clone(),
            given: event.inputs.clone(),
            by: SOMEBODY.to_owned(),
            ..Self::default()
        })
    }

    /// What decides whether the workflow runs.
    pub(crate) fn event(&self) -> Event {
        let is_change = self.event == "pull_request";
        Event {
            name: self.event.clone(),
            activity: self.activity.clone(),
            reference: (self.event == "push").then(|| self.reference.clone()),
            base: is_change.then(|| self.name().to_owned()),
            changed: self.changed.clone(),
            cron: self.cron.clone(),
        }
    }

    fn name(&self) -> &str {
        let name = self.reference.strip_prefix("refs/heads/");
        name.or(self.reference.strip_prefix("refs/tags/")).unwrap_or(&self.reference)
    }

    /// What the run knows; or what is wrong with the inputs that it is given.
    pub(crate) fn context(&self, workflow: &Workflow) -> Result<RunContext, String> {
        let dispatch = workflow.triggers.get("workflow_dispatch");
        let dispatch = dispatch.filter(|_| self.event == "workflow_dispatch");
        let inputs = match dispatch {
            Some(trigger) => {
                let given: BTreeMap<String, String> = self.given.iter().cloned().collect();
                let inputs = given_inputs(&trigger.inputs, &given);
                inputs.map_err(|mistakes| mistakes.join("; "))?
            }
            None => BTreeMap::new(),
        };
        let inputs: Object =
            inputs.into_iter().map(|(name, json)| (name, Value::from(json))).collect();
        let file = &workflow.definition.file;
        let mut github = self.github(&inputs);
        github.insert("workflow", workflow.definition.name.as_str());
        github.insert("workflow_ref", format!("{REPOSITORY}/{file}@{}", self.reference));
        Ok(RunContext {
            github: github.into(),
            runner: [
                ("os", "Linux"),
                ("arch", "X64"),
                ("name", "rehearsal"),
                ("environment", "self-hosted"),
            ]
            .into_iter()
            .collect(),
            inputs: inputs.into(),
            author: Some(Actor::Token(self.by.clone())),
            ..RunContext::default()
        })
    }

    fn github(&self, inputs: &Object) -> Object {
        let is_tag = self.reference.starts_with("refs/tags/");
        let base = if self.event == "pull_request" { self.name() } else { "" };
        let head = if base.is_empty() { "" } else { "change" };
        let texts = [
            ("event_name", self.event.as_str()),
            ("ref", &self.reference),
            ("ref_name", self.name()),
            ("ref_type", if is_tag { "tag" } else { "branch" }),
            ("base_ref", base),
            ("head_ref", head),
            ("sha", COMMIT),
            ("workflow_sha", COMMIT),
            ("actor", &self.by),
            ("triggering_actor", &self.by),
            ("repository", REPOSITORY),
            ("repository_owner", "default"),
            ("run_id", "1"),
            ("run_number", "1"),
            ("run_attempt", "1"),
        ];
        let mut github: Object = texts.into_iter().collect();
        github.insert("event", self.payload(inputs));
        github
    }

    fn payload(&self, inputs: &Object) -> Value {
        let mut event = Object::new();
        let repository =
            [("name", "rehearsal"), ("full_name", REPOSITORY), ("default_branch", BRANCH)];
        event.insert("repository", repository.into_iter().collect::<Value>());
        event.insert("sender", [("login", self.by.as_str())].into_iter().collect::<Value>());
        if let Some(activity) = &self.activity {
            event.insert("action", activity.as_str());
        }
        match self.event.as_str() {
            "push" => {
                event.insert("ref", self.reference.as_str());
                event.insert("before", BEFORE);
                event.insert("after", COMMIT);
                event.insert("pusher", [("name", self.by.as_str())].into_iter().collect::<Value>());
                event.insert("environment", "dev");
            }
            "workflow_dispatch" => {
                event.insert("ref", self.reference.as_str());
                event.insert("inputs", inputs.clone());
                return event.into();
            }
            "repository_dispatch" => {
                let payload =
                    self.given.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                event.insert("client_payload", payload.collect::<Value>());
                return event.into();
            }
            "schedule" => event.insert("schedule", self.cron.as_deref().unwrap_or_default()),
            "deploy" | "rollback" | "promotion" | "service" => {
                event.insert("environment", self.environment.as_deref().unwrap_or("dev"));
            }
            _ => {}
        }
        for (name, value) in &self.given {
            event.insert(name.as_str(), value.as_str());
        }
        event.into()
    }
}
