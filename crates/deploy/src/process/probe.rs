//! Waits for an instance's first good answer.
//!
//! There is nothing to wait on for a port to open, so it is tried at short and growing intervals from the first
//! millisecond on; that the process ended is told by its shim.
//!
//! An answer counts only from a program of the app's own user, where that can be told: apps share the machine's ports, and
//! another one may have been quicker. The shim then chooses another port for the next start, and the probe follows it.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use types::{HealthCheck, InstanceId};

use super::instances::Found;
use super::{ProcessDriver, blocking, hint};
use crate::shim::state::{Phase, State};
use crate::{Error, Exit, NotReady, Ready, ReadyBy};

/// So many exits in a row, and the rest of the time is not worth waiting for.
const MOST_EXITS: u32 = 3;

/// A process without a port is ready when it has run for so long.
const RUN: Duration = Duration::from_millis(500);

/// How long to wait after an attempt that nobody answered, and after one whose answer was bad.
const REFUSED_WAIT: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(10));
const BAD_WAIT: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(250));

/// Something that keeps closing connections without a word for so long, and so often, does not speak HTTP.
const MUTE: (Duration, u32) = (Duration::from_secs(1), 5);

const NOBODY: &str = "nothing listens on port";

/// How long the body of a bad answer is waited for.
const BODY_TIMEOUT: Duration = Duration::from_millis(500);

/// How much of a bad answer is shown.
const SHOWN: usize = 200;

pub(super) async fn wait(
    driver: &ProcessDriver,
    id: InstanceId,
    health: &HealthCheck,
) -> Result<Ready, NotReady> {
    let started = Instant::now();
    let found = tokio::time::timeout(health.timeout, place(driver, id)).await;
    let place = found.unwrap_or(Err(NotReady::TimedOut {
        after: health.timeout,
        last_probe: "the instance is still being started".to_owned(),
        hint: None,
    }))?;
    let last = Mutex::new("it was not tried".to_owned());
    let (now_at, mut tries) = watch::channel(place);
    let answered = async {
        match place.address {
            Some(_) => {
                let (by, address) = answers(&mut tries, health.path.as_deref(), &last).await;
                (by, Some(address))
            }
            None => (runs(driver, id).await, None),
        }
    };
    tokio::select! {
        biased;
        (by, address) = answered => Ok(Ready { address, by, after: started.elapsed() }),
        end = exits(driver, id, &now_at) => Err(end),
        () = tokio::time::sleep(health.timeout) => {
            let last_probe = last.lock().map(|last| last.clone()).unwrap_or_default();
            let address = now_at.borrow().address;
            let hint = match (address, pid(driver, id).await) {
                (Some(address), Some(pid)) if last_probe.starts_with(NOBODY) => blocking(move || hint::wrong_port(pid, address)).await,
                _ => None,
            };
            Err(NotReady::TimedOut { after: health.timeout, last_probe, hint })
        }
    }
}

/// Where an instance is to listen, and whose socket that has to be.
#[derive(Debug, Clone, Copy)]
struct Place {
    address: Option<SocketAddr>,
    uid: Option<u32>,
}

impl Place {
    fn of(driver: &ProcessDriver, state: &State) -> Self {
        Self { address: state.address, uid: state.uid.filter(|_| driver.tells_listeners) }
    }

    /// Who listens there now.
    fn who(self, address: SocketAddr) -> Who {
        let Some(uid) = self.uid else { return Who::Unknown };
        match listeners::at(address) {
            Ok(Some(found)) if found.uid == uid => Who::App(found),
            Ok(Some(_)) => Who::Another,
            Ok(None) => Who::Nobody,
            Err(_) => Who::Unknown,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    App(listeners::Listener),
    Another,
    Nobody,
    Unknown,
}

async fn place(driver: &ProcessDriver, id: InstanceId) -> Result<Place, NotReady> {
    loop {
        return match driver.find(id).await.map_err(NotReady::Unseen)? {
            Found::Nothing | Found::Orphan(_, None) => Err(NotReady::Absent),
            Found::Shim(connection) => Ok(Place::of(driver, &connection.state)),
            Found::Orphan(_, Some(state)) => Ok(Place::of(driver, &state)),
            Found::Busy => {
                tokio::time::sleep(REFUSED_WAIT.0).await;
                continue;
            }
        };
    }
}

async fn pid(driver: &ProcessDriver, id: InstanceId) -> Option<u32> {
    match driver.observe_instance(id).await.ok()? {
        crate::Observation::Running { pid, .. } => Some(pid),
        _ => None,
    }
}

/// Returns when the process has ended for good, or too often. Keeps up where it is to listen meanwhile.
async fn exits(driver: &ProcessDriver, id: InstanceId, now_at: &watch::Sender<Place>) -> NotReady {
    let mut before = None;
    loop {
        let state = match driver.find(id).await {
            Ok(Found::Shim(mut connection)) => loop {
                now_at.send_replace(Place::of(driver, &connection.state));
                if let Some(end) = verdict(&connection.state, &mut before) {
                    return end;
                }
                match connection.next().await {
                    Ok(true) => {}
                    Ok(false) => break None,
                    Err(error) => return NotReady::Unseen(error),
                }
            },
            Ok(Found::Busy) => None,
            Ok(Found::Orphan(_, Some(state))) => Some(state),
            Ok(Found::Nothing | Found::Orphan(_, None)) => return NotReady::Absent,
            Err(error) => return NotReady::Unseen(error),
        };
        if let Some(state) = state {
            let exit = match state.phase {
                Phase::Exited { exit, .. } => exit,
                _ => Exit::Lost,
            };
            return NotReady::Exited { exit, restarts: 0 };
        }
        tokio::time::sleep(REFUSED_WAIT.0).await;
    }
}

/// `before`: how many restarts lay behind it when it was first looked at.
fn verdict(state: &State, before: &mut Option<u32>) -> Option<NotReady> {
    let exits = state.restarts + u32::from(matches!(state.phase, Phase::BackingOff { .. }));
    let before = *before.get_or_insert(state.restarts);
    match state.phase {
        Phase::Exited { exit, .. } => Some(NotReady::Exited { exit, restarts: 0 }),
        Phase::BackingOff { last, .. } if exits - before >= MOST_EXITS => {
            Some(NotReady::Exited { exit: last, restarts: exits - before - 1 })
        }
        _ => None,
    }
}

/// Returns when a process without a port has run for a while.
async fn runs(driver: &ProcessDriver, id: InstanceId) -> ReadyBy {
    loop {
        if let Ok(Found::Shim(mut connection)) = driver.find(id).await {
            loop {
                let running = matches!(connection.state.phase, Phase::Running { .. });
                let next = tokio::time::timeout(RUN, connection.next()).await;
                match next {
                    Err(_) if running => return ReadyBy::Ran(RUN),
                    Err(_) | Ok(Ok(true)) => {}
                    Ok(_) => break,
                }
            }
        }
        // `exits` sees the end of it.
        tokio::time::sleep(RUN).await;
    }
}

type Request = http::Request<Empty<Bytes>>;

/// What one attempt met.
enum Met {
    Good(ReadyBy),
    /// Nobody there.
    Refused,
    /// Somebody, who hung up without a word.
    Mute,
    Bad,
}

/// Returns with the first good answer, and where it came from.
async fn answers(
    now_at: &mut watch::Receiver<Place>,
    path: Option<&str>,
    last: &Mutex<String>,
) -> (ReadyBy, SocketAddr) {
    let (mut refused, mut bad) = (REFUSED_WAIT.0, BAD_WAIT.0);
    let mut mute: Option<(Instant, u32)> = None;
    loop {
        let place = *now_at.borrow_and_update();
        let Some(address) = place.address else {
            // Between two starts it has none. The sender lives as long as this is waited for.
            let _ = now_at.changed().await;
            continue;
        };
        let wait = match attempt(place, address, path, last).await {
            Met::Good(by) => return (by, address),
            Met::Refused => {
                mute = None;
                next(&mut refused, REFUSED_WAIT.1)
            }
            Met::Mute => {
                let (since, times) = mute.get_or_insert((Instant::now(), 0));
                *times += 1;
                if path.is_none() && since.elapsed() >= MUTE.0 && *times >= MUTE.1 {
                    return (ReadyBy::OpenPort, address);
                }
                next(&mut bad, BAD_WAIT.1)
            }
            Met::Bad => {
                mute = None;
                next(&mut bad, BAD_WAIT.1)
            }
        };
        tokio::time::sleep(wait).await;
    }
}

fn next(wait: &mut Duration, most: Duration) -> Duration {
    let now = *wait;
    *wait = (now * 2).min(most);
    now
}

async fn attempt(
    place: Place,
    address: SocketAddr,
    path: Option<&str>,
    last: &Mutex<String>,
) -> Met {
    let note = |text: String| {
        if let Ok(mut last) = last.lock() {
            *last = text;
        }
    };
    let shown = path.unwrap_or("/");
    let request = match request(shown) {
        Ok(request) if shown.starts_with('/') => request,
        _ => {
            note(format!(
                "`{shown}` cannot be asked for: a path begins with `/` and has no spaces"
            ));
            return Met::Bad;
        }
    };
    let (port, before) = (address.port(), place.who(address));
    if before == Who::Another {
        note(format!("another app's program listens on port {port}"));
        return Met::Refused;
    }
    let stream = TcpStream::connect(address).await;
    // Connected with what listened all the time, and with nobody in between.
    let stream = stream.ok().filter(|_| before != Who::Nobody && place.who(address) == before);
    let Some(stream) = stream else {
        note(format!("{NOBODY} {port}"));
        return Met::Refused;
    };
    note(format!("GET {shown} was not answered"));
    match get(stream, request, path.is_none()).await {
        Ok(Answer::Good(status)) => {
            Met::Good(ReadyBy::Answered { path: shown.to_owned(), status: status.as_u16() })
        }
        Ok(Answer::Bad(status, body)) => {
            let colon = if body.is_empty() { "" } else { ": " };
            note(format!("GET {shown} answered {status}{colon}{body}"));
            Met::Bad
        }
        Err(error) if error.is_parse() && path.is_none() => Met::Good(ReadyBy::OpenPort),
        Err(error) if error.is_parse() => {
            note(format!("GET {shown} was answered with something that is not HTTP"));
            Met::Bad
        }
        Err(_) => {
            note(format!("GET {shown}: the connection was closed without an answer"));
            Met::Mute
        }
    }
}

enum Answer {
    Good(StatusCode),
    /// With the beginning of its body, for a person to read.
    Bad(StatusCode, String),
}

/// A GET of a path, unless it is none.
fn request(path: &str) -> http::Result<Request> {
    http::Request::get(path)
        .header(http::header::HOST, "localhost")
        .header(http::header::USER_AGENT, "solum-health")
        .header(http::header::CONNECTION, "close")
        .body(Empty::new())
}

/// One request, and what comes back. With `any`, all that is no server error is good.
async fn get(stream: TcpStream, request: Request, any: bool) -> hyper::Result<Answer> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let mut connection = std::pin::pin!(connection);
    let mut exchange = std::pin::pin!(async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let good = status.is_success() || status.is_redirection();
        if good || (any && !status.is_server_error()) {
            return Ok(Answer::Good(status));
        }
        let mut begun = Vec::new();
        let _ = tokio::time::timeout(BODY_TIMEOUT, begin(response.into_body(), &mut begun)).await;
        begun.truncate(SHOWN);
        Ok(Answer::Bad(status, one_line(&begun)))
    });
    let mut connected = true;
    loop {
        tokio::select! {
            biased;
            answer = &mut exchange => return answer,
            // What became of it, the exchange tells.
            _ = &mut connection, if connected => connected = false,
        }
    }
}

/// Reads the beginning of a body.
async fn begin(mut body: hyper::body::Incoming, begun: &mut Vec<u8>) {
    while begun.len() < SHOWN {
        match body.frame().await {
            Some(Ok(frame)) => {
                begun.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data))
            }
            Some(Err(_)) | None => return,
        }
    }
}

/// What a person can read of it.
fn one_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

impl From<Error> for NotReady {
    fn from(error: Error) -> Self {
        Self::Unseen(error)
    }
}
