use store::Event;
use types::{AppName, EventId};

use crate::{Control, Error};

impl Control {
    /// What happened, newest first, before the event `before` only. An app's events outlive it.
    pub async fn events(
        &self,
        app: Option<AppName>,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        Ok(self.inner.store.events(app, before, limit).await?)
    }
}
