//! Reads server-sent events (WHATWG HTML, section 9.2.6), and goes on where a feed was cut off.

use std::io;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::lines::Lines;
use super::request::Call;
use super::{Client, Error, Patience};
use crate::{Problem, server_events};

/// How long a feed that was cut off is asked for again: long enough for a server to be upgraded.
const PATIENCE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The most data that one event may have.
const MAX_EVENT_BYTES: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) data: String,
}

/// A feed that reconnects. It is over after an event `end`.
#[derive(Debug)]
pub(super) struct Feed<'a> {
    client: &'a Client,
    path: String,
    query: Vec<(&'static str, String)>,
    last_id: Option<String>,
    lines: Option<Lines>,
    patience: Patience,
}

impl<'a> Feed<'a> {
    /// Asks for the feed; an error that the server states comes out here.
    pub(super) fn open(
        client: &'a Client,
        path: String,
        query: Vec<(&'static str, String)>,
    ) -> Result<Self, Error> {
        let patience = Patience::new(PATIENCE, LONGEST_PAUSE);
        let mut feed = Self { client, path, query, last_id: None, lines: None, patience };
        feed.lines = Some(feed.connect()?);
        Ok(feed)
    }

    fn connect(&self) -> Result<Lines, Error> {
        let mut call = Call::get(&self.path).header("accept", server_events::MEDIA_TYPE).endless();
        for (name, value) in &self.query {
            call = call.query(name, Some(value));
        }
        if let Some(id) = &self.last_id {
            call = call.header(server_events::LAST_EVENT_ID_HEADER, id);
        }
        Ok(Lines::new(self.client.send(&call, None)?.into_body()))
    }

    /// What the next event `log` has; `None` at the end.
    pub(super) fn next_log<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        loop {
            let event = self.next()?;
            match event.name.as_str() {
                server_events::LOG => {
                    let read = serde_json::from_str(&event.data);
                    return read.map(Some).map_err(|source| self.client.unreadable(source));
                }
                server_events::END => return Ok(None),
                // A newer server may have more to say.
                _ => {}
            }
        }
    }

    /// The next event. Errors are final: what can pass was waited for.
    pub(super) fn next(&mut self) -> Result<Event, Error> {
        loop {
            let error = match self.read() {
                Ok(event) if event.name == server_events::PROBLEM => {
                    return Err(match serde_json::from_str::<Problem>(&event.data) {
                        Ok(problem) => Error::Problem(Box::new(problem)),
                        Err(source) => self.client.unreadable(source),
                    });
                }
                Ok(event) => {
                    self.patience = Patience::new(PATIENCE, LONGEST_PAUSE);
                    return Ok(event);
                }
                Err(error) => error,
            };
            self.lines = None;
            if !error.is_passing() || !self.patience.pause() {
                return Err(error);
            }
        }
    }

    fn read(&mut self) -> Result<Event, Error> {
        let mut lines = match self.lines.take() {
            Some(lines) => lines,
            None => self.connect()?,
        };
        let (event, id) = read_event(|| lines.next()).map_err(|error| self.client.lost(error))?;
        self.last_id = id.or(self.last_id.take());
        self.lines = Some(lines);
        Ok(event)
    }
}

/// An event, and its id if it has one. The end of the lines is an error.
fn read_event(
    mut next: impl FnMut() -> io::Result<Option<String>>,
) -> io::Result<(Event, Option<String>)> {
    let mut name = String::new();
    let mut data: Option<String> = None;
    let mut id = None;
    loop {
        let line = next()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            match data.take() {
                Some(data) => return Ok((Event { name, data }, id)),
                None => name.clear(),
            }
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut name),
            "id" => id = Some(value.to_owned()),
            "data" => {
                let data = match &mut data {
                    Some(data) => {
                        data.push('\n');
                        data
                    }
                    None => data.insert(String::new()),
                };
                data.push_str(value);
                if data.len() > MAX_EVENT_BYTES {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "an event is too long"));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str) -> Vec<(Event, Option<String>)> {
        let mut lines = text.lines().map(str::to_owned);
        let mut events = Vec::new();
        while let Ok(event) = read_event(|| Ok(lines.next())) {
            events.push(event);
        }
        events
    }

    fn event(name: &str, data: &str) -> Event {
        Event { name: name.into(), data: data.into() }
    }

    #[test]
    fn comments_and_unknown_fields_are_passed_over() {
        let events = read_all(": keep-alive\n\nretry: 5\nevent: log\nid: 7\ndata: {}\n\n");
        assert_eq!(events, [(event("log", "{}"), Some("7".into()))]);
    }

    #[test]
    fn several_data_lines_are_one_text() {
        let events = read_all("data: a\ndata:b\ndata\n\n");
        assert_eq!(events, [(event("", "a\nb\n"), None)]);
    }

    #[test]
    fn an_event_that_was_cut_off_is_no_event() {
        assert_eq!(read_all("event: end\ndata: {}\n"), []);
    }
}
