//! What a visitor gets when no instance can answer: what is wrong, and what to do. All of the router's
//! own text for people is here. No page names an internal address.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde_json::json;
use types::InstanceId;

use crate::live::LiveRoute;

const X_SOLUM_ERROR: HeaderName = HeaderName::from_static("x-solum-error");

/// Why the router answers a request itself.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    title: Cow<'static, str>,
    detail: String,
    hint: Cow<'static, str>,
    /// What comes after the request cannot be read, or must not be.
    pub(crate) close: bool,
}

/// What the answer to a request was expected from.
struct Named<'a>(&'a LiveRoute, usize);

impl std::fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(route, side) = self;
        write!(f, "{} {} in {}", route.app, route.sides[*side].release, route.environment)
    }
}

impl Problem {
    fn new(
        status: StatusCode,
        code: &'static str,
        title: impl Into<Cow<'static, str>>,
        detail: String,
        hint: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { status, code, title: title.into(), detail, hint: hint.into(), close: false }
    }

    pub(crate) fn unknown_host(host: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "unknown_host",
            "There is no app here",
            format!("Nothing is deployed under the name {host}."),
            "Check the spelling. `solum status APP` prints the addresses of an app.",
        )
    }

    pub(crate) fn no_instance(route: &LiveRoute) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no_instance",
            format!("{} is not running", route.app),
            format!("No instance of {} serves in {}.", route.app, route.environment),
            format!("Deploy it, or scale it up: `solum ps {}` shows what runs.", route.app),
        )
    }

    pub(crate) fn held_too_long(route: &LiveRoute) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "held_too_long",
            format!("{} is being replaced", route.app),
            format!(
                "The new release of {} in {} takes longer to start than requests may wait.",
                route.app, route.environment
            ),
            "Try again in a moment.",
        )
    }

    pub(crate) fn too_many_held(route: &LiveRoute) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_held",
            format!("{} is being replaced", route.app),
            "Too many requests are waiting for it already.".into(),
            "Try again in a moment.",
        )
    }

    pub(crate) fn refused(route: &LiveRoute, side: usize, instance: Option<InstanceId>) -> Self {
        let which = instance.map_or_else(String::new, |id| format!(" (the last one tried: {id})"));
        Self::new(
            StatusCode::BAD_GATEWAY,
            "instance_refused",
            format!("{} does not accept connections", route.app),
            format!("No instance of {} accepted a connection{which}.", Named(route, side)),
            format!("`solum logs {}` shows what the app said last.", route.app),
        )
    }

    pub(crate) fn closed(route: &LiveRoute, side: usize, instance: InstanceId) -> Self {
        Self::new(
            StatusCode::BAD_GATEWAY,
            "instance_closed",
            format!("{} broke off", route.app),
            format!(
                "The instance {instance} of {} closed the connection without a whole answer.",
                Named(route, side)
            ),
            format!("`solum logs {}` shows what the app said last.", route.app),
        )
    }

    pub(crate) fn timed_out(route: &LiveRoute, side: usize, instance: InstanceId) -> Self {
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            "instance_timed_out",
            format!("{} takes too long", route.app),
            format!("The instance {instance} of {} did not answer in time.", Named(route, side)),
            format!("`solum logs {}` shows what the app is doing.", route.app),
        )
    }

    pub(crate) fn overloaded() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "router_overloaded",
            "The router has too much to do",
            "It has no file descriptors or ports left for another connection.".into(),
            "Try again in a moment. For the operator: raise the limit of open files.",
        )
    }

    pub(crate) fn bad_request(code: &'static str, detail: &str) -> Self {
        Self {
            close: true,
            ..Self::new(
                StatusCode::BAD_REQUEST,
                code,
                "The request is not valid HTTP",
                detail.into(),
                "This is for the author of the program that sent it.",
            )
        }
    }

    pub(crate) fn not_a_forward_proxy() -> Self {
        Self {
            close: true,
            ..Self::new(
                StatusCode::NOT_IMPLEMENTED,
                "connect_not_supported",
                "This is not a forward proxy",
                "The method CONNECT is not carried out here.".into(),
                "Send requests for an app's host name.",
            )
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The answer, as a page or as JSON (RFC 9457).
    pub(crate) fn render(&self, json: bool, request_id: &str) -> Response<Bytes> {
        let (kind, body) = if json {
            ("application/problem+json", self.as_json(request_id))
        } else {
            ("text/html; charset=utf-8", self.as_html(request_id))
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_SOLUM_ERROR, HeaderValue::from_static(self.code));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }

    fn as_json(&self, request_id: &str) -> String {
        json!({
            "type": "about:blank",
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
            "hint": self.hint,
            "request_id": request_id,
        })
        .to_string()
    }

    fn as_html(&self, request_id: &str) -> String {
        let (title, detail, hint) = (escape(&self.title), escape(&self.detail), escape(&self.hint));
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <title>{title}</title>\n\
             <style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem;\
             color:#222;background:#fff}}h1{{font-size:1.4rem}}small{{color:#666}}\
             @media(prefers-color-scheme:dark){{body{{color:#ddd;background:#111}}small{{color:#999}}}}</style>\n\
             <h1>{title}</h1>\n<p>{detail}</p>\n<p>{hint}</p>\n<p><small>{} {} · request {}</small></p>\n</html>\n",
            self.status.as_u16(),
            self.code,
            escape(request_id),
        )
    }
}

fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(response: &Response<Bytes>) -> &str {
        std::str::from_utf8(response.body()).unwrap()
    }

    #[test]
    fn a_page_says_what_is_wrong_and_carries_the_code() {
        let page = Problem::unknown_host("nope.localhost").render(false, "r-1");
        assert_eq!(page.status(), 404);
        assert_eq!(page.headers()["x-solum-error"], "unknown_host");
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        assert!(text(&page).contains("Nothing is deployed under the name nope.localhost."));
        assert!(text(&page).contains("request r-1"));
    }

    #[test]
    fn json_has_the_same_to_say() {
        let page = Problem::unknown_host("nope.localhost").render(true, "r-1");
        let body: serde_json::Value = serde_json::from_slice(page.body()).unwrap();
        assert_eq!(body["code"], "unknown_host");
        assert_eq!(body["status"], 404);
        assert_eq!(page.headers()["content-type"], "application/problem+json");
    }

    #[test]
    fn what_a_client_sent_is_escaped() {
        let page = Problem::unknown_host("<script>alert('x')</script>").render(false, "r-1");
        assert!(!text(&page).contains("<script>alert"));
    }
}
