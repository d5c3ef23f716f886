//! The three proxies, set up to do the same.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::instance::{self, Instance};
use super::process::{Pinned, free_address};

pub(super) const HOST: &str = "bench.localhost";
const PROXY_CORE: usize = 0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Solum,
    Haproxy,
    Nginx,
}

#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    pub(super) process: Pinned,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Solum, Self::Haproxy, Self::Nginx];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Solum => "solum",
            Self::Haproxy => "HAProxy",
            Self::Nginx => "nginx",
        }
    }
}

impl Proxy {
    pub(super) fn start(
        kind: Kind,
        solum: &Path,
        instance: &Instance,
        scratch: &Path,
    ) -> Result<Self> {
        let address = free_address()?;
        let mut process = match kind {
            Kind::Solum => start_solum(solum, address, instance, scratch),
            Kind::Haproxy => start_haproxy(address, instance, scratch),
            Kind::Nginx => start_nginx(address, instance, scratch),
        }?;
        process.listens(address).with_context(|| format!("the proxy ({})", kind.name()))?;
        Ok(Self { address, process })
    }
}

/// Its table is on disk before it starts, as after a restart without the control plane.
fn start_solum(
    program: &Path,
    address: SocketAddr,
    instance: &Instance,
    scratch: &Path,
) -> Result<Pinned> {
    let data = tempfile::tempdir_in(scratch)?.keep();
    let table = json!({
        "revision": 1,
        "routes": [{
            "hosts": [HOST], "app": "bench", "environment": "dev",
            "sides": [{
                "release": "v1", "weight": 100,
                "instances": [{
                    "instance": "ins_00000000000000000000000001",
                    "address": instance.address,
                }],
            }],
        }],
    });
    fs::create_dir(data.join("router"))?;
    fs::write(data.join("router/table.json"), table.to_string())?;
    let program = program.to_str().context("the program's path is not text")?;
    let data = data.to_str().context("the scratch directory's name is not text")?;
    let listen = address.to_string();
    let arguments = ["router", "--data-dir", data, "--listen", &listen, "--workers", "1"];
    Pinned::start(PROXY_CORE, program, &arguments)
}

fn start_haproxy(address: SocketAddr, instance: &Instance, scratch: &Path) -> Result<Pinned> {
    let configuration = format!(
        "global\n  nbthread 1\n  maxconn 4096\n\
         defaults\n  mode http\n  timeout connect 3s\n  timeout client 75s\n  timeout server 120s\n\
         \x20 timeout http-request 15s\n  timeout http-keep-alive 75s\n  option http-keep-alive\n\
         \x20 http-reuse always\n\
         frontend in\n  bind {address} backlog 4096\n\
         \x20 unique-id-format %[uuid()]\n\
         \x20 http-request del-header forwarded\n\
         \x20 http-request del-header x-forwarded- -m beg\n\
         \x20 http-request set-header x-forwarded-for %[src]\n\
         \x20 http-request set-header x-forwarded-proto http\n\
         \x20 http-request set-header x-forwarded-host %[req.hdr(host)]\n\
         \x20 http-request set-header x-forwarded-port %[dst_port]\n\
         \x20 http-request set-header forwarded for=%[src];host=%[req.hdr(host)];proto=http\n\
         \x20 http-request set-header x-request-id %[unique-id] unless {{ req.hdr(x-request-id) -m found }}\n\
         \x20 use_backend bench if {{ hdr(host),field(1,:) -m str -i {HOST} }}\n\
         backend bench\n  balance leastconn\n  server one {}\n",
        instance.address
    );
    let file = scratch.join("haproxy.cfg");
    fs::write(&file, configuration)?;
    let file = file.to_str().context("the scratch directory's name is not text")?;
    Pinned::start(PROXY_CORE, "/usr/sbin/haproxy", &["-db", "-f", file])
}

fn start_nginx(address: SocketAddr, instance: &Instance, scratch: &Path) -> Result<Pinned> {
    let mut configuration = instance::preamble(scratch, "proxy");
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        fs::create_dir_all(scratch.join(kind))?;
    }
    let temporary = |kind: &str| format!("{kind}_temp_path {}/{kind};\n", scratch.display());
    let temporary: String =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(temporary).concat();
    configuration.push_str(&format!(
        "http {{ access_log off; keepalive_requests 1000000000; {temporary}\
         upstream bench {{ least_conn; server {0}; keepalive 128; keepalive_requests 1000000000; }}\n\
         server {{ listen {address} default_server backlog=4096; return 404; }}\n\
         server {{ listen {address}; server_name {HOST};\n\
         location / {{ proxy_pass http://bench; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
         proxy_connect_timeout 3s; proxy_read_timeout 120s;\n\
         proxy_set_header Host $http_host;\n\
         proxy_set_header X-Forwarded-For $remote_addr;\n\
         proxy_set_header X-Forwarded-Proto http;\n\
         proxy_set_header X-Forwarded-Host $http_host;\n\
         proxy_set_header X-Forwarded-Port $server_port;\n\
         proxy_set_header Forwarded \"for=$remote_addr;host=$http_host;proto=http\";\n\
         proxy_set_header X-Request-Id $request_id; }} }} }}\n",
        instance.address
    ));
    let file = scratch.join("proxy.conf");
    fs::write(&file, configuration)?;
    instance::nginx(PROXY_CORE, &file)
}
