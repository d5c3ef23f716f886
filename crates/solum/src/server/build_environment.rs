//! What builds get of the server's environment: how to reach the network, and nothing else.

use std::path::PathBuf;

/// By full name, in any case.
const NAMES: &[&str] = &[
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "ssl_cert_file",
    "ssl_cert_dir",
    "curl_ca_bundle",
    "requests_ca_bundle",
    "node_extra_ca_certs",
    "git_ssl_cainfo",
    "pip_cert",
    "pip_index_url",
    "pip_extra_index_url",
    "uv_index_url",
    "npm_config_registry",
    "npm_config_cafile",
    "yarn_registry",
    "goproxy",
    "gonosumdb",
    "gosumdb",
    "cargo_http_cainfo",
    "cargo_registries_crates_io_protocol",
];

pub(crate) fn collect() -> Vec<(String, String)> {
    std::env::vars().filter(|(name, _)| NAMES.contains(&name.to_lowercase().as_str())).collect()
}

/// rustup's home directory, where there is one.
pub(crate) fn rustup() -> Option<PathBuf> {
    let own = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
    let usual = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".rustup"));
    own.or_else(usual).filter(|path| path.is_dir())
}
