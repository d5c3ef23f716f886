//! `solum git-credential`: git's credential helper protocol (git-credential(1), "Input/output format").
//!
//! It answers for the server that is logged in to, over http, and stays silent for every other address, so that another
//! helper or the user may answer.

use std::io::{self, BufRead as _, Read as _};

use api::client::ServerUrl;
use clap::{Args, ValueEnum};

use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::{Outcome, output};

/// Git needs some user name; the token alone decides.
const USER: &str = "solum";
/// The most that git may say.
const MAX_QUESTION_BYTES: u64 = 64 << 10;

#[derive(Debug, Args)]
pub(crate) struct GitCredential {
    operation: Operation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Operation {
    Get,
    /// There is nothing to be stored.
    Store,
    /// `solum login` is how a token is replaced.
    Erase,
    /// Git asks newer helpers what they can do: nothing special.
    Capability,
}

impl GitCredential {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let question = read().map_err(|error| Failure::because("cannot read from git", &error))?;
        if self.operation != Operation::Get {
            return Ok(());
        }
        let Some(server) = asked_about(&question) else { return Ok(()) };
        match session.token(&server)? {
            Some(token) => {
                output::print(&format!("username={USER}\npassword={}\n", token.expose()))
            }
            None if session.server()?.as_ref() == Some(&server) => {
                // Without this git would ask for a user name, which helps nobody.
                output::print("quit=1\n")?;
                Err(Failure::failed(format!("there is no token for {server}"))
                    .hint(format!("`solum login {server}` stores one; SOLUM_TOKEN gives one")))
            }
            None => Ok(()),
        }
    }
}

fn read() -> io::Result<Vec<String>> {
    let input = io::stdin().lock().take(MAX_QUESTION_BYTES);
    input.lines().take_while(|line| line.as_ref().map_or(true, |line| !line.is_empty())).collect()
}

/// The server of the address that git has to reach.
fn asked_about(question: &[String]) -> Option<ServerUrl> {
    let value = |key: &str| {
        let mut values = question
            .iter()
            .filter_map(|line| line.split_once('='))
            .filter(|(name, _)| *name == key);
        Some(values.next_back()?.1)
    };
    if value("protocol")? != "http" || value("username").is_some_and(|user| user != USER) {
        return None;
    }
    format!("http://{}", value("host")?).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(question: &str) -> Option<String> {
        let lines: Vec<_> = question.lines().map(str::to_owned).collect();
        asked_about(&lines).map(|server| server.to_string())
    }

    #[test]
    fn the_address_is_put_together_from_its_parts() {
        assert_eq!(
            asked("protocol=http\nhost=127.0.0.1:7070\npath=shop.git\nwwwauth[]=Basic").unwrap(),
            "http://127.0.0.1:7070"
        );
    }

    #[test]
    fn what_is_not_ours_is_nobody() {
        assert_eq!(asked("protocol=https\nhost=127.0.0.1:7070"), None);
        assert_eq!(asked("protocol=http"), None);
        assert_eq!(asked("host=127.0.0.1:7070"), None);
        assert_eq!(asked("protocol=http\nhost=a\nusername=alice"), None);
        assert_eq!(asked("protocol=http\nhost=a/b"), None);
    }
}
