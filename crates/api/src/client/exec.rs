use std::io;

use types::{AppName, EnvironmentName};

use super::lines::Lines;
use super::request::Call;
use super::{Client, Error};
use crate::exec::{EXEC_MEDIA_TYPE, Exec, ExecExit, ExecLine, ExecOutput};
use crate::paths;

impl Client {
    /// Runs a command beside an app. Dropping the stream ends the command.
    pub fn exec(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        exec: &Exec,
    ) -> Result<ExecStream<'_>, Error> {
        let path = paths::exec(app, environment);
        let call = Call::post(&path).header("accept", EXEC_MEDIA_TYPE).endless();
        let body = serde_json::to_vec(exec).map_err(|source| self.unreadable(source))?;
        let answer = self.send(&call, Some(&body))?;
        Ok(ExecStream { client: self, lines: Lines::new(answer.into_body()) })
    }
}

#[derive(Debug)]
pub struct ExecStream<'a> {
    client: &'a Client,
    lines: Lines,
}

impl ExecStream<'_> {
    /// Gives what the command writes to `output`, and answers how it ended.
    pub fn run_to_end<E: From<Error>>(
        mut self,
        mut output: impl FnMut(ExecOutput) -> Result<(), E>,
    ) -> Result<ExecExit, E> {
        loop {
            let line =
                self.lines.next().and_then(|line| line.ok_or(io::ErrorKind::UnexpectedEof.into()));
            let line = line.map_err(|error| self.client.lost(error))?;
            // An empty line says that the server is still there.
            if line.is_empty() {
                continue;
            }
            match serde_json::from_str(&line).map_err(|source| self.client.unreadable(source))? {
                ExecLine::Output(chunk) => output(chunk)?,
                ExecLine::Exit { exit } => return Ok(exit),
                ExecLine::Problem { problem } => {
                    return Err(Error::Problem(Box::new(problem)).into());
                }
            }
        }
    }
}
