//! The bodies of answers: text of our own, or what an instance sends, for as long as it sends. And those of requests.

use std::cell::Cell;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::connection::Active;
use super::upstream::Link;
use super::worker::Worker;
use crate::live::Claim;
use crate::metrics::ErrorKind;

#[derive(Debug)]
pub(super) struct AnswerBody {
    source: Source,
    _active: Option<Active>,
}

#[derive(Debug)]
enum Source {
    Ours(Option<Bytes>),
    Instance(InstanceBody),
}

/// Holds the claim on the instance until the answer has ended, and gives the connection back then.
#[derive(Debug)]
struct InstanceBody {
    incoming: Incoming,
    link: Option<Box<Link>>,
    claim: Claim,
    worker: Rc<Worker>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Flowing,
    Ended,
    Broken,
}

impl AnswerBody {
    pub(super) fn ours(text: Bytes, active: Active) -> Self {
        let text = Some(text).filter(|text| !text.is_empty());
        Self { source: Source::Ours(text), _active: Some(active) }
    }

    /// Of an answer that switches protocols.
    pub(super) fn nothing() -> Self {
        Self { source: Source::Ours(None), _active: None }
    }

    pub(super) fn of_instance(
        incoming: Incoming,
        link: Box<Link>,
        claim: Claim,
        worker: Rc<Worker>,
        active: Active,
    ) -> Self {
        let link = Some(link);
        let state = State::Flowing;
        let body = InstanceBody { incoming, link, claim, worker, state };
        Self { source: Source::Instance(body), _active: Some(active) }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.source {
            Source::Ours(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Source::Instance(body) => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Ours(text) => text.is_none(),
            Source::Instance(body) => body.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Ours(text) => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
            Source::Instance(body) => body.incoming.size_hint(),
        }
    }
}

impl InstanceBody {
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(link) = &mut self.link else { return Poll::Ready(None) };
        let frame = link.poll_frame(cx, Pin::new(&mut self.incoming));
        match &frame {
            Poll::Ready(None) => self.state = State::Ended,
            Poll::Ready(Some(Err(_))) => {
                self.state = State::Broken;
                self.count(ErrorKind::BrokenOff);
            }
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        frame
    }

    fn count(&self, kind: ErrorKind) {
        self.claim.counters().failed(kind);
    }
}

impl Drop for InstanceBody {
    fn drop(&mut self) {
        if self.state == State::Flowing && self.incoming.is_end_stream() {
            self.state = State::Ended;
        }
        match (self.state, self.link.take()) {
            (State::Ended, Some(link)) => self.worker.pool.give(link),
            // The client went away before it had everything; the connection is of no use any more.
            (State::Flowing, _) => self.count(ErrorKind::Abandoned),
            _ => {}
        }
    }
}

/// What an instance is sent.
#[derive(Debug)]
pub(super) enum RequestBody {
    /// With a flag for whoever wants to know whether the client kept to what it said about its length.
    Client(Incoming, Option<Rc<Cell<bool>>>),
    /// Of a request that is sent a second time.
    Nothing,
}

impl RequestBody {
    pub(super) fn of_client(incoming: Incoming) -> Self {
        let flag = (!incoming.is_end_stream()).then(Rc::default);
        Self::Client(incoming, flag)
    }

    /// Set when the body could not be read to its end.
    pub(super) fn broken_flag(&self) -> Option<Rc<Cell<bool>>> {
        match self {
            Self::Client(_, flag) => flag.clone(),
            Self::Nothing => None,
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut *self {
            Self::Client(incoming, flag) => {
                let frame = Pin::new(incoming).poll_frame(cx);
                if let (Poll::Ready(Some(Err(_))), Some(flag)) = (&frame, flag) {
                    flag.set(true);
                }
                frame
            }
            Self::Nothing => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Client(incoming, _) => incoming.is_end_stream(),
            Self::Nothing => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Client(incoming, _) => incoming.size_hint(),
            Self::Nothing => SizeHint::with_exact(0),
        }
    }
}

/// hyper's services may fail; ours answer instead.
pub(super) type Answer = Result<http::Response<AnswerBody>, Infallible>;
