//! Git's smart HTTP protocol (gitprotocol-http(5)), for one repository at a time.
//!
//! Who asks, and whether they may, was decided before; so was which app it is about. Bodies are streamed both ways and
//! never held. A client that goes away ends its fetch. A push whose body has arrived goes on without its client; one
//! that was cut off before ends as a truncated pack, and leaves nothing behind.

mod answer;
mod fetch;
mod inflate;
mod intake;
mod push;
mod refused;
mod request;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, Response};
use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::{Actor, AppName};

use crate::{Pushes, Repositories};
pub use answer::Body;
use refused::Refused;
use request::{Asked, Service};

/// Bounds of what is served at once.
#[derive(Debug, Clone)]
pub struct GitHttpConfig {
    /// Fetches at once; further ones wait for a while.
    pub max_fetches: usize,
    /// Pushes at once, those included that wait for their runs; further ones are refused.
    pub max_pushes: usize,
    /// How long a client may neither send nor take anything while git waits for it.
    pub idle_timeout: Duration,
    /// The time on a processor that unpacking a push may take, and that checking it may; in whole seconds.
    pub unpack_cpu: Duration,
}

impl Default for GitHttpConfig {
    fn default() -> Self {
        Self {
            max_fetches: 16,
            max_pushes: 128,
            idle_timeout: Duration::from_secs(300),
            unpack_cpu: Duration::from_secs(600),
        }
    }
}

/// Serves git clients.
#[derive(Debug, Clone)]
pub struct GitHttp {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    repositories: Repositories,
    pushes: Pushes,
    config: GitHttpConfig,
    fetches: Arc<Semaphore>,
    receiving: Arc<Semaphore>,
    tracker: TaskTracker,
    cancel: CancellationToken,
}

impl GitHttp {
    /// Its tasks are the tracker's. Cancelling ends fetches; pushes end when their hooks are answered.
    #[must_use]
    pub fn new(
        repositories: Repositories,
        pushes: Pushes,
        config: GitHttpConfig,
        tracker: TaskTracker,
        cancel: CancellationToken,
    ) -> Self {
        let fetches = Arc::new(Semaphore::new(config.max_fetches));
        let receiving = Arc::new(Semaphore::new(config.max_pushes));
        let inner = Inner { repositories, pushes, config, fetches, receiving, tracker, cancel };
        Self { inner: Arc::new(inner) }
    }

    /// Answers one request. `path` is what follows the repository's name: `/info/refs`.
    pub async fn serve<B>(
        &self,
        request: Request<B>,
        app: &AppName,
        path: &str,
        actor: &Actor,
        may_push: bool,
    ) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: std::fmt::Display,
    {
        let answer = self.inner.dispatch(request, app, path, actor, may_push).await;
        answer.unwrap_or_else(|refused| refused.response())
    }
}

impl Inner {
    async fn dispatch<B>(
        &self,
        request: Request<B>,
        app: &AppName,
        path: &str,
        actor: &Actor,
        may_push: bool,
    ) -> Result<Response<Body>, Refused>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: std::fmt::Display,
    {
        let asked = Asked::read(&request, path)?;
        match self.repositories.exists(app).await {
            Ok(true) => {}
            Ok(false) => return Err(Refused::NoRepository),
            Err(error) => return Err(Refused::internal(&error)),
        }
        match asked {
            Asked::Advertisement { service, protocol } => {
                if service == Service::ReceivePack {
                    self.room(may_push)?;
                }
                self.advertise(app, service, protocol.as_deref()).await
            }
            Asked::Call { service: Service::UploadPack, protocol, gzip } => {
                self.fetch(request.into_body(), app, protocol.as_deref(), gzip).await
            }
            Asked::Call { service: Service::ReceivePack, protocol, gzip } => {
                let room = self.room(may_push)?;
                self.push(request.into_body(), app, actor, protocol.as_deref(), gzip, room).await
            }
        }
    }

    /// The bytes that a push may take up, if there may be one.
    fn room(&self, may_push: bool) -> Result<u64, Refused> {
        if !may_push {
            return Err(Refused::ReadOnly);
        }
        match self.repositories.room() {
            Ok(0) => Err(Refused::DiskFull),
            Ok(room) => Ok(room),
            Err(error) => Err(Refused::internal(&error)),
        }
    }
}
