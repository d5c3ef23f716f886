//! A control plane of its own for a test, with an app and runs of workflows that the test writes.

mod server;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use store::{NewRun, Run};
use types::{Actor, Clock, CommitId, RunId, RunStatus, SystemClock};
use workflow::RunContext;
use workflow::language::{Definition, read_with};

use crate::{App, Control, Isolation, Limits, MirrorBase, Settings};
pub(crate) use server::{Reply, Server};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Testbed {
    pub(crate) control: Control,
    pub(crate) app: App,
    directory: tempfile::TempDir,
    clock: Arc<dyn Clock>,
    mirror: Option<MirrorBase>,
}

pub(crate) fn token(name: &str) -> Actor {
    Actor::Token(name.to_owned())
}

impl Testbed {
    /// With an app `shop`.
    pub(crate) async fn start() -> Self {
        Self::start_at(Arc::new(SystemClock)).await
    }

    /// The same by another clock.
    pub(crate) async fn start_at(clock: Arc<dyn Clock>) -> Self {
        Self::start_with(clock, None).await
    }

    /// With a mirror of actions.
    pub(crate) async fn start_with(clock: Arc<dyn Clock>, mirror: Option<MirrorBase>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let control = control_in(&directory, Arc::clone(&clock), mirror.clone()).await;
        let name: types::AppName = "shop".parse().unwrap();
        control.create_app(name.clone(), None, &token("alice")).await.unwrap();
        let mut wake = control.inner.store.subscribe(store::Topic::Apps);
        let ready = async {
            loop {
                if let Ok(app) = control.ready_app(&name).await {
                    return app;
                }
                wake.changed().await;
            }
        };
        let app = tokio::time::timeout(PATIENCE, ready).await.unwrap();
        Self { control, app, directory, clock, mirror }
    }

    /// Commits these files to the deploy branch, beside those that are there, without a push.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> CommitId {
        let bare = self.directory.path().join("data/repositories/shop.git");
        commit(&bare, &self.directory.path().join("tree"), files)
    }

    /// Another control plane that finds what this one did.
    pub(crate) async fn restart(self) -> Self {
        self.control.shut_down().await;
        let Self { app, directory, control, clock, mirror } = self;
        drop(control);
        let control = control_in(&directory, Arc::clone(&clock), mirror.clone()).await;
        Self { control, app, directory, clock, mirror }
    }

    pub(crate) async fn stop(self) {
        self.control.shut_down().await;
    }

    /// A run of the workflow, started by `alice`.
    pub(crate) async fn run(&self, workflow: &str) -> Run {
        let new = NewRun {
            id: RunId::generate(&*self.control.inner.clock),
            app: self.app.id,
            definition: definition(workflow),
            context: RunContext {
                author: Some(token("alice")),
                trusted: true,
                ..RunContext::default()
            },
            carried_over: Vec::new(),
            attempt: 1,
            retry_of: None,
            queue: None,
            commit: None,
            title: "a test".to_owned(),
            actor: token("alice"),
        };
        self.control.inner.store.create_run(new).await.unwrap()
    }

    /// Waits until the run stands so.
    pub(crate) async fn until(&self, run: RunId, status: RunStatus) -> Run {
        self.until_run(run, |run| run.status == status).await
    }

    async fn until_run(&self, id: RunId, wanted: impl Fn(&Run) -> bool) -> Run {
        let mut wake = self.control.run_changes();
        let reached = async {
            loop {
                let run = self.control.run(id).await.unwrap();
                if wanted(&run) {
                    return run;
                }
                wake.changed().await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        match reached {
            Ok(run) => run,
            Err(_) => panic!("it did not come about: {:#?}", self.control.run_view(id).await),
        }
    }

    /// What the run has said, once it has said `words`.
    pub(crate) async fn said(&self, run: RunId, words: &str) -> String {
        let mut follower = self.control.follow_run(run, 0);
        let mut said = String::new();
        let heard = async {
            while !said.contains(words) {
                let lines = follower.read().unwrap();
                if lines.is_empty() {
                    follower.changed().await;
                }
                lines.iter().for_each(|line| said.extend([line.as_str(), "\n"]));
            }
        };
        let heard = tokio::time::timeout(PATIENCE, heard).await;
        assert!(heard.is_ok(), "{words} was not said: {said}");
        said
    }
}

/// Waits until something that nobody announces has come about.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let reached = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, reached).await.is_ok(), "{what}");
}

async fn control_in(
    directory: &tempfile::TempDir,
    clock: Arc<dyn Clock>,
    mirror: Option<MirrorBase>,
) -> Control {
    let settings = Settings {
        data_directory: directory.path().join("data"),
        program: PathBuf::from("/bin/false"),
        domain: "localhost".parse().unwrap(),
        api_url: "http://127.0.0.1:1".to_owned(),
        router_listen: "127.0.0.1:0".parse().unwrap(),
        // Nothing listens there.
        router_port: 1,
        isolation: Isolation::Bare,
        build_environment: Vec::new(),
        rustup: None,
        actions_mirror: mirror,
        limits: Limits::default(),
    };
    Control::start(settings, clock).await.unwrap()
}

/// Commits these files, and links to what follows `-> `, to what is checked out of the bare repository in `tree`.
pub(crate) fn commit(bare: &Path, tree: &Path, files: &[(&str, &str)]) -> CommitId {
    for (name, text) in files {
        let path = tree.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match text.strip_prefix("-> ") {
            Some(target) => std::os::unix::fs::symlink(target, path).unwrap(),
            None => std::fs::write(path, text).unwrap(),
        }
    }
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(tree).env("GIT_DIR", bare).env("GIT_WORK_TREE", tree);
        let who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"];
        let output = git.args(who).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "one"]);
    git(&["rev-parse", "HEAD"]).trim().parse().unwrap()
}

#[track_caller]
pub(crate) fn definition(workflow: &str) -> Definition {
    let read = read_with("w.yml", workflow, |_| workflow::language::Found::Missing);
    read.unwrap_or_else(|refused| panic!("{:#?}", refused.mistakes)).definition
}
