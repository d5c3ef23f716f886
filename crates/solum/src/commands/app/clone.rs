//! `solum app clone`: a work tree for somebody who has none, connected as `solum app create` connects one.

use std::path::PathBuf;

use clap::Args;
use types::AppName;

use super::repository;
use crate::cli::Outcome;
use crate::cli::checkout;
use crate::cli::failure::Failure;
use crate::cli::session::Session;

#[derive(Debug, Args)]
pub(crate) struct Clone {
    /// The app whose repository to clone
    #[arg(value_name = "APP")]
    app: AppName,
    /// Where to; else a new directory with the app's name
    #[arg(value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

impl Clone {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let client = session.client()?;
        let app = client.app(&self.app)?;
        let url = repository(&client, &app).ok_or_else(|| {
            Failure::failed(format!("{} has no repository yet", app.name))
                .hint(format!("`solum app show {}` tells when it has", app.name))
        })?;
        let directory = self.directory.unwrap_or_else(|| app.name.as_str().into());
        checkout::clone(client.server(), &url, &directory)
    }
}
