use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustix::net::{RecvFlags, Shutdown};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::super::watch::UpstreamWatch;
use super::write_together;
use crate::live::Instance;

/// A connection to an instance.
#[derive(Debug)]
pub(in crate::serve) struct UpstreamSocket {
    stream: RefCell<TcpStream>,
    pub(in crate::serve) instance: Arc<Instance>,
    /// A request went out and the head of its answer has not come.
    pub(in crate::serve) waiting: Cell<bool>,
    /// Counts the requests, so that the watch can tell them apart.
    pub(in crate::serve) exchanges: Cell<u64>,
    pub(in crate::serve) progressed: Cell<bool>,
    pub(in crate::serve) timed_out: Cell<bool>,
    /// Something came since the last request began.
    pub(in crate::serve) heard: Cell<bool>,
    pub(in crate::serve) hearing: Cell<Hearing>,
    pub(in crate::serve) watch: Cell<UpstreamWatch>,
}

/// Whether an instance still takes what is sent to it. One that answers early and closes is told apart from one that
/// gives no answer only by reading on, so a failed write is kept from hyper, which would stop reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::serve) enum Hearing {
    Listens,
    /// A write failed; what is sent now goes nowhere.
    Deaf,
    /// Writes may fail: after a switch of protocols there is no answer to wait for.
    Strict,
}

impl UpstreamSocket {
    pub(in crate::serve) fn new(stream: TcpStream, instance: Arc<Instance>) -> Self {
        Self {
            stream: RefCell::new(stream),
            instance,
            waiting: Cell::new(false),
            exchanges: Cell::new(0),
            progressed: Cell::new(false),
            timed_out: Cell::new(false),
            heard: Cell::new(false),
            hearing: Cell::new(Hearing::Listens),
            watch: Cell::new(UpstreamWatch::default()),
        }
    }

    pub(in crate::serve) fn shut_down(&self) {
        // A connection that is gone already needs no shutting down.
        let _ = rustix::net::shutdown(&*self.stream.borrow(), Shutdown::Both);
    }

    /// What hyper is told of a write of `length` bytes.
    fn written(
        &self,
        written: Poll<io::Result<usize>>,
        length: impl FnOnce() -> usize,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.progressed.set(true);
        }
        match written {
            Poll::Ready(Err(_)) if self.hearing.get() != Hearing::Strict => {
                self.hearing.set(Hearing::Deaf);
                Poll::Ready(Ok(length()))
            }
            other => other,
        }
    }

    pub(in crate::serve) fn end_writing(&self) {
        // As above.
        let _ = rustix::net::shutdown(&*self.stream.borrow(), Shutdown::Write);
    }

    /// Whether an idle connection is still as it was: open, and without a byte that nobody asked for. Asks the
    /// kernel, which knows earlier than the event loop.
    pub(in crate::serve) fn is_quiet(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let peeked = rustix::net::recv(&*self.stream.borrow(), &mut [0_u8; 1][..], flags);
        matches!(peeked, Err(rustix::io::Errno::AGAIN))
    }
}

/// One hand on a connection to an instance.
#[derive(Debug, Clone)]
pub(in crate::serve) struct UpstreamIo(pub(in crate::serve) Rc<UpstreamSocket>);

impl AsyncRead for UpstreamIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut *self.0.stream.borrow_mut()).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.0.heard.set(true);
        }
        read
    }
}

impl AsyncWrite for UpstreamIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let socket = &*self.0;
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
        if socket.hearing.get() == Hearing::Deaf {
            return Poll::Ready(Ok(length()));
        }
        let written = write_together(
            (Pin::new(&mut *socket.stream.borrow_mut()), cx),
            slices,
            |(stream, cx), bytes| stream.poll_write(cx, bytes),
            |(stream, cx), slices| stream.poll_write_vectored(cx, slices),
        );
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
