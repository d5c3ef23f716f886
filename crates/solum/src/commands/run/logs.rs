use clap::Args;

use super::RunArgument;
use crate::cli::session::Session;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct Logs {
    #[command(flatten)]
    run: RunArgument,
}

impl Logs {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let client = session.client()?;
        output::print(&client.run_log(self.run.find(session, &client)?)?)
    }
}
