//! `solum/deploy` and `solum/rollback`: bring a release into an environment, and land the change that asked for it.
//!
//! The deployment itself is a row that a reconciler drives; this step asks for it under the key (run, step) and
//! waits. Then, if a push started the run, the branch is moved: by compare-and-swap, so that doing it again finds it done.

use std::collections::BTreeMap;

use rand::Rng as _;
use rand::distr::Alphanumeric;
use store::{ConfigChange, Deployment, Environment, NewDeployment, NewRelease, Release, Topic};
use types::{
    Actor, Bundle, ConfigRevisionId, DeploymentState, Digest, EnvironmentName, Manifest,
    Transcript as _,
};

use super::{Problem, Step};
use crate::error::chain;
use crate::landing::{self, Landing};
use crate::rollbacks::RollbackRequest;
use crate::workflows::verb;
use crate::{environments, text};

/// The characters of a value that app.json asks to have generated.
const GENERATED_LENGTH: usize = 64;

pub(super) async fn perform(step: &Step) -> Result<BTreeMap<String, String>, Problem> {
    let target = Target::of(step).await?;
    let environment = target.environment(step).await?;
    let release = target.release(step).await?;
    let rolls_back = step.task.uses == verb::ROLLBACK;
    let config_revision = match target.config_revision {
        // A rollback brings the config of then back, also where that was none.
        revision if rolls_back || revision.is_some() => revision,
        _ => prepare_config(step, &environment, &target.bundle.manifest).await?,
    };
    let new = NewDeployment {
        environment: environment.id,
        release: release.id,
        config_revision,
        run: step.run.id,
        step: step.deployment_key(),
        reason: step.run.title.clone(),
        rolls_back,
        actor: step.run.created_by.clone(),
    };
    let deployment = step.control.inner.store.ensure_deployment(new).await?;
    let deployment = wait_for(step, deployment).await?;
    conclude(step, &environment, &deployment).await?;
    if rolls_back {
        step.control.inner.store.restore_config(environment.id, config_revision).await?;
    }
    land(step, &environment, &target.bundle.manifest).await?;
    announce(step, &environment, &release, config_revision).await?;
    let url = environments::url(&step.control.inner.settings, &environment);
    Ok([
        ("release".to_owned(), release.label()),
        ("deployment".to_owned(), deployment.id.to_string()),
        ("environment".to_owned(), environment.name.to_string()),
        ("url".to_owned(), url.unwrap_or_default()),
    ]
    .into())
}

/// What the step's inputs ask for.
struct Target {
    name: EnvironmentName,
    bundle: Bundle,
    /// A release that is there; otherwise one is made of the bundle.
    release: Option<Release>,
    config_revision: Option<ConfigRevisionId>,
}

impl Target {
    async fn of(step: &Step) -> Result<Self, Problem> {
        let name = step.environment.clone().ok_or_else(|| {
            Problem::failed("no_environment", "the job says no environment to deploy to")
        })?;
        let with = |input: &str| step.with.get(input).filter(|value| !value.is_empty());
        if step.task.uses == verb::ROLLBACK && !step.with.contains_key("config-revision") {
            return Self::way_back(step, name, with("release")).await;
        }
        let release = match with("release") {
            Some(label) => Some(find_release(step, label).await?),
            None => None,
        };
        let artifact = match (&release, with("artifact")) {
            (Some(release), _) => release.artifact.clone(),
            (None, Some(artifact)) => artifact.parse().map_err(|error: types::InvalidDigest| {
                Problem::failed("artifact_invalid", error.to_string())
            })?,
            (None, None) => {
                return Err(Problem::failed("no_artifact", "there is nothing to deploy")
                    .hint("give the step `artifact` or `release`"));
            }
        };
        let config_revision = match with("config-revision") {
            Some(id) => Some(id.parse().map_err(|error: types::InvalidId| {
                Problem::failed("config_revision_invalid", error.to_string())
            })?),
            None => None,
        };
        let bundle = open(step, &artifact).await?;
        Ok(Self { name, bundle, release, config_revision })
    }

    /// Of a step that leaves it open: the pair that served before, or the release with the config that it had. What an
    /// earlier call of this step chose stays chosen: since then something else serves.
    async fn way_back(
        step: &Step,
        name: EnvironmentName,
        release: Option<&String>,
    ) -> Result<Self, Problem> {
        let (control, store) = (&step.control, &step.control.inner.store);
        let (release, config_revision) = match store
            .deployment_of_step(step.run.id, step.deployment_key())
            .await?
        {
            Some(chosen) => (store.release_by_id(chosen.release).await?, chosen.config_revision),
            None => {
                let environment = control.find_environment(&step.app.name, &name).await?;
                let release = match release {
                    Some(label) => Some(find_release(step, label).await?.number),
                    None => None,
                };
                let to = RollbackRequest { release, config: None };
                let (release, config) = control.way_back(&environment, to).await?;
                (release, config.map(|config| config.id))
            }
        };
        let bundle = open(step, &release.artifact).await?;
        Ok(Self { name, bundle, release: Some(release), config_revision })
    }

    async fn environment(&self, step: &Step) -> Result<Environment, Problem> {
        let control = &step.control;
        if let Err(error) = control.check_only_environment(&step.app, &self.name).await {
            let hint = error.hint().unwrap_or_default();
            return Err(Problem::failed("second_environment", error.to_string()).hint(hint));
        }
        let declared = self.bundle.manifest.environments.iter().find(|e| e.name == self.name);
        let own = environments::own_host(&control.inner.settings, &step.app.name, &self.name)?;
        let mut hosts = vec![own];
        hosts.extend(declared.iter().flat_map(|declared| declared.domains.clone()));
        let store = &control.inner.store;
        let ensured = store.ensure_environment(step.app.id, self.name.clone(), hosts).await;
        ensured.map_err(|error| match error {
            store::EnvironmentError::HostTaken { .. } => {
                Problem::failed("host_taken", error.to_string())
                    .hint("take the name out of `domains`, or choose another name for the app or the environment")
            }
            store::EnvironmentError::Store(error) => error.into(),
        })
    }

    async fn release(&self, step: &Step) -> Result<Release, Problem> {
        if let Some(release) = &self.release {
            return Ok(release.clone());
        }
        let new = NewRelease {
            app: step.app.id,
            artifact: self.bundle.digest.clone(),
            commit: step.run.commit.clone(),
            description: step.run.title.clone(),
            run: step.run.id,
            actor: step.run.created_by.clone(),
        };
        Ok(step.control.inner.store.ensure_release(new).await?)
    }
}

async fn find_release(step: &Step, label: &str) -> Result<Release, Problem> {
    let number = label.strip_prefix('v').unwrap_or(label).parse::<u64>();
    let number = number.map_err(|_| {
        Problem::failed("release_invalid", format!("`{label}` is not a release, like v3"))
    })?;
    Ok(step.control.inner.store.release(step.app.id, number).await?)
}

async fn open(step: &Step, artifact: &Digest) -> Result<Bundle, Problem> {
    step.control.inner.artifacts.bundle(artifact).await.map_err(|error| {
        Problem::failed("artifact_unusable", chain(&error))
            .hint("its releases cannot be deployed any more; build it again by a push")
    })
}

/// Gives the environment the values that the app wants generated, and insists on those that it requires.
async fn prepare_config(
    step: &Step,
    environment: &Environment,
    manifest: &Manifest,
) -> Result<Option<ConfigRevisionId>, Problem> {
    let store = &step.control.inner.store;
    let set_missing =
        manifest.generated_env.iter().map(|name| (name.clone(), generate())).collect();
    let change = ConfigChange { set_missing, ..ConfigChange::default() };
    let revision = store.revise_config(environment.id, change, Actor::System).await?;
    let has = |name| {
        revision.as_ref().is_some_and(|revision| revision.variables.contains_key(name))
            || manifest.env.contains_key(name)
    };
    let missing: Vec<_> = manifest.required_env.iter().filter(|(name, _)| !has(*name)).collect();
    if missing.is_empty() {
        return Ok(revision.map(|revision| revision.id));
    }
    let mut message = format!("{} lacks config that the app requires:", environment.name);
    for (name, description) in &missing {
        message.push_str(&format!("\n  {name}  {description}"));
    }
    let names: Vec<String> = missing.iter().map(|(name, _)| format!("{name}=…")).collect();
    let hint = format!(
        "set it, then push again: solum config set {} --env {} {}",
        step.app.name,
        environment.name,
        names.join(" ")
    );
    Err(Problem::failed("config_missing", message).hint(hint))
}

fn generate() -> String {
    rand::rng().sample_iter(Alphanumeric).take(GENERATED_LENGTH).map(char::from).collect()
}

/// Until the reconciler has brought the deployment to an end. A cancellation is the reconciler's to carry out.
async fn wait_for(step: &Step, mut deployment: Deployment) -> Result<Deployment, Problem> {
    use types::Transition as _;
    let store = &step.control.inner.store;
    let mut wake = store.subscribe(Topic::Deployments);
    while !deployment.state.is_terminal() {
        let current = store.deployment(deployment.id).await?;
        if current.state.is_terminal() {
            return Ok(current);
        }
        deployment = current;
        wake.changed().await;
    }
    Ok(deployment)
}

async fn conclude(
    step: &Step,
    environment: &Environment,
    deployment: &Deployment,
) -> Result<(), Problem> {
    match deployment.state {
        DeploymentState::Cancelled => Err(Problem::Cancelled),
        DeploymentState::Failed => {
            let message =
                deployment.error.clone().unwrap_or_else(|| "the deployment failed".into());
            let phase = deployment.failed_phase.map_or("deploying", types::FailedPhase::as_str);
            step.transcript.step("Not deployed");
            let problem = Problem::failed(&format!("{phase}_failed"), message);
            Err(match pending_config(step, environment, deployment).await? {
                Some(hint) => problem.hint(hint),
                None => problem,
            })
        }
        _ => Ok(()),
    }
}

/// What to do about a config that was not live before this deployment failed, and stays what the next one takes.
async fn pending_config(
    step: &Step,
    environment: &Environment,
    failed: &Deployment,
) -> Result<Option<String>, Problem> {
    let store = &step.control.inner.store;
    let environment = store.environment(environment.app_id, environment.name.clone()).await?;
    let Some(current) = environment.current else { return Ok(None) };
    let live = store.deployment(current).await?.config_revision;
    let Some(kept) = failed.config_revision else { return Ok(None) };
    if live == Some(kept) || environment.config_revision != Some(kept) {
        return Ok(None);
    }
    let kept = store.config_revision(kept).await?;
    let live = match live {
        Some(id) => store.config_revision(id).await?.number,
        None => 0,
    };
    Ok(Some(text::config_is_kept(&environment, &kept, live)))
}

/// Moves the branch to the commit that now serves. The commit was checked to follow on the branch's tip when
/// its run started, and runs of one branch go one after the other.
async fn land(step: &Step, environment: &Environment, manifest: &Manifest) -> Result<(), Problem> {
    let Some(change) = &step.change else { return Ok(()) };
    if manifest.push.until.as_ref().is_some_and(|until| *until != environment.name) {
        return Ok(());
    }
    if let Landing::Stale(message) = landing::advance(&step.control, &step.app, change).await? {
        return Err(Problem::failed("stale", message).hint(text::STALE_HINT));
    }
    let deploy_branch = manifest.push.branch.clone();
    let deploy_branch = deploy_branch.unwrap_or_else(|| step.app.default_branch.clone());
    Ok(step.control.inner.store.land_change(change.id, deploy_branch).await?)
}

async fn announce(
    step: &Step,
    environment: &Environment,
    release: &Release,
    config: Option<ConfigRevisionId>,
) -> Result<(), Problem> {
    let config = match config {
        Some(id) => Some(step.control.inner.store.config_revision(id).await?),
        None => None,
    };
    let pair = text::pair(release, config.as_ref(), environment);
    let title = format!("Deployed {} {pair} to {}", step.app.name, environment.name);
    step.transcript.conclusion(&title);
    if let Some(url) = environments::url(&step.control.inner.settings, environment) {
        step.transcript.line(&url);
    }
    Ok(())
}
