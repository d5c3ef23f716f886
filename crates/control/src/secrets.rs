use std::collections::BTreeMap;
use std::path::PathBuf;

use store::StoredSecret;
use types::{Actor, AppName, EnvironmentName, Secret, SettingName, Timestamp};

use crate::secret_keys::{SecretKeyError, SecretKeys, Whereabouts};
use crate::setting_scopes::{MAX_SETTINGS, ScopeName, check_value, full};
use crate::{Control, Error};

/// What may be told of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretView {
    pub name: SettingName,
    pub updated_at: Timestamp,
    pub updated_by: Actor,
}

impl Control {
    /// Of this scope alone, by name; never their values.
    pub async fn secrets(&self, scope: &ScopeName) -> Result<Vec<SecretView>, Error> {
        let scope = self.setting_scope(scope).await?;
        let secrets = self.inner.store.secrets(scope).await?;
        Ok(secrets.into_iter().map(SecretView::from).collect())
    }

    pub async fn set_secret(
        &self,
        scope: &ScopeName,
        name: SettingName,
        value: Secret,
        actor: &Actor,
    ) -> Result<SecretView, Error> {
        check_value(&name, value.expose())?;
        if value.expose().is_empty() {
            return Err(Error::Invalid {
                code: "invalid_value",
                message: format!("the value of {name} is empty"),
                hint: Some("a secret that is not set reads as empty text in a workflow".to_owned()),
            });
        }
        let found = self.setting_scope(scope).await?;
        let keys = self.secret_keys().await?;
        let (app, environment) = found.ids();
        let sealed = keys.seal(&Whereabouts { app, environment, name: &name }, &value);
        let set = self.inner.store.set_secret(found, name, sealed, MAX_SETTINGS, actor.clone());
        Ok(set.await.map_err(full("secrets", scope))?.into())
    }

    pub async fn unset_secret(
        &self,
        scope: &ScopeName,
        name: SettingName,
        actor: &Actor,
    ) -> Result<(), Error> {
        let found = self.setting_scope(scope).await?;
        Ok(self.inner.store.unset_secret(found, name, actor.clone()).await?)
    }

    /// What a job of this app may read under `secrets`: the environment's, the app's, the project's, the nearer instead
    /// of the farther. An environment that is not there yet has none of its own. A run that is not trusted, because
    /// what it runs did not come from the trusted branch, gets none at all.
    ///
    /// # Errors
    /// When one of them cannot be opened: a job does not begin with half of its secrets.
    pub async fn secrets_for(
        &self,
        app: &AppName,
        environment: Option<&EnvironmentName>,
        trusted: bool,
    ) -> Result<BTreeMap<String, Secret>, Error> {
        if !trusted {
            return Ok(BTreeMap::new());
        }
        let (app, environment) = self.setting_ids(app, environment).await?;
        let stored = self.inner.store.secrets_for(app, environment).await?;
        if stored.is_empty() {
            return Ok(BTreeMap::new());
        }
        let keys = self.secret_keys().await?;
        let mut nearest: BTreeMap<&str, &StoredSecret> = BTreeMap::new();
        nearest.extend(stored.iter().map(|secret| (secret.name.as_str(), secret)));
        let opened = nearest.into_iter().map(|(name, secret)| {
            let StoredSecret { app, environment, name: bound, .. } = secret;
            let at = Whereabouts { app: *app, environment: *environment, name: bound };
            Ok((name.to_owned(), keys.open(&at, &secret.sealed)?))
        });
        opened.collect()
    }

    /// Makes the key where there is none and nothing that it would be missing for. Says so in the log when there is one
    /// missing, or one that will not do; the server starts all the same.
    pub(crate) async fn prepare_secret_keys(&self) {
        if let Err(error) = self.secret_keys().await {
            let hint = error.hint().unwrap_or_default();
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, hint, "secrets can neither be set nor given to runs");
        }
    }

    async fn secret_keys(&self) -> Result<SecretKeys, Error> {
        let path = self.inner.settings.secret_key_file();
        match read(path.clone()).await? {
            Err(SecretKeyError::Missing) if !self.inner.store.has_secrets().await? => {}
            found => return Ok(found?),
        }
        let file = path.clone();
        blocking(move || SecretKeys::create(&file)).await?.map_err(SecretKeyError::Io)?;
        Ok(read(path).await??)
    }
}

async fn read(path: PathBuf) -> Result<Result<SecretKeys, SecretKeyError>, Error> {
    blocking(move || SecretKeys::read(&path)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|error| Error::Io { doing: "read the key of the secrets", source: error.into() })
}

impl From<StoredSecret> for SecretView {
    fn from(secret: StoredSecret) -> Self {
        let StoredSecret { name, updated_at, updated_by, .. } = secret;
        Self { name, updated_at, updated_by }
    }
}
