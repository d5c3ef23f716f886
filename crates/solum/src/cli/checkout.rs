//! The git repository that the command was given in, through the git program.
//!
//! Nothing here is an error when there is no repository or no git: then there is just nothing to be learnt.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use api::client::ServerUrl;
use types::AppName;

use super::failure::Failure;

/// The name of the remote that points to a server.
pub(crate) const REMOTE: &str = "solum";

/// A repository around the current directory.
#[derive(Debug)]
pub(crate) struct Checkout(());

impl Checkout {
    pub(crate) fn here() -> Option<Self> {
        let directory = git(["rev-parse", "--git-dir"]).ok()??;
        (!directory.is_empty()).then_some(Self(()))
    }

    /// The directory of its files; none if it has none.
    pub(crate) fn root(&self) -> Option<PathBuf> {
        let root = git(["rev-parse", "--show-toplevel"]).ok()??;
        (!root.is_empty()).then(|| PathBuf::from(root))
    }

    /// The address of the remote, if it is there.
    pub(crate) fn remote(&self) -> Option<String> {
        git(["remote", "get-url", REMOTE]).ok()?
    }

    /// The branch that is checked out, whether or not it has a commit yet.
    pub(crate) fn branch(&self) -> Option<String> {
        git(["symbolic-ref", "--quiet", "--short", "HEAD"]).ok()?
    }

    pub(crate) fn has_branch(&self, branch: &str) -> bool {
        let reference = format!("refs/heads/{branch}");
        matches!(git(["show-ref", "--verify", "--quiet", &reference]), Ok(Some(_)))
    }

    /// Whether there is a commit to push.
    pub(crate) fn has_commit(&self) -> bool {
        matches!(git(["rev-parse", "--quiet", "--verify", "HEAD^{commit}"]), Ok(Some(_)))
    }

    pub(crate) fn add_remote(&self, url: &str) -> Result<(), Failure> {
        must(["remote", "add", REMOTE, url])
    }

    /// Has git ask this program, and nobody else, for the credential of `server`. Other helpers are shut out for this
    /// address, as they would store the token where it does not belong.
    pub(crate) fn use_credential_helper(&self, server: &ServerUrl) -> Result<(), Failure> {
        let key = credential_key(server);
        must(["config", "--local", "--replace-all", &key, ""])?;
        let helper = credential_helper()?;
        must([OsStr::new("config"), "--local".as_ref(), "--add".as_ref(), key.as_ref(), &helper])
    }
}

/// Clones `url` with the remote and the credential helper that a repository of an app has. Git shows how it goes.
pub(crate) fn clone(server: &ServerUrl, url: &str, directory: &Path) -> Result<(), Failure> {
    let key = credential_key(server);
    let mut ours = OsString::from(format!("{key}="));
    ours.push(credential_helper()?);
    let status = Command::new("git")
        .args(["clone", "--origin", REMOTE, "--config", &format!("{key}="), "--config"])
        .arg(ours)
        .args(["--", url])
        .arg(directory)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| Failure::because("cannot run git", &error))?;
    if status.success() { Ok(()) } else { Err(Failure::failed("git did not clone the repository")) }
}

fn credential_key(server: &ServerUrl) -> String {
    format!("credential.{server}.helper")
}

fn credential_helper() -> Result<OsString, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::because("cannot tell where this program is", &error))?;
    let mut helper = OsString::from("!");
    helper.push(shell_quoted(program.as_os_str()));
    helper.push(" git-credential");
    Ok(helper)
}

/// The server and the app that the address of a remote names.
pub(crate) fn app_of(url: &str) -> Option<(ServerUrl, AppName)> {
    let (server, path) = ServerUrl::split(url).ok()?;
    let name = path.strip_prefix('/')?.trim_end_matches('/');
    Some((server, name.strip_suffix(".git").unwrap_or(name).parse().ok()?))
}

/// Quotes for sh(1): git gives a helper that starts with `!` to a shell.
fn shell_quoted(program: &OsStr) -> OsString {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    let mut quoted = vec![b'\''];
    for byte in program.as_bytes() {
        match byte {
            b'\'' => quoted.extend_from_slice(br"'\''"),
            byte => quoted.push(*byte),
        }
    }
    quoted.push(b'\'');
    OsString::from_vec(quoted)
}

fn must<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> Result<(), Failure> {
    match git(arguments) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(Failure::failed("git refused to change the repository's configuration")),
        Err(error) => Err(Failure::because("cannot run git", &error)),
    }
}

/// What git prints, without the last newline; `None` when it says no.
fn git<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> io::Result<Option<String>> {
    let output =
        Command::new("git").args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success().then(|| text.trim_end_matches('\n').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_remote_names_server_and_app() {
        let (server, app) = app_of("http://127.0.0.1:7070/shop.git").unwrap();
        assert_eq!(server.to_string(), "http://127.0.0.1:7070");
        assert_eq!(app.as_str(), "shop");
        assert_eq!(app_of("http://127.0.0.1:7070/shop/").unwrap().1.as_str(), "shop");
    }

    #[test]
    fn the_address_of_something_else_names_nothing() {
        for url in [
            "git@github.com:a/b.git",
            "https://github.com/a/b.git",
            "http://127.0.0.1:7070/a/b.git",
            "http://127.0.0.1:7070/",
            "/srv/git/shop.git",
        ] {
            assert!(app_of(url).is_none(), "{url}");
        }
    }

    #[test]
    fn the_program_may_stand_in_any_directory() {
        assert_eq!(shell_quoted("/opt/it's here/solum".as_ref()), r"'/opt/it'\''s here/solum'");
    }
}
