use jiff::Timestamp;
use rusqlite::{Row, params};
use serde_json::Value;
use types::{Actor, AppName, EnvironmentName, EventId};

use crate::environments::Environment;
use crate::row::{self, to_json};
use crate::writer::Write;
use crate::{Error, Store};

/// Something that happened. Rows are only ever added.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub id: EventId,
    pub at: Timestamp,
    pub actor: Actor,
    /// `noun.past_participle`.
    pub kind: String,
    pub app: Option<AppName>,
    pub environment: Option<EnvironmentName>,
    /// What it happened to, as users name it: `v12`, `run_…`.
    pub subject: Option<String>,
    pub detail: Value,
}

/// An event about to be recorded; what it tells must not be secret.
#[derive(Debug, Clone)]
pub struct NewEvent {
    kind: &'static str,
    actor: Actor,
    app: Option<AppName>,
    environment: Option<EnvironmentName>,
    subject: Option<String>,
    detail: Value,
}

impl NewEvent {
    #[must_use]
    pub fn new(kind: &'static str, actor: &Actor) -> Self {
        Self {
            kind,
            actor: actor.clone(),
            app: None,
            environment: None,
            subject: None,
            detail: Value::Object(serde_json::Map::new()),
        }
    }

    #[must_use]
    pub fn app(mut self, app: &AppName) -> Self {
        self.app = Some(app.clone());
        self
    }

    #[must_use]
    pub fn environment(mut self, environment: &Environment) -> Self {
        self.app = Some(environment.app.clone());
        self.environment = Some(environment.name.clone());
        self
    }

    #[must_use]
    pub fn subject(mut self, subject: impl ToString) -> Self {
        self.subject = Some(subject.to_string());
        self
    }

    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}

impl Write<'_> {
    pub(crate) fn event(&self, event: &NewEvent) -> Result<(), Error> {
        let mut statement = self.sql.prepare_cached(
            "INSERT INTO events (id, at, actor, kind, app, environment, subject, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        statement.execute(params![
            EventId::generate(self.clock).to_string(),
            self.now.as_microsecond(),
            to_json(&event.actor),
            event.kind,
            event.app.as_ref().map(AppName::as_str),
            event.environment.as_ref().map(EnvironmentName::as_str),
            event.subject,
            event.detail.to_string(),
        ])?;
        Ok(())
    }
}

impl Store {
    /// Records something that changed no row of ours.
    pub async fn record_event(&self, event: NewEvent) -> Result<(), Error> {
        self.write(move |write| write.event(&event)).await
    }

    /// Newest first, those older than `before` only.
    pub async fn events(
        &self,
        app: Option<AppName>,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM events
                 WHERE (?1 IS NULL OR app = ?1) AND (?2 IS NULL OR id < ?2)
                 ORDER BY id DESC LIMIT ?3",
            )?;
            let app = app.as_ref().map(AppName::as_str);
            let events = statement
                .query_map(params![app, before.map(|id| id.to_string()), limit], read)?
                .collect::<Result<_, _>>()?;
            Ok(events)
        })
        .await
    }
}

fn read(row: &Row<'_>) -> row::Result<Event> {
    Ok(Event {
        id: row::text(row, "id")?,
        at: row::time(row, "at")?,
        actor: row::json(row, "actor")?,
        kind: row.get("kind")?,
        app: row::optional_text(row, "app")?,
        environment: row::optional_text(row, "environment")?,
        subject: row.get("subject")?,
        detail: row::json(row, "detail")?,
    })
}
