//! What an event other than a push starts: the workflows of the deploy branch's tip that name it, or else the one that Solum brings.
//!
//! A file that cannot be read any more, because it came here in another way than by a push or with an older Solum, does
//! not keep an app from being rolled back: it is told in the run, and what Solum brings runs.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use store::{App, Run};
use types::{Actor, CommitId};
use workflow::language::{Definition, Event};

use crate::run_contexts::{Occasion, branch_reference};
use crate::workflows::BuiltInWorkflow;
use crate::{CommitWorkflows, Control, Error, text};

/// Something that somebody asked for.
pub(crate) struct Asked {
    /// Runs where no file names its event.
    pub(crate) built_in: &'static BuiltInWorkflow,
    /// What `github.event` says.
    pub(crate) payload: Map<String, Json>,
    /// What it is about, for people.
    pub(crate) title: String,
    /// What the built-in workflow is run for.
    pub(crate) commit: Option<CommitId>,
    pub(crate) actor: Actor,
}

impl Control {
    /// Starts what the app's workflows, or ours, do then. There is at least one run.
    pub(crate) async fn start_asked(&self, app: &App, asked: Asked) -> Result<Vec<Run>, Error> {
        let event = asked.built_in.event;
        let tip = self.tip_workflows(app).await?;
        let (commit, definitions, unreadable) = match tip {
            Some((tip, workflows)) if workflows.replace(event) => {
                (Some(tip), of(&workflows, event), Vec::new())
            }
            Some((_, workflows)) => {
                (asked.commit, vec![asked.built_in.definition()], workflows.mistakes())
            }
            None => (asked.commit, vec![asked.built_in.definition()], Vec::new()),
        };
        let occasion = Occasion {
            event,
            reference: branch_reference(&app.deploy_branch),
            commit,
            payload: asked.payload,
            actor: asked.actor,
            trusted: true,
        };
        let surroundings = self.surroundings(app, occasion).await?;
        let mut runs = Vec::new();
        for definition in definitions {
            let (clock, title) = (&*self.inner.clock, asked.title.clone());
            let run = surroundings.run(clock, definition, &BTreeMap::new(), title);
            let transcript = self.inner.transcripts.of(run.id);
            for line in &unreadable {
                transcript.write(&text::warning(line));
            }
            runs.push(self.inner.store.create_run(run).await?);
        }
        Ok(runs)
    }

    /// The workflows of what the deploy branch points at; `None` while there is no such branch.
    pub(crate) async fn tip_workflows(
        &self,
        app: &App,
    ) -> Result<Option<(CommitId, CommitWorkflows)>, Error> {
        let tip = self.inner.repositories.tip(&app.name, &app.deploy_branch).await?;
        let Some(tip) = tip else { return Ok(None) };
        let workflows = self.read_workflows(&app.name, &tip).await?;
        Ok(Some((tip, workflows)))
    }
}

fn of(workflows: &CommitWorkflows, event: &str) -> Vec<Definition> {
    let event = Event { name: event.to_owned(), ..Event::default() };
    let started = workflows.started_by(&event);
    started.into_iter().map(|workflow| workflow.definition.clone()).collect()
}

/// Fields of `github.event`.
pub(crate) fn payload<'a>(
    fields: impl IntoIterator<Item = (&'a str, String)>,
) -> Map<String, Json> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// Of the runs that an event has started, the one that is told of where there is room for one.
pub(crate) fn first(runs: Vec<Run>) -> Result<Run, Error> {
    runs.into_iter().next().ok_or_else(|| Error::NotFound("workflow that runs then".to_owned()))
}
