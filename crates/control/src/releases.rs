use store::{Release, Service};
use types::AppName;

use crate::{Control, Error};

impl Control {
    pub async fn release(&self, app: &AppName, number: u64) -> Result<Release, Error> {
        let found = self.app(app).await?;
        self.inner.store.release(found.id, number).await.map_err(|error| match error {
            store::Error::NotFound { .. } => {
                Error::NoRelease { app: app.clone(), release: format!("v{number}") }
            }
            other => other.into(),
        })
    }

    /// Where these releases of the app serve or did.
    pub async fn services(
        &self,
        app: &AppName,
        releases: &[Release],
    ) -> Result<Vec<Service>, Error> {
        let numbers = || releases.iter().map(|release| release.number);
        let (Some(from), Some(to)) = (numbers().min(), numbers().max()) else {
            return Ok(Vec::new());
        };
        let app = self.app(app).await?;
        Ok(self.inner.store.services(app.id, from, to).await?)
    }

    /// Newest first, those below `before` only.
    pub async fn releases(
        &self,
        app: &AppName,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Release>, Error> {
        let app = self.app(app).await?;
        Ok(self.inner.store.releases(app.id, before, limit).await?)
    }
}
