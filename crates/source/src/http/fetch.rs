//! Clones and fetches.

use std::fmt::Display;
use std::time::Duration;

use ::http::Response;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use tokio::sync::OwnedSemaphorePermit;
use types::AppName;

use super::Inner;
use super::answer::{Body, advertisement, result};
use super::intake::{Fed, Intake};
use super::refused::Refused;
use super::request::Service;
use super::stream::{Orphaned, Silent, Work, pipe};
use crate::Error;
use crate::git::Invocation;

/// What a client says that it wants and has; a pack never comes this way.
const REQUEST_BYTES: u64 = 64 << 20;
/// How long a fetch waits for others to end.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(30);

impl Inner {
    /// The refs of a repository, as a service's first answer.
    pub(super) async fn advertise(
        &self,
        app: &AppName,
        service: Service,
        protocol: Option<&str>,
    ) -> Result<Response<Body>, Refused> {
        let invocation = self
            .service(service, protocol)
            .args(["--http-backend-info-refs"])
            .arg(self.repositories.path(app));
        let preamble = service.preamble(protocol);
        let nothing = None::<Intake<Empty<Bytes>>>;
        match self.answer(invocation, nothing, preamble).await? {
            Ok(body) => Ok(advertisement(service, body)),
            Err(silent) => Err(Refused::internal(&unexpected(service, &silent))),
        }
    }

    pub(super) async fn fetch<B>(
        &self,
        body: B,
        app: &AppName,
        protocol: Option<&str>,
        gzip: bool,
    ) -> Result<Response<Body>, Refused>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Display,
    {
        let service = Service::UploadPack;
        let idle = self.config.idle_timeout;
        let invocation = self
            .service(service, protocol)
            .arg("--strict")
            .arg(format!("--timeout={}", idle.as_secs().max(1)))
            .arg(self.repositories.path(app));
        let intake = Intake { body: Box::pin(body), gzip, idle, bound: REQUEST_BYTES };
        match self.answer(invocation, Some(intake), b"").await? {
            Ok(body) => Ok(result(service, body)),
            Err(Silent { fed: Some(Fed::TooLarge), .. }) => Err(Refused::RequestTooLarge),
            // The beginning of a stateless exchange may have no answer.
            Err(Silent { success: true, .. }) => Ok(result(service, Empty::new().boxed_unsync())),
            Err(silent) => {
                tracing::info!(%app, stderr = silent.stderr.trim_end(), "not a fetch");
                Err(Refused::Unreadable(service))
            }
        }
    }

    pub(super) fn service(&self, service: Service, protocol: Option<&str>) -> Invocation {
        let invocation = self.repositories.invoke(service.subcommand());
        let invocation = match protocol {
            Some(protocol) => invocation.env("GIT_PROTOCOL", protocol),
            None => invocation,
        };
        invocation.args([service.subcommand(), "--stateless-rpc"])
    }

    /// What a git prints that is stopped when nobody reads it.
    async fn answer<B>(
        &self,
        invocation: Invocation,
        intake: Option<Intake<B>>,
        preamble: &'static [u8],
    ) -> Result<Result<Body, Silent>, Refused>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Display,
    {
        let permit = self.queue().await?;
        let work = Work {
            running: invocation.start().map_err(|error| Refused::internal(&error))?,
            orphaned: Orphaned::Stop,
            idle: self.config.idle_timeout,
            cancel: self.cancel.clone(),
        };
        let (outlet, inlet) = pipe();
        self.tracker.spawn(async move {
            work.run(intake, outlet).await;
            drop(permit);
        });
        Ok(inlet.begin(preamble).await.map(http_body_util::BodyExt::boxed_unsync))
    }

    async fn queue(&self) -> Result<OwnedSemaphorePermit, Refused> {
        let waiting = self.fetches.clone().acquire_owned();
        match tokio::time::timeout(QUEUE_TIMEOUT, waiting).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Refused::TooManyFetches),
        }
    }
}

fn unexpected(service: Service, silent: &Silent) -> Error {
    Error::GitSilent { what: service.subcommand(), stderr: silent.stderr.trim_end().to_owned() }
}
