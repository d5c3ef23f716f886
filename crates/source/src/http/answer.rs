//! The responses that git clients get.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use ::http::{Response, StatusCode};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use tokio::sync::mpsc;

use super::request::Service;

/// The body of a response to a git client.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

pub(super) fn words(status: StatusCode, words: &str) -> Response<Body> {
    let body = Full::from(format!("{words}\n")).boxed_unsync();
    response(status, HeaderValue::from_static("text/plain; charset=utf-8"), body)
}

pub(super) fn advertisement(service: Service, body: Body) -> Response<Body> {
    let content_type = match service {
        Service::UploadPack => "application/x-git-upload-pack-advertisement",
        Service::ReceivePack => "application/x-git-receive-pack-advertisement",
    };
    response(StatusCode::OK, HeaderValue::from_static(content_type), body)
}

pub(super) fn result(service: Service, body: Body) -> Response<Body> {
    let content_type = match service {
        Service::UploadPack => "application/x-git-upload-pack-result",
        Service::ReceivePack => "application/x-git-receive-pack-result",
    };
    response(StatusCode::OK, HeaderValue::from_static(content_type), body)
}

fn response(status: StatusCode, content_type: HeaderValue, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    let no_caching = HeaderValue::from_static("no-cache, max-age=0, must-revalidate");
    response.headers_mut().insert(CACHE_CONTROL, no_caching);
    response
}

/// What a git at work prints, as it prints it.
pub(super) struct Printed {
    first: [Option<Bytes>; 2],
    rest: mpsc::Receiver<Bytes>,
}

impl Printed {
    pub(super) fn new(preamble: &'static [u8], first: Bytes, rest: mpsc::Receiver<Bytes>) -> Self {
        let preamble = (!preamble.is_empty()).then(|| Bytes::from_static(preamble));
        Self { first: [preamble, Some(first)], rest }
    }
}

impl http_body::Body for Printed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if let Some(bytes) = this.first.iter_mut().find_map(Option::take) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        this.rest.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
