//! What a git client is told instead of what it asked for. Git shows the words to the person behind it when it asks for
//! refs, which it does first.

use ::http::header::{ALLOW, HeaderValue, RETRY_AFTER};
use ::http::{Response, StatusCode};

use super::answer::{Body, words};
use super::request::Service;
use crate::Error;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    NotFound,
    NoRepository,
    Dumb,
    UnknownService,
    Method(&'static str),
    ContentType(Service),
    ContentEncoding,
    Protocol,
    ReadOnly,
    DiskFull,
    TooManyFetches,
    TooManyPushes,
    RequestTooLarge,
    /// Git could make nothing of the body.
    Unreadable(Service),
    /// Ours to mend; the log says what.
    Internal,
}

impl Refused {
    pub(super) fn internal(error: &Error) -> Self {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(%error, cause, "git could not be served");
        Self::Internal
    }

    pub(super) fn response(&self) -> Response<Body> {
        let mut response = words(self.status(), self.words());
        let (name, value) = match self {
            Self::Method(allowed) => (ALLOW, *allowed),
            Self::TooManyFetches | Self::TooManyPushes => (RETRY_AFTER, "60"),
            _ => return response,
        };
        response.headers_mut().insert(name, HeaderValue::from_static(value));
        response
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::NoRepository => StatusCode::NOT_FOUND,
            Self::Dumb | Self::UnknownService | Self::ReadOnly => StatusCode::FORBIDDEN,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType(_) | Self::ContentEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Protocol | Self::Unreadable(_) => StatusCode::BAD_REQUEST,
            Self::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            Self::TooManyFetches | Self::TooManyPushes => StatusCode::SERVICE_UNAVAILABLE,
            Self::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn words(&self) -> &'static str {
        match self {
            Self::NotFound => "a git repository has no such path",
            Self::NoRepository => "there is no such app, or it has no repository yet",
            Self::Dumb => "git's old dumb protocol is not served; update git",
            Self::UnknownService => "only git-upload-pack and git-receive-pack are served",
            Self::Method("GET") => "only GET is answered here",
            Self::Method(_) => "only POST is answered here",
            Self::ContentType(Service::UploadPack) => {
                "the content type has to be application/x-git-upload-pack-request"
            }
            Self::ContentType(Service::ReceivePack) => {
                "the content type has to be application/x-git-receive-pack-request"
            }
            Self::ContentEncoding => "the only content encoding is gzip",
            Self::Protocol => "the Git-Protocol header is malformed",
            Self::ReadOnly => "you may read this app, but not push to it",
            Self::DiskFull => {
                "the server's disk is nearly full, so that it takes no pushes; nothing has changed. Whoever runs \
                 the server has to make room"
            }
            Self::TooManyFetches => "too many fetches are under way; try again in a minute",
            Self::TooManyPushes => "too many pushes are under way; try again in a minute",
            Self::RequestTooLarge => "a fetch cannot ask for that much",
            Self::Unreadable(Service::UploadPack) => "git cannot read this as a fetch",
            Self::Unreadable(Service::ReceivePack) => "git cannot read this as a push",
            Self::Internal => "Solum failed; its log tells why",
        }
    }
}
