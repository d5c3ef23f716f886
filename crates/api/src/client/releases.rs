use types::AppName;

use super::request::Call;
use super::{Client, Error};
use crate::paths;
use crate::releases::{Release, ReleaseVersion};

impl Client {
    /// Newest first.
    pub fn releases(&self, app: &AppName) -> Result<Vec<Release>, Error> {
        self.list(&paths::releases(app), &[], None)
    }

    pub fn release(&self, app: &AppName, version: ReleaseVersion) -> Result<Release, Error> {
        self.fetch(&Call::get(&paths::release(app, version)))
    }
}
