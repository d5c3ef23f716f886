//! One request: find the instance, carry the exchange, answer.
//!
//! Invariant: a request goes to another instance, or another connection, only when it is certain that
//! not a byte of it was sent: the connection was refused, or hyper gave the request back. There is one exception, as
//! in every proxy that keeps connections (RFC 9112, section 9.3.1): an instance may close an idle connection at the
//! moment at which a request goes out on it. One that is idempotent and has no body is then sent once more, on a new
//! connection to the same instance, if not a byte of an answer had come.

use std::io;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::body::{Answer, AnswerBody, RequestBody};
use super::connection::{Active, Client};
use super::pool;
use super::sticky::Sticky;
use super::tunnel::Switch;
use super::upstream::{self, Failure, Link};
use crate::headers::{self, RequestId, Wishes};
use crate::host::{self, Host};
use crate::live::{Claim, Instance, LiveRoute, Refusal};
use crate::metrics::ErrorKind;
use crate::page::Problem;
use crate::shared::Shared;

/// Answers one request, whatever happens to it.
pub(super) async fn answer(
    client: Rc<Client>,
    mut request: Request<Incoming>,
    active: Active,
    is_http1: bool,
) -> Answer {
    let wishes = headers::strip_request(request.headers_mut());
    let id = headers::request_id(request.headers_mut());
    let json = wishes.json;
    if is_http1 && wishes.names_upgrade {
        client.asked_to_switch.set(true);
    }
    let mut response = match prepare(&client, &mut request, is_http1) {
        Ok(host) => match carry(&client, request, &host, wishes, is_http1).await {
            Ok(Carried::Answer(response, link, claim)) => response.map(|body| {
                AnswerBody::of_instance(body, link, claim, Rc::clone(&client.worker), active)
            }),
            Ok(Carried::Switch(response, link, claim, protocol)) => {
                switch(&client, link, claim, &protocol, active).await;
                return Ok(response.map(|_| AnswerBody::nothing()));
            }
            Err(problem) => problem_page(&problem, json, &id, active),
        },
        Err(problem) => problem_page(&problem, json, &id, active),
    };
    if is_http1 && client.worker.shared.is_closing() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// What came of a request that reached an instance.
enum Carried {
    Answer(Response<Incoming>, Box<Link>, Claim),
    Switch(Response<Incoming>, Box<Link>, Claim, HeaderValue),
}

fn problem_page(
    problem: &Problem,
    json: bool,
    id: &RequestId,
    active: Active,
) -> Response<AnswerBody> {
    let mut response = problem.render(json, id.as_str());
    if problem.close {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response.map(|text| AnswerBody::ours(text, active))
}

/// Checks a request and gives it the form that instances get.
fn prepare(
    client: &Client,
    request: &mut Request<Incoming>,
    is_http1: bool,
) -> Result<Host, Problem> {
    let index = client.requests.replace(client.requests.get() + 1);
    if is_http1 && client.socket.framing.borrow().is_doubtful(index) {
        return Err(Problem::bad_request(
            "doubtful_framing",
            "Its length is told in more than one way, or not in digits.",
        ));
    }
    let host = host::of(request)?;
    host::make_origin_form(request, &host);
    client.forwarded.borrow_mut().set(request.headers_mut(), host.value());
    *request.version_mut() = Version::HTTP_11;
    host::keep_unknown_length(request);
    Ok(host)
}

/// Sends the request to one instance after the other until one takes it.
async fn carry(
    client: &Client,
    request: Request<Incoming>,
    host: &Host,
    wishes: Wishes,
    is_http1: bool,
) -> Result<Carried, Problem> {
    let mut request = request.map(RequestBody::of_client);
    let started = Instant::now();
    let mut sticky = Sticky::default();
    let mut passed_over = Vec::new();
    // Only HTTP/1.1 switches, and not before a request has ended.
    let upgrade = wishes.upgrade.filter(|_| is_http1 && request.body().is_end_stream());
    if let Some(protocol) = &upgrade {
        headers::ask_to_switch(request.headers_mut(), protocol);
    }
    request.extensions_mut().remove::<OnUpgrade>();
    let broken_body = request.body().broken_flag();
    loop {
        let claim = claim(client, host, &passed_over, &mut sticky, request.headers()).await?;
        let pending = Pending(Some(claim));
        match send(client, &pending, request, upgrade.is_none()).await {
            Ok((response, link)) => {
                let claim = pending.ended();
                return finish(response, link, claim, upgrade, started, &sticky);
            }
            Err(Unanswered::Refused(back)) => {
                let claim = pending.ended();
                claim.in_flight.instance.avoid();
                passed_over.push(claim.in_flight.instance.id);
                request = *back;
            }
            Err(Unanswered::Final(kind)) => {
                let is_clients = broken_body.is_some_and(|broken| broken.get());
                let kind = if is_clients { Final::Unreadable } else { kind };
                return Err(give_up(&pending.ended(), kind));
            }
        }
    }
}

/// A claim of which nothing has come yet. When the request is dropped meanwhile, its client has gone.
struct Pending(Option<Claim>);

impl Pending {
    fn claim(&self) -> &Claim {
        self.0.as_ref().expect("it is taken only by `ended`, which consumes this")
    }

    fn ended(mut self) -> Claim {
        self.0.take().expect("it is taken only here, which consumes this")
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(claim) = &self.0 {
            claim.counters().failed(ErrorKind::Abandoned);
        }
    }
}

/// Claims an instance. On a route that holds, waits for a table that has one.
async fn claim(
    client: &Client,
    host: &Host,
    passed_over: &[types::InstanceId],
    sticky: &mut Sticky,
    headers: &http::HeaderMap,
) -> Result<Claim, Problem> {
    let shared = &client.worker.shared;
    let mut held: Option<Held<'_>> = None;
    loop {
        let claimed = shared
            .live
            .claim(host.name(), passed_over, |route| sticky.place(headers, |key| route.point(key)));
        match claimed {
            Ok(claim) => return Ok(claim),
            Err(Refusal::NoInstance(route)) if route.hold => match &mut held {
                // Once more from the top, for a table that came before we listened for one.
                None => held = Some(Held::begin(shared, &route)?),
                Some(held) => held.until_swapped(&route).await?,
            },
            Err(Refusal::UnknownHost) => return Err(Problem::unknown_host(host.name())),
            Err(Refusal::NoInstance(route)) => {
                count_unserved(&route);
                return Err(Problem::no_instance(&route));
            }
            Err(Refusal::Exhausted(route, side)) => {
                let counters = &route.sides[side].counters;
                counters.failed(ErrorKind::Refused);
                counters.answered(StatusCode::BAD_GATEWAY);
                return Err(Problem::refused(&route, side, passed_over.last().copied()));
            }
        }
    }
}

/// No side was chosen; the first stands for the route.
fn count_unserved(route: &LiveRoute) {
    if let Some(side) = route.sides.first() {
        side.counters.failed(ErrorKind::NoInstance);
        side.counters.answered(StatusCode::SERVICE_UNAVAILABLE);
    }
}

/// A request that waits for an instance.
struct Held<'a> {
    shared: &'a Shared,
    swaps: watch::Receiver<u64>,
    deadline: tokio::time::Instant,
}

impl<'a> Held<'a> {
    fn begin(shared: &'a Shared, route: &LiveRoute) -> Result<Self, Problem> {
        let others = shared.held.fetch_add(1, Ordering::SeqCst);
        let deadline = tokio::time::Instant::now() + shared.config.timeouts.hold;
        let held = Self { shared, swaps: shared.live.swaps(), deadline };
        if others >= shared.config.limits.held {
            count_unserved(route);
            return Err(Problem::too_many_held(route));
        }
        Ok(held)
    }

    async fn until_swapped(&mut self, route: &LiveRoute) -> Result<(), Problem> {
        match tokio::time::timeout_at(self.deadline, self.swaps.changed()).await {
            Ok(_) => Ok(()),
            Err(_) => {
                count_unserved(route);
                Err(Problem::held_too_long(route))
            }
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.shared.held.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Connects to an instance, and to nobody who has taken its place.
async fn connect(shared: &Shared, instance: &Instance) -> io::Result<TcpStream> {
    let uid = instance.uid.filter(|_| shared.tells_listeners);
    upstream::connect(instance.address, uid, shared.config.timeouts.connect).await
}

/// Why an instance gave no answer.
enum Unanswered {
    /// It does not accept connections; the request is as it was.
    Refused(Box<Request<RequestBody>>),
    Final(Final),
}

/// An outcome after which nothing else may be tried.
enum Final {
    Closed,
    TimedOut,
    Overloaded,
    /// The client's body broke off or made no sense; the instance could not answer.
    Unreadable,
}

/// Sends the request on a pooled connection, or on a new one.
async fn send(
    client: &Client,
    pending: &Pending,
    mut request: Request<RequestBody>,
    may_be_pooled: bool,
) -> Result<(Response<Incoming>, Box<Link>), Unanswered> {
    let worker = &client.worker;
    let instance = &pending.claim().in_flight.instance;
    while may_be_pooled && let Some(mut link) = worker.pool.take(instance, Instant::now()) {
        let spare = spare(&request);
        match link.exchange(request, &worker.tasks).await {
            Ok(response) => return Ok((response, link)),
            Err(Failure::Unsent(back)) => request = *back,
            Err(Failure::Broken(error)) => match spare {
                Some(again) if closed_while_idle(&link) => {
                    request = again;
                    break;
                }
                _ => return Err(broken(&link, &error)),
            },
        }
    }
    let stream = match connect(&worker.shared, instance).await {
        Ok(stream) => stream,
        Err(error) if pool::is_shortage(&error) => {
            tracing::warn!(%error, "cannot open a connection to an instance");
            worker.pool.clear();
            return Err(Unanswered::Final(Final::Overloaded));
        }
        Err(error) => {
            tracing::debug!(%error, instance = %instance.id, "an instance refused a connection");
            return Err(Unanswered::Refused(Box::new(request)));
        }
    };
    let buffer = worker.shared.config.limits.buffer;
    let list = |socket: &Rc<_>| worker.list_upstream(socket);
    let mut link = match Link::new(stream, instance.clone(), buffer, list).await {
        Ok(link) => Box::new(link),
        Err(_) => return Err(Unanswered::Refused(Box::new(request))),
    };
    match link.exchange(request, &worker.tasks).await {
        Ok(response) => Ok((response, link)),
        Err(Failure::Unsent(back)) => Err(Unanswered::Refused(back)),
        Err(Failure::Broken(error)) => Err(broken(&link, &error)),
    }
}

/// Whether an instance closed a kept connection, as far as can be told: it said nothing, and nobody cut it off.
fn closed_while_idle(link: &Link) -> bool {
    let socket = &link.socket;
    !socket.heard.get() && !socket.timed_out.get() && socket.instance.is_routed()
}

/// The same request once more, if it may be sent twice.
fn spare(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    if !request.method().is_idempotent() || !request.body().is_end_stream() {
        return None;
    }
    let mut again = Request::new(RequestBody::Nothing);
    again.method_mut().clone_from(request.method());
    again.uri_mut().clone_from(request.uri());
    again.headers_mut().clone_from(request.headers());
    Some(again)
}

fn broken(link: &Link, error: &hyper::Error) -> Unanswered {
    tracing::debug!(%error, instance = %link.socket.instance.id, "an instance gave no answer");
    Unanswered::Final(if link.socket.timed_out.get() { Final::TimedOut } else { Final::Closed })
}

fn give_up(claim: &Claim, why: Final) -> Problem {
    let (route, side, id) = (&claim.route, claim.side, claim.in_flight.instance.id);
    let (kind, problem) = match why {
        Final::Closed => (ErrorKind::Closed, Problem::closed(route, side, id)),
        Final::TimedOut => (ErrorKind::TimedOut, Problem::timed_out(route, side, id)),
        Final::Overloaded => (ErrorKind::Refused, Problem::overloaded()),
        Final::Unreadable => (
            ErrorKind::Abandoned,
            Problem::bad_request(
                "broken_body",
                "Its body ends before, or reads otherwise than, its head says.",
            ),
        ),
    };
    claim.counters().failed(kind);
    claim.counters().answered(problem.status());
    problem
}

/// Counts an instance's answer and gives it the form that clients get.
fn finish(
    mut response: Response<Incoming>,
    link: Box<Link>,
    claim: Claim,
    upgrade: Option<HeaderValue>,
    started: Instant,
    sticky: &Sticky,
) -> Result<Carried, Problem> {
    let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if switches && upgrade.is_none() {
        return Err(give_up(&claim, Final::Closed));
    }
    claim.counters().took(started.elapsed());
    claim.counters().answered(response.status());
    *response.version_mut() = Version::HTTP_11;
    headers::strip_response(response.headers_mut(), switches);
    if let Some(cookie) = sticky.cookie() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    match upgrade {
        Some(protocol) if switches => {
            response.extensions_mut().remove::<OnUpgrade>();
            Ok(Carried::Switch(response, link, claim, protocol))
        }
        _ => Ok(Carried::Answer(response, link, claim)),
    }
}

/// Leaves the instance's connection for the client's to continue on, once hyper has let go of it.
async fn switch(
    client: &Client,
    link: Box<Link>,
    claim: Claim,
    protocol: &HeaderValue,
    active: Active,
) {
    let is_websocket = protocol.as_bytes().eq_ignore_ascii_case(b"websocket");
    let switch = Switch::new(link.into_switched().await, claim, is_websocket, active);
    client.socket.framing.borrow_mut().switch_off();
    *client.switch.borrow_mut() = Some(switch);
}
