use std::collections::HashMap;

use types::RunId;
use workflow::State;

/// States kept; the least that would do is the runs in flight.
const MAX_STATES: usize = 4_096;

/// Unfinished runs as of the last commit, so that a transition does not read the journal each time. One that is not in it is
/// read from the disk.
#[derive(Debug, Default)]
pub(crate) struct RunCache {
    states: HashMap<RunId, State>,
}

impl RunCache {
    pub(crate) fn remove(&mut self, run: RunId) -> Option<State> {
        self.states.remove(&run)
    }

    pub(crate) fn insert(&mut self, run: RunId, state: State) {
        if self.states.len() >= MAX_STATES {
            // Which ones are in flight is not known; they come back with their next input.
            self.states.clear();
        }
        self.states.insert(run, state);
    }

    pub(crate) fn clear(&mut self) {
        self.states.clear();
    }
}
