//! Branches that do not deploy, and tags: they move at once, and nobody waits for what they start.

use source::PushTalk;
use store::{App, NewRun, Run};
use types::{Actor, RunId};

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
        let started = self.started(app, arrival, actor, None).await?;
        let info = inner.repositories.commit(&app.name, &arrival.commit).await?;
        let mut runs = Vec::new();
        for definition in started.definitions {
            let run = NewRun {
                id: RunId::generate(&*inner.clock),
                app: app.id,
                context: started.surroundings.context(&definition),
                definition,
                carried_over: Vec::new(),
                attempt: 1,
                retry_of: None,
                queue: None,
                commit: Some(arrival.commit.clone()),
                title: info.subject.clone(),
                actor: actor.clone(),
            };
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
