use std::io::{self, IsTerminal as _};
use std::time::Duration;

use api::ErrorCode;
use api::client::{Client, Error, Patience};
use clap::Args;
use types::AppName;

use crate::cli::arguments::DetachOption;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::{Outcome, output};

/// How long an app may take to be gone: its instances get their time to end.
const GONE: Duration = Duration::from_secs(180);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The app; it has to be named, whatever repository this is
    #[arg(value_name = "APP")]
    app: AppName,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    detach: DetachOption,
}

impl Delete {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let client = session.client()?;
        // Who runs this in a script has thought about it.
        if !self.yes && io::stdin().is_terminal() {
            client.app(&self.app)?;
            confirm(&self.app)?;
        }
        client.delete_app(&self.app)?;
        if !self.detach.detach {
            wait_until_gone(&client, &self.app)?;
        }
        output::say(&format!(
            "{} is {}.",
            self.app,
            if self.detach.detach { "going" } else { "gone" }
        ));
        Ok(())
    }
}

fn confirm(app: &AppName) -> Outcome {
    output::say(&format!(
        "This stops {app} and removes its repository, its releases and its data. Type its name to go on:"
    ));
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line);
    if read.is_ok() && line.trim() == app.as_str() {
        Ok(())
    } else {
        Err(Failure::failed(format!("{app} was not deleted")))
    }
}

fn wait_until_gone(client: &Client, app: &AppName) -> Outcome {
    let mut patience = Patience::new(GONE, LONGEST_PAUSE);
    loop {
        match client.app(app) {
            Err(Error::Problem(problem))
                if problem.error_code() == Some(ErrorCode::AppNotFound) =>
            {
                return Ok(());
            }
            Err(error) => return Err(error.into()),
            Ok(_) if patience.pause() => {}
            Ok(_) => {
                return Err(Failure::failed(format!("{app} is not gone yet"))
                    .hint(format!("`solum app show {app}` tells when it is")));
            }
        }
    }
}
