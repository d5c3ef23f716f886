//! `solum/approve`: a step that waits for people. It holds no process; the run goes on when enough of those who may have
//! said so.
//!
//! What people say is an inbox of the run: what comes twice counts once, and what comes before anything waits for it is kept
//! until something does. Who may decide is looked at when it is counted, with the roles that they had when they said it.

mod ahead;

use jiff::SignedDuration;
use types::Actor;

use super::Decision;
use super::terms::{self, later};
use crate::contexts::Contexts;
use crate::input::{self, Failure, Refused, Signal};
use crate::language::{Template, Variables};
use crate::limits::{DEFAULT_WAIT_HOURS, MAX_PARKED};
use crate::record::{Record, Wait};
use crate::state::{State, StepPhase};

/// The verb that nobody carries out: the engine waits.
pub(super) const APPROVE: &str = "solum/approve";

impl Decision {
    /// What a step is to wait for, as its inputs say.
    pub(super) fn wait_of(
        &self,
        leg: usize,
        step: usize,
        with: &Variables,
    ) -> Result<Wait, Failure> {
        let leg = self.state.leg_at(leg);
        let here = Contexts::of_step(&self.state, leg, step);
        let find = |name: &str| {
            let given = with.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
            given.map(|(_, template)| template)
        };
        let text = |name| find(name).map(|template| terms::text(template, &here)).transpose();
        let from = text("from")?.unwrap_or_default();
        let from = from.split([',', '\n']).map(str::trim).filter(|who| !who.is_empty());
        let count = find("count").map_or(Ok(1), |template| count(template, &here))?;
        let allow_author = terms::switch(find("allow_author"), &here)?;
        let time = find("timeout")
            .map_or(Ok(SignedDuration::from_hours(DEFAULT_WAIT_HOURS)), |template| {
                duration(template, &here)
            })?;
        Ok(Wait {
            from: from.map(str::to_owned).collect(),
            count,
            allow_author,
            deadline: later(self.now, time),
            note: text("note")?.filter(|note| !note.is_empty()),
            environment: leg.terms.environment.clone(),
        })
    }

    /// Opens it, and looks at what was said before.
    pub(super) fn open_wait(&mut self, job: String, step: String, wait: Wait) {
        self.push(Record::StepWaiting { job: job.clone(), step: step.clone(), wait });
        for signal in self.state.inbox().parked.clone() {
            if !is_for(&signal, &job, &step) || !self.is_waiting(&job, &step) {
                continue;
            }
            let refused = self.may_decide(&job, &step, &signal).err().map(|why| why.to_string());
            let counts = refused.is_none();
            self.push(Record::SignalTaken { signal: signal.id.clone(), refused });
            if counts {
                self.count(&job, &step, &signal);
            }
        }
    }

    pub(super) fn signal(&mut self, signal: &Signal) -> Result<(), Refused> {
        if self.state.inbox().seen.contains(&signal.id) {
            return Err(Refused::Duplicate);
        }
        let open = open_waits(&self.state);
        let meant: Vec<_> = open.iter().filter(|(job, step)| is_for(signal, job, step)).collect();
        let mut refused = None;
        for (job, step) in meant {
            match self.may_decide(job, step, signal) {
                Ok(()) => {
                    self.count(job, step, signal);
                    return Ok(());
                }
                Err(why) => refused = Some(why),
            }
        }
        match refused {
            Some(why) => Err(why),
            None => self.park(signal),
        }
    }

    fn park(&mut self, signal: &Signal) -> Result<(), Refused> {
        ahead::check(&self.state, signal.target.as_ref())?;
        if self.state.inbox().parked.len() >= MAX_PARKED {
            return Err(Refused::InboxFull);
        }
        self.push(Record::SignalParked { signal: signal.clone() });
        Ok(())
    }

    fn is_waiting(&self, job: &str, step: &str) -> bool {
        open_waits(&self.state).iter().any(|open| open.0 == job && open.1 == step)
    }

    fn may_decide(&self, job: &str, step: &str, signal: &Signal) -> Result<(), Refused> {
        let step = self.state.leg(job).and_then(|leg| leg.step(step));
        let Some(StepPhase::Waiting { wait, approved }) = step.map(|step| &step.phase) else {
            return Err(Refused::Stale);
        };
        let actor = &signal.actor;
        let not_allowed =
            |why: &str| Refused::NotAllowed { actor: actor.clone(), why: why.to_owned() };
        if !wait.from.is_empty() && !wait.from.iter().any(|who| is_one_of(who, signal)) {
            return Err(not_allowed(&format!("it is for {}", wait.from.join(", "))));
        }
        if signal.decision == input::Decision::Reject {
            return Ok(());
        }
        if !wait.allow_author && self.state.context().author.as_ref() == Some(actor) {
            return Err(not_allowed("whoever started the run does not count"));
        }
        if approved.contains(actor) {
            return Err(Refused::ApprovedAlready { actor: actor.clone() });
        }
        Ok(())
    }

    /// Takes in a word that counts.
    fn count(&mut self, job: &str, step: &str, signal: &Signal) {
        let (job, step) = (job.to_owned(), step.to_owned());
        if signal.decision == input::Decision::Reject {
            let said =
                signal.comment.as_ref().map_or(String::new(), |comment| format!(": {comment}"));
            let message = format!("{} rejected it{said}", signal.actor);
            let failure = Failure::lasting("rejected", message);
            let produced = input::Produced::default();
            return self.push(Record::StepFailed { job, step, attempt: 1, failure, produced });
        }
        self.push(Record::Approved {
            job: job.clone(),
            step: step.clone(),
            signal: signal.id.clone(),
            by: signal.actor.clone(),
            comment: signal.comment.clone(),
        });
        let state = self.state.leg(&job).and_then(|leg| leg.step(&step));
        let Some(StepPhase::Waiting { wait, approved }) = state.map(|step| &step.phase) else {
            return;
        };
        if approved.len() >= wait.count as usize {
            let by: Vec<String> = approved.iter().map(ToString::to_string).collect();
            let outputs = [("approved_by".to_owned(), by.join(", "))].into();
            let produced = input::Produced { outputs, ..input::Produced::default() };
            self.push(Record::StepSucceeded { job, step, attempt: 1, produced });
        }
    }
}

/// Steps that wait for people, the one that has waited longest first.
fn open_waits(state: &State) -> Vec<(String, String)> {
    let steps = state.legs().flat_map(|leg| leg.steps.iter().map(move |step| (leg, step)));
    let mut open: Vec<_> =
        steps.filter(|(_, step)| matches!(step.phase, StepPhase::Waiting { .. })).collect();
    open.sort_by_key(|(_, step)| step.begun);
    open.into_iter().map(|(leg, step)| (leg.path.clone(), step.path.clone())).collect()
}

fn is_for(signal: &Signal, job: &str, step: &str) -> bool {
    signal.target.as_ref().is_none_or(|target| target.is(job, step))
}

/// `role:operator`, `user:alice` or `alice`.
fn is_one_of(who: &str, signal: &Signal) -> bool {
    match who.split_once(':') {
        Some(("role", role)) => signal.roles.iter().any(|has| has == role),
        Some(("user", name)) => is_named(&signal.actor, name),
        _ => is_named(&signal.actor, who),
    }
}

fn is_named(actor: &Actor, name: &str) -> bool {
    matches!(actor, Actor::Token(token) if token == name)
}

fn count(template: &Template, here: &Contexts<'_>) -> Result<u32, Failure> {
    match terms::text(template, here)?.trim().parse() {
        Ok(count) if (1..=100).contains(&count) => Ok(count),
        _ => Err(here.mistake(template, "input", "`count` has to be a whole number from 1 to 100")),
    }
}

/// `90s`, `30m`, `72h`, `3d`.
fn duration(template: &Template, here: &Contexts<'_>) -> Result<SignedDuration, Failure> {
    const LONGEST: i64 = 365 * 24 * 60 * 60;
    let text = terms::text(template, here)?;
    let text = text.trim();
    let unit = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let seconds = unit.iter().find_map(|(unit, seconds)| {
        let count: i64 = text.strip_suffix(unit)?.parse().ok()?;
        count.checked_mul(*seconds)
    });
    match seconds {
        Some(seconds @ 1..=LONGEST) => Ok(SignedDuration::from_secs(seconds)),
        _ => Err(here.mistake(
            template,
            "input",
            "`timeout` has to be a time like 90s, 30m, 72h or 3d",
        )),
    }
}
