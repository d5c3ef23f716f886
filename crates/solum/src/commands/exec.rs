use std::io::Write as _;

use api::exec::{Exec as Request, ExecExit, ExecOutput};
use api::logs::Stream;
use clap::Args;

use crate::cli::arguments::{AppArgument, EnvironmentOption};
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct Exec {
    #[command(flatten)]
    app: AppArgument,
    #[command(flatten)]
    environment: EnvironmentOption,
    /// The command and its arguments, after `--`
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<String>,
}

impl Exec {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let app = session.app(self.app.app)?;
        let client = session.client()?;
        let environment = session.environment(&client, &app, self.environment.environment)?;
        let request = Request { command: self.command };
        let exit = client.exec(&app, &environment, &request)?.run_to_end(pass_on)?;
        check(exit)
    }
}

fn pass_on(chunk: ExecOutput) -> Outcome {
    let bytes = chunk
        .bytes()
        .map_err(|error| Failure::because("the command's output cannot be read", &error))?;
    match chunk.stream {
        Stream::Stdout => output::write(&bytes),
        Stream::Stderr => {
            let _ = std::io::stderr().lock().write_all(&bytes);
            Ok(())
        }
    }
}

fn check(exit: ExecExit) -> Outcome {
    match (exit.code, exit.signal) {
        (Some(0), _) => Ok(()),
        _ if exit.out_of_memory => Err(Failure::failed("the command used more memory than it may")),
        (Some(code), _) => Err(Failure::failed(format!("the command exited with status {code}"))),
        (None, Some(signal)) => {
            Err(Failure::failed(format!("the command was killed by signal {signal}")))
        }
        (None, None) => Err(Failure::failed("nobody knows how the command ended")),
    }
}
