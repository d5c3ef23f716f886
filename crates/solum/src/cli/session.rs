//! Who is asked, and what about: the server and token, the app and the environment that a command means.

use api::client::{Client, ServerUrl};
use api::environments::Environment;
use types::{AppName, Clock as _, EnvironmentName, Secret, SystemClock, Timestamp};

use super::checkout::{self, Checkout, REMOTE};
use super::credentials::CredentialFile;
use super::failure::Failure;

/// What a command finds around it. Nothing is read before it is needed.
#[derive(Debug)]
pub(crate) struct Session {
    url: Option<String>,
    token: Option<Secret>,
    credentials: Option<CredentialFile>,
}

impl Session {
    pub(crate) fn from_environment() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            url: variable("SOLUM_URL"),
            token: variable("SOLUM_TOKEN").map(Secret::new),
            credentials: CredentialFile::of_user(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    pub(crate) fn credentials(&self) -> Result<&CredentialFile, Failure> {
        self.credentials.as_ref().ok_or_else(|| {
            Failure::failed("there is no place to keep credentials in")
                .hint("set HOME or XDG_CONFIG_HOME to a directory of yours")
        })
    }

    /// The token that the environment gives.
    pub(crate) fn given_token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// The server to ask, if any is known.
    pub(crate) fn server(&self) -> Result<Option<ServerUrl>, Failure> {
        if let Some(url) = &self.url {
            return url.parse().map(Some).map_err(|error: api::client::InvalidServerUrl| {
                Failure::because("SOLUM_URL cannot be used", &error)
            });
        }
        self.credentials.as_ref().map_or(Ok(None), CredentialFile::server)
    }

    /// The token for `server`: the given one goes to the server to ask and to no other.
    pub(crate) fn token(&self, server: &ServerUrl) -> Result<Option<Secret>, Failure> {
        if let Some(token) = &self.token
            && self.server()?.as_ref() == Some(server)
        {
            return Ok(Some(token.clone()));
        }
        self.credentials.as_ref().map_or(Ok(None), |file| file.token(server))
    }

    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let server = self.server()?.ok_or_else(|| {
            Failure::failed("no server is known").hint(
                "`solum login http://HOST:PORT` stores one; SOLUM_URL and SOLUM_TOKEN name one",
            )
        })?;
        let token = self.token(&server)?.ok_or_else(|| {
            Failure::failed(format!("there is no token for {server}")).hint(format!(
                "`solum login {server}` stores one; the first one stands in admin.token in the server's data directory"
            ))
        })?;
        Ok(Client::new(server, Some(token)))
    }

    /// The app that was named, or whose repository this is.
    pub(crate) fn app(&self, named: Option<AppName>) -> Result<AppName, Failure> {
        match named {
            Some(app) => Ok(app),
            None => self.app_here()?.ok_or_else(|| {
                Failure::usage("which app?").hint(format!(
                    "name it, or go to a repository whose remote `{REMOTE}` points to the server"
                ))
            }),
        }
    }

    /// The app whose repository this is.
    pub(crate) fn app_here(&self) -> Result<Option<AppName>, Failure> {
        let Some(url) = Checkout::here().and_then(|checkout| checkout.remote()) else {
            return Ok(None);
        };
        let Some((server, app)) = checkout::app_of(&url) else { return Ok(None) };
        match self.server()? {
            Some(asked) if asked != server => Err(Failure::usage(format!(
                "which app? The remote `{REMOTE}` points to {server}, and the server to ask is {asked}"
            ))
            .hint(format!("name the app, or set SOLUM_URL={server}"))),
            _ => Ok(Some(app)),
        }
    }

    /// The environment that was named, or the only one.
    pub(crate) fn environment(
        &self,
        client: &Client,
        app: &AppName,
        named: Option<EnvironmentName>,
    ) -> Result<EnvironmentName, Failure> {
        match named {
            Some(environment) => Ok(environment),
            None => only(app, client.environments(app)?),
        }
    }
}

fn only(app: &AppName, environments: Vec<Environment>) -> Result<EnvironmentName, Failure> {
    let names: Vec<_> = environments.into_iter().map(|environment| environment.name).collect();
    match names.as_slice() {
        [name] => Ok(name.clone()),
        [] => Err(Failure::failed(format!("{app} has no environment yet"))
            .hint("push something to it: the first push makes them")),
        names => {
            let names: Vec<_> = names.iter().map(EnvironmentName::as_str).collect();
            Err(Failure::usage("which environment?")
                .hint(format!("say it with --env: {app} has {}", names.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(url: Option<&str>, token: Option<&str>) -> Session {
        Session {
            url: url.map(str::to_owned),
            token: token.map(|token| Secret::new(token.to_owned())),
            credentials: None,
        }
    }

    #[test]
    fn a_given_token_goes_to_the_given_server_only() {
        let session = session(Some("http://127.0.0.1:7070"), Some("solum_a"));
        let token = |url: &str| session.token(&url.parse().unwrap()).unwrap();
        assert!(token("http://127.0.0.1:7070").is_some());
        assert!(token("http://127.0.0.1:7071").is_none());
        assert!(token("http://example.org").is_none());
    }

    #[test]
    fn the_only_environment_need_not_be_named() {
        let app: AppName = "shop".parse().unwrap();
        let environment = |name: &str| Environment {
            app: app.clone(),
            name: name.parse().unwrap(),
            after: None,
            promote: None,
            urls: Vec::new(),
            current: None,
            config_revision: None,
            processes: Default::default(),
        };
        assert_eq!(only(&app, vec![environment("dev")]).unwrap().as_str(), "dev");
        let several = only(&app, vec![environment("dev"), environment("prod")]);
        assert!(matches!(several, Err(Failure::Usage(_))));
        assert!(matches!(only(&app, Vec::new()), Err(Failure::Failed(_))));
    }

    #[test]
    fn without_a_server_it_says_how_to_name_one() {
        assert!(matches!(session(None, None).client(), Err(Failure::Failed(_))));
    }
}
