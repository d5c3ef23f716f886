use types::AppName;

use super::request::Call;
use super::{Client, Error};
use crate::apps::{App, CreateApp};
use crate::paths;

impl Client {
    /// Has an app made; it is ready once [`Client::app`] says so.
    pub fn create_app(&self, app: &CreateApp) -> Result<App, Error> {
        self.submit(&Call::post(paths::APPS), app)
    }

    pub fn apps(&self) -> Result<Vec<App>, Error> {
        self.list(paths::APPS, &[], None)
    }

    pub fn app(&self, name: &AppName) -> Result<App, Error> {
        self.fetch(&Call::get(&paths::app(name)))
    }

    /// Has an app removed with all it runs; it is gone once [`Client::app`] does not find it.
    pub fn delete_app(&self, name: &AppName) -> Result<App, Error> {
        self.fetch(&Call::delete(&paths::app(name)))
    }
}
