//! Arguments that several commands share.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::str::FromStr;

use clap::Args;
use types::{AppName, EnvironmentName};

use super::failure::Failure;

/// The app that a command is about.
#[derive(Debug, Args)]
pub(crate) struct AppArgument {
    /// The app; may be left out inside a repository whose remote `solum` points to the server
    #[arg(value_name = "APP")]
    pub(crate) app: Option<AppName>,
}

#[derive(Debug, Args)]
pub(crate) struct EnvironmentOption {
    /// The environment; may be left out where the app has only one
    #[arg(long = "env", value_name = "ENV")]
    pub(crate) environment: Option<EnvironmentName>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct JsonOption {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DetachOption {
    /// Do not wait for the run to end; print its id
    #[arg(long)]
    pub(crate) detach: bool,
}

/// An address to listen on. Of a name's addresses the first of IPv4 is taken, as git and browsers find that one too.
pub(crate) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let expected = "write HOST:PORT, as in 127.0.0.1:7070, [::1]:7070 or localhost:0";
    let found = text.to_socket_addrs().map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidInput => expected.to_owned(),
        _ => format!("{error}; {expected}"),
    })?;
    let mut found: Vec<SocketAddr> = found.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    found.first().copied().ok_or_else(|| expected.to_owned())
}

/// An app, which may be left out, and `NAME=VALUE`s.
#[derive(Debug)]
pub(crate) struct Assignments<N, V> {
    pub(crate) app: Option<AppName>,
    pub(crate) pairs: Vec<(N, V)>,
}

impl<N, V> Assignments<N, V>
where
    N: FromStr<Err: std::fmt::Display>,
    V: FromStr<Err: std::fmt::Display>,
{
    /// Tells the app apart by its place and by having no `=`.
    pub(crate) fn read(arguments: Vec<String>) -> Result<Self, Failure> {
        let mut read = Self { app: None, pairs: Vec::new() };
        for (index, argument) in arguments.into_iter().enumerate() {
            match argument.split_once('=') {
                Some((name, value)) => read.pairs.push((
                    name.parse().map_err(|error: N::Err| Failure::usage(error.to_string()))?,
                    value
                        .parse()
                        .map_err(|error: V::Err| Failure::usage(format!("`{name}`: {error}")))?,
                )),
                None if index == 0 => read.app = Some(app(&argument)?),
                None => {
                    return Err(Failure::usage(format!("`{argument}` has no value"))
                        .hint(format!("write {argument}=VALUE")));
                }
            }
        }
        Ok(read)
    }
}

fn app(argument: &str) -> Result<AppName, Failure> {
    argument.parse().map_err(|error: types::InvalidName| {
        Failure::usage(error.to_string()).hint("values are given as NAME=VALUE")
    })
}

#[cfg(test)]
mod tests {
    use types::{ProcessType, VariableName};

    use super::*;

    fn read(arguments: &[&str]) -> Result<Assignments<VariableName, String>, Failure> {
        Assignments::read(arguments.iter().map(|argument| (*argument).to_owned()).collect())
    }

    #[test]
    fn the_app_may_be_left_out() {
        let pair = ("A".parse().unwrap(), "b=c".to_owned());
        let alone = read(&["A=b=c"]).unwrap();
        assert_eq!((alone.app, &alone.pairs[..]), (None, &[pair.clone()][..]));
        let named = read(&["shop", "A=b=c"]).unwrap();
        assert_eq!((named.app.unwrap().as_str(), &named.pairs[..]), ("shop", &[pair][..]));
    }

    #[test]
    fn what_is_neither_an_app_nor_an_assignment_is_refused() {
        for arguments in [&["shop", "A"][..], &["A"], &["1A=b"]] {
            assert!(matches!(read(arguments), Err(Failure::Usage(_))), "{arguments:?}");
        }
    }

    #[test]
    fn where_to_listen_may_be_a_name() {
        let address = |text| listen_address(text).unwrap();
        assert_eq!(address("127.0.0.1:7070").to_string(), "127.0.0.1:7070");
        assert_eq!(address("[::1]:80").to_string(), "[::1]:80");
        assert!(address("localhost:0").ip().is_loopback());
        for bad in ["7070", "localhost", "localhost:", "127.0.0.1:70000"] {
            assert!(listen_address(bad).unwrap_err().contains("HOST:PORT"), "{bad}");
        }
    }

    #[test]
    fn a_count_is_a_number() {
        let arguments = vec!["web=many".to_owned()];
        assert!(Assignments::<ProcessType, u32>::read(arguments).is_err());
    }
}
