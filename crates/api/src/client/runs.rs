use types::{AppName, RunId};

use super::feed::Feed;
use super::request::Call;
use super::{Client, Error};
use crate::approvals::{Decide, Decided};
use crate::runs::{Retry, Run, RunDetail, RunLog};
use crate::{paths, server_events};

impl Client {
    /// Newest first, of one app or of all, no more than `most`.
    pub fn runs(&self, app: Option<&AppName>, most: Option<usize>) -> Result<Vec<Run>, Error> {
        self.list(paths::RUNS, &[("app", app.map(ToString::to_string))], most)
    }

    pub fn run(&self, id: RunId) -> Result<RunDetail, Error> {
        self.fetch(&Call::get(&paths::run(id)))
    }

    /// The transcript so far.
    pub fn run_log(&self, id: RunId) -> Result<String, Error> {
        let path = paths::run_log(id);
        let answer = self.send(&Call::get(&path).header("accept", "text/plain"), None)?;
        self.read_text(answer)
    }

    pub fn cancel_run(&self, id: RunId) -> Result<Run, Error> {
        self.fetch(&Call::post(&paths::run_cancel(id)))
    }

    /// Starts another attempt of a run that has ended.
    pub fn retry_run(&self, id: RunId, retry: &Retry) -> Result<Run, Error> {
        self.submit(&Call::post(&paths::run_retries(id)), retry)
    }

    /// Approves what the run waits for, or rejects it.
    pub fn decide(&self, id: RunId, word: &Decide) -> Result<Decided, Error> {
        self.submit(&Call::post(&paths::run_approvals(id)), word)
    }

    /// The transcript from its beginning and every change of state, until the run has ended.
    pub fn watch_run(&self, id: RunId) -> Result<RunFeed<'_>, Error> {
        Ok(RunFeed { feed: Feed::open(self, paths::run_watch(id), Vec::new())?, client: self })
    }

    /// The same with every change of its jobs and steps.
    pub fn watch_run_and_jobs(&self, id: RunId) -> Result<RunFeed<'_>, Error> {
        let query = vec![("jobs", "true".to_owned())];
        Ok(RunFeed { feed: Feed::open(self, paths::run_watch(id), query)?, client: self })
    }
}

/// What happens to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEvent {
    /// The next lines of the transcript, without the last newline.
    Log(String),
    State(Box<Run>),
    /// Its jobs and steps, as they stand now.
    Jobs(Box<RunDetail>),
    /// It has ended; nothing follows.
    End(Box<RunDetail>),
}

#[derive(Debug)]
pub struct RunFeed<'a> {
    feed: Feed<'a>,
    client: &'a Client,
}

impl RunFeed<'_> {
    /// The next event. There is none after [`RunEvent::End`].
    pub fn next_event(&mut self) -> Result<RunEvent, Error> {
        loop {
            let event = self.feed.next()?;
            let parsed = match event.name.as_str() {
                server_events::LOG => {
                    serde_json::from_str(&event.data).map(|RunLog { text }| RunEvent::Log(text))
                }
                server_events::STATE => serde_json::from_str(&event.data).map(RunEvent::State),
                server_events::JOBS => serde_json::from_str(&event.data).map(RunEvent::Jobs),
                server_events::END => serde_json::from_str(&event.data).map(RunEvent::End),
                // A newer server may have more to say.
                _ => continue,
            };
            return parsed.map_err(|source| self.client.unreadable(source));
        }
    }
}
