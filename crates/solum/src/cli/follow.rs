//! Stays with a run until it ends.

use api::client::{Client, RunEvent};
use api::runs::Run;
use types::{RunId, RunStatus};

use super::failure::Failure;
use super::{Outcome, output};

/// Gives every line of the transcript to `line`, and answers the run as it ended.
pub(crate) fn follow(
    client: &Client,
    id: RunId,
    mut line: impl FnMut(&str) -> Outcome,
) -> Result<Run, Failure> {
    let later = format!("`solum run watch {id}` goes on watching");
    let mut feed = client.watch_run(id).map_err(|error| Failure::from(error).hint(&later))?;
    loop {
        match feed.next_event().map_err(|error| Failure::from(error).hint(&later))? {
            RunEvent::Log(text) => line(&text)?,
            RunEvent::State(_) => {}
            RunEvent::End(run) => return Ok(*run),
        }
    }
}

/// Follows a run that a command started: the transcript is talk.
pub(crate) fn finish(client: &Client, id: RunId) -> Result<Run, Failure> {
    if output::is_watched() {
        output::say(&format!(
            "Run {id}. It goes on without you: Ctrl-C leaves it, `solum run watch {id}` comes back."
        ));
    }
    let run = follow(client, id, |line| {
        output::say(line);
        Ok(())
    })?;
    check(&run)?;
    Ok(run)
}

/// A run that did not succeed is a failure of the command that waited for it.
pub(crate) fn check(run: &Run) -> Outcome {
    let id = run.id;
    let reason = run.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    match run.status {
        RunStatus::Succeeded => Ok(()),
        RunStatus::Cancelled => Err(Failure::failed(format!("run {id} was cancelled{reason}"))),
        _ => Err(Failure::failed(format!("run {id} {}{reason}", run.status))
            .hint(format!("`solum run show {id}` tells which step failed"))),
    }
}
