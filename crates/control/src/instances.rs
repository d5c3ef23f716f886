use deploy::Observation;
use store::{Instance, Release, Setback};
use types::{AppName, EnvironmentName};

use crate::{Control, Error};

/// One running copy of a process, as its row and its target have it.
#[derive(Debug, Clone)]
pub struct InstanceView {
    pub environment: EnvironmentName,
    pub instance: Instance,
    pub release: Release,
    pub seen: Observation,
    /// Set for the last one of a place that is empty after a failure.
    pub setback: Option<Setback>,
}

impl Control {
    /// What runs of an app, in one environment or in all.
    pub async fn instances(
        &self,
        app: &AppName,
        environment: Option<&EnvironmentName>,
    ) -> Result<Vec<InstanceView>, Error> {
        let environments = match environment {
            Some(name) => vec![self.find_environment(app, name).await?],
            None => self.inner.store.environments(self.app(app).await?.id).await?,
        };
        let store = &self.inner.store;
        let mut views = Vec::new();
        for environment in environments {
            for instance in store.instances_in(environment.id).await? {
                let deployment = store.deployment(instance.deployment).await?;
                let release = store.release_by_id(deployment.release).await?;
                let seen = self.inner.driver.observe(instance.id).await.map_err(Error::Logs)?;
                let environment = environment.name.clone();
                views.push(InstanceView { environment, instance, release, seen, setback: None });
            }
            let Some(current) = environment.current else { continue };
            let release = store.release_by_id(store.deployment(current).await?.release).await?;
            for setback in store.setbacks_of(current).await? {
                let Some(instance) = store.find_instance(setback.instance).await? else { continue };
                views.retain(|view| view.instance.id != instance.id);
                let seen = self.inner.driver.observe(instance.id).await.map_err(Error::Logs)?;
                views.push(InstanceView {
                    environment: environment.name.clone(),
                    instance,
                    release: release.clone(),
                    seen,
                    setback: Some(setback),
                });
            }
        }
        Ok(views)
    }
}
