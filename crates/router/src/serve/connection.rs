//! A client's connection: HTTP/1.1, or HTTP/2 when it begins with the preface (RFC 9113, section 3.3).

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::Shutdown;
use tokio::io::AsyncReadExt;
use tokio_util::task::TaskTracker;

use super::proxy;
use super::socket::{ClientIo, ClientSocket};
use super::tunnel::{self, Switch};
use super::worker::Worker;
use crate::headers::Forwarded;
use crate::shared::Stage;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What is read and thrown away of a request that was refused, so that the refusal arrives: closing a
/// connection with unread bytes resets it.
const LINGER_BYTES: u64 = 1 << 20;
const LINGER: Duration = Duration::from_secs(2);

/// What the requests of one connection have in common.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) worker: Rc<Worker>,
    pub(super) socket: Rc<ClientSocket>,
    pub(super) forwarded: RefCell<Forwarded>,
    /// How many requests have begun.
    pub(super) requests: Cell<u64>,
    /// A request asked to switch protocols.
    pub(super) asked_to_switch: Cell<bool>,
    /// The instance has agreed to switch.
    pub(super) switch: RefCell<Option<Switch>>,
}

/// Counts a request as under way on its connection.
#[derive(Debug)]
pub(super) struct Active {
    socket: Rc<ClientSocket>,
}

impl Client {
    pub(super) fn begin(&self) -> Active {
        self.socket.request_begins();
        Active { socket: Rc::clone(&self.socket) }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.socket.request_ends();
    }
}

enum Protocol {
    Http1,
    Http2,
}

pub(super) async fn serve(worker: Rc<Worker>, socket: Rc<ClientSocket>, peer: SocketAddr) {
    let Some(protocol) = detect(&socket).await else { return };
    let client = Rc::new(Client {
        forwarded: RefCell::new(Forwarded::new(peer.ip(), worker.local.port())),
        worker,
        socket,
        requests: Cell::new(0),
        asked_to_switch: Cell::new(false),
        switch: RefCell::new(None),
    });
    match protocol {
        Protocol::Http1 => http1(client).await,
        // What is rare does not make every connection's task larger.
        Protocol::Http2 => Box::pin(http2(client)).await,
    }
}

/// Reads until it is clear what the client speaks; none when it said nothing.
async fn detect(socket: &ClientSocket) -> Option<Protocol> {
    let mut first: Vec<u8> = Vec::new();
    loop {
        socket.read_first(&mut first).await.ok().filter(|length| *length > 0)?;
        let is_http2 = first.starts_with(PREFACE);
        if is_http2 || !PREFACE.starts_with(&first) {
            socket.unread(Bytes::from(first));
            return Some(if is_http2 { Protocol::Http2 } else { Protocol::Http1 });
        }
    }
}

async fn http1(client: Rc<Client>) {
    let socket = &client.socket;
    let service = service_fn(|request: hyper::Request<Incoming>| {
        proxy::answer(Rc::clone(&client), request, client.begin(), true)
    });
    let io = TokioIo::new(ClientIo(Rc::clone(socket)));
    let mut connection = client.worker.http1.serve_connection(io, service);
    let mut result = (&mut connection).await;
    if client.asked_to_switch.get() && result.is_ok() {
        // Once a client has asked to switch, hyper's connection is ready before it has written everything, whether
        // or not the switch took place. Polled again, it writes the rest.
        result = poll_fn(|cx| Pin::new(&mut connection).poll(cx)).await;
    }
    if let Err(error) = &result {
        tracing::debug!(%error, "a client's connection broke off");
    }
    let switch = client.switch.borrow_mut().take();
    match switch {
        Some(switch) if result.is_ok() => {
            let ahead = connection.into_parts().read_buf;
            Box::pin(tunnel::run(&client, ahead, switch)).await;
        }
        Some(_) => {}
        None if may_be_sending(socket) => Box::pin(linger(socket)).await,
        None => {}
    }
}

/// Whether there may be something to read that was not, in the middle of a message or after one that is not
/// to be trusted.
fn may_be_sending(socket: &ClientSocket) -> bool {
    !socket.framing.borrow().is_between_messages() && !socket.condemned.get()
}

/// Closes the connection of a client that may still be sending something, not before it had the time to
/// read our answer.
async fn linger(socket: &Rc<ClientSocket>) {
    socket.framing.borrow_mut().switch_off();
    socket.shut_down(Shutdown::Write);
    let mut rest = ClientIo(Rc::clone(socket)).take(LINGER_BYTES);
    let drain = async {
        let mut discarded = [0; 4096];
        while matches!(rest.read(&mut discarded).await, Ok(1..)) {}
    };
    // Whoever still sends after that does not read.
    let _ = tokio::time::timeout(LINGER, drain).await;
}

async fn http2(client: Rc<Client>) {
    let socket = Rc::clone(&client.socket);
    socket.is_http2.set(true);
    socket.framing.borrow_mut().switch_off();
    let worker = Rc::clone(&client.worker);
    let limits = &worker.shared.config.limits;
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        proxy::answer(Rc::clone(&client), request, client.begin(), false)
    });
    let connection = http2::Builder::new(Tasks(worker.tasks.clone()))
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.request_head).unwrap_or(u32::MAX))
        .max_send_buf_size(limits.buffer)
        .serve_connection(TokioIo::new(ClientIo(Rc::clone(&socket))), service);
    let mut connection = std::pin::pin!(connection);
    let mut stage = worker.shared.stage();
    let mut winding_up = false;
    loop {
        tokio::select! {
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(%error, "a client's HTTP/2 connection broke off");
                }
                return;
            }
            () = socket.wind_up.notified() => connection.as_mut().graceful_shutdown(),
            _ = stage.wait_for(|stage| *stage != Stage::Accepting), if !winding_up => {
                winding_up = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Runs the streams of an HTTP/2 connection on the worker's thread.
#[derive(Debug, Clone)]
struct Tasks(TaskTracker);

impl<F> Executor<F> for Tasks
where
    F: Future<Output = ()> + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn_local(future);
    }
}
