//! The server's own log: to stderr, as lines for people or as JSON (`SOLUM_LOG_FORMAT=json`); `SOLUM_LOG` filters it, as in
//! `SOLUM_LOG=debug` or `SOLUM_LOG=info,control=debug`.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

pub(crate) fn start() {
    let filter = EnvFilter::try_from_env("SOLUM_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::env::var("SOLUM_LOG_FORMAT").is_ok_and(|format| format == "json") {
        log.json().init();
    } else {
        log.with_ansi(std::io::stderr().is_terminal()).init();
    }
}
