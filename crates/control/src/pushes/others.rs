//! Branches that do not deploy, and tags: they move at once, and nobody waits for what they start.

use std::collections::BTreeMap;

use serde_json::Map;
use source::PushTalk;
use store::{App, Run};
use types::Actor;

use super::Pushes;
use super::arrival::Arrival;
use crate::error::chain;
use crate::{Error, text};

impl Pushes {
    /// Starts the workflows that the push is for. That one cannot be started does not keep the ref from moving.
    pub(super) async fn start_beside(
        &self,
        app: &App,
        arrival: &Arrival<'_>,
        actor: &Actor,
        talk: &PushTalk,
    ) {
        match self.record_beside(app, arrival, actor).await {
            Ok(runs) => {
                for run in &runs {
                    talk.line(&text::started(run));
                }
                if runs.is_empty() {
                    tell_where_it_is(app, arrival, talk);
                }
            }
            Err(error) => {
                talk.line(&text::warning(&format!("no workflow was started: {}", chain(&error))));
            }
        }
    }

    async fn record_beside(
        &self,
        app: &App,
        arrival: &Arrival<'_>,
        actor: &Actor,
    ) -> Result<Vec<Run>, Error> {
        if !arrival.workflows.replace(super::arrival::EVENT) {
            return Ok(Vec::new());
        }
        let inner = &self.control.inner;
        let started = self.started(app, arrival, actor, Map::new()).await?;
        let info = inner.repositories.commit(&app.name, &arrival.commit).await?;
        let mut runs = Vec::new();
        for definition in started.definitions {
            let (clock, title) = (&*inner.clock, info.subject.clone());
            let run = started.surroundings.run(clock, definition, &BTreeMap::new(), title);
            runs.push(inner.store.create_run(run).await?);
        }
        Ok(runs)
    }
}

fn tell_where_it_is(app: &App, arrival: &Arrival<'_>, talk: &PushTalk) {
    let Some(branch) = arrival.update.branch() else { return };
    talk.line(&text::line(&text::other_branch(branch, &app.deploy_branch)));
    talk.line(&text::line(&text::other_branch_hint(branch, &app.deploy_branch)));
}
