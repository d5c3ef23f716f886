//! A stream that the event loop learns of only when it has to wait for it.
//!
//! A client that asks for one thing and goes away has mostly sent its request by the time it is accepted, and takes
//! the answer at once. Then the two system calls that introduce its stream to the event loop, and take
//! it out again, are saved.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much is read at a time before the event loop knows the stream. The head of a request mostly fits.
const DIRECT_READ: usize = 2048;

#[derive(Debug)]
pub(super) enum LazyStream {
    /// Does not block.
    Direct(std::net::TcpStream),
    Registered(tokio::net::TcpStream),
    /// The event loop refused it.
    Lost,
}

impl LazyStream {
    pub(super) fn is_direct(&self) -> bool {
        matches!(self, Self::Direct(_))
    }

    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Self::Direct(stream) = self {
            let room = buffer.remaining().min(DIRECT_READ);
            match again(|| stream.read(buffer.initialize_unfilled_to(room))) {
                Poll::Ready(Ok(length)) => buffer.advance(length),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Pin::new(self.register()?).poll_read(cx, buffer),
            }
            return Poll::Ready(Ok(()));
        }
        Pin::new(self.register()?).poll_read(cx, buffer)
    }

    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Self::Direct(stream) = self
            && let written @ Poll::Ready(_) = again(|| stream.write(bytes))
        {
            return written;
        }
        Pin::new(self.register()?).poll_write(cx, bytes)
    }

    pub(super) fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Self::Direct(stream) = self
            && let written @ Poll::Ready(_) = again(|| stream.write_vectored(slices))
        {
            return written;
        }
        Pin::new(self.register()?).poll_write_vectored(cx, slices)
    }

    /// Sends what fits into the socket now.
    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Direct(stream) => stream.write(bytes),
            Self::Registered(stream) => stream.try_write(bytes),
            Self::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Direct(stream) => Some(stream.as_fd()),
            Self::Registered(stream) => Some(stream.as_fd()),
            Self::Lost => None,
        }
    }

    /// The stream as the event loop knows it.
    fn register(&mut self) -> io::Result<&mut tokio::net::TcpStream> {
        if self.is_direct()
            && let Self::Direct(stream) = std::mem::replace(self, Self::Lost)
        {
            *self = Self::Registered(tokio::net::TcpStream::from_std(stream)?);
        }
        match self {
            Self::Registered(stream) => Ok(stream),
            Self::Direct(_) | Self::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// Pending when the socket would block.
fn again<T>(mut call: impl FnMut() -> io::Result<T>) -> Poll<io::Result<T>> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return Poll::Ready(done),
        }
    }
}
