//! The parts of the machine that every box shows, read-only.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Directories of `/` that belong to the operating system, as links into `/usr` or by themselves.
const SYSTEM: &[&str] = &["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// Files of `/etc` that programs need and that hold nothing to hide.
const ETC: &[&str] = &[
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "gai.conf",
    "host.conf",
    "hosts",
    "java-17-openjdk",
    "java-21-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "localtime",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "perl",
    "pki/ca-trust",
    "pki/tls",
    "protocols",
    "python3",
    "python3.11",
    "python3.12",
    "python3.13",
    "resolv.conf",
    "services",
    "ssl/cert.pem",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
];

/// What of that there is on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Ground {
    /// Name in `/`, and where the link leads.
    pub(super) links: Vec<(String, PathBuf)>,
    pub(super) directories: Vec<PathBuf>,
    pub(super) etc: Vec<PathBuf>,
}

impl Ground {
    pub(super) fn scan() -> Self {
        let mut ground = Self { directories: vec!["/usr".into()], ..Self::default() };
        for name in SYSTEM {
            let path = Path::new("/").join(name);
            match fs::read_link(&path) {
                Ok(leads_to) => ground.links.push(((*name).to_owned(), leads_to)),
                Err(_) if path.is_dir() => ground.directories.push(path),
                Err(_) => {}
            }
        }
        let etc = ETC.iter().map(|name| Path::new("/etc").join(name));
        ground.etc = etc.filter(|path| path.exists()).collect();
        ground
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_holds_secrets_is_shown() {
        let hidden =
            ["shadow", "gshadow", "passwd", "group", "sudoers", "ssh", "ssl", "ssl/private"];
        assert!(ETC.iter().all(|name| !hidden.contains(name)));
    }
}
