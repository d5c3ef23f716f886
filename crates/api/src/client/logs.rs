use types::{AppName, EnvironmentName, ProcessType};

use super::feed::Feed;
use super::{Client, Error};
use crate::logs::LogLine;
use crate::paths;

/// Which lines of an app's log.
#[derive(Debug, Clone, Default)]
pub struct LogsQuery {
    pub environment: Option<EnvironmentName>,
    pub process: Option<ProcessType>,
    /// How many of the latest lines.
    pub lines: Option<u32>,
    /// Whether to go on with the lines to come.
    pub follow: bool,
}

impl Client {
    pub fn logs(&self, app: &AppName, query: &LogsQuery) -> Result<LogFeed<'_>, Error> {
        let query = [
            ("environment", query.environment.as_ref().map(ToString::to_string)),
            ("process", query.process.as_ref().map(ToString::to_string)),
            ("lines", query.lines.map(|lines| lines.to_string())),
            ("follow", query.follow.then(|| "true".to_owned())),
        ];
        let query = query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Ok(LogFeed { feed: Feed::open(self, paths::logs(app), query)? })
    }
}

#[derive(Debug)]
pub struct LogFeed<'a> {
    feed: Feed<'a>,
}

impl LogFeed<'_> {
    /// The next line; `None` when there are no more and none were to be followed.
    pub fn next_line(&mut self) -> Result<Option<LogLine>, Error> {
        self.feed.next_log()
    }
}
