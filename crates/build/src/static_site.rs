//! The server that static sites carry with them: files of one directory over HTTP/1.1.
//!
//! It is not a general web server: no listings, no rewriting, no compression, no TLS. `index.html` stands for its
//! directory, and `404.html`, if there is one, is what a missing file is answered with.
//!
//! The invariant: nothing outside of the directory is ever read (the kernel resolves names beneath it, links included),
//! and no name that begins with a dot, but for `.well-known`.

mod answer;
mod content_type;
mod files;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use files::Files;

/// Connections at the same time; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 1024;
/// A client that takes longer for the head of a request is not sending one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// What is still being sent when the server stops gets this long.
const DRAIN: Duration = Duration::from_secs(25);
/// After an error of accept(2), which is mostly a lack of file descriptors that goes by.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `root` until the process is asked to end (SIGTERM or SIGINT), then finishes what it is sending.
pub fn run(root: &Path, address: SocketAddr) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = CancellationToken::new();
        let serving = serve(root, listener, stop.clone());
        tokio::pin!(serving);
        tokio::select! {
            served = &mut serving => return served,
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
        serving.await
    })
}

/// Serves `root` until `stop`. Returns when the last connection has ended, or after a while without them.
pub async fn serve(root: &Path, listener: TcpListener, stop: CancellationToken) -> io::Result<()> {
    let files = Arc::new(Files::open(root)?);
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let tasks = TaskTracker::new();
    let graceful = GracefulShutdown::new();
    loop {
        let permit = Arc::clone(&connections).acquire_owned();
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = async { (permit.await, listener.accept().await) } => accepted,
        };
        let (Ok(permit), Ok((stream, _))) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Without it, small answers may wait for an acknowledgement; a stream that refuses is about to end.
        let _ = stream.set_nodelay(true);
        let files = Arc::clone(&files);
        let service = service_fn(move |request| {
            let files = Arc::clone(&files);
            async move { Ok::<_, Infallible>(answer::answer(&files, &request).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tasks.spawn(async move {
            // How a client ends its connection is its own affair.
            let _ = connection.await;
            drop(permit);
        });
    }
    drop(listener);
    tasks.close();
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
    Ok(())
}
