//! `solum/deploy`, `solum/promote` and `solum/rollback`: bring a release into an environment, and land the change that asked
//! for it.
//!
//! The deployment itself is a row that a reconciler drives; this step asks for it under the key (run, step) and
//! waits. Then, if a push started the run, the branch is moved: by compare-and-swap, so that doing it again finds it done.

mod target;

use std::collections::BTreeMap;

use rand::Rng as _;
use rand::distr::Alphanumeric;
use store::{ConfigChange, Deployment, Environment, NewDeployment, Release, Topic};
use types::{Actor, ConfigRevisionId, DeploymentState, Manifest, Transcript as _};

use super::{Problem, Step};
use crate::landing::{self, Landing};
use crate::workflows::verb;
use crate::{environments, text};
use target::Target;

/// The characters of a value that app.json asks to have generated.
const GENERATED_LENGTH: usize = 64;

pub(super) async fn perform(step: &Step) -> Result<BTreeMap<String, String>, Problem> {
    let target = Target::of(step).await?;
    let environment = target.environment(step).await?;
    let release = target.release(step).await?;
    let rolls_back = step.task.uses == verb::ROLLBACK;
    if !rolls_back {
        check_newest(step, &environment, &release).await?;
    }
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

/// What a push brings by itself does not take the place of something newer, as when approvals come in another order. What a
/// person asks for does.
async fn check_newest(
    step: &Step,
    environment: &Environment,
    release: &Release,
) -> Result<(), Problem> {
    let store = &step.control.inner.store;
    let asked = store.deployment_of_step(step.run.id, step.deployment_key()).await?;
    let (None, Some(_), Some(current)) = (asked, &step.change, environment.current) else {
        return Ok(());
    };
    let serving = store.release_by_id(store.deployment(current).await?.release).await?;
    if serving.number <= release.number {
        return Ok(());
    }
    let (app, name, older) = (&step.app.name, &environment.name, release.label());
    let message = format!("{name} serves {} already, which is newer than {older}", serving.label());
    let hint =
        format!("if {older} is wanted there: solum deploy {app} --env {name} --release {older}");
    Err(Problem::failed("superseded", message).hint(hint))
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
    for line in step.control.declare_environments(&step.app, manifest).await? {
        step.transcript.warning(&line);
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
