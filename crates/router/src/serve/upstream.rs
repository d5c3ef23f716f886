//! A connection to an instance, and one exchange at a time on it.
//!
//! The task of a request without a body drives the connection itself, so that no other task has to be woken for
//! it. While a body is sent the connection has a task of its own, because then both
//! directions have to move even when one of them is held up.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as _, Frame};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::coop;
use tokio_util::task::TaskTracker;

use super::body::RequestBody;
use super::relay::RelayWaker;
use super::socket::{Hearing, UpstreamIo, UpstreamSocket};
use crate::live::Instance;

#[derive(Debug)]
pub(super) struct Link {
    sender: SendRequest<RequestBody>,
    driver: Driver,
    waker: RelayWaker,
    pub(super) socket: Rc<UpstreamSocket>,
    /// Keeps the socket in the worker's list.
    _listed: super::worker::Listed,
}

#[derive(Debug)]
enum Driver {
    /// Whoever uses the link polls the connection.
    Here(Connection<TokioIo<UpstreamIo>, RequestBody>),
    /// It has ended, and what it left behind has not been taken.
    Over(Connection<TokioIo<UpstreamIo>, RequestBody>),
    Gone,
    /// A task polls it.
    Task,
}

/// Why a request has no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// Not a byte went out; here it is again.
    Unsent(Box<Request<RequestBody>>),
    /// The instance may have seen it.
    Broken(hyper::Error),
}

/// Connects to an instance, within `limit`. With `uid`, only to a program of that user.
///
/// Apps share the machine's network: when one has crashed, another one may listen in its place before anybody knows. So
/// whose the listening socket is gets asked before and after. What listened all the time is what we are connected with.
pub(super) async fn connect(
    address: SocketAddr,
    uid: Option<u32>,
    limit: Duration,
) -> io::Result<TcpStream> {
    let before = uid.map(|uid| listener_of(uid, address)).transpose()?;
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_nodelay(true)?;
    let stream = tokio::time::timeout(limit, socket.connect(address)).await??;
    let after = uid.map(|uid| listener_of(uid, address)).transpose()?;
    if before == after { Ok(stream) } else { Err(io::ErrorKind::ConnectionReset.into()) }
}

/// What listens at an address, if it is this user's.
fn listener_of(uid: u32, address: SocketAddr) -> io::Result<listeners::Listener> {
    match listeners::at(address)? {
        Some(listener) if listener.uid == uid => Ok(listener),
        Some(listener) => {
            tracing::debug!(%address, wanted = uid, found = listener.uid, "somebody else listens in an instance's place");
            Err(io::ErrorKind::PermissionDenied.into())
        }
        None => Err(io::ErrorKind::ConnectionRefused.into()),
    }
}

impl Link {
    pub(super) async fn new(
        stream: TcpStream,
        instance: Arc<Instance>,
        buffer: usize,
        list: impl FnOnce(&Rc<UpstreamSocket>) -> super::worker::Listed,
    ) -> hyper::Result<Self> {
        let socket = Rc::new(UpstreamSocket::new(stream, instance));
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(buffer)
            .handshake(TokioIo::new(UpstreamIo(Rc::clone(&socket))))
            .await?;
        let listed = list(&socket);
        Ok(Self {
            sender,
            driver: Driver::Here(connection),
            waker: RelayWaker::new(),
            socket,
            _listed: listed,
        })
    }

    /// Sends `request` and waits for the head of the answer. Its body is to be had by [`Link::poll_frame`].
    pub(super) async fn exchange(
        &mut self,
        request: Request<RequestBody>,
        tasks: &TaskTracker,
    ) -> Result<Response<Incoming>, Failure> {
        if !request.body().is_end_stream() {
            self.move_to_task(tasks);
        }
        self.socket.exchanges.set(self.socket.exchanges.get() + 1);
        self.socket.waiting.set(true);
        self.socket.heard.set(false);
        let mut answer = std::pin::pin!(self.sender.try_send_request(request));
        let (driver, waker) = (&mut self.driver, &self.waker);
        let result =
            std::future::poll_fn(|cx| driver.poll_answer(cx, waker, answer.as_mut())).await;
        self.socket.waiting.set(false);
        result.map_err(|mut error| match error.take_message() {
            Some(request) => Failure::Unsent(Box::new(request)),
            None => Failure::Broken(error.into_error()),
        })
    }

    /// The next frame of the answer's body.
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        mut body: Pin<&mut Incoming>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let over = self.driver.drive(cx, &self.waker);
        let driver = &self.driver;
        let frame = self.waker.quietly(
            || body.as_mut().poll_frame(&mut driver.quiet(cx)),
            // After a frame the next is asked for, and the connection moves on then.
            Poll::is_pending,
        );
        if over && frame.is_pending() {
            // Nothing more comes; without its connection the body says so.
            self.driver = Driver::Gone;
            return body.poll_frame(cx);
        }
        frame
    }

    /// Whether another exchange can begin, after one has ended.
    pub(super) fn is_reusable(&mut self) -> bool {
        let over = self.driver.poll(&mut Context::from_waker(Waker::noop()));
        !over && self.is_open()
    }

    /// Whether an idle link still waits for a request.
    pub(super) fn is_open(&self) -> bool {
        if self.socket.hearing.get() != Hearing::Listens {
            return false;
        }
        match self.driver {
            Driver::Here(_) => self.sender.is_ready(),
            Driver::Task => !self.sender.is_closed(),
            Driver::Over(_) | Driver::Gone => false,
        }
    }

    /// After an answer that switches protocols: what the instance has sent beyond it.
    pub(super) async fn into_switched(
        mut self,
    ) -> (Rc<UpstreamSocket>, Bytes, super::worker::Listed) {
        std::future::poll_fn(|cx| match self.driver.poll(cx) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
        self.socket.hearing.set(Hearing::Strict);
        let ahead = match std::mem::replace(&mut self.driver, Driver::Gone) {
            Driver::Over(connection) => connection.into_parts().read_buf,
            Driver::Here(_) | Driver::Gone | Driver::Task => Bytes::new(),
        };
        (self.socket, ahead, self._listed)
    }

    fn move_to_task(&mut self, tasks: &TaskTracker) {
        match std::mem::replace(&mut self.driver, Driver::Task) {
            Driver::Here(connection) => {
                tasks.spawn_local(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "a connection to an instance broke off");
                    }
                });
            }
            other => self.driver = other,
        }
    }
}

impl Driver {
    /// Lets the connection move, when that is for the caller to do. True when it has ended.
    fn drive(&mut self, cx: &mut Context<'_>, waker: &RelayWaker) -> bool {
        self.poll(&mut Context::from_waker(waker.to(cx.waker())))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let Self::Here(connection) = self else {
            return matches!(self, Self::Over(_) | Self::Gone);
        };
        match connection.poll_without_shutdown(cx) {
            Poll::Pending => false,
            Poll::Ready(result) => {
                if let Err(error) = result {
                    tracing::debug!(%error, "a connection to an instance broke off");
                }
                if let Self::Here(connection) = std::mem::replace(self, Self::Gone) {
                    *self = Self::Over(connection);
                }
                true
            }
        }
    }

    /// When the connection is driven here, whatever it makes ready is looked at right afterwards: waking the
    /// very task that is running would only make it run once more. A task that has used up its share of the
    /// thread is another matter; it must be woken to go on.
    fn quiet<'a>(&self, cx: &'a mut Context<'_>) -> Context<'a> {
        match self {
            Self::Here(_) if coop::has_budget_remaining() => Context::from_waker(Waker::noop()),
            _ => Context::from_waker(cx.waker()),
        }
    }

    fn poll_answer<F>(
        &mut self,
        cx: &mut Context<'_>,
        waker: &RelayWaker,
        mut answer: Pin<&mut F>,
    ) -> Poll<Result<Response<Incoming>, TrySendError<Request<RequestBody>>>>
    where
        F: Future<Output = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>>,
    {
        let over = self.drive(cx, waker);
        if let Poll::Ready(answer) = answer.as_mut().poll(&mut self.quiet(cx)) {
            return Poll::Ready(answer);
        }
        if over {
            // Only when the connection is dropped does a request that it has not begun come back.
            *self = Self::Gone;
            return answer.poll(cx);
        }
        Poll::Pending
    }
}
