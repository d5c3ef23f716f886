//! People's words on runs that wait for them.
//!
//! What counts is the engine's to say. Here it is written down who said it, the run's transcript tells it, and a word that
//! changes nothing is answered with why.

use types::{Actor, EventId, RunId};
use workflow::{Decision, Input, Record, Refused, Signal, StepPhase, Wait, WaitTarget};

use crate::tokens::roles;
use crate::{Control, Error, text};

/// The longest comment.
const MAX_COMMENT_BYTES: usize = 4_096;
/// The longest path of a job or a step that is looked for.
const MAX_PATH_BYTES: usize = 1_024;

/// What somebody says.
#[derive(Debug, Clone)]
pub struct Word {
    pub decision: Decision,
    /// The job that it is for, by its path; any that waits without.
    pub job: Option<String>,
    /// The step of that job; any that waits without.
    pub step: Option<String>,
    pub comment: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Decided {
    pub standing: Standing,
    /// What it was about: what was decided, or what was named if it is kept.
    pub job: Option<String>,
    pub step: Option<String>,
    pub run: store::Run,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It was the last that was waited for.
    Approved,
    /// So many more have to approve.
    Counted {
        missing: u32,
    },
    Rejected,
    /// Nothing waits for it yet.
    Kept,
}

/// What a step waits for, and who has approved.
#[derive(Debug, Clone)]
pub struct WaitView {
    pub wait: Wait,
    pub approved: Vec<Actor>,
}

impl Control {
    /// Approves or rejects what a run waits for. What comes before anything waits for it is kept.
    pub async fn decide(&self, id: RunId, word: Word, actor: &Actor) -> Result<Decided, Error> {
        let run = self.run(id).await?;
        let signal = signal(word, EventId::generate(&*self.inner.clock).to_string(), actor)?;
        let taken = self.inner.store.transition(id, Input::Signal(signal.clone())).await;
        let records = match taken {
            Ok(transition) => {
                let decided = self.tell_decision(id, &signal, &transition.records).await?;
                if types::Transition::is_terminal(transition.status) {
                    crate::reconcile::tidy_up_run(self, id).await;
                }
                decided
            }
            Err(store::TransitionError::Refused(refused)) => {
                return Err(refusal(&run, &signal, refused));
            }
            Err(store::TransitionError::Store(error)) => return Err(error.into()),
        };
        let (standing, place) = records;
        let (job, step) = place.unzip();
        Ok(Decided { standing, job, step: step.flatten(), run: self.run(id).await? })
    }

    /// Says in the transcript what came of a word.
    async fn tell_decision(
        &self,
        id: RunId,
        signal: &Signal,
        records: &[Record],
    ) -> Result<(Standing, Option<(String, Option<String>)>), Error> {
        let transcript = self.inner.transcripts.of(id);
        let decided = records.iter().find_map(|record| match record {
            Record::Approved { job, step, .. } => Some((true, job, step)),
            Record::StepFailed { job, step, .. } => Some((false, job, step)),
            _ => None,
        });
        let Some((approved, job, step)) = decided else {
            transcript.write(&text::line(&text::kept(signal)));
            let target = signal.target.clone();
            return Ok((Standing::Kept, target.map(|target| (target.job, target.step))));
        };
        let place = Some((job.clone(), Some(step.clone())));
        if !approved {
            transcript.write(&text::warning(&text::decided(signal, job, step, None)));
            return Ok((Standing::Rejected, place));
        }
        let state = self.inner.store.run_state(id).await?;
        let state = state.leg(job).and_then(|leg| leg.step(step));
        let missing = match state.map(|step| &step.phase) {
            // Others may have approved since; what is still missing is what people want to know.
            Some(StepPhase::Waiting { wait, approved }) => {
                wait.count.saturating_sub(u32::try_from(approved.len()).unwrap_or(u32::MAX))
            }
            _ => 0,
        };
        transcript.write(&text::line(&text::decided(signal, job, step, Some(missing))));
        let standing =
            if missing == 0 { Standing::Approved } else { Standing::Counted { missing } };
        Ok((standing, place))
    }
}

fn signal(word: Word, id: String, actor: &Actor) -> Result<Signal, Error> {
    let long = |text: &Option<String>, most| text.as_ref().is_some_and(|text| text.len() > most);
    if long(&word.comment, MAX_COMMENT_BYTES) {
        let message = format!("the comment is longer than {MAX_COMMENT_BYTES} bytes");
        return Err(invalid("value_too_large", message, None));
    }
    if long(&word.job, MAX_PATH_BYTES) || long(&word.step, MAX_PATH_BYTES) {
        let message = format!("the job or the step is longer than {MAX_PATH_BYTES} bytes");
        return Err(invalid("value_too_large", message, None));
    }
    let target = match (word.job, word.step) {
        (Some(job), step) => Some(WaitTarget { job, step }),
        (None, None) => None,
        (None, Some(step)) => {
            let message = format!("which job's step `{step}`?");
            return Err(invalid("invalid_request", message, Some("name its `job`".to_owned())));
        }
    };
    let comment = word.comment.map(|comment| comment.trim().to_owned());
    Ok(Signal {
        id,
        decision: word.decision,
        actor: actor.clone(),
        roles: roles(actor),
        target,
        comment: comment.filter(|comment| !comment.is_empty()),
    })
}

fn invalid(code: &'static str, message: String, hint: Option<String>) -> Error {
    Error::Invalid { code, message, hint }
}

/// Why a word changes nothing, and what to do about it.
fn refusal(run: &store::Run, signal: &Signal, refused: Refused) -> Error {
    let shown = format!("`solum run show {}` shows what it waits for", run.id);
    let (code, hint) = match &refused {
        Refused::Ended { status } => return Error::RunEnded(*status),
        Refused::NotAllowed { why, .. } => {
            let author = why.contains("started the run");
            let hint = match author {
                true => "somebody else has to, with a token of their own: `solum token create NAME` makes one".to_owned(),
                false => shown,
            };
            ("approval_not_allowed", hint)
        }
        Refused::ApprovedAlready { .. } => (
            "approved_already",
            "others have to approve too, each with a token of their own".to_owned(),
        ),
        Refused::Stale | Refused::Duplicate => ("approval_stale", shown),
        Refused::UnknownJob { .. } | Refused::UnknownStep { .. } => ("job_not_found", shown),
        Refused::InboxFull => {
            ("too_many_approvals", "wait until something asks for them".to_owned())
        }
        _ => ("nothing_to_approve", shown),
    };
    let message = match (&refused, &signal.target) {
        (Refused::NothingToApprove, Some(target)) => {
            format!("nothing in job `{}` waits for approval, now or later", target.job)
        }
        (Refused::Stale, Some(target)) => {
            format!(
                "what waited for approval in job `{}` has been decided, or never will be",
                target.job
            )
        }
        (Refused::Stale, None) => {
            "everything in the run that waited for approval has been decided".to_owned()
        }
        _ => refused.to_string(),
    };
    invalid(code, message, Some(hint))
}

#[cfg(test)]
mod tests;
