//! A place to build in: an app's source tree, a store, a builder.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use build::{
    ArtifactStore, Bind, BoxCommand, BuildError, Builder, BuilderConfig, Plan, Tested, Workspace,
    machine_stack,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;
use types::{AppId, Bundle, ProcessType, SystemClock};

use crate::bubblewrap::{Bubblewrap, command};
use crate::recorder::Recorder;

/// A user that nothing else on the machine is.
pub(crate) const UID: u32 = 61_234;
/// A commit's time, long ago.
const COMMITTED_AT: u64 = 1_700_000_000;

pub(crate) struct Site {
    pub(crate) directory: TempDir,
    pub(crate) boxes: Arc<Bubblewrap>,
    pub(crate) store: Arc<ArtifactStore>,
    pub(crate) builder: Arc<Builder>,
    pub(crate) recorder: Recorder,
    pub(crate) cancel: CancellationToken,
    app: AppId,
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::on(&std::env::temp_dir(), 0).await
    }

    /// On a disk of which something has to stay free.
    pub(crate) async fn on(disk: &Path, min_free_bytes: u64) -> Self {
        let directory = tempfile::tempdir_in(disk).unwrap();
        let clock = Arc::new(SystemClock);
        let store = ArtifactStore::open(directory.path().join("store"), clock).unwrap();
        let store = Arc::new(store);
        let boxes = Arc::new(Bubblewrap::default());
        let builder = builder(directory.path().join("build"), &store, &boxes, min_free_bytes).await;
        std::fs::create_dir(directory.path().join("source")).unwrap();
        Self {
            directory,
            boxes,
            store,
            builder: Arc::new(builder),
            recorder: Recorder::default(),
            cancel: CancellationToken::new(),
            app: AppId::generate(&SystemClock),
        }
    }

    /// Another builder, for another store.
    pub(crate) async fn builder_with(&self, store: Arc<ArtifactStore>) -> Builder {
        builder(self.directory.path().join("other"), &store, &self.boxes, 0).await
    }

    /// With the files of `examples/NAME`.
    pub(crate) async fn with_example(name: &str) -> Self {
        let site = Self::new().await;
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let copied = std::process::Command::new("cp")
            .arg("-r")
            .arg(examples.join(name).join("."))
            .arg(site.source())
            .status()
            .unwrap();
        assert!(copied.success());
        site
    }

    pub(crate) async fn with_files(files: &[(&str, &str)]) -> Self {
        let site = Self::new().await;
        for (path, text) in files {
            site.write(path, text);
        }
        site
    }

    pub(crate) fn source(&self) -> PathBuf {
        self.directory.path().join("source")
    }

    /// Where the builder keeps this app's things.
    pub(crate) fn room(&self) -> PathBuf {
        self.directory.path().join("build").join(self.app.to_string())
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.source().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.source().join(path)).unwrap();
        assert!(text.contains(from), "{path} does not contain {from}");
        self.write(path, &text.replace(from, to));
    }

    pub(crate) fn workspace(&self) -> Workspace {
        Workspace {
            app: self.app,
            uid: UID,
            source: self.source(),
            committed_at: COMMITTED_AT,
            build_env: BTreeMap::new(),
        }
    }

    pub(crate) async fn plan(&self) -> Plan {
        self.builder.plan(&self.source()).await.unwrap()
    }

    pub(crate) async fn try_test(&self) -> Result<Tested, BuildError> {
        let plan = self.plan().await;
        self.builder.test(&self.workspace(), &plan, &self.recorder, &self.cancel).await
    }

    pub(crate) async fn try_build(&self) -> Result<Bundle, BuildError> {
        let plan = self.plan().await;
        self.builder.build(&self.workspace(), &plan, &self.recorder, &self.cancel).await
    }

    pub(crate) async fn test(&self) -> Tested {
        let tested = self.try_test().await;
        tested.unwrap_or_else(|error| panic!("{error:?}\n{}", self.recorder.text()))
    }

    pub(crate) async fn build(&self) -> Bundle {
        let bundle = self.try_build().await;
        bundle.unwrap_or_else(|error| panic!("{error:?}\n{}", self.recorder.text()))
    }

    /// The bundle's files, unpacked one layer over the other.
    pub(crate) fn unpack(&self, bundle: &Bundle) -> TempDir {
        let root = tempfile::tempdir_in(self.directory.path()).unwrap();
        for layer in &bundle.layers {
            let file = std::fs::File::open(self.store.path(&layer.digest)).unwrap();
            tar::Archive::new(file).unpack(root.path()).unwrap();
        }
        root
    }

    /// What the bundle's web process answers to `GET /`.
    pub(crate) async fn answer(&self, bundle: &Bundle) -> String {
        let root = self.unpack(bundle);
        // Gone again before the app takes it: nobody else is given the port so soon.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut env = bundle.env.clone();
        let own = bundle.manifest.env.iter();
        env.extend(own.map(|(name, value)| (name.to_string(), value.clone())));
        env.insert("PORT".to_owned(), port.to_string());
        let mut binds = vec![Bind::read_only(root.path().join("app"), "/app")];
        if root.path().join("opt").exists() {
            binds.push(Bind::read_only(root.path().join("opt"), "/opt"));
        }
        let mut process = command(&BoxCommand {
            uid: UID,
            script: bundle.manifest.processes[&ProcessType::web()].run.clone(),
            binds,
            workdir: "/app".into(),
            env,
            network: true,
            timeout: Duration::MAX,
        })
        .spawn()
        .unwrap();
        let answer = get(port, "/").await;
        process.kill().await.unwrap();
        answer
    }
}

async fn builder(
    directory: PathBuf,
    store: &Arc<ArtifactStore>,
    boxes: &Arc<Bubblewrap>,
    min_free_bytes: u64,
) -> Builder {
    // Out of what a box shows, as a server's own certificates may be.
    let passed = directory.with_extension("passed");
    std::fs::write(&passed, "passed on").unwrap();
    let mut pass_env = pass_env();
    pass_env.push(("PASSED_FILE".to_owned(), passed.display().to_string()));
    Builder::new(BuilderConfig {
        directory,
        store: Arc::clone(store),
        boxes: boxes.clone(),
        machine: machine_stack().await,
        pass_env,
        rustup: rustup(),
        solum: solum(),
        min_free_bytes,
        max_import_bytes: 64 << 20,
    })
}

/// Tries until somebody listens.
async fn get(port: u16, path: &str) -> String {
    let answer = tokio::time::timeout(Duration::from_secs(60), ask(port, path)).await;
    answer.unwrap_or_else(|_| panic!("no answer on port {port}"))
}

async fn ask(port: u16, path: &str) -> String {
    loop {
        if let Ok(mut stream) = tokio::net::TcpStream::connect(("127.0.0.1", port)).await {
            let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Proxies and certificates, where the machine needs them to reach the registries.
fn pass_env() -> Vec<(String, String)> {
    let names = [
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "PIP_CERT",
        "PIP_INDEX_URL",
        "REQUESTS_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "npm_config_registry",
        "CARGO_HTTP_CAINFO",
        "GIT_SSL_CAINFO",
    ];
    let set = names.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    set.collect()
}

fn rustup() -> Option<PathBuf> {
    let home = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
    home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".rustup")))
}

/// Cargo puts examples beside the directory of the tests.
pub(crate) fn solum() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join("examples/static_site");
    assert!(program.exists(), "{} is not built: cargo build --examples", program.display());
    program
}
