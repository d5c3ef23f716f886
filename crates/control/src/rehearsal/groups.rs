//! Concurrency groups, as far as one run shows them: who holds a place, who waits, and who has to go. The rules are those
//! of the store, which keeps them for all runs.

use workflow::language::Queue;
use workflow::{Claim, Input};

use super::scenario::GroupEvent;

/// The most that may wait in a group whose `queue` is `max`.
const MAX_WAITING: usize = 100;

/// The places of all groups, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Groups {
    places: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    /// In lower case.
    group: String,
    who: Who,
    held: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    /// The run that is rehearsed, or a job of it.
    Us(Option<String>),
    AnotherRun,
}

impl Groups {
    /// What the run is to be told.
    pub(super) fn acquire(&mut self, claim: &Claim) -> Vec<Input> {
        let who = Who::Us(claim.job.clone());
        self.ask(&claim.group.to_lowercase(), who, claim.cancel_in_progress, claim.queue)
    }

    fn ask(&mut self, group: &str, who: Who, cancel_in_progress: bool, queue: Queue) -> Vec<Input> {
        let mut words = Vec::new();
        let waiting =
            self.places.iter().filter(|place| place.group == group && !place.held).count();
        match queue {
            Queue::Max if waiting >= MAX_WAITING => return displaced(&who).into_iter().collect(),
            Queue::Max => {}
            Queue::Single => self.places.retain(|place| {
                let goes = place.group == group && !place.held;
                words.extend(goes.then(|| displaced(&place.who)).flatten());
                !goes
            }),
        }
        if cancel_in_progress {
            let holder = self.places.iter().find(|place| place.group == group && place.held);
            words.extend(holder.and_then(|place| displaced(&place.who)));
            // Another run gives way at once.
            self.places.retain(|place| {
                place.group != group || !place.held || place.who != Who::AnotherRun
            });
        }
        self.places.push(Place { group: group.to_owned(), who, held: false });
        words.extend(self.grant(group));
        words
    }

    /// Gives the place to who has waited longest, if nobody holds it.
    fn grant(&mut self, group: &str) -> Option<Input> {
        let mut places = self.places.iter_mut().filter(|place| place.group == group);
        if places.any(|place| place.held) {
            return None;
        }
        let next = self.places.iter_mut().find(|place| place.group == group)?;
        next.held = true;
        match &next.who {
            Who::Us(job) => Some(Input::Granted { job: job.clone() }),
            Who::AnotherRun => None,
        }
    }

    /// The run, or its job, gives its place back.
    pub(super) fn release(&mut self, job: Option<&str>) -> Vec<Input> {
        let who = Who::Us(job.map(str::to_owned));
        self.leave(|place| place.who == who)
    }

    fn leave(&mut self, goes: impl Fn(&Place) -> bool) -> Vec<Input> {
        let left: Vec<String> = self
            .places
            .iter()
            .filter(|place| goes(place))
            .map(|place| place.group.clone())
            .collect();
        self.places.retain(|place| !goes(place));
        left.iter().filter_map(|group| self.grant(group)).collect()
    }

    /// What other runs do; in words, why that cannot be.
    pub(super) fn change(&mut self, name: &str, event: GroupEvent) -> Result<Vec<Input>, String> {
        let group = name.to_lowercase();
        let holder = self.places.iter().find(|place| place.group == group && place.held);
        match (event, holder.map(|place| &place.who)) {
            (GroupEvent::Taken, Some(_)) => Err(format!("somebody holds group '{name}' already")),
            (GroupEvent::Free, Some(Who::AnotherRun)) => {
                Ok(self.leave(|place| place.group == group && place.held))
            }
            (GroupEvent::Free, _) => Err(format!("no other run holds group '{name}'")),
            (GroupEvent::Taken, None) => {
                Ok(self.ask(&group, Who::AnotherRun, false, Queue::Single))
            }
            (GroupEvent::Wanted { .. }, None) => Err(format!("nobody holds group '{name}'")),
            (GroupEvent::Wanted { at_once }, Some(_)) => {
                Ok(self.ask(&group, Who::AnotherRun, at_once, Queue::Single))
            }
        }
    }

    /// A run that has ended has no place any more.
    pub(super) fn forget_us(&mut self) {
        self.leave(|place| matches!(place.who, Who::Us(_)));
    }
}

fn displaced(who: &Who) -> Option<Input> {
    match who {
        Who::Us(job) => Some(Input::Displaced { job: job.clone() }),
        Who::AnotherRun => None,
    }
}
