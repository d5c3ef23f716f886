use types::{AppName, EnvironmentName};

use super::request::Call;
use super::{Client, Error};
use crate::configs::{ChangeConfig, Config, ConfigChanged};
use crate::deployments::{Deploy, RollBack};
use crate::environments::{Environment, EnvironmentDetail, Scale, Scaled};
use crate::instances::Instance;
use crate::paths;
use crate::promotions::Promote;
use crate::runs::Run;

impl Client {
    /// In the order in which a change goes through them.
    pub fn environments(&self, app: &AppName) -> Result<Vec<Environment>, Error> {
        self.list(&paths::environments(app), &[], None)
    }

    pub fn environment(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
    ) -> Result<EnvironmentDetail, Error> {
        self.fetch(&Call::get(&paths::environment(app, environment)))
    }

    pub fn config(&self, app: &AppName, environment: &EnvironmentName) -> Result<Config, Error> {
        self.fetch(&Call::get(&paths::config(app, environment)))
    }

    pub fn change_config(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        change: &ChangeConfig,
    ) -> Result<ConfigChanged, Error> {
        self.submit(&Call::patch(&paths::config(app, environment)), change)
    }

    pub fn deploy(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        what: &Deploy,
    ) -> Result<Run, Error> {
        self.submit(&Call::post(&paths::deployments(app, environment)), what)
    }

    pub fn roll_back(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        to: &RollBack,
    ) -> Result<Run, Error> {
        self.submit(&Call::post(&paths::rollback(app, environment)), to)
    }

    pub fn promote(&self, app: &AppName, what: &Promote) -> Result<Run, Error> {
        self.submit(&Call::post(&paths::promotions(app)), what)
    }

    pub fn scale(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        scale: &Scale,
    ) -> Result<Scaled, Error> {
        self.submit(&Call::put(&paths::scale(app, environment)), scale)
    }

    /// Of one environment, or of all.
    pub fn instances(
        &self,
        app: &AppName,
        environment: Option<&EnvironmentName>,
    ) -> Result<Vec<Instance>, Error> {
        let environment = environment.map(ToString::to_string);
        self.list(&paths::instances(app), &[("environment", environment)], None)
    }
}
