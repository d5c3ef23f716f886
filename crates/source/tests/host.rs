//! A server that hosts git and nothing else, with a handler that the test steers.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::Request;
use hyper::body::Incoming as RequestBody;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use source::{
    Git, GitConfig, GitHttp, GitHttpConfig, HookServer, Incoming, PushHandler, PushTalk, Pushes,
    Received, RefOutcome, Rejection, Repositories, RepositoriesConfig,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::{Actor, AppName};

pub(crate) type Outcomes = Pin<Box<dyn Future<Output = Vec<RefOutcome>> + Send>>;
type Receive = Box<dyn Fn(Received, PushTalk) -> Outcomes + Send + Sync>;

/// Keeps what it was asked and answers as the test says.
pub(crate) struct Handler {
    pub(crate) rejection: Mutex<Option<String>>,
    pub(crate) incoming: Mutex<Vec<Incoming>>,
    pub(crate) received: Mutex<Vec<Received>>,
    receive: Receive,
}

#[async_trait]
impl PushHandler for Handler {
    async fn admit(&self, push: &Incoming) -> Result<(), Rejection> {
        self.incoming.lock().unwrap().push(push.clone());
        match &*self.rejection.lock().unwrap() {
            Some(message) => Err(Rejection { message: message.clone() }),
            None => Ok(()),
        }
    }

    async fn receive(&self, push: Received, talk: PushTalk) -> Vec<RefOutcome> {
        self.received.lock().unwrap().push(push.clone());
        (self.receive)(push, talk).await
    }
}

pub(crate) struct Options {
    pub(crate) http: GitHttpConfig,
    pub(crate) max_pack_bytes: u64,
    pub(crate) max_tree_bytes: u64,
    pub(crate) min_free_bytes: u64,
    pub(crate) may_push: bool,
    /// Appended to the directory of the hook socket.
    pub(crate) deep: String,
    pub(crate) hook_program: PathBuf,
    pub(crate) receive: Receive,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            http: GitHttpConfig::default(),
            max_pack_bytes: 64 << 20,
            max_tree_bytes: 64 << 20,
            min_free_bytes: 0,
            may_push: true,
            deep: String::new(),
            hook_program: hook_program(),
            receive: Box::new(|push, _| {
                Box::pin(async move { vec![RefOutcome::Accept; push.updates.len()] })
            }),
        }
    }
}

impl Options {
    pub(crate) fn receive<F>(
        receive: impl Fn(Received, PushTalk) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Vec<RefOutcome>> + Send + 'static,
    {
        let receive: Receive = Box::new(move |push, talk| Box::pin(receive(push, talk)));
        Self { receive, ..Self::default() }
    }
}

/// The example of this crate, which cargo builds with its tests.
pub(crate) fn hook_program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join("examples/git-hook");
    assert!(program.is_file(), "{} is missing: run `cargo build --examples`", program.display());
    program
}

pub(crate) struct Host {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) repositories: Repositories,
    pub(crate) handler: Arc<Handler>,
    pub(crate) app: AppName,
    pub(crate) authority: String,
    /// Ends the hook server alone, without grace.
    pub(crate) hooks: CancellationToken,
    config: RepositoriesConfig,
    cancel: CancellationToken,
    tracker: TaskTracker,
}

impl Host {
    pub(crate) async fn start(options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sockets = directory.path().join(&options.deep);
        std::fs::create_dir_all(&sockets).unwrap();
        let git = Git::find(GitConfig::from_environment()).await.unwrap();
        let config = RepositoriesConfig {
            directory: directory.path().join("git"),
            program: options.hook_program,
            hook_socket: sockets.join("hooks.sock"),
            max_pack_bytes: options.max_pack_bytes,
            max_tree_bytes: options.max_tree_bytes,
            min_free_bytes: options.min_free_bytes,
        };
        let repositories = Repositories::open(git, config.clone()).await.unwrap();
        let app: AppName = "shop".parse().unwrap();
        repositories.create(&app, "main").await.unwrap();
        let handler = Arc::new(Handler {
            rejection: Mutex::default(),
            incoming: Mutex::default(),
            received: Mutex::default(),
            receive: options.receive,
        });
        let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
        let hooks = cancel.child_token();
        let pushes = Pushes::default();
        let server = HookServer::bind(
            repositories.clone(),
            pushes.clone(),
            handler.clone(),
            tracker.clone(),
            hooks.clone(),
        );
        tracker.spawn(server.unwrap().serve());
        let http = GitHttp::new(
            repositories.clone(),
            pushes,
            options.http,
            tracker.clone(),
            cancel.clone(),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        tracker.spawn(listen(listener, http, options.may_push, tracker.clone(), cancel.clone()));
        Self { directory, repositories, handler, app, authority, hooks, config, cancel, tracker }
    }

    /// Opens the repositories as a server that starts does.
    pub(crate) async fn reopen(&self) -> Repositories {
        let git = Git::find(GitConfig::from_environment()).await.unwrap();
        Repositories::open(git, self.config.clone()).await.unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/{}.git", self.authority, self.app)
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.directory.path().join("git").join(format!("{}.git", self.app))
    }

    /// Whether all work has ended, the clients' connections apart.
    pub(crate) fn pushes_under_way(&self) -> bool {
        quarantines(&self.repository()) > 0
    }

    /// Ends it, and fails if a task stays behind.
    pub(crate) async fn stop(self) -> tempfile::TempDir {
        self.cancel.cancel();
        self.tracker.close();
        let ended = tokio::time::timeout(Duration::from_secs(20), self.tracker.wait()).await;
        assert!(ended.is_ok(), "{} tasks stayed behind", self.tracker.len());
        self.directory
    }
}

/// Pushes that wait for their verdict, or were left behind.
pub(crate) fn quarantines(repository: &Path) -> usize {
    std::fs::read_dir(repository.join("objects"))
        .unwrap()
        .filter(|entry| {
            entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("tmp_objdir-")
        })
        .count()
}

/// Waits until it is so; an error names what was waited for.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !so() {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What has to happen before long.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it happens before long")
}

async fn listen(
    listener: TcpListener,
    http: GitHttp,
    may_push: bool,
    tracker: TaskTracker,
    cancel: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = cancel.cancelled() => return,
        };
        let (stream, _) = accepted.unwrap();
        // Else the end of an answer waits for the client to acknowledge its beginning.
        stream.set_nodelay(true).unwrap();
        let (http, cancel) = (http.clone(), cancel.clone());
        tracker.spawn(async move {
            let service = service_fn(move |request: Request<RequestBody>| {
                let http = http.clone();
                async move {
                    let path = request.uri().path().to_owned();
                    let (app, rest) = path.trim_start_matches('/').split_once(".git").unwrap();
                    let app = app.parse().unwrap();
                    let actor = Actor::Token("ann".to_owned());
                    let answer = http.serve(request, &app, rest, &actor, may_push).await;
                    Ok::<_, std::convert::Infallible>(answer)
                }
            });
            let builder = auto::Builder::new(TokioExecutor::new());
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                // A client that goes away is what some tests are about.
                _ = connection => {}
                () = cancel.cancelled() => {}
            }
        });
    }
}
