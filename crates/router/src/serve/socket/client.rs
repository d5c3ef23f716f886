use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use rustix::net::Shutdown;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

use super::super::watch::ClientWatch;
use super::lazy::LazyStream;
use super::write_together;
use crate::framing::Framing;

/// What is read to find out which protocol a client speaks. The head of a request mostly fits.
const FIRST: usize = 2048;

/// A client's connection.
#[derive(Debug)]
pub(in crate::serve) struct ClientSocket {
    stream: RefCell<LazyStream>,
    /// What was read to find out which protocol the client speaks.
    first: RefCell<Bytes>,
    pub(in crate::serve) framing: RefCell<Framing>,
    /// Requests under way, each from its head to the end of its answer.
    active: Cell<u32>,
    /// Who wants to know of the end of a client that waits for its answer, while the event loop does not know
    /// the stream. The watch sees to it.
    parked: RefCell<Option<Waker>>,
    /// The stream is not to be parked any more.
    attentive: Cell<bool>,
    pub(in crate::serve) read_blocked: Cell<bool>,
    pub(in crate::serve) write_blocked: Cell<bool>,
    /// A byte went either way since the watch looked last.
    pub(in crate::serve) progressed: Cell<bool>,
    /// It was closed by the watch or cannot be read further.
    pub(in crate::serve) condemned: Cell<bool>,
    pub(in crate::serve) watch: Cell<ClientWatch>,
    pub(in crate::serve) is_http2: Cell<bool>,
    /// Asks an HTTP/2 connection to end after the streams that it has.
    pub(in crate::serve) wind_up: Notify,
}

impl ClientSocket {
    /// A stream that does not block.
    pub(in crate::serve) fn new(stream: std::net::TcpStream) -> Self {
        Self {
            stream: RefCell::new(LazyStream::Direct(stream)),
            first: RefCell::default(),
            framing: RefCell::default(),
            active: Cell::new(0),
            parked: RefCell::new(None),
            attentive: Cell::new(false),
            read_blocked: Cell::new(false),
            write_blocked: Cell::new(false),
            progressed: Cell::new(false),
            condemned: Cell::new(false),
            watch: Cell::new(ClientWatch::default()),
            is_http2: Cell::new(false),
            wind_up: Notify::new(),
        }
    }

    /// Reads what the client says first, and how much that was.
    pub(in crate::serve) async fn read_first(&self, first: &mut Vec<u8>) -> io::Result<usize> {
        poll_fn(|cx| {
            let mut buffer = [MaybeUninit::uninit(); FIRST];
            let mut buffer = ReadBuf::uninit(&mut buffer);
            let read = self.stream.borrow_mut().poll_read(cx, &mut buffer)?;
            first.extend_from_slice(buffer.filled());
            read.map(|()| Ok(buffer.filled().len()))
        })
        .await
    }

    /// Gives back bytes that were read ahead; they are read again first.
    pub(in crate::serve) fn unread(&self, bytes: Bytes) {
        *self.first.borrow_mut() = bytes;
    }

    pub(in crate::serve) fn active(&self) -> u32 {
        self.active.get()
    }

    pub(in crate::serve) fn request_begins(&self) {
        self.active.set(self.active.get() + 1);
    }

    pub(in crate::serve) fn request_ends(&self) {
        self.active.set(self.active.get() - 1);
        // From here on the client may send something.
        self.wake_parked();
    }

    /// Has the event loop look after a stream that has been waiting for its answer without.
    pub(in crate::serve) fn attend(&self) {
        self.attentive.set(true);
        self.wake_parked();
    }

    fn wake_parked(&self) {
        let parked = self.parked.take();
        if let Some(waker) = parked {
            waker.wake();
        }
    }

    /// Whether nothing but the end of the connection is to be read now, and nobody looks for it yet.
    fn may_park(&self) -> bool {
        self.active.get() > 0
            && !self.attentive.get()
            && self.stream.borrow().is_direct()
            && self.framing.borrow().is_between_messages()
    }

    /// Sends what fits into the socket at once, and no more.
    pub(in crate::serve) fn last_words(&self, bytes: &[u8]) {
        // Whether the client still listens makes no difference.
        let _ = self.stream.borrow_mut().try_write(bytes);
    }

    pub(in crate::serve) fn shut_down(&self, how: Shutdown) {
        if how != Shutdown::Write {
            self.condemned.set(true);
            self.attend();
        }
        if let Some(descriptor) = self.stream.borrow().descriptor() {
            // A connection that is gone already needs no shutting down.
            let _ = rustix::net::shutdown(descriptor, how);
        }
    }

    fn written(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.write_blocked.set(written.is_pending());
        if written.is_ready() {
            self.progressed.set(true);
        }
        written
    }
}

/// One hand on a client's connection: what hyper and tunnels read and write.
#[derive(Debug, Clone)]
pub(in crate::serve) struct ClientIo(pub(in crate::serve) Rc<ClientSocket>);

impl AsyncRead for ClientIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let socket = &*self.0;
        let before = buffer.filled().len();
        let mut first = socket.first.borrow_mut();
        if first.is_empty() {
            if socket.may_park() {
                *socket.parked.borrow_mut() = Some(cx.waker().clone());
                socket.read_blocked.set(true);
                return Poll::Pending;
            }
            let read = socket.stream.borrow_mut().poll_read(cx, buffer)?;
            socket.read_blocked.set(read.is_pending());
            if read.is_pending() {
                return Poll::Pending;
            }
            socket.progressed.set(true);
        } else {
            let here = first.len().min(buffer.remaining());
            buffer.put_slice(&first[..here]);
            first.advance(here);
            if first.is_empty() {
                *first = Bytes::new();
            }
        }
        socket.framing.borrow_mut().read(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.0.stream.borrow_mut().poll_write(cx, bytes);
        self.0.written(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = write_together(
            (&mut *self.0.stream.borrow_mut(), cx),
            slices,
            |(stream, cx), bytes| stream.poll_write(cx, bytes),
            |(stream, cx), slices| stream.poll_write_vectored(cx, slices),
        );
        self.0.written(written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// hyper asks for this when it has written everything. How the connection is closed is for
    /// `connection` to decide, which may have a tunnel to open on it.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
