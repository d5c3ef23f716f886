//! What a git client asks for, read from a request's head.

use ::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use ::http::{Method, Request};

use super::refused::Refused;

/// A longer one is not from git.
const PROTOCOL_BYTES: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    UploadPack,
    ReceivePack,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Advertisement { service: Service, protocol: Option<String> },
    Call { service: Service, protocol: Option<String>, gzip: bool },
}

impl Service {
    pub(super) fn subcommand(self) -> &'static str {
        match self {
            Self::UploadPack => "upload-pack",
            Self::ReceivePack => "receive-pack",
        }
    }

    /// What stands before the refs, except in protocol version 2.
    pub(super) fn preamble(self, protocol: Option<&str>) -> &'static [u8] {
        if protocol.is_some_and(|p| p.split(':').any(|key| key == "version=2")) {
            return b"";
        }
        match self {
            Self::UploadPack => b"001e# service=git-upload-pack\n0000",
            Self::ReceivePack => b"001f# service=git-receive-pack\n0000",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        match name {
            "git-upload-pack" => Some(Self::UploadPack),
            "git-receive-pack" => Some(Self::ReceivePack),
            _ => None,
        }
    }
}

impl Asked {
    pub(super) fn read<B>(request: &Request<B>, path: &str) -> Result<Self, Refused> {
        let path = path.trim_start_matches('/');
        if path == "info/refs" {
            if request.method() != Method::GET {
                return Err(Refused::Method("GET"));
            }
            let query = request.uri().query().unwrap_or_default();
            let service = query.split('&').find_map(|pair| pair.strip_prefix("service="));
            let service = Service::from_name(service.ok_or(Refused::Dumb)?);
            let service = service.ok_or(Refused::UnknownService)?;
            return Ok(Self::Advertisement { service, protocol: protocol(request, service)? });
        }
        let Some(service) = Service::from_name(path) else {
            let dumb = path == "HEAD" || path.starts_with("objects/");
            return Err(if dumb { Refused::Dumb } else { Refused::NotFound });
        };
        if request.method() != Method::POST {
            return Err(Refused::Method("POST"));
        }
        let expected = format!("application/x-{path}-request");
        if request.headers().get(CONTENT_TYPE).is_none_or(|given| *given != *expected) {
            return Err(Refused::ContentType(service));
        }
        let gzip = match request.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"identity") => false,
            Some(b"gzip" | b"x-gzip") => true,
            Some(_) => return Err(Refused::ContentEncoding),
        };
        Ok(Self::Call { service, protocol: protocol(request, service)?, gzip })
    }
}

/// The `Git-Protocol` header. Version 2 is not defined for pushes, and asking for it means the oldest one.
fn protocol<B>(request: &Request<B>, service: Service) -> Result<Option<String>, Refused> {
    let Some(value) = request.headers().get("git-protocol") else { return Ok(None) };
    let plain = |c: char| c.is_ascii_alphanumeric() || "=:.-_".contains(c);
    let text = value
        .to_str()
        .ok()
        .filter(|text| text.len() <= PROTOCOL_BYTES && text.chars().all(plain))
        .ok_or(Refused::Protocol)?;
    let two = text.split(':').any(|key| key == "version=2");
    Ok((service == Service::UploadPack || !two).then(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(request: ::http::request::Builder, path: &str) -> Result<Asked, Refused> {
        Asked::read(&request.body(()).unwrap(), path)
    }

    #[test]
    fn version_two_is_for_fetches_only() {
        let request = |service: &str| {
            Request::get(format!("/x.git/info/refs?service={service}"))
                .header("git-protocol", "version=2")
        };
        assert_eq!(
            asked(request("git-upload-pack"), "/info/refs"),
            Ok(Asked::Advertisement {
                service: Service::UploadPack,
                protocol: Some("version=2".to_owned())
            })
        );
        assert_eq!(
            asked(request("git-receive-pack"), "/info/refs"),
            Ok(Asked::Advertisement { service: Service::ReceivePack, protocol: None })
        );
    }

    #[test]
    fn what_is_not_git_is_refused_by_what_is_wrong_with_it() {
        let post = || Request::post("/");
        assert_eq!(asked(Request::get("/"), "/info/refs"), Err(Refused::Dumb));
        assert_eq!(asked(Request::get("/"), "/objects/12/34"), Err(Refused::Dumb));
        assert_eq!(asked(Request::get("/"), "/config"), Err(Refused::NotFound));
        assert_eq!(asked(Request::get("/"), "/git-upload-pack"), Err(Refused::Method("POST")));
        assert_eq!(
            asked(Request::get("/?service=git-upload-archive"), "/info/refs"),
            Err(Refused::UnknownService)
        );
        assert_eq!(
            asked(post().header(CONTENT_TYPE, "text/plain"), "/git-receive-pack"),
            Err(Refused::ContentType(Service::ReceivePack))
        );
        let right = || post().header(CONTENT_TYPE, "application/x-git-receive-pack-request");
        assert_eq!(
            asked(right().header(CONTENT_ENCODING, "br"), "/git-receive-pack"),
            Err(Refused::ContentEncoding)
        );
        assert_eq!(
            asked(right().header("git-protocol", "version=1\t;"), "/git-receive-pack"),
            Err(Refused::Protocol)
        );
    }

    #[test]
    fn a_preamble_counts_itself() {
        for service in [Service::UploadPack, Service::ReceivePack] {
            let preamble = service.preamble(None);
            let length = std::str::from_utf8(&preamble[..4]).unwrap();
            assert_eq!(usize::from_str_radix(length, 16).unwrap(), preamble.len() - 4);
        }
    }
}
