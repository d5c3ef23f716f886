//! A commit that a push brings to a branch or a tag: which workflows it has, and what they are told.

use serde_json::{Map, Value as Json};
use source::{PushTalk, RefUpdate};
use store::App;
use types::{Actor, CommitId};
use workflow::language::{Definition, Event, matches};

use super::{NOT_ACCEPTED, Pushes, is_deploy};
use crate::error::chain;
use crate::run_contexts::{self, Occasion, Surroundings};
use crate::{CommitWorkflows, Error, text};

pub(super) const EVENT: &str = "push";
/// The most commits that `github.event.commits` lists.
const MAX_COMMITS: usize = 20;

pub(super) struct Arrival<'a> {
    pub(super) update: &'a RefUpdate,
    /// Of a tag, what it leads to.
    pub(super) commit: CommitId,
    pub(super) workflows: CommitWorkflows,
}

/// What a push starts.
pub(super) struct Started {
    pub(super) surroundings: Surroundings,
    /// Those whose filters let the push pass.
    pub(super) definitions: Vec<Definition>,
    /// Of the others that name the event: `FILE: why not`.
    pub(super) passed_over: Vec<String>,
}

impl Pushes {
    /// Looks at what came. `None` where nothing can run: a deletion, or a ref that is neither branch nor tag. What is wrong is
    /// told; it refuses a branch, and of a tag only keeps its workflows from running.
    pub(super) async fn arrival<'a>(
        &self,
        app: &App,
        update: &'a RefUpdate,
        talk: &PushTalk,
    ) -> Result<Option<Arrival<'a>>, String> {
        let Some(new) = &update.new else { return Ok(None) };
        let is_tag = update.name.starts_with("refs/tags/");
        if update.branch().is_none() && !is_tag {
            return Ok(None);
        }
        let unreadable = |error: Error| chain(&error);
        let peeled = self.control.inner.repositories.peel(&app.name, new).await;
        let Some(commit) = peeled.map_err(|error| unreadable(error.into()))? else {
            return Ok(None);
        };
        let read = self.control.read_workflows(&app.name, &commit).await;
        let mut workflows = read.map_err(unreadable)?;
        let of_manifest: Vec<_> =
            workflows.manifest_mistakes.iter().map(ToString::to_string).collect();
        let mistakes = workflows.mistakes();
        for line in of_manifest.iter().chain(&mistakes) {
            talk.line(&text::warning(line));
        }
        for line in workflows.warnings() {
            talk.line(&text::warning(&format!("warning: {line}")));
        }
        let deploys = is_deploy(app, update);
        if (deploys && !of_manifest.is_empty()) || (!is_tag && !mistakes.is_empty()) {
            return Err(NOT_ACCEPTED.to_owned());
        }
        if !of_manifest.is_empty() || !mistakes.is_empty() {
            talk.line(&text::warning("no workflow runs for it"));
            workflows.files.clear();
        }
        Ok(Some(Arrival { update, commit, workflows }))
    }

    /// Which workflows the push starts, and what they see of it: beside what every push has, `more`.
    pub(super) async fn started(
        &self,
        app: &App,
        arrival: &Arrival<'_>,
        actor: &Actor,
        more: Map<String, Json>,
    ) -> Result<Started, Error> {
        let event = Event {
            name: EVENT.to_owned(),
            reference: Some(arrival.update.name.clone()),
            changed: self.changed(app, arrival).await,
            ..Event::default()
        };
        let mut started = Started {
            surroundings: self.surroundings(app, arrival, actor, more).await?,
            definitions: Vec::new(),
            passed_over: Vec::new(),
        };
        for file in &arrival.workflows.files {
            let Ok(workflow) = &file.reading else { continue };
            let found = matches(&workflow.triggers, &event);
            if found.runs {
                started.definitions.push(workflow.definition.clone());
            } else if workflow.triggers.get(EVENT).is_some() {
                started.passed_over.push(format!("{}: {}", file.path, found.why));
            }
        }
        Ok(started)
    }

    async fn surroundings(
        &self,
        app: &App,
        arrival: &Arrival<'_>,
        actor: &Actor,
        more: Map<String, Json>,
    ) -> Result<Surroundings, Error> {
        let Arrival { update, commit, .. } = arrival;
        let repositories = &self.control.inner.repositories;
        let from = match &update.old {
            Some(old) => Some(old.clone()),
            None => repositories.tip(&app.name, &app.deploy_branch).await?,
        };
        let mut commits =
            repositories.commits_between(&app.name, from.as_ref(), commit, MAX_COMMITS).await?;
        if commits.is_empty() {
            // The branch went back, or begins where another is.
            commits = repositories.commits_between(&app.name, None, commit, 1).await?;
        }
        let mut payload = run_contexts::push(&run_contexts::Push {
            reference: &update.name,
            before: update.old.as_ref(),
            after: update.new.as_ref().unwrap_or(commit),
            forced: update.old.is_some() && !update.fast_forward,
            commits: &commits,
            pusher: actor,
        });
        payload.extend(more);
        let occasion = Occasion {
            event: EVENT,
            reference: update.name.clone(),
            commit: Some(commit.clone()),
            payload,
            actor: actor.clone(),
            trusted: is_deploy(app, update),
        };
        self.control.surroundings(app, occasion).await
    }

    /// Every path that differs from what the branch was before; of a new branch, from where it left the deploy branch.
    /// `None` when that cannot be told: then path filters let the push pass.
    async fn changed(&self, app: &App, arrival: &Arrival<'_>) -> Option<Vec<String>> {
        let Arrival { update, commit, .. } = arrival;
        update.branch()?;
        let repositories = &self.control.inner.repositories;
        let compared = async {
            let from = match &update.old {
                Some(old) => Some(old.clone()),
                None => match repositories.tip(&app.name, &app.deploy_branch).await? {
                    Some(tip) => repositories.merge_base(&app.name, &tip, commit).await?,
                    None => None,
                },
            };
            match from {
                Some(from) => repositories.changed_paths(&app.name, &from, commit).await.map(Some),
                None => Ok(None),
            }
        };
        compared.await.unwrap_or_else(|error: source::Error| {
            tracing::info!(app = %app.name, error = %chain(&error), "what a push changed is not known");
            None
        })
    }
}
