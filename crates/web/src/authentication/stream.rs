//! Answers that go on for long end when their reader's token is revoked: they are cut, and who comes back is told why.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use control::Control;
use hyper::body::{Frame, SizeHint};
use types::TokenId;

/// An answer whose length is known is being written already; the others have an end put to them.
pub(super) fn until_revoked(response: Response, control: &Control, token: TokenId) -> Response {
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    let control = control.clone();
    let revoked = Box::pin(async move { control.until_revoked(token).await });
    response.map(|body| Body::new(Revocable { body, revoked }))
}

struct Revocable {
    body: Body,
    revoked: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl HttpBody for Revocable {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.revoked.as_mut().poll(cx).is_ready() {
            let why = io::Error::other("the token was revoked");
            return Poll::Ready(Some(Err(axum::Error::new(why))));
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
