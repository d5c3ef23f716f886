//! The `git` program: where it is, whether it is new enough, and in which surroundings it runs.
//!
//! Every invocation starts from an empty environment and reads one configuration file, ours; what the
//! machine's or the operator's own git configuration says never takes part.

mod invocation;
mod version;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Error;
pub(crate) use invocation::{Invocation, Output, Running, failed, read_stderr};
pub use version::{GitVersion, InvalidGitVersion};

/// How git is found and for how long it may work.
#[derive(Debug, Clone)]
pub struct GitConfig {
    /// The program; without one, the first `git` in `search_path`.
    pub program: Option<PathBuf>,
    /// `PATH` of git and of what it runs.
    pub search_path: OsString,
    /// Variables that a fetch of a submodule needs to reach the network: proxies and certificates.
    pub network_environment: Vec<(OsString, OsString)>,
    /// For what answers at once: reading and moving refs.
    pub timeout: Duration,
    /// For what takes as long as a repository is large: checking out, collecting garbage.
    pub long_timeout: Duration,
    /// For the fetch of one submodule.
    pub submodule_timeout: Duration,
}

impl GitConfig {
    const NETWORK_VARIABLES: [&str; 10] = [
        "http_proxy",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
        "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH",
        "GIT_PROXY_SSL_CAINFO",
    ];

    /// The usual timeouts, and of this process's environment what git needs.
    #[must_use]
    pub fn from_environment() -> Self {
        let mut network_environment: Vec<_> = Self::NETWORK_VARIABLES
            .iter()
            .filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)))
            .collect();
        // Git does not know the variable by which most other programs are told of certificates.
        if std::env::var_os("GIT_SSL_CAINFO").is_none()
            && let Some(file) = std::env::var_os("SSL_CERT_FILE")
        {
            network_environment.push((OsString::from("GIT_SSL_CAINFO"), file));
        }
        Self {
            program: None,
            search_path: std::env::var_os("PATH")
                .unwrap_or_else(|| OsString::from("/usr/local/bin:/usr/bin:/bin")),
            network_environment,
            timeout: Duration::from_secs(30),
            long_timeout: Duration::from_secs(600),
            submodule_timeout: Duration::from_secs(120),
        }
    }
}

/// A git that was found and is new enough.
#[derive(Debug, Clone)]
pub struct Git {
    config: GitConfig,
    program: PathBuf,
    version: GitVersion,
}

impl Git {
    /// Looks for git and asks it for its version.
    pub async fn find(config: GitConfig) -> Result<Self, Error> {
        let program = match &config.program {
            Some(program) => program.clone(),
            None => search(&config.search_path).ok_or(Error::GitMissing)?,
        };
        let mut git = Self { config, program, version: GitVersion::OLDEST };
        let output = git.invoke("version", None).arg("version").text().await?;
        git.version = match output.trim().parse() {
            Ok(version) => version,
            Err(source) => return Err(Error::GitUnknown { program: git.program, source }),
        };
        if git.version < GitVersion::OLDEST {
            return Err(Error::GitTooOld { program: git.program, found: git.version });
        }
        Ok(git)
    }

    #[must_use]
    pub fn version(&self) -> GitVersion {
        self.version
    }

    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// One run of git; `what` names it in errors. Without a configuration file only built-in defaults hold.
    pub(crate) fn invoke(&self, what: &'static str, configuration: Option<&Path>) -> Invocation {
        Invocation::new(self, what, configuration.unwrap_or(Path::new("/dev/null")))
    }

    pub(crate) fn config(&self) -> &GitConfig {
        &self.config
    }
}

fn search(path: &std::ffi::OsStr) -> Option<PathBuf> {
    std::env::split_paths(path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join("git"))
        .find(|candidate| rustix::fs::access(candidate, rustix::fs::Access::EXEC_OK).is_ok())
}
