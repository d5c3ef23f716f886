//! `cargo xtask bench idle`: proportional memory (PSS) of server and router with many registered apps,
//! and with running instances of a small app, and of each shim.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::processes::{self, Process};
use testkit::{Repository, Server, ServerOptions, wait_until};

use super::options::Options;
use super::{program, subject};

const APPS: usize = 100;
const INSTANCES: usize = 20;
const SOON: Duration = Duration::from_secs(120);

pub(super) fn run(options: &Options) -> Result<()> {
    let program = program::solum(options.solum.as_deref())?;
    let server =
        Server::start_with(ServerOptions { program: Some(program), ..Default::default() })?;
    println!("Proportional memory (PSS) in MiB\n");
    println!("{:<44}{:>9}{:>9}{:>9}", "", "server", "router", "both");
    print_planes(&server, "started, no app")?;

    register(&server)?;
    print_planes(&server, &format!("{APPS} registered apps"))?;

    let repository = Repository::from_files(&server, &subject::FILES)?;
    repository.create_app("trivial")?;
    repository.push()?.require()?;
    let scale = format!("web={INSTANCES}");
    server.solum(&["scale", "trivial", &scale])?.require()?;
    wait_until("all instances", SOON, || {
        (shims(&server).len() == INSTANCES && running(&server) == Some(INSTANCES)).then_some(())
    })?;
    print_planes(&server, &format!("{} apps, {INSTANCES} running instances", APPS + 1))?;
    print_shims(&server)
}

fn register(server: &Server) -> Result<()> {
    for number in 1..=APPS {
        let body = json!({ "name": format!("idle-{number}") });
        let answer = server.api("POST", "/api/v1/apps", Some(&body))?;
        ensure!(
            answer.status == 202,
            "creating an app answered {}: {}",
            answer.status,
            answer.text()
        );
    }
    wait_until("all apps to be ready", SOON, || {
        let apps = server.solum_json(&["app", "list", "--json"]).ok()?;
        let apps = apps.as_array()?;
        let ready = apps.iter().filter(|app| app.get("status") == Some(&Value::from("ready")));
        (ready.count() == APPS).then_some(())
    })
}

/// How many instances answer their health check, by the platform's own word.
fn running(server: &Server) -> Option<usize> {
    let shown = server.solum_json(&["env", "show", "trivial", "dev", "--json"]).ok()?;
    usize::try_from(shown.pointer("/processes/web/running")?.as_u64()?).ok()
}

fn shims(server: &Server) -> Vec<Process> {
    server.processes().into_iter().filter(|process| process.is_solum("shim")).collect()
}

fn print_planes(server: &Server, what: &str) -> Result<()> {
    let all = server.processes();
    let router = all.iter().find(|process| process.is_solum("router")).context("no router runs")?;
    let control = server.pid().context("the control plane does not run")?;
    let control = mebibytes(processes::memory(i32::try_from(control)?)?.pss_kib);
    let router = mebibytes(processes::memory(router.pid)?.pss_kib);
    println!("{what:<44}{control:>9.1}{router:>9.1}{:>9.1}", control + router);
    Ok(())
}

fn print_shims(server: &Server) -> Result<()> {
    let all = shims(server);
    let memory: Vec<_> =
        all.iter().map(|shim| processes::memory(shim.pid)).collect::<Result<_>>()?;
    let pss: Vec<_> = memory.iter().map(|memory| memory.pss_kib).collect();
    let private: u64 = memory.iter().map(|memory| memory.private_kib).sum();
    let count = u64::try_from(all.len())?;
    ensure!(count > 0, "no shim runs");
    println!("\n{:<44}{:>9}{:>9}{:>9}", "", "mean", "largest", "private");
    println!(
        "{:<44}{:>9.2}{:>9.2}{:>9.2}",
        format!("each of {count} shims"),
        mebibytes(pss.iter().sum::<u64>() / count),
        mebibytes(pss.iter().copied().max().unwrap_or_default()),
        mebibytes(private / count),
    );
    Ok(())
}

fn mebibytes(kibibytes: u64) -> f64 {
    f64::from(u32::try_from(kibibytes).unwrap_or(u32::MAX)) / 1024.0
}
