use types::AppName;

use super::request::Call;
use super::{Client, Error};
use crate::paths;
use crate::runs::Run;
use crate::workflows::{Dispatch, Workflow};

impl Client {
    /// The workflow files of a branch or a tag, else of the deploy branch, by name.
    pub fn workflows(
        &self,
        app: &AppName,
        reference: Option<&str>,
    ) -> Result<Vec<Workflow>, Error> {
        self.list(&paths::workflows(app), &[("ref", reference.map(ToOwned::to_owned))], None)
    }

    /// Starts a workflow by hand; `file` is its name.
    pub fn dispatch_workflow(
        &self,
        app: &AppName,
        file: &str,
        request: &Dispatch,
    ) -> Result<Run, Error> {
        self.submit(&Call::post(&paths::workflow_dispatches(app, file)), request)
    }
}
