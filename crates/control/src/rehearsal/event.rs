//! What starts the run: the event, as a scenario has it.

use document::Mistake;
use workflow::language::{EVENTS, Event, REFUSED_EVENTS};

use super::lines::Line;
use crate::workflow_plans::PlannedEvent;

/// Who does what a scenario does not say somebody else does.
const SOMEBODY: &str = "author";
pub(super) const BRANCH: &str = "main";

#[derive(Debug, Clone, Default)]
pub(crate) struct Start {
    pub(super) event: String,
    pub(super) activity: Option<String>,
    pub(super) reference: String,
    changed: Option<Vec<String>>,
    pub(super) cron: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) given: Vec<(String, String)>,
    pub(super) by: String,
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

    /// Of the branch or the tag.
    pub(super) fn name(&self) -> &str {
        let name = self.reference.strip_prefix("refs/heads/");
        name.or(self.reference.strip_prefix("refs/tags/")).unwrap_or(&self.reference)
    }
}
