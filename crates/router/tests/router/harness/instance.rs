//! An instance of an app: a real HTTP server that does what the path says.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::InstanceId;

use super::{SOON, id, until};

type Body = BoxBody<Bytes, hyper::Error>;

pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

#[derive(Default)]
struct State {
    name: String,
    requests: AtomicUsize,
    connections: AtomicUsize,
    /// Connections that have not ended.
    open: AtomicUsize,
    /// Opened by the test for requests to `/gate`.
    gate: Notify,
    /// What `/upload` has received, chunk by chunk.
    received: Mutex<Option<mpsc::UnboundedSender<Bytes>>>,
    /// What `/stream` sends, chunk by chunk.
    to_send: Mutex<Option<mpsc::UnboundedReceiver<Bytes>>>,
}

impl Instance {
    /// An instance that answers `number` to requests for `/`.
    pub(crate) async fn start(number: u128) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = Arc::new(State { name: number.to_string(), ..State::default() });
        let instance = Self {
            id: id(number),
            address: listener.local_addr().unwrap(),
            state: Arc::clone(&state),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        let (tasks, stop) = (instance.tasks.clone(), instance.stop.clone());
        instance.tasks.spawn(instance.stop.clone().run_until_cancelled_owned(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                state.connections.fetch_add(1, Ordering::SeqCst);
                let service = {
                    let state = Arc::clone(&state);
                    service_fn(move |request| serve(Arc::clone(&state), request))
                };
                let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                state.open.fetch_add(1, Ordering::SeqCst);
                let state = Arc::clone(&state);
                tasks.spawn(stop.clone().run_until_cancelled_owned(async move {
                    // How a client leaves is not the instance's concern.
                    let _ = serving.with_upgrades().await;
                    state.open.fetch_sub(1, Ordering::SeqCst);
                }));
            }
        }));
        instance
    }

    /// An instance at a place where nobody listens.
    pub(crate) async fn absent(number: u128) -> Self {
        let instance = Self::start(number).await;
        instance.stop().await;
        instance
    }

    /// An instance that handles raw connections as `handle` says.
    pub(crate) async fn raw<F>(
        number: u128,
        handle: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let instance = Self {
            id: id(number),
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        let (tasks, stop, state) =
            (instance.tasks.clone(), instance.stop.clone(), Arc::clone(&instance.state));
        instance.tasks.spawn(instance.stop.clone().run_until_cancelled_owned(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                state.connections.fetch_add(1, Ordering::SeqCst);
                tasks.spawn(stop.clone().run_until_cancelled_owned(handle(stream)));
            }
        }));
        instance
    }

    /// An instance that gives `answer` to every head of a request, and then closes the connection.
    pub(crate) async fn answering(number: u128, answer: &'static [u8]) -> Self {
        Self::raw(number, move |mut stream| async move {
            let mut read = Vec::new();
            while !read.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read_buf(&mut read).await {
                    Ok(1..) => {}
                    _ => return,
                }
            }
            let _ = stream.write_all(answer).await;
        })
        .await
    }

    /// Ends it as a process ends: every connection is closed at once.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(SOON, self.tasks.wait()).await.expect("it ends");
    }

    /// Waits until no connection is open here.
    pub(crate) async fn connections_end(&self) {
        until(async || self.state.open.load(Ordering::SeqCst) == 0).await;
    }

    /// How many requests have begun here.
    pub(crate) fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Lets one request to `/gate` go on.
    pub(crate) fn open_gate(&self) {
        self.state.gate.notify_one();
    }

    /// What the next request to `/stream` answers.
    pub(crate) async fn answer_stream(&self) -> mpsc::UnboundedSender<Bytes> {
        let (sender, receiver) = mpsc::unbounded_channel();
        *self.state.to_send.lock().await = Some(receiver);
        sender
    }

    /// What the next request to `/upload` brings.
    pub(crate) async fn receive_upload(&self) -> mpsc::UnboundedReceiver<Bytes> {
        let (sender, receiver) = mpsc::unbounded_channel();
        *self.state.received.lock().await = Some(sender);
        receiver
    }
}

async fn serve(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    state.requests.fetch_add(1, Ordering::SeqCst);
    Ok(match request.uri().path() {
        "/gate" => {
            state.gate.notified().await;
            text(&state.name)
        }
        "/headers" => text(&headers_of(&request)),
        "/echo" => Response::new(request.into_body().boxed()),
        "/upload" => upload(&state, request).await,
        "/stream" => stream(&state).await,
        "/large" => Response::new(full(vec![b'x'; 8 << 20])),
        "/nothing" => status(StatusCode::NO_CONTENT),
        "/missing" => status(StatusCode::NOT_FOUND),
        "/length" => {
            text(&request.into_body().collect().await.unwrap().to_bytes().len().to_string())
        }
        "/switch" => switch(request),
        _ => text(&state.name),
    })
}

fn headers_of(request: &Request<Incoming>) -> String {
    let mut lines = format!("{} {} {:?}\n", request.method(), request.uri(), request.version());
    for (name, value) in request.headers() {
        lines.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    }
    lines
}

async fn upload(state: &State, request: Request<Incoming>) -> Response<Body> {
    let received = state.received.lock().await.take().expect("the test expects an upload");
    let mut body = request.into_body();
    let mut length = 0;
    while let Some(Ok(frame)) = body.frame().await {
        let chunk = frame.into_data().unwrap();
        length += chunk.len();
        let _ = received.send(chunk);
    }
    text(&length.to_string())
}

async fn stream(state: &State) -> Response<Body> {
    let chunks = state.to_send.lock().await.take().expect("the test has something to send");
    let frames = futures_util::stream::unfold(chunks, |mut chunks| async move {
        chunks.recv().await.map(|chunk| (Ok(Frame::data(chunk)), chunks))
    });
    Response::new(BodyExt::boxed(StreamBody::new(frames)))
}

/// Switches to whatever is asked for and sends back every byte.
fn switch(mut request: Request<Incoming>) -> Response<Body> {
    let upgrade = hyper::upgrade::on(&mut request);
    let protocol = request.headers()["upgrade"].clone();
    // It ends with the connection that it echoes on.
    TaskTracker::new().spawn(async move {
        let mut io = TokioIo::new(upgrade.await.unwrap());
        let mut bytes = [0; 65536];
        while let Ok(length @ 1..) = io.read(&mut bytes).await {
            if io.write_all(&bytes[..length]).await.is_err() {
                return;
            }
        }
    });
    let mut response = status(StatusCode::SWITCHING_PROTOCOLS);
    response.headers_mut().insert("connection", "Upgrade".parse().unwrap());
    response.headers_mut().insert("upgrade", protocol);
    response
}

fn text(text: &str) -> Response<Body> {
    Response::new(full(text.as_bytes().to_vec()))
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(full(Vec::new()));
    *response.status_mut() = status;
    response
}

fn full(bytes: Vec<u8>) -> Body {
    Full::from(bytes).map_err(|never| match never {}).boxed()
}
