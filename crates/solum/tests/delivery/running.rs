//! What runs: instances, logs, scale, commands beside the app.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use testkit::{Repository, Server, wait_until};

use crate::hello;

#[test]
fn an_app_is_scaled_up_and_down() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    repository.edit(
        "server.py",
        "hello v1",
        "hello v1 {os.getpid()} {os.environ['SOLUM_INSTANCE']}",
    )?;
    repository.commit("say who it is")?;
    repository.push()?.require()?;
    server.solum(&["scale", "hello", "web=3"])?.require()?;
    let mut seen = BTreeSet::new();
    wait_until("all three to answer", Duration::from_secs(60), || {
        seen.insert(hello::answer(&server).ok()?);
        (seen.len() == 3).then_some(())
    })?;
    server.solum(&["scale", "hello", "web=1"])?.require()?;
    wait_until("one to be left", Duration::from_secs(60), || {
        let instances = server.solum_json(&["ps", "hello", "--json"]).ok()?;
        (instances.as_array()?.len() == 1).then_some(())
    })?;
    assert!(hello::answer(&server)?.ends_with("web.1"));
    Ok(())
}

#[test]
fn an_app_that_dies_is_started_again_also_while_the_control_plane_is_away() -> Result<()> {
    let mut server = Server::start()?;
    let _repository = hello::deployed(&server)?;
    let pid = |server: &Server| -> Option<u32> {
        let instances = server.solum_json(&["ps", "hello", "--json"]).ok()?;
        instances[0]["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok())
    };
    let before = pid(&server).expect("the app runs");
    server.kill()?;
    let killed =
        std::process::Command::new("kill").args(["-KILL", &before.to_string()]).status()?;
    assert!(killed.success());
    wait_until("the app to answer again", Duration::from_secs(60), || hello::answer(&server).ok())?;
    server.restart()?;
    wait_until("the new process to be seen", Duration::from_secs(60), || {
        pid(&server).filter(|after| *after != before)
    })?;
    Ok(())
}

#[test]
fn logs_are_kept_and_followed() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    repository.edit(
        "server.py",
        "def do_GET(self):",
        "def do_GET(self):\n        print('asked for', self.path, flush=True)",
    )?;
    repository.commit("log requests")?;
    repository.push()?.require()?;
    server.get("hello-dev.localhost", "/one")?;
    wait_until("the line to be kept", Duration::from_secs(30), || {
        let logs = server.solum(&["logs", "hello"]).ok()?;
        logs.stdout.contains("asked for /one").then_some(())
    })?;
    let mut follow = server.command();
    let mut follow = follow
        .args(["logs", "hello", "-f"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()?;
    let lines = follow.stdout.take().expect("it is piped");
    server.get("hello-dev.localhost", "/two")?;
    let found = std::io::BufRead::lines(std::io::BufReader::new(lines))
        .map_while(Result::ok)
        .any(|line| line.contains("asked for /two"));
    follow.kill()?;
    follow.wait()?;
    assert!(found);
    Ok(())
}

#[test]
fn a_command_runs_beside_the_app_with_its_config_and_its_user() -> Result<()> {
    let server = Server::start()?;
    let _repository = hello::deployed(&server)?;
    server.solum(&["config", "set", "hello", "GREETING=one"])?.require()?;
    let command = "echo $GREETING $(id -u) $(ls server.py); echo oops >&2; exit 3";
    let ran = server.solum(&["exec", "hello", "--", "sh", "-c", command])?;
    assert!(ran.stdout.starts_with("one 7"), "the app's own user: {}", ran.stdout);
    assert!(ran.stdout.contains("server.py"), "{}", ran.stdout);
    assert!(ran.stderr.contains("oops"), "{}", ran.stderr);
    assert!(!ran.success());
    Ok(())
}

#[test]
fn an_app_sees_neither_the_data_directory_nor_another_app() -> Result<()> {
    let server = Server::start()?;
    let _repository = hello::deployed(&server)?;
    let data = server.data_dir();
    let look = format!("ls {0} && cat {0}/admin.token", data.display());
    let ran = server.solum(&["exec", "hello", "--", "sh", "-c", &look])?;
    assert!(!ran.success(), "{}", ran.stdout);
    let ran = server
        .solum(&[
            "exec",
            "hello",
            "--",
            "sh",
            "-c",
            "grep -E 'Cap(Eff|Prm|Inh|Bnd)' /proc/self/status",
        ])?
        .require()?;
    assert!(ran.stdout.lines().all(|line| line.ends_with("0000000000000000")), "{}", ran.stdout);
    Ok(())
}

#[test]
fn a_release_command_runs_once_before_traffic_and_its_failure_moves_nothing() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    repository.write("solum.yaml", "release: \"echo migrated >> /data/log; cat /data/log\"\n")?;
    repository.commit("migrate")?;
    let push = repository.push()?.require()?;
    assert_eq!(push.transcript().matches("       migrated").count(), 1, "{}", push.transcript());
    repository.write("solum.yaml", "release: \"echo trying; exit 7\"\n")?;
    repository.edit("server.py", "hello v1", "hello v2")?;
    repository.commit("a release command that fails")?;
    let push = repository.push()?;
    assert!(!push.success());
    assert!(
        push.transcript().contains("the release command exited with status 7"),
        "{}",
        push.transcript()
    );
    assert_eq!(hello::answer(&server)?, "hello v1");
    Ok(())
}

#[test]
fn a_single_writer_is_stopped_before_its_successor_starts_and_requests_wait() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    repository.write("solum.yaml", "environments:\n  dev:\n    strategy: recreate\n")?;
    // Two of them at once would not come up: the second cannot have the lock.
    repository.edit(
        "server.py",
        "print(\"ready\", flush=True)",
        "import fcntl\nlock = open('/data/lock', 'w')\nfcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)",
    )?;
    repository.commit("one writer")?;
    repository.push()?.require()?;
    let plan = testkit::LoadPlan { keep_alive: 4, per_request: 2, ..testkit::LoadPlan::default() };
    let load = testkit::Load::start(server.router_address()?, "hello-dev.localhost", &plan);
    load.wait_for(20, Duration::from_secs(30))?;
    hello::push_version(&repository, "v1", "v2")?;
    load.wait_for(20, Duration::from_secs(30))?;
    let report = load.stop();
    assert_eq!(report.failures, 0, "{report}");
    assert_eq!(hello::answer(&server)?, "hello v2");
    Ok(())
}

#[test]
fn a_worker_without_a_port_runs_beside_the_web_process() -> Result<()> {
    let server = Server::start()?;
    let repository: Repository = hello::create(&server)?;
    repository.write(
        "Procfile",
        "web: exec python3 server.py\nworker: echo working; exec sleep 1000\n",
    )?;
    repository.commit("a worker")?;
    repository.push()?.require()?;
    let instances = server.solum_json(&["ps", "hello", "--json"])?;
    let mut names: Vec<String> = instances
        .as_array()
        .into_iter()
        .flatten()
        .map(|instance| instance["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["web.1", "worker.1"], "{instances}");
    let logs = server.solum(&["logs", "hello", "--process", "worker"])?.require()?;
    assert!(logs.stdout.contains("working"), "{}", logs.stdout);
    Ok(())
}
