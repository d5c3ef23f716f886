//! A push to the deploy branch: recorded as a change with its runs, which bring it to the branch or not.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use source::{PushTalk, RefOutcome, change_ref};
use store::{App, Change, NewPush, NewRun, Run};
use types::{Actor, ChangeId, Environment, EnvironmentName, RunStatus};

use super::arrival::Arrival;
use super::follow::{End, Watched};
use super::{NOT_ACCEPTED, Options, Pushes, reject};
use crate::error::chain;
use crate::{Error, text, workflows};

impl Pushes {
    /// Records the push, then stays with its runs until it is known what becomes of it, or the client has none of it.
    pub(super) async fn deliver(
        &self,
        app: &App,
        arrival: &Arrival<'_>,
        actor: &Actor,
        options: &Options,
        talk: &PushTalk,
    ) -> RefOutcome {
        let (change, runs) = match self.record(app, arrival, actor, talk).await {
            Ok(recorded) => recorded,
            Err(error) => {
                for line in reject(&error).message.lines() {
                    talk.line(&text::warning(line));
                }
                return RefOutcome::Refused(NOT_ACCEPTED.to_owned());
            }
        };
        if options.detach && !runs.is_empty() {
            for run in &runs {
                text::detached(run.id).iter().for_each(|line| talk.line(line));
            }
            return self.leave(app, &change, &runs, talk).await;
        }
        let mut watched: Vec<_> =
            runs.iter().map(|run| Watched::new(&self.control, run.clone())).collect();
        match self.follow(&change, &mut watched, talk).await {
            Ok(End::Landed) => {
                for run in watched.iter().filter(|watched| watched.has_failed()) {
                    talk.line(&text::warning(&text::failed_beside(&run.run, &change.branch)));
                }
                RefOutcome::Moved
            }
            Ok(End::Refused) => refused(&watched, talk),
            Ok(End::Waits) => {
                for run in watched.iter().filter(|watched| !watched.has_ended()) {
                    text::left_waiting(run.run.id).iter().for_each(|line| talk.line(line));
                }
                self.leave(app, &change, &runs, talk).await
            }
            Ok(End::Unwatched) => RefOutcome::Refused("nobody waited for its outcome".to_owned()),
            Err(error) => {
                tracing::warn!(change = %change.id, error = %chain(&error), "a push lost sight of its runs");
                for run in &runs {
                    text::detached(run.id).iter().for_each(|line| talk.line(line));
                }
                RefOutcome::Refused("its outcome is not known yet".to_owned())
            }
        }
    }

    /// The commit is pinned first: a change that is recorded never lacks its commit.
    async fn record(
        &self,
        app: &App,
        arrival: &Arrival<'_>,
        actor: &Actor,
        talk: &PushTalk,
    ) -> Result<(Change, Vec<Run>), Error> {
        let inner = &self.control.inner;
        let (update, commit) = (arrival.update, &arrival.commit);
        let environments = arrival.workflows.outline.environments.clone();
        let environments = self.control.under_policy(app, environments).await?;
        let mut started = self.started(app, arrival, actor, goals(&environments)).await?;
        started.surroundings.also_ask(&environments);
        if !arrival.workflows.replace(super::arrival::EVENT) {
            started.definitions = vec![workflows::DELIVER.definition()];
        } else if started.definitions.is_empty() {
            text::nothing_runs(&started.passed_over).iter().for_each(|line| talk.line(line));
        }
        let info = inner.repositories.commit(&app.name, commit).await?;
        let change = ChangeId::generate(&*inner.clock);
        let _pinned = inner.pushes_under_way.begin(change);
        inner.repositories.pin(&app.name, change, commit).await?;
        let surroundings = &started.surroundings;
        let run = |definition| {
            let title = info.subject.clone();
            let run = surroundings.run(&*inner.clock, definition, &BTreeMap::new(), title);
            NewRun { queue: Some(format!("{}/{}", app.id, app.deploy_branch)), ..run }
        };
        let push = NewPush {
            change,
            app: app.id,
            branch: app.deploy_branch.clone(),
            base: update.old.clone(),
            commit: commit.clone(),
            subject: info.subject.clone(),
            actor: actor.clone(),
            runs: started.definitions.into_iter().map(run).collect(),
        };
        Ok(inner.store.record_push(push).await?)
    }

    /// Lets the client go before the outcome is known, with a ref that tells the truth.
    async fn leave(&self, app: &App, change: &Change, runs: &[Run], talk: &PushTalk) -> RefOutcome {
        talk.line(&text::line(&format!(
            "{} moves to this commit when it is live",
            app.deploy_branch
        )));
        let (number, commit) = (change.number, &change.commit);
        match self.control.inner.repositories.set_change_ref(&app.name, number, commit).await {
            Ok(()) => {
                RefOutcome::Renamed { to: change_ref(number), old: None, new: commit.clone() }
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "a change's ref could not be set");
                let runs: Vec<_> = runs.iter().map(|run| run.id.to_string()).collect();
                RefOutcome::Refused(format!("recorded as {}, which goes on", runs.join(", ")))
            }
        }
    }
}

/// Where it is to be deployed first, and where it goes on to by itself: fields of `github.event`.
fn goals(environments: &[Environment]) -> Map<String, Json> {
    let first = Environment::first(environments);
    let following = first.map(|first| first.automatic(environments)).unwrap_or_default();
    let following: Vec<_> = following.iter().map(|environment| &environment.name).collect();
    let first = first.map_or_else(EnvironmentName::dev, |first| first.name.clone());
    [("environment".to_owned(), json!(first)), ("following".to_owned(), json!(following))]
        .into_iter()
        .collect()
}

fn refused(watched: &[Watched], talk: &PushTalk) -> RefOutcome {
    let mut status = None;
    for Watched { run, status: ended, .. } in watched {
        if *ended != RunStatus::Succeeded {
            talk.line(&text::line(&format!("The run was {}", run.id)));
            status = status.filter(|status| *status == RunStatus::Failed).or(Some(*ended));
        }
    }
    RefOutcome::Refused(match status {
        Some(status) => text::refused_ref(status).to_owned(),
        None => format!("it has moved meanwhile: {}", text::STALE_HINT),
    })
}
