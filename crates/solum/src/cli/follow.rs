//! Stays with a run until it ends.

use api::client::{Client, RunEvent};
use api::runs::RunDetail;
use types::{RunId, RunStatus};

use super::failure::Failure;
use super::{Outcome, output};

/// Gives every line of the transcript to `line`, and answers the run as it ended.
pub(crate) fn follow(
    client: &Client,
    id: RunId,
    mut line: impl FnMut(&str) -> Outcome,
) -> Result<RunDetail, Failure> {
    let later = format!("`solum run watch {id}` goes on watching");
    let mut feed = client.watch_run(id).map_err(|error| Failure::from(error).hint(&later))?;
    loop {
        match feed.next_event().map_err(|error| Failure::from(error).hint(&later))? {
            RunEvent::Log(text) => text.split('\n').try_for_each(&mut line)?,
            RunEvent::State(_) | RunEvent::Jobs(_) => {}
            RunEvent::End(run) => return Ok(*run),
        }
    }
}

/// Follows a run that a command started: the transcript is talk.
pub(crate) fn finish(client: &Client, id: RunId) -> Result<RunDetail, Failure> {
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
pub(crate) fn check(detail: &RunDetail) -> Outcome {
    let (id, status) = (detail.run.id, detail.run.status);
    match (status, &detail.failure) {
        (RunStatus::Succeeded, _) => Ok(()),
        (RunStatus::Cancelled, _) => {
            let by = detail.cancelled_by.as_deref().map(|name| format!(" by {name}"));
            Err(Failure::failed(format!("run {id} was cancelled{}", by.unwrap_or_default())))
        }
        (_, None) => Err(Failure::failed(format!("run {id} {status}"))
            .hint(format!("`solum run show {id}` tells which step failed"))),
        (_, Some(failure)) => {
            let failed = Failure::failed(format!("run {id} {status}: {}", failure.message));
            Err(match &failure.hint {
                Some(hint) => failed.hint(hint),
                None => failed.hint(format!("`solum run show {id}` tells which step failed")),
            })
        }
    }
}
