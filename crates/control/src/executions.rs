use deploy::{Exit, Output};
use store::Instance;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use types::{AppName, EnvironmentName, InstanceId, InstanceState};

use crate::reconcile::Specification;
use crate::{Control, Error};

impl Control {
    /// Runs a command in a box like those of the environment's instances: same release, same config. It ends when `cancel` fires
    /// or nobody takes its output any more.
    pub async fn exec(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        command: Vec<String>,
        output: mpsc::Sender<Output>,
        cancel: CancellationToken,
    ) -> Result<Exit, Error> {
        if command.is_empty() {
            return Err(Error::Invalid {
                code: "no_command",
                message: "there is no command to run".to_owned(),
                hint: Some(format!("put it behind two hyphens: solum exec {app} -- ls")),
            });
        }
        self.ready_app(app).await?;
        let found = self.find_environment(app, environment).await?;
        let (deployment, ..) = self.current(&found).await?.ok_or_else(|| {
            Error::NothingDeployed { app: app.clone(), environment: environment.clone() }
        })?;
        let instance = Instance {
            id: InstanceId::generate(&*self.inner.clock),
            deployment: deployment.id,
            process: "exec".parse().expect("a valid name"),
            ordinal: 1,
            state: InstanceState::Starting,
            address: None,
            drain_until: None,
            down: None,
            created_at: self.inner.clock.now(),
        };
        let specification = Specification::load(self, deployment).await?;
        // The command may be the one that clears a full disk, and what starts it takes some room itself.
        self.inner.store.make_room().await;
        let spec = specification.command(&instance, String::new());
        self.inner.driver.exec(&spec, command, output, cancel).await.map_err(Error::Exec)
    }
}
