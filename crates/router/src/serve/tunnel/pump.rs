//! One direction of a tunnel.

use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::websocket::Frames;

const READ: usize = 16 * 1024;

#[derive(Debug)]
pub(super) struct Pump {
    /// Read, and not yet written. Empty before more is read, so that it is bounded.
    pending: BytesMut,
    /// None for protocols that we do not follow.
    frames: Option<Frames>,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Open,
    /// `frame` goes out as soon as what was passed on ends at the end of a message, or of a frame
    /// when there is no patience left.
    Closing {
        frame: Vec<u8>,
        patient: bool,
    },
    /// A close frame has been passed on; what still comes is only looked through for the answer to ours.
    Closed,
    /// The source has said its last, and it was passed on.
    Ended,
}

/// What a poll came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// It waits, or had ended before.
    Waiting,
    Ended,
    Broken,
}

impl Pump {
    pub(super) fn new(ahead: Bytes, is_websocket: bool) -> Self {
        let mut pump = Self {
            pending: BytesMut::new(),
            frames: is_websocket.then(Frames::default),
            state: State::Open,
        };
        pump.take(&ahead);
        pump
    }

    pub(super) fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Passes on a close frame at the next end of a message, or (without patience) of a frame. Does nothing
    /// when one has gone by.
    pub(super) fn close(&mut self, frame: Vec<u8>, patient: bool) {
        if matches!(self.state, State::Open | State::Closing { .. }) {
            self.state = State::Closing { frame, patient };
            self.put_close();
        }
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut (impl AsyncRead + Unpin),
        sink: &mut (impl AsyncWrite + Unpin),
    ) -> Moved {
        if self.is_ended() {
            return Moved::Waiting;
        }
        loop {
            while !self.pending.is_empty() {
                match Pin::new(&mut *sink).poll_write(cx, &self.pending) {
                    Poll::Pending => return Moved::Waiting,
                    Poll::Ready(Ok(written @ 1..)) => self.pending.advance(written),
                    Poll::Ready(Ok(0) | Err(_)) => return Moved::Broken,
                }
            }
            // An idle tunnel holds no buffer.
            self.pending = BytesMut::new();
            let answered = self.frames.as_ref().is_some_and(Frames::is_closed);
            if self.state == State::Closed && answered {
                self.state = State::Ended;
                return Moved::Ended;
            }
            let mut read = [const { MaybeUninit::uninit() }; READ];
            let mut read = ReadBuf::uninit(&mut read);
            match Pin::new(&mut *source).poll_read(cx, &mut read) {
                Poll::Pending => return Moved::Waiting,
                Poll::Ready(Err(_)) => return Moved::Broken,
                Poll::Ready(Ok(())) if read.filled().is_empty() => {
                    self.state = State::Ended;
                    return Moved::Ended;
                }
                Poll::Ready(Ok(())) => self.take(read.filled()),
            }
        }
    }

    /// Takes what the source sent: passes it on, or looks it through.
    fn take(&mut self, mut bytes: &[u8]) {
        let Some(frames) = &mut self.frames else {
            self.pending.extend_from_slice(bytes);
            return;
        };
        if self.state == State::Open {
            frames.all(bytes);
            self.pending.extend_from_slice(bytes);
            return;
        }
        while !bytes.is_empty() && matches!(self.state, State::Closing { .. }) {
            let Some(frames) = &mut self.frames else { return };
            let taken = frames.frame(bytes);
            self.pending.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            self.put_close();
        }
        if let Some(frames) = &mut self.frames {
            frames.all(bytes);
        }
    }

    /// Passes on the close frame if this is the place for it.
    fn put_close(&mut self) {
        let (Some(frames), State::Closing { frame, patient }) = (&self.frames, &self.state) else {
            return;
        };
        if frames.is_closed() {
            self.state = State::Closed;
        } else if frames.between_messages() || (!patient && frames.between_frames()) {
            self.pending.extend_from_slice(frame);
            self.state = State::Closed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"\x81\x03abc";
    const FIRST_FRAGMENT: &[u8] = b"\x01\x02ab";
    const LAST_FRAGMENT: &[u8] = b"\x80\x01c";
    const CLOSE: &[u8] = b"\x88\x02\x03\xe8";
    const OURS: &[u8] = b"\x88\x02\x03\xf4";

    fn pump(ahead: &[u8]) -> Pump {
        Pump::new(Bytes::copy_from_slice(ahead), true)
    }

    #[test]
    fn a_close_frame_goes_out_at_once_between_messages() {
        let mut pump = pump(TEXT);
        pump.close(OURS.to_vec(), true);
        assert_eq!(pump.pending, [TEXT, OURS].concat());
        pump.take(&[TEXT, CLOSE].concat());
        assert_eq!(pump.pending, [TEXT, OURS].concat(), "nothing follows a close frame");
        assert!(pump.frames.unwrap().is_closed());
    }

    #[test]
    fn a_frame_that_has_begun_is_finished_first() {
        let mut pump = pump(&TEXT[..3]);
        pump.close(OURS.to_vec(), false);
        assert_eq!(pump.pending, &TEXT[..3]);
        pump.take(&[&TEXT[3..], TEXT].concat());
        assert_eq!(pump.pending, [TEXT, OURS].concat());
    }

    #[test]
    fn a_message_in_fragments_is_finished_unless_patience_ends() {
        let mut patient = pump(FIRST_FRAGMENT);
        patient.close(OURS.to_vec(), true);
        patient.take(LAST_FRAGMENT);
        assert_eq!(patient.pending, [FIRST_FRAGMENT, LAST_FRAGMENT, OURS].concat());

        let mut impatient = pump(FIRST_FRAGMENT);
        impatient.close(OURS.to_vec(), true);
        assert_eq!(impatient.pending, FIRST_FRAGMENT);
        impatient.close(OURS.to_vec(), false);
        assert_eq!(impatient.pending, [FIRST_FRAGMENT, OURS].concat());
    }

    #[test]
    fn a_source_that_closes_by_itself_is_not_closed_again() {
        let mut before = pump(CLOSE);
        before.close(OURS.to_vec(), true);
        assert_eq!(before.pending, CLOSE);
        let mut within = pump(&TEXT[..1]);
        within.close(OURS.to_vec(), false);
        within.take(&TEXT[1..2]);
        within.take(&TEXT[2..]);
        assert_eq!(within.pending, [TEXT, OURS].concat());
        within.close(OURS.to_vec(), false);
        assert_eq!(within.pending, [TEXT, OURS].concat());
    }

    #[tokio::test]
    async fn bytes_arrive_in_order_and_the_end_after_them() {
        let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let (mut near, mut far) = tokio::io::duplex(1000);
        let mut pump = Pump::new(Bytes::copy_from_slice(&bytes[..10]), false);
        let mut source = &bytes[10..];
        let pumping = std::future::poll_fn(|cx| match pump.poll(cx, &mut source, &mut near) {
            Moved::Waiting => Poll::Pending,
            moved => Poll::Ready(moved),
        });
        let mut arrived = vec![0; bytes.len()];
        let (moved, read) =
            tokio::join!(pumping, tokio::io::AsyncReadExt::read_exact(&mut far, &mut arrived));
        assert_eq!((moved, read.unwrap()), (Moved::Ended, bytes.len()));
        assert!(arrived == bytes && pump.is_ended());
    }
}
