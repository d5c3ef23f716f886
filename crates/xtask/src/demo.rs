//! `cargo xtask demo`: the whole way of a push on this machine, told to whoever watches.
//!
//! It works in a scratch directory, with a server, a repository and a load of its own, and
//! leaves nothing behind: however it ends (shown, failed, Ctrl-C), the server and its apps are stopped
//! and the directory is removed.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testkit::{Finished, Load, LoadPlan, Repository, Server, ServerOptions, wait_until};

mod interrupt;
mod story;

use interrupt::Interrupt;

const APP: &str = "demo";
const EXAMPLE: &str = "flask";
const FILE: &str = "app.py";
const HOST: &str = "demo-dev.localhost";
const SOON: Duration = Duration::from_secs(30);
/// Requests that pass before and after something happens under load.
const SOME_REQUESTS: u64 = 300;

/// What to do when everything was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// Leave the server running until Ctrl-C.
    Wait,
    Stop,
}

pub(crate) fn run(then: Then) -> Result<()> {
    let directory: PathBuf = tempfile::Builder::new()
        .prefix("solum-demo-")
        .tempdir()
        .context("no scratch directory")?
        .keep();
    let interrupt = Interrupt::listen(directory.clone())?;
    let shown = show(&directory, then, &interrupt);
    interrupt.wait_if_asked();
    fs::remove_dir_all(&directory)
        .with_context(|| format!("cannot remove {}", directory.display()))?;
    shown
}

fn show(directory: &std::path::Path, then: Then, interrupt: &Interrupt) -> Result<()> {
    story::chapter("A server");
    let options = ServerOptions { directory: Some(directory.to_owned()), ..Default::default() };
    let mut server = Server::start_with(options)?;
    interrupt.guard(server.stopper());
    story::command(&format!("solum server --data-dir {}", server.data_dir().display()));
    story::say(&format!("API and git at {}, apps at {}", server.url(), server.router_url()));

    let repository = Repository::from_example(&server, EXAMPLE)?;
    first_push(&server, &repository)?;

    story::chapter("A load: 32 clients that keep their connection, 8 that open one per request");
    let load = Load::start(server.router_address()?, HOST, &LoadPlan::default());
    load.wait_for(SOME_REQUESTS, SOON)?;
    story::say(&load.report().to_string());
    second_push(&server, &repository)?;
    load.wait_for(SOME_REQUESTS, SOON)?;
    broken_push(&server, &repository)?;
    load.wait_for(SOME_REQUESTS, SOON)?;
    roll_back(&server, &repository)?;
    load.wait_for(SOME_REQUESTS, SOON)?;

    story::chapter("What the clients saw");
    let report = load.stop();
    story::say(&report.to_string());
    for (answer, count) in &report.answers {
        story::say(&format!("{count:>7} × {answer}"));
    }
    story::chapter("What the platform remembers");
    for arguments in [&["release", "list", APP][..], &["run", "list", APP], &["ps", APP]] {
        show_command(&repository, arguments)?;
    }
    ensure!(report.failures == 0, "{} requests failed", report.failures);

    if then == Then::Wait {
        story::chapter("The server goes on until Ctrl-C. In another terminal:");
        story::say(&format!("export SOLUM_URL={}", server.url()));
        story::say(&format!(
            "export SOLUM_TOKEN=$(cat {}/admin.token)",
            server.data_dir().display()
        ));
        story::say(&format!("curl {}", url(&server)?));
        story::say(&format!("cd {}   # change {FILE}, commit, then:", repository.path().display()));
        story::say("git push solum main");
        interrupt.wait();
    }
    story::chapter("The end");
    server.stop()?;
    story::say("the server, the router and the apps are stopped, and nothing is left of them");
    Ok(())
}

fn first_push(server: &Server, repository: &Repository) -> Result<()> {
    story::chapter(&format!("An app from examples/{EXAMPLE}, pushed for the first time"));
    show_command(repository, &["app", "create", APP])?;
    push(repository)?.context("the first push was refused")?;
    expect(server, "v1")
}

fn second_push(server: &Server, repository: &Repository) -> Result<()> {
    story::chapter("A second version, pushed under load");
    repository.edit(FILE, "v1", "v2")?;
    repository.commit("Say v2")?;
    push(repository)?.context("the second push was refused")?;
    expect(server, "v2")
}

fn broken_push(server: &Server, repository: &Repository) -> Result<()> {
    story::chapter("A third version that cannot start, pushed under load");
    repository.edit("Procfile", "app:app", "nowhere:app")?;
    repository.commit("Start a module that is not there")?;
    ensure!(push(repository)?.is_err(), "the push of a broken version went through");
    story::say("refused, as it should be; the version before still answers:");
    expect(server, "v2")?;
    story::command("git reset --hard HEAD~1");
    repository.git(&["reset", "--quiet", "--hard", "HEAD~1"])?;
    Ok(())
}

fn roll_back(server: &Server, repository: &Repository) -> Result<()> {
    story::chapter("Back to the first version");
    show_command(repository, &["rollback", APP, "--env", "dev"])?;
    expect(server, "v1")
}

/// Pushes `main` and shows what git writes. The inner result says what became of the push.
fn push(repository: &Repository) -> Result<Result<()>> {
    story::command("git push solum main");
    let push = repository.push_watched(&["solum", "main"], &mut story::say)?;
    story::say(&format!("({:.1} s)", push.elapsed().as_secs_f64()));
    Ok(if push.success() { Ok(()) } else { Err(anyhow::anyhow!("git push failed")) })
}

fn show_command(repository: &Repository, arguments: &[&str]) -> Result<()> {
    story::command(&format!("solum {}", arguments.join(" ")));
    let Finished { stdout, stderr, .. } = repository.solum(arguments)?.require()?;
    for line in stderr.lines().chain(stdout.lines()) {
        story::say(line);
    }
    Ok(())
}

/// Shows the app's answer, which has to hold `version`.
fn expect(server: &Server, version: &str) -> Result<()> {
    story::command(&format!("curl {}", url(server)?));
    let mut last = String::new();
    let found = wait_until(&format!("an answer with {version}"), SOON, || {
        last = server.get(HOST, "/").ok()?.text();
        last.contains(version).then_some(())
    });
    story::say(last.trim_end());
    found
}

fn url(server: &Server) -> Result<String> {
    Ok(format!("http://{HOST}:{}/", server.router_address()?.port()))
}
