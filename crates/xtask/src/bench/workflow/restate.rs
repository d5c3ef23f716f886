//! Restate beside us: its server, a service of its SDK, and the same loads.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::{Figures, Load};

const PACKAGES: [&str; 2] = ["@restatedev/restate-server@1.7.12", "@restatedev/restate-sdk@1.17.2"];
const SERVICE: &str = include_str!("service.mjs");
const LOAD: &str = include_str!("load.mjs");
const START: Duration = Duration::from_secs(60);

/// Ends with this.
pub(super) struct Restate {
    directory: TempDir,
    server: Child,
    service: Child,
    ingress: u16,
}

impl Restate {
    pub(super) fn start() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        eprintln!("Installing {}", PACKAGES.join(" and "));
        let install = Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--silent"])
            .args(PACKAGES)
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .status()
            .context("cannot run npm, which brings Restate")?;
        ensure!(install.success(), "npm install ended with {install}");
        std::fs::write(directory.path().join("service.mjs"), SERVICE)?;
        std::fs::write(directory.path().join("load.mjs"), LOAD)?;
        let ports = free_ports()?;
        let [ingress, admin, node, service_port] = ports;
        let log = |name: &str| File::create(directory.path().join(name));
        let server = Command::new(directory.path().join("node_modules/.bin/restate-server"))
            .args(["--base-dir", "data", "--node-name", "bench"])
            .env("RESTATE_INGRESS__BIND_ADDRESS", format!("127.0.0.1:{ingress}"))
            .env("RESTATE_ADMIN__BIND_ADDRESS", format!("127.0.0.1:{admin}"))
            .env("RESTATE_BIND_ADDRESS", format!("127.0.0.1:{node}"))
            .env("RESTATE_ADVERTISED_ADDRESS", format!("http://127.0.0.1:{node}"))
            .env("DO_NOT_TRACK", "1")
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(log("server.log")?)
            .stderr(log("server.err")?)
            .spawn()
            .context("cannot run restate-server")?;
        let service = Command::new("node")
            .args(["service.mjs", &service_port.to_string()])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(log("service.log")?)
            .stderr(log("service.err")?)
            .spawn();
        let mut server = server;
        let service = match service {
            Ok(service) => service,
            Err(error) => {
                end(&mut server);
                return Err(error).context("cannot run node");
            }
        };
        let restate = Self { directory, server, service, ingress };
        for port in [admin, ingress, service_port] {
            restate.wait_for(port)?;
        }
        restate.register(admin, service_port)?;
        Ok(restate)
    }

    fn wait_for(&self, port: u16) -> Result<()> {
        let opened = testkit::wait_until("Restate to open its ports", START, || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        opened.map(drop).with_context(|| {
            let said = std::fs::read_to_string(self.directory.path().join("server.err"));
            format!("port {port}; the server said: {}", said.unwrap_or_default())
        })
    }

    /// Tells the server where the service is.
    fn register(&self, admin: u16, service: u16) -> Result<()> {
        let script = format!(
            "const go = async () => {{ for (let i = 0; i < 100; i++) {{ \
               try {{ const r = await fetch('http://127.0.0.1:{admin}/deployments', {{ method: 'POST', \
                 headers: {{ 'content-type': 'application/json' }}, \
                 body: JSON.stringify({{ uri: 'http://127.0.0.1:{service}' }}) }}); \
                 if (r.ok) return; console.error(await r.text()); }} catch (e) {{ console.error(e.message); }} \
               await new Promise((done) => setTimeout(done, 200)); }} process.exit(1); }}; go();"
        );
        let status = Command::new("node").args(["-e", &script]).stdin(Stdio::null()).status()?;
        ensure!(status.success(), "Restate did not take the service");
        Ok(())
    }

    pub(super) fn measure(&self, load: Load) -> Result<Figures> {
        let numbers = [load.steps, load.in_flight, load.runs].map(|number| number.to_string());
        let output = Command::new("node")
            .args(["load.mjs", &self.ingress.to_string()])
            .args(numbers)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()?;
        ensure!(output.status.success(), "the load of Restate ended with {}", output.status);
        serde_json::from_slice(&output.stdout).context("the load of Restate said no figures")
    }

    /// The most that the server's process has had.
    pub(super) fn rss_mib(&self) -> Result<f64> {
        // The command is a script that starts the server's program.
        let processes = testkit::processes::of(self.directory.path());
        let largest = processes.iter().filter_map(|process| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid)).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
            let is_server = process.arguments.iter().any(|word| word.contains("restate-server"));
            let kib: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
            is_server.then_some(kib / 1024.0)
        });
        largest.reduce(f64::max).context("Restate's server is not there any more")
    }
}

impl Drop for Restate {
    fn drop(&mut self) {
        let own = [self.server.id(), self.service.id()].map(u32::cast_signed);
        for process in testkit::processes::of(self.directory.path()) {
            if !own.contains(&process.pid) {
                let _ = Command::new("kill").args(["-9", &process.pid.to_string()]).status();
            }
        }
        end(&mut self.server);
        end(&mut self.service);
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Held together until all are known, so that they differ.
fn free_ports() -> Result<[u16; 4]> {
    let listeners = [(); 4].map(|()| TcpListener::bind("127.0.0.1:0"));
    let mut ports = [0; 4];
    for (port, listener) in ports.iter_mut().zip(listeners) {
        *port = listener?.local_addr()?.port();
    }
    Ok(ports)
}
