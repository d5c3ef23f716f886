use clap::Args;

use super::RunArgument;
use crate::cli::session::Session;
use crate::cli::{Outcome, follow, output};

#[derive(Debug, Args)]
pub(crate) struct Watch {
    #[command(flatten)]
    run: RunArgument,
}

impl Watch {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let client = session.client()?;
        let id = self.run.find(session, &client)?;
        let run = follow::follow(&client, id, |line| output::print(&format!("{line}\n")))?;
        output::say(&format!("Run {id} {}", run.run.status));
        follow::check(&run)
    }
}
