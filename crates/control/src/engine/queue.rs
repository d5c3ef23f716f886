//! Starts the run at the head of each queue, once what it stands on has been checked again.

use store::{Change, QueueHead, Topic, TransitionError};
use workflow::{Failure, Input};

use crate::error::chain;
use crate::{Control, Error, text};

pub(crate) async fn run(control: Control) {
    let mut wake = control.inner.store.subscribe(Topic::Runs);
    loop {
        let retry = match start_heads(&control).await {
            Ok(()) => false,
            Err(error) => {
                tracing::error!(error = %chain(&error), "queued runs could not be started");
                true
            }
        };
        tokio::select! {
            () = wake.changed() => {}
            going_on = super::pause(&control), if retry => if !going_on { return },
            () = control.inner.stop.cancelled() => return,
        }
    }
}

async fn start_heads(control: &Control) -> Result<(), Error> {
    for head in control.inner.store.queue_heads().await? {
        start(control, &head).await?;
    }
    Ok(())
}

async fn start(control: &Control, head: &QueueHead) -> Result<(), Error> {
    let change = control.inner.store.change_of_run(head.run).await?;
    let stale = match &change {
        Some(change) => staleness(control, change).await?,
        None => None,
    };
    let input = match stale {
        Some(message) => {
            let transcript = control.inner.transcripts.of(head.run);
            transcript.write(&text::warning(&message));
            transcript.write(&text::warning(text::STALE_HINT));
            let hint = Some(text::STALE_HINT.to_owned());
            let failure = Failure { code: "stale".to_owned(), message, hint, retryable: false };
            Input::Refuse { failure }
        }
        None => Input::Start,
    };
    match control.inner.store.transition(head.run, input).await {
        // Somebody cancelled it in between.
        Ok(_) | Err(TransitionError::Refused(_)) => Ok(()),
        Err(TransitionError::Store(error)) => Err(error.into()),
    }
}

/// Why the change can no longer become the branch's next state, if it cannot.
async fn staleness(control: &Control, change: &Change) -> Result<Option<String>, Error> {
    let app = control.inner.store.app_by_id(change.app).await?;
    let repositories = &control.inner.repositories;
    let Some(tip) = repositories.tip(&app.name, &change.branch).await? else {
        let was_there = change.base.is_some();
        return Ok(was_there.then(|| text::stale(&change.branch, None)));
    };
    let follows =
        tip == change.commit || repositories.is_ancestor(&app.name, &tip, &change.commit).await?;
    Ok((!follows).then(|| text::stale(&change.branch, Some(&tip))))
}
