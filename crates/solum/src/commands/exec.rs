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

/// The command's exit status is ours; one that a signal ended has 128 and the signal's number, as in a shell.
fn check(exit: ExecExit) -> Outcome {
    let status = exit.code.or(exit.signal.map(|signal| 128 + signal));
    let status = status.and_then(|status| u8::try_from(status).ok()).unwrap_or(1);
    match (exit.code, exit.signal) {
        (Some(0), _) => Ok(()),
        _ if exit.out_of_memory => {
            Err(Failure::ended("the command used more memory than it may", status.max(1)))
        }
        (Some(code), _) => {
            Err(Failure::ended(format!("the command exited with status {code}"), status))
        }
        (None, Some(signal)) => {
            Err(Failure::ended(format!("the command was killed by signal {signal}"), status))
        }
        (None, None) => Err(Failure::failed("nobody knows how the command ended")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_status_is_the_commands() {
        let status = |exit: serde_json::Value| match check(serde_json::from_value(exit).unwrap()) {
            Ok(()) => 0,
            Err(Failure::Ended(_, status)) => status,
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(status(serde_json::json!({ "code": 0 })), 0);
        assert_eq!(status(serde_json::json!({ "code": 3 })), 3);
        assert_eq!(status(serde_json::json!({ "signal": 9 })), 137);
        assert_eq!(status(serde_json::json!({ "signal": 9, "out_of_memory": true })), 137);
    }
}
