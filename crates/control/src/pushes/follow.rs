//! Shows to whoever pushed what the runs of a change say, one after the other, until it is known what becomes of it.
//!
//! A client that hangs up does not stop anything.

use std::time::Duration;

use source::PushTalk;
use store::{Change, Run};
use types::{ChangeState, RunStatus, Transition as _};
use workflow::{State, StepPhase};

use super::Pushes;
use crate::transcripts::Follower;
use crate::{Control, Error, text};

/// Longer than it takes until a transcript has it what a run waits for.
const TELLING: Duration = Duration::from_secs(2);

/// How long a push stays.
pub(super) enum End {
    /// The branch points at the commit, and every run has ended or waits for people.
    Landed,
    Refused,
    /// Not before people have said so.
    Waits,
    /// The client hung up.
    Unwatched,
}

/// A run that is shown.
pub(super) struct Watched {
    pub(super) run: Run,
    /// When it was looked at last.
    pub(super) status: RunStatus,
    follower: Follower,
    told_of_queue: bool,
    told_of_wait: bool,
    has_heading: bool,
}

impl Watched {
    pub(super) fn new(control: &Control, run: Run) -> Self {
        let follower = control.follow_run(run.id, 0);
        let status = run.status;
        Self {
            run,
            status,
            follower,
            told_of_queue: false,
            told_of_wait: false,
            has_heading: false,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.status.is_terminal()
    }

    pub(super) fn has_failed(&self) -> bool {
        self.has_ended() && self.status != RunStatus::Succeeded
    }

    fn pass_on(&mut self, talk: &PushTalk) -> Result<(), Error> {
        loop {
            let lines = self.follower.read().map_err(Error::io("read a run's transcript"))?;
            if lines.is_empty() {
                return Ok(());
            }
            for line in lines {
                self.told_of_wait |= line.starts_with(text::WAITS);
                talk.line(&line);
            }
        }
    }
}

impl Pushes {
    pub(super) async fn follow(
        &self,
        change: &Change,
        runs: &mut [Watched],
        talk: &PushTalk,
    ) -> Result<End, Error> {
        let mut wake = self.control.run_changes();
        let with_headings = runs.len() > 1;
        loop {
            for run in &mut *runs {
                if with_headings && !run.has_heading {
                    talk.line(&text::conclusion(&text::run_heading(&run.run)));
                    run.has_heading = true;
                }
                if !self.show(run, talk).await? {
                    return Ok(End::Unwatched);
                }
            }
            let state = self.control.inner.store.change(change.id).await?;
            let state = state.map_or(ChangeState::Refused, |change| change.state);
            if state.is_terminal() {
                // What was said when it came to its end.
                runs.iter_mut().try_for_each(|run| run.pass_on(talk))?;
                let landed = state == ChangeState::Landed;
                return Ok(if landed { End::Landed } else { End::Refused });
            }
            if runs.iter().any(|run| !run.has_ended()) {
                return Ok(End::Waits);
            }
            tokio::select! {
                () = wake.changed() => {}
                () = talk.closed() => return Ok(End::Unwatched),
            }
        }
    }

    /// Passes on what the run says until it has ended or waits for people; `false` when nobody listens any more.
    async fn show(&self, shown: &mut Watched, talk: &PushTalk) -> Result<bool, Error> {
        let control = &self.control;
        let mut wake = control.run_changes();
        loop {
            // The status is read first: what an ended run said is all there then.
            shown.status = control.run_status(shown.run.id).await?;
            shown.pass_on(talk)?;
            let waits = self.waits_for_people(shown).await?;
            if shown.has_ended() || (waits && shown.told_of_wait) {
                return Ok(true);
            }
            if shown.status == RunStatus::Queued
                && !shown.told_of_queue
                && let Some(ahead) = control.inner.store.run_ahead_of(shown.run.id).await?
            {
                talk.line(&text::waits_for(&ahead));
                shown.told_of_queue = true;
            }
            tokio::select! {
                () = shown.follower.changed() => {}
                () = tokio::time::sleep(TELLING), if waits => return Ok(true),
                () = wake.changed() => {}
                () = talk.closed() => return Ok(false),
            }
        }
    }

    /// Whether nothing of the run can go on before somebody has decided.
    async fn waits_for_people(&self, shown: &Watched) -> Result<bool, Error> {
        if shown.status != RunStatus::Waiting {
            return Ok(false);
        }
        let state = self.control.inner.store.run_state(shown.run.id).await?;
        Ok(has_waiting_step(&state))
    }
}

fn has_waiting_step(state: &State) -> bool {
    let mut jobs = state.all_jobs();
    jobs.any(|(_, _, job)| {
        let mut legs = state.legs_of(job);
        legs.any(|leg| leg.steps.iter().any(|step| matches!(step.phase, StepPhase::Waiting { .. })))
    })
}
