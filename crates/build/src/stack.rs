//! What this machine offers to a bundle.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use types::Stack;

use crate::tools::{Probe, Tools};

/// This machine's stack: its system, C library and processor, and the runtimes at fixed paths.
#[must_use = "a stack is there to be compared with a bundle's"]
pub async fn machine_stack() -> Stack {
    let (tools, libc) = tokio::join!(async { Probe::new(None).look().await }, libc());
    Stack {
        os: operating_system(),
        libc,
        architecture: std::env::consts::ARCH.to_owned(),
        runtimes: runtimes(&tools),
    }
}

/// Every runtime that a bundle may name.
pub(crate) fn runtimes(tools: &Tools) -> std::collections::BTreeMap<String, String> {
    let pairs = tools.versions.iter();
    pairs.filter_map(|(path, version)| Some((path.to_str()?.to_owned(), version.clone()))).collect()
}

/// `ID` and `VERSION_ID` of os-release(5): `debian-12`. A rolling release has no version, and `unknown` names a system
/// that does not say what it is.
pub(crate) fn operating_system() -> String {
    let read = |path| std::fs::read_to_string(path).ok();
    let text = read("/etc/os-release").or_else(|| read("/usr/lib/os-release")).unwrap_or_default();
    named(&text)
}

fn named(os_release: &str) -> String {
    let value = |key: &str| {
        os_release.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            (name == key).then(|| value.trim().trim_matches(['"', '\'']).to_owned())
        })
    };
    match (value("ID"), value("VERSION_ID")) {
        (Some(id), Some(version)) => format!("{id}-{version}"),
        (Some(id), None) => id,
        (None, _) => "unknown".to_owned(),
    }
}

/// glibc says so itself (getconf(1)); musl's loader prints its version when it is started without a program, which is what
/// its ldd(1) is.
async fn libc() -> String {
    if let Some(text) = output("getconf", &["GNU_LIBC_VERSION"]).await
        && let Some((_, version)) = text.trim().split_once(' ')
    {
        return format!("glibc-{version}");
    }
    let text = output("ldd", &[]).await.unwrap_or_default();
    let version = text.lines().find_map(|line| line.trim().strip_prefix("Version "));
    match version {
        Some(version) if text.contains("musl") => format!("musl-{}", version.trim()),
        _ => "unknown".to_owned(),
    }
}

async fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output =
        tokio::time::timeout(Duration::from_secs(10), command.output()).await.ok()?.ok()?;
    Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_named_as_it_names_itself() {
        assert_eq!(named("NAME=\"Debian\"\nID=debian\nVERSION_ID=\"12\"\n"), "debian-12");
        assert_eq!(named("ID=arch\n"), "arch");
        assert_eq!(named(""), "unknown");
    }

    #[tokio::test]
    async fn this_machine_is_its_own_match() {
        let here = machine_stack().await;
        assert!(here.libc.starts_with("glibc-") || here.libc.starts_with("musl-"), "{here:?}");
        assert_ne!(here.os, "unknown");
        assert_eq!(here.check_on(&here), Ok(()));
    }
}
