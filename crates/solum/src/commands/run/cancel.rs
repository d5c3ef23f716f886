use clap::Args;
use types::RunId;

use crate::cli::arguments::JsonOption;
use crate::cli::session::Session;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct Cancel {
    run: RunId,
    #[command(flatten)]
    json: JsonOption,
}

impl Cancel {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let run = session.client()?.cancel_run(self.run)?;
        if self.json.json {
            return output::print_json(&run);
        }
        output::say(&format!("Run {} is {}.", run.id, run.status));
        Ok(())
    }
}
