//! Talks to the shim of a step, and starts it.

use std::fs::File;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

use super::protocol::{Answer, Epoch, LONGEST_LINE, Request, VERSION, Wish};
use super::shim::{LONGEST_TOLD, Told};
use super::{StepError, StepKey, Steps};
use crate::StartError;
use crate::process::start::{REPORT_TIMEOUT, failed};
use crate::shim::directory::InstanceDirectory;
use crate::shim::protocol::Report;

/// A shim answers at once; only a machine on its knees takes longer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Asks the shim of a step for something; `false` when nobody is there to be asked.
pub(super) async fn ask(
    key: &StepKey,
    directory: &InstanceDirectory,
    epoch: Epoch,
    wish: Wish,
) -> Result<bool, StepError> {
    let asking = tokio::time::timeout(ANSWER_TIMEOUT, exchange(directory, epoch, wish));
    let Ok(answer) = asking.await else {
        return Err(StepError::Silent { key: key.clone(), after: ANSWER_TIMEOUT });
    };
    match answer.map_err(StepError::io("ask the shim in", directory.path()))? {
        None => Ok(false),
        Some(Answer::Done) => Ok(true),
        Some(Answer::Stale { held }) => {
            Err(StepError::Stale { key: key.clone(), held, shown: epoch })
        }
        Some(Answer::Protocol(theirs)) => {
            Err(StepError::Protocol { key: key.clone(), theirs, ours: VERSION })
        }
    }
}

async fn exchange(
    directory: &InstanceDirectory,
    epoch: Epoch,
    wish: Wish,
) -> io::Result<Option<Answer>> {
    let answer = async {
        let socket = directory.socket()?;
        let mut stream = UnixStream::connect(&socket.path).await?;
        let mut line = serde_json::to_vec(&Request { protocol: VERSION, epoch, wish })?;
        line.push(b'\n');
        stream.write_all(&line).await?;
        let mut answer = Vec::new();
        let reading = BufReader::new(stream).take(LONGEST_LINE as u64);
        std::pin::pin!(reading).read_until(b'\n', &mut answer).await?;
        if answer.is_empty() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(serde_json::from_slice(&answer)?)
    };
    let answer: io::Result<Answer> = answer.await;
    match answer {
        Ok(answer) => Ok(Some(answer)),
        // One that ends just now hangs up without a word.
        Err(error) if is_nobody(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_nobody(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, NotFound};
    matches!(error.kind(), NotFound | ConnectionRefused | ConnectionReset | BrokenPipe)
}

impl Steps {
    /// Starts a shim and takes its report; `false` when there was no need for it.
    pub(super) async fn run_shim(
        &self,
        directory: &InstanceDirectory,
        told: &Told,
    ) -> Result<bool, StartError> {
        let told = serde_json::to_vec(told)
            .map_err(io::Error::from)
            .map_err(StartError::io("describe the step in", directory.path()))?;
        if told.len() as u64 >= LONGEST_TOLD {
            let (bytes, limit) = (told.len(), LONGEST_TOLD);
            let reason = format!("its description takes {bytes} bytes, more than {limit}");
            return Err(StartError::Refused(reason));
        }
        let complaints = File::create(directory.complaints())
            .map_err(StartError::io("write", &directory.complaints()))?;
        let mut shim = tokio::process::Command::new(&self.solum)
            .args(["shim", "--step"])
            .arg(directory.path())
            .current_dir("/")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(complaints)
            .spawn()
            .map_err(StartError::io("run", &self.solum))?;
        let (stdin, stdout) = (shim.stdin.take(), shim.stdout.take());
        let talk = async {
            if let Some(mut stdin) = stdin {
                // It may have refused before it has read everything; its report says why.
                let _ = stdin.write_all(&told).await;
            }
            let mut said = Vec::new();
            if let Some(stdout) = stdout {
                let reading = stdout.take(LONGEST_LINE as u64);
                std::pin::pin!(reading).read_to_end(&mut said).await?;
            }
            Ok::<_, io::Error>(said)
        };
        let said = match tokio::time::timeout(REPORT_TIMEOUT, talk).await {
            Ok(said) => said.map_err(StartError::io("run", &self.solum))?,
            Err(_) => return Err(StartError::Silent(REPORT_TIMEOUT)),
        };
        match serde_json::from_slice(&said) {
            Ok(Report::Started { .. }) => Ok(true),
            Ok(Report::Superfluous) => Ok(false),
            Ok(Report::Refused(reason)) => Err(StartError::Refused(reason)),
            Err(_) => Err(StartError::Refused(failed(directory))),
        }
    }
}
