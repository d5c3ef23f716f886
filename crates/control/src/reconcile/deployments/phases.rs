//! The work of each state of a deployment. Every phase can be interrupted anywhere and done again.

use deploy::{LogStart, Observation};
use store::{Deployment, DeploymentError, Instance, Topic};
use tokio::task::JoinSet;
use types::{DeploymentState, FailedPhase, InstanceState, ProcessType, Strategy, Transcript as _};

use super::Specification;
use crate::error::chain;
use crate::reconcile::bring_up::{bring_up, lay_out};
use crate::reconcile::routes;
use crate::reconcile::specification::{FIRST_DEPLOY, RELEASE};
use crate::transcripts::RunTranscript;
use crate::{Control, Error};

/// The app's last lines that are shown when it did not come up.
const LAST_LINES: usize = 20;

pub(super) struct Driver<'c> {
    control: &'c Control,
    specification: Specification,
    transcript: RunTranscript,
}

/// What came of a command that runs once.
enum Once {
    Ended(deploy::Exit),
    NotStarted(String),
    Cancelled,
}

/// A phase that cannot succeed; the deployment is given up with this message.
struct GivenUp {
    phase: FailedPhase,
    message: String,
}

impl<'c> Driver<'c> {
    pub(super) fn new(
        control: &'c Control,
        specification: Specification,
        transcript: RunTranscript,
    ) -> Self {
        Self { control, specification, transcript }
    }

    pub(super) fn into_deployment(self) -> Deployment {
        self.specification.deployment
    }

    /// Lays the bundle out on the target.
    pub(super) async fn prepare(&self) -> Result<Deployment, Error> {
        let Specification { bundle, release, environment, .. } = &self.specification;
        self.transcript.step(&format!("Deploying {} to {}", release.label(), environment.name));
        if let Err(why) = lay_out(self.control, &self.specification).await {
            return self.give_up(FailedPhase::Preparing, why).await;
        }
        if bundle.manifest.release.is_some() {
            return self.advance(DeploymentState::Releasing).await;
        }
        self.after_release().await
    }

    async fn after_release(&self) -> Result<Deployment, Error> {
        let recreate = self.specification.strategy() == Strategy::Recreate;
        if recreate && self.specification.environment.current.is_some() {
            let id = self.specification.deployment.id;
            return Ok(self
                .control
                .inner
                .store
                .stop_predecessors(id, self.specification.drain())
                .await?);
        }
        self.advance(DeploymentState::Starting).await
    }

    /// Runs the release command.
    pub(super) async fn release(&self) -> Result<Deployment, Error> {
        let Some(command) = self.specification.bundle.manifest.release.clone() else {
            return self.after_release().await;
        };
        self.transcript.step("Running the release command");
        match self.run_once(RELEASE, &command).await? {
            Once::Ended(exit) if exit.is_success() => self.after_release().await,
            Once::Ended(exit) => {
                let message = format!("the release command {exit}; nothing has moved");
                self.give_up(FailedPhase::Releasing, message).await
            }
            Once::NotStarted(why) => self.give_up(FailedPhase::Releasing, why).await,
            Once::Cancelled => {
                let id = self.specification.deployment.id;
                Ok(self.control.inner.store.abort_deployment(id, None).await?)
            }
        }
    }

    /// Runs a command of the deployment at most once, however often this is called: its instance has its row before it
    /// starts, and the target never starts the same one again.
    async fn run_once(&self, process: &str, command: &str) -> Result<Once, Error> {
        let id = self.specification.deployment.id;
        let process: ProcessType = process.parse().expect("a valid name");
        let store = &self.control.inner.store;
        let instance = &store.ensure_one_off(id, process).await?;
        let spec = self.specification.command(instance, command.to_owned());
        self.transcript.line(&format!("$ {command}"));
        if let Err(error) = self.control.inner.driver.start(&spec).await {
            return Ok(Once::NotStarted(chain(&error)));
        }
        let exit = tokio::select! {
            exit = self.watch(instance) => exit?,
            () = self.cancelled() => return Ok(Once::Cancelled),
        };
        // One that failed is stopped when its deployment is given up, so that this finds it again until then.
        if exit.is_success() && instance.state == InstanceState::Starting {
            store.set_instance_state(instance.id, InstanceState::Stopping).await?;
        }
        Ok(Once::Ended(exit))
    }

    /// Shows what it writes until it has exited.
    async fn watch(&self, instance: &Instance) -> Result<deploy::Exit, Error> {
        let driver = &self.control.inner.driver;
        let logs = driver.logs(instance.id, LogStart::Last(1_000), true).await;
        if let Ok(mut logs) = logs {
            while let Some(line) = logs.next().await.map_err(Error::Logs)? {
                self.transcript.line(&line.text);
            }
        }
        let mut seen = driver.observe(instance.id).await.map_err(Error::Logs)?;
        while !seen.is_final() {
            seen = driver.changed(instance.id, &seen).await.map_err(Error::Logs)?;
        }
        Ok(match seen {
            Observation::Exited { exit, .. } => exit,
            _ => deploy::Exit::Lost,
        })
    }

    /// Waits until nothing of what served before is left.
    pub(super) async fn stop_predecessors(&self) -> Result<Deployment, Error> {
        self.transcript.line("Stopping what served before; requests wait meanwhile");
        let own = self.specification.deployment.id;
        let environment = self.specification.environment.id;
        let store = &self.control.inner.store;
        let mut wake = store.subscribe(Topic::Instances);
        loop {
            let instances = store.instances_in(environment).await?;
            if instances.iter().all(|instance| instance.deployment == own) {
                return self.advance(DeploymentState::Starting).await;
            }
            wake.changed().await;
        }
    }

    /// Starts what is to serve, and waits until all of it answers.
    pub(super) async fn start(&self) -> Result<Deployment, Error> {
        let id = self.specification.deployment.id;
        let store = &self.control.inner.store;
        let started = tokio::select! {
            started = self.start_all() => started?,
            () = self.cancelled() => return Ok(store.abort_deployment(id, None).await?),
        };
        match started {
            Ok(()) => Ok(store.switch_to_deployment(id, self.specification.drain()).await?),
            Err(given_up) => self.give_up(given_up.phase, given_up.message).await,
        }
    }

    async fn start_all(&self) -> Result<Result<(), GivenUp>, Error> {
        let mut pending = JoinSet::new();
        for (process, count) in self.specification.counts() {
            let instances = self
                .control
                .inner
                .store
                .ensure_instances(self.specification.deployment.id, process.clone(), count)
                .await?;
            if count > 0 {
                let copies =
                    if count == 1 { String::new() } else { format!(" ({count} instances)") };
                self.transcript.line(&format!("Starting {process}{copies}"));
            }
            for instance in instances {
                let (control, specification) = (self.control.clone(), self.specification.clone());
                pending.spawn(async move {
                    let brought_up = bring_up(&control, &specification, &instance).await;
                    (instance, brought_up)
                });
            }
        }
        while let Some(joined) = pending.join_next().await {
            let Ok((instance, brought_up)) = joined else {
                return Ok(Err(GivenUp {
                    phase: FailedPhase::Starting,
                    message: "starting an instance broke off because of a mistake in Solum"
                        .to_owned(),
                }));
            };
            let name = format!("{}.{}", instance.process, instance.ordinal);
            match brought_up? {
                Ok(how) => self.transcript.line(&format!("{name} is up: {how}")),
                Err(why) => {
                    self.show_last_lines(&instance, &name).await;
                    let message = format!("{name} did not come up: {why}");
                    return Ok(Err(GivenUp { phase: FailedPhase::Starting, message }));
                }
            }
        }
        Ok(Ok(()))
    }

    async fn show_last_lines(&self, instance: &Instance, name: &str) {
        let driver = &self.control.inner.driver;
        let Ok(mut logs) = driver.logs(instance.id, LogStart::Last(LAST_LINES), false).await else {
            return;
        };
        self.transcript.step(&format!("The last lines of {name}"));
        let mut any = false;
        while let Ok(Some(line)) = logs.next().await {
            any = true;
            self.transcript.line(&line.text);
        }
        if !any {
            self.transcript.line("(it wrote nothing)");
        }
    }

    /// Tells the router. From here on there is only forward: traffic may have moved.
    pub(super) async fn switch(&self) -> Result<Deployment, Error> {
        routes::sync(self.control).await.map_err(|error| Error::Io {
            doing: "tell the router where the app is now",
            source: std::io::Error::other(chain(&error)),
        })?;
        self.after_first_deploy().await?;
        self.advance(DeploymentState::Succeeded).await
    }

    /// What the app wants done once in a new environment. It serves already, so that a failure is only told.
    async fn after_first_deploy(&self) -> Result<(), Error> {
        let command = self.specification.bundle.manifest.after_first_deploy.as_ref();
        let (Some(command), None) = (command, self.specification.deployment.previous) else {
            return Ok(());
        };
        self.transcript.step("Running the command for the first deployment");
        match self.run_once(FIRST_DEPLOY, command).await? {
            Once::Ended(exit) if exit.is_success() => {}
            Once::Ended(exit) => self.transcript.warning(&format!("the command {exit}")),
            Once::NotStarted(why) => self.transcript.warning(&why),
            Once::Cancelled => self.transcript.warning("the command was cancelled"),
        }
        Ok(())
    }

    /// Takes away what was started; then says how it ended.
    pub(super) async fn abort(&self) -> Result<Deployment, Error> {
        let deployment = &self.specification.deployment;
        let store = &self.control.inner.store;
        let mut wake = store.subscribe(Topic::Instances);
        while !store.instances_of(deployment.id).await?.is_empty() {
            wake.changed().await;
        }
        let end = match deployment.error {
            Some(_) => DeploymentState::Failed,
            None => DeploymentState::Cancelled,
        };
        self.advance(end).await
    }

    async fn advance(&self, to: DeploymentState) -> Result<Deployment, Error> {
        let id = self.specification.deployment.id;
        let hold = to == DeploymentState::Starting
            && self.specification.deployment.state == DeploymentState::Stopping;
        Ok(self.control.inner.store.advance_deployment(id, to, hold).await?)
    }

    async fn give_up(&self, phase: FailedPhase, message: String) -> Result<Deployment, Error> {
        let error = DeploymentError { phase, message };
        let id = self.specification.deployment.id;
        Ok(self.control.inner.store.abort_deployment(id, Some(error)).await?)
    }

    async fn cancelled(&self) {
        let deployment = &self.specification.deployment;
        let stop = self.control.inner.cancellations.of(deployment.run, &deployment.step);
        stop.cancelled().await;
    }
}
