//! The listening socket and its connections: HTTP/1.1 and HTTP/2 without TLS.

mod places;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::http::{Request, Response};
use control::Control;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::places::{Answering, Connection, Place, Places};

/// Connections at once; further ones wait in the kernel's queue until an idle one has given its place up.
const MAX_CONNECTIONS: usize = 1024;
/// How long a client may take for a request's head, and an idle connection may stay.
const HEAD: Duration = Duration::from_secs(30);
/// How long a client may take from connecting to the end of its first request's head, whatever it speaks.
const FIRST: Duration = Duration::from_secs(10);
/// How long what is under way may take to end once the server stops. Whoever watches a run comes back by themselves.
const DRAIN: Duration = Duration::from_secs(3);
/// The pause after a connection could not be accepted because the process has no file left for it.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// How often an HTTP/2 client that is silent is asked whether it is still there.
const PING: Duration = Duration::from_secs(30);

/// Spawns what HTTP/2 needs where it is waited for.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> hyper::rt::Executor<F> for Tracked
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}

/// Serves until the control plane stops.
pub async fn serve(listener: TcpListener, control: Control) -> io::Result<()> {
    let stopping = control.stopping();
    let router = crate::router(control);
    let (tracker, graceful) = (TaskTracker::new(), GracefulShutdown::new());
    let builder = builder(&tracker);
    let end = CancellationToken::new();
    let places = Places::new(MAX_CONNECTIONS);
    while let Some((stream, place)) = accept(&listener, &places, &stopping).await {
        let service = service(&router, &place.connection);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection.into_owned());
        let end = end.clone();
        tracker.spawn(async move {
            tokio::select! {
                ended = connection => {
                    if let Err(error) = ended {
                        tracing::debug!(error = &*error, "a connection broke");
                    }
                }
                () = silent(&place.connection) => tracing::debug!("a connection that asked for nothing is cut"),
                () = end.cancelled() => {}
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::debug!("connections are cut: their requests go on too long");
    }
    end.cancel();
    Ok(())
}

/// What answers the requests of one connection.
fn service(
    router: &Router,
    connection: &Connection,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = Response<Answering>,
    Error = Infallible,
    Future: Send + 'static,
> + Send
+ 'static {
    let (router, connection) = (TowerToHyperService::new(router.clone()), connection.clone());
    hyper::service::service_fn(move |request| {
        let busy = connection.request();
        let answer = hyper::service::Service::call(&router, request);
        async move { Ok(answer.await?.map(|body| Answering::new(body, busy))) }
    })
}

/// Returns when a connection has no request after a while, or none now and its place is wanted.
async fn silent(connection: &Connection) {
    let never_asked = async {
        if tokio::time::timeout(FIRST, connection.begun()).await.is_ok() {
            std::future::pending().await
        }
    };
    tokio::select! {
        () = never_asked => {}
        () = connection.evicted() => {}
    }
}

/// The next connection; `None` when the server stops.
async fn accept(
    listener: &TcpListener,
    places: &Places,
    stopping: &CancellationToken,
) -> Option<(tokio::net::TcpStream, Place)> {
    loop {
        let next = async {
            // Only for somebody who is there has anybody to go.
            let (stream, _) = listener.accept().await?;
            Ok::<_, io::Error>((stream, places.take().await))
        };
        let accepted = tokio::select! {
            accepted = next => accepted,
            () = stopping.cancelled() => return None,
        };
        match accepted {
            Ok((stream, place)) => {
                let _ = stream.set_nodelay(true);
                return Some((stream, place));
            }
            // The client was quicker to go than we to come.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

fn builder(tracker: &TaskTracker) -> Builder<Tracked> {
    let mut builder = Builder::new(Tracked(tracker.clone()));
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}
