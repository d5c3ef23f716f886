//! A server of its own for each test, and a client that sees everything.

use std::path::PathBuf;
use std::sync::Arc;

use control::{Control, Isolation, Limits, Settings};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use types::SystemClock;

pub(crate) struct Bench {
    pub(crate) control: Control,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) token: String,
    pub(crate) tasks: JoinSet<std::io::Result<()>>,
    directory: tempfile::TempDir,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap()).await
    }

    /// What another server finds of what this one did.
    pub(crate) async fn restart(mut self) -> Self {
        self.end().await;
        Self::start_in(self.directory).await
    }

    async fn start_in(directory: tempfile::TempDir) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let settings = Settings {
            data_directory: directory.path().join("data"),
            program: PathBuf::from("/bin/false"),
            domain: "localhost".parse().unwrap(),
            api_url: format!("http://{address}"),
            router_listen: "127.0.0.1:0".parse().unwrap(),
            router_port: 8080,
            isolation: Isolation::Bare,
            build_environment: Vec::new(),
            rustup: None,
            actions_mirror: None,
            limits: Limits { upload_bytes: 1 << 20, ..Limits::default() },
        };
        let control = Control::start(settings, Arc::new(SystemClock)).await.unwrap();
        let file = directory.path().join("admin.token");
        control.ensure_admin_token(&file).await.unwrap();
        let token = std::fs::read_to_string(&file).unwrap().trim().to_owned();
        let mut tasks = JoinSet::new();
        tasks.spawn(web::serve(listener, control.clone()));
        Self { control, address, token, tasks, directory }
    }

    /// Ends the control plane, and with it the server.
    pub(crate) async fn stop(mut self) {
        self.end().await;
    }

    async fn end(&mut self) {
        self.control.shut_down().await;
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap().unwrap();
        }
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        self.directory.path()
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> hyper::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.address.to_string())
            .header("authorization", format!("Bearer {}", self.token))
    }

    /// Sends on a connection of its own and reads the whole answer.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let answering = async {
            let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Reply { status: parts.status, headers: parts.headers, body }
        };
        // The connection is driven for as long as it is needed.
        let mut connection = std::pin::pin!(connection);
        let mut answering = std::pin::pin!(answering);
        tokio::select! {
            reply = &mut answering => reply,
            _ = &mut connection => answering.await,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.request("GET", path).body(Full::default()).unwrap()).await
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        self.send(self.json(method, path, &body).body(Full::from(body.to_string())).unwrap()).await
    }

    /// A POST with an idempotency key.
    pub(crate) async fn post_once(&self, path: &str, key: &str, body: Value) -> Reply {
        let request = self.json("POST", path, &body).header("idempotency-key", key);
        self.send(request.body(Full::from(body.to_string())).unwrap()).await
    }

    fn json(&self, method: &str, path: &str, body: &Value) -> hyper::http::request::Builder {
        let builder = self.request(method, path);
        if body.is_null() { builder } else { builder.header("content-type", "application/json") }
    }

    /// Asks until the answer is as wanted.
    pub(crate) async fn until(&self, path: &str, wanted: impl Fn(&Reply) -> bool) -> Reply {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
        loop {
            let reply = self.get(path).await;
            if wanted(&reply) {
                return reply;
            }
            assert!(tokio::time::Instant::now() < deadline, "it did not come about: {reply:?}");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// An app that is ready.
    pub(crate) async fn app(&self, name: &str) -> Value {
        let created = self.call("POST", "/api/v1/apps", serde_json::json!({ "name": name })).await;
        assert_eq!(created.status, 202, "{created:?}");
        let path = format!("/api/v1/apps/{name}");
        self.until(&path, |reply| reply.json()["status"] == "ready").await.json()
    }

    /// The same server, through the typed client.
    pub(crate) fn client(&self) -> api::client::Client {
        let server = format!("http://{}", self.address).parse().unwrap();
        api::client::Client::new(server, Some(types::Secret::new(self.token.clone())))
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The problem, once it is sure that it is one and is whole.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["type"], format!("urn:solum:problem:{code}"));
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        assert!(problem["request_id"].as_str().unwrap().starts_with("req_"));
        problem
    }
}
