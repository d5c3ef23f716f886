//! `solum login`: keeps the address of a server and a token for it.

use std::fs::File;
use std::io::{self, BufRead as _, Read as _};
use std::path::{Path, PathBuf};

use api::client::{Client, ServerUrl};
use clap::Args;
use types::Secret;

use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::{Outcome, output, prompt};

/// The most that is read where a token should be.
const MAX_TOKEN_BYTES: u64 = 4096;

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The address of the server, as in http://127.0.0.1:7070; else that of SOLUM_URL
    #[arg(value_name = "URL")]
    server: Option<String>,
    /// The file that the token stands in, as admin.token in the server's data directory; else SOLUM_TOKEN, else it is
    /// asked for
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl Login {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let server = match self.server {
            Some(server) => {
                server.parse::<ServerUrl>().map_err(|error| Failure::usage(error.to_string()))?
            }
            None => session.server()?.ok_or_else(|| {
                Failure::usage("which server?").hint("`solum login http://HOST:PORT`")
            })?,
        };
        let token = match (&self.token_file, session.given_token()) {
            (Some(path), _) => from_file(path)?,
            (None, Some(token)) => token.clone(),
            (None, None) => ask(&server)?,
        };
        let who = Client::new(server.clone(), Some(token.clone())).whoami()?;
        let credentials = session.credentials()?;
        credentials.store(&server, &token)?;
        output::say(&format!(
            "Logged in to {server} as {}; kept in {}.",
            who.name,
            credentials.path().display()
        ));
        Ok(())
    }
}

fn from_file(path: &Path) -> Result<Secret, Failure> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_TOKEN_BYTES).read_to_string(&mut text))
        .map_err(|error| Failure::because(format!("cannot read {}", path.display()), &error))?;
    token(&text)
}

fn ask(server: &ServerUrl) -> Result<Secret, Failure> {
    let quiet = prompt::ask(&format!("Token for {server}: "));
    let mut line = String::new();
    io::stdin()
        .lock()
        .take(MAX_TOKEN_BYTES)
        .read_line(&mut line)
        .map_err(|error| Failure::because("cannot read the token from stdin", &error))?;
    drop(quiet);
    token(&line)
}

fn token(text: &str) -> Result<Secret, Failure> {
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::failed("this is not a token")
            .hint("the first token stands in admin.token in the server's data directory"));
    }
    Ok(Secret::new(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_line_is_not_part_of_the_token() {
        assert_eq!(token("solum_abc\r\n").unwrap().expose(), "solum_abc");
    }

    #[test]
    fn what_cannot_be_a_token_is_refused_and_not_repeated() {
        for bad in ["", "\n", "two words", "päss"] {
            let failure = token(bad).unwrap_err();
            assert!(bad.trim().is_empty() || !format!("{failure:?}").contains(bad), "{failure:?}");
        }
    }
}
