//! Trying a run again: another run of the same definition with the same context, which goes by what the first one was
//! started with, whatever has been pushed since.
//!
//! A push whose change did not land asks once more to become the branch's next state: it stands in the branch's queue as a
//! change of its own, with all runs of the push that did not succeed, and is refused there as any other if the branch has gone
//! on without it.

use source::Error as SourceError;
use store::{Change, NewPush, NewRun, Run};
use types::{Actor, ChangeId, ChangeState, RunId, Transition as _};
use workflow::{Record, State, carried_over};

use crate::jobs::vault::shown;
use crate::{Control, Error, gates};

impl Control {
    /// Starts another attempt of a run that has ended. With `failed_only` what succeeded, and leans on nothing that did not, is
    /// not done again.
    pub async fn retry_run(
        &self,
        id: RunId,
        failed_only: bool,
        actor: &Actor,
    ) -> Result<Run, Error> {
        let run = self.run(id).await?;
        self.ready_app(&run.app).await?;
        let new = self.again(&run, failed_only, actor).await?;
        let created = match self.inner.store.change_of_run(id).await? {
            Some(change) if change.state != ChangeState::Landed => {
                let mut runs = vec![new];
                for other in self.others_that_failed(&change, id).await? {
                    runs.push(self.again(&other, failed_only, actor).await?);
                }
                self.push_again(change, runs, actor).await?
            }
            _ => self.inner.store.create_run(new).await,
        };
        created.map_err(|error| match error {
            store::Error::Retried { by } => retried(id, by),
            other => other.into(),
        })
    }

    /// The next attempt of a run.
    async fn again(&self, run: &Run, failed_only: bool, actor: &Actor) -> Result<NewRun, Error> {
        let state = self.inner.store.run_state(run.id).await?;
        check(run, &state, failed_only)?;
        let carried_over = if failed_only { carried_over(&state) } else { Vec::new() };
        if carried_over.iter().any(holds_sealed) {
            return Err(sealed(run.id));
        }
        let attempt = run.attempt + 1;
        let mut definition = state.definition().clone();
        if !state.context().event_name().is_some_and(|event| gates::are_open_to(&event)) {
            gates::place(&mut definition, &self.asked(run.app_id).await?);
        }
        Ok(NewRun {
            id: RunId::generate(&*self.inner.clock),
            app: run.app_id,
            definition,
            context: state.context().for_attempt(attempt, actor),
            carried_over,
            attempt,
            retry_of: Some(run.id),
            queue: run.queue.clone(),
            commit: run.commit.clone(),
            title: run.title.clone(),
            actor: actor.clone(),
        })
    }

    /// The change does not land before they succeed as well.
    async fn others_that_failed(&self, change: &Change, run: RunId) -> Result<Vec<Run>, Error> {
        let runs = self.inner.store.runs_of_change(change.id).await?;
        let others = runs.into_iter().filter(|other| other.id != run);
        Ok(others.filter(|other| other.status != types::RunStatus::Succeeded).collect())
    }

    /// Gives the first of the runs. The outer error is about the commit, the inner one about the run.
    async fn push_again(
        &self,
        change: Change,
        runs: Vec<NewRun>,
        actor: &Actor,
    ) -> Result<Result<Run, store::Error>, Error> {
        let inner = &self.inner;
        let app = inner.store.app_by_id(change.app).await?;
        let id = ChangeId::generate(&*inner.clock);
        let _pinned = inner.pushes_under_way.begin(id);
        let pinned = async {
            inner.repositories.commit(&app.name, &change.commit).await?;
            inner.repositories.pin(&app.name, id, &change.commit).await
        };
        pinned.await.map_err(|error| match error {
            SourceError::NoCommit { .. } => commit_gone(&change),
            other => other.into(),
        })?;
        let push = NewPush {
            change: id,
            app: app.id,
            branch: change.branch,
            base: change.base,
            commit: change.commit,
            subject: change.subject,
            actor: actor.clone(),
            runs,
        };
        let recorded = inner.store.record_push(push).await;
        let missing = || store::Error::NotFound { what: "run".to_owned() };
        Ok(recorded.and_then(|(_, runs)| runs.into_iter().next().ok_or_else(missing)))
    }
}

fn check(run: &Run, state: &State, failed_only: bool) -> Result<(), Error> {
    let id = run.id;
    if !run.status.is_terminal() {
        let message = format!("run {id} has not ended: it is {}", run.status);
        let hint =
            format!("`solum run watch {id}` waits for its end, `solum run cancel {id}` ends it");
        return Err(invalid("run_not_ended", message, hint));
    }
    if state.definition().jobs.is_empty() {
        let message =
            format!("what run {id} did is not known any more: it is from before an upgrade");
        return Err(invalid("nothing_to_retry", message, "push again instead".to_owned()));
    }
    if failed_only && run.status == types::RunStatus::Succeeded {
        let message = format!("nothing of run {id} failed");
        let hint = format!("`solum run retry {id}` does all of it again");
        return Err(invalid("nothing_to_retry", message, hint));
    }
    Ok(())
}

/// Whether a job handed on what the journal must not hold: that was forgotten when the run ended.
fn holds_sealed(record: &Record) -> bool {
    let Record::Reused(reused) = record else { return false };
    reused.outputs.values().any(|output| shown(output) != output.as_str())
}

fn sealed(id: RunId) -> Error {
    let message = format!(
        "a job of run {id} that succeeded has handed on a secret, which is not kept beyond the end of a run"
    );
    invalid("nothing_to_retry", message, format!("`solum run retry {id}` does all of it again"))
}

fn retried(id: RunId, by: RunId) -> Error {
    let hint =
        format!("`solum run show {by}` shows it; that one can be tried again when it has ended");
    invalid("run_retried", format!("run {id} was tried again already, as {by}"), hint)
}

fn commit_gone(change: &Change) -> Error {
    let message = format!(
        "the commit {} was never landed, and the repository does not have it any more",
        change.commit.short()
    );
    invalid("commit_gone", message, "push it again".to_owned())
}

fn invalid(code: &'static str, message: String, hint: String) -> Error {
    Error::Invalid { code, message, hint: Some(hint) }
}

#[cfg(test)]
mod tests;
