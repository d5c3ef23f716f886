use types::RunId;

use super::feed::Feed;
use super::{Client, Error};
use crate::paths;
use crate::step_logs::StepLog;

impl Client {
    /// The log of a step, by the paths of its job and its own: as it is now, or with what comes until the step has ended.
    pub fn step_log(
        &self,
        run: RunId,
        job: &str,
        step: &str,
        follow: bool,
    ) -> Result<StepLogFeed<'_>, Error> {
        let query = if follow { vec![("follow", "true".to_owned())] } else { Vec::new() };
        let feed = Feed::open(self, paths::step_log(run, job, step), query)?;
        Ok(StepLogFeed { feed })
    }
}

#[derive(Debug)]
pub struct StepLogFeed<'a> {
    feed: Feed<'a>,
}

impl StepLogFeed<'_> {
    /// The next entries; `None` at the end.
    pub fn next_entries(&mut self) -> Result<Option<StepLog>, Error> {
        self.feed.next_log()
    }
}
