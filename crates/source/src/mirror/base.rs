//! Names: of a mirror, of a repository in it, of a reference.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::MirrorError;

/// The longest of each part of a name, and of a reference.
const MAX_NAME: usize = 100;
const MAX_REFERENCE: usize = 250;

/// Where a mirror's repositories are: at `owner/repo` below this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MirrorBase {
    /// Of this machine, absolute.
    Directory(PathBuf),
    /// `https://…` or `http://…`, without a slash at its end.
    Web(String),
}

/// Why something cannot be a mirror.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMirror {
    #[error("{} is no directory; a mirror has its repositories at DIR/owner/repo", .0.display())]
    NotADirectory(PathBuf),
    #[error(
        "'{0}' cannot be a mirror: name a directory, or an address that begins with https:// or http://"
    )]
    Scheme(String),
    #[error(
        "an address with a user or a password in it cannot be a mirror: it has to be readable without"
    )]
    Credentials,
    #[error("nothing, and an address with '?', '#' or blanks in it, cannot be a mirror")]
    Address,
}

impl FromStr for MirrorBase {
    type Err = InvalidMirror;

    /// A directory need not be there yet, but is nothing else.
    fn from_str(text: &str) -> Result<Self, InvalidMirror> {
        let web = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        if let Some(rest) = web {
            let host = rest.split('/').next().unwrap_or_default();
            if host.contains('@') {
                return Err(InvalidMirror::Credentials);
            }
            let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#');
            if host.is_empty() || rest.contains(odd) {
                return Err(InvalidMirror::Address);
            }
            return Ok(Self::Web(text.trim_end_matches('/').to_owned()));
        }
        let path = text.strip_prefix("file://").unwrap_or(text);
        if path.contains("://") {
            return Err(InvalidMirror::Scheme(text.to_owned()));
        }
        let path = std::path::absolute(path).map_err(|_| InvalidMirror::Address)?;
        if path.exists() && !path.is_dir() {
            return Err(InvalidMirror::NotADirectory(path));
        }
        Ok(Self::Directory(path))
    }
}

impl MirrorBase {
    /// Where git finds a repository. Below a directory it looks for `repo.git` too.
    pub(super) fn address(&self, repository: &ActionRepository) -> String {
        match self {
            Self::Directory(path) => format!("{}/{repository}", path.display()),
            Self::Web(address) => format!("{address}/{repository}"),
        }
    }

    /// What git may speak there.
    pub(super) fn protocols(&self) -> &'static str {
        match self {
            Self::Directory(_) => "file",
            Self::Web(address) if address.starts_with("https://") => "https",
            Self::Web(_) => "https:http",
        }
    }
}

/// `owner/repo`: two names, in the letters that a host of repositories takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActionRepository {
    owner: String,
    name: String,
}

impl ActionRepository {
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for ActionRepository {
    type Err = MirrorError;

    fn from_str(text: &str) -> Result<Self, MirrorError> {
        let is_name = |name: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            (1..=MAX_NAME).contains(&name.len())
                && name.chars().all(plain)
                && !name.starts_with(['.', '-'])
        };
        match text.split_once('/') {
            Some((owner, name)) if is_name(owner) && is_name(name) => {
                Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => Err(MirrorError::Invalid(format!(
                "'{text}' cannot be a repository: write 'owner/repo'"
            ))),
        }
    }
}

impl fmt::Display for ActionRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// A name that leads nowhere else: no expression over commits, no pattern, no option (git-check-ref-format(1)).
pub(super) fn check_reference(reference: &str) -> Result<(), MirrorError> {
    let odd =
        |c: char| c.is_control() || matches!(c, ' ' | '^' | '~' | ':' | '?' | '*' | '[' | '\\');
    let part = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    let is_odd = reference.len() > MAX_REFERENCE
        || reference.starts_with('-')
        || reference.ends_with('.')
        || reference == "@"
        || reference.contains("..")
        || reference.contains("@{")
        || reference.contains(odd)
        || reference.split('/').any(part);
    if is_odd {
        let shown: String = reference.chars().take(MAX_NAME).collect();
        return Err(MirrorError::Invalid(format!(
            "'{shown}' cannot be a tag, a branch or a commit"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_a_directory_or_an_address_without_credentials() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        let text = path.to_str().unwrap();
        for given in [text.to_owned(), format!("file://{text}"), format!("{text}/.")] {
            assert_eq!(given.parse::<MirrorBase>(), Ok(MirrorBase::Directory(path.clone())));
        }
        let missing = MirrorBase::Directory("/nowhere/at/all".into());
        assert_eq!("/nowhere/at/all".parse::<MirrorBase>(), Ok(missing));
        let web = "https://git.example.org/actions/".parse::<MirrorBase>().unwrap();
        let repository = "octo/hello".parse().unwrap();
        assert_eq!(web.address(&repository), "https://git.example.org/actions/octo/hello");
        for (given, words) in [
            ("https://me:secret@example.org/x", "a user or a password"),
            ("https://", "'?', '#' or blanks"),
            ("http://example.org/?x", "'?', '#' or blanks"),
            ("ssh://example.org/x", "begins with https://"),
            ("", "nothing, and an address"),
            ("/etc/passwd", "/etc/passwd is no directory"),
        ] {
            let error = given.parse::<MirrorBase>().unwrap_err().to_string();
            assert!(error.contains(words), "{given}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn names_lead_nowhere_else() {
        for given in ["octo/hello", "a-b/c.d_e", "o/r.git"] {
            assert_eq!(given.parse::<ActionRepository>().unwrap().to_string(), given);
        }
        for given in ["octo", "a/b/c", "../x", "a/..", "a/.git", "-x/y", "a/", "/b", "a b/c", "ö/x"]
        {
            assert!(given.parse::<ActionRepository>().is_err(), "{given}");
        }
        for given in ["v1", "v1.2.3", "releases/v1", "feature/a@b", "refs/tags/v1"] {
            check_reference(given).unwrap();
        }
        for given in
            ["", "-x", "a..b", "v1^{tree}", "a:b", "*", "a b", "@{0}", "a//b", "x.lock", "/x"]
        {
            assert!(check_reference(given).is_err(), "{given:?}");
        }
    }
}
