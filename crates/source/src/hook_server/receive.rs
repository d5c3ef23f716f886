use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::connection::Connection;
use super::{Context, GRACE};
use crate::hook::protocol::Reply;
use crate::push::talk::{Lines, PushTalk};
use crate::push::{Received, RefOutcome, RefUpdate};
use crate::pushes::Push;

/// How often the hook is told that the server is there, while it has nothing else to say.
const ALIVE_PERIOD: Duration = Duration::from_secs(15);

impl Context {
    pub(super) async fn receive(
        &self,
        mut connection: Connection,
        push: Arc<Push>,
        updates: Vec<RefUpdate>,
        options: Vec<String>,
        atomic: bool,
    ) -> io::Result<()> {
        let Some(updates) = updates.iter().map(|update| push.found(update)).collect() else {
            return connection.reject("error: this push was never admitted").await;
        };
        let (app, actor) = (push.app.clone(), push.actor.clone());
        let received = Received { app, actor, updates, options, atomic };
        let (talk, mut lines) = PushTalk::new(push.client_gone.clone());
        let handler = Arc::clone(&self.handler);
        let mut work = self.tracker.spawn(async move { handler.receive(received, talk).await });
        let told = tell(&mut connection, &mut lines, &mut work);
        let outcome = tokio::select! {
            told = told => told,
            () = self.end_of_grace() => {
                work.abort();
                return Err(io::Error::other("the server ended before its outcome was known"));
            }
        };
        match outcome {
            Ok(outcomes) => {
                let outcomes = if atomic { all_or_none(outcomes) } else { outcomes };
                connection.send(&Reply::Decided(outcomes)).await
            }
            Err(error) => {
                push.client_gone.cancel();
                Err(error)
            }
        }
    }

    async fn end_of_grace(&self) {
        self.cancel.cancelled().await;
        tokio::time::sleep(GRACE).await;
    }
}

/// Passes on what the handler says until it is done.
async fn tell(
    connection: &mut Connection,
    lines: &mut Lines,
    work: &mut JoinHandle<Vec<RefOutcome>>,
) -> io::Result<Vec<RefOutcome>> {
    let mut alive = tokio::time::interval(ALIVE_PERIOD);
    loop {
        let reply = tokio::select! {
            biased;
            Some(line) = lines.next() => Reply::Line(line),
            outcome = &mut *work => {
                while let Some(line) = lines.rest() {
                    connection.send(&Reply::Line(line)).await?;
                }
                return outcome.map_err(io::Error::other);
            }
            _ = alive.tick() => Reply::Alive,
            () = connection.gone() => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        connection.send(&reply).await?;
    }
}

/// Git moves the refs of an atomic push only if it is told that every one may move.
fn all_or_none(outcomes: Vec<RefOutcome>) -> Vec<RefOutcome> {
    if !outcomes.iter().any(|outcome| matches!(outcome, RefOutcome::Refused(_))) {
        return outcomes;
    }
    let other = || RefOutcome::Refused("another ref of this atomic push was refused".to_owned());
    let refuse = |outcome| if outcome == RefOutcome::Accept { other() } else { outcome };
    outcomes.into_iter().map(refuse).collect()
}
