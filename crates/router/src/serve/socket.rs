//! TCP streams that the worker keeps a hand on while hyper reads and writes them: to see whether they make
//! progress, and to shut them down.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use rustix::net::{RecvFlags, Shutdown};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::watch::{ClientWatch, UpstreamWatch};
use crate::framing::Framing;
use crate::live::Instance;

/// Up to this many bytes are sent from one place rather than from several: copying them costs less than what
/// writev(2) does beyond send(2).
const GATHERED: usize = 4096;
/// The head of a request mostly fits.
const FIRST: usize = 2048;

/// Writes `slices`, in one system call.
fn write_together(
    stream: &mut TcpStream,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    if let [only] = slices {
        return Pin::new(stream).poll_write(cx, only);
    }
    let total: usize = slices.iter().map(|slice| slice.len()).sum();
    if total > GATHERED {
        return Pin::new(stream).poll_write_vectored(cx, slices);
    }
    let mut gathered = [MaybeUninit::uninit(); GATHERED];
    let mut gathered = ReadBuf::uninit(&mut gathered);
    for slice in slices {
        gathered.put_slice(slice);
    }
    Pin::new(stream).poll_write(cx, gathered.filled())
}

/// A client's connection.
#[derive(Debug)]
pub(super) struct ClientSocket {
    stream: RefCell<TcpStream>,
    /// What was read to find out which protocol the client speaks.
    first: RefCell<Bytes>,
    pub(super) framing: RefCell<Framing>,
    /// Requests under way, each from its head to the end of its answer.
    pub(super) active: Cell<u32>,
    pub(super) read_blocked: Cell<bool>,
    pub(super) write_blocked: Cell<bool>,
    /// A byte went either way since the watch looked last.
    pub(super) progressed: Cell<bool>,
    /// It was closed by the watch or cannot be read further.
    pub(super) condemned: Cell<bool>,
    pub(super) watch: Cell<ClientWatch>,
    pub(super) is_http2: Cell<bool>,
    /// Asks an HTTP/2 connection to end after the streams that it has.
    pub(super) wind_up: Notify,
}

impl ClientSocket {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream: RefCell::new(stream),
            first: RefCell::default(),
            framing: RefCell::default(),
            active: Cell::new(0),
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
    pub(super) fn poll_first(
        &self,
        cx: &mut Context<'_>,
        first: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        let mut buffer = [MaybeUninit::uninit(); FIRST];
        let mut buffer = ReadBuf::uninit(&mut buffer);
        let read = Pin::new(&mut *self.stream.borrow_mut()).poll_read(cx, &mut buffer)?;
        first.extend_from_slice(buffer.filled());
        read.map(|()| Ok(buffer.filled().len()))
    }

    /// Gives back bytes that were read ahead; they are read again first.
    pub(super) fn unread(&self, bytes: Bytes) {
        *self.first.borrow_mut() = bytes;
    }

    /// Sends what fits into the socket at once, and no more.
    pub(super) fn last_words(&self, bytes: &[u8]) {
        // Whether the client still listens makes no difference.
        let _ = self.stream.borrow().try_write(bytes);
    }

    pub(super) fn shut_down(&self, how: Shutdown) {
        if how != Shutdown::Write {
            self.condemned.set(true);
        }
        // A connection that is gone already needs no shutting down.
        let _ = rustix::net::shutdown(&*self.stream.borrow(), how);
    }
}

/// One hand on a client's connection: what hyper and tunnels read and write.
#[derive(Debug, Clone)]
pub(super) struct ClientIo(pub(super) Rc<ClientSocket>);

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
            let read = Pin::new(&mut *socket.stream.borrow_mut()).poll_read(cx, buffer)?;
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
        let socket = &*self.0;
        let written = Pin::new(&mut *socket.stream.borrow_mut()).poll_write(cx, bytes);
        socket.write_blocked.set(written.is_pending());
        socket.progressed.set(true);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let socket = &*self.0;
        let written = write_together(&mut socket.stream.borrow_mut(), cx, slices);
        socket.write_blocked.set(written.is_pending());
        socket.progressed.set(true);
        written
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

/// A connection to an instance.
#[derive(Debug)]
pub(super) struct UpstreamSocket {
    stream: RefCell<TcpStream>,
    pub(super) instance: Arc<Instance>,
    /// A request went out and the head of its answer has not come.
    pub(super) waiting: Cell<bool>,
    /// Counts the requests, so that the watch can tell them apart.
    pub(super) exchanges: Cell<u64>,
    pub(super) progressed: Cell<bool>,
    pub(super) timed_out: Cell<bool>,
    pub(super) hearing: Cell<Hearing>,
    pub(super) watch: Cell<UpstreamWatch>,
}

/// Whether an instance still takes what is sent to it. One that answers early and closes is told apart from one that
/// gives no answer only by reading on, so a failed write is kept from hyper, which would stop reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hearing {
    Listens,
    /// A write failed; what is sent now goes nowhere.
    Deaf,
    /// Writes may fail: after a switch of protocols there is no answer to wait for.
    Strict,
}

impl UpstreamSocket {
    pub(super) fn new(stream: TcpStream, instance: Arc<Instance>) -> Self {
        Self {
            stream: RefCell::new(stream),
            instance,
            waiting: Cell::new(false),
            exchanges: Cell::new(0),
            progressed: Cell::new(false),
            timed_out: Cell::new(false),
            hearing: Cell::new(Hearing::Listens),
            watch: Cell::new(UpstreamWatch::default()),
        }
    }

    pub(super) fn shut_down(&self) {
        // A connection that is gone already needs no shutting down.
        let _ = rustix::net::shutdown(&*self.stream.borrow(), Shutdown::Both);
    }

    /// What hyper is told of a write of `length` bytes.
    fn written(
        &self,
        written: Poll<io::Result<usize>>,
        length: impl FnOnce() -> usize,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Err(_)) if self.hearing.get() != Hearing::Strict => {
                self.hearing.set(Hearing::Deaf);
                Poll::Ready(Ok(length()))
            }
            other => other,
        }
    }

    pub(super) fn end_writing(&self) {
        // As above.
        let _ = rustix::net::shutdown(&*self.stream.borrow(), Shutdown::Write);
    }

    /// Whether an idle connection is still as it was: open, and without a byte that nobody asked for. Asks the
    /// kernel, which knows earlier than the event loop.
    pub(super) fn is_quiet(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let peeked = rustix::net::recv(&*self.stream.borrow(), &mut [0_u8; 1][..], flags);
        matches!(peeked, Err(rustix::io::Errno::AGAIN))
    }
}

/// One hand on a connection to an instance.
#[derive(Debug, Clone)]
pub(super) struct UpstreamIo(pub(super) Rc<UpstreamSocket>);

impl AsyncRead for UpstreamIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.stream.borrow_mut()).poll_read(cx, buffer)
    }
}

impl AsyncWrite for UpstreamIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let socket = &*self.0;
        socket.progressed.set(true);
        if socket.hearing.get() == Hearing::Deaf {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut *socket.stream.borrow_mut()).poll_write(cx, bytes);
        socket.written(written, || bytes.len())
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let socket = &*self.0;
        let length = || slices.iter().map(|slice| slice.len()).sum();
        socket.progressed.set(true);
        if socket.hearing.get() == Hearing::Deaf {
            return Poll::Ready(Ok(length()));
        }
        let written = write_together(&mut socket.stream.borrow_mut(), cx, slices);
        socket.written(written, length)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.stream.borrow_mut()).poll_shutdown(cx)
    }
}
