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
    /// Do not ask; needed where nobody can be asked
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    detach: DetachOption,
}

impl Delete {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let client = session.client()?;
        if !self.yes {
            client.app(&self.app).map_err(missing)?;
            confirm(&self.app)?;
        }
        client.delete_app(&self.app).map_err(missing)?;
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

/// Who wants an app to be gone is not to be told how to make it.
fn missing(error: Error) -> Failure {
    match error {
        Error::Problem(problem) if problem.error_code() == Some(ErrorCode::AppNotFound) => {
            Failure::failed(problem.detail).hint("`solum app list` shows those that there are")
        }
        error => error.into(),
    }
}

fn confirm(app: &AppName) -> Outcome {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "{app} would lose its repository, its releases and its data, and there is no terminal to ask on"
        ))
        .hint(format!("if that is wanted: solum app delete {app} --yes")));
    }
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
